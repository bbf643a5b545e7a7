//! Rows of a value in memory: the one description of memory that kernels share.
//!
//! A `Ring` holds `kept` rows and row `r` lies in slot `(r + top) % kept`. A whole tensor is a ring that keeps
//! every row. Strides say the rest, so one kernel reads NHWC rows, planes and chunks of channels alike:
//!
//! | form | `pixel` | `chunk` |
//! |---|---|---|
//! | NHWC rows | channels (or more, zero lanes stored) | lanes |
//! | chunks `[C/L][rows][left + W + right][L]` | lanes | one chunk's rows |
//! | planes `[C][rows][left + W + right]` | 1 | one plane |
//!
//! Padding is stored: zero columns beside each row, zero rows above and below, so no kernel tests a border.

mod border;

use core::ops::Range;

use crate::simd::Number;

/// Strides of a value's rows, all in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Image column 0 of slot 0.
    pub base: usize,
    /// Slots; row `r` lies in slot `(r + top) % kept`.
    pub kept: usize,
    /// Zero rows stored above row 0.
    pub top: usize,
    /// From a slot to the next.
    pub row: usize,
    /// From a pixel to the next.
    pub pixel: usize,
    /// From a vector of channels (chunks, NHWC) or a channel (planes) to the next.
    pub chunk: usize,
}

impl Ring {
    /// Offset of image column 0 of row `row - top`: rows are counted from the first stored zero row.
    #[inline(always)]
    pub const fn slot(&self, row: usize) -> usize {
        self.base + (row % self.kept) * self.row
    }

    /// This ring from channel `first` on, for vectors of `lanes`, which chunks do not part.
    #[inline(always)]
    pub const fn from_channel(self, first: usize, lanes: usize) -> Self {
        if self.chunk == lanes {
            return self.shifted(first);
        }
        assert!(first.is_multiple_of(lanes));
        self.shifted(first / lanes * self.chunk)
    }

    /// This ring in a slice that holds `by` elements of something else before it.
    #[inline(always)]
    pub const fn shifted(self, by: usize) -> Self {
        Self { base: self.base + by, ..self }
    }
}

/// The shape of a value in memory: what [`Ring`]'s strides are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The order of pixels and channels.
    pub form: Form,
    /// Slots for rows; a whole tensor keeps its height and its zero rows.
    pub kept: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Zero rows above the image.
    pub top: usize,
    /// Zero columns left of the image.
    pub left: usize,
    /// Zero columns right of the image.
    pub right: usize,
}

/// Orders of the pixels and channels of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `[rows][left + W + right][C]`.
    Nhwc,
    /// `[C / lanes][rows][left + W + right][lanes]`, missing channels stored as zeros.
    Chunks(usize),
    /// `[C][rows][left + W + right]`.
    Planes,
    /// Some channels of NHWC rows: `[rows][left + W + right][of]`, these from channel `first` on.
    Slice {
        /// Channels of a whole pixel.
        of: usize,
        /// The first of these in it.
        first: usize,
    },
}

impl Rows {
    /// `kept` rows of `width` pixels of `channels`, channels innermost, no padding.
    pub const fn nhwc(kept: usize, width: usize, channels: usize) -> Self {
        let form = Form::Nhwc;
        Self { form, kept, width, channels, top: 0, left: 0, right: 0 }
    }

    /// `kept` rows of `width` pixels in chunks of `lanes` channels, no padding.
    pub const fn chunks(kept: usize, width: usize, channels: usize, lanes: usize) -> Self {
        let form = Form::Chunks(lanes);
        Self { form, kept, width, channels, top: 0, left: 0, right: 0 }
    }

    /// `kept` rows of `width` pixels as planes, one a channel, no padding.
    pub const fn planes(kept: usize, width: usize, channels: usize) -> Self {
        let form = Form::Planes;
        Self { form, kept, width, channels, top: 0, left: 0, right: 0 }
    }

    /// These rows with zero rows above and zero columns on both sides. `kept` counts the rows above already.
    pub const fn padded(self, top: usize, left: usize, right: usize) -> Self {
        Self { top, left, right, ..self }
    }

    /// Channels `first..first + channels` of each pixel; of NHWC rows only, or of some of their channels.
    pub const fn slice(self, first: usize, channels: usize) -> Self {
        let (of, before) = match self.form {
            Form::Slice { of, first } => (of, first),
            Form::Nhwc | Form::Chunks(_) | Form::Planes => (self.channels, 0),
        };
        assert!(!matches!(self.form, Form::Chunks(_) | Form::Planes), "channels lie side by side");
        Self { form: Form::Slice { of, first: before + first }, channels, ..self }
    }

    /// The strides, for vectors of `lanes` channels.
    pub const fn ring(&self, lanes: usize) -> Ring {
        let columns = self.left + self.width + self.right;
        let (pixel, row, chunk) = match self.form {
            Form::Nhwc => (self.channels, columns * self.channels, lanes),
            Form::Chunks(lanes) => (lanes, columns * lanes, self.kept * columns * lanes),
            Form::Planes => (1, columns, self.kept * columns),
            Form::Slice { of, .. } => (of, columns * of, lanes),
        };
        let first = if let Form::Slice { first, .. } = self.form { first } else { 0 };
        Ring { base: self.left * pixel + first, kept: self.kept, top: self.top, row, pixel, chunk }
    }

    /// Channels of a pixel that lie side by side.
    pub const fn lanes(&self) -> usize {
        match self.form {
            Form::Nhwc | Form::Slice { .. } => self.channels,
            Form::Chunks(lanes) => lanes,
            Form::Planes => 1,
        }
    }

    /// Elements stored.
    pub const fn len(&self) -> usize {
        let columns = self.left + self.width + self.right;
        let channels = match self.form {
            Form::Nhwc | Form::Planes => self.channels,
            Form::Chunks(lanes) => self.channels.div_ceil(lanes) * lanes,
            Form::Slice { of, .. } => of,
        };
        self.kept * columns * channels
    }

    /// True if nothing is stored.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the zero columns of every slot and the zero rows above the image: once, before the first row.
    #[inline(always)]
    pub fn clear_edges<E: Number>(&self, x: &mut [E]) {
        self.fill_edges(x, E::ZERO);
    }

    /// Writes `zero` to the columns beside every slot and the rows above the image.
    #[inline(always)]
    pub fn fill_edges<E: Copy>(&self, x: &mut [E], zero: E) {
        assert!(self.len() <= x.len(), "the rows lie in the slice");
        self.fill_beside(x, zero);
        let mut row = 0;
        while row < self.top {
            self.fill_slot(x, row, zero);
            row += 1;
        }
    }

    /// Writes the zeros all around an image of `height` rows: beside them, above and below.
    #[inline(always)]
    pub fn clear_around<E: Number>(&self, x: &mut [E], height: usize) {
        self.fill_around(x, height, E::ZERO);
    }

    /// [`Self::clear_around`] with another number for zero.
    #[inline(always)]
    pub fn fill_around<E: Copy>(&self, x: &mut [E], height: usize, zero: E) {
        self.fill_edges(x, zero);
        for slot in self.top + height..self.kept {
            self.fill_slot(x, slot, zero);
        }
    }

    /// The pixels of row `row` of an NHWC image, without the zeros around it.
    #[inline(always)]
    pub fn row<'a, E>(&self, x: &'a [E], row: usize) -> &'a [E] {
        assert!(matches!(self.form, Form::Nhwc), "only pixels lie one after the other");
        &x[self.ring(0).slot(row + self.top)..][..self.width * self.channels]
    }

    /// The pixels of row `row` of an NHWC image, without the zeros around it, mutable.
    #[inline(always)]
    pub fn row_mut<'a, E>(&self, x: &'a mut [E], row: usize) -> &'a mut [E] {
        assert!(matches!(self.form, Form::Nhwc), "only pixels lie one after the other");
        &mut x[self.ring(0).slot(row + self.top)..][..self.width * self.channels]
    }

    /// Moves the dense pixels of an NHWC image of `height` rows, which begin where `x` does, to where this says they
    /// lie, and writes the zeros around them.
    #[inline(always)]
    pub fn spread<E: Number>(&self, x: &mut [E], height: usize) {
        self.spread_in(x, height, E::ZERO);
    }

    /// [`Self::spread`] with another number for zero.
    #[inline(always)]
    pub fn spread_in<E: Copy>(&self, x: &mut [E], height: usize, zero: E) {
        assert!(matches!(self.form, Form::Nhwc), "only pixels lie one after the other");
        let (ring, len) = (self.ring(0), self.width * self.channels);
        for row in (0..height).rev() {
            x.copy_within(row * len..(row + 1) * len, ring.slot(row + self.top));
        }
        self.fill_around(x, height, zero);
    }

    /// Moves every row to the left, so that its column `by` comes to lie where its first stored one did, and makes the
    /// columns behind zero: what a strip of columns does before its next ones are computed.
    #[inline(always)]
    pub fn slide<E: Number>(&self, x: &mut [E], by: usize) {
        self.slide_in(x, by, E::ZERO);
    }

    /// [`Self::slide`] with another number for zero.
    #[inline(always)]
    pub fn slide_in<E: Copy>(&self, x: &mut [E], by: usize, zero: E) {
        self.each_run(|start, columns, pixel| {
            let row = &mut x[start..start + columns * pixel];
            row.copy_within(by * pixel.., 0);
            row[(columns - by) * pixel..].fill(zero);
        });
    }

    /// Makes row `row` of the image zero, when it lies below the last.
    #[inline(always)]
    pub fn clear_row<E: Number>(&self, x: &mut [E], row: usize) {
        self.fill_row(x, row, E::ZERO);
    }

    /// [`Self::clear_row`] with another number for zero.
    #[inline(always)]
    pub fn fill_row<E: Copy>(&self, x: &mut [E], row: usize, zero: E) {
        assert!(self.len() <= x.len(), "the rows lie in the slice");
        self.fill_slot(x, row + self.top, zero);
    }
}

impl Rows {
    /// Writes the columns beside every slot: in a function of its own, as every padded value is filled.
    #[inline(never)]
    fn fill_beside<E: Copy>(&self, x: &mut [E], zero: E) {
        let ring = self.ring(0);
        let [left, right] = [self.left * ring.pixel, (self.left + self.width) * ring.pixel];
        for group in 0..self.groups() {
            let start = group * ring.chunk;
            let Some(rows) = x.get_mut(start..start + self.kept * ring.row) else { continue };
            for row in rows.chunks_exact_mut(ring.row.max(1)) {
                fill(row, 0..left, zero);
                fill(row, right..ring.row, zero);
            }
        }
    }

    fn fill_slot<E: Copy>(&self, x: &mut [E], slot: usize, zero: E) {
        let (ring, columns) = (self.ring(0), self.left + self.width + self.right);
        let start = slot.checked_rem(self.kept).unwrap_or(0) * ring.row;
        for group in 0..self.groups() {
            let from = start + group * ring.chunk;
            fill(x, from..from + columns * ring.pixel, zero);
        }
    }

    fn each_run(&self, mut run: impl FnMut(usize, usize, usize)) {
        let (ring, columns) = (self.ring(0), self.left + self.width + self.right);
        for group in 0..self.groups() {
            for slot in 0..self.kept {
                run(group * ring.chunk + slot * ring.row, columns, ring.pixel);
            }
        }
    }

    const fn groups(&self) -> usize {
        match self.form {
            Form::Nhwc | Form::Slice { .. } => 1,
            Form::Chunks(lanes) => match self.channels.checked_next_multiple_of(lanes) {
                Some(channels) => channels / lanes,
                None => 0,
            },
            Form::Planes => self.channels,
        }
    }
}

/// A function of its own: optimisers would make copies of the loop for each case of its callers.
#[inline(never)]
fn fill_all<E: Copy>(x: &mut [E], value: E) {
    x.fill(value);
}

/// Writes a part of `x` that callers know to lie in it: this is no place where an emitted program could panic.
fn fill<E: Copy>(x: &mut [E], range: Range<usize>, value: E) {
    match x.get_mut(range) {
        // Beside rows of planes lie single elements: no call is made for those.
        Some([one]) => *one = value,
        Some([one, two]) => (*one, *two) = (value, value),
        Some(part) => fill_all(part, value),
        None => {}
    }
}

#[cfg(feature = "sources")]
crate::listed::listed! {
    "ring/", "ring/":
    "border"
}
