//! Requantisation as TensorFlow Lite's reference kernels do it: [`Arithmetic::Tflite`](crate::ir::Arithmetic::Tflite).
//!
//! ```text
//! a factor                  f = m * 2^(e-31), m the nearest integer, 2^30 <= m < 2^31; none below 2^-32
//! high(x, m)                floor((x * m + 2^30) / 2^31)                          halves up
//! down(x, e)                the integer nearest to x / 2^e                        halves away from zero
//! scaled(x, f)              down(high(x * 2^max(e, 0), m), max(-e, 0))            rounded twice
//! a convolution             f = x.scale * w.scale / y.scale, in f64
//! a product by a matrix     the same; if all weights have one scale, x.scale * w.scale is rounded to f32
//! a convolution, a mean     steps = scaled(sum, f)
//! a product by a matrix     steps = floor((sum * m + 2^(30-e)) / 2^(31-e))        rounded once
//! a mean of n bytes         f = x.scale / y.scale in f64, then m = floor(m * 2^s / n), e = e - s: s bits of n, less one
//! an addition               t = twice the greater scale, in f64; sum = scaled(a' * 2^20, a.scale / t) + the same of b;
//!                           steps = scaled(sum, t / (2^20 * y.scale))
//! a product of two          steps = scaled(a' * b', a.scale * b.scale / y.scale), each f32 operation rounded
//! an average of n bytes     (s +- n / 2) / n of the sum s of q - 128, halves away from zero; x and y have one scale
//! ```
//! Sums, `a'` and `b'` are exact integers without their zero points; then the zero point is added and the bounds hold.
//! The formulas are those of the 8-bit quantisation specification of TensorFlow Lite and of its reference kernels, where
//! bytes are signed: ours are 128 more. Functions of one byte are in [`functions`], softmax is in [`softmax`].

pub mod functions;
pub mod softmax;

use crate::ir::quant::fixed::{nearest, shifted};

/// A factor as `mantissa * 2^(exponent - 31)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twice {
    /// Below 2^31.
    pub mantissa: u32,
    /// From -31 to 30: a greater factor is beyond what there is, a smaller one is none.
    pub exponent: i32,
}

/// The factors of a sum of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Those of the operands, whose steps are moved up by [`LIFT`].
    pub of: [Twice; 2],
    /// That of their sum.
    pub whole: Twice,
}

/// Bits by which the operands of a sum are moved up.
pub const LIFT: u32 = 20;

impl Twice {
    /// `factor`, which is not negative and finite.
    pub fn of(factor: f64) -> Self {
        const NONE: Twice = Twice { mantissa: 0, exponent: 0 };
        if factor < f64::MIN_POSITIVE {
            return NONE;
        }
        let exponent = (factor.to_bits() >> 52) as i32 - 1022;
        let fraction = f64::from_bits(factor.to_bits() & ((1 << 52) - 1) | 1022 << 52);
        let mantissa = (fraction * f64::from(1_u32 << 31)).round() as u32;
        let all = if mantissa == 1 << 31 {
            Self { mantissa: 1 << 30, exponent: exponent + 1 }
        } else {
            Self { mantissa, exponent }
        };
        if all.exponent < -31 { NONE } else { Self { exponent: all.exponent.min(30), ..all } }
    }

    /// The factor of a sum of `count` numbers that makes their mean.
    pub fn over(self, count: usize) -> Self {
        let count = count.max(1) as u64;
        let shift = 32.min(31 + self.exponent).min(count.ilog2() as i32);
        let mantissa = (u64::from(self.mantissa) << shift) / count;
        Self { mantissa: mantissa as u32, exponent: self.exponent - shift }
    }

    /// The integer nearest to `x` times the factor, rounded twice.
    pub fn scaled(self, x: i32) -> i32 {
        let x = x.wrapping_shl(self.exponent.max(0).unsigned_abs());
        down(high(x, self.mantissa as i32), self.exponent.min(0).unsigned_abs())
    }

    /// The nearest byte to so many steps from `zero`, rounded once.
    pub(super) fn byte_once(self, x: i32, zero: u8) -> u8 {
        let product = i64::from(x) * i64::from(self.mantissa);
        // A greater factor takes any sum beyond all bytes too.
        nearest(shifted(product, (31 - self.exponent.min(28)).unsigned_abs()), zero)
    }

    /// The nearest byte to so many steps from `zero`.
    pub(super) fn byte(self, x: i32, zero: u8) -> u8 {
        nearest(self.scaled(x).into(), zero)
    }
}

impl Shares {
    /// The factors for operands of two scales and a result of the third.
    pub fn of(operands: [f32; 2], result: f32) -> Self {
        let twice = f64::from(operands[0].max(operands[1])) * 2.0;
        let whole = twice / (f64::from(1 << LIFT) * f64::from(result));
        Self { of: operands.map(|of| Twice::of(f64::from(of) / twice)), whole: Twice::of(whole) }
    }
}

/// The mean of bytes, halves away from the byte 128.
pub fn average(bytes: &[u8], count: usize) -> u8 {
    let sum: i64 = bytes.iter().map(|q| i64::from(*q) - 128).sum();
    let (count, half) = (count as i64, count as i64 / 2);
    let mean =
        if sum > 0 { (sum + half).checked_div(count) } else { (sum - half).checked_div(count) };
    nearest(mean.unwrap_or(i64::from(i32::MIN)), 128)
}

/// The upper half of twice a product, rounded; both at the least integer saturate.
fn high(a: i32, b: i32) -> i32 {
    let nearest = (i64::from(a) * i64::from(b) + (1 << 30)) >> 31;
    nearest.min(i64::from(i32::MAX)) as i32
}

/// The integer nearest to `x * 2^-by`, halves away from zero.
fn down(x: i32, by: u32) -> i32 {
    let half = (1_i64 << by) / 2;
    let x = i64::from(x);
    // A negative half is one below where halves would go up.
    let less = i64::from(by > 0 && x < 0);
    ((x + half - less) >> by) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Affine, Arithmetic, Bounds, QMean, QPair, Requant, Rounding, Times, To};

    const HALF: Twice = Twice { mantissa: 1 << 30, exponent: 0 };

    #[test]
    fn factors_are_rounded_to_31_bits() {
        let all = [0.5, 1.0, 3.0, 0.1, 2.0_f64.powi(-32)].map(Twice::of);
        let expected =
            [(1 << 30, 0), (1 << 30, 1), (3 << 29, 2), (1_717_986_918, -3), (1 << 30, -31)];
        assert_eq!(all.map(|twice| (twice.mantissa, twice.exponent)), expected);
        // The fraction is so near to one that its mantissa is 2^31.
        assert_eq!(Twice::of(1.0 - 2.0_f64.powi(-40)), Twice::of(1.0));
        for none in [0.0, 2.0_f64.powi(-33), f64::MIN_POSITIVE / 2.0] {
            assert_eq!(Twice::of(none), Twice { mantissa: 0, exponent: 0 });
        }
        assert_eq!(Twice::of(1e300).exponent, 30);
    }

    #[test]
    fn the_product_goes_up_and_the_shift_away_from_zero() {
        assert_eq!([1, -1, 3, -3].map(|x| HALF.scaled(x)), [1, 0, 2, -1]);
        let eighth = Twice { mantissa: 1 << 30, exponent: -2 };
        // Half of 4 is 2, a quarter of which is half a step.
        assert_eq!([4, -4, 3, -3, 12, -12].map(|x| eighth.scaled(x)), [1, -1, 1, 0, 2, -2]);
        let four = Twice { mantissa: 1 << 30, exponent: 3 };
        assert_eq!([5, -5, 1 << 30].map(|x| four.scaled(x)), [20, -20, 0]);
        assert_eq!(Twice::of(0.0).scaled(i32::MIN), 0);
        assert_eq!(
            (high(i32::MIN, i32::MIN), down(i32::MAX, 31), down(-(1 << 30), 31)),
            (i32::MAX, 1, -1)
        );
    }

    #[test]
    fn two_roundings_make_a_step_that_one_would_not() {
        // 3/8 are no step, but 3/4 are rounded to one before it is halved, and its half to one again.
        let by = Twice { mantissa: (1 << 30) + (1 << 29), exponent: -1 };
        let to = To::Bytes { zero: 100, bounds: Bounds::ALL };
        let requant = Requant::new(vec![0.375], to);
        assert_eq!(Twice::of(0.375), by);
        assert_eq!([1, -1, 2].map(|x| by.scaled(x)), [1, -1, 1]);
        assert_eq!(
            [1, -1, 1 << 20].map(|x| requant.byte(Arithmetic::Tflite, x, 0, 100)),
            [101, 99, 255]
        );
        assert_eq!(requant.byte(Arithmetic::Fixed, 1, 0, 100), 100);
        // A dense layer rounds once: three eighths are none.
        let dense = Requant { rounding: Rounding::Once, ..requant };
        assert_eq!(
            [1, -1, 2, 4, -4, 1 << 20].map(|x| dense.byte(Arithmetic::Tflite, x, 0, 100)),
            [100, 100, 101, 102, 99, 255]
        );
    }

    #[test]
    fn sums_meet_on_twice_the_greater_scale() {
        let affine = |scale, zero| Affine { scale, zero };
        let pair = QPair {
            a: affine(0.5, 128),
            b: affine(0.25, 120),
            y: affine(0.5, 100),
            bounds: Bounds::ALL,
        };
        let shares = pair.shares();
        assert_eq!(shares.of, [HALF, Twice { mantissa: 1 << 30, exponent: -1 }]);
        assert_eq!(shares.whole, Twice { mantissa: 1 << 30, exponent: -18 });
        // 3 steps and half of 5 are 5.5.
        assert_eq!([(131, 125), (125, 115)].map(|(a, b)| pair.add_twice(a, b)), [106, 94]);
        assert_eq!(pair.sum(Arithmetic::Tflite, 255, 255), 255);
    }

    #[test]
    fn products_have_a_factor_of_f32() {
        let affine = |scale, zero| Affine { scale, zero };
        let pair = QPair {
            a: affine(0.1, 3),
            b: affine(0.3, 0),
            y: affine(0.7, 9),
            bounds: Bounds { lo: 0, hi: 90 },
        };
        assert_eq!(pair.twice(), Twice::of(f64::from(0.1_f32 * 0.3 / 0.7)));
        assert_ne!(
            pair.twice(),
            Twice::of(f64::from(0.1_f32) * f64::from(0.3_f32) / f64::from(0.7_f32))
        );
        // 10 * 7 * 0.042857 is 3; 200 * 200 is beyond the bounds.
        let product = |a, b| pair.product(Arithmetic::Tflite, Times::Reals, a, b);
        assert_eq!((product(13, 7), product(203, 200)), (12, 90));
    }

    #[test]
    fn means_divide_the_mantissa() {
        assert_eq!(HALF.over(49), Twice { mantissa: ((1_u64 << 35) / 49) as u32, exponent: -5 });
        assert_eq!((HALF.over(1), HALF.over(0)), (HALF, HALF));
        let small = Twice { mantissa: 1 << 30, exponent: -30 };
        assert_eq!(small.over(6), Twice { mantissa: (1 << 31) / 6, exponent: -31 });
        let affine = |scale, zero| Affine { scale, zero };
        let mean = QMean::twice(affine(0.25, 7), affine(0.5, 3));
        assert_eq!(mean.factor(9), HALF.over(9));
        // Half of 94 / 9 is 5.2, and of 99 / 9 it is 5.5.
        assert_eq!([94, 99, -99].map(|sum| mean.factor(9).scaled(sum)), [5, 6, -6]);
    }

    #[test]
    fn averages_go_away_from_the_middle() {
        assert_eq!(average(&[128, 129], 2), 129);
        assert_eq!(average(&[128, 127], 2), 127);
        assert_eq!(average(&[130, 130, 131], 3), 130);
        assert_eq!((average(&[0; 9], 9), average(&[255; 9], 9), average(&[], 0)), (0, 255, 0));
    }
}
