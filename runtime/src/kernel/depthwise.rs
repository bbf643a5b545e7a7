//! Depthwise convolutions: each channel with its own window.
//!
//! Input and output are NHWC or chunks of channels, as their rings say. Padding is stored: `pad[1]` zero columns left
//! of each row, as many as the window needs right of it, and `from.top >= pad[0]` zero rows. Weights: for each vector
//! of channels its biases, then a vector for each tap, row by row. The last vector is read whole even where channels
//! end inside it, and never written beyond them.

use crate::activation::Activation;
use crate::ring::Ring;
use crate::simd::stencil::{Part, Stencil};
use crate::simd::{Number, Simd};
use core::ops::Range;

/// A depthwise `K` x `K` convolution, `T` pixels of a vector of channels at a time.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise<const K: usize, const STRIDE: usize, const T: usize> {
    /// Output pixels in a row: at least `T`.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Zero rows above, zero columns left of the image that windows begin in.
    pub pad: [usize; 2],
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// What is done to sums at last.
    pub activation: Activation,
}

impl<const K: usize, const STRIDE: usize, const T: usize> Depthwise<K, STRIDE, T> {
    /// Computes whole rows.
    #[inline(always)]
    pub fn run<S: Simd, W: Number, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        rows: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, self.rows::<S>(rows));
    }

    /// Computes some vectors of channels, `LANES` each.
    #[inline(always)]
    pub fn run_vectors<S: Simd, W: Number, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        rows: Range<usize>,
        vectors: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, Part { vectors, ..self.rows::<S>(rows) });
    }

    /// Computes some pixels of each row: at least `T`.
    #[inline(always)]
    pub fn run_pixels<S: Simd, W: Number, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        rows: Range<usize>,
        pixels: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, Part { pixels, ..self.rows::<S>(rows) });
    }

    /// Computes any part of the output.
    #[inline(always)]
    pub fn run_part<S: Simd, W: Number, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: Part,
    ) {
        let Depthwise { width, channels, pad, from, into, activation } = *self;
        let (kernel, stride, dilation) = ([K, K], [STRIDE, STRIDE], [1, 1]);
        Stencil { width, channels, kernel, stride, dilation, pad, from, into, activation }
            .run::<S, W, X, Y, K, STRIDE, T>(simd, w, x, y, part);
    }

    /// Whole rows.
    #[inline(always)]
    pub const fn rows<S: Simd>(&self, rows: Range<usize>) -> Part {
        Part { rows, pixels: 0..self.width, vectors: 0..self.channels.div_ceil(S::LANES) }
    }
}

/// A depthwise convolution of any kernel, stride and dilation, `T` pixels of a vector of channels at a time.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseAny<const T: usize> {
    /// Output pixels in a row: at least `T`.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Rows, columns of the kernel.
    pub kernel: [usize; 2],
    /// Input rows, columns from an output to the next.
    pub stride: [usize; 2],
    /// Input rows, columns from a tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Zero rows above, zero columns left of the image that windows begin in.
    pub pad: [usize; 2],
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// What is done to sums at last.
    pub activation: Activation,
}

impl<const T: usize> DepthwiseAny<T> {
    /// Computes whole rows.
    #[inline(always)]
    pub fn run<S: Simd, W: Number, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        rows: Range<usize>,
    ) {
        let vectors = 0..self.channels.div_ceil(S::LANES);
        self.run_part(simd, w, x, y, Part { rows, pixels: 0..self.width, vectors });
    }

    /// Computes some vectors of channels, `LANES` each.
    #[inline(always)]
    pub fn run_vectors<S: Simd, W: Number, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        rows: Range<usize>,
        vectors: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, Part { rows, pixels: 0..self.width, vectors });
    }

    /// Computes any part of the output.
    #[inline(always)]
    pub fn run_part<S: Simd, W: Number, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: Part,
    ) {
        let DepthwiseAny { width, channels, kernel, stride, dilation, pad, .. } = *self;
        let DepthwiseAny { from, into, activation, .. } = *self;
        Stencil { width, channels, kernel, stride, dilation, pad, from, into, activation }
            .run_any::<S, W, X, Y, T>(simd, w, x, y, part);
    }
}
