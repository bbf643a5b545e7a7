//! The depthwise kernel: each vector of channels with its own small window, `T` pixels of a row at a time.
//!
//! `run` checks all extents once; the loops below it do not. A vector of channels has one vector of biases and one
//! for each tap, row by row. A 3x3 window keeps its nine vectors in registers while the rows go by; a larger one
//! loads a row of them at a time. The last vector is read whole, even where channels end inside it, so rows must
//! have room for that. Where `T` does not divide the pixels, the last tile overlaps the one before it.

use super::registers::{Bounds, numbers, vectors, zeros};
use super::window::{pixel_reach, reach, tiles_fit};
use super::{Number, Simd, Task};
use crate::activation::Activation;
use crate::kernel::unary::unary_assign;
use crate::ring::Ring;
use core::ops::Range;

/// A window over each channel alone.
#[derive(Clone, Copy, Debug)]
pub struct Stencil {
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
    /// What is done to sums at last.
    pub activation: Activation,
}

/// The part of the output that a call computes.
#[derive(Clone, Debug)]
pub struct Part {
    /// Output rows.
    pub rows: Range<usize>,
    /// Pixels of each row: at least `T`.
    pub pixels: Range<usize>,
    /// Vectors of channels.
    pub vectors: Range<usize>,
}

impl Stencil {
    /// Computes a part of the output with an unrolled `K` x `K` window; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run<
        S: Simd,
        W: Number,
        X: Number,
        Y: Number,
        const K: usize,
        const STRIDE: usize,
        const T: usize,
    >(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: Part,
    ) {
        simd.apart(Square::<W, X, Y, K, STRIDE, T>(Call { stencil: self, w, x, y, part }));
    }

    /// Computes a part of the output with any window; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run_any<S: Simd, W: Number, X: Number, Y: Number, const T: usize>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: Part,
    ) {
        simd.apart(Any::<W, X, Y, T>(Call { stencil: self, w, x, y, part }));
    }

    /// Weights that stay in registers: those of a window of up to 3 x 3.
    #[inline(always)]
    unsafe fn resident<S: Simd, W: Number, const K: usize>(
        &self,
        simd: S,
        w: *const W,
    ) -> [[S::F32; K]; K] {
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

    /// Biases plus products of one tile, its window unrolled.
    #[inline(always)]
    unsafe fn square<
        S: Simd,
        W: Number,
        X: Number,
        const K: usize,
        const STRIDE: usize,
        const T: usize,
    >(
        &self,
        simd: S,
        w: *const W,
        near: &[[S::F32; K]; K],
        x: *const X,
        at: Place,
    ) -> [S::F32; T] {
        // SAFETY: the tile's windows and the weights are inside their slices, as the caller promised.
        unsafe {
            let bias = W::load_at(simd, w);
            let mut acc = zeros::<[S::F32; T]>();
            unroll!(t in T, { acc[t] = bias; });
            if K <= 3 {
                unroll!(ky in K, {
                    let x = x.add(self.input(at, ky));
                    self.window_row::<S, X, K, STRIDE, T>(simd, &mut acc, x, &near[ky]);
                });
            } else {
                for ky in 0..K {
                    let far = vectors::<S, W, K>(simd, w.add((1 + ky * K) * S::LANES));
                    let x = x.add(self.input(at, ky));
                    self.window_row::<S, X, K, STRIDE, T>(simd, &mut acc, x, &far);
                }
            }
            acc
        }
    }

    /// Products of one row of the window; a column that several outputs use is loaded once.
    #[inline(always)]
    unsafe fn window_row<
        S: Simd,
        X: Number,
        const K: usize,
        const STRIDE: usize,
        const T: usize,
    >(
        &self,
        simd: S,
        acc: &mut [S::F32; T],
        x: *const X,
        w: &[S::F32; K],
    ) {
        unroll!(t in T, {
            unroll!(kx in K, {
                // SAFETY: the tile's windows are inside the slice, as the caller promised.
                let column = unsafe { X::load_at(simd, x.add((t * STRIDE + kx) * self.from.pixel)) };
                acc[t] = simd.mul_add(column, w[kx], acc[t]);
            });
        });
    }

    /// Biases plus products of one tile, tap by tap.
    #[inline(always)]
    unsafe fn any<S: Simd, W: Number, X: Number, const T: usize>(
        &self,
        simd: S,
        w: *const W,
        x: *const X,
        at: Place,
    ) -> [S::F32; T] {
        // SAFETY: the tile's windows and the weights are inside their slices, as the caller promised.
        unsafe {
            let (bias, mut w) = (W::load_at(simd, w), w);
            let mut acc = zeros::<[S::F32; T]>();
            unroll!(t in T, { acc[t] = bias; });
            for ky in 0..self.kernel[0] {
                let mut x = x.add(self.input(at, ky));
                for _ in 0..self.kernel[1] {
                    w = w.add(S::LANES);
                    let tap = W::load_at(simd, w);
                    unroll!(t in T, {
                        let column = X::load_at(simd, x.add(t * self.stride[1] * self.from.pixel));
                        acc[t] = simd.mul_add(column, tap, acc[t]);
                    });
                    x = x.wrapping_add(self.dilation[1] * self.from.pixel);
                }
            }
            acc
        }
    }

    /// Does what comes last and stores one tile.
    #[inline(always)]
    unsafe fn finish<S: Simd, Y: Number, const T: usize>(
        &self,
        simd: S,
        acc: [S::F32; T],
        y: *mut Y,
        at: Place,
    ) {
        let slot = self.into.slot(at.row + self.into.top);
        let first = slot + at.pixel * self.into.pixel + at.v * self.into.chunk;
        let left = self.channels - at.v * S::LANES;
        let mut acc = acc;
        if let Activation::Function(function) = self.activation {
            unary_assign(function, numbers::<S>(&mut acc));
        }
        let clamp = self.activation.clamp();
        let bounds = Bounds::of(simd, clamp);
        // SAFETY: the tile's pixels and the channels below `channels` are inside the slice.
        unsafe {
            let y = y.add(first);
            if self.channels.is_multiple_of(S::LANES) || left >= S::LANES {
                unroll!(t in T, {
                    let v = bounds.keep(simd, clamp, acc[t]);
                    Y::store_at(simd, y.add(t * self.into.pixel), v);
                });
            } else {
                unroll!(t in T, {
                    let v = bounds.keep(simd, clamp, acc[t]);
                    Y::store_head_at(simd, y.add(t * self.into.pixel), left, v);
                });
            }
        }
    }

    /// Element at which window row `ky` of a tile begins.
    #[inline(always)]
    const fn input(&self, at: Place, ky: usize) -> usize {
        let row = at.row * self.stride[0] + ky * self.dilation[0] + self.from.top - self.pad[0];
        let column = at.pixel * self.stride[1] * self.from.pixel;
        self.from.slot(row) + column + at.v * self.from.chunk - self.pad[1] * self.from.pixel
    }

    #[inline(always)]
    fn check<S: Simd, W, X, Y, const T: usize>(&self, w: &[W], x: &[X], y: &[Y], part: &Part) {
        let Stencil { width, channels, kernel, stride, dilation, pad, from, into, .. } = *self;
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

    /// Elements of one vector's biases and weights.
    #[inline(always)]
    const fn panel_len<S: Simd>(&self) -> usize {
        let taps = self.kernel[0].saturating_mul(self.kernel[1]);
        taps.saturating_add(1).saturating_mul(S::LANES)
    }
}

/// What a depthwise convolution is told on one call.
struct Call<'a, W, X, Y> {
    stencil: &'a Stencil,
    w: &'a [W],
    x: &'a [X],
    y: &'a mut [Y],
    part: Part,
}

/// One of a `K` x `K` window.
struct Square<'a, W, X, Y, const K: usize, const STRIDE: usize, const T: usize>(Call<'a, W, X, Y>);

/// One of any window.
struct Any<'a, W, X, Y, const T: usize>(Call<'a, W, X, Y>);

impl<S: Simd, W: Number, X: Number, Y: Number, const K: usize, const STRIDE: usize, const T: usize>
    Task<S> for Square<'_, W, X, Y, K, STRIDE, T>
{
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { stencil, w, x, y, part } = self.0;
        assert!(K >= 1 && K <= 7);
        assert!(stencil.kernel[0] == K && stencil.kernel[1] == K);
        assert!(stencil.stride[1] == STRIDE && stencil.dilation[1] == 1);
        stencil.check::<S, W, X, Y, T>(w, x, y, &part);
        let (x, y) = (x.as_ptr(), y.as_mut_ptr());
        for v in part.vectors {
            // SAFETY: every address that the loops form was checked above.
            unsafe {
                let w = w.as_ptr().add(v * stencil.panel_len::<S>());
                let near = stencil.resident::<S, W, K>(simd, w);
                for row in part.rows.clone() {
                    let mut next = part.pixels.start;
                    while next < part.pixels.end {
                        let at = Place { v, row, pixel: next.min(part.pixels.end - T) };
                        let acc = stencil.square::<S, W, X, K, STRIDE, T>(simd, w, &near, x, at);
                        stencil.finish(simd, acc, y, at);
                        next += T;
                    }
                }
            }
        }
    }
}

impl<S: Simd, W: Number, X: Number, Y: Number, const T: usize> Task<S> for Any<'_, W, X, Y, T> {
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { stencil, w, x, y, part } = self.0;
        stencil.check::<S, W, X, Y, T>(w, x, y, &part);
        let (x, y) = (x.as_ptr(), y.as_mut_ptr());
        for v in part.vectors {
            // SAFETY: every address that the loops form was checked above.
            unsafe {
                let w = w.as_ptr().add(v * stencil.panel_len::<S>());
                for row in part.rows.clone() {
                    let mut next = part.pixels.start;
                    while next < part.pixels.end {
                        let at = Place { v, row, pixel: next.min(part.pixels.end - T) };
                        let acc = stencil.any::<S, W, X, T>(simd, w, x, at);
                        stencil.finish(simd, acc, y, at);
                        next += T;
                    }
                }
            }
        }
    }
}

/// Where a tile lies: vector of channels, output row, first pixel.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) v: usize,
    pub(super) row: usize,
    pub(super) pixel: usize,
}
