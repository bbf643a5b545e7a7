//! Convolutions in general: any kernel, stride, dilation, padding and groups, over NHWC rows or planes,
//! of floats and of bytes.

use crate::activation::Activation;
use crate::part::Part;
use crate::ring::Ring;
use crate::simd::epilogue::{Adding, Epilogue};
use crate::simd::gemm::Gemm;
use crate::simd::window::{Slide, Window};
use crate::simd::{Simd, Weight};

/// A convolution, `MR` pixels x `NV` vectors of channels at a time.
///
/// The input is planes where `from.pixel` is 1, else NHWC; bytes are NHWC. Padding is stored: `pad[1]` zero columns left
/// of each row, as many as the window needs right of it, and `from.top >= pad[0]` zero rows.
/// Weights: for each group, for each panel of `NV` vectors of its channels, the biases (of bytes: and the factors) and
/// then `NV` vectors for each input of the window, or for each [`Weight::INPUTS`] of them: by kernel row, column, channel
/// in NHWC; by kernel row, channel, column in planes.
#[derive(Clone, Copy, Debug)]
pub struct Conv<const MR: usize, const NV: usize, E = Activation> {
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
    /// The end of its sums.
    pub epilogue: E,
}

impl<const MR: usize, const NV: usize, E: Copy> Conv<MR, NV, E> {
    /// A kernel that adds a residual to its sums before its epilogue.
    #[inline(always)]
    pub const fn adding<R: Copy>(self, residual: R) -> Conv<MR, NV, Adding<R, E>> {
        let Self { width, kernel, stride, dilation, pad, groups, c_in, c_out, .. } = self;
        let Self { from, into, epilogue, .. } = self;
        let epilogue = Adding { residual, then: epilogue };
        Conv { width, kernel, stride, dilation, pad, groups, c_in, c_out, from, into, epilogue }
    }

    /// Computes a part of the output: some rows, or some of their pixels and panels of each group.
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
        let (groups, part) = (self.groups, part.into());
        assert!(groups > 0);
        assert!(self.c_in.is_multiple_of(groups) && self.c_out.is_multiple_of(groups));
        let group_len = w.len() / groups;
        for group in 0..groups {
            let (gemm, first) = (self.gemm(group), group * (self.c_out / groups));
            let w = &w[group * group_len..][..group_len];
            let epilogue = self.epilogue.of_channels_from(first);
            let into = self.into.from_channel(first, S::LANES);
            Gemm { into, epilogue, ..gemm }.run(simd, w, x, y, part.clone());
        }
    }

    /// The product that it is, of one group.
    #[inline(always)]
    pub const fn product<S: Simd>(&self, _: S) -> Gemm<MR, NV, E> {
        assert!(self.groups == 1);
        self.gemm(0)
    }

    #[inline(always)]
    const fn gemm(&self, group: usize) -> Gemm<MR, NV, E> {
        let Conv { width, groups, from, into, epilogue, .. } = *self;
        let c_in = self.c_in / groups;
        let channel_step = if from.pixel == 1 { from.chunk } else { 1 };
        let base = from.base + group * c_in * channel_step;
        let from = Ring { base, ..from };
        Gemm { width, c_out: self.c_out / groups, window: self.window(c_in), from, into, epilogue }
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
}
