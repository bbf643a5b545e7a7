//! What is added to the sums of a product before the clamp, as addresses.

use super::{Number, Simd};
use crate::brain::Brain;
use crate::half::Half;
use crate::ring::Ring;

/// [`Residual`](super::gemm::Residual) without its lifetime.
#[derive(Clone, Copy)]
pub(super) enum Added {
    /// Nothing.
    None,
    /// Floats.
    Of(*const f32, Ring),
    /// Halves.
    OfHalf(*const Half, Ring),
    /// Brain floats.
    OfBrain(*const Brain, Ring),
    /// What is overwritten.
    InPlace,
}

impl Added {
    /// The sum and what is added to it: the vector that `at` finds, or what lies at `into`.
    ///
    /// # Safety
    /// Either lies inside one allocation.
    #[inline(always)]
    pub(super) unsafe fn onto<S: Simd, Y: Number>(
        &self,
        simd: S,
        sum: S::F32,
        into: *const Y,
        at: impl Fn(&Ring) -> usize,
    ) -> S::F32 {
        // SAFETY: the caller's vectors.
        unsafe {
            match self {
                Self::None => sum,
                Self::Of(skip, ring) => simd.add(sum, simd.load_at(skip.add(at(ring)))),
                Self::OfHalf(skip, ring) => simd.add(sum, simd.load_half_at(skip.add(at(ring)))),
                Self::OfBrain(skip, ring) => simd.add(sum, simd.load_brain_at(skip.add(at(ring)))),
                Self::InPlace => simd.add(sum, Y::load_at(simd, into)),
            }
        }
    }

    /// The same of the first `len` lanes.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    pub(super) unsafe fn head_onto<S: Simd, Y: Number>(
        &self,
        simd: S,
        sum: S::F32,
        into: *const Y,
        len: usize,
        at: impl Fn(&Ring) -> usize,
    ) -> S::F32 {
        // SAFETY: the caller's lanes.
        unsafe {
            match self {
                Self::None => sum,
                Self::Of(skip, ring) => simd.add(sum, simd.load_head_at(skip.add(at(ring)), len)),
                Self::OfHalf(skip, ring) => {
                    simd.add(sum, simd.load_half_head_at(skip.add(at(ring)), len))
                }
                Self::OfBrain(skip, ring) => {
                    simd.add(sum, simd.load_brain_head_at(skip.add(at(ring)), len))
                }
                Self::InPlace => simd.add(sum, Y::load_head_at(simd, into, len)),
            }
        }
    }
}
