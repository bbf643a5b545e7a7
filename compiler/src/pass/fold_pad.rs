//! Moves padding into the windows that read it.
//!
//! ```text
//! conv(pad(x, zeros), pads p)          ->  conv(x, pads p + pad)
//! average_pool(pad(x, zeros), no pads) ->  average_pool(x, pads counted)
//! max_pool(pad(x, -inf), pads p)       ->  max_pool(x, pads p + pad)
//! ```
//! Zeros under a max pool may go only where nothing is negative. Only height and width can be padded by a window.

use crate::error::Result;
use crate::ir::{Graph, NodeId, Op, Pad, PadMode, Pool, PoolKind};
use crate::pass::edit::{reconnect, x};
use crate::pass::layer;
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Something, or why not.
type Reasoned<T> = std::result::Result<T, &'static str>;

/// Folds pads into windows; the number of readers that took one.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, fold))
}

fn fold(graph: &mut Graph, id: NodeId) -> Attempt {
    let (Op::Conv(_) | Op::Pool(_)) = graph.node(id).op else {
        return Ok(false);
    };
    let pad_id = x(graph, id);
    let Op::Pad(pad) = graph.node(pad_id).op.clone() else {
        return Ok(false);
    };
    let (added, value) = framed(&pad).map_err(|reason| Skip::new(graph, pad_id, reason))?;
    let source = x(graph, pad_id);
    let nonnegative = is_nonnegative(graph, source);
    let taken = match &mut graph.node_mut(id).op {
        Op::Conv(conv) if value == 0.0 => {
            add(&mut conv.pads, added);
            Ok(())
        }
        Op::Conv(_) => Err("a conv pads with zeros only"),
        Op::Pool(pool) => fold_into_pool(pool, added, value, nonnegative),
        _ => return Ok(false),
    };
    taken.map_err(|reason| Skip::new(graph, pad_id, reason))?;
    reconnect(graph, id, 0, source);
    Ok(true)
}

/// Padding above, left, below and right, and its value, if there is no other.
fn framed(pad: &Pad) -> Reasoned<([usize; 4], f32)> {
    let PadMode::Constant(value) = pad.mode else {
        return Err("it mirrors or repeats, a window cannot");
    };
    let (&[0, 0, top, left], &[0, 0, bottom, right]) = (&pad.before[..], &pad.after[..]) else {
        return Err("it pads more than height and width");
    };
    let sides = [top, left, bottom, right].map(usize::try_from);
    let [Ok(top), Ok(left), Ok(bottom), Ok(right)] = sides else {
        return Err("it crops");
    };
    Ok(([top, left, bottom, right], value))
}

fn fold_into_pool(
    pool: &mut Pool,
    added: [usize; 4],
    value: f32,
    nonnegative: bool,
) -> Reasoned<()> {
    let zeros = value == 0.0;
    match pool.kind {
        PoolKind::AverageWithPads if zeros => {}
        PoolKind::Average if zeros && pool.pads == [0; 4] => pool.kind = PoolKind::AverageWithPads,
        PoolKind::Average if zeros => return Err("the pool does not count its own pads"),
        PoolKind::Average | PoolKind::AverageWithPads => return Err("a pool averages zeros only"),
        PoolKind::Max if value == f32::NEG_INFINITY => {}
        PoolKind::Max if !(zeros && nonnegative) => {
            return Err("its value can be the greatest of a window");
        }
        PoolKind::Max if !every_window_meets_the_picture(pool, added) => {
            return Err("a window of the pool sees nothing else");
        }
        PoolKind::Max => {}
    }
    add(&mut pool.pads, added);
    Ok(())
}

fn every_window_meets_the_picture(pool: &Pool, added: [usize; 4]) -> bool {
    let meets = |side: usize| pool.pads[side] + added[side] < pool.kernel[side % 2];
    pool.dilation == [1, 1] && (0..4).all(meets)
}

fn add(pads: &mut [usize; 4], added: [usize; 4]) {
    pads.iter_mut().zip(added).for_each(|(pad, more)| *pad += more);
}

/// Whether it is plain to see that no element of `id` is negative: a clamp says so, and pools between change nothing.
fn is_nonnegative(graph: &Graph, mut id: NodeId) -> bool {
    while let Op::Pool(_) = graph.node(id).op {
        id = x(graph, id);
    }
    let clamp = match &graph.node(id).op {
        Op::Clamp(clamp) => Some(*clamp),
        op => layer::clamp(op),
    };
    clamp.is_some_and(|clamp| clamp.lo >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Clamp;
    use crate::pass::fixture::{Net, golden, left, refusals, same};

    fn pad(before: [isize; 4], after: [isize; 4], mode: PadMode) -> Op {
        Op::Pad(Pad { before: before.to_vec(), after: after.to_vec(), mode })
    }

    fn zeros() -> Op {
        pad([0, 0, 1, 0], [0, 0, 1, 1], PadMode::Constant(0.0))
    }

    fn pool(kind: PoolKind, pads: [usize; 4]) -> Op {
        Op::Pool(Pool { kind, kernel: [2, 2], stride: [1, 1], dilation: [1, 1], pads })
    }

    fn padded(clamp: Clamp, pad: Op, window: Op) -> Graph {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let bounded = net.clamp(x, clamp);
        let padded = net.put(pad, &[bounded]);
        let y = net.put(window, &[padded]);
        net.answer(&[y])
    }

    #[test]
    fn a_conv_takes_the_zeros_to_its_own() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let padded = net.put(zeros(), &[x]);
        let y = net.conv(padded, 3, same(3));
        golden("fold_pad", run, net.answer(&[y]));
    }

    #[test]
    fn an_average_counts_the_zeros_it_takes() {
        let graph = padded(Clamp::NONE, zeros(), pool(PoolKind::Average, [0; 4]));
        assert_eq!(left(run, graph), "input clamp average_pool");
        let graph = padded(Clamp::NONE, zeros(), pool(PoolKind::AverageWithPads, [1; 4]));
        assert_eq!(left(run, graph), "input clamp average_pool");
    }

    #[test]
    fn a_maximum_of_nothing_negative_takes_zeros() {
        let graph = padded(Clamp::RELU6, zeros(), pool(PoolKind::Max, [0; 4]));
        assert_eq!(left(run, graph), "input clamp max_pool");
    }

    #[test]
    fn a_maximum_takes_what_is_never_chosen() {
        let least = pad([0, 0, 1, 1], [0; 4], PadMode::Constant(f32::NEG_INFINITY));
        let graph = padded(Clamp::NONE, least, pool(PoolKind::Max, [0; 4]));
        assert_eq!(left(run, graph), "input clamp max_pool");
    }

    #[test]
    fn what_a_window_cannot_pad_stays() {
        let average = || pool(PoolKind::Average, [0; 4]);
        let max = || pool(PoolKind::Max, [0; 4]);
        let wide = pad([0, 0, 2, 0], [0; 4], PadMode::Constant(0.0));
        let edge = pad([0, 0, 1, 1], [0; 4], PadMode::Edge);
        let crop = pad([0, 0, -1, 1], [0; 4], PadMode::Constant(0.0));
        let deep = pad([0, 1, 1, 1], [0; 4], PadMode::Constant(0.0));
        let ones = pad([0, 0, 1, 1], [0; 4], PadMode::Constant(1.0));
        let cases = [
            (edge, average(), "it mirrors or repeats, a window cannot"),
            (crop, average(), "it crops"),
            (deep, average(), "it pads more than height and width"),
            (ones, average(), "a pool averages zeros only"),
            (zeros(), pool(PoolKind::Average, [1; 4]), "the pool does not count its own pads"),
            (wide, max(), "a window of the pool sees nothing else"),
        ];
        for (pad, window, reason) in cases {
            assert_eq!(refusals(run, padded(Clamp::RELU, pad, window)), [reason]);
        }
        let graph = padded(Clamp::NONE, zeros(), max());
        assert_eq!(refusals(run, graph), ["its value can be the greatest of a window"]);
    }

    #[test]
    fn a_conv_pads_with_nothing_but_zeros() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let padded = net.put(pad([0, 0, 1, 1], [0; 4], PadMode::Constant(1.0)), &[x]);
        let y = net.conv(padded, 3, same(3));
        assert_eq!(refusals(run, net.answer(&[y])), ["a conv pads with zeros only"]);
    }
}
