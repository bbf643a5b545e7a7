//! Moves padding into the windows that read it.
//!
//! ```text
//! conv(pad(x, zeros), pads p)          ->  conv(x, pads p + pad)
//! average_pool(pad(x, zeros), no pads) ->  average_pool(x, pads counted)
//! max_pool(pad(x, -inf), pads p)       ->  max_pool(x, pads p + pad)
//! ```
//! Zeros under a max pool may go only where nothing is negative. Only height and width can be padded by a window.
//! Quantised convolutions and averages pad with the zero point, quantised max pools with 0.

use crate::error::Result;
use crate::ir::{
    Conv, Dtype, Graph, NodeId, Op, Pad, PadMode, Pool, PoolKind, QAverage, QConv, Quant,
};
use crate::pass::edit::{reconnect, x};
use crate::pass::layer;
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// A value, or the reason why there is none.
type Reasoned<T> = std::result::Result<T, &'static str>;

/// Folds pads into windows; the number of readers that took one.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, fold))
}

fn fold(graph: &mut Graph, id: NodeId) -> Attempt {
    let (Op::Conv(_) | Op::Pool(_) | Op::Quant(Quant::Conv(_) | Quant::Average(_))) =
        graph.node(id).op
    else {
        return Ok(false);
    };
    let pad_id = x(graph, id);
    let Op::Pad(pad) = graph.node(pad_id).op.clone() else {
        return Ok(false);
    };
    let (added, value) = framed(&pad).map_err(|reason| Skip::new(graph, pad_id, reason))?;
    let source = x(graph, pad_id);
    let dtype = graph.node(source).out.dtype;
    let nonnegative = is_nonnegative(graph, source);
    let taken = match &mut graph.node_mut(id).op {
        Op::Conv(conv) => fold_into_conv(conv, added, value == 0.0),
        Op::Quant(Quant::Conv(QConv { conv, x_zero, .. })) => {
            fold_into_conv(conv, added, value == f32::from(*x_zero))
        }
        Op::Pool(pool) => fold_into_pool(pool, added, filler(dtype, value), nonnegative),
        Op::Quant(Quant::Average(QAverage { pool, x, .. })) => {
            let is_zero = value == f32::from(x.zero);
            let filler = if is_zero { Filler::Zero } else { Filler::Other };
            fold_into_pool(pool, added, filler, false)
        }
        // Only windows have pads.
        _ => return Ok(false),
    };
    taken.map_err(|reason| Skip::new(graph, pad_id, reason))?;
    reconnect(graph, id, 0, source);
    Ok(true)
}

/// The value of padding in a pool's window.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filler {
    Zero,
    /// Nothing is less.
    Least,
    Other,
}

fn filler(dtype: Dtype, value: f32) -> Filler {
    match (dtype, value) {
        (Dtype::U8, 0.0) => Filler::Least,
        (Dtype::U8, _) => Filler::Other,
        (_, 0.0) => Filler::Zero,
        (_, f32::NEG_INFINITY) => Filler::Least,
        _ => Filler::Other,
    }
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

fn fold_into_conv(conv: &mut Conv, added: [usize; 4], zeros: bool) -> Reasoned<()> {
    if !zeros {
        return Err("a conv pads with zeros only");
    }
    add(&mut conv.pads, added);
    Ok(())
}

fn fold_into_pool(
    pool: &mut Pool,
    added: [usize; 4],
    filler: Filler,
    nonnegative: bool,
) -> Reasoned<()> {
    let zeros = filler == Filler::Zero;
    match pool.kind {
        PoolKind::AverageWithPads if zeros => {}
        PoolKind::Average if zeros && pool.pads == [0; 4] => pool.kind = PoolKind::AverageWithPads,
        PoolKind::Average if zeros => return Err("the pool does not count its own pads"),
        PoolKind::Average | PoolKind::AverageWithPads => return Err("a pool averages zeros only"),
        PoolKind::Max if filler == Filler::Least => {}
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

/// True if no element of `id` can be negative by a clamp, seen through pools.
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
    use crate::ir::{Affine, Bounds, Clamp, Requant, To, Values};
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

    /// `window` over bytes that `pad` pads; `weights` are those of a convolution.
    fn padded_bytes(pad: Op, window: Quant, weights: Option<Values>) -> Graph {
        let mut net = Net::default();
        let x = net.bytes(&[1, 2, 4, 4]);
        let padded = net.typed(pad, Dtype::U8, &[x]);
        let weights = weights.map(|values| net.constant(&[2, 1, 3, 3], values));
        let operands: Vec<NodeId> = [padded].into_iter().chain(weights).collect();
        let y = net.typed(Op::Quant(window), Dtype::U8, &operands);
        let real = Op::Quant(Quant::Dequantize(Affine { scale: 1.0, zero: 0 }));
        let y = net.put(real, &[y]);
        net.answer(&[y])
    }

    fn with(value: f32) -> Op {
        pad([0, 0, 1, 0], [0, 0, 1, 1], PadMode::Constant(value))
    }

    fn qconv() -> Quant {
        let to = To::Bytes { zero: 9, bounds: Bounds::ALL };
        let requant = Requant::new(vec![1e-3; 2], to);
        let conv = Conv { group: 2, ..same(3) };
        Quant::Conv(QConv { conv, x_zero: 114, requant, residual: None })
    }

    fn averages() -> Quant {
        let Op::Pool(pool) = pool(PoolKind::Average, [0; 4]) else { unreachable!("it is a pool") };
        let (x, y) = (Affine { scale: 0.5, zero: 114 }, Affine { scale: 0.25, zero: 3 });
        Quant::Average(QAverage { pool, x, y, early: 0 })
    }

    #[test]
    fn windows_over_bytes_take_the_zero_point() {
        let taps = || Some(Values::I8((0..18).map(|tap| 50 - 7 * tap).collect()));
        let graph = padded_bytes(with(114.0), qconv(), taps());
        assert_eq!(left(run, graph), "input qconv dequantize");
        let graph = padded_bytes(with(114.0), averages(), None);
        assert_eq!(left(run, graph), "input qaverage dequantize");
        for value in [0.0, 113.0] {
            let graph = padded_bytes(with(value), qconv(), taps());
            assert_eq!(refusals(run, graph), ["a conv pads with zeros only"]);
            let graph = padded_bytes(with(value), averages(), None);
            assert_eq!(refusals(run, graph), ["a pool averages zeros only"]);
        }
    }

    #[test]
    fn a_maximum_of_bytes_takes_the_least_byte() {
        let maximum = |value| {
            let mut net = Net::default();
            let x = net.bytes(&[1, 2, 4, 4]);
            let padded = net.typed(with(value), Dtype::U8, &[x]);
            let y = net.typed(pool(PoolKind::Max, [0; 4]), Dtype::U8, &[padded]);
            let real = Op::Quant(Quant::Dequantize(Affine { scale: 1.0, zero: 0 }));
            let y = net.put(real, &[y]);
            net.answer(&[y])
        };
        assert_eq!(left(run, maximum(0.0)), "input max_pool dequantize");
        assert_eq!(refusals(run, maximum(1.0)), ["its value can be the greatest of a window"]);
    }
}
