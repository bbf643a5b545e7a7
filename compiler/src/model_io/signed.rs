//! Signed bytes at the ends of a model: the caller has floats of the same values instead.
//!
//! ```text
//! input i8            ->  input f32, quantize 1@128, flip
//! output i8           ->  flip, dequantize 1@128
//! state i8            ->  state u8, and a flip on both sides
//! ```
//! Passes cancel the flips with those of the model.

use crate::ir::{Affine, Dtype, Graph, NodeId, Op, Quant, Tensor, Values};

const WHOLE: Affine = Affine { scale: 1.0, zero: 128 };

/// Makes `graph`, as read, take and give floats where it takes and gives signed bytes.
pub(super) fn widen(graph: &mut Graph) {
    keep_unsigned(graph);
    for id in graph.inputs.clone() {
        if graph.node(id).out.dtype == Dtype::I8 {
            let signed = graph.node(id).out.clone();
            let readers = graph.readers(id);
            graph.node_mut(id).out.dtype = Dtype::F32;
            let bytes = add(graph, id, Quant::Quantize(WHOLE), "bytes", Dtype::U8);
            let flipped = add(graph, bytes, Quant::Flip, "signed", signed.dtype);
            readers.into_iter().for_each(|(reader, port)| graph.connect(flipped, reader, port));
        }
    }
    for at in 0..graph.outputs.len() {
        let id = graph.outputs[at].node;
        if graph.node(id).out.dtype == Dtype::I8 && graph.constant(id).is_none() {
            let bytes = add(graph, id, Quant::Flip, "unsigned", Dtype::U8);
            let floats = add(graph, bytes, Quant::Dequantize(WHOLE), "floats", Dtype::F32);
            graph.outputs.set(at, floats);
        }
    }
}

/// Keeps states of signed bytes as unsigned ones, 128 greater.
fn keep_unsigned(graph: &mut Graph) {
    for at in 0..graph.states.len() {
        let id = graph.states[at].input;
        let signed = graph.node(id).out.clone();
        let Values::I8(start) = &graph.states[at].start else { continue };
        let start = start.iter().map(|q| q.cast_unsigned() ^ 128).collect();
        graph.states[at].start = Values::U8(start);
        let name = format!("{}/signed", graph.node(id).name);
        graph.node_mut(id).out.dtype = Dtype::U8;
        graph.insert_after(id, name, Op::Quant(Quant::Flip), signed);
        let next = add(graph, graph.outputs.kept()[at].node, Quant::Flip, "unsigned", Dtype::U8);
        graph.outputs.set(graph.outputs.len() + at, next);
    }
}

fn add(graph: &mut Graph, x: NodeId, quant: Quant, part: &str, dtype: Dtype) -> NodeId {
    let name = format!("{}/{part}", graph.node(x).name);
    let out = Tensor { dtype, ..graph.node(x).out.clone() };
    graph.add(name, Op::Quant(quant), out, &[x])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interp::{Array, run};
    use crate::ir::Output;
    use crate::pass::run_all;

    #[test]
    fn signed_bytes_become_floats_of_the_same_values() {
        let bytes = |dtype| Tensor { dtype, ..Tensor::f32([3]) };
        let mut graph = Graph::default();
        let x = graph.add_input("x", bytes(Dtype::I8));
        let there = graph.add("there", Op::Quant(Quant::Flip), bytes(Dtype::U8), &[x]);
        let halves = Box::new(std::array::from_fn(|q| 64 + q as u8 / 2));
        let half = Op::Quant(Quant::Table(halves));
        let half = graph.add("half", half, bytes(Dtype::U8), &[there]);
        let y = graph.add("y", Op::Quant(Quant::Flip), bytes(Dtype::I8), &[half]);
        graph.outputs.push(Output { name: "y".into(), node: y });
        let signed = Array { shape: vec![3], values: Values::I8(vec![-128, 3, 127]) };
        let answer = run(&graph, &[signed]).expect("the graph is sound").remove(0);
        assert_eq!(answer.values, Values::I8(vec![-64, 1, 63]));
        widen(&mut graph);
        run_all(&mut graph, |_, _, _| ()).expect("the graph is sound");
        let floats = Array::f32([3], vec![-128.0, 3.0, 127.0]);
        let answer = run(&graph, &[floats]).expect("the graph is sound").remove(0);
        assert_eq!(answer, Array::f32([3], vec![-64.0, 1.0, 63.0]));
        assert!(!graph.to_string().contains("flip"), "{graph}");
    }
}
