//! Handoff of a row from a stage to the next in parts: a few pixels of a depthwise convolution, a few channels of a head.
//!
//! The next stage uses a part at once, so memory for one part is enough.

use mnv2c_runtime::ring::Rows;

use crate::ir::{Conv, Graph, NodeId};
use crate::schedule::place::{Lowering, is_depthwise};
use crate::schedule::tile;
use crate::schedule::{Part, Place};
use crate::segment::{RowBatch, flow};
use crate::target::Product;

/// The handed-over part of the rows of `id` for `reader`, if the two can be interleaved; `flat` is the whole value.
pub(super) fn over(
    lowering: &Lowering<'_>,
    id: NodeId,
    reader: NodeId,
    flat: Place,
) -> Option<(Rows, Part)> {
    let Rows { width, channels, .. } = flat.rows;
    let (graph, rows) = (lowering.graph, lowering.batch.rows(flat.height));
    let alone = graph.only_reader(id) == Some(reader) && !graph.is_output(id);
    if !alone || lowering.batch == RowBatch::Whole {
        return None;
    }
    if is_depthwise(graph, id) && is_point(graph, reader) {
        let strips = graph.operand(id, 0).is_some_and(|wide| lowering.recomputed.contains(&wide));
        let pixels = pixels(width, lowering.batch, strips);
        let part = if pixels == width { Part::Row } else { Part::Pixels(pixels) };
        return Some((Rows::nhwc(rows, pixels, channels), part));
    }
    if is_point(graph, id) && flow::pooling(graph, reader).is_some() {
        let (lanes, depth) = (lowering.target.isa.lanes(), depth(graph, id));
        let element = flat.element.bytes();
        let product = Product { pixels: width, channels, depth, planes: false, element };
        let [_, wanted] = tile::choose(lowering.target, product);
        let panels = (1..=wanted).rev().map(|nv| nv * lanes);
        let panel = panels.into_iter().find(|panel| channels.is_multiple_of(*panel))?;
        let part = if panel == channels { Part::Row } else { Part::Channels(panel) };
        return Some((Rows::nhwc(rows, width, panel), part));
    }
    None
}

/// Pixels that are handed over at once, of `width` in a row; not all of them where they come from strips.
pub(super) fn pixels(width: usize, batch: RowBatch, strips: bool) -> usize {
    match batch {
        RowBatch::Whole | RowBatch::Rows(_) | RowBatch::Bands(_) => width,
        RowBatch::Pixels(most) if strips => divisor(width, most.min(width / 2)),
        RowBatch::Pixels(most) => divisor(width, most),
    }
}

/// True for a 1x1 convolution of all channels.
fn is_point(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op.conv().is_some_and(Conv::is_point)
}

/// Input channels of a convolution.
fn depth(graph: &Graph, id: NodeId) -> usize {
    graph.operand(id, 1).map_or(1, |w| graph.node(w).out.shape[1])
}

/// The largest number of pixels up to `most` that divides a row.
fn divisor(width: usize, most: usize) -> usize {
    (1..=most.min(width)).rev().find(|pixels| width.is_multiple_of(*pixels)).unwrap_or(1)
}
