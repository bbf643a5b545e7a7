//! From sums to bytes: the one place where integer networks round, in f32, one operation at a time.

use super::dots::Dots;
use super::here;
use crate::affine::{Affine, Levels, Pair};

/// Splats of levels, for one tile.
#[derive(Clone, Copy)]
pub(crate) struct Steps<S: Dots> {
    lo: S::F32,
    hi: S::F32,
    zero: S::I32,
}

impl<S: Dots> Steps<S> {
    #[inline(always)]
    pub(crate) fn of(simd: S, levels: Levels) -> Self {
        let [lo, hi] = levels.bounds();
        let zero = simd.splat_i32(i32::from(levels.zero));
        Steps { lo: simd.splat(here(lo)), hi: simd.splat(here(hi)), zero }
    }

    /// The bytes of so many steps.
    #[inline(always)]
    pub(crate) fn bytes(&self, simd: S, levels: Levels, steps: S::F32) -> S::I32 {
        let steps = simd.min(simd.at_least(steps, self.lo), self.hi);
        self.counted(simd, levels, steps)
    }

    /// The same for a store, which may do one of the bounds.
    #[inline(always)]
    pub(crate) fn stored(&self, simd: S, levels: Levels, steps: S::F32) -> S::I32 {
        let steps = match () {
            () if S::SATURATES && levels.hi == 255 => simd.at_least(steps, self.lo),
            // NaN goes on to the store.
            () if S::ENDS_AT_ZERO && levels.lo == 0 => simd.min(self.hi, steps),
            () => return self.bytes(simd, levels, steps),
        };
        self.counted(simd, levels, steps)
    }

    #[inline(always)]
    fn counted(&self, simd: S, levels: Levels, steps: S::F32) -> S::I32 {
        let steps = simd.to_i32(steps);
        if levels.zero == 0 { steps } else { simd.add_i32(steps, self.zero) }
    }
}

/// Bytes `b` added to bytes `a`, for a store.
#[inline(always)]
pub(crate) fn add<S: Dots>(simd: S, pair: Pair, a: S::I32, b: S::I32) -> S::I32 {
    let sum = simd.add(reals(simd, pair.a, a), reals(simd, pair.b, b));
    finish(simd, pair, sum)
}

/// Bytes `a` times bytes `b`, for a store.
#[inline(always)]
pub(crate) fn mul<S: Dots>(simd: S, pair: Pair, a: S::I32, b: S::I32) -> S::I32 {
    let product = simd.mul(reals(simd, pair.a, a), reals(simd, pair.b, b));
    finish(simd, pair, product)
}

#[inline(always)]
fn finish<S: Dots>(simd: S, pair: Pair, real: S::F32) -> S::I32 {
    let steps = simd.div(real, simd.splat(here(pair.scale)));
    Steps::of(simd, pair.levels).stored(simd, pair.levels, steps)
}

/// What bytes stand for.
#[inline(always)]
pub(crate) fn reals<S: Dots>(simd: S, affine: Affine, q: S::I32) -> S::F32 {
    let zero = simd.splat_i32(-i32::from(affine.zero));
    let steps = if affine.zero == 0 { q } else { simd.add_i32(q, zero) };
    simd.mul(simd.to_f32(steps), simd.splat(here(affine.scale)))
}
