//! Cycles that a step takes, roughly: enough to tell a good plan from a bad one, and no more.
//!
//! Sums cost what their tile costs. Weights that outgrow the first cache come from the second once a call, or from
//! beyond it where those of the whole step outgrow half of that; so do whole tensors that do.

use crate::ir::{Graph, NodeId};
use crate::kernels::spec::{Footprint, Work};
use crate::schedule::tile;
use crate::schedule::{Part, Stage, Step};
use crate::target::{Product, Target};

/// Cycles of a step on one core.
pub fn cycles(graph: &Graph, step: &Step, target: &Target) -> u64 {
    let weights: usize = step.segment.stages.iter().map(|id| weights_bytes(graph, *id)).sum();
    let stage = |stage: &Stage| {
        let far = if step.is_streamed() { 0 } else { traffic(stage, target) };
        let rows = step.segment.batch.rows(stage.height);
        (work(graph, stage, rows, target, weights) + far) as u64
    };
    step.stages.iter().map(stage).sum()
}

fn weights_bytes(graph: &Graph, id: NodeId) -> usize {
    graph.operand(id, 1).map_or(0, |weights| graph.node(weights).out.bytes())
}

/// Cycles of the sums of a stage that makes so many rows in a call, in a step of so many bytes of weights.
fn work(graph: &Graph, stage: &Stage, rows: usize, target: &Target, of_step: usize) -> usize {
    let Some(from) = stage.from.first() else { return 0 };
    let (lanes, start) = (target.isa.lanes(), target.core.panel_start);
    let (width, channels) = (stage.into.rows.width, stage.into.rows.channels);
    let height = stage.height;
    let (pixels, rows, calls) = match (stage.part, stage.kernel.footprint()) {
        (_, Footprint::Long) => (width * height, 1, 1),
        (Part::Pixels(pixels), _) => (pixels, 1, height * (row(graph, stage) / pixels).max(1)),
        (Part::Strip(strip), _) => {
            let strips = row(graph, stage).div_ceil(strip.adds);
            (strip.adds, stage.window.span, height * strips)
        }
        (Part::Row | Part::Channels(_), _) => (width, rows, height.div_ceil(rows)),
    };
    let calls = calls * (all_channels(graph, stage) / channels).max(1);
    let depth = match stage.kernel.work(&from.operand()) {
        Work::Product { depth } => depth,
        Work::Windows { taps } => {
            return calls * channels.div_ceil(lanes) * (start + rows * pixels * (taps + 3));
        }
        Work::Matrices { count, sizes } => return count * multiplied(sizes, target),
        Work::Elements => return calls * rows * pixels * channels.div_ceil(lanes),
    };
    let element = from.element.bytes().min(stage.into.element.bytes());
    let product = Product { pixels, channels, depth, planes: false, element };
    let row = tile::estimate(target, product) / target.core.multiply_adds;
    let panels = channels.div_ceil(tile::choose(target, product)[1] * lanes);
    let weights = depth * channels * from.element.bytes();
    let far = target.caches.filter(|caches| weights > caches.kept_bytes);
    let fetched = far.map_or(0, |caches| weights / caches.rate(of_step));
    calls * (panels * start + (rows * row).max(fetched))
}

/// Cycles of a product of matrices that lie in rows: multiply-adds of vectors.
fn multiplied([rows, depth, columns]: [usize; 3], target: &Target) -> usize {
    let core = target.core;
    let sums = (rows * depth).div_ceil(core.multiply_adds);
    columns.div_ceil(target.isa.lanes()) * (core.panel_start + sums)
}

/// Pixels of a whole row of the result.
fn row(graph: &Graph, stage: &Stage) -> usize {
    graph.node(stage.node).out.nchw().map_or(1, |[_, _, _, w]| w)
}

fn all_channels(graph: &Graph, stage: &Stage) -> usize {
    graph.node(stage.node).out.nchw().map_or(1, |[_, c, _, _]| c)
}

/// Cycles in which a whole result goes beyond the second cache and comes back.
fn traffic(stage: &Stage, target: &Target) -> usize {
    let bytes = stage.into.rows.len() * stage.into.element.bytes();
    let outgrown = target.caches.filter(|caches| caches.outgrows(bytes));
    outgrown.map_or(0, |caches| 2 * bytes / caches.far_rate)
}
