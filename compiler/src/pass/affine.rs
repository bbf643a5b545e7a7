//! Operators that scale and shift each channel by constants, widened to f64.

use crate::ir::{Binary, Graph, NodeId};
use crate::pass::constant::per_channel;
use crate::pass::layer::widened;

/// `x * scale + shift` along the channels of `x`.
pub(crate) struct Affine {
    pub(crate) x: NodeId,
    pub(crate) scale: Vec<f64>,
    pub(crate) shift: Vec<f64>,
}

/// Scale and shift that the binary operator `id` applies to each channel of its computed operand, if it does nothing
/// else.
pub(crate) fn binary(graph: &Graph, id: NodeId, binary: Binary) -> Option<Affine> {
    let shape = &graph.node(id).out.shape;
    let (a, b) = (graph.operand(id, 0)?, graph.operand(id, 1)?);
    let (x, constant, swapped) =
        if graph.constant(b).is_some() { (a, b, false) } else { (b, a, true) };
    if graph.node(x).out.shape != *shape {
        return None;
    }
    let c = widened(&per_channel(graph, constant, shape, 1)?);
    let same = |value| vec![value; c.len()];
    let (scale, shift) = match (binary, swapped) {
        (Binary::Add, _) => (same(1.0), c),
        (Binary::Sub, false) => (same(1.0), c.iter().map(|c| -c).collect()),
        (Binary::Sub, true) => (same(-1.0), c),
        (Binary::Mul, _) => (c.clone(), same(0.0)),
        (Binary::Div, false) => (c.iter().map(|c| 1.0 / c).collect(), same(0.0)),
        (Binary::Div, true) | (Binary::Min | Binary::Max | Binary::Pow, _) => return None,
        (Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessOrEqual, _) => return None,
        (Binary::Greater | Binary::GreaterOrEqual | Binary::Then | Binary::Else, _) => return None,
    };
    Some(Affine { x, scale, shift })
}
