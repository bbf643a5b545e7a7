//! Makes a mean over the whole image one reduction, however the file writes it.
//!
//! ```text
//! average_pool(x) over all of it       ->  reduce_mean(x, [2, 3])
//! reduce_mean(reduce_mean(x, 3), 2)    ->  reduce_mean(x, [2, 3])
//! ```
//! Sums and extremes are merged alike; a max pool over the whole image is a `reduce_max`, but of bytes, which no
//! reduction reads.

use crate::error::Result;
use crate::ir::{Graph, NodeId, Op, Pool, PoolKind, Reduce, Reducer};
use crate::pass::edit::{reconnect, sole_reader, x, x_tensor};
use crate::pass::{Attempt, Skips, fixpoint};

/// Merges reductions; the number of pools and reductions that became part of another.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, |graph, id| match &graph.node(id).op {
        Op::Pool(pool) => Ok(legalize_pool(graph, id, &pool.clone())),
        Op::Reduce(outer) => merge(graph, id, &outer.clone()),
        // The pass is about means alone.
        _ => Ok(false),
    }))
}

fn legalize_pool(graph: &mut Graph, id: NodeId, pool: &Pool) -> bool {
    let whole = x_tensor(graph, id).shape.ends_with(&pool.kernel) && pool.pads == [0; 4];
    let floats = graph.node(id).out.dtype.is_float();
    if !whole || !floats || pool.dilation != [1, 1] {
        return false;
    }
    let kind = match pool.kind {
        PoolKind::Max => Reducer::Max,
        PoolKind::Average | PoolKind::AverageWithPads => Reducer::Mean,
    };
    let axes = vec![2, 3];
    graph.node_mut(id).op = Op::Reduce(Reduce { kind, axes });
    true
}

fn merge(graph: &mut Graph, id: NodeId, outer: &Reduce) -> Attempt {
    let before = x(graph, id);
    let Op::Reduce(inner) = graph.node(before).op.clone() else {
        return Ok(false);
    };
    if inner.kind != outer.kind {
        return Ok(false);
    }
    sole_reader(graph, before)?;
    let rank = x_tensor(graph, before).shape.len();
    let keeps = graph.node(before).out.shape.len() == rank;
    let kept: Vec<usize> = (0..rank).filter(|axis| keeps || !inner.axes.contains(axis)).collect();
    let mut axes: Vec<usize> = outer.axes.iter().map(|axis| kept[*axis]).collect();
    axes.extend(inner.axes);
    axes.sort_unstable();
    axes.dedup();
    let kind = outer.kind;
    let source = x(graph, before);
    let out = graph.node(id).out.clone();
    let reduced = reduced_shape(&x_tensor(graph, before).shape, &axes);
    let keeps_all = out.shape.len() == rank;
    graph.node_mut(id).op = Op::Reduce(Reduce { kind, axes });
    reconnect(graph, id, 0, source);
    if !keeps_all && reduced != out.shape {
        graph.node_mut(id).out.shape = reduced;
        let name = format!("{}.kept", graph.node(id).name);
        graph.insert_after(id, name, Op::Reshape, out);
    }
    Ok(true)
}

/// The dimensions that are not reduced.
fn reduced_shape(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let kept = shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    kept.map(|(_, dim)| *dim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::fixture::{Net, golden, left, rewrite};

    fn reduce(kind: Reducer, axes: &[usize]) -> Op {
        Op::Reduce(Reduce { kind, axes: axes.to_vec() })
    }

    fn whole(kind: PoolKind, pads: [usize; 4]) -> Op {
        Op::Pool(Pool { kind, kernel: [3, 4], stride: [1, 1], dilation: [1, 1], pads })
    }

    #[test]
    fn a_mean_of_means_is_one_mean() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 4]);
        let rows = net.shaped(reduce(Reducer::Mean, &[3]), &[1, 2, 3], &[x]);
        let y = net.shaped(reduce(Reducer::Mean, &[2]), &[1, 2], &[rows]);
        golden("merge_reduce", run, net.answer(&[y]));
    }

    #[test]
    fn dimensions_that_only_one_of_two_keeps_are_kept() {
        for (rows, shape) in [(&[1, 2, 3, 1][..], &[1, 2, 1][..]), (&[1, 2, 3], &[1, 2, 1])] {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 3, 4]);
            let rows = net.shaped(reduce(Reducer::Max, &[3]), rows, &[x]);
            let y = net.shaped(reduce(Reducer::Max, &[2]), shape, &[rows]);
            let (after, _) = rewrite(run, net.answer(&[y]));
            assert_eq!(after.node(after.outputs[0].node).out.shape, shape);
            assert_eq!(after.len(), 3);
        }
    }

    #[test]
    fn a_pool_over_the_whole_picture_is_a_reduction() {
        for (kind, op) in [(PoolKind::Average, "reduce_mean"), (PoolKind::Max, "reduce_max")] {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 3, 4]);
            let y = net.put(whole(kind, [0; 4]), &[x]);
            assert_eq!(left(run, net.answer(&[y])), format!("input {op}"));
        }
    }

    #[test]
    fn a_pool_that_slides_stays() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 4]);
        let y = net.put(whole(PoolKind::Average, [0, 0, 0, 1]), &[x]);
        assert_eq!(left(run, net.answer(&[y])), "input average_pool");
    }

    #[test]
    fn a_mean_of_sums_stays() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 4]);
        let sums = net.shaped(reduce(Reducer::Sum, &[3]), &[1, 2, 3], &[x]);
        let y = net.shaped(reduce(Reducer::Mean, &[2]), &[1, 2], &[sums]);
        assert_eq!(left(run, net.answer(&[y])), "input reduce_sum reduce_mean");
    }

    #[test]
    fn a_mean_that_others_read_stays() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 3, 4]);
        let rows = net.shaped(reduce(Reducer::Mean, &[3]), &[1, 2, 3], &[x]);
        let y = net.shaped(reduce(Reducer::Mean, &[2]), &[1, 2], &[rows]);
        let (_, skips) = rewrite(run, net.answer(&[y, rows]));
        assert_eq!(skips[0].reason, "reduce_mean is an output of the model");
    }
}
