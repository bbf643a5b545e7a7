//! Stages of a segment: the loads before them, the rings between them, and the memory their ends share.

use std::collections::BTreeSet;

use mnv2c_runtime::ring::{Form, Rows};

use crate::error::Result;
use crate::ir::{NodeId, Op};
use crate::plan::{Buffer, BufferId, Overlap};
use crate::schedule::padding::padding;
use crate::schedule::place::{Lowering, dense, is_depthwise};
use crate::schedule::{Element, Home, Part, Place, Stage, handoff, stage, stream};
use crate::segment::{RowBatch, Segment, quantises};

impl Lowering<'_> {
    /// The stages of a chain: each reads the one before it.
    pub(super) fn chain(&mut self, segment: &Segment, panels: usize) -> Result<Vec<Stage>> {
        let (mut stages, mut turn): (Vec<Stage>, Part) = (Vec::new(), Part::Row);
        let mut convs = segment.stages.as_slice();
        if let [first, rest @ ..] = convs
            && quantises(self.graph, *first)
        {
            stages.push(self.quantised(*first, rest[0])?);
            convs = rest;
        }
        for (at, id) in convs.iter().enumerate() {
            let from = match stages.last() {
                Some(stage) => stage.into,
                None => self.operand(*id, 0)?,
            };
            if at == 0
                && let Some(load) = self.load_for(*id, from)
            {
                stages.push(load);
            }
            let from = stages.last().map_or(from, |stage| stage.into);
            self.is_panel = at == 0 && panels > 1;
            let (stage, next) = match convs.get(at + 1) {
                Some(reader) if self.recomputed.contains(id) => {
                    let stage = self.strip(*id, *reader, from)?;
                    self.inner.insert(*id, stage.into);
                    (stage, Part::Row)
                }
                Some(reader) => {
                    let parts = if at == 0 { panels } else { 1 };
                    let (mut into, part) = self.between(*id, *reader, parts, (from, turn))?;
                    if panels > 1 && self.target.threads > 1 {
                        match at {
                            0 => self.multiply(into),
                            _ => self.chunk(&mut into),
                        }
                    }
                    self.inner.insert(*id, into);
                    (stage::lower(self, *id, from, into)?, part)
                }
                None => (stage::last(self, *id, from)?, Part::Row),
            };
            let part = match stage.part {
                Part::Strip(_) => stage.part,
                _ if turn == Part::Row => next,
                _ => turn,
            };
            stages.push(Stage { part, ..stage });
            turn = next;
        }
        if self.bands() > 1 && !bands_part(&stages) {
            self.batch = RowBatch::Rows(1);
        }
        if segment.batch != RowBatch::Whole {
            self.shrink_rings(&mut stages);
            self.part(&mut stages);
        }
        Ok(stages)
    }

    /// Bands of rows in which the result is made; 1 where one thread makes them all.
    pub(super) fn bands(&self) -> usize {
        if let RowBatch::Bands(bands) = self.batch { bands } else { 1 }
    }

    /// The bytes of an image of floats, in the rows that convolution `reader` wants.
    fn quantised(&mut self, id: NodeId, reader: NodeId) -> Result<Stage> {
        let from = self.operand(id, 0)?;
        let flat = dense(Home::Output(0), &self.graph.node(id).out)?;
        let conv = self.graph.node(reader).op.conv().expect("a chain is of convolutions");
        let rows = self.rows_for(conv, is_depthwise(self.graph, reader), flat);
        let element = self.element_for(reader, flat);
        let into = self.scratch(&self.graph.node(id).name, Place { rows, element, ..flat });
        self.inner.insert(id, into);
        stage::lower(self, id, from, into)
    }

    /// A load of padded rows, where `from` lacks the padding that convolution `id` reads.
    pub(super) fn load_for(&mut self, id: NodeId, from: Place) -> Option<Stage> {
        let conv = self.graph.node(id).op.conv()?;
        let widens = from.element.bytes() == 1 && matches!(self.graph.node(id).op, Op::Conv(_));
        let element = match self.memory.storage.half() {
            Some(half) if widens => Element::of(half),
            _ => self.element_for(id, from),
        };
        let need = padding(conv, from);
        let depthwise = is_depthwise(self.graph, id);
        let looks_up = stage::looks_up(self, id);
        let as_is = !matches!(from.home, Home::Feed(_)) && !widens && !looks_up;
        let readable = match from.rows.form {
            Form::Nhwc | Form::Slice { .. } => {
                !depthwise || from.rows.channels.is_multiple_of(self.target.isa.lanes())
            }
            Form::Chunks(_) => depthwise,
            Form::Planes => !depthwise && conv.dilation[1] == 1,
        };
        let padded = from.rows.top >= need.top
            && from.rows.left >= need.left
            && from.rows.right >= need.right
            && (from.element == element || need.is_none());
        if as_is
            && readable
            && padded
            && from.rows.kept >= from.rows.top + from.height + need.bottom
        {
            return None;
        }
        let Rows { width, channels, .. } = from.rows;
        let kept = need.top + from.height + need.bottom;
        let rows = match from.rows.form {
            _ if depthwise => Rows::chunks(kept, width, channels, self.target.isa.lanes()),
            Form::Planes if conv.dilation[1] == 1 && !looks_up => {
                Rows::planes(kept, width, channels)
            }
            Form::Planes | Form::Nhwc | Form::Chunks(_) | Form::Slice { .. } => {
                Rows::nhwc(kept, width, channels)
            }
        };
        let rows = rows.padded(need.top, need.left, need.right);
        let name = format!("{}.padded", self.graph.node(id).name);
        let into = self.scratch(&name, Place { rows, element, ..from });
        Some(stage::load(self, id, from, into))
    }

    /// One of `panels` equal parts of the value between two stages as its reader wants it, and how much of a row passes
    /// at once. `id` reads what lies at `from`, and is given `turn` of a row at once.
    fn between(
        &mut self,
        id: NodeId,
        reader: NodeId,
        panels: usize,
        (from, turn): (Place, Part),
    ) -> Result<(Place, Part)> {
        let mut flat = dense(Home::Output(0), &self.graph.node(id).out)?;
        // What is handed over lies in one place, which `id` cannot read and write at once.
        let handoff = self.handoff.map(Home::Arena);
        let free = turn == Part::Row && handoff != Some(from.home);
        let handed = if free { handoff::over(self, id, reader, flat) } else { None };
        if let Some((rows, part)) = handed {
            return Ok((self.hand_over(id, Place { rows, ..flat }), part));
        }
        flat.rows.channels /= panels;
        let rows = match self.graph.node(reader).op.conv() {
            Some(conv) => self.rows_for(conv, is_depthwise(self.graph, reader), flat),
            None => flat.rows,
        };
        let element = self.element_for(reader, flat);
        Ok((self.scratch(&self.graph.node(id).name, Place { rows, element, ..flat }), Part::Row))
    }

    /// Makes room for one of a value on each thread.
    fn multiply(&mut self, place: Place) {
        if let Home::Arena(buffer) = place.home {
            self.schedule.buffers[buffer.0].len = self.bytes(place) * self.target.threads;
        }
    }

    /// Lays a dense value out in chunks, so that each panel of its channels is one run of memory.
    fn chunk(&mut self, place: &mut Place) {
        if place.is_dense_nhwc() {
            let Rows { kept, width, channels, .. } = place.rows;
            place.rows = Rows::chunks(kept, width, channels, self.target.isa.lanes());
        }
    }

    /// Memory for parts of rows, which all pairs of stages of a step share: no two of them are at work at once.
    fn hand_over(&mut self, id: NodeId, place: Place) -> Place {
        let (len, align) = (self.bytes(place), self.align());
        let buffer = *self.handoff.get_or_insert_with(|| {
            let live = self.schedule.steps.len()..self.schedule.steps.len() + 1;
            let name = format!("{}.part", self.graph.node(id).name);
            self.schedule.buffers.push(Buffer { name, len, align, live });
            BufferId(self.schedule.buffers.len() - 1)
        });
        let taken = &mut self.schedule.buffers[buffer.0].len;
        *taken = len.max(*taken);
        Place { home: Home::Arena(buffer), ..place }
    }

    /// Cuts the rings between streamed stages down to the rows that are ever alive at once, and lets the result grow
    /// where the input dies.
    fn shrink_rings(&mut self, stages: &mut [Stage]) {
        let ends = [stages[0].from[0], stages[stages.len() - 1].into];
        let held =
            stream::simulate(stages, self.batch, ends.map(|place| self.element_bytes(place)));
        for (at, kept) in held.kept.into_iter().enumerate() {
            let place @ Place { home, rows, .. } = stages[at].into;
            let Home::Arena(buffer) = home else { continue };
            if Some(buffer) == self.handoff || Some(buffer) == self.strips {
                continue;
            }
            let rows = Rows { kept, ..rows };
            self.schedule.buffers[buffer.0].len = self.bytes(Place { rows, ..place });
            let ends =
                stages.iter_mut().flat_map(|stage| stage.from.iter_mut().chain([&mut stage.into]));
            ends.filter(|place| place.home == home).for_each(|place| place.rows.kept = kept);
        }
        self.schedule.overlaps.extend(self.diagonal(stages, held.lead));
    }

    /// Gives each band its own rings, and the last stage one band of the result.
    fn part(&mut self, stages: &mut [Stage]) {
        let (bands, last) = (self.bands(), stages.len() - 1);
        let rings: BTreeSet<Home> = stages[..last].iter().map(|stage| stage.into.home).collect();
        for home in rings {
            if let Home::Arena(buffer) = home {
                self.schedule.buffers[buffer.0].len *= bands;
            }
        }
        stages[last].into.rows.kept /= bands;
    }

    /// Leave for the last stage's result to lie over the first one's input, row behind row.
    fn diagonal(&self, stages: &[Stage], ahead: usize) -> Option<Overlap> {
        let (x, last) = (stages[0].from[0], stages.last()?);
        let (Home::Arena(dying), Home::Arena(growing)) = (x.home, last.into.home) else {
            return None;
        };
        if self.bands() > 1 {
            return None;
        }
        let dies = self.schedule.buffers[dying.0].live.end == self.now() + 1;
        let grows = self.schedule.buffers[growing.0].live.start == self.now();
        let in_rows = x.rows.form == Form::Nhwc && last.into.is_dense_nhwc();
        // Two stages may take turns at parts of a row: then the first reads a row again when the last has written.
        let apart = dying != growing && stages.len() > 2;
        let alike = self.element_bytes(x) == self.element_bytes(last.into);
        let read_last = last.from.iter().any(|place| place.home == x.home);
        let sums = last.kernel.pools_all() && self.element_bytes(x) != 4;
        (dies && grows && in_rows && apart && alike && !read_last && !sums).then_some(Overlap {
            dying,
            growing,
            ahead,
        })
    }
}

/// True if threads can make bands of the result: all may read the input, and each band is a run of memory.
fn bands_part(stages: &[Stage]) -> bool {
    let (first, last) = (&stages[0], &stages[stages.len() - 1]);
    !matches!(first.from[0].home, Home::Feed(_)) && last.into.is_dense_nhwc()
}
