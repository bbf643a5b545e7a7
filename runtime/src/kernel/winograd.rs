//! Convolutions of three by three taps by Winograd's minimal filtering: fewer products, between transforms.
//!
//! A tile of `OUT` by `OUT` outputs is made of the `OUT + 2` squared inputs under its windows: both, and the weights, are
//! transformed so that a product of matrices for each of the `OUT + 2` squared points does all sums. Answers differ from
//! direct sums in the last places. An infinity, or what is no number, spreads to all of its tile.

use crate::activation::Activation;
use crate::ring::Ring;
use crate::simd::Simd;
use crate::simd::epilogue::{Adding, Epilogue};
use crate::simd::winograd::Transformed;

/// A 3x3 convolution of stride 1, in tiles of `OUT` by `OUT` outputs (2 or 4), whose products are computed for `MR` tiles
/// x `NV` vectors of channels at a time.
///
/// Rows are NHWC on both sides; padding is stored, as [`Conv`](super::conv::Conv) wants it. Weights: for each panel of
/// `NV` vectors of output channels the biases, then for each of the points, by rows, `NV` vectors for each input channel.
#[derive(Clone, Copy, Debug)]
pub struct Winograd<const OUT: usize, const MR: usize, const NV: usize, E = Activation> {
    /// Output rows, and pixels in each.
    pub size: [usize; 2],
    /// Zero rows above, zero columns left of the image that windows begin in.
    pub pad: [usize; 2],
    /// Input channels.
    pub c_in: usize,
    /// Output channels.
    pub c_out: usize,
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// Groups of `MR` tiles that are transformed at once.
    pub groups: usize,
    /// The end of its sums.
    pub epilogue: E,
}

impl<const OUT: usize, const MR: usize, const NV: usize, E: Copy> Winograd<OUT, MR, NV, E> {
    /// A kernel that adds a residual to its sums before its epilogue.
    #[inline(always)]
    pub const fn adding<R: Copy>(self, residual: R) -> Winograd<OUT, MR, NV, Adding<R, E>> {
        let Self { size, pad, c_in, c_out, from, into, groups, epilogue } = self;
        let epilogue = Adding { residual, then: epilogue };
        Winograd { size, pad, c_in, c_out, from, into, groups, epilogue }
    }

    /// Computes the whole output, working in `scratch`, of [`scratch_len`](crate::simd::winograd::scratch_len) numbers.
    #[inline(always)]
    pub fn run<S: Simd>(&self, simd: S, w: &[f32], x: &[f32], scratch: &mut [f32], y: &mut [f32])
    where
        E: Epilogue<S, S::F32, f32>,
    {
        self.product(simd).run(simd, w, x, scratch, y);
    }

    /// The transforms and products that it is.
    #[inline(always)]
    pub const fn product<S: Simd>(&self, _: S) -> Transformed<OUT, MR, NV, E> {
        let Self { size, pad, c_in, c_out, from, into, groups, epilogue } = *self;
        Transformed { size, pad, c_in, c_out, from, into, groups, epilogue }
    }
}
