//! Which inputs make an output: a run, a window, or a window over planes; and how far they and the outputs reach.

use crate::ring::Ring;
use core::ops::Range;

/// Inputs of one output pixel: rows of taps, and in each tap a run of `depth` numbers.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Rows of the window.
    pub rows: usize,
    /// Input rows from an output row to the next.
    pub row_stride: usize,
    /// Input rows from a window row to the next.
    pub row_step: usize,
    /// Input rows above output row 0 at which its window begins.
    pub above: usize,
    /// Elements before image column 0 at which the window of pixel 0 begins.
    pub before: usize,
    /// Elements from an output pixel's window to the next.
    pub pixel_step: usize,
    /// Runs in a row.
    pub taps: usize,
    /// Elements from a run to the next.
    pub tap_step: usize,
    /// Numbers in a run.
    pub depth: usize,
    /// Elements from a number of a run to the next.
    pub depth_step: usize,
    /// Numbers in one more, shorter run after them; may be 0.
    pub tail: usize,
}

impl Window {
    /// The pixel at its own place, its `c_in` channels in vectors of `lanes` where they lie in chunks.
    pub const fn point(from: &Ring, c_in: usize, lanes: usize) -> Self {
        let chunked = from.chunk != lanes && c_in > lanes;
        let depth = if chunked { lanes } else { c_in };
        Self {
            rows: 1,
            row_stride: 1,
            row_step: 1,
            above: 0,
            before: 0,
            pixel_step: from.pixel,
            taps: c_in / depth,
            tap_step: from.chunk,
            depth,
            depth_step: 1,
            tail: c_in % depth,
        }
    }

    /// A sliding window over pixels of `c_in` channels.
    pub const fn sliding(slide: Slide, from: &Ring, c_in: usize) -> Self {
        let columns = slide.kernel[1];
        let column_step = slide.dilation[1] * from.pixel;
        let (taps, tap_step, depth) =
            if column_step == c_in { (1, 0, columns * c_in) } else { (columns, column_step, c_in) };
        Self { taps, tap_step, depth, ..Self::of_slide(slide, from) }
    }

    /// A sliding window over `c_in` planes.
    pub const fn over_planes(slide: Slide, from: &Ring, c_in: usize) -> Self {
        Self {
            taps: c_in,
            tap_step: from.chunk,
            depth: slide.kernel[1],
            depth_step: slide.dilation[1] * from.pixel,
            ..Self::of_slide(slide, from)
        }
    }

    /// The rows of a sliding window and its steps; of each row one input.
    const fn of_slide(slide: Slide, from: &Ring) -> Self {
        let Slide { kernel, stride, dilation, pad } = slide;
        Self {
            rows: kernel[0],
            row_stride: stride[0],
            row_step: dilation[0],
            above: pad[0],
            before: pad[1] * from.pixel,
            pixel_step: stride[1] * from.pixel,
            taps: 1,
            tap_step: 0,
            depth: 1,
            depth_step: 1,
            tail: 0,
        }
    }

    /// One past the last input of the last of `width` pixels, from the ring's image column 0.
    #[inline(always)]
    pub(super) const fn reach(&self, width: usize) -> usize {
        let Window { taps, tap_step, depth, depth_step, tail, pixel_step, before, .. } = *self;
        assert!(width > 0 && taps > 0 && depth > 0);
        let mut last = (taps - 1).saturating_mul(tap_step);
        last = last.saturating_add((depth - 1).saturating_mul(depth_step));
        if tail > 0 {
            let end = taps.saturating_mul(tap_step);
            let end = end.saturating_add((tail - 1).saturating_mul(depth_step));
            last = if end > last { end } else { last };
        }
        let last = last.saturating_add((width - 1).saturating_mul(pixel_step));
        last.saturating_add(1).saturating_sub(before)
    }
}

/// How a window slides, down and across.
#[derive(Clone, Copy, Debug)]
pub struct Slide {
    /// Taps.
    pub kernel: [usize; 2],
    /// Pixels from a window to the next.
    pub stride: [usize; 2],
    /// Pixels from a tap to the next.
    pub dilation: [usize; 2],
    /// Pixels of padding before the image.
    pub pad: [usize; 2],
}

/// One past the last output of the last of `width` pixels, from the ring's image column 0.
#[inline(always)]
pub(super) const fn pixel_reach(ring: &Ring, width: usize, c_out: usize, lanes: usize) -> usize {
    assert!(width > 0 && c_out > 0);
    let v = (c_out - 1) / lanes;
    let mut end = v.saturating_mul(ring.chunk).saturating_add(c_out - v * lanes);
    if v > 0 {
        // Where a chunk is shorter than a vector, the whole vector before the last one ends behind it.
        let whole = (v - 1).saturating_mul(ring.chunk).saturating_add(lanes);
        end = if whole > end { whole } else { end };
    }
    (width - 1).saturating_mul(ring.pixel).saturating_add(end)
}

/// One past the last element of any slot of a ring whose rows reach `in_row` beyond image column 0.
#[inline(always)]
pub(super) const fn reach(ring: &Ring, in_row: usize) -> usize {
    if ring.kept == 0 {
        return usize::MAX;
    }
    let slots = (ring.kept - 1).saturating_mul(ring.row);
    ring.base.saturating_add(slots).saturating_add(in_row)
}

/// Whether tiles of `len` pixels cover `pixels` of a row of `width`, and counting them does not overflow.
#[inline(always)]
pub(super) const fn tiles_fit(pixels: &Range<usize>, len: usize, width: usize) -> bool {
    let Range { start, end } = *pixels;
    width <= isize::MAX as usize && end <= width && start <= end && end - start >= len
}
