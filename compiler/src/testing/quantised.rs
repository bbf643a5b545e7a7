//! Quantised networks, made of float networks: a value between two operators is quantised and dequantised.

use std::collections::BTreeMap;

use crate::ir::{Affine, Dtype, Graph, NodeId, Op, Port, Quant, Tensor, Unpack, Values};

/// The scale of every value: bytes reach beyond the few units of random networks.
const SCALE: f32 = 0.05;

/// `graph` with bytes between its operators, and weights of bytes.
pub(super) fn quantised(mut graph: Graph) -> Graph {
    let mut zeros: BTreeMap<NodeId, u8> = BTreeMap::new();
    for id in graph.order().expect("random graphs are acyclic") {
        match graph.node(id).op {
            Op::Const(_) => continue,
            Op::Conv(_) | Op::Gemm(_) | Op::MatMul => pack_weights(&mut graph, id),
            // Other operators have no weights.
            _ => {}
        }
        if graph.node(id).out.dtype == Dtype::F32 {
            // What only moves or chooses elements keeps their scale.
            let moved = graph.operand(id, 0).filter(|_| graph.node(id).op.moves());
            let kept = moved.and_then(|x| zeros.get(&x).copied());
            let zero = kept.unwrap_or(120 + id.number() as u8 % 2);
            zeros.insert(round(&mut graph, id, Affine { scale: SCALE, zero }), zero);
        }
    }
    graph
}

/// Redirects the readers of `id` to reals of its bytes; the node that makes those.
fn round(graph: &mut Graph, id: NodeId, affine: Affine) -> NodeId {
    let (name, reals) = (graph.node(id).name.clone(), graph.node(id).out.clone());
    let bytes = Tensor { dtype: Dtype::U8, ..reals.clone() };
    let quantise = Op::Quant(Quant::Quantize(affine));
    let quantised = graph.insert_after(id, format!("{name}.quantised"), quantise, bytes);
    let dequantise = Op::Quant(Quant::Dequantize(affine));
    graph.insert_after(quantised, format!("{name}.reals"), dequantise, reals)
}

/// Makes the constant weights of `id` bytes about zero.
fn pack_weights(graph: &mut Graph, id: NodeId) {
    let Some(weights) = graph.operand(id, 1) else { return };
    let Some(floats) = graph.constant(weights).and_then(Values::as_f32) else { return };
    let greatest = floats.iter().fold(1e-3f32, |most, w| most.max(w.abs()));
    let scale = greatest / 127.0;
    let bytes = floats.iter().map(|w| (w / scale).round() as i8).collect();
    let (name, out) = (graph.node(weights).name.clone(), graph.node(weights).out.clone());
    let packed = graph.add_const(format!("{name}.bytes"), out.shape.clone(), Values::I8(bytes));
    let how = Unpack { axis: 0, scales: vec![scale], zeros: vec![0] };
    let unpacked = graph.add(name, Op::Quant(Quant::Unpack(how)), out, &[packed]);
    graph.connect(unpacked, id, Port(1));
}
