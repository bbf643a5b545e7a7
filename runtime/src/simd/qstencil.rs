//! The depthwise kernel for bytes: each channel with its own small window, exact sums, requantised.
//!
//! Up to four rows of a column go into one lane a channel, so a 3x3 window is three products of quads, and a column
//! that several pixels read is put together once. A vector of channels has one vector of 32-bit biases, one of
//! [factors](crate::affine::Factor), then for every four rows of the window, and every column of them, a vector of
//! weights. The last vector is read whole, even where channels end inside it, so rows must have room for that. Where `T`
//! does not divide the pixels, the last tile overlaps the one before it.

use super::Task;
use super::dots::Dots;
use super::registers::zeros;
use super::requant::{Factors, Steps};
use super::stencil::{Part, Place};
use super::window::{pixel_reach, reach, tiles_fit};
use crate::affine::Levels;
use crate::ring::Ring;

/// A window over each channel of bytes alone.
#[derive(Clone, Copy, Debug)]
pub struct QStencil {
    /// Output pixels in a row.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Rows, columns of the window.
    pub kernel: [usize; 2],
    /// Input rows, columns from an output to the next.
    pub stride: [usize; 2],
    /// Input rows, columns from a tap to the next.
    pub dilation: [usize; 2],
    /// Input rows above, columns left of the image where the first window begins.
    pub pad: [usize; 2],
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// What sums become.
    pub levels: Levels,
}

/// Every tile of a part, which `check` has allowed, with `$body` for every four rows of its window. No closure: outside
/// the function of its caller it would be compiled without the instruction set.
macro_rules! each_tile {
    (
        $of:ident, $simd:ident, $s:ty, $t:expr, $w:ident, $y:ident, $part:ident,
        |$acc:ident, $at:ident, $group:ident, $taps:ident| $body:block
    ) => {
        for v in $part.vectors {
            for row in $part.rows.clone() {
                let mut next = $part.pixels.start;
                while next < $part.pixels.end {
                    let $at = Place { v, row, pixel: next.min($part.pixels.end - $t) };
                    // SAFETY: every address that a tile forms was checked before the loops.
                    unsafe {
                        let w = $w.as_ptr().add(v * $of.panel_len::<$s>());
                        let bias = $simd.i32s_at(w);
                        let mut $acc = zeros::<[<$s>::I32; T]>();
                        unroll!(t in T, { $acc[t] = bias; });
                        let $taps = w.add(8 * <$s>::LANES);
                        for $group in 0..$of.kernel[0].div_ceil(4) $body
                        $of.finish($simd, $acc, w, $y, $at);
                    }
                    next += $t;
                }
            }
        }
    };
}

impl QStencil {
    /// Computes a part of the output with an unrolled `K` x `K` window; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run<S: Dots, const K: usize, const STRIDE: usize, const T: usize>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        part: Part,
    ) {
        simd.apart(Square::<K, STRIDE, T>(Call { stencil: self, w, x, y, part }));
    }

    /// Computes a part of the output with any window; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run_any<S: Dots, const T: usize>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        part: Part,
    ) {
        simd.apart(Any::<T>(Call { stencil: self, w, x, y, part }));
    }

    /// Products of up to four rows of any window, column by column.
    #[inline(always)]
    unsafe fn columns<S: Dots, const T: usize, const N: usize>(
        &self,
        simd: S,
        acc: &mut [S::I32; T],
        w: *const u8,
        rows: [*const u8; 4],
    ) {
        for kx in 0..self.kernel[1] {
            // SAFETY: the tile's windows and the weights are inside their slices, as the caller promised.
            unsafe {
                let tap = simd.taps_at(w.add(kx * S::QUAD_LEN));
                unroll!(t in T, {
                    let column = t * self.stride[1] + kx * self.dilation[1];
                    let x = simd.column_at::<N>(ahead(rows, column * self.from.pixel));
                    acc[t] = simd.dot_column(x, tap, acc[t]);
                });
            }
        }
    }

    /// Requantises and stores one tile.
    #[inline(always)]
    unsafe fn finish<S: Dots, const T: usize>(
        &self,
        simd: S,
        acc: [S::I32; T],
        w: *const u8,
        y: *mut u8,
        at: Place,
    ) {
        let slot = self.into.slot(at.row + self.into.top);
        let first = slot + at.pixel * self.into.pixel + at.v * self.into.chunk;
        let left = self.channels - at.v * S::LANES;
        let steps = Steps::of(simd, self.levels);
        // SAFETY: the tile's pixels and the channels below `channels` are inside the slice.
        unsafe {
            let factors = Factors::at(simd, self.levels, w.add(4 * S::LANES));
            let y = y.add(first);
            unroll!(t in T, {
                let bytes = steps.of_stored_sums(simd, self.levels, acc[t], factors);
                let y = y.add(t * self.into.pixel);
                if self.channels.is_multiple_of(S::LANES) || left >= S::LANES {
                    simd.store_bytes_at(y, bytes);
                } else {
                    simd.store_bytes_head_at(y, left, bytes);
                }
            });
        }
    }

    /// Where up to four window rows of a tile begin; the last stands for those below the window.
    #[inline(always)]
    unsafe fn rows(&self, x: *const u8, at: Place, group: usize) -> [*const u8; 4] {
        let first = 4 * group;
        // SAFETY: the window's rows are inside the slice, as the caller promised.
        unsafe {
            [
                x.add(self.input(at, first)),
                x.add(self.input(at, first + 1)),
                x.add(self.input(at, first + 2)),
                x.add(self.input(at, first + 3)),
            ]
        }
    }

    /// Element at which window row `ky` of a tile begins, or the last row.
    #[inline(always)]
    const fn input(&self, at: Place, ky: usize) -> usize {
        let ky = if ky < self.kernel[0] { ky } else { self.kernel[0] - 1 };
        let row = at.row * self.stride[0] + ky * self.dilation[0] + self.from.top - self.pad[0];
        let column = at.pixel * self.stride[1] * self.from.pixel;
        self.from.slot(row) + column + at.v * self.from.chunk - self.pad[1] * self.from.pixel
    }

    #[inline(always)]
    fn check<S: Dots, const T: usize>(&self, w: &[u8], x: &[u8], y: &[u8], part: &Part) {
        let QStencil { width, channels, kernel, stride, dilation, pad, from, into, .. } = *self;
        assert!(T >= 1 && T <= 14 && width > 0 && channels > 0 && kernel[0] > 0 && kernel[1] > 0);
        let vectors = channels.div_ceil(S::LANES);
        assert!(part.vectors.end <= vectors);
        assert!(tiles_fit(&part.pixels, T, width));
        assert!(w.len() >= vectors.saturating_mul(self.panel_len::<S>()));
        let left = pad[1].saturating_mul(from.pixel);
        assert!(left <= from.base && pad[0] <= from.top);
        let columns = (width - 1).saturating_mul(stride[1]);
        let columns = columns.saturating_add((kernel[1] - 1).saturating_mul(dilation[1]));
        let last = (vectors - 1).saturating_mul(from.chunk).saturating_add(S::LANES);
        let read = columns.saturating_mul(from.pixel).saturating_add(last).saturating_sub(left);
        assert!(reach(&from, read) <= x.len());
        assert!(reach(&into, pixel_reach(&into, width, channels, S::LANES)) <= y.len());
    }

    /// Bytes of one vector's biases, multipliers and weights.
    #[inline(always)]
    const fn panel_len<S: Dots>(&self) -> usize {
        let quads = self.kernel[0].div_ceil(4).saturating_mul(self.kernel[1]);
        quads.saturating_mul(S::QUAD_LEN).saturating_add(8 * S::LANES)
    }
}

/// What a depthwise convolution is told on one call.
struct Call<'a> {
    stencil: &'a QStencil,
    w: &'a [u8],
    x: &'a [u8],
    y: &'a mut [u8],
    part: Part,
}

/// One of a `K` x `K` window.
struct Square<'a, const K: usize, const STRIDE: usize, const T: usize>(Call<'a>);

/// One of any window.
struct Any<'a, const T: usize>(Call<'a>);

impl<S: Dots, const K: usize, const STRIDE: usize, const T: usize> Task<S>
    for Square<'_, K, STRIDE, T>
{
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { stencil, w, x, y, part } = self.0;
        assert!(K >= 1 && K <= 7 && T >= 1 && T <= 14 && STRIDE <= 14);
        assert!((T - 1) * STRIDE + K <= 14);
        assert!(stencil.kernel[0] == K && stencil.kernel[1] == K);
        assert!(stencil.stride[1] == STRIDE && stencil.dilation[1] == 1);
        stencil.check::<S, T>(w, x, y, &part);
        let (x, y, step) = (x.as_ptr(), y.as_mut_ptr(), stencil.from.pixel);
        each_tile!(stencil, simd, S, T, w, y, part, |acc, at, group, w| {
            let (w, rows) = (w.add(group * K * S::QUAD_LEN), stencil.rows(x, at, group));
            match K - 4 * group {
                1 => square::<S, K, STRIDE, T, 1>(simd, &mut acc, w, rows, step),
                2 => square::<S, K, STRIDE, T, 2>(simd, &mut acc, w, rows, step),
                3 => square::<S, K, STRIDE, T, 3>(simd, &mut acc, w, rows, step),
                _ => square::<S, K, STRIDE, T, 4>(simd, &mut acc, w, rows, step),
            }
        });
    }
}

impl<S: Dots, const T: usize> Task<S> for Any<'_, T> {
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { stencil, w, x, y, part } = self.0;
        stencil.check::<S, T>(w, x, y, &part);
        let (x, y) = (x.as_ptr(), y.as_mut_ptr());
        each_tile!(stencil, simd, S, T, w, y, part, |acc, at, group, w| {
            let w = w.add(group * stencil.kernel[1] * S::QUAD_LEN);
            let rows = stencil.rows(x, at, group);
            match stencil.kernel[0] - 4 * group {
                1 => stencil.columns::<S, T, 1>(simd, &mut acc, w, rows),
                2 => stencil.columns::<S, T, 2>(simd, &mut acc, w, rows),
                3 => stencil.columns::<S, T, 3>(simd, &mut acc, w, rows),
                _ => stencil.columns::<S, T, 4>(simd, &mut acc, w, rows),
            }
        });
    }
}

/// Products of up to four rows of a square window, each column of the tile put together once.
#[inline(always)]
unsafe fn square<S: Dots, const K: usize, const STRIDE: usize, const T: usize, const N: usize>(
    simd: S,
    acc: &mut [S::I32; T],
    w: *const u8,
    rows: [*const u8; 4],
    pixel: usize,
) {
    // SAFETY: the tile's windows and the weights are inside their slices, as the caller promised.
    unsafe {
        let mut taps = zeros::<[S::Taps; K]>();
        unroll!(kx in K, { taps[kx] = simd.taps_at(w.add(kx * S::QUAD_LEN)); });
        unroll!(c in (T - 1) * STRIDE + K, {
            let column = simd.column_at::<N>(ahead(rows, c * pixel));
            unroll!(kx in K, {
                if c >= kx && (c - kx).is_multiple_of(STRIDE) && (c - kx) / STRIDE < T {
                    let t = (c - kx) / STRIDE;
                    acc[t] = simd.dot_column(column, taps[kx], acc[t]);
                }
            });
        });
    }
}

/// Rows from so many bytes on.
#[inline(always)]
fn ahead(rows: [*const u8; 4], by: usize) -> [*const u8; 4] {
    let [a, b, c, d] = rows;
    [a.wrapping_add(by), b.wrapping_add(by), c.wrapping_add(by), d.wrapping_add(by)]
}
