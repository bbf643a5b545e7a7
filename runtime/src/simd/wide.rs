//! Whole steps in vectors: [`Factor`] and [`Pair`](crate::affine::Pair)s of integers, lane for lane what `affine` says.
//!
//! A product of 64 bits is never kept: factors are moved up so far that its upper half is all that counts. Twice the
//! steps, rounded down, then make the steps: half of one more, rounded down. In a debug build each function has a
//! frame of its own, as [`Simd::apart`](super::Simd::apart) says.

use super::dots::Dots;
use super::requant::splat;
use super::whole::{Shares, Terms, add_each, mul_each};
use crate::affine::{Factor, Levels, MOST_ONCE, SHARE_LIFT, Share};

/// Vector operations that whole steps need of integers.
pub(super) trait Wide: Dots {
    /// `a - b`.
    fn sub_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The bits of both.
    fn and_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The smaller one.
    fn min_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The larger one.
    fn max_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// `x * 2^by`, where `by` is from 0 to 31.
    fn up(self, x: Self::I32, by: Self::I32) -> Self::I32;
    /// `x * 2^-by`, rounded down, where `by` is from 0 to 60.
    fn down(self, x: Self::I32, by: Self::I32) -> Self::I32;
    /// The upper half of `a * b`.
    fn high(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The upper half of `2 * a * b`, rounded, halves up; `b` is not negative.
    fn high_twice(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The upper half of the sum of both `a * b`, which is within 2^62 of zero.
    fn high_sum(self, a: [Self::I32; 2], b: [Self::I32; 2]) -> Self::I32;
}

/// Bits by which mantissas are moved up, so that they fill an integer.
const ROOM: u32 = 7;
/// The shift that takes twice the steps from the upper half of a product; sums are moved up for a smaller one.
const HALF: i32 = (32 - ROOM + 1).cast_signed();
/// The same where mantissas fill an integer as they are.
const HALF_OF_FULL: i32 = 33;
/// Bits by which bytes are moved up in a sum of two terms.
const LIFT: u32 = 23;
/// The shift that takes twice the steps from the upper half of a sum of two terms.
const HALF_OF_TERMS: u32 = 32 - LIFT + 1;

/// The bytes of sums: see [`Levels::of_sum`].
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn of_sums<S: Wide>(simd: S, levels: Levels, sums: S::I32, factors: S::I32) -> S::I32 {
    let all = |x: i32| simd.splat_i32(x);
    let mantissa = simd.and_i32(simd.down(factors, all(1)), all(0x7fff_ff80));
    shifted(simd, levels, sums, [mantissa, simd.and_i32(factors, all(0xff))], HALF)
}

/// The bytes of sums times mantissas and exponents, rounded once: see [`Levels::of_sum`].
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn once_of_sums<S: Wide>(
    simd: S,
    levels: Levels,
    sums: S::I32,
    [mantissas, exponents]: [S::I32; 2],
) -> S::I32 {
    let exponents = simd.min_i32(exponents, simd.splat_i32(MOST_ONCE));
    let shifts = simd.sub_i32(simd.splat_i32(31), exponents);
    shifted(simd, levels, sums, [mantissas, shifts], HALF_OF_FULL)
}

/// The bytes of sums times mantissas, which fill an integer, shifted by so many bits; `half` takes twice the steps from the
/// upper half of a product.
#[inline(always)]
fn shifted<S: Wide>(
    simd: S,
    levels: Levels,
    sums: S::I32,
    [mantissa, shift]: [S::I32; 2],
    half: i32,
) -> S::I32 {
    let all = |x: i32| simd.splat_i32(x);
    let up = simd.sub_i32(all(half), simd.min_i32(shift, all(half)));
    let down = simd.sub_i32(simd.max_i32(shift, all(half)), all(half));
    // A sum that has no room to move up is beyond all bytes with so great a mantissa, and is there when it is less too.
    let (least, most) = (simd.down(all(i32::MIN), up), simd.down(all(i32::MAX), up));
    let sums = simd.up(simd.max_i32(simd.min_i32(sums, most), least), up);
    whole(simd, levels, simd.down(simd.high(sums, mantissa), down))
}

/// The bytes of `a + b`: see [`Pair::add`](crate::affine::Pair::add).
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn sum<S: Wide>(simd: S, terms: Terms, bytes: [S::I32; 2]) -> S::I32 {
    let Terms { of: [a, b], shift, levels } = terms;
    if shift < HALF_OF_TERMS {
        let [mut x, mut y] = bytes;
        add_each(terms, S::lanes(&mut x), S::lanes(&mut y));
        return x;
    }
    let down = simd.splat_i32((shift - HALF_OF_TERMS).cast_signed());
    let operands = [operand(simd, a.zero, LIFT, bytes[0]), operand(simd, b.zero, LIFT, bytes[1])];
    let factors = [simd.splat_i32(a.factor), simd.splat_i32(b.factor)];
    whole(simd, levels, simd.down(simd.high_sum(operands, factors), down))
}

/// The bytes of `a * b`: see [`Pair::mul`](crate::affine::Pair::mul).
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn product<S: Wide>(simd: S, terms: Terms, bytes: [S::I32; 2]) -> S::I32 {
    let Terms { of: [a, b], shift, levels } = terms;
    let factor = i64::from(a.factor) * i64::from(b.factor);
    if !(0..1 << 24).contains(&factor) {
        let [mut x, mut y] = bytes;
        mul_each(terms, S::lanes(&mut x), S::lanes(&mut y));
        return x;
    }
    let factor = Factor::fixed(factor as u32, shift);
    // Two operands that are moved up by half of the bits leave their product in the upper half.
    let product =
        simd.high(operand(simd, a.zero, 16, bytes[0]), operand(simd, b.zero, 16, bytes[1]));
    of_sums(simd, levels, product, simd.splat_i32(factor.0.cast_signed()))
}

/// The bytes of sums times mantissas and exponents: see [`Levels::of_sum`].
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn twice_of_sums<S: Wide>(
    simd: S,
    levels: Levels,
    sums: S::I32,
    by: [S::I32; 2],
) -> S::I32 {
    bounded(simd, levels, scaled(simd, sums, by))
}

/// The bytes of sums that are rounded twice: see [`Pair::add`](crate::affine::Pair::add).
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn twice_sum<S: Wide>(simd: S, shares: Shares, bytes: [S::I32; 2]) -> S::I32 {
    let Shares { of: [a, b], factor, levels } = shares;
    let sum = simd.add_i32(share(simd, a, bytes[0]), share(simd, b, bytes[1]));
    bounded(simd, levels, scaled(simd, sum, splat(simd, factor)))
}

/// The bytes of products that are rounded twice: see [`Pair::mul`](crate::affine::Pair::mul).
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn twice_product<S: Wide>(simd: S, shares: Shares, bytes: [S::I32; 2]) -> S::I32 {
    let Shares { of: [a, b], factor, levels } = shares;
    let operands = [operand(simd, a.zero, 16, bytes[0]), operand(simd, b.zero, 16, bytes[1])];
    let product = simd.high(operands[0], operands[1]);
    bounded(simd, levels, scaled(simd, product, splat(simd, factor)))
}

/// An operand of a sum: see [`Share::of`].
#[inline(always)]
fn share<S: Wide>(simd: S, share: Share, bytes: S::I32) -> S::I32 {
    let steps = operand(simd, share.zero, SHARE_LIFT, bytes);
    scaled(simd, steps, splat(simd, share.factor))
}

/// Integers times mantissas and exponents: see [`Factor::scaled`].
#[inline(always)]
fn scaled<S: Wide>(simd: S, x: S::I32, [mantissas, exponents]: [S::I32; 2]) -> S::I32 {
    let (zero, one) = (simd.splat_i32(0), simd.splat_i32(1));
    let up = simd.max_i32(exponents, zero);
    let down = simd.sub_i32(up, exponents);
    let x = simd.high_twice(simd.up(x, up), mantissas);
    // What is left of a shift makes a step more if it is beyond half of one, or half of one that is positive.
    let rest = simd.sub_i32(simd.up(one, down), one);
    let half = simd.sub_i32(simd.down(rest, one), simd.down(x, simd.splat_i32(31)));
    let beyond = simd.sub_i32(half, simd.and_i32(x, rest));
    simd.sub_i32(simd.down(x, down), simd.down(beyond, simd.splat_i32(31)))
}

/// Bytes without their zero, moved up.
#[inline(always)]
fn operand<S: Wide>(simd: S, zero: u8, up: u32, bytes: S::I32) -> S::I32 {
    let steps = simd.sub_i32(bytes, simd.splat_i32(zero.into()));
    simd.up(steps, simd.splat_i32(up.cast_signed()))
}

/// The bytes of twice the steps: see [`Levels::whole`].
#[inline(always)]
fn whole<S: Wide>(simd: S, levels: Levels, twice: S::I32) -> S::I32 {
    let one = simd.splat_i32(1);
    bounded(simd, levels, simd.down(simd.add_i32(twice, one), one))
}

/// The bytes of so many steps: see [`Levels::whole`].
#[inline(always)]
fn bounded<S: Wide>(simd: S, levels: Levels, steps: S::I32) -> S::I32 {
    let [lo, hi] = levels.bounds();
    let steps = simd.min_i32(simd.max_i32(steps, simd.splat_i32(lo)), simd.splat_i32(hi));
    simd.add_i32(steps, simd.splat_i32(levels.zero.into()))
}
