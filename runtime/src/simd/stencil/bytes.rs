//! Windows of bytes: exact sums.
//!
//! Up to four rows of a column go into one lane a channel, so a 3x3 window is three products of quads, and a column
//! that several pixels read is put together once. A panel is one vector of 32-bit biases, one of
//! [factors](crate::affine::Factor), one of their exponents if they have some, then for every four rows of the window, and
//! every column of them, a vector of weights.

use super::{Place, Taps, Windows};
use crate::simd::dots::Dots;
use crate::simd::registers::zeros;

/// The sums of a tile, with `$body` for every four rows of its window. No closure: outside the function of its caller it
/// would be compiled without the instruction set.
macro_rules! each_group {
    ($simd:ident, $s:ty, $t:ident, $windows:ident, $w:ident, |$acc:ident, $group:ident, $taps:ident| $body:block) => {{
        let bias = $simd.i32s_at($w);
        let mut $acc = zeros::<[[<$s>::I32; 1]; $t]>();
        unroll!(t in $t, { $acc[t][0] = bias; });
        let $taps = $w.add(8 * <$s>::LANES + $windows.more_factors);
        for $group in 0..$windows.kernel[0].div_ceil(4) $body
        $acc
    }};
}

// SAFETY: up to four rows of a window are read column by column, and a vector of weights for each column.
unsafe impl<S: Dots> Taps<S, u8> for u8 {
    type Sum = S::I32;
    type Near<const K: usize> = ();

    #[inline(always)]
    fn panel_len(kernel: [usize; 2], more_factors: usize) -> usize {
        let quads = kernel[0].div_ceil(4).saturating_mul(kernel[1]);
        quads.saturating_mul(S::QUAD_LEN).saturating_add(8 * S::LANES + more_factors)
    }

    #[inline(always)]
    unsafe fn near<const K: usize>(_: S, _: *const u8) {}

    #[inline(always)]
    unsafe fn square<const K: usize, const STRIDE: usize, const T: usize>(
        simd: S,
        windows: &Windows,
        w: *const u8,
        (): &(),
        x: *const u8,
        at: Place,
    ) -> [[S::I32; 1]; T] {
        assert!(STRIDE <= 14 && (T - 1) * STRIDE + K <= 14);
        let step = windows.from.pixel;
        // SAFETY: the tile's windows and the weights are inside their slices, as the caller promised.
        unsafe {
            each_group!(simd, S, T, windows, w, |acc, group, w| {
                let (w, rows) = (w.add(group * K * S::QUAD_LEN), rows(windows, x, at, group));
                match K - 4 * group {
                    1 => square::<S, K, STRIDE, T, 1>(simd, &mut acc, w, rows, step),
                    2 => square::<S, K, STRIDE, T, 2>(simd, &mut acc, w, rows, step),
                    3 => square::<S, K, STRIDE, T, 3>(simd, &mut acc, w, rows, step),
                    _ => square::<S, K, STRIDE, T, 4>(simd, &mut acc, w, rows, step),
                }
            })
        }
    }

    #[inline(always)]
    unsafe fn any<const T: usize>(
        simd: S,
        windows: &Windows,
        w: *const u8,
        x: *const u8,
        at: Place,
    ) -> [[S::I32; 1]; T] {
        // SAFETY: the tile's windows and the weights are inside their slices, as the caller promised.
        unsafe {
            each_group!(simd, S, T, windows, w, |acc, group, w| {
                let w = w.add(group * windows.kernel[1] * S::QUAD_LEN);
                let rows = rows(windows, x, at, group);
                match windows.kernel[0] - 4 * group {
                    1 => columns::<S, T, 1>(simd, windows, &mut acc, w, rows),
                    2 => columns::<S, T, 2>(simd, windows, &mut acc, w, rows),
                    3 => columns::<S, T, 3>(simd, windows, &mut acc, w, rows),
                    _ => columns::<S, T, 4>(simd, windows, &mut acc, w, rows),
                }
            })
        }
    }
}

/// Products of up to four rows of any window, column by column.
#[inline(always)]
unsafe fn columns<S: Dots, const T: usize, const N: usize>(
    simd: S,
    windows: &Windows,
    acc: &mut [[S::I32; 1]; T],
    w: *const u8,
    rows: [*const u8; 4],
) {
    let Windows { kernel, stride, dilation, from, .. } = *windows;
    for kx in 0..kernel[1] {
        // SAFETY: the tile's windows and the weights are inside their slices, as the caller promised.
        unsafe {
            let tap = simd.taps_at(w.add(kx * S::QUAD_LEN));
            unroll!(t in T, {
                let column = t * stride[1] + kx * dilation[1];
                let x = simd.column_at::<N>(ahead(rows, column * from.pixel));
                acc[t][0] = simd.dot_column(x, tap, acc[t][0]);
            });
        }
    }
}

/// Products of up to four rows of a square window, each column of the tile put together once.
#[inline(always)]
unsafe fn square<S: Dots, const K: usize, const STRIDE: usize, const T: usize, const N: usize>(
    simd: S,
    acc: &mut [[S::I32; 1]; T],
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
                    acc[t][0] = simd.dot_column(column, taps[kx], acc[t][0]);
                }
            });
        });
    }
}

/// Where up to four window rows of a tile begin; the last stands for those below the window.
#[inline(always)]
unsafe fn rows(windows: &Windows, x: *const u8, at: Place, group: usize) -> [*const u8; 4] {
    let (first, last) = (4 * group, windows.kernel[0] - 1);
    // SAFETY: the window's rows are inside the slice, as the caller promised.
    unsafe {
        [
            x.add(windows.input(at, first.min(last))),
            x.add(windows.input(at, (first + 1).min(last))),
            x.add(windows.input(at, (first + 2).min(last))),
            x.add(windows.input(at, (first + 3).min(last))),
        ]
    }
}

/// Rows from so many bytes on.
#[inline(always)]
fn ahead(rows: [*const u8; 4], by: usize) -> [*const u8; 4] {
    let [a, b, c, d] = rows;
    [a.wrapping_add(by), b.wrapping_add(by), c.wrapping_add(by), d.wrapping_add(by)]
}
