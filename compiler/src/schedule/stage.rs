//! The kernel of one operator, over places already chosen.

use crate::error::Result;
use crate::ir::{self, NodeId, Op, Quant, Samples};
use crate::kernels::{
    Binary, Broadcast, Clamp, Fetch, GlobalPool, Kernel, Load, LookUp, Move, PRelu, Pool, Resample,
    Resize, Skip, Unary, Widen,
};
use crate::schedule::place::Lowering;
use crate::schedule::{Home, Place, RowWindow, Stage, bytes, convolution};

/// A copy of rows into padded rows; what pads them is the second operand, if it is not zero.
pub(super) fn load(lowering: &mut Lowering<'_>, node: NodeId, from: Place, into: Place) -> Stage {
    let kernel: Kernel = match (from.home, looks_up(lowering, node)) {
        (Home::Feed(_), true) => Fetch::LookUp.into(),
        (Home::Feed(_), false) => Fetch::Plain.into(),
        (_, true) => LookUp.into(),
        (_, false) if from.element.bytes() == 1 && into.element.bytes() > 1 => Widen.into(),
        (_, false) => Load.into(),
    };
    let pack = lowering.weights(node, &*kernel, from);
    let conv = lowering.graph.node(node).op.conv();
    let border = conv.filter(|_| pack.is_none()).and_then(|_| lowering.graph.operand(node, 4));
    let border = border.map(|border| lowering.value(border).expect("a border is one row"));
    Stage { pack, ..Stage::new(node, kernel, [from].into_iter().chain(border).collect(), into) }
}

/// True if convolution `id` maps the bytes that it reads through tables.
pub(super) fn looks_up(lowering: &Lowering<'_>, id: NodeId) -> bool {
    let graph = lowering.graph;
    matches!(graph.node(id).op, Op::Quant(Quant::Conv(_))) && graph.operand(id, 4).is_some()
}

/// A copy of a whole value that lies without padding.
pub(super) fn repeat(node: NodeId, from: Place, into: Place) -> Stage {
    let (shape, steps) = (vec![into.rows.len()], vec![1]);
    let copy = Move { shape, from: 0, from_steps: steps.clone(), into: 0, into_steps: steps };
    Stage::new(node, copy, vec![from], into)
}

/// The last stage of a segment: its result crosses segments.
pub(super) fn last(lowering: &mut Lowering<'_>, id: NodeId, from: Place) -> Result<Stage> {
    let residual = lowering.graph.operand(id, 3);
    let over = match residual {
        Some(_) if !lowering.rereads_residual(id) && lowering.bands() == 1 => {
            let dying = lowering.dies_here(id, 3)?.filter(|place| place.home != from.home);
            dying.filter(|place| convolution::overwrites(lowering, id, from, *place))
        }
        Some(_) | None => None,
    };
    match over {
        Some(place) => {
            lowering.place_over(id, place);
            convolution::lower(lowering, id, from, place, Skip::InPlace)
        }
        None => {
            let into = lowering.place_result(id)?;
            lower(lowering, id, from, into)
        }
    }
}

/// A stage of a chain, from one place into another.
pub(super) fn lower(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    from: Place,
    into: Place,
) -> Result<Stage> {
    match &lowering.graph.node(id).op {
        Op::Quant(quant) if !matches!(quant, Quant::Conv(_)) => {
            bytes::lower(lowering, id, from, into)
        }
        Op::Conv(_) | Op::Quant(_) => {
            let skip =
                if lowering.graph.operand(id, 3).is_some() { Skip::Other } else { Skip::None };
            convolution::lower(lowering, id, from, into, skip)
        }
        Op::Reduce(reduce) => {
            let kernel = GlobalPool::Floats(reduce.kind);
            Ok(Stage { height: from.height, ..Stage::new(id, kernel, vec![from], into) })
        }
        Op::Pool(pool) => {
            let window = RowWindow::of_pool(pool);
            Ok(Stage { window, ..Stage::new(id, Pool(pool.clone()), vec![from], into) })
        }
        Op::Resize(resize) => {
            let window = resize_window(resize, from.height);
            Ok(Stage { window, ..Stage::new(id, Resize(resize.clone()), vec![from], into) })
        }
        Op::Resample(resample) => {
            let window = resample_window(&resample.down);
            Ok(Stage { window, ..Stage::new(id, Resample(resample.clone()), vec![from], into) })
        }
        Op::Clamp(clamp) => Ok(Stage::new(id, Clamp(*clamp), vec![from], into)),
        Op::Unary(function) => Ok(Stage::new(id, Unary(*function), vec![from], into)),
        Op::Binary(function) => pair(lowering, id, from, into, |how| Binary(*function, how)),
        Op::PRelu => pair(lowering, id, from, into, PRelu),
        op => unreachable!("{} does not stream", op.name()),
    }
}

/// The rows between which a row of a resized image of so many rows lies. Rows of the result that lie below the last of
/// them read the last.
fn resize_window(resize: &ir::Resize, height: usize) -> RowWindow {
    let ir::Scale { step, shift, per, .. } = resize.down;
    let before = if shift < 0 { shift.unsigned_abs().div_ceil(per) } else { 0 };
    let at = (shift + (before * per) as isize).unsigned_abs();
    let last = (resize.size[0] - 1) * step + at;
    let beyond = (last / per).saturating_sub(before + height - 1);
    let above = before + beyond;
    RowWindow { span: 2 + above, stride: step, above, shared: (per, at) }
}

/// The rows of which a row is a sum, around the one at its place; of an image that does not grow, which lies whole,
/// none.
fn resample_window(down: &Samples) -> RowWindow {
    let Some(each) = down.growth() else { return RowWindow::SAME };
    let reaches = down.taps.iter().enumerate().filter(|(_, taps)| !taps.weights.is_empty());
    let reaches = reaches.map(|(row, taps)| {
        let (at, end) = (row / each, taps.first + taps.weights.len());
        (at.saturating_sub(taps.first), end.saturating_sub(at))
    });
    let (above, below) =
        reaches.fold((0, 1), |(above, below), (up, down)| (above.max(up), below.max(down)));
    RowWindow { span: above + below, stride: 1, above, shared: (each, 0) }
}

/// A function of two elements, row by row.
fn pair<K: Into<Kernel>>(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    from: Place,
    into: Place,
    kernel: impl Fn(Broadcast) -> K,
) -> Result<Stage> {
    let second = lowering.operand(id, 1)?;
    let graph = lowering.graph;
    let other = graph.operand(id, 1).map(|x| &graph.node(x).out);
    let other = other.expect("verified nodes have their operands");
    let broadcast = match () {
        () if other.shape == graph.node(id).out.shape => Broadcast::Same,
        () if other.len() == 1 => Broadcast::Scalar,
        () => Broadcast::Channel,
    };
    Ok(Stage::new(id, kernel(broadcast), vec![from, second], into))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Blend, Scale};

    #[test]
    fn the_window_of_a_resize_holds_every_row_that_is_taken() {
        for (step, shift, per) in
            [(1, 1, 2), (1, 0, 2), (2, -1, 4), (8, 11, 16), (3, -7, 2), (1, 5, 3)]
        {
            for height in 1..9 {
                let (down, across) = (Scale::new(step, shift, per), Scale::new(1, 0, 1));
                let size = [(height * per).div_ceil(step) + 1, 1];
                let resize = ir::Resize { blend: Blend::Linear, size, down, across };
                let RowWindow { span, stride, above, shared } = resize_window(&resize, height);
                for row in 0..size[0] {
                    let first = ((row * stride + shared.1) / shared.0) as isize - above as isize;
                    let taken = resize.down.at(row, height).0 as isize;
                    let window = first..first + span as isize;
                    assert!(window.contains(&taken), "{row}: {taken} of {window:?}, {resize:?}");
                    let next = (taken + 1).min(height as isize - 1);
                    assert!(window.contains(&next), "{row}: {next} of {window:?}, {resize:?}");
                }
            }
        }
    }
}
