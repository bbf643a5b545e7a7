//! The law of operators on bytes: element types, constant weights, and as many factors as channels.

use crate::ir::quant::MAX_DEPTH;
use crate::ir::{Dtype, Graph, NodeId, Op, Quant, To};

/// What is wrong with the element types of `id`, or with the numbers of its operator.
pub(super) fn breach(graph: &Graph, id: NodeId) -> Option<String> {
    match &graph.node(id).op {
        Op::Quant(quant) => types(graph, id, quant).or_else(|| numbers(graph, id, quant)),
        op => unmoved(graph, id, op),
    }
}

/// Bytes that an operator on floats reads, or makes: those that only move take any type, and the bytes of a picture
/// become floats in a convolution or where nothing else is done.
fn unmoved(graph: &Graph, id: NodeId, op: &Op) -> Option<String> {
    let is_byte = |dtype| matches!(dtype, Dtype::U8 | Dtype::I8);
    let out = graph.node(id).out.dtype;
    let operands = graph.operands(id).into_iter();
    let mut operands = operands.map(|(port, operand)| (port, graph.node(operand).out.dtype));
    let wrong = operands.find(|(port, dtype)| {
        let same = *dtype == out && op.moves();
        let widens = matches!(op, Op::Identity | Op::Conv(_)) && port.0 == 0;
        let picture = widens && (*dtype, out) == (Dtype::U8, Dtype::F32);
        (is_byte(*dtype) || is_byte(out)) && !same && !picture
    });
    wrong.map(|(_, dtype)| format!("{} makes {out} of {dtype}", op.name()))
}

fn types(graph: &Graph, id: NodeId, quant: &Quant) -> Option<String> {
    let dtype = |port: usize| graph.operand(id, port).map(|x| graph.node(x).out.dtype);
    let is = |port: usize, wanted: Dtype| dtype(port).is_none_or(|dtype| dtype == wanted);
    let is_const = |port: usize| {
        graph.operand(id, port).is_none_or(|operand| graph.constant(operand).is_some())
    };
    let out = graph.node(id).out.dtype;
    let reads = match quant {
        Quant::Quantize(_) => is(0, Dtype::F32),
        Quant::Unpack(_) => is_const(0),
        Quant::Flip => matches!(dtype(0), Some(Dtype::U8 | Dtype::I8)),
        Quant::Conv(_) | Quant::Dense(_) => {
            let weights = is(1, Dtype::I8) && is_const(1) && is(2, Dtype::I32) && is_const(2);
            weights && is(0, Dtype::U8) && is(3, Dtype::U8)
        }
        Quant::Add(_) | Quant::Mul(_) => is(0, Dtype::U8) && is(1, Dtype::U8),
        Quant::Dequantize(_) | Quant::Average(_) | Quant::Mean(_) => is(0, Dtype::U8),
        Quant::Softmax(_) | Quant::Table(_) => is(0, Dtype::U8),
    };
    let fits = reads && dtype(0).map(|x| quant.dtype(x)) == Some(out);
    let operands = graph.operands(id);
    let read: Vec<String> =
        operands.iter().map(|(_, operand)| graph.node(*operand).out.to_string()).collect();
    (!fits).then(|| format!("makes {out} of {}", read.join(", ")))
}

fn numbers(graph: &Graph, id: NodeId, quant: &Quant) -> Option<String> {
    let out = &graph.node(id).out;
    if let Quant::Softmax(softmax) = quant {
        return (softmax.axis >= out.shape.len())
            .then(|| format!("has no dimension {} in {out}", softmax.axis));
    }
    let w = graph.operand(id, 1).map(|w| graph.node(w).out.shape.as_slice());
    let (channels, depth) = match (quant, w) {
        (Quant::Conv(conv), Some([m, rest @ ..])) => {
            if conv.residual.is_some() != graph.operand(id, 3).is_some() {
                return Some("has a residual without scales, or scales without one".into());
            }
            if conv.residual.is_some() && conv.requant.to == To::Floats {
                return Some("adds bytes to floats".into());
            }
            (*m, rest.iter().product())
        }
        (Quant::Dense(_), Some([k, n])) => (*n, *k),
        (Quant::Mean(_), _) => (1, 1),
        _ => return None,
    };
    let factors = quant.requant().map_or(channels, |requant| requant.multipliers.len());
    let bias = graph.operand(id, 2).map_or(channels, |bias| graph.node(bias).out.len());
    if factors != channels || bias != channels {
        return Some(format!("has {factors} factors and {bias} biases for {out}"));
    }
    (depth > MAX_DEPTH).then(|| format!("sums {depth} products; {MAX_DEPTH} is the most"))
}
