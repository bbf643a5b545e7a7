//! Functions of one byte as TensorFlow Lite's reference kernels compute them, as tables of all their values.
//!
//! ```text
//! other scales     y.zero + scaled(q - x.zero, x.scale / y.scale), the quotient in f64
//! bounds           the same within the bytes of the bounds, the quotient in f32
//! leaky            the same; below zero the factor is x.scale * alpha / y.scale, in f32
//! logistic, tanh   of x with 27 bits behind the point: 1 / (1 + exp(-|x|)), (1 - exp(-2|x|)) / (1 + exp(-2|x|)), mirrored;
//!                  the greatest or least byte from 15 on; logistic has 256 steps in one from byte 0, tanh 128 around 128
//! hard swish       in 16 bits: x of 128 steps a byte, times x / 3 of 2^15 steps within one, moved up by one and halved
//! ```
//! `scaled` and `high` are those of [`tflite`](crate::ir::quant::tflite); powers and reciprocals those of [`softmax`].

use crate::ir::quant::tflite::softmax::{self, up};
use crate::ir::quant::tflite::{Twice, down};
use crate::ir::{Affine, Bounds};

/// Bits behind the point of what a curve is taken of.
const INPUT: i32 = 27;
/// The least number from which on a curve is flat.
const FLAT: f64 = 15.0;

/// Bytes of other scales.
pub fn rescaled(from: Affine, to: Affine) -> Box<[u8; 256]> {
    let factor = Twice::of(f64::from(from.scale) / f64::from(to.scale));
    each(from, |x| factor.byte(x, to.zero))
}

/// Bytes of other scales within bounds.
pub fn bounded(from: Affine, to: Affine, bounds: Bounds) -> Box<[u8; 256]> {
    let factor = Twice::of(f64::from(from.scale / to.scale));
    each(from, |x| bounds.apply(factor.byte(x, to.zero)))
}

/// `x < 0 ? alpha * x : x`.
pub fn leaky(from: Affine, to: Affine, alpha: f32) -> Box<[u8; 256]> {
    let factor = Twice::of(f64::from(from.scale / to.scale));
    let slope = from.scale * alpha / to.scale;
    let below = Twice::of(f64::from(slope.abs()));
    let sign = if slope < 0.0 { -1 } else { 1 };
    let scaled = |x: i32| if x < 0 { below.scaled(sign * x) } else { factor.scaled(x) };
    each(from, |x| (i64::from(scaled(x)) + i64::from(to.zero)).clamp(0, 255) as u8)
}

/// `1 / (1 + exp(-x))` in 256 steps.
pub fn logistic(from: Affine) -> Box<[u8; 256]> {
    let curve = |x: i32| {
        let positive = up(softmax::over_one_plus(softmax::power(-x.abs(), INPUT)), 1);
        match x.signum() {
            1 => positive,
            0 => 1 << 30,
            _ => i32::MAX - positive,
        }
    };
    curved(from, |x| down(curve(x), 23).clamp(0, 255) as u8)
}

/// Hyperbolic tangent in 128 steps on both sides of the byte 128.
pub fn tanh(from: Affine) -> Box<[u8; 256]> {
    let curve = |x: i32| {
        let power = softmax::power(-x.abs(), INPUT - 1);
        let positive = up(softmax::over_one_plus(power) - (1 << 29), 2);
        if x == 0 { 0 } else { x.signum() * positive }
    };
    curved(from, |x| (down(curve(x), 24) + 128).clamp(0, 255) as u8)
}

/// `x * clamp(x / 6 + 1/2, 0, 1)`.
pub fn hard_swish(from: Affine, to: Affine) -> Box<[u8; 256]> {
    let fine = from.scale / 128.0;
    let (scale, share) = (half_word(fine / to.scale), half_word(fine / (3.0 / 32768.0)));
    each(from, |x| {
        let fine = x << 7;
        let steps = high_word(fine, scale.0);
        let third = if share.1 > 0 { word(fine << (share.1 - 1).min(15)) } else { fine };
        let third = high_word(third, share.0);
        let third =
            if share.1 > 0 { word(third << 1) } else { down(third, share.1.unsigned_abs()) };
        // From -1..1 to 0..1.
        let share = (third + (1 << 15)) >> 1;
        let product = word(share * steps / (1 << 15));
        let steps = if scale.1 > 0 {
            word(product << scale.1.min(15))
        } else {
            down(product, scale.1.unsigned_abs())
        };
        (steps + i32::from(to.zero)).clamp(0, 255) as u8
    })
}

/// The table of a function of each byte's steps from zero.
fn each(from: Affine, f: impl Fn(i32) -> u8) -> Box<[u8; 256]> {
    Box::new(std::array::from_fn(|q| f(q as i32 - i32::from(from.zero))))
}

/// The table of a curve, taken of reals with [`INPUT`] bits behind the point.
fn curved(from: Affine, f: impl Fn(i32) -> u8) -> Box<[u8; 256]> {
    let factor = Twice::of(f64::from(from.scale) * f64::from(INPUT).exp2());
    let flat = (FLAT * f64::from(INPUT - factor.exponent).exp2()).floor();
    each(from, |x| match f64::from(x) {
        x if x <= -flat => 0,
        x if x >= flat => 255,
        _ => f(factor.scaled(x)),
    })
}

/// A factor in 15 bits, and its exponent.
fn half_word(factor: f32) -> (i32, i32) {
    let Twice { mantissa, exponent } = Twice::of(factor.into());
    let mantissa = mantissa.min(i32::MAX as u32 - (1 << 15)) + (1 << 15);
    ((mantissa >> 16) as i32, exponent)
}

/// The upper half of twice a product of 16 bits, rounded.
fn high_word(a: i32, b: i32) -> i32 {
    word((word(a) * word(b) + (1 << 14)) >> 15)
}

/// Within 16 bits.
fn word(x: i32) -> i32 {
    x.clamp(i16::MIN.into(), i16::MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: Affine = Affine { scale: 0.05, zero: 120 };

    /// The greatest distance in steps of a table from a function of reals.
    fn off(table: &[u8; 256], to: Affine, f: impl Fn(f64) -> f64) -> f64 {
        let real = |q: usize| (q as f64 - f64::from(FROM.zero)) * f64::from(FROM.scale);
        let step = |q: usize| {
            let y = f(real(q)) / f64::from(to.scale) + f64::from(to.zero);
            (f64::from(table[q]) - y.clamp(0.0, 255.0)).abs()
        };
        (0..256).map(step).fold(0.0, f64::max)
    }

    #[test]
    fn tables_are_within_a_step_of_their_functions() {
        let to = Affine { scale: 0.04, zero: 30 };
        // Half a step is rounded to once, and to a half or less before that.
        let (half, twice) = (0.5 + 1e-3, 0.75 + 1e-3);
        assert!(off(&rescaled(FROM, to), to, |x| x) < twice);
        assert!(off(&leaky(FROM, to, 0.1), to, |x| if x < 0.0 { 0.1 * x } else { x }) < twice);
        let swish = |x: f64| x * (x / 6.0 + 0.5).clamp(0.0, 1.0);
        assert!(off(&hard_swish(FROM, to), to, swish) < twice);
        let logistic = logistic(FROM);
        let in_one = Affine { scale: 1.0 / 256.0, zero: 0 };
        assert!(off(&logistic, in_one, |x| 1.0 / (1.0 + (-x).exp())) < half);
        let around = Affine { scale: 1.0 / 128.0, zero: 128 };
        assert!(off(&tanh(FROM), around, f64::tanh) < half);
        assert_eq!((logistic[120], tanh(FROM)[120]), (128, 128));
    }

    #[test]
    fn bounds_hold() {
        let to = Affine { scale: 0.1, zero: 10 };
        let table = bounded(FROM, to, Bounds { lo: 10, hi: 70 });
        assert_eq!([0, 119, 120, 122, 255].map(|q: usize| table[q]), [10, 10, 10, 11, 70]);
    }
}
