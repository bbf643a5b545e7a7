//! 1x1 convolutions, and dense layers as ones of a single pixel, of floats and of bytes.
//!
//! Where rows lie densely one after the other, the caller may say `width = rows * w` and run one long row.

use crate::activation::Activation;
use crate::part::Part;
use crate::ring::Ring;
use crate::simd::epilogue::{Adding, Epilogue};
use crate::simd::gemm::Gemm;
use crate::simd::window::Window;
use crate::simd::{Simd, Weight};

/// A 1x1 convolution, `MR` pixels x `NV` vectors of channels at a time.
///
/// The input is NHWC, or chunks of channels where `from.chunk` is not `LANES`. Weights: for each panel of `NV`
/// vectors its biases (of bytes: and its factors), then its `NV` vectors for each input channel, or for each
/// [`Weight::INPUTS`] of them.
///
/// ```
/// use mnv2c_runtime::{activation::Activation, kernel::pointwise::Pointwise, ring::Ring, simd::Scalar};
///
/// const ROWS: Ring = Ring { base: 0, kept: 1, top: 0, row: 4, pixel: 2, chunk: 4 };
/// const MIX: Pointwise<2, 1> =
///     Pointwise { width: 2, c_in: 2, c_out: 2, from: ROWS, into: ROWS, epilogue: Activation::RELU };
///
/// let (bias, first, second) = ([0.5, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0]);
/// let w = [bias, first, second].concat();
/// let mut y = [0.0; 4];
/// MIX.run(Scalar::new(), &w, &[1.0, 2.0, 3.0, -4.0], &mut y, 0..1);
/// assert_eq!(y, [3.5, 0.0, 0.0, 4.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pointwise<const MR: usize, const NV: usize, E = Activation> {
    /// Pixels in a row: at least `MR`.
    pub width: usize,
    /// Input channels.
    pub c_in: usize,
    /// Output channels.
    pub c_out: usize,
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// The end of its sums.
    pub epilogue: E,
}

impl<const MR: usize, const NV: usize, E: Copy> Pointwise<MR, NV, E> {
    /// A kernel of other output channels: some of its panels.
    #[inline(always)]
    pub const fn with_channels(self, c_out: usize) -> Self {
        Self { c_out, ..self }
    }

    /// A kernel that adds a residual to its sums before its epilogue.
    #[inline(always)]
    pub const fn adding<R: Copy>(self, residual: R) -> Pointwise<MR, NV, Adding<R, E>> {
        let Self { width, c_in, c_out, from, into, epilogue } = self;
        let epilogue = Adding { residual, then: epilogue };
        Pointwise { width, c_in, c_out, from, into, epilogue }
    }

    /// Computes a part of the output: some rows, or some of their pixels and panels.
    #[inline(always)]
    pub fn run<S: Simd, W: Weight<S, X>, X: Copy, Y: Copy>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: impl Into<Part>,
    ) where
        E: Epilogue<S, W::Sum, Y>,
    {
        self.product(simd).run(simd, w, x, y, part.into());
    }

    /// The product that it is.
    #[inline(always)]
    pub const fn product<S: Simd>(&self, _: S) -> Gemm<MR, NV, E> {
        let Self { width, c_in, c_out, from, into, epilogue } = *self;
        let window = Window::point(&from, c_in, S::LANES);
        Gemm { width, c_out, window, from, into, epilogue }
    }
}
