//! Residuals, which are added to sums before they are stored: another value, or what the output held.

use super::{Number, Simd};
use crate::affine::Pair;
use crate::brain::Brain;
use crate::half::Half;
use crate::ring::Ring;

/// The residual that is added to a sum before its activation.
#[derive(Clone, Copy, Debug)]
pub enum Residual<'a> {
    /// Nothing.
    None,
    /// Another value, by row, pixel and channel.
    Of(&'a [f32], Ring),
    /// Another value in halves.
    OfHalf(&'a [Half], Ring),
    /// Another value in brain floats.
    OfBrain(&'a [Brain], Ring),
    /// The output, as it was before; `MR` must divide the pixels, lest some be added twice.
    InPlace,
}

/// The residual that is added to the bytes of a convolution.
#[derive(Clone, Copy, Debug)]
pub enum QResidual<'a> {
    /// Nothing.
    None,
    /// Another value, by row, pixel and channel.
    Of(&'a [u8], Ring, Pair),
    /// The output, as it was before; `MR` must divide the pixels, lest some be added twice.
    InPlace(Pair),
}

impl Residual<'_> {
    /// The residual of the channels from `first` on.
    #[inline(always)]
    pub(super) const fn of_channels_from(self, first: usize, lanes: usize) -> Self {
        match self {
            Self::None | Self::InPlace => self,
            Self::Of(skip, ring) => Self::Of(skip, ring.from_channel(first, lanes)),
            Self::OfHalf(skip, ring) => Self::OfHalf(skip, ring.from_channel(first, lanes)),
            Self::OfBrain(skip, ring) => Self::OfBrain(skip, ring.from_channel(first, lanes)),
        }
    }

    /// The sum and what is added to it: the vector that `at` finds, or what lies at `into`.
    ///
    /// # Safety
    /// Either lies inside one allocation.
    #[inline(always)]
    pub(super) unsafe fn onto<S: Simd, Y: Number>(
        self,
        simd: S,
        sum: S::F32,
        into: *const Y,
        at: impl Fn(&Ring) -> usize,
    ) -> S::F32 {
        // SAFETY: the caller's vectors.
        let other = unsafe {
            match self {
                Self::None => return sum,
                Self::Of(skip, ring) => simd.load_at(skip.as_ptr().add(at(&ring))),
                Self::OfHalf(skip, ring) => simd.load_half_at(skip.as_ptr().add(at(&ring))),
                Self::OfBrain(skip, ring) => simd.load_brain_at(skip.as_ptr().add(at(&ring))),
                Self::InPlace => Y::load_at(simd, into),
            }
        };
        simd.add(sum, other)
    }

    /// The first `len` lanes of the sum and what is added to it.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    pub(super) unsafe fn head_onto<S: Simd, Y: Number>(
        self,
        simd: S,
        sum: S::F32,
        into: *const Y,
        len: usize,
        at: impl Fn(&Ring) -> usize,
    ) -> S::F32 {
        // SAFETY: the caller's lanes.
        let other = unsafe {
            match self {
                Self::None => return sum,
                Self::Of(skip, ring) => simd.load_head_at(skip.as_ptr().add(at(&ring)), len),
                Self::OfHalf(skip, ring) => {
                    simd.load_half_head_at(skip.as_ptr().add(at(&ring)), len)
                }
                Self::OfBrain(skip, ring) => {
                    simd.load_brain_head_at(skip.as_ptr().add(at(&ring)), len)
                }
                Self::InPlace => Y::load_head_at(simd, into, len),
            }
        };
        simd.add(sum, other)
    }
}

impl QResidual<'_> {
    /// The residual of the channels from `first` on.
    #[inline(always)]
    pub(super) const fn of_channels_from(self, first: usize, lanes: usize) -> Self {
        match self {
            Self::None | Self::InPlace(_) => self,
            Self::Of(skip, ring, pair) => Self::Of(skip, ring.from_channel(first, lanes), pair),
        }
    }

    /// Where it lies and how it is added, of an output that lies at `into` as `ring` says.
    #[inline(always)]
    pub(super) const fn at(self, into: *const u8, ring: Ring) -> Option<(*const u8, Ring, Pair)> {
        match self {
            Self::None => None,
            Self::Of(skip, ring, pair) => Some((skip.as_ptr(), ring, pair)),
            Self::InPlace(pair) => Some((into, ring, pair)),
        }
    }
}
