//! Vectors in registers: arrays of them, as they come from memory and as the numbers in them, and the bounds of a clamp.

use super::number::Number;
use super::vector::Simd;
use crate::clamp::Clamp;

/// `NV` vectors, one after the other in memory.
///
/// # Safety
/// They lie inside one allocation.
#[inline(always)]
pub(super) unsafe fn vectors<S: Simd, E: Number, const NV: usize>(
    simd: S,
    from: *const E,
) -> [S::F32; NV] {
    // SAFETY: the caller's `NV` vectors.
    unsafe {
        let mut all = zeros::<[S::F32; NV]>();
        unroll!(j in NV, { all[j] = E::load_at(simd, from.add(j * S::LANES)); });
        all
    }
}

/// A register array to be filled: unlike `[v; N]` it is no loop, so no optimiser keeps it in memory.
///
/// # Safety
/// `T` is made of vectors alone, all of whose bits may be zero.
#[inline(always)]
pub(super) unsafe fn zeros<T: Copy>() -> T {
    // SAFETY: the caller says so.
    unsafe { core::mem::zeroed() }
}

/// Vectors as the numbers in them.
#[inline(always)]
pub(super) fn numbers<S: Simd>(vectors: &mut [S::F32]) -> &mut [f32] {
    let len = vectors.len() * S::LANES;
    // SAFETY: a vector is its lanes, one after the other.
    unsafe { core::slice::from_raw_parts_mut(vectors.as_mut_ptr().cast(), len) }
}

/// Splats of a clamp's bounds, for one tile.
#[derive(Clone, Copy)]
pub(super) struct Bounds<S: Simd> {
    lo: S::F32,
    hi: S::F32,
}

impl<S: Simd> Bounds<S> {
    #[inline(always)]
    pub(super) fn of(simd: S, clamp: Clamp) -> Self {
        Bounds { lo: simd.splat(here(clamp.lo)), hi: simd.splat(here(clamp.hi)) }
    }

    /// `v` between the bounds, or NaN; nothing is done about an infinite one.
    #[inline(always)]
    pub(super) fn keep(&self, simd: S, clamp: Clamp, v: S::F32) -> S::F32 {
        let v = if clamp.lo == f32::NEG_INFINITY { v } else { simd.max(self.lo, v) };
        if clamp.hi == f32::INFINITY { v } else { simd.min(self.hi, v) }
    }
}

/// `x`, if a constant in memory, in such a way that it is not kept in a register through the loops of other tiles:
/// where kernels follow each other in one function, two such registers are two sums spilled in the innermost loop.
#[inline(always)]
pub(super) fn here(x: f32) -> f32 {
    if x == 0.0 || x.is_infinite() {
        return x;
    }
    // SAFETY: a float on the stack.
    unsafe { (&raw const x).read_volatile() }
}
