//! The part of its output that a call of a kernel computes.

use core::ops::Range;

/// Some rows of an output, of each some pixels, and of those some channels.
///
/// Rows alone are such a part: `0..4` is all pixels and channels of four rows. `(0..4, 2)` is the channels of panel 2 in
/// them, and `(0..4, 2..6)` those of four panels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Output rows.
    pub rows: Range<usize>,
    /// Pixels of each row: at least a tile of them, or [`Part::ALL`].
    pub pixels: Range<usize>,
    /// Panels of weights, or [`Part::ALL`]: each is `NV` vectors of output channels of a product (of each of its groups),
    /// or one of a depthwise convolution.
    pub panels: Range<usize>,
}

impl Part {
    /// All pixels of a row, or all panels, however many there are.
    pub const ALL: Range<usize> = 0..usize::MAX;

    /// The part of rows of `width` pixels and so many panels.
    #[inline(always)]
    pub(crate) fn within(self, width: usize, panels: usize) -> Self {
        let known = |range: Range<usize>, len| if range == Self::ALL { 0..len } else { range };
        Self {
            rows: self.rows,
            pixels: known(self.pixels, width),
            panels: known(self.panels, panels),
        }
    }
}

impl From<Range<usize>> for Part {
    #[inline(always)]
    fn from(rows: Range<usize>) -> Self {
        Self { rows, pixels: Self::ALL, panels: Self::ALL }
    }
}

impl From<(Range<usize>, Range<usize>)> for Part {
    #[inline(always)]
    fn from((rows, panels): (Range<usize>, Range<usize>)) -> Self {
        Self { panels, ..Self::from(rows) }
    }
}

impl From<(Range<usize>, usize)> for Part {
    #[inline(always)]
    fn from((rows, panel): (Range<usize>, usize)) -> Self {
        Self::from((rows, panel..panel + 1))
    }
}
