//! Powers, by a logarithm and an exponential in `f64`: an error of the logarithm grows with the exponent.

use super::exact::{round, sqrt};

/// `a` to the power `b`, as C's `powf` defines it for every sign, zero and infinity.
#[inline(always)]
pub fn pow(a: f32, b: f32) -> f32 {
    let size = a.abs();
    let power = exp(f64::from(b) * ln(f64::from(size))) as f32;
    let whole = round(b) == b;
    let odd = whole && round(0.5 * b) != 0.5 * b;
    let signed = if odd { power.copysign(a) } else { power };
    let real = if a < 0.0 && !whole && size < f32::INFINITY { f32::NAN } else { signed };
    let known = if a.is_nan() || b.is_nan() { f32::NAN } else { real };
    if b == 0.0 || a == 1.0 || (a == -1.0 && b.abs() == f32::INFINITY) { 1.0 } else { known }
}

/// [`pow`] to an exponent that is the same for many numbers: squares and roots are exact and cheap.
#[inline(always)]
pub(crate) fn pow_by(a: f32, b: f32) -> f32 {
    if b == 2.0 {
        a * a
    } else if b == 0.5 {
        sqrt(a)
    } else {
        pow(a, b)
    }
}

/// The natural logarithm of a number that is not negative, to 1e-13.
#[inline(always)]
fn ln(x: f64) -> f64 {
    const HALF_ROOT_BITS: i64 = 0x3fe6_a09e_667f_3bcd; // sqrt(1/2)
    const MANTISSA: i64 = (1 << 52) - 1;
    let above = (x.to_bits() as i64).wrapping_sub(HALF_ROOT_BITS);
    let exponent = small_whole(above >> 52);
    let mantissa = f64::from_bits(((above & MANTISSA) + HALF_ROOT_BITS) as u64);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let finite = exponent * core::f64::consts::LN_2 + s * polynomial(&LN, s * s);
    let positive = if x < f64::INFINITY { finite } else { x };
    if x == 0.0 { f64::NEG_INFINITY } else { positive }
}

/// e to the power `x`, to 1e-12; 0 or infinite once in `f32`, where it is too small or large for it.
#[inline(always)]
fn exp(x: f64) -> f64 {
    let low = if x < -200.0 { -200.0 } else { x };
    let x = if low > 200.0 { 200.0 } else { low };
    let shifted = x * core::f64::consts::LOG2_E + TO_WHOLE;
    let rest = x - (shifted - TO_WHOLE) * core::f64::consts::LN_2;
    let exponent = shifted.to_bits().wrapping_sub(TO_WHOLE.to_bits());
    polynomial(&EXP, rest) * f64::from_bits(exponent.wrapping_add(1023) << 52)
}

/// A number in 51 bits as a float: unlike `as f64`, an addition in every vector instruction set.
#[inline(always)]
fn small_whole(n: i64) -> f64 {
    f64::from_bits(TO_WHOLE.to_bits().wrapping_add(n as u64)) - TO_WHOLE
}

#[inline(always)]
fn polynomial<const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// 1.5 * 2^52: a sum with it is rounded to a whole number, which its lowest bits hold.
const TO_WHOLE: f64 = 6_755_399_441_055_744.0;

/// exp(x) for `|x| <= ln(2) / 2`.
const EXP: [f64; 9] = [
    0.999_999_999_999_737_5,
    0.999_999_999_979_034_7,
    0.500_000_000_066_931_6,
    0.166_666_668_987_973_72,
    0.041_666_664_069_784_63,
    0.008_333_264_356_666_358,
    0.001_388_919_040_328_158_5,
    0.000_199_169_056_865_119_97,
    2.472_571_701_267_785_3e-5,
];

/// ln((1 + s) / (1 - s)) / s over `s^2`, for quotients in `sqrt(1/2)..sqrt(2)`.
const LN: [f64; 6] = [
    1.999_999_999_999_946_3,
    0.666_666_666_797_102_1,
    0.399_999_948_566_375,
    0.285_721_694_915_025_9,
    0.221_741_196_396_279_98,
    0.196_098_736_658_555_98,
];

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::math::tests::{samples, ulps};

    #[test]
    fn powers_are_within_one_ulp() {
        for a in samples(60_013) {
            for b in [
                -7.0,
                -2.5,
                -0.3,
                1e-3,
                0.5,
                1.0,
                1.7,
                2.0,
                3.0,
                12.25,
                0.0,
                f32::INFINITY,
                f32::NEG_INFINITY,
                f32::NAN,
            ] {
                let error = ulps(pow(a, b), f64::from(a).powf(f64::from(b)));
                assert!(error <= 1.0, "{a:e}^{b:e}: {error} ulp");
                let error = ulps(pow(b, a), f64::from(b).powf(f64::from(a)));
                assert!(error <= 1.0, "{b:e}^{a:e}: {error} ulp");
            }
        }
    }

    #[test]
    fn squares_and_roots_are_correctly_rounded() {
        for x in samples(60_013).filter(|x| *x > 0.0) {
            assert_eq!(pow_by(x, 2.0), x * x);
            assert_eq!(pow_by(x, 0.5), x.sqrt());
        }
    }
}
