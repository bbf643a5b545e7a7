//! Whole steps in vectors: [`Factor`] and fixed [`Pair`](crate::affine::Pair)s, lane for lane what `affine` says.
//!
//! A product of 64 bits is never kept: factors are moved up so far that its upper half is all that counts. Twice the
//! steps, rounded down, then make the steps: half of one more, rounded down. In a debug build each function has a
//! frame of its own, as [`Simd::apart`](super::Simd::apart) says.

use super::dots::Dots;
use super::whole::{Terms, add_each, mul_each};
use crate::affine::{Factor, Levels, Term};

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
    /// The upper half of the sum of both `a * b`, which is within 2^62 of zero.
    fn high_sum(self, a: [Self::I32; 2], b: [Self::I32; 2]) -> Self::I32;
}

/// Bits by which mantissas are moved up, so that they fill an integer.
const ROOM: u32 = 7;
/// The shift that takes twice the steps from the upper half of a product; sums are moved up for a smaller one.
const HALF: i32 = (32 - ROOM + 1).cast_signed();
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
    let shift = simd.and_i32(factors, all(0xff));
    let up = simd.sub_i32(all(HALF), simd.min_i32(shift, all(HALF)));
    let down = simd.sub_i32(simd.max_i32(shift, all(HALF)), all(HALF));
    // A sum that has no room to move up is beyond all bytes with a mantissa of 2^23, and is there when it is less too.
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
    let operands = [operand(simd, a, LIFT, bytes[0]), operand(simd, b, LIFT, bytes[1])];
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
    let product = simd.high(operand(simd, a, 16, bytes[0]), operand(simd, b, 16, bytes[1]));
    of_sums(simd, levels, product, simd.splat_i32(factor.0.cast_signed()))
}

/// Bytes without their zero, moved up.
#[inline(always)]
fn operand<S: Wide>(simd: S, term: Term, up: u32, bytes: S::I32) -> S::I32 {
    let steps = simd.sub_i32(bytes, simd.splat_i32(term.zero.into()));
    simd.up(steps, simd.splat_i32(up.cast_signed()))
}

/// The bytes of twice the steps: see [`Levels::whole`].
#[inline(always)]
fn whole<S: Wide>(simd: S, levels: Levels, twice: S::I32) -> S::I32 {
    let [lo, hi] = levels.bounds();
    let one = simd.splat_i32(1);
    let steps = simd.down(simd.add_i32(twice, one), one);
    let steps = simd.min_i32(simd.max_i32(steps, simd.splat_i32(lo)), simd.splat_i32(hi));
    simd.add_i32(steps, simd.splat_i32(levels.zero.into()))
}
