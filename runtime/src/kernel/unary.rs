//! Functions of one operand, number by number: activations and the elementary functions.
//!
//! `_assign` writes over its operand. The operation is a constant of the call, so its `match` folds away.

use crate::clamp::Clamp;
use crate::half::Half;
use crate::math;
use crate::simd::Number;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// `-x`.
    Neg,
    /// Its distance from zero.
    Abs,
    /// `1 / x`.
    Reciprocal,
    /// Its square root.
    Sqrt,
    /// The greatest whole number not above it.
    Floor,
    /// The least whole number not below it.
    Ceil,
    /// The nearest whole number; from halfway, the even one.
    Round,
    /// The whole number that is left when what is behind the point is cut off.
    Trunc,
    /// The nearest 16-bit float; from halfway, the even one.
    ToF16,
    /// The nearest bf16; from halfway, the even one.
    ToBf16,
    /// -1, 0 or 1.
    Sign,
    /// e to its power.
    Exp,
    /// Its natural logarithm.
    Log,
    /// The error function.
    Erf,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x * sigmoid(x)`.
    Silu,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `x * tanh(softplus(x))`.
    Mish,
    /// `x` times the share of the normal distribution below it.
    Gelu,
    /// Gelu by its usual approximation with a hyperbolic tangent.
    GeluTanh,
    /// `x * clamp(x / 6 + 1 / 2, 0, 1)`.
    HardSwish,
    /// `clamp(alpha * x + beta, 0, 1)`.
    HardSigmoid {
        /// The slope.
        alpha: f32,
        /// The value at zero.
        beta: f32,
    },
    /// `x`, times `alpha` where negative.
    LeakyRelu {
        /// The slope below zero.
        alpha: f32,
    },
    /// `x`, or `alpha * (exp(x) - 1)` where negative.
    Elu {
        /// Minus the limit for very negative numbers.
        alpha: f32,
    },
    /// `gamma` times Elu.
    Selu {
        /// Minus the limit for very negative numbers, before `gamma`.
        alpha: f32,
        /// The slope above zero.
        gamma: f32,
    },
    /// The nearest number in a range: Relu, Relu6, Clip.
    Clamp(Clamp),
}

impl Unary {
    /// The result for one number.
    #[inline(always)]
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::Neg => -x,
            Self::Abs => x.abs(),
            Self::Reciprocal => 1.0 / x,
            Self::Sqrt => math::sqrt(x),
            Self::Floor => math::floor(x),
            Self::Ceil => math::ceil(x),
            Self::Round => math::round(x),
            Self::Trunc => {
                if x < 0.0 {
                    math::ceil(x)
                } else {
                    math::floor(x)
                }
            }
            Self::ToF16 => Half::of(x).real(),
            Self::ToBf16 => brain(x),
            Self::Sign => {
                if x == 0.0 {
                    x
                } else {
                    x.signum()
                }
            }
            Self::Exp => math::exp(x),
            Self::Log => math::ln(x),
            Self::Erf => math::erf(x),
            Self::Tanh => math::tanh(x),
            Self::Sigmoid => math::sigmoid(x),
            Self::Silu => x * math::sigmoid(x),
            Self::Softplus => math::softplus(x),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Mish => x * math::tanh(math::softplus(x)),
            Self::Gelu => 0.5 * x * (1.0 + math::erf(x * core::f32::consts::FRAC_1_SQRT_2)),
            Self::GeluTanh => {
                0.5 * x * (1.0 + math::tanh(ROOT_2_BY_PI * (x + 0.044_715 * x * x * x)))
            }
            Self::HardSwish => x * UNIT.apply(x * (1.0 / 6.0) + 0.5),
            Self::HardSigmoid { alpha, beta } => UNIT.apply(alpha * x + beta),
            Self::LeakyRelu { alpha } => {
                if x < 0.0 {
                    alpha * x
                } else {
                    x
                }
            }
            Self::Elu { alpha } => elu(alpha, x),
            Self::Selu { alpha, gamma } => gamma * elu(alpha, x),
            Self::Clamp(clamp) => clamp.apply(x),
        }
    }
}

/// `y = op(x)`, number by number.
#[inline(always)]
pub fn unary<X: Number, Y: Number>(op: Unary, x: &[X], y: &mut [Y]) {
    assert!(x.len() == y.len(), "operand and result are equally long");
    for (y, x) in y.iter_mut().zip(x) {
        *y = Y::of(op.apply(x.real()));
    }
}

/// `y = op(y)`, number by number.
#[inline(always)]
pub fn unary_assign<Y: Number>(op: Unary, y: &mut [Y]) {
    for y in y {
        *y = Y::of(op.apply(y.real()));
    }
}

#[inline(always)]
fn elu(alpha: f32, x: f32) -> f32 {
    if x < 0.0 { alpha * math::exp_m1(x) } else { x }
}

/// The nearest bf16, subnormal ones among them.
#[inline(always)]
fn brain(x: f32) -> f32 {
    let bits = x.to_bits();
    if x.is_nan() {
        return x;
    }
    let odd = bits >> 16 & 1;
    f32::from_bits((bits + 0x7fff + odd) & 0xffff_0000)
}

const UNIT: Clamp = Clamp { lo: 0.0, hi: 1.0 };
const ROOT_2_BY_PI: f32 = 0.797_884_6;

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// Each operation beside its definition in `f64`.
    #[test]
    fn unary_operations_follow_their_definitions() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let elu = |x: f64| if x < 0.0 { 1.5 * (x.exp() - 1.0) } else { x };
        check(Unary::Neg, |x| -x);
        check(Unary::Abs, f64::abs);
        check(Unary::Reciprocal, f64::recip);
        check(Unary::Floor, f64::floor);
        check(Unary::Ceil, f64::ceil);
        check(Unary::Round, f64::round_ties_even);
        check(Unary::Trunc, f64::trunc);
        check(Unary::Sign, f64::signum);
        check(Unary::Exp, f64::exp);
        check(Unary::Tanh, f64::tanh);
        check(Unary::Sigmoid, sigmoid);
        check(Unary::Silu, |x| x * sigmoid(x));
        check(Unary::Softplus, |x| x.exp().ln_1p());
        check(Unary::Softsign, |x| x / (1.0 + x.abs()));
        check(Unary::Mish, |x| x * x.exp().ln_1p().tanh());
        check(Unary::GeluTanh, |x| {
            0.5 * x * (1.0 + (0.7978845608 * (x + 0.044715 * x.powi(3))).tanh())
        });
        check(Unary::HardSwish, |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0));
        check(Unary::HardSigmoid { alpha: 0.2, beta: 0.5 }, |x| (0.2 * x + 0.5).clamp(0.0, 1.0));
        check(Unary::LeakyRelu { alpha: 0.25 }, |x| if x < 0.0 { 0.25 * x } else { x });
        check(Unary::Elu { alpha: 1.5 }, elu);
        check(Unary::Selu { alpha: 1.5, gamma: 2.0 }, |x| 2.0 * elu(x));
        check(Unary::Clamp(Clamp::RELU6), |x| x.clamp(0.0, 6.0));
    }

    #[test]
    fn rounding_to_sixteen_bits_overflows_and_keeps_subnormal_numbers() {
        let half = [2049.0, -65519.0, 65520.0, 3e-8, -2e-8].map(|x| Unary::ToF16.apply(x));
        assert_eq!(half, [2048.0, -65504.0, f32::INFINITY, 2_f32.powi(-24), -0.0]);
        let brain = [257.0, 259.0, f32::MAX, 1e-40, -1e-41].map(|x| Unary::ToBf16.apply(x));
        assert_eq!(brain, [256.0, 260.0, f32::INFINITY, f32::from_bits(0x1_0000), -0.0]);
        assert!(Unary::ToF16.apply(f32::NAN).is_nan() && Unary::ToBf16.apply(f32::NAN).is_nan());
    }

    #[test]
    fn unary_operations_hit_known_values() {
        assert_eq!([0.0, 4.0].map(|x| Unary::Sqrt.apply(x)), [0.0, 2.0]);
        assert_eq!([1.0, 0.0].map(|x| Unary::Log.apply(x)), [0.0, f32::NEG_INFINITY]);
        assert_eq!(Unary::Sign.apply(0.0), 0.0);
        assert!((Unary::Erf.apply(0.5) - 0.520_499_9).abs() < 1e-6);
        assert!((Unary::Gelu.apply(1.0) - 0.841_344_7).abs() < 1e-6);
        assert!((Unary::Gelu.apply(-1.0) + 0.158_655_3).abs() < 1e-6);
    }

    fn check(op: Unary, truth: impl Fn(f64) -> f64) {
        let x: [f32; 161] = core::array::from_fn(|at| (at as f32 - 80.0) * 0.125 + 0.01);
        let (mut y, mut over) = ([0.0; 161], x);
        unary(op, &x, &mut y);
        unary_assign(op, &mut over);
        assert_eq!(y, over);
        for (x, y) in x.into_iter().zip(y) {
            let truth = truth(f64::from(x));
            let error = (f64::from(y) - truth).abs();
            assert!(error <= 1e-6 * truth.abs().max(0.1), "{op:?} of {x}: {y}, not {truth}");
        }
    }
}
