//! Depthwise convolutions of bytes: each channel with its own window.
//!
//! Input and output are NHWC or chunks of channels, as their rings say. Padding is stored: `pad[1]` columns left of
//! each row, as many as the window needs right of it, and `from.top >= pad[0]` rows. Weights: see [`QStencil`]'s file.
//! The last vector is read whole even where channels end inside it, and never written beyond them.

use crate::affine::Levels;
use crate::ring::Ring;
use crate::simd::dots::Dots;
use crate::simd::qstencil::QStencil;
use crate::simd::stencil::Part;
use core::ops::Range;

/// A depthwise `K` x `K` convolution of bytes, `T` pixels of a vector of channels at a time.
#[derive(Clone, Copy, Debug)]
pub struct QDepthwise<const K: usize, const STRIDE: usize, const T: usize> {
    /// Output pixels in a row: at least `T`.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Rows above, columns left of the image that windows begin in.
    pub pad: [usize; 2],
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// What sums become.
    pub levels: Levels,
}

/// A depthwise convolution of bytes of any kernel, stride and dilation, `T` pixels of a vector of channels at a time.
#[derive(Clone, Copy, Debug)]
pub struct QDepthwiseAny<const T: usize> {
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
    /// Rows above, columns left of the image that windows begin in.
    pub pad: [usize; 2],
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// What sums become.
    pub levels: Levels,
}

impl<const K: usize, const STRIDE: usize, const T: usize> QDepthwise<K, STRIDE, T> {
    /// Computes whole rows.
    #[inline(always)]
    pub fn run<S: Dots>(&self, simd: S, w: &[u8], x: &[u8], y: &mut [u8], rows: Range<usize>) {
        self.run_part(simd, w, x, y, self.rows::<S>(rows));
    }

    /// Computes some vectors of channels, `LANES` each.
    #[inline(always)]
    pub fn run_vectors<S: Dots>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        rows: Range<usize>,
        vectors: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, Part { vectors, ..self.rows::<S>(rows) });
    }

    /// Computes any part of the output.
    #[inline(always)]
    pub fn run_part<S: Dots>(&self, simd: S, w: &[u8], x: &[u8], y: &mut [u8], part: Part) {
        let QDepthwise { width, channels, pad, from, into, levels } = *self;
        let (kernel, stride, dilation) = ([K, K], [STRIDE, STRIDE], [1, 1]);
        QStencil { width, channels, kernel, stride, dilation, pad, from, into, levels }
            .run::<S, K, STRIDE, T>(simd, w, x, y, part);
    }

    /// Whole rows.
    #[inline(always)]
    pub const fn rows<S: Dots>(&self, rows: Range<usize>) -> Part {
        Part { rows, pixels: 0..self.width, vectors: 0..self.channels.div_ceil(S::LANES) }
    }
}

impl<const T: usize> QDepthwiseAny<T> {
    /// Computes whole rows.
    #[inline(always)]
    pub fn run<S: Dots>(&self, simd: S, w: &[u8], x: &[u8], y: &mut [u8], rows: Range<usize>) {
        let vectors = 0..self.channels.div_ceil(S::LANES);
        self.run_part(simd, w, x, y, Part { rows, pixels: 0..self.width, vectors });
    }

    /// Computes some vectors of channels, `LANES` each.
    #[inline(always)]
    pub fn run_vectors<S: Dots>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        rows: Range<usize>,
        vectors: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, Part { rows, pixels: 0..self.width, vectors });
    }

    /// Computes any part of the output.
    #[inline(always)]
    pub fn run_part<S: Dots>(&self, simd: S, w: &[u8], x: &[u8], y: &mut [u8], part: Part) {
        let QDepthwiseAny { width, channels, kernel, stride, dilation, pad, .. } = *self;
        let QDepthwiseAny { from, into, levels, .. } = *self;
        QStencil { width, channels, kernel, stride, dilation, pad, from, into, levels }
            .run_any::<S, T>(simd, w, x, y, part);
    }
}
