//! Leaves the quantising of an input to the caller, who writes it into the arena or gives it row by row.
//!
//! ```text
//! quantize(input f32)  ->  input u8, and the scale that the caller quantises it with
//! ```
//! Not one of the passes: an input that the caller lends stays what the model says it is.

use crate::ir::{Affine, Dtype, Graph, NodeId, Op, Quant};
use crate::objective::Feed;
use crate::pass::edit::replace;

/// Makes inputs that are only quantised bytes, where `feed` says that the caller brings them.
pub fn run(graph: &mut Graph, feed: Feed) {
    if feed == Feed::Caller {
        return;
    }
    for input in graph.inputs.clone() {
        let Some((reader, scale)) = quantiser(graph, input) else { continue };
        graph.node_mut(input).out.dtype = Dtype::U8;
        graph.scales.insert(input, scale);
        replace(graph, reader, input);
    }
}

/// The operator that quantises an input for all who read it, and how.
fn quantiser(graph: &Graph, input: NodeId) -> Option<(NodeId, Affine)> {
    let reader = graph.only_reader(input)?;
    match graph.node(reader).op {
        Op::Quant(Quant::Quantize(scale)) if !graph.is_output(reader) => Some((reader, scale)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Output, Tensor};

    #[test]
    fn an_input_that_is_quantised_becomes_bytes() {
        let mut graph = Graph::default();
        let scale = Affine { scale: 0.5, zero: 7 };
        let x = graph.add_input("x", Tensor::f32([4]));
        let bytes = Tensor { dtype: Dtype::U8, ..Tensor::f32([4]) };
        let q = graph.add("q", Op::Quant(Quant::Quantize(scale)), bytes, &[x]);
        let y = graph.add("y", Op::Quant(Quant::Dequantize(scale)), Tensor::f32([4]), &[q]);
        graph.outputs.push(Output { name: "y".into(), node: y });
        let lent = graph.clone();
        run(&mut graph, Feed::Caller);
        assert_eq!(graph.operand(y, 0), lent.operand(y, 0));
        run(&mut graph, Feed::Arena);
        assert_eq!(graph.operand(y, 0), Some(x));
        assert_eq!((graph.node(x).out.dtype, graph.scales[&x]), (Dtype::U8, scale));
        assert!(crate::ir::verify::verify(&graph).is_empty());
    }
}
