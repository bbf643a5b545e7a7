//! Recomputed expansions: a strip of columns for each few pixels of every row of their reader.
//!
//! The rows of the thin value are kept instead of those of the wide one, which exists as a strip only: the rows of one
//! window, and of them the columns of a few pixels' windows. Each row of the wide value is computed once for every row
//! that reads it, but each column once a row: a strip that moves on keeps the columns that it still needs.

use mnv2c_runtime::ring::Rows;

use crate::error::Result;
use crate::ir::{Conv, Graph, Layout, NodeId};
use crate::kernels::{Pointwise, Skip};
use crate::objective::Memory;
use crate::plan::{Buffer, BufferId};
use crate::schedule::place::{Lowering, is_depthwise};
use crate::schedule::tile;
use crate::schedule::{Element, Home, Part, Place, RowWindow, Stage, Strip, convolution, handoff};
use crate::segment::{RowBatch, Segment};
use crate::target::{Product, Target};

/// The stages of `segment` that can be recomputed, if it hands over pixels.
pub fn eligible(graph: &Graph, segment: &Segment) -> Vec<NodeId> {
    let handing = matches!(segment.batch, RowBatch::Pixels(_));
    let triples = segment.stages.windows(3).filter(|_| handing);
    triples.filter(|nodes| repeats(graph, nodes).is_some()).map(|nodes| nodes[0]).collect()
}

/// Bytes of the strip of `expand` where pixels are handed over one at a time.
pub fn strip_bytes(graph: &Graph, expand: NodeId, target: &Target, memory: Memory) -> usize {
    let reader = graph.only_reader(expand).and_then(|id| window_of(graph, id));
    reader.map_or(0, |conv| {
        let rows = strip_rows(conv, size(graph, expand)[1], 1, target);
        rows.len() * memory.storage.bytes().unwrap_or(graph.node(expand).out.dtype.stored_bytes())
    })
}

/// The rows of a strip that serves so many pixels.
fn strip_rows(conv: &Conv, channels: usize, pixels: usize, target: &Target) -> Rows {
    let [top, left, ..] = conv.pads;
    let columns = (pixels - 1) * conv.stride[1] + conv.kernel[1];
    Rows::chunks(conv.kernel[0], columns - left, channels, target.isa.lanes()).padded(top, left, 0)
}

/// Multiply-adds that recomputing `expand` adds.
pub fn extra(graph: &Graph, expand: NodeId) -> u64 {
    let reader = graph.only_reader(expand).and_then(|id| Some((id, window_of(graph, id)?)));
    let Some((reader, conv)) = reader else { return 0 };
    let [_, _, height, width] = size(graph, expand);
    let [_, _, rows, columns] = size(graph, reader);
    let clipped = |row: usize| {
        let first = (row * conv.stride[0]) as isize - conv.pads[0] as isize;
        let end = (first + conv.kernel[0] as isize).min(height as isize);
        (end - first.max(0)).max(0) as usize
    };
    let rows: usize = (0..rows).map(clipped).sum();
    let columns = ((columns - 1) * conv.stride[1] + conv.kernel[1] - conv.pads[1]).min(width);
    let once = graph.madds(expand);
    (once / (height * width) as u64 * (rows * columns) as u64).saturating_sub(once)
}

impl Lowering<'_> {
    /// The stage of `expand` that makes strips for `reader` of what lies at `from`.
    pub(super) fn strip(&mut self, expand: NodeId, reader: NodeId, from: Place) -> Result<Stage> {
        let graph = self.graph;
        let conv = window_of(graph, reader).expect("candidates are read by windows");
        let [_, channels, height, width] = size(graph, expand);
        let [_, _, rows, columns] = size(graph, reader);
        let pixels = handoff::pixels(columns, self.batch, true);
        let (across, stride, left) = (conv.kernel[1], conv.stride[1], conv.pads[1]);
        let beyond = ((columns - 1) * stride + across).saturating_sub(left + width);
        let adds = pixels * stride;
        let (depth, read) = (from.rows.channels, from.element.bytes());
        let product = |pixels| Product { pixels, channels, depth, planes: false, element: read };
        let tile = tile::choose_for_strips(self.target, product(adds));
        let last = adds - beyond;
        let last_tile = match last {
            0 => 1,
            last => tile::choose_pixels(self.target, product(last), tile[1]),
        };
        let first = across - stride - left;
        let shape = strip_rows(conv, channels, pixels, self.target);
        let element = match self.element_for(reader, from) {
            bytes @ Element::U8 { .. } => bytes,
            _ => Element::of(graph.node(expand).out.dtype),
        };
        let place = self
            .strip_memory(expand, Place { home: Home::Output(0), rows: shape, height, element });
        let epilogue = convolution::epilogue(graph, expand);
        let kernel = Pointwise { tile, epilogue, skip: Skip::None, flat: false };
        let pack = self.weights(expand, &kernel, from);
        let window = RowWindow {
            span: conv.kernel[0],
            stride: conv.stride[0],
            above: conv.pads[0],
            ..RowWindow::SAME
        };
        Ok(Stage {
            node: expand,
            pack,
            window,
            height: rows,
            part: Part::Strip(Strip { first, adds, last, last_tile, pixels }),
            ..Stage::new(expand, kernel, vec![from], place)
        })
    }

    /// Memory for strips, which all of a step share: one is at work at a time.
    fn strip_memory(&mut self, expand: NodeId, place: Place) -> Place {
        let (len, align) = (self.bytes(place), self.align());
        let buffer = *self.strips.get_or_insert_with(|| {
            let live = self.schedule.steps.len()..self.schedule.steps.len() + 1;
            let name = format!("{}.strip", self.graph.node(expand).name);
            self.schedule.buffers.push(Buffer { name, len, align, live });
            BufferId(self.schedule.buffers.len() - 1)
        });
        let taken = &mut self.schedule.buffers[buffer.0].len;
        *taken = len.max(*taken);
        Place { home: Home::Arena(buffer), ..place }
    }
}

/// The window through which the second of three nodes reads the first, if that may be recomputed.
fn repeats<'a>(graph: &'a Graph, nodes: &[NodeId]) -> Option<&'a Conv> {
    let [expand, reader, project] = nodes else { return None };
    let alone = |id: NodeId, by: NodeId| graph.only_reader(id) == Some(by) && !graph.is_output(id);
    let conv = window_of(graph, *reader)?;
    let is_point = |id: NodeId| graph.node(id).op.conv().is_some_and(Conv::is_point);
    let in_pixels = |id: NodeId| graph.node(id).out.layout == Layout::Nhwc;
    let fits = is_point(*expand)
        && graph.operand(*expand, 0).is_some_and(in_pixels)
        && graph.operand(*expand, 3).is_none()
        && is_point(*project)
        && alone(*expand, *reader)
        && alone(*reader, *project);
    let [_, _, _, width] = size(graph, *expand);
    let [_, _, _, columns] = size(graph, *reader);
    let beyond =
        ((columns - 1) * conv.stride[1] + conv.kernel[1]).saturating_sub(conv.pads[1] + width);
    let carries = conv.kernel[0] > 1
        && conv.kernel[1] >= conv.stride[1] + conv.pads[1]
        && beyond <= conv.stride[1];
    (fits && carries && columns > 1).then_some(conv)
}

/// The window of a depthwise convolution without dilation.
fn window_of(graph: &Graph, id: NodeId) -> Option<&Conv> {
    let conv = graph.node(id).op.conv()?;
    (is_depthwise(graph, id) && conv.dilation == [1, 1]).then_some(conv)
}

fn size(graph: &Graph, id: NodeId) -> [usize; 4] {
    graph.node(id).out.nchw().expect("convolutions make pictures")
}
