//! Parts of values in memory: some rows, columns and channels of a place, as runs of bytes.

use std::ops::Range;

use mnv2c_runtime::ring::{Form, Rows};

use crate::schedule::Place;

/// Far from every element that a value has: distinguishes panels that share memory.
const APART: u64 = 1 << 44;

/// Some rows, columns and channels of what lies at a place.
#[derive(Clone, Debug)]
pub(super) struct Area {
    /// The value's location.
    pub place: Place,
    /// Rows of the image; those above and below it hold padding.
    pub rows: Range<isize>,
    /// Columns of what lies here, counted from the first of the image; those beside it hold padding.
    pub columns: Range<isize>,
    /// Channels of what lies here.
    pub channels: Range<usize>,
    /// Elements between the start of the memory and where the call begins.
    pub shift: usize,
    /// The part of the whole value that lies here.
    pub part: PartOf,
}

/// The part of a whole value that lies at a place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PartOf {
    /// The column of the value that column 0 is.
    pub column: isize,
    /// Pixels of a row of the value, where they are not those of the place.
    pub width: Option<usize>,
    /// The channel of the value that channel 0 is.
    pub channel: usize,
    /// The panel, of those that lie here in turn.
    pub panel: usize,
}

/// Bytes that follow one another in memory and in their value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Their range in memory.
    pub bytes: Range<usize>,
    /// The byte of the value that the first one is; nothing for padding.
    pub at: Option<u64>,
    /// The row of the image.
    pub row: isize,
}

impl Area {
    /// All rows and pixels of the image at a place.
    pub(super) fn image(place: Place) -> Self {
        let (rows, columns) = (0..place.height as isize, 0..place.rows.width as isize);
        let (channels, part) = (0..place.rows.channels, PartOf::default());
        Self { place, rows, columns, channels, shift: 0, part }
    }

    /// The whole area that is stored at a place, padding included.
    pub(super) fn stored(place: Place) -> Self {
        let Rows { top, kept, .. } = place.rows;
        let rows = -(top as isize)..kept as isize - top as isize;
        Self { rows, ..Self::image(place) }.with_edges()
    }

    /// This area with the columns stored beside the image.
    pub(super) fn with_edges(self) -> Self {
        let Rows { left, width, right, .. } = self.place.rows;
        Self { columns: -(left as isize)..(width + right) as isize, ..self }
    }

    /// Some rows of this area.
    pub(super) fn rows(self, rows: Range<isize>) -> Self {
        Self { rows, ..self }
    }

    /// The runs of bytes, counted from the start of the memory.
    pub(super) fn each_run(&self, mut run: impl FnMut(Run)) {
        let Range { start, end } = self.rows;
        if self.columns.is_empty() || self.channels.is_empty() {
            return;
        }
        if self.is_contiguous() && start >= 0 && start < end && end <= self.place.height as isize {
            return self.joined(&mut run);
        }
        for row in start..end {
            let inside = (0..self.place.height as isize).contains(&row);
            let width = self.part.width.unwrap_or(self.place.rows.width) as isize;
            let image = -self.part.column..width - self.part.column;
            let Range { start, end } = self.columns.clone();
            let first = image.start.clamp(start, end);
            let last = image.end.clamp(first, end);
            for columns in [start..first, first..last, last..end] {
                let inside = inside && columns == (first..last);
                self.each_group(row, columns, |bytes, at| {
                    run(Run { bytes, at: at.filter(|_| inside), row });
                });
            }
        }
    }

    /// The byte, from the start of the memory on, where the element of a row, column and channel of this place begins.
    pub(super) fn byte(&self, row: isize, column: isize, channel: usize) -> usize {
        let Rows { form, kept, top, .. } = self.place.rows;
        let ring = self.place.rows.ring(0);
        let slot = (row + top as isize).rem_euclid(kept.max(1) as isize) as usize;
        let group = match form {
            Form::Nhwc | Form::Slice { .. } => channel,
            Form::Chunks(lanes) => channel / lanes * ring.chunk + channel % lanes,
            Form::Planes => channel * ring.chunk,
        };
        let base = (ring.base + slot * ring.row + group + self.shift) as isize;
        (base + column * ring.pixel as isize).max(0) as usize * self.place.element.bytes()
    }

    /// The byte of each element, by channel, row and column.
    pub(super) fn elements(&self) -> impl Iterator<Item = usize> {
        self.channels.clone().flat_map(move |channel| {
            self.rows.clone().flat_map(move |row| {
                self.columns.clone().map(move |column| self.byte(row, column, channel))
            })
        })
    }

    /// True if rows follow one another without a gap, and do not start over among these.
    fn is_contiguous(&self) -> bool {
        let Rows { form, width, channels, kept, top, left, right, .. } = self.place.rows;
        let slot = |row: isize| (row + top as isize).rem_euclid(kept as isize);
        let wraps = slot(self.rows.start) + (self.rows.end - self.rows.start) > kept as isize;
        let whole = match form {
            Form::Nhwc => self.channels == (0..channels),
            Form::Chunks(_) | Form::Planes => true,
            Form::Slice { .. } => false,
        };
        let part = self.part.width.is_none_or(|all| all == width) && self.part.column == 0;
        let full = self.columns == (0..width as isize) && part;
        [left, right] == [0; 2] && full && whole && !wraps && self.part.channel == 0
    }

    /// All rows as one run for each group of channels.
    fn joined(&self, run: &mut impl FnMut(Run)) {
        let (row, count) = (self.rows.start, (self.rows.end - self.rows.start) as usize);
        self.each_group(row, self.columns.clone(), |bytes, at| {
            let len = bytes.len() * count;
            run(Run { bytes: bytes.start..bytes.start + len, at, row });
        });
    }

    /// The bytes of some columns of a row, group after group of channels that lie apart.
    fn each_group(
        &self,
        row: isize,
        columns: Range<isize>,
        mut run: impl FnMut(Range<usize>, Option<u64>),
    ) {
        if columns.is_empty() {
            return;
        }
        let form = self.place.rows.form;
        let (ring, element) = (self.place.rows.ring(0), self.place.element.bytes());
        let count = (columns.end - columns.start) as usize;
        let mut lies = |column: isize, channel: usize, len: usize| {
            let start = self.byte(row, column, channel);
            let at = self.number(row, column, channel).map(|at| at * element as u64);
            run(start..start + len * element, at);
        };
        match form {
            Form::Nhwc if self.channels == (0..ring.pixel) && self.part.channel == 0 => {
                lies(columns.start, 0, count * ring.pixel);
            }
            Form::Nhwc | Form::Slice { .. } => {
                for column in columns {
                    lies(column, self.channels.start, self.channels.len());
                }
            }
            Form::Chunks(lanes) => {
                for group in self.channels.start / lanes..self.channels.end.div_ceil(lanes) {
                    lies(columns.start, group * lanes, count * lanes);
                }
            }
            Form::Planes => {
                for channel in self.channels.clone() {
                    lies(columns.start, channel, count);
                }
            }
        }
    }

    /// The index in the value of the element at a row, column and channel of this place, if one lies there.
    fn number(&self, row: isize, column: isize, channel: usize) -> Option<u64> {
        let Rows { form, width, channels, .. } = self.place.rows;
        let (column, row) = (column + self.part.column, u64::try_from(row).ok()?);
        let (column, channel) = (u64::try_from(column).ok()?, channel + self.part.channel);
        let width = self.part.width.unwrap_or(width) as u64;
        let height = self.place.height as u64;
        let pixel = |of: usize, channel: usize| (row * width + column) * of as u64 + channel as u64;
        let number = match form {
            Form::Nhwc => pixel(channels, channel),
            Form::Slice { of, first } => pixel(of, first + channel),
            Form::Chunks(lanes) => {
                let group = (channel / lanes) as u64;
                ((group * height + row) * width + column) * lanes as u64 + (channel % lanes) as u64
            }
            Form::Planes => (channel as u64 * height + row) * width + column,
        };
        Some(number + self.part.panel as u64 * APART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Element, Home};

    fn place(rows: Rows, height: usize) -> Place {
        Place { home: Home::Output(0), rows, height, element: Element::F32 }
    }

    fn runs(area: &Area) -> Vec<(Range<usize>, Option<u64>)> {
        let mut runs = Vec::new();
        area.each_run(|run| runs.push((run.bytes, run.at)));
        runs
    }

    #[test]
    fn dense_rows_are_one_run() {
        let area = Area::image(place(Rows::nhwc(4, 3, 2), 4)).rows(1..3);
        assert_eq!(runs(&area), [(24..72, Some(24))]);
    }

    #[test]
    fn rings_begin_anew_and_pad_their_rows() {
        let area = Area::image(place(Rows::nhwc(2, 3, 1).padded(1, 1, 0), 4)).rows(1..2);
        assert_eq!(runs(&area.with_edges()), [(0..4, None), (4..16, Some(12))]);
        let above = Area::image(place(Rows::nhwc(2, 3, 1).padded(1, 1, 0), 4)).rows(-1..0);
        assert_eq!(runs(&above), [(4..16, None)]);
    }

    #[test]
    fn chunks_and_slices_lie_apart() {
        let area = Area::image(place(Rows::chunks(2, 2, 6, 4), 2)).rows(0..1);
        assert_eq!(runs(&area), [(0..32, Some(0)), (64..96, Some(64))]);
        let area = Area::image(place(Rows::nhwc(1, 2, 5).slice(2, 2), 1));
        assert_eq!(runs(&area), [(8..16, Some(8)), (28..36, Some(28))]);
    }
}
