//! Convolutions in general: any kernel, stride, dilation, padding and groups, over NHWC rows or planes.

use crate::activation::Activation;
use crate::ring::Ring;
use crate::simd::gemm::{Gemm, Part, Residual};
use crate::simd::window::{Slide, Window};
use crate::simd::{Number, Simd, Weight};
use core::ops::Range;

/// A convolution, `MR` pixels x `NV` vectors of channels at a time.
///
/// The input is planes where `from.pixel` is 1, else NHWC. Padding is stored: `pad[1]` zero columns left of each row,
/// as many as the window needs right of it, and `from.top >= pad[0]` zero rows.
/// Weights: for each group, for each panel of `NV` vectors of its channels, the biases and then `NV` vectors for each
/// input of the window: by kernel row, column, channel in NHWC; by kernel row, channel, column in planes.
#[derive(Clone, Copy, Debug)]
pub struct Conv<const MR: usize, const NV: usize> {
    /// Output pixels in a row: at least `MR`.
    pub width: usize,
    /// Rows, columns of the kernel.
    pub kernel: [usize; 2],
    /// Input rows, columns from an output to the next.
    pub stride: [usize; 2],
    /// Input rows, columns from a tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Zero rows above, zero columns left of the image that windows begin in.
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
    /// What is done to sums at last.
    pub activation: Activation,
}

impl<const MR: usize, const NV: usize> Conv<MR, NV> {
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
        self.run_adding(simd, w, x, y, Residual::None, rows);
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
        let panels = 0..self.panels::<S>();
        let part = Part { rows, pixels: 0..self.width, panels };
        self.run_part(simd, w, x, y, residual, part);
    }

    /// Computes any part of the output; `part.panels` are panels of each group.
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
        assert!(self.groups > 0);
        assert!(self.c_in.is_multiple_of(self.groups) && self.c_out.is_multiple_of(self.groups));
        let group_len = w.len() / self.groups;
        for group in 0..self.groups {
            let gemm = self.gemm(group);
            let w = &w[group * group_len..][..group_len];
            let residual = match residual {
                Residual::None | Residual::InPlace => residual,
                Residual::Of(skip, ring) => Residual::Of(skip, self.outputs_of::<S>(group, ring)),
                Residual::OfHalf(skip, ring) => {
                    Residual::OfHalf(skip, self.outputs_of::<S>(group, ring))
                }
                Residual::OfBrain(skip, ring) => {
                    Residual::OfBrain(skip, self.outputs_of::<S>(group, ring))
                }
            };
            let into = self.outputs_of::<S>(group, self.into);
            Gemm { into, ..gemm }.run(simd, w, x, y, residual, part.clone());
        }
    }

    /// Panels of each group.
    #[inline(always)]
    pub const fn panels<S: Simd>(&self) -> usize {
        (self.c_out / self.groups).div_ceil(NV * S::LANES)
    }

    #[inline(always)]
    const fn gemm(&self, group: usize) -> Gemm<MR, NV> {
        let Conv { width, groups, from, into, activation, .. } = *self;
        let c_in = self.c_in / groups;
        let channel_step = if from.pixel == 1 { from.chunk } else { 1 };
        let base = from.base + group * c_in * channel_step;
        let from = Ring { base, ..from };
        Gemm {
            width,
            c_out: self.c_out / groups,
            window: self.window(c_in),
            from,
            into,
            activation,
        }
    }

    #[inline(always)]
    const fn window(&self, c_in: usize) -> Window {
        let Conv { kernel, stride, dilation, pad, from, .. } = *self;
        // Of a single channel, planes and NHWC are the same; read as NHWC, its inputs need not lie side by side.
        let planes = from.pixel == 1 && c_in > 1;
        let slide = Slide { kernel, stride, dilation, pad };
        if planes {
            Window::over_planes(slide, &from, c_in)
        } else {
            Window::sliding(slide, &from, c_in)
        }
    }

    /// The same ring from a group's first output channel on.
    #[inline(always)]
    const fn outputs_of<S: Simd>(&self, group: usize, ring: Ring) -> Ring {
        let first = group * (self.c_out / self.groups);
        ring.from_channel(first, S::LANES)
    }
}
