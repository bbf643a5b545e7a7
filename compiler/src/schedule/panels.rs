//! Panels of channels: segments whose first value is made and read in parts.
//!
//! A depthwise convolution and a global pooling read the channels they write and no others. Where one panel of the wide
//! value before them fits the nearest cache, the same few kilobytes hold panel after panel.

use crate::error::Result;
use crate::ir::{Graph, NodeId};
use crate::kernels::{Pointwise, Skip};
use crate::schedule::place::{Lowering, dense, is_depthwise};
use crate::schedule::tile;
use crate::schedule::{Home, Kernel, Part, RowWindow, Stage};
use crate::segment::{RowBatch, Segment, flow, is_chain};
use crate::target::{Caches, Product, Target};

/// In how many parts the first value of `segment` goes to its reader.
pub(super) fn count(lowering: &Lowering<'_>, segment: &Segment) -> Result<usize> {
    let (graph, target) = (lowering.graph, lowering.target);
    let [first, second, ..] = segment.stages.as_slice() else { return Ok(1) };
    let (Some(depth), true) = (depth(graph, *first, target), reads_alone(graph, *second)) else {
        return Ok(1);
    };
    if segment.batch != RowBatch::Whole {
        return Ok(1);
    }
    let place = dense(Home::Output(0), &graph.node(*first).out)?;
    let (channels, lanes) = (place.rows.channels, target.isa.lanes());
    let pixels = if is_depthwise(graph, *second) {
        place.rows.width
    } else {
        place.rows.width * place.height
    };
    let bytes = place.rows.width * place.height * lanes * lowering.element_bytes(place);
    let element = place.element.bytes();
    let panel_bytes = |caches: Caches| caches.panel_bytes(target.threads);
    let near_bytes = target.caches.map_or(usize::MAX, panel_bytes);
    let fits = |vectors: &usize| {
        let panel = Product { pixels, channels: vectors * lanes, depth, planes: false, element };
        channels.is_multiple_of(panel.channels)
            && (*vectors == 1 || vectors * bytes <= near_bytes)
            && vectors.is_multiple_of(tile::choose(target, panel)[1])
    };
    let cost = |vectors: &usize| {
        let panel = Product { pixels, channels: vectors * lanes, depth, planes: false, element };
        tile::estimate(target, panel) * (channels / panel.channels)
    };
    let best = (1..=tile::MAX_VECTORS).filter(fits).min_by_key(cost);
    Ok(best.map_or(1, |vectors| channels / (vectors * lanes)))
}

/// In how many panels the first value of a streamed chain goes to its reader, each while it is in the nearest cache.
pub(super) fn interleaved(lowering: &Lowering<'_>, segment: &Segment, stages: &[Stage]) -> usize {
    let [maker, reader, ..] = stages else { return 1 };
    let streamed = segment.batch != RowBatch::Whole && is_chain(lowering.graph, &segment.stages);
    let follows = reader.window == RowWindow::SAME && reader.height == maker.height;
    let vectors = maker.into.rows.channels.div_ceil(lowering.target.isa.lanes());
    match (&maker.kernel, &reader.kernel) {
        (
            Kernel::Pointwise(Pointwise { tile: [_, nv], skip: Skip::None, flat: false, .. }),
            Kernel::Depthwise(_),
        ) if streamed && !follows && vectors.is_multiple_of(*nv) && reader.part == Part::Row => {
            vectors / nv
        }
        // Only these two walk the vectors of a panel.
        _ => 1,
    }
}

/// The products of each sum of a convolution; one of a window goes by panels only for the sake of threads.
fn depth(graph: &Graph, id: NodeId, target: &Target) -> Option<usize> {
    let conv = graph.node(id).op.conv()?;
    let fits = conv.is_point() || (conv.group == 1 && target.threads > 1);
    let weights = graph.operand(id, 1).filter(|_| fits && graph.operand(id, 3).is_none())?;
    Some(graph.node(weights).out.shape[1..].iter().product())
}

/// True if each channel of the result of `id` depends on that channel of its operand alone.
fn reads_alone(graph: &Graph, id: NodeId) -> bool {
    flow::pooling(graph, id).is_some() || is_depthwise(graph, id)
}
