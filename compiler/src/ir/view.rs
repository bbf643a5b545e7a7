//! Views: nodes that move nothing, since their elements lie in the same order before and after, so they cost no step.
//!
//! Operators that only rename elements can be views; whether one is depends on the layouts at both of its ends.

use crate::ir::{Graph, NodeId, Op, Tensor};

/// True if every element of `id`'s result lies where it lies in its operand.
pub fn is_view(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let operand = graph.operand(id, 0);
    operand.is_some_and(|x| moves_nothing(&node.op, &graph.node(x).out, &node.out))
}

/// The node whose memory `id` is: itself, or what it is a view of.
pub fn base(graph: &Graph, mut id: NodeId) -> NodeId {
    while is_view(graph, id) {
        match graph.operand(id, 0) {
            Some(operand) => id = operand,
            None => return id,
        }
    }
    id
}

/// `id` and all views of it.
pub fn aliases(graph: &Graph, id: NodeId) -> Vec<NodeId> {
    let mut aliases = vec![id];
    let mut at = 0;
    while let Some(alias) = aliases.get(at).copied() {
        let views = graph.readers(alias).into_iter();
        let views = views.filter(|(reader, port)| port.0 == 0 && is_view(graph, *reader));
        aliases.extend(views.map(|(id, _)| id));
        at += 1;
    }
    aliases
}

/// True if `op` makes `to` of `from` without moving an element. Operators that compute always move.
pub fn moves_nothing(op: &Op, from: &Tensor, to: &Tensor) -> bool {
    op.define(|op| op.is_view(from, to))
}

/// Lengths of parts that make both shapes, those of a dimension side by side; none if two dimensions cut through each
/// other.
pub fn refine(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let (mut a, mut b) = (a.iter().rev().copied().peekable(), b.iter().rev().copied().peekable());
    let (mut left, mut right) = (a.next().unwrap_or(1), b.next().unwrap_or(1));
    let mut axes = Vec::new();
    loop {
        let common = left.min(right);
        if common > 0 && (left % common != 0 || right % common != 0) {
            return None;
        }
        axes.push(common);
        (left, right) = (left.checked_div(common)?, right.checked_div(common)?);
        if left == 1 {
            left = a.next().unwrap_or(1);
        }
        if right == 1 {
            right = b.next().unwrap_or(1);
        }
        if left == 1 && right == 1 && a.peek().is_none() && b.peek().is_none() {
            axes.reverse();
            return Some(axes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Layout;

    const TO_NCHW: [usize; 4] = [0, 3, 1, 2];

    fn tensor(shape: &[usize], layout: Layout) -> Tensor {
        Tensor { layout, ..Tensor::f32(shape) }
    }

    fn rows(shape: &[usize]) -> Tensor {
        tensor(shape, Layout::RowMajor)
    }

    fn nhwc(shape: &[usize]) -> Tensor {
        tensor(shape, Layout::Nhwc)
    }

    #[test]
    fn a_transpose_that_the_layout_undoes_is_a_view() {
        let op = Op::Transpose(TO_NCHW.to_vec());
        let picture = rows(&[1, 4, 5, 3]);
        assert!(moves_nothing(&op, &picture, &nhwc(&[1, 3, 4, 5])));
        assert!(!moves_nothing(&op, &picture, &rows(&[1, 3, 4, 5])));
    }

    #[test]
    fn dimensions_of_one_index_are_free() {
        let op = Op::Transpose(TO_NCHW.to_vec());
        assert!(moves_nothing(&op, &rows(&[1, 4, 5, 1]), &rows(&[1, 1, 4, 5])));
        assert!(moves_nothing(&Op::Relayout, &nhwc(&[1, 7, 1, 1]), &rows(&[1, 7, 1, 1])));
        assert!(!moves_nothing(&Op::Relayout, &nhwc(&[1, 7, 2, 1]), &rows(&[1, 7, 2, 1])));
    }

    #[test]
    fn a_reshape_is_a_view_of_rows_only() {
        assert!(moves_nothing(&Op::Reshape, &rows(&[1, 3, 4, 5]), &rows(&[3, 20])));
        assert!(!moves_nothing(&Op::Reshape, &nhwc(&[1, 3, 4, 5]), &rows(&[3, 20])));
        assert!(moves_nothing(&Op::Reshape, &nhwc(&[1, 8, 1, 1]), &rows(&[1, 8])));
    }
}
