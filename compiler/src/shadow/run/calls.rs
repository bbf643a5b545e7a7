//! Reads and writes of kernel calls.

use std::ops::Range;

use crate::error::Result;
use crate::kernels::spec::Footprint;
use crate::program::{Call, Reach, Span, Variable};
use crate::schedule::{Home, Kernel};
use crate::shadow::access::Access;
use crate::shadow::area::{Area, PartOf};
use crate::shadow::cells::Tag;
use crate::shadow::numbers::Piece;
use crate::shadow::run::Running;

impl Running<'_, '_> {
    pub(super) fn call(&mut self, call: &Call) -> Result<()> {
        let stage = &self.step.stages[call.stage];
        let rows = self.span(&call.rows);
        if matches!(stage.kernel, Kernel::Fetch(_)) {
            self.ask(call.stage, rows.clone())?;
        }
        let lent = self.lent.get(&stage.into.home).map_or(0, |(len, _)| *len);
        let (fits, reads, over, write) = {
            let value = |variable| self.value(variable);
            let lanes = self.shadow.target.isa.lanes();
            let (step, value) = (self.step, &value as &dyn Fn(Variable) -> usize);
            let access = Access { step, call, value, rows: rows.clone(), lanes, lent };
            (access.fits(), access.reads(), access.over(), access.write())
        };
        if !fits {
            return Err(self.unsound(call.stage, "makes rows or parts of rows that it is not for"));
        }
        if let Footprint::Walk { shape, into, steps } = stage.kernel.footprint()
            && !self.step.is_streamed()
        {
            self.walk(call.stage, written(shape, into, steps))?;
            return self.compute(call, rows, reads, None, write);
        }
        for (port, area) in &reads {
            self.reads(call.stage, *port, area)?;
        }
        self.work_in(call.stage)?;
        if let Some(area) = &over {
            let (parts, padding) = (&self.found.over[call.stage], self.padding(call.stage));
            self.holds(call.stage, area, parts, padding)?;
        }
        if stage.kernel.pools_all() {
            self.pool(call, rows.clone(), &write)?;
        } else {
            self.put(call.stage, &write, Tag::Made(self.found.made[call.stage]))?;
        }
        self.compute(call, rows, reads, over, write)
    }

    /// Computes what a call makes, where numbers are.
    fn compute(
        &mut self,
        call: &Call,
        rows: Range<usize>,
        reads: Vec<(usize, Area)>,
        over: Option<Area>,
        write: Area,
    ) -> Result<()> {
        if self.shadow.numbers.is_none() {
            return Ok(());
        }
        let (at, stage) = (call.stage, &self.step.stages[call.stage]);
        let start = |area: &Area| self.limits(area.place.home).start;
        let reads = reads.into_iter().map(|(port, area)| (port, area.clone(), start(&area)));
        let (reads, start) = (reads.collect(), start(&write));
        let row = (call.reach == Reach::Slices).then_some(rows.start);
        let piece = Piece { at, stage, row, reads, over, write, start };
        let ends = stage.kernel.pools_all() && rows.end == stage.height;
        let is_last = ends && (!stage.sums_bytes() || call.rows == Span::below(stage.height));
        let Some(numbers) = &mut self.shadow.numbers else { return Ok(()) };
        numbers.call(&piece, rows)?;
        if is_last { numbers.pooled(&piece) } else { Ok(()) }
    }

    /// Leaves numbers that are no value in the memory that a kernel works in while it reads and writes.
    fn work_in(&mut self, at: usize) -> Result<()> {
        let stage = &self.step.stages[at];
        let Some(scratch) = stage.scratch else { return Ok(()) };
        let bytes = self.limits(scratch.home);
        if bytes.len() < scratch.rows.len() * scratch.element.bytes() {
            return Err(self.unsound(at, "works past its memory"));
        }
        for place in stage.from.iter().chain([&stage.into]) {
            let other = self.limits(place.home);
            let beside = |home| matches!(home, Home::Arena(_));
            if beside(place.home) && other.start < bytes.end && bytes.start < other.end {
                return Err(self.unsound(at, "works in memory that it reads or writes"));
            }
        }
        let made = self.found.made[at];
        if let Some(memory) = self.shadow.memory(scratch.home) {
            memory.write(bytes, Tag::Sums(made), 0);
        }
        Ok(())
    }

    /// Takes rows of an input from the caller, who is asked for each once and in order.
    fn ask(&mut self, stage: usize, rows: Range<usize>) -> Result<()> {
        let from = self.step.stages[stage].from[0];
        let Home::Feed(at) = from.home else { return Ok(()) };
        let next = self.shadow.asked.entry(at).or_default();
        if rows.start != *next || rows.end > from.height {
            return Err(self.unsound(stage, "asks for rows out of order"));
        }
        *next = rows.end;
        Ok(())
    }

    /// Adds rows to sums, each row once.
    fn pool(&mut self, call: &Call, rows: Range<usize>, write: &Area) -> Result<()> {
        let (at, stage) = (call.stage, &self.step.stages[call.stage]);
        let taken = self.pooled.entry((at, write.part.channel)).or_default();
        if *taken != rows.start {
            return Err(self.unsound(at, "takes rows of its operand twice or not at all"));
        }
        *taken = rows.end;
        let all = call.rows == Span::below(stage.height);
        let made = self.found.made[at];
        if !stage.sums_bytes() || all {
            if rows.start > 0 {
                self.holds(at, write, &vec![(0..usize::MAX, made)], Tag::Zero(0))?;
            }
            return self.put(at, write, Tag::Made(made));
        }
        let sums = self.sums(at, write);
        let limits = self.limits(stage.into.home);
        if sums.end > limits.end {
            return Err(self.unsound(at, "writes past its memory"));
        }
        let Some(memory) = self.shadow.memory(stage.into.home) else { return Ok(()) };
        if rows.start > 0 && memory.read(sums.clone(), Tag::Sums(made), 0).is_err() {
            return Err(self.unsound(at, "adds to sums that are not its own"));
        }
        memory.write(sums, Tag::Sums(made), 0);
        Ok(())
    }

    /// The bytes of the sums of some channels.
    fn sums(&self, at: usize, write: &Area) -> Range<usize> {
        let start = self.limits(self.step.stages[at].into.home).start + write.shift;
        start..start + write.channels.len() * self.step.stages[at].sum_len()
    }

    /// Makes means of sums.
    pub(super) fn finish(&mut self, at: usize) -> Result<()> {
        let stage = &self.step.stages[at];
        let (made, write) = (self.found.made[at], Area::image(stage.into));
        let panels = self.pooled.len();
        let each = write.channels.len() * stage.sum_len() / panels.max(1);
        let start = self.limits(stage.into.home).start;
        let home = stage.into.home;
        for panel in 0..panels {
            let sums = start + panel * each..start + (panel + 1) * each;
            let Some(memory) = self.shadow.memory(home) else { continue };
            if memory.read(sums, Tag::Sums(made), 0).is_err() {
                return Err(self.unsound(at, "makes means of what are no sums"));
            }
        }
        self.put(at, &write, Tag::Made(made))?;
        let Some(numbers) = &mut self.shadow.numbers else { return Ok(()) };
        for channel in self.pooled.keys().filter(|key| key.0 == at).map(|key| key.1) {
            let part = PartOf { channel, ..PartOf::default() };
            let write = Area { channels: channel..write.channels.end, part, ..write.clone() };
            let piece = Piece { at, stage, row: None, reads: vec![], over: None, write, start };
            numbers.pooled(&piece)?;
        }
        Ok(())
    }

    /// Copies elements of whole values.
    fn walk(&mut self, at: usize, written: Vec<Range<usize>>) -> Result<()> {
        let stage = &self.step.stages[at];
        if let Some(from) = stage.from.first() {
            self.reads(at, 0, &Area::image(*from))?;
        }
        let made = Tag::Made(self.found.made[at]);
        let (limits, element) = (self.limits(stage.into.home), stage.into.element.bytes());
        for elements in written {
            let bytes =
                limits.start + elements.start * element..limits.start + elements.end * element;
            if bytes.end > limits.end {
                return Err(self.unsound(at, "writes past its memory"));
            }
            let number = (elements.start * element) as u64;
            if let Some(memory) = self.shadow.memory(stage.into.home) {
                memory.write(bytes, made, number);
            }
        }
        Ok(())
    }
}

/// The elements that a walk writes, as ranges.
fn written(shape: &[usize], start: usize, steps: &[isize]) -> Vec<Range<usize>> {
    let mut starts = vec![start as isize];
    let mut len = 1;
    for (count, step) in shape.iter().zip(steps).rev() {
        if *step == len as isize && starts.len() == 1 {
            len *= count;
            continue;
        }
        let more = starts.iter().flat_map(|at| (0..*count).map(move |i| at + i as isize * step));
        starts = more.collect();
    }
    starts.into_iter().map(|at| at.max(0) as usize..at.max(0) as usize + len).collect()
}
