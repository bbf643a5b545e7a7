//! Softmax as TensorFlow Lite's reference kernel computes it on 8 bits: a power of every distance below the greatest byte
//! of a row, in 31 bits behind the point, and a reciprocal by Newton's steps.
//!
//! ```text
//! input        d' = high(-d * 2^e, m) of a byte d below the greatest; m, e: x.scale * 2^26; none where d > 31 * 2^(26-e)
//! power        exp(d' * 2^-26): a polynomial about -1/8 for what is over whole quarters, less a quarter, then a factor for
//!              each bit of the quarters from exp(-1/4) to exp(-16); 1 - 2^-31 if d = 0
//! sum          down(power, 12) added up: 19 bits behind the point
//! reciprocal   of the sum as 1 + a, 0 <= a < 1: x = 48/17 - 32/17 h, h = (1 + a) / 2, then x + x * (1 - h * x) three times
//! q            down(high(reciprocal, power), 35 - leading zeros of the sum), at most 255
//! ```
//! All products are `high` of two integers of 32 bits. The result has 256 steps in one, from 0 on.

use crate::ir::quant::tflite::{Twice, down, high};

/// Bits behind the point of what a power is taken of.
const INPUT: i32 = 26;
/// Whole bits of a sum.
const WHOLE: u32 = 12;
/// Powers below which the factors of quarters stand: exp(-2^(i - 2)) in 31 bits.
const QUARTERS: [i32; 7] =
    [1_672_461_947, 1_302_514_674, 790_015_084, 290_630_308, 39_332_535, 720_401, 242];

/// True if the kernel takes an operand of such a scale.
pub fn takes(scale: f32) -> bool {
    f64::from(scale) * f64::from(INPUT).exp2() > 1.0
}

/// The power of a byte by its distance from the greatest.
pub fn powers(scale: f32) -> [u32; 256] {
    let factor = f64::from(scale) * f64::from(INPUT).exp2();
    let factor = Twice::of(factor.min(f64::from(i32::MAX)));
    let radius = (31.0 * f64::from(INPUT - factor.exponent.max(0)).exp2()).floor();
    std::array::from_fn(|d| {
        let input = factor.scaled(-(d as i32));
        if d as f64 > radius { 0 } else { power(input, INPUT) as u32 }
    })
}

/// The bytes of a row by the powers of their distances.
pub fn shares(powers: &[u32; 256], row: &[u8]) -> Vec<u8> {
    steps(powers, row, 8).into_iter().map(|steps| steps.clamp(0, 255) as u8).collect()
}

/// The shares of a row in steps of `2^-bits`, by the powers of their distances.
pub fn steps(powers: &[u32; 256], row: &[u8], bits: u32) -> Vec<i32> {
    let most = row.iter().max().copied().unwrap_or_default();
    let power = |q: &u8| powers[usize::from(most - q)] as i32;
    let sum: i64 = row.iter().map(|q| i64::from(down(power(q), WHOLE))).sum();
    let sum = sum.clamp(1, i64::from(i32::MAX)) as i32;
    let (scale, shift) = (reciprocal(sum), 43 - bits - sum.leading_zeros());
    row.iter().map(|q| down(high(scale, power(q)), shift)).collect()
}

/// `exp(x * 2^-bits)` in 31 bits, where x is not positive.
pub(super) fn power(x: i32, bits: i32) -> i32 {
    let quarter: i32 = 1 << (bits - 2);
    if x == 0 {
        return i32::MAX;
    }
    let less = (x & (quarter - 1)) - quarter;
    let quarters = (less - x) >> (bits - 2);
    let factors = QUARTERS.iter().enumerate().filter(|(bit, _)| quarters >> bit & 1 == 1);
    factors.fold(below_quarter(less << (31 - bits)), |power, (_, factor)| high(power, *factor))
}

/// `exp(x * 2^-31)` in 31 bits, where x is from -1/4 to 0.
fn below_quarter(x: i32) -> i32 {
    /// exp(-1/8) and 1/3.
    const MIDDLE: i32 = 1_895_147_668;
    const THIRD: i32 = 715_827_883;
    let x = x + (1 << 28);
    let square = high(x, x);
    let (cube, fourth) = (high(square, x), high(square, square));
    let rest = down(high(down(fourth, 2) + cube, THIRD) + square, 1);
    MIDDLE + high(MIDDLE, x + rest)
}

/// The reciprocal, in 31 bits, of a positive number that is taken from 1 to 2.
fn reciprocal(x: i32) -> i32 {
    let above = (i64::from(x) << x.leading_zeros()) - (1 << 31);
    up(over_one_plus(above as i32), 1)
}

/// Twice the reciprocal of `1 + a * 2^-31`, with 29 bits behind the point.
pub(super) fn over_one_plus(a: i32) -> i32 {
    /// 48/17, -32/17 and 1 with 29 bits behind the point.
    const OFFSET: i32 = 1_515_870_810;
    const SLOPE: i32 = -1_010_580_540;
    const ONE: i32 = 1 << 29;
    let half = ((i64::from(a) + i64::from(i32::MAX) + 1) / 2) as i32;
    let mut y = OFFSET + high(half, SLOPE);
    for _ in 0..3 {
        y += up(high(y, ONE - high(half, y)), 2);
    }
    y
}

/// `x * 2^by` within 32 bits.
pub(super) fn up(x: i32, by: u32) -> i32 {
    (i64::from(x) << by).clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_exponential() {
        for scale in [0.004_f32, 0.1, 0.25, 3.0] {
            let powers = powers(scale);
            assert_eq!(powers[0], i32::MAX as u32);
            for (d, power) in powers.into_iter().enumerate() {
                let exact = (-(d as f64) * f64::from(scale)).exp();
                let found = f64::from(power) / 31.0_f64.exp2();
                assert!((found - exact).abs() < 1e-5, "{scale} {d}: {found} {exact}");
            }
        }
        assert_eq!(powers(1.0)[32..], [0; 224]);
    }

    #[test]
    fn reciprocals_are_near() {
        for x in [1 << 19, 3 << 18, (1 << 20) - 1, 1 << 28, 777_777_777, i32::MAX] {
            let one = f64::from(x) / f64::from(31 - x.leading_zeros()).exp2();
            let found = f64::from(reciprocal(x)) / 31.0_f64.exp2();
            assert!((found - one.recip()).abs() < 1e-7, "{x}: {found}");
        }
    }

    #[test]
    fn shares_sum_to_one() {
        let powers = powers(0.1);
        assert_eq!(shares(&powers, &[7]), [255]);
        assert_eq!(shares(&powers, &[9, 9]), [128, 128]);
        assert_eq!(shares(&powers, &[200, 190, 180, 0]), [170, 63, 23, 0]);
        assert_eq!(shares(&powers, &[5; 10_000])[0], 0);
    }
}
