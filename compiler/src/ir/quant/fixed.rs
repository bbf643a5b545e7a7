//! Requantisation without floats, for machines that have none: [`Arithmetic::Fixed`](crate::ir::Arithmetic::Fixed).
//!
//! ```text
//! a layer, a mean, a product    steps = floor((sum * m + 2^(s-1)) / 2^s)           m * 2^-s is the f32 factor, exactly
//! an addition                   steps = floor((a' * fa + b' * fb + 2^(k-1)) / 2^k)  fa, fb: the scales over the result's
//! an average of n bytes         steps = floor((sum * m + n * 2^(s-1)) / (n * 2^s))
//! ```
//! Here `sum`, `a'` and `b'` are exact integers without their zero points, `m < 2^24`, `s` is from 1 to 60, the greater
//! of `fa` and `fb` is from 2^29 to 2^30, and all fits 64 bits. Then, as in floats, the zero point is added and the
//! bounds hold. The bytes are at most one step from those of floats, which round sums and products on the way.

/// A factor as `mantissa * 2^-shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Below 2^24.
    pub mantissa: u32,
    /// From 1 to 60. What a smaller one would leave is beyond all bytes, what a greater one would is no step.
    pub shift: u32,
}

/// The factors of a sum of two operands, or those of a product, of which the second is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The factor of the first operand.
    pub a: i32,
    /// The factor of the second.
    pub b: i32,
    /// The right shift of their sum or product; from 1 to 60.
    pub shift: u32,
}

impl Fixed {
    /// `factor`, which is not negative and finite.
    pub fn of(factor: f32) -> Self {
        let (exponent, fraction) = (factor.to_bits() >> 23, factor.to_bits() & 0x7f_ffff);
        let (exponent, mantissa) =
            if exponent == 0 { (1, fraction) } else { (exponent, fraction | 0x80_0000) };
        // The mantissa is an integer, so the exponent of its last bit counts.
        Self { mantissa, shift: 150_u32.saturating_sub(exponent).clamp(1, 60) }
    }

    /// The nearest whole number of steps in `x` times the factor, halves up.
    pub fn steps(self, x: i32) -> i64 {
        shifted(i64::from(x) * i64::from(self.mantissa), self.shift)
    }

    /// The nearest whole number of steps in the mean `sum / count` times the factor, halves up; the least i32 if `count` is 0.
    pub fn mean(self, sum: i32, count: usize) -> i64 {
        let divisor = i128::from(count as u64) << self.shift;
        let product = i128::from(sum) * i128::from(self.mantissa);
        if count == 0 {
            return i64::from(i32::MIN);
        }
        (product + divisor / 2).div_euclid(divisor) as i64
    }
}

/// The nearest byte to a number of steps from `zero`.
pub(super) fn nearest(steps: i64, zero: u8) -> u8 {
    steps.saturating_add(zero.into()).clamp(0, 255) as u8
}

/// `x * 2^-shift`, halves up.
pub(super) fn shifted(x: i64, shift: u32) -> i64 {
    (x + (1 << (shift - 1))) >> shift
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ir::{
        Affine, Arithmetic, Bounds, Pool, PoolKind, QAverage, QPair, Requant, Times, To,
    };

    /// Any positive finite float, each exponent as likely.
    fn factor() -> impl Strategy<Value = f32> {
        (1..f32::INFINITY.to_bits()).prop_map(f32::from_bits)
    }

    /// Scales of one network: within a factor of 4096.
    fn affine() -> impl Strategy<Value = Affine> {
        ((-6.0..6.0_f32), any::<u8>()).prop_map(|(e, zero)| Affine { scale: e.exp2(), zero })
    }

    fn pair() -> impl Strategy<Value = QPair> {
        (affine(), affine(), affine()).prop_map(|(a, b, y)| QPair { a, b, y, bounds: Bounds::ALL })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_sum_is_within_a_step_of_floats(sum in any::<i32>(), shift in 0..31, by in factor(), zero: u8) {
            let sum = sum >> shift;
            let to = To::Bytes { zero, bounds: Bounds::ALL };
            let requant = Requant::new(vec![by.into()], to);
            let [float, fixed] = [Arithmetic::Float, Arithmetic::Fixed]
                .map(|arithmetic| requant.byte(arithmetic, sum, 0, zero));
            prop_assert!(float.abs_diff(fixed) <= 1, "{float} {fixed}");
        }

        #[test]
        fn a_usual_sum_is_within_a_step_of_floats(sum in any::<i32>(), steps in 0.1..300_f32, zero: u8) {
            let by = steps / (sum as f32).abs().max(1.0);
            let to = To::Bytes { zero, bounds: Bounds::ALL };
            let requant = Requant::new(vec![by.into()], to);
            let [float, fixed] = [Arithmetic::Float, Arithmetic::Fixed]
                .map(|arithmetic| requant.byte(arithmetic, sum, 0, zero));
            prop_assert!(float.abs_diff(fixed) <= 1, "{float} {fixed}");
        }

        #[test]
        fn functions_of_two_bytes_are_within_a_step_of_floats(pair in pair(), a: u8, b: u8) {
            prop_assert!(pair.add(a, b).abs_diff(pair.add_fixed(a, b)) <= 1);
            prop_assert!(pair.mul(Times::Reals, a, b).abs_diff(pair.mul_fixed(a, b)) <= 1);
        }

        #[test]
        fn an_average_is_within_a_step_of_floats(x in affine(), y in affine(), q: [u8; 9], n in 1..=9_usize) {
            let pool = Pool { kind: PoolKind::Average, kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [0; 4] };
            let average = QAverage { pool, x, y, early: 0 };
            let sum: f32 = q[..n].iter().fold(0.0, |sum, q| sum + x.dequantize(*q));
            prop_assert!(y.quantize(sum / n as f32).abs_diff(average.fixed(&q[..n], n)) <= 1);
        }
    }

    #[test]
    fn factors_are_exact() {
        for factor in [1.0_f32, 0.75, 1e-3, 3.7e-5, 1e-11] {
            let Fixed { mantissa, shift } = Fixed::of(factor);
            assert_eq!(f64::from(mantissa) * f64::from(shift).exp2().recip(), f64::from(factor));
        }
        assert_eq!(Fixed::of(f32::MAX), Fixed { mantissa: (1 << 24) - 1, shift: 1 });
        assert_eq!(Fixed::of(0.0).steps(i32::MIN), 0);
    }

    #[test]
    fn halves_go_up() {
        let half = Fixed::of(0.5);
        assert_eq!([1, 3, -1, -3].map(|sum| half.steps(sum)), [1, 2, 0, -1]);
        assert_eq!([(3, 1), (3, 3), (-3, 2)].map(|(sum, n)| half.mean(sum, n)), [2, 1, -1]);
        assert_eq!(half.mean(0, 0), i64::from(i32::MIN));
    }
}
