//! Depthwise convolutions, of floats and of bytes: each channel with its own window.
//!
//! Input and output are NHWC or chunks of channels, as their rings say. Padding is stored: `pad[1]` zero columns left
//! of each row, as many as the window needs right of it, and `from.top >= pad[0]` zero rows. Weights: for each vector
//! of channels its biases, then a vector for each tap, row by row; of bytes, its biases and factors, then a vector for
//! every four rows of each column. The last vector is read whole even where channels end inside it, and never written
//! beyond them.

use crate::activation::Activation;
use crate::part::Part;
use crate::ring::Ring;
use crate::simd::Simd;
use crate::simd::epilogue::Epilogue;
use crate::simd::stencil::{Stencil, Taps};

/// A depthwise `K` x `K` convolution, `T` pixels of a vector of channels at a time.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise<const K: usize, const STRIDE: usize, const T: usize, E = Activation> {
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
    /// The end of its sums.
    pub epilogue: E,
}

impl<const K: usize, const STRIDE: usize, const T: usize, E: Copy> Depthwise<K, STRIDE, T, E> {
    /// Computes a part of the output: some rows, or some of their pixels and vectors of channels.
    #[inline(always)]
    pub fn run<S: Simd, W: Taps<S, X>, X: Copy, Y: Copy>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: impl Into<Part>,
    ) where
        E: Epilogue<S, W::Sum, Y>,
    {
        let Depthwise { width, channels, pad, from, into, epilogue } = *self;
        let (kernel, stride, dilation) = ([K, K], [STRIDE, STRIDE], [1, 1]);
        Stencil { width, channels, kernel, stride, dilation, pad, from, into, epilogue }
            .run::<S, W, X, Y, K, STRIDE, T>(simd, w, x, y, part.into());
    }
}

/// A depthwise convolution of any kernel, stride and dilation, `T` pixels of a vector of channels at a time.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseAny<const T: usize, E = Activation> {
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
    /// The end of its sums.
    pub epilogue: E,
}

impl<const T: usize, E: Copy> DepthwiseAny<T, E> {
    /// Computes a part of the output: some rows, or some of their pixels and vectors of channels.
    #[inline(always)]
    pub fn run<S: Simd, W: Taps<S, X>, X: Copy, Y: Copy>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: impl Into<Part>,
    ) where
        E: Epilogue<S, W::Sum, Y>,
    {
        let DepthwiseAny { width, channels, kernel, stride, dilation, pad, .. } = *self;
        let DepthwiseAny { from, into, epilogue, .. } = *self;
        Stencil { width, channels, kernel, stride, dilation, pad, from, into, epilogue }
            .run_any::<S, W, X, Y, T>(simd, w, x, y, part.into());
    }
}
