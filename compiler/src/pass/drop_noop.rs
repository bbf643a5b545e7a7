//! Drops operators that change nothing, and merges neighbours that only view.
//!
//! ```text
//! relu(identity(x)), x * 1, x + 0, clamp without bounds, concat of one   ->  x
//! transpose(transpose(x))  ->  transpose(x)        reshape(reshape(x))  ->  reshape(x)
//! ```

use crate::error::Result;
use crate::ir::op::traits::Again;
use crate::ir::{Graph, NodeId, Op};
use crate::pass::edit::{reconnect, replace, x};
use crate::pass::permute::composed;
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Drops and merges; the number of nodes dropped or merged.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, |graph, id| Ok(merge(graph, id) || drop(graph, id)?)))
}

/// Makes a view of a view read the inner one's operand.
fn merge(graph: &mut Graph, id: NodeId) -> bool {
    let Some(inner) = graph.operand(id, 0) else {
        return false;
    };
    let merged = match (&graph.node(id).op, &graph.node(inner).op) {
        (Op::Reshape, Op::Reshape) => Op::Reshape,
        (Op::Transpose(outer), Op::Transpose(inner)) => Op::Transpose(composed(outer, inner)),
        // Other views of views are different by their kinds, or merged by passes of their own.
        _ => return false,
    };
    let source = x(graph, inner);
    graph.node_mut(id).op = merged;
    reconnect(graph, id, 0, source);
    true
}

fn drop(graph: &mut Graph, id: NodeId) -> Attempt {
    let Some(kept) = unchanged(graph, id) else {
        return Ok(false);
    };
    let (from, to) = (&graph.node(kept).out, &graph.node(id).out);
    if from.dtype != to.dtype {
        let reason = format!("it turns {} into {}", from.dtype, to.dtype);
        return Err(Skip::new(graph, id, reason));
    }
    if matches!(graph.node(kept).op, Op::Input) && graph.is_output(id) {
        let reason = "it copies an input of the model to an output";
        return Err(Skip::new(graph, id, reason));
    }
    replace(graph, id, kept);
    Ok(true)
}

/// The operand that `id` hands on unchanged.
fn unchanged(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let op = &graph.node(id).op;
    let twice = |x: &NodeId| op.traits().again == Again::Nothing && graph.node(*x).op == *op;
    let port = op.define(|op| op.unchanged(&graph.site(id)));
    let again = || graph.operand(id, 0).filter(twice);
    port.and_then(|port| graph.operand(id, port)).or_else(again)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Binary, Clamp, Dtype, Pad, PadMode, Pool, PoolKind, Slice, Tensor};
    use crate::pass::fixture::{Net, golden, left, refusals};

    #[test]
    fn copies_and_cancelling_views_go() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 4]);
        let copied = net.put(Op::Identity, &[x]);
        let there = net.put(Op::Transpose(vec![0, 2, 3, 1]), &[copied]);
        let back = net.put(Op::Transpose(vec![0, 3, 1, 2]), &[there]);
        let one = net.floats(&[1], &[1.0]);
        let same = net.put(Op::Binary(Binary::Mul), &[one, back]);
        let folded = net.shaped(Op::Reshape, &[6, 4], &[same]);
        let y = net.shaped(Op::Reshape, &[24], &[folded]);
        golden("drop_noop", run, net.answer(&[y]));
    }

    #[test]
    fn operators_that_change_nothing_go() {
        let pad = Pad { before: vec![0; 4], after: vec![0; 4], mode: PadMode::Edge };
        let slice = Slice { starts: vec![0; 4], steps: vec![1; 4] };
        let pool = Pool {
            kind: PoolKind::Max,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [2, 2],
            pads: [0; 4],
        };
        let noops = [
            Op::Pad(pad),
            Op::Slice(slice),
            Op::Pool(pool),
            Op::Clamp(Clamp::NONE),
            Op::Concat(1),
            Op::Expand,
        ];
        for op in noops {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 3, 4]);
            let bounded = net.clamp(x, Clamp::RELU);
            let y = net.shaped(op, &[1, 2, 3, 4], &[bounded]);
            assert_eq!(left(run, net.answer(&[y])), "input clamp");
        }
    }

    #[test]
    fn a_pool_of_one_pixel_goes_whatever_its_stride_would_be() {
        let pool = Pool {
            kind: PoolKind::Average,
            kernel: [1, 1],
            stride: [2, 2],
            dilation: [1, 1],
            pads: [0; 4],
        };
        for (size, ops) in [(1, "input clamp"), (2, "input clamp average_pool")] {
            let mut net = Net::default();
            let x = net.input(&[1, 2, size, size]);
            let bounded = net.clamp(x, Clamp::RELU);
            let y = net.put(Op::Pool(pool.clone()), &[bounded]);
            assert_eq!(left(run, net.answer(&[y])), ops);
        }
    }

    #[test]
    fn a_neutral_constant_that_broadcasts_x_stays() {
        let mut net = Net::default();
        let (x, zeros) = (net.input(&[1]), net.floats(&[3], &[0.0; 3]));
        let y = net.add(x, zeros);
        assert_eq!(left(run, net.answer(&[y])), "input add");
    }

    #[test]
    fn what_is_taken_from_zero_stays() {
        let mut net = Net::default();
        let (x, zero) = (net.input(&[3]), net.floats(&[], &[0.0]));
        let y = net.put(Op::Binary(Binary::Sub), &[zero, x]);
        assert_eq!(left(run, net.answer(&[y])), "input sub");
    }

    #[test]
    fn a_reversing_slice_stays() {
        let mut net = Net::default();
        let x = net.input(&[3]);
        let slice = Slice { starts: vec![2], steps: vec![-1] };
        let y = net.shaped(Op::Slice(slice), &[3], &[x]);
        assert_eq!(left(run, net.answer(&[y])), "input slice");
    }

    #[test]
    fn a_copy_from_end_to_end_stays() {
        let mut net = Net::default();
        let x = net.input(&[3]);
        let y = net.put(Op::Identity, &[x]);
        let reasons = refusals(run, net.answer(&[y]));
        assert_eq!(reasons, ["it copies an input of the model to an output"]);
    }

    #[test]
    fn a_cast_stays() {
        let mut graph = Graph::default();
        let wide = Tensor::f32([3]);
        let x = graph.add_input("x", Tensor { dtype: Dtype::F16, ..wide.clone() });
        graph.add("wide", Op::Identity, wide, &[x]);
        let mut skips = Skips::new();
        assert_eq!(run(&mut graph, &mut skips), Ok(0));
        assert_eq!(skips[0].reason, "it turns f16 into f32");
    }
}
