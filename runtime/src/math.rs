//! Elementary functions of `f32` from `core` alone: the same bits on every machine, and within 2 ulp of the truth
//! (the sigmoid: 2.6).
//!
//! Each is straight-line code with selects in place of branches, so a loop over one becomes vector code wherever it
//! is inlined. Sums and products are rounded apart: a fused multiply-add would change bits from machine to machine.
//! The polynomials are minimax fits of the quotient that their comment names.

mod exact;
mod power;

pub use self::exact::{ceil, floor, round, sqrt};
pub use self::power::pow;
pub(crate) use self::power::pow_by;

/// 1.5 * 2^23: a sum with it is rounded to a whole number.
const TO_WHOLE: f32 = 12_582_912.0;
/// ln 2 in nine bits: a product with a whole number up to 2^15 is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
/// The low part of ln 2: its difference to [`LN_2_HIGH`].
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// e to the power `x`.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let (exponent, fraction) = exponent_and_fraction(clamp(x, -104.0, 89.0)); // beyond, it is 0 or infinite
    let half = exponent >> 1; // two factors, because 2^-150 and 2^128 are no normal numbers
    (1.0 + fraction) * power_of_two(half) * power_of_two(exponent.wrapping_sub(half))
}

/// e to the power `x`, less 1; exact near zero, where `exp(x) - 1.0` is not.
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    let (exponent, fraction) = exponent_and_fraction(clamp(x, -30.0, 30.0));
    let power = power_of_two(exponent);
    if x < 30.0 { fraction * power + (power - 1.0) } else { exp(x) }
}

/// The `n` and `f` of exp(x) = 2^n (1 + f), for `|x| < 2^14`.
#[inline(always)]
fn exponent_and_fraction(x: f32) -> (i32, f32) {
    let shifted = x * core::f32::consts::LOG2_E + TO_WHOLE;
    let whole = shifted - TO_WHOLE;
    let high = x - whole * LN_2_HIGH;
    let low = whole * LN_2_LOW;
    let rest = high - low;
    let lost = (high - rest) - low;
    let exponent = (shifted.to_bits() as i32).wrapping_sub(TO_WHOLE.to_bits() as i32);
    (exponent, rest + (rest * rest * EXP.at(rest) + lost))
}

/// The natural logarithm.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    const HALF_ROOT_BITS: i32 = 0x3f35_04f3; // sqrt(1/2)
    const TWO_23: f32 = 8_388_608.0;
    let (normal, lift) = if x < f32::MIN_POSITIVE { (x * TWO_23, -23) } else { (x, 0) };
    let above = (normal.to_bits() as i32).wrapping_sub(HALF_ROOT_BITS);
    let exponent = ((above >> 23) + lift) as f32;
    let mantissa = f32::from_bits(((above & 0x7f_ffff) + HALF_ROOT_BITS) as u32);
    let f = mantissa - 1.0;
    let square = f * f;
    let curve = square * f * LN_1P.at(f) - 0.5 * square;
    let finite = (curve + exponent * LN_2_LOW + f) + exponent * LN_2_HIGH;
    let positive = if x < f32::INFINITY { finite } else { x };
    let signed = if x < 0.0 { f32::NAN } else { positive };
    if x == 0.0 { f32::NEG_INFINITY } else { signed }
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let small = x + x * square * TANH.at(square);
    let large = (1.0 - 2.0 / (exp(2.0 * size) + 1.0)).copysign(x);
    if size < 0.55 { small } else { large }
}

/// The logistic function, `1 / (1 + exp(-x))`; below -87 it stays at 1.6e-38.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = decay(-x.abs()); // at most 1: neither side overflows
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// e to a power that is not above 0, nor taken to be below -87: with one factor of two, and without what `rest` loses.
#[inline(always)]
fn decay(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * core::f32::consts::LOG2_E + TO_WHOLE;
    let whole = shifted - TO_WHOLE;
    let rest = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let power = 1.0 + (rest + rest * rest * EXP.at(rest));
    // The whole number stands in the last bits of `shifted`; those before it fall off.
    power * power_of_two(shifted.to_bits() as i32)
}

/// ln(1 + exp(x)).
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    let e = exp(-x.abs());
    // What 1 + e loses of e, given back to first order.
    let sum = 1.0 + e;
    let lost = e - (sum - 1.0);
    (if x > 0.0 { x } else { 0.0 }) + (ln(sum) + lost / sum)
}

/// The error function.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let size = clamp(x.abs(), 0.0, 4.0); // beyond, the result is 1
    let square = x * x;
    let small = x + x * ERF.at(square);
    let large = (1.0 - exp(-MINUS_LN_ERFC.at(size))).copysign(x);
    if size < 0.9 { small } else { large }
}

/// 2 to a power that is a normal number's.
#[inline(always)]
fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits((exponent.wrapping_add(127) as u32) << 23)
}

/// Like [`f32::clamp`], with NaN passed on and no check of the bounds.
#[inline(always)]
fn clamp(x: f32, lo: f32, hi: f32) -> f32 {
    crate::clamp::Clamp { lo, hi }.apply(x)
}

/// Coefficients of a polynomial, the constant one first.
struct Polynomial<const N: usize>([f32; N]);

impl<const N: usize> Polynomial<N> {
    #[inline(always)]
    fn at(&self, x: f32) -> f32 {
        let (last, others) = self.0.split_last().expect("a polynomial has a coefficient");
        others.iter().rev().fold(*last, |sum, coefficient| sum * x + coefficient)
    }
}

/// (exp(x) - 1 - x) / x^2 for `|x| <= ln(2) / 2`.
const EXP: Polynomial<5> =
    Polynomial([0.499_999_94, 0.166_665_15, 0.041_668_456, 0.008_369_419, 0.001_381_314_2]);

/// (ln(1 + f) - f + f^2 / 2) / f^3 for `1 + f` in `sqrt(1/2)..sqrt(2)`.
const LN_1P: Polynomial<8> = Polynomial([
    0.333_333_3,
    -0.250_008_2,
    0.200_012_27,
    -0.166_233_57,
    0.142_017_59,
    -0.131_601_83,
    0.127_615_75,
    -0.076_344_95,
]);

/// (tanh(x) - x) / x^3 over `x^2`, for `|x| <= 0.55`.
const TANH: Polynomial<5> =
    Polynomial([-0.333_333_16, 0.133_325_86, -0.053_852_31, 0.021_071_68, -0.006_274_241_5]);

/// erf(x) / x - 1 over `x^2`, for `|x| <= 0.9`.
const ERF: Polynomial<7> = Polynomial([
    0.128_379_23,
    -0.376_126_35,
    0.112_837_15,
    -0.026_860_509,
    0.005_203_859,
    -0.000_817_563_85,
    8.513_102e-5,
]);

/// -ln(1 - erf(x)) for `x` in `0.9..=4.0`.
const MINUS_LN_ERFC: Polynomial<8> = Polynomial([
    -0.000_169_204_7,
    1.129_488_3,
    0.633_400_86,
    0.108_220_376,
    -0.025_080_612,
    0.004_156_253,
    -0.000_431_393_1,
    2.082_857_5e-5,
]);

#[cfg(feature = "sources")]
crate::listed::listed! {
    "math/", "math/":
    "exact" "power"
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// Every `step`-th of all floats, which takes in subnormals, infinities and NaN; and the odd ones out.
    pub(super) fn samples(step: usize) -> impl Iterator<Item = f32> {
        let odd = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        (0..=u32::MAX).step_by(step).map(f32::from_bits).chain(odd)
    }

    /// Distance from the truth in units of `f32`'s last place there; infinite between number and NaN.
    pub(super) fn ulps(found: f32, truth: f64) -> f64 {
        let rounded = truth as f32;
        if found.to_bits() == rounded.to_bits() || found.is_nan() && truth.is_nan() {
            return 0.0;
        }
        let exponent = (rounded.abs().to_bits() >> 23).max(1) as i32 - 127 - 23;
        let error = (f64::from(found) - truth).abs() / 2_f64.powi(exponent);
        if error.is_nan() { f64::INFINITY } else { error }
    }

    fn check(name: &str, limit: f64, f: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64) {
        let (worst, at) = samples(4_999)
            .map(|x| (ulps(f(x), truth(f64::from(x))), x))
            .fold((0.0, 0.0), |most, next| if next.0 > most.0 { next } else { most });
        assert!(worst <= limit, "{name}: {worst} ulp at {at:e}");
    }

    #[test]
    fn exponentials_are_within_two_ulp() {
        check("exp", 2.0, exp, f64::exp);
        check("exp_m1", 2.0, exp_m1, f64::exp_m1);
    }

    #[test]
    fn logarithms_are_within_two_ulp() {
        check("ln", 2.0, ln, f64::ln);
        check("softplus", 2.0, softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p());
    }

    #[test]
    fn sigmoids_are_within_a_few_ulp() {
        check("tanh", 2.0, tanh, f64::tanh);
        check("sigmoid", 2.6, sigmoid, |x| 1.0 / (1.0 + if x < -87.0 { 87_f64 } else { -x }.exp()));
    }

    #[test]
    fn the_error_function_is_within_two_ulp() {
        check("erf", 2.0, erf, true_erf);
    }

    /// The series around zero, and the continued fraction of its complement beyond 2: good to 1e-13.
    fn true_erf(x: f64) -> f64 {
        const TWO_BY_ROOT_PI: f64 = core::f64::consts::FRAC_2_SQRT_PI;
        if x.abs() > 2.0 {
            let fraction =
                (1..80).rev().fold(0.0, |below, k| 0.5 * f64::from(k) / (x.abs() + below));
            let complement = 0.5 * TWO_BY_ROOT_PI * (-x * x).exp() / (x.abs() + fraction);
            return (1.0 - complement).copysign(x);
        }
        let mut term = x;
        let mut sum = x;
        for k in 1..60 {
            let k = f64::from(k);
            term *= -x * x / k;
            sum += term / (2.0 * k + 1.0);
        }
        TWO_BY_ROOT_PI * sum
    }
}
