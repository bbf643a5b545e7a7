//! Windows of floats: a panel is one vector of biases and one for each tap, row by row.
//!
//! A 3x3 window keeps its nine vectors in registers while the rows go by; a larger one loads a row of them at a time.

use super::{Place, Taps, Windows};
use crate::simd::registers::{vectors, zeros};
use crate::simd::{Number, Simd};

// SAFETY: a window's rows are read column by column, and a vector of weights for each tap.
unsafe impl<S: Simd, W: Number, X: Number> Taps<S, X> for W {
    type Sum = S::F32;
    type Near<const K: usize> = [[S::F32; K]; K];

    #[inline(always)]
    fn panel_len(kernel: [usize; 2], _: usize) -> usize {
        let taps = kernel[0].saturating_mul(kernel[1]);
        taps.saturating_add(1).saturating_mul(S::LANES)
    }

    /// Those of a window of up to 3 x 3.
    #[inline(always)]
    unsafe fn near<const K: usize>(simd: S, w: *const W) -> [[S::F32; K]; K] {
        // SAFETY: the caller's weights; zero is a value of every vector.
        unsafe {
            let mut near = zeros::<[[S::F32; K]; K]>();
            if K <= 3 {
                unroll!(ky in K, {
                    near[ky] = vectors::<S, W, K>(simd, w.add((1 + ky * K) * S::LANES));
                });
            }
            near
        }
    }

    #[inline(always)]
    unsafe fn square<const K: usize, const STRIDE: usize, const T: usize>(
        simd: S,
        windows: &Windows,
        w: *const W,
        near: &[[S::F32; K]; K],
        x: *const X,
        at: Place,
    ) -> [[S::F32; 1]; T] {
        let pixel = windows.from.pixel;
        // SAFETY: the tile's windows and the weights are inside their slices, as the caller promised.
        unsafe {
            let bias = W::load_at(simd, w);
            let mut acc = zeros::<[[S::F32; 1]; T]>();
            unroll!(t in T, { acc[t][0] = bias; });
            if K <= 3 {
                unroll!(ky in K, {
                    let x = x.add(windows.input(at, ky));
                    window_row::<S, X, K, STRIDE, T>(simd, &mut acc, x, pixel, &near[ky]);
                });
            } else {
                for ky in 0..K {
                    let far = vectors::<S, W, K>(simd, w.add((1 + ky * K) * S::LANES));
                    let x = x.add(windows.input(at, ky));
                    window_row::<S, X, K, STRIDE, T>(simd, &mut acc, x, pixel, &far);
                }
            }
            acc
        }
    }

    #[inline(always)]
    unsafe fn any<const T: usize>(
        simd: S,
        windows: &Windows,
        w: *const W,
        x: *const X,
        at: Place,
    ) -> [[S::F32; 1]; T] {
        let Windows { kernel, stride, dilation, from, .. } = *windows;
        // SAFETY: the tile's windows and the weights are inside their slices, as the caller promised.
        unsafe {
            let (bias, mut w) = (W::load_at(simd, w), w);
            let mut acc = zeros::<[[S::F32; 1]; T]>();
            unroll!(t in T, { acc[t][0] = bias; });
            for ky in 0..kernel[0] {
                let mut x = x.add(windows.input(at, ky));
                for _ in 0..kernel[1] {
                    w = w.add(S::LANES);
                    let tap = W::load_at(simd, w);
                    unroll!(t in T, {
                        let column = X::load_at(simd, x.add(t * stride[1] * from.pixel));
                        acc[t][0] = simd.mul_add(column, tap, acc[t][0]);
                    });
                    x = x.wrapping_add(dilation[1] * from.pixel);
                }
            }
            acc
        }
    }
}

/// Products of one row of the window, whose pixels are so far apart; a column that several outputs use is loaded once.
#[inline(always)]
unsafe fn window_row<S: Simd, X: Number, const K: usize, const STRIDE: usize, const T: usize>(
    simd: S,
    acc: &mut [[S::F32; 1]; T],
    x: *const X,
    pixel: usize,
    w: &[S::F32; K],
) {
    unroll!(t in T, {
        unroll!(kx in K, {
            // SAFETY: the tile's windows are inside the slice, as the caller promised.
            let column = unsafe { X::load_at(simd, x.add((t * STRIDE + kx) * pixel)) };
            acc[t][0] = simd.mul_add(column, w[kx], acc[t][0]);
        });
    });
}
