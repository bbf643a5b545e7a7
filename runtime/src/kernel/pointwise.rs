//! 1x1 convolutions, and dense layers as ones of a single pixel.
//!
//! Where rows lie densely one after the other, the caller may say `width = rows * w` and run one long row.

use crate::activation::Activation;
use crate::ring::Ring;
use crate::simd::gemm::{Gemm, Part, Residual};
use crate::simd::window::Window;
use crate::simd::{Number, Simd, Weight};
use core::ops::Range;

/// A 1x1 convolution, `MR` pixels x `NV` vectors of channels at a time.
///
/// The input is NHWC, or chunks of channels where `from.chunk` is not `LANES`. Weights: for each panel of `NV`
/// vectors its biases, then its `NV` vectors for each input channel.
///
/// ```
/// use mnv2c_runtime::{activation::Activation, kernel::pointwise::Pointwise, ring::Ring, simd::Scalar};
///
/// const ROWS: Ring = Ring { base: 0, kept: 1, top: 0, row: 4, pixel: 2, chunk: 4 };
/// const MIX: Pointwise<2, 1> =
///     Pointwise { width: 2, c_in: 2, c_out: 2, from: ROWS, into: ROWS, activation: Activation::RELU };
///
/// let (bias, first, second) = ([0.5, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0]);
/// let w = [bias, first, second].concat();
/// let mut y = [0.0; 4];
/// MIX.run(Scalar::new(), &w, &[1.0, 2.0, 3.0, -4.0], &mut y, 0..1);
/// assert_eq!(y, [3.5, 0.0, 0.0, 4.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pointwise<const MR: usize, const NV: usize> {
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
    /// What is done to sums at last.
    pub activation: Activation,
}

impl<const MR: usize, const NV: usize> Pointwise<MR, NV> {
    /// The same with other output channels: some of its panels.
    #[inline(always)]
    pub const fn with_channels(self, c_out: usize) -> Self {
        Self { c_out, ..self }
    }

    /// Computes whole rows.
    #[inline(always)]
    pub fn run<S: Simd, W: Weight<S, X>, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        rows: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, Residual::None, self.rows::<S>(rows));
    }

    /// Computes whole rows and adds a residual before the activation.
    #[inline(always)]
    pub fn run_adding<S: Simd, W: Weight<S, X>, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        residual: Residual<'_>,
        rows: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, residual, self.rows::<S>(rows));
    }

    /// Computes the channels of one panel of weights, so that another kernel can use them while they are near.
    #[inline(always)]
    pub fn run_panel<S: Simd, W: Weight<S, X>, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        rows: Range<usize>,
        panel: usize,
    ) {
        let part = Part { panels: panel..panel + 1, ..self.rows::<S>(rows) };
        self.run_part(simd, w, x, y, Residual::None, part);
    }

    /// Computes some pixels of each row: at least `MR`.
    #[inline(always)]
    pub fn run_pixels<S: Simd, W: Weight<S, X>, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        rows: Range<usize>,
        pixels: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, Residual::None, Part { pixels, ..self.rows::<S>(rows) });
    }

    /// Computes any part of the output.
    #[inline(always)]
    pub fn run_part<S: Simd, W: Weight<S, X>, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        residual: Residual<'_>,
        part: Part,
    ) {
        self.gemm::<S>().run(simd, w, x, y, residual, part);
    }

    /// Whole rows.
    #[inline(always)]
    pub const fn rows<S: Simd>(&self, rows: Range<usize>) -> Part {
        Part { rows, pixels: 0..self.width, panels: 0..self.gemm::<S>().panels::<S>() }
    }

    #[inline(always)]
    const fn gemm<S: Simd>(&self) -> Gemm<MR, NV> {
        let Pointwise { width, c_in, c_out, from, into, activation } = *self;
        let window = Window::point(&from, c_in, S::LANES);
        Gemm { width, c_out, window, from, into, activation }
    }
}
