//! Requantisation: the one place where integer networks round, in f32, one operation at a time, or in integers, once or
//! twice.
//!
//! Integers are for machines without floats: lane by lane in [`whole`](super::whole), and with vectors, to the same
//! bytes, in [`wide`](super::wide).

use super::dots::{Dots, Shares, Terms};
use super::registers::here;
use crate::affine::{Affine, Arithmetic, Factor, Levels, Pair, Product};

/// Multipliers of a vector of sums.
#[derive(Clone, Copy)]
pub(crate) enum Factors<S: Dots> {
    Float(S::F32),
    Fixed(S::I32),
    /// Mantissas and exponents.
    Twice([S::I32; 2]),
    /// The same, for products that are rounded once.
    Once([S::I32; 2]),
}

impl<S: Dots> Factors<S> {
    /// Those at an address; where they are rounded twice, their exponents lie at the second one.
    ///
    /// # Safety
    /// `LANES` factors lie inside one allocation, and so do their exponents.
    #[inline(always)]
    pub(crate) unsafe fn at(simd: S, levels: Levels, [from, exponents]: [*const u8; 2]) -> Self {
        // SAFETY: the caller's `LANES` factors, of four bytes each, and exponents.
        unsafe {
            match levels.arithmetic {
                Arithmetic::Float => Self::Float(simd.f32s_at(from)),
                Arithmetic::Fixed => Self::Fixed(simd.i32s_at(from)),
                Arithmetic::Twice => Self::Twice([simd.i32s_at(from), simd.i32s_at(exponents)]),
                Arithmetic::Once => Self::Once([simd.i32s_at(from), simd.i32s_at(exponents)]),
            }
        }
    }

    /// One for all sums.
    #[inline(always)]
    pub(crate) fn splat(simd: S, levels: Levels, factor: Factor) -> Self {
        match levels.arithmetic {
            Arithmetic::Float => Self::Float(simd.splat(factor.real())),
            Arithmetic::Fixed => Self::Fixed(simd.splat_i32(factor.0.cast_signed())),
            Arithmetic::Twice => Self::Twice(splat(simd, factor)),
            Arithmetic::Once => Self::Once(splat(simd, factor)),
        }
    }
}

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
        let [lo, hi] = levels.bounds().map(|bound| bound as f32);
        let zero = simd.splat_i32(i32::from(levels.zero));
        Steps { lo: simd.splat(here(lo)), hi: simd.splat(here(hi)), zero }
    }

    /// The bytes of so many steps.
    #[inline(always)]
    pub(crate) fn bytes(&self, simd: S, levels: Levels, steps: S::F32) -> S::I32 {
        let steps = simd.min(simd.at_least(steps, self.lo), self.hi);
        self.counted(simd, levels, steps)
    }

    /// The bytes of so many steps for a store, which may do one of the bounds.
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

    /// The bytes of sums.
    #[inline(always)]
    pub(crate) fn of_sums(&self, simd: S, levels: Levels, sums: S::I32, by: Factors<S>) -> S::I32 {
        match by {
            Factors::Float(by) => self.bytes(simd, levels, simd.mul(simd.to_f32(sums), by)),
            Factors::Fixed(by) => simd.whole_of_sums(levels, sums, by),
            Factors::Twice(by) => simd.twice_of_sums(levels, sums, by),
            Factors::Once(by) => simd.once_of_sums(levels, sums, by),
        }
    }

    /// The bytes of sums for a store, which may do one of the bounds.
    #[inline(always)]
    pub(crate) fn of_stored_sums(
        &self,
        simd: S,
        levels: Levels,
        sums: S::I32,
        by: Factors<S>,
    ) -> S::I32 {
        match by {
            Factors::Float(by) => self.stored(simd, levels, simd.mul(simd.to_f32(sums), by)),
            Factors::Fixed(by) => simd.whole_of_sums(levels, sums, by),
            Factors::Twice(by) => simd.twice_of_sums(levels, sums, by),
            Factors::Once(by) => simd.once_of_sums(levels, sums, by),
        }
    }

    #[inline(always)]
    fn counted(&self, simd: S, levels: Levels, steps: S::F32) -> S::I32 {
        let steps = simd.to_i32(steps);
        if levels.zero == 0 { steps } else { simd.add_i32(steps, self.zero) }
    }
}

/// Bytes `y` added to bytes `x`, for a store.
#[inline(always)]
pub(crate) fn add<S: Dots>(simd: S, pair: Pair, x: S::I32, y: S::I32) -> S::I32 {
    match pair {
        Pair::Float { a, b, scale, levels } => {
            finish(simd, scale, levels, simd.add(reals(simd, a, x), reals(simd, b, y)))
        }
        Pair::Fixed { a, b, shift, levels } => {
            simd.whole_sum(Terms { of: [a, b], shift, levels }, [x, y])
        }
        Pair::Twice { a, b, factor, levels } => {
            simd.twice_sum(Shares { of: [a, b], factor, levels }, [x, y])
        }
    }
}

/// Bytes `x` times bytes `y`, for a store.
#[inline(always)]
pub(crate) fn mul<S: Dots>(simd: S, pair: Pair, x: S::I32, y: S::I32) -> S::I32 {
    match pair {
        Pair::Float { a, b, scale, levels } => {
            finish(simd, scale, levels, simd.mul(reals(simd, a, x), reals(simd, b, y)))
        }
        Pair::Fixed { a, b, shift, levels } => {
            simd.whole_product(Terms { of: [a, b], shift, levels }, [x, y])
        }
        Pair::Twice { a, b, factor, levels } => {
            simd.twice_product(Shares { of: [a, b], factor, levels }, [x, y])
        }
    }
}

/// The bytes of a product of whole steps.
#[inline(always)]
pub(crate) fn product<S: Dots>(simd: S, by: Product, x: S::I32, y: S::I32) -> S::I32 {
    let Product { a, b, factor, early, levels } = by;
    // Neither conversion nor product is rounded: they are below 2^16.
    let whole = simd.mul(steps(simd, a, x), steps(simd, b, y));
    let steps = simd.mul(whole, simd.splat(here(factor)));
    let steps = simd.add(steps, simd.splat(here(early)));
    Steps::of(simd, levels).stored(simd, levels, steps)
}

/// Mantissa and exponent of a factor that is rounded twice, in every lane.
#[inline(always)]
pub(super) fn splat<S: Dots>(simd: S, factor: Factor) -> [S::I32; 2] {
    [simd.splat_i32(factor.0.cast_signed()), simd.splat_i32(factor.1)]
}

#[inline(always)]
fn finish<S: Dots>(simd: S, scale: f32, levels: Levels, real: S::F32) -> S::I32 {
    let steps = simd.div(real, simd.splat(here(scale)));
    Steps::of(simd, levels).stored(simd, levels, steps)
}

/// The reals of bytes.
#[inline(always)]
pub(crate) fn reals<S: Dots>(simd: S, affine: Affine, q: S::I32) -> S::F32 {
    simd.mul(steps(simd, affine.zero, q), simd.splat(here(affine.scale)))
}

#[inline(always)]
fn steps<S: Dots>(simd: S, zero: u8, q: S::I32) -> S::F32 {
    let less = simd.splat_i32(-i32::from(zero));
    simd.to_f32(if zero == 0 { q } else { simd.add_i32(q, less) })
}
