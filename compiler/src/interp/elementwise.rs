//! Operators that compute each element by itself.

use std::f32::consts::SQRT_2;

use crate::interp::Floats;
use crate::interp::index::{broadcast_strides, offsets};
use crate::ir::{BatchNorm, Binary, Clamp, Unary};

/// `f` of each element.
pub(super) fn map(x: Floats<'_>, f: impl Fn(f32) -> f32) -> Vec<f32> {
    x.values.iter().map(|x| f(*x)).collect()
}

/// `f` of each pair of elements, both broadcast to the shape `out`.
pub(super) fn zip(
    a: Floats<'_>,
    b: Floats<'_>,
    out: &[usize],
    f: impl Fn(f32, f32) -> f32,
) -> Vec<f32> {
    let of_a = offsets(out, 0, &broadcast_strides(a.shape, out));
    let of_b = offsets(out, 0, &broadcast_strides(b.shape, out));
    of_a.zip(of_b).map(|(i, j)| f(a.values[i], b.values[j])).collect()
}

/// Batch normalisation; `statistics` are scale, bias, mean and variance per channel, which is dimension 1.
pub(super) fn batch_norm(norm: BatchNorm, x: Floats<'_>, statistics: [&[f32]; 4]) -> Vec<f32> {
    let channels = x.shape.get(1).copied().unwrap_or(1);
    let inner: usize = x.shape.iter().skip(2).product();
    let normalised = |(i, x): (usize, &f32)| {
        let [scale, bias, mean, variance] = statistics.map(|s| s[i / inner % channels]);
        (x - mean) / (variance + norm.epsilon).sqrt() * scale + bias
    };
    x.values.iter().enumerate().map(normalised).collect()
}

/// `x < 0 ? slope * x : x`.
pub(crate) fn leaky(x: f32, slope: f32) -> f32 {
    if x < 0.0 { slope * x } else { x }
}

/// What a layer makes of its sum.
pub(crate) fn activated(clamp: Clamp, then: Option<Unary>, sum: f32) -> f32 {
    let y = clamp.apply(sum);
    then.map_or(y, |then| unary(then, y))
}

/// One function of one element.
pub(crate) fn unary(f: Unary, x: f32) -> f32 {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let between_0_and_1 = |x: f32| Clamp { lo: 0.0, hi: 1.0 }.apply(x);
    match f {
        Unary::LeakyRelu(alpha) => leaky(x, alpha),
        Unary::Elu(alpha) if x < 0.0 => alpha * x.exp_m1(),
        Unary::Elu(_) => x,
        Unary::Sigmoid => sigmoid(x),
        Unary::HardSigmoid(alpha, beta) => between_0_and_1(alpha * x + beta),
        Unary::HardSwish => x * between_0_and_1(x / 6.0 + 0.5),
        Unary::Silu => x * sigmoid(x),
        Unary::Tanh => x.tanh(),
        Unary::Gelu => 0.5 * x * (1.0 + erf(x / SQRT_2)),
        Unary::Erf => erf(x),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Reciprocal => 1.0 / x,
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::ToF16 => Unary::nearest_f16(x),
        Unary::ToBf16 => Unary::nearest_bf16(x),
    }
}

/// `f(a, b)`.
pub(crate) fn binary(f: Binary, a: f32, b: f32) -> f32 {
    match f {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Min | Binary::Max if a.is_nan() || b.is_nan() => f32::NAN,
        Binary::Min => a.min(b),
        Binary::Max => a.max(b),
        Binary::Pow => a.powf(b),
    }
}

/// The error function by its series `2/sqrt(pi) * exp(-x^2) * sum (2x^2)^n x / (2n+1)!!`, whose terms all have one sign.
fn erf(x: f32) -> f32 {
    let x = f64::from(x);
    if x.is_nan() || x.abs() > 4.0 {
        return (x.signum()) as f32;
    }
    let mut sum = 0.0;
    let mut term = x;
    for n in 1..100 {
        sum += term;
        term *= 2.0 * x * x / f64::from(2 * n + 1);
    }
    (std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_of_a_number_and_nan_is_nan() {
        for f in [Binary::Min, Binary::Max] {
            assert!(binary(f, 1.0, f32::NAN).is_nan() && binary(f, f32::NAN, 1.0).is_nan());
        }
    }

    #[test]
    fn pairs_broadcast_from_the_right() {
        let a = Floats { shape: &[2, 2], values: &[1.0, 2.0, 3.0, 4.0] };
        let b = Floats { shape: &[2, 1, 1], values: &[10.0, 20.0] };
        let y = zip(a, b, &[2, 2, 2], |a, b| binary(Binary::Sub, b, a));
        assert_eq!(y, [9.0, 8.0, 7.0, 6.0, 19.0, 18.0, 17.0, 16.0]);
    }

    #[test]
    fn batch_norm_works_per_channel() {
        let x = Floats { shape: &[1, 2, 2], values: &[1.0, 3.0, 1.0, 3.0] };
        let statistics: [&[f32]; 4] = [&[1.0, 2.0], &[0.0, 0.5], &[1.0, 0.0], &[3.0, 0.0]];
        let y = batch_norm(BatchNorm { epsilon: 1.0 }, x, statistics);
        assert_eq!(y, [0.0, 1.0, 2.5, 6.5]);
    }

    #[test]
    fn unary_functions_take_their_textbook_values() {
        let cases = [
            (Unary::LeakyRelu(0.5), -2.0, -1.0),
            (Unary::Elu(2.0), -1.0, -1.264_241_1),
            (Unary::Elu(2.0), 3.0, 3.0),
            (Unary::Sigmoid, 1.0, 0.731_058_6),
            (Unary::HardSigmoid(0.2, 0.5), 1.0, 0.7),
            (Unary::HardSwish, 1.5, 1.125),
            (Unary::HardSwish, -4.0, 0.0),
            (Unary::Silu, 1.0, 0.731_058_6),
            (Unary::Tanh, 1.0, 0.761_594_2),
            (Unary::Gelu, 1.0, 0.841_344_8),
            (Unary::Erf, 0.5, 0.520_499_9),
            (Unary::Erf, -2.0, -0.995_322_3),
            (Unary::Erf, 5.0, 1.0),
            (Unary::Exp, 1.0, std::f32::consts::E),
            (Unary::Log, 2.0, std::f32::consts::LN_2),
            (Unary::Sqrt, 9.0, 3.0),
            (Unary::Reciprocal, 4.0, 0.25),
            (Unary::Neg, 4.0, -4.0),
            (Unary::Abs, -4.0, 4.0),
            (Unary::Floor, -1.5, -2.0),
            (Unary::Ceil, -1.5, -1.0),
            (Unary::Round, 2.5, 2.0),
            (Unary::ToF16, 2049.0, 2048.0),
            (Unary::ToF16, -65519.0, -65504.0),
            (Unary::ToF16, 3e-8, 2f32.powi(-24)),
            (Unary::ToBf16, 257.0, 256.0),
        ];
        for (f, x, y) in cases {
            let found = unary(f, x);
            assert!((found - y).abs() <= 1e-6, "{} of {x} is {found}, not {y}", f.name());
        }
    }

    #[test]
    fn binary_functions_take_their_textbook_values() {
        let cases = [
            (Binary::Add, 5.0),
            (Binary::Sub, 1.0),
            (Binary::Mul, 6.0),
            (Binary::Div, 1.5),
            (Binary::Min, 2.0),
            (Binary::Max, 3.0),
            (Binary::Pow, 9.0),
        ];
        for (f, y) in cases {
            assert_eq!(binary(f, 3.0, 2.0), y, "{}", f.name());
        }
        assert_eq!([leaky(-2.0, 0.25), leaky(2.0, 0.25)], [-0.5, 2.0]);
    }
}
