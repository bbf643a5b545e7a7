//! Bounds of a value under the names that exporters give them.

use crate::ir::{Binary, Clamp, Graph, NodeId, Op, Unary};
use crate::pass::constant::scalar;
use crate::pass::edit::x;

/// The bounded value and its bounds, from a clamp or an operator that [`as_clamp`] knows.
pub(crate) fn bounded(graph: &Graph, id: NodeId) -> Option<(NodeId, Clamp)> {
    match graph.node(id).op {
        Op::Clamp(clamp) => Some((x(graph, id), clamp)),
        // Bounds may be written in other operators.
        _ => as_clamp(graph, id),
    }
}

/// The bounded value and its bounds, if `id` is an operator of another name that only bounds.
pub(crate) fn as_clamp(graph: &Graph, id: NodeId) -> Option<(NodeId, Clamp)> {
    let at_least = |lo| Clamp { lo, ..Clamp::NONE };
    let at_most = |hi| Clamp { hi, ..Clamp::NONE };
    match graph.node(id).op {
        Op::Binary(Binary::Max) => with_scalar(graph, id).map(|(x, lo)| (x, at_least(lo))),
        Op::Binary(Binary::Min) => with_scalar(graph, id).map(|(x, hi)| (x, at_most(hi))),
        Op::PRelu => with_scalar(graph, id)
            .filter(|(operand, slope)| *slope == 0.0 && *operand == x(graph, id))
            .map(|(x, _)| (x, Clamp::RELU)),
        Op::Unary(Unary::LeakyRelu(0.0)) => Some((x(graph, id), Clamp::RELU)),
        // No other operator bounds what it reads.
        _ => None,
    }
}

/// The operand of the result's shape and the number the other one is throughout.
pub(crate) fn with_scalar(graph: &Graph, id: NodeId) -> Option<(NodeId, f32)> {
    let shape = &graph.node(id).out.shape;
    let (a, b) = (graph.operand(id, 0)?, graph.operand(id, 1)?);
    let pair = |x: NodeId, c| {
        let number = scalar(graph, c, shape)?;
        (graph.node(x).out.shape == *shape && !number.is_nan()).then_some((x, number))
    };
    pair(a, b).or_else(|| pair(b, a))
}
