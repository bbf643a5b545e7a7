//! Fills around the pixels of an image: padding, spread inputs, strips that move on.

use mnv2c_runtime::ring::Form;

use crate::error::Result;
use crate::program::Zero;
use crate::shadow::area::Area;
use crate::shadow::cells::Tag;
use crate::shadow::run::Running;

impl Running<'_, '_> {
    /// Writes what lies around an image.
    pub(super) fn zero(&mut self, at: usize, what: &Zero) -> Result<()> {
        let place = self.step.stages[at].into.whole_pixels();
        let padding = self.padding(at);
        let all = Area::stored(place);
        match what {
            Zero::All => self.pad(at, &all, padding),
            Zero::Row(row) => {
                let row = row.value(&|variable| self.value(variable)) as isize;
                self.pad(at, &all.rows(row..row + 1), padding)
            }
            Zero::Edges | Zero::Around => {
                let (left, width) = (place.rows.left as isize, place.rows.width as isize);
                let (right, top) = (place.rows.right as isize, place.rows.top as isize);
                for columns in [-left..0, width..width + right] {
                    self.pad(at, &Area { columns, ..all.clone() }, padding)?;
                }
                self.pad(at, &all.clone().rows(-top..0), padding)?;
                let (height, kept) = (place.height as isize, place.rows.kept as isize);
                let below = if *what == Zero::Around { height..kept - top } else { 0..0 };
                self.pad(at, &all.rows(below), padding)
            }
        }
    }

    fn pad(&mut self, at: usize, area: &Area, padding: Tag) -> Result<()> {
        self.put(at, area, padding)?;
        let start = self.limits(area.place.home).start;
        if let Some(numbers) = &mut self.shadow.numbers {
            numbers.fill(&self.step.stages[at], area, start);
        }
        Ok(())
    }

    /// Moves the dense pixels of an input to its padded rows.
    pub(super) fn spread(&mut self, at: usize) -> Result<()> {
        let place = self.step.stages[at].from[0];
        let parts = self.found.read[at][0].clone();
        let [(_, version)] = parts.as_slice() else {
            return Err(self.unsound(at, "spreads what is no input"));
        };
        let start = self.limits(place.home).start;
        let len = place.rows.width * place.height * place.rows.channels * place.element.bytes();
        let dense = start..start + len;
        let Some(memory) = self.shadow.memory(place.home) else { return Ok(()) };
        if memory.read(dense, Tag::Made(*version), 0).is_err() {
            return Err(self.unsound(at, "spreads pixels that are not there any more"));
        }
        let padding = self.found.padding[at][0];
        self.put(at, &Area::stored(place), padding)?;
        self.put(at, &Area::image(place), Tag::Made(*version))?;
        if let Some(numbers) = &mut self.shadow.numbers {
            numbers.spread(&self.step.stages[at], start);
        }
        Ok(())
    }

    /// Moves a strip of columns on.
    pub(super) fn slide(&mut self, at: usize, columns: usize) -> Result<()> {
        let place = self.step.stages[at].into;
        let start = self.limits(place.home).start;
        let (padding, element) = (self.padding(at), place.element.bytes());
        let (rows, ring) = (place.rows, place.rows.ring(0));
        let pixel = ring.pixel * element;
        let (by, len) = (columns * pixel, (rows.left + rows.width + rows.right) * pixel);
        let groups = match rows.form {
            Form::Chunks(lanes) => rows.channels.div_ceil(lanes),
            Form::Nhwc | Form::Planes | Form::Slice { .. } => 1,
        };
        for (group, slot) in (0..groups).flat_map(|group| (0..rows.kept).map(move |s| (group, s))) {
            let row = start + (group * ring.chunk + slot * ring.row) * element;
            let Some(memory) = self.shadow.memory(place.home) else { continue };
            memory.slide(row..row + len, by.min(len));
            memory.write(row + len.saturating_sub(by)..row + len, padding, 0);
            if let Some(numbers) = &mut self.shadow.numbers {
                numbers.slide(place, row..row + len, by.min(len));
            }
        }
        Ok(())
    }
}
