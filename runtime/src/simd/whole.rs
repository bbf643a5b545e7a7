//! Whole steps, lane by lane: in functions of their own, to keep programs small on machines without floats and vectors.

use crate::affine::{Factor, Levels, Share, Term, shifted};

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

/// A function of two bytes in integers that are rounded twice: [`Pair::Twice`](crate::affine::Pair::Twice).
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// The operands.
    pub of: [Share; 2],
    /// The factor of their sum or product.
    pub factor: Factor,
    /// Bytes of the result.
    pub levels: Levels,
}

/// Sums times fixed factors as bytes: see [`Levels::of_sum`].
#[inline(never)]
pub(super) fn round_each(levels: Levels, sums: &mut [i32], factors: &[i32]) {
    for (sum, factor) in sums.iter_mut().zip(factors) {
        let steps = Factor(factor.cast_unsigned(), 0).steps((*sum).into());
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

/// Sums times mantissas and exponents as bytes, rounded once: see [`Levels::of_sum`].
#[inline(never)]
pub(super) fn round_each_once(levels: Levels, sums: &mut [i32], by: [&[i32]; 2]) {
    for (sum, (mantissa, exponent)) in sums.iter_mut().zip(by[0].iter().zip(by[1])) {
        let factor = Factor::twice(mantissa.cast_unsigned(), *exponent);
        *sum = levels.whole(factor.scaled_once(*sum)).into();
    }
}

/// Sums times mantissas and exponents as bytes: see [`Levels::of_sum`].
#[inline(never)]
pub(super) fn round_each_twice(levels: Levels, sums: &mut [i32], by: [&[i32]; 2]) {
    for (sum, (mantissa, exponent)) in sums.iter_mut().zip(by[0].iter().zip(by[1])) {
        let factor = Factor::twice(mantissa.cast_unsigned(), *exponent);
        *sum = levels.whole(factor.scaled(*sum).into()).into();
    }
}

/// Bytes `ys` added to bytes `xs`: see [`Pair::add`](crate::affine::Pair::add).
#[inline(never)]
pub(super) fn add_each_twice(shares: Shares, xs: &mut [i32], ys: &[i32]) {
    let Shares { of: [a, b], factor, levels } = shares;
    for (x, y) in xs.iter_mut().zip(ys) {
        *x = levels.whole(factor.scaled(a.of(*x).wrapping_add(b.of(*y))).into()).into();
    }
}

/// Bytes `xs` times bytes `ys`: see [`Pair::mul`](crate::affine::Pair::mul).
#[inline(never)]
pub(super) fn mul_each_twice(shares: Shares, xs: &mut [i32], ys: &[i32]) {
    let Shares { of: [a, b], factor, levels } = shares;
    for (x, y) in xs.iter_mut().zip(ys) {
        let product = (*x - i32::from(a.zero)) * (*y - i32::from(b.zero));
        *x = levels.whole(factor.scaled(product).into()).into();
    }
}
