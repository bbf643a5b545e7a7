//! Whole steps, lane by lane: in functions of their own, to keep programs small on machines without floats and vectors.

use crate::affine::{Factor, Levels, Term, shifted};

/// A function of two bytes in integers: [`Pair::Fixed`](crate::affine::Pair::Fixed).
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The operands.
    pub of: [Term; 2],
    /// The right shift of their sum or product; from 1 to 60.
    pub shift: u32,
    /// Bytes of the result.
    pub levels: Levels,
}

/// Sums times fixed factors as bytes: see [`Levels::of_sum`].
#[inline(never)]
pub(super) fn round_each(levels: Levels, sums: &mut [i32], factors: &[i32]) {
    for (sum, factor) in sums.iter_mut().zip(factors) {
        let steps = Factor(factor.cast_unsigned()).steps((*sum).into());
        *sum = levels.whole(steps).into();
    }
}

/// Bytes `ys` added to bytes `xs`: see [`Pair::add`](crate::affine::Pair::add).
#[inline(never)]
pub(super) fn add_each(Terms { of: [a, b], shift, levels }: Terms, xs: &mut [i32], ys: &[i32]) {
    for (x, y) in xs.iter_mut().zip(ys) {
        *x = levels.whole(shifted(a.of(*x) + b.of(*y), shift)).into();
    }
}

/// Bytes `xs` times bytes `ys`: see [`Pair::mul`](crate::affine::Pair::mul).
#[inline(never)]
pub(super) fn mul_each(Terms { of: [a, b], shift, levels }: Terms, xs: &mut [i32], ys: &[i32]) {
    for (x, y) in xs.iter_mut().zip(ys) {
        *x = levels.whole(shifted(a.of(*x) * b.of(*y), shift)).into();
    }
}
