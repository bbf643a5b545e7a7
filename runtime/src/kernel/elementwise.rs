//! Arithmetic on two operands, number by number; the second may be a number per channel or one for all.
//!
//! Slices hold nothing but the values, in the same order; other shapes are first spread by `strided::Strided`.
//! `_assign` writes over its first operand. The operation is a constant of the call, so its `match` folds away.

use crate::clamp::Clamp;
use crate::math;
use crate::simd::Number;

/// A binary operator on numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `b - a`.
    SubFrom,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// `b / a`.
    DivInto,
    /// The lesser; NaN if either is.
    Min,
    /// The greater; NaN if either is.
    Max,
    /// `a` to the power `b`.
    Pow,
    /// `b` to the power `a`.
    PowOf,
    /// `a`, times `b` where `a` is negative.
    PRelu,
    /// 1 where `a == b`, else 0.
    Equal,
    /// 1 where `a != b`, else 0.
    NotEqual,
    /// 1 where `a < b`, else 0.
    Less,
    /// 1 where `a <= b`, else 0.
    LessOrEqual,
    /// 1 where `a > b`, else 0.
    Greater,
    /// 1 where `a >= b`, else 0.
    GreaterOrEqual,
    /// `b` where `a` is not 0; else -0, which added to anything leaves it as it is.
    Then,
    /// `b` where `a` is 0; else -0.
    Else,
}

impl Binary {
    /// The result for one pair.
    #[inline(always)]
    pub fn apply(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::SubFrom => b - a,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::DivInto => b / a,
            Self::Min => least(a, b),
            Self::Max => greatest(a, b),
            Self::Pow => math::pow(a, b),
            Self::PowOf => math::pow(b, a),
            Self::PRelu => {
                if a < 0.0 {
                    a * b
                } else {
                    a
                }
            }
            Self::Equal => truth(a == b),
            Self::NotEqual => truth(a != b),
            Self::Less => truth(a < b),
            Self::LessOrEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterOrEqual => truth(a >= b),
            Self::Then => chosen(a != 0.0, b),
            Self::Else => chosen(a == 0.0, b),
        }
    }
}

/// `y = a op b`, number by number.
#[inline(always)]
pub fn binary<A: Number, B: Number, Y: Number>(
    op: Binary,
    a: &[A],
    b: &[B],
    clamp: Clamp,
    y: &mut [Y],
) {
    assert!(a.len() == y.len() && b.len() == y.len(), "operands and result are equally long");
    for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
        *y = Y::of(clamp.apply(op.apply(a.real(), b.real())));
    }
}

/// `y = y op b`, number by number.
#[inline(always)]
pub fn binary_assign<Y: Number, B: Number>(op: Binary, y: &mut [Y], b: &[B], clamp: Clamp) {
    assert!(b.len() == y.len(), "both operands are equally long");
    for (y, b) in y.iter_mut().zip(b) {
        *y = Y::of(clamp.apply(op.apply(y.real(), b.real())));
    }
}

/// `y = a op b` for pixels of `b.len()` channels, each with its own `b`.
#[inline(always)]
pub fn channels<A: Number, B: Number, Y: Number>(
    op: Binary,
    a: &[A],
    b: &[B],
    clamp: Clamp,
    y: &mut [Y],
) {
    assert!(
        a.len() == y.len() && y.len().is_multiple_of(b.len()),
        "operand and result are whole pixels"
    );
    for (y, a) in y.chunks_exact_mut(b.len()).zip(a.chunks_exact(b.len())) {
        for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
            *y = Y::of(clamp.apply(op.apply(a.real(), b.real())));
        }
    }
}

/// `y = y op b` for pixels of `b.len()` channels, each with its own `b`.
#[inline(always)]
pub fn channels_assign<Y: Number, B: Number>(op: Binary, y: &mut [Y], b: &[B], clamp: Clamp) {
    assert!(y.len().is_multiple_of(b.len()), "the first operand is whole pixels");
    for y in y.chunks_exact_mut(b.len()) {
        for (y, b) in y.iter_mut().zip(b) {
            *y = Y::of(clamp.apply(op.apply(y.real(), b.real())));
        }
    }
}

/// `y = a op b` with one `b` for all.
#[inline(always)]
pub fn scalar<A: Number, Y: Number>(op: Binary, a: &[A], b: f32, clamp: Clamp, y: &mut [Y]) {
    assert!(a.len() == y.len(), "operand and result are equally long");
    for (y, a) in y.iter_mut().zip(a) {
        *y = Y::of(clamp.apply(with_scalar(op, a.real(), b)));
    }
}

/// `y = y op b` with one `b` for all.
#[inline(always)]
pub fn scalar_assign<Y: Number>(op: Binary, y: &mut [Y], b: f32, clamp: Clamp) {
    for y in y {
        *y = Y::of(clamp.apply(with_scalar(op, y.real(), b)));
    }
}

/// Powers know the exponents that need no logarithm.
#[inline(always)]
fn with_scalar(op: Binary, a: f32, b: f32) -> f32 {
    if op == Binary::Pow { math::pow_by(a, b) } else { op.apply(a, b) }
}

/// The lesser, or NaN if either is: two comparisons, where `f32::min` has to look for NaN to hide it.
#[inline(always)]
fn least(a: f32, b: f32) -> f32 {
    if a < b || a.is_nan() { a } else { b }
}

/// The greater, or NaN if either is.
#[inline(always)]
fn greatest(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// A truth value as a number.
#[inline(always)]
fn truth(holds: bool) -> f32 {
    if holds { 1.0 } else { 0.0 }
}

/// `x`, or the number that changes no sum.
#[inline(always)]
fn chosen(is_chosen: bool, x: f32) -> f32 {
    if is_chosen { x } else { -0.0 }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    const A: [f32; 6] = [1.0, -2.0, 3.0, -4.0, 5.0, -6.0];

    fn each_pair(op: Binary, b: [f32; 6]) -> [f32; 6] {
        let mut y = [0.0; 6];
        binary(op, &A, &b, Clamp::NONE, &mut y);
        let mut over = A;
        binary_assign(op, &mut over, &b, Clamp::NONE);
        assert_eq!(y, over);
        y
    }

    #[test]
    fn pairs_meet_in_order() {
        let b = [2.0; 6];
        assert_eq!(each_pair(Binary::Add, b), [3.0, 0.0, 5.0, -2.0, 7.0, -4.0]);
        assert_eq!(each_pair(Binary::Sub, b), [-1.0, -4.0, 1.0, -6.0, 3.0, -8.0]);
        assert_eq!(each_pair(Binary::SubFrom, b), [1.0, 4.0, -1.0, 6.0, -3.0, 8.0]);
        assert_eq!(each_pair(Binary::Mul, b), [2.0, -4.0, 6.0, -8.0, 10.0, -12.0]);
        assert_eq!(each_pair(Binary::Div, b), [0.5, -1.0, 1.5, -2.0, 2.5, -3.0]);
        assert_eq!(each_pair(Binary::DivInto, [60.0; 6]), [60.0, -30.0, 20.0, -15.0, 12.0, -10.0]);
        assert_eq!(each_pair(Binary::Min, b), [1.0, -2.0, 2.0, -4.0, 2.0, -6.0]);
        assert_eq!(each_pair(Binary::Max, b), [2.0, 2.0, 3.0, 2.0, 5.0, 2.0]);
        assert_eq!(each_pair(Binary::Pow, b), [1.0, 4.0, 9.0, 16.0, 25.0, 36.0]);
        assert_eq!(each_pair(Binary::PowOf, b), [2.0, 0.25, 8.0, 0.0625, 32.0, 0.015625]);
        assert_eq!(each_pair(Binary::PRelu, b), [1.0, -4.0, 3.0, -8.0, 5.0, -12.0]);
    }

    #[test]
    fn pairs_are_compared() {
        let b = [1.0, 2.0, 2.0, -4.0, f32::NAN, f32::INFINITY];
        assert_eq!(each_pair(Binary::Equal, b), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(each_pair(Binary::NotEqual, b), [0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!(each_pair(Binary::Less, b), [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(each_pair(Binary::LessOrEqual, b), [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(each_pair(Binary::Greater, b), [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(each_pair(Binary::GreaterOrEqual, b), [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn what_is_chosen_is_the_sum_of_both_sides() {
        let numbers = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 3.0];
        for (a, b) in numbers.iter().flat_map(|a| numbers.map(|b| (*a, b))) {
            for (which, chosen) in [(1.0, a), (0.0, b)] {
                let sum = Binary::Then.apply(which, a) + Binary::Else.apply(which, b);
                assert!(sum.to_bits() == chosen.to_bits() || sum.is_nan() && chosen.is_nan());
            }
        }
    }

    #[test]
    fn nan_wins_every_comparison() {
        for op in [Binary::Min, Binary::Max] {
            assert!(op.apply(f32::NAN, 1.0).is_nan() && op.apply(1.0, f32::NAN).is_nan());
        }
    }

    #[test]
    fn a_pixel_repeats_the_channels_operand() {
        let (mut y, mut over) = ([0.0; 6], A);
        channels(Binary::Mul, &A, &[1.0, 10.0, 0.0], Clamp::RELU6, &mut y);
        channels_assign(Binary::Mul, &mut over, &[1.0, 10.0, 0.0], Clamp::RELU6);
        assert_eq!(y, [1.0, 0.0, 0.0, 0.0, 6.0, 0.0]);
        assert_eq!(over, y);
    }

    #[test]
    fn one_number_serves_all() {
        let (mut y, mut over) = ([0.0; 6], A);
        scalar(Binary::Pow, &A, 2.0, Clamp::NONE, &mut y);
        scalar_assign(Binary::Sub, &mut over, 1.0, Clamp::RELU);
        assert_eq!(y, [1.0, 4.0, 9.0, 16.0, 25.0, 36.0]);
        assert_eq!(over, [0.0, 0.0, 2.0, 0.0, 4.0, 0.0]);
    }
}
