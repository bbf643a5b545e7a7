//! Convolutions of bytes but the depthwise, and dense layers as ones of a single pixel.

use crate::affine::Levels;
use crate::ring::Ring;
use crate::simd::dots::Dots;
use crate::simd::gemm::Part;
use crate::simd::qgemm::{QGemm, QResidual};
use crate::simd::window::{Slide, Window};
use core::ops::Range;

/// A 1x1 convolution of bytes, `MR` pixels x `NV` vectors of channels at a time.
///
/// The input is NHWC, or chunks of channels where `from.chunk` is not `LANES`. Weights: see [`QGemm`].
#[derive(Clone, Copy, Debug)]
pub struct QPointwise<const MR: usize, const NV: usize> {
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
    /// What sums become.
    pub levels: Levels,
}

/// A convolution of bytes, `MR` pixels x `NV` vectors of channels at a time, over NHWC rows.
///
/// Padding is stored: `pad[1]` columns left of each row, as many as the window needs right of it, and
/// `from.top >= pad[0]` rows. Weights: for each group what [`QGemm`] says, by kernel row, column, channel.
#[derive(Clone, Copy, Debug)]
pub struct QConv<const MR: usize, const NV: usize> {
    /// Output pixels in a row: at least `MR`.
    pub width: usize,
    /// Rows, columns of the kernel.
    pub kernel: [usize; 2],
    /// Input rows, columns from an output to the next.
    pub stride: [usize; 2],
    /// Input rows, columns from a tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Rows above, columns left of the image that windows begin in.
    pub pad: [usize; 2],
    /// Groups; with more than one, vectors divide a group's output channels or the output is NHWC.
    pub groups: usize,
    /// Input channels of all groups.
    pub c_in: usize,
    /// Output channels of all groups.
    pub c_out: usize,
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// What sums become.
    pub levels: Levels,
}

impl<const MR: usize, const NV: usize> QPointwise<MR, NV> {
    /// The same with other output channels: some of its panels.
    #[inline(always)]
    pub const fn with_channels(self, c_out: usize) -> Self {
        Self { c_out, ..self }
    }

    /// Computes whole rows.
    #[inline(always)]
    pub fn run<S: Dots>(&self, simd: S, w: &[u8], x: &[u8], y: &mut [u8], rows: Range<usize>) {
        self.run_part(simd, w, x, y, QResidual::None, self.rows::<S>(rows));
    }

    /// Computes whole rows and adds another value to them.
    #[inline(always)]
    pub fn run_adding<S: Dots>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        residual: QResidual<'_>,
        rows: Range<usize>,
    ) {
        self.run_part(simd, w, x, y, residual, self.rows::<S>(rows));
    }

    /// Computes whole rows of reals: sums times multipliers.
    #[inline(always)]
    pub fn run_floats<S: Dots>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [f32],
        rows: Range<usize>,
    ) {
        self.gemm::<S>().run_floats(simd, w, x, y, self.rows::<S>(rows));
    }

    /// Computes the channels of one panel of weights, so that another kernel can use them while they are near.
    #[inline(always)]
    pub fn run_panel<S: Dots>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        rows: Range<usize>,
        panel: usize,
    ) {
        let part = Part { panels: panel..panel + 1, ..self.rows::<S>(rows) };
        self.run_part(simd, w, x, y, QResidual::None, part);
    }

    /// Computes any part of the output.
    #[inline(always)]
    pub fn run_part<S: Dots>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        residual: QResidual<'_>,
        part: Part,
    ) {
        self.gemm::<S>().run(simd, w, x, y, residual, part);
    }

    /// Whole rows.
    #[inline(always)]
    pub const fn rows<S: Dots>(&self, rows: Range<usize>) -> Part {
        Part { rows, pixels: 0..self.width, panels: 0..self.gemm::<S>().panels::<S>() }
    }

    #[inline(always)]
    const fn gemm<S: Dots>(&self) -> QGemm<MR, NV> {
        let QPointwise { width, c_in, c_out, from, into, levels } = *self;
        let window = Window::point(&from, c_in, S::LANES);
        QGemm { width, c_out, window, from, into, levels }
    }
}

impl<const MR: usize, const NV: usize> QConv<MR, NV> {
    /// Computes whole rows.
    #[inline(always)]
    pub fn run<S: Dots>(&self, simd: S, w: &[u8], x: &[u8], y: &mut [u8], rows: Range<usize>) {
        self.run_adding(simd, w, x, y, QResidual::None, rows);
    }

    /// Computes whole rows and adds another value to them.
    #[inline(always)]
    pub fn run_adding<S: Dots>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        residual: QResidual<'_>,
        rows: Range<usize>,
    ) {
        let panels = 0..self.panels::<S>();
        let part = Part { rows, pixels: 0..self.width, panels };
        self.run_part(simd, w, x, y, residual, part);
    }

    /// Computes any part of the output; `part.panels` are panels of each group.
    #[inline(always)]
    pub fn run_part<S: Dots>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        residual: QResidual<'_>,
        part: Part,
    ) {
        assert!(self.groups > 0);
        assert!(self.c_in.is_multiple_of(self.groups) && self.c_out.is_multiple_of(self.groups));
        let group_len = w.len() / self.groups;
        for group in 0..self.groups {
            let gemm = self.gemm(group);
            let w = &w[group * group_len..][..group_len];
            let residual = match residual {
                QResidual::None | QResidual::InPlace(_) => residual,
                QResidual::Of(skip, ring, pair) => {
                    QResidual::Of(skip, self.outputs_of::<S>(group, ring), pair)
                }
            };
            let into = self.outputs_of::<S>(group, self.into);
            QGemm { into, ..gemm }.run(simd, w, x, y, residual, part.clone());
        }
    }

    /// Panels of each group.
    #[inline(always)]
    pub const fn panels<S: Dots>(&self) -> usize {
        (self.c_out / self.groups).div_ceil(NV * S::LANES)
    }

    #[inline(always)]
    const fn gemm(&self, group: usize) -> QGemm<MR, NV> {
        let QConv { width, groups, from, into, levels, .. } = *self;
        let c_in = self.c_in / groups;
        let from = Ring { base: from.base + group * c_in, ..from };
        QGemm { width, c_out: self.c_out / groups, window: self.window(c_in), from, into, levels }
    }

    #[inline(always)]
    const fn window(&self, c_in: usize) -> Window {
        let QConv { kernel, stride, dilation, pad, from, .. } = *self;
        Window::sliding(Slide { kernel, stride, dilation, pad }, &from, c_in)
    }

    /// The same ring from a group's first output channel on.
    #[inline(always)]
    const fn outputs_of<S: Dots>(&self, group: usize, ring: Ring) -> Ring {
        let first = group * (self.c_out / self.groups);
        ring.from_channel(first, S::LANES)
    }
}
