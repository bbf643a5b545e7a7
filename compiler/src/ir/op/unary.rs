//! Functions of one element.

use std::f32::consts::SQRT_2;

use half::{bf16, f16};

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::prelu::leaky;
use crate::ir::op::reads::Reads;
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Again, Early, Layouts, Streams, Traits};
use crate::ir::{Clamp, Values};

/// Functions of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// `x < 0 ? alpha * x : x`.
    LeakyRelu(f32),
    /// `x < 0 ? alpha * (exp(x) - 1) : x`.
    Elu(f32),
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `clamp(alpha * x + beta, 0, 1)`.
    HardSigmoid(f32, f32),
    /// `x * clamp(x / 6 + 1/2, 0, 1)`.
    HardSwish,
    /// `x * sigmoid(x)`.
    Silu,
    /// Hyperbolic tangent.
    Tanh,
    /// Gaussian error linear unit by the error function.
    Gelu,
    /// Error function.
    Erf,
    /// `e^x`.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `1 / x`.
    Reciprocal,
    /// `-x`.
    Neg,
    /// `|x|`.
    Abs,
    /// Greatest integer not above.
    Floor,
    /// Least integer not below.
    Ceil,
    /// Nearest integer, halves to even.
    Round,
    /// The integer that is left when what is behind the point is cut off.
    Trunc,
    /// Nearest 16-bit float, of two the even one; infinite beyond the greatest.
    ToF16,
    /// Nearest bf16, of two the even one.
    ToBf16,
}

impl Unary {
    /// The number that [`Unary::ToF16`] makes of `x`.
    pub fn nearest_f16(x: f32) -> f32 {
        f16::from_f32(x).to_f32()
    }

    /// The number that [`Unary::ToBf16`] makes of `x`.
    pub fn nearest_bf16(x: f32) -> f32 {
        bf16::from_f32(x).to_f32()
    }

    /// The word snapshots and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeakyRelu(_) => "leaky_relu",
            Self::Elu(_) => "elu",
            Self::Sigmoid => "sigmoid",
            Self::HardSigmoid(..) => "hard_sigmoid",
            Self::HardSwish => "hard_swish",
            Self::Silu => "silu",
            Self::Tanh => "tanh",
            Self::Gelu => "gelu",
            Self::Erf => "erf",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Reciprocal => "reciprocal",
            Self::Neg => "neg",
            Self::Abs => "abs",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Round => "round",
            Self::Trunc => "trunc",
            Self::ToF16 => "to_f16",
            Self::ToBf16 => "to_bf16",
        }
    }

    /// The parameters, as a printed line shows them.
    pub(crate) fn parameters(self) -> String {
        match self {
            Self::LeakyRelu(alpha) | Self::Elu(alpha) => format!(" alpha {alpha}"),
            Self::HardSigmoid(alpha, beta) => format!(" alpha {alpha} beta {beta}"),
            // Other functions have no parameters.
            _ => String::new(),
        }
    }

    /// The function of `x`.
    pub(crate) fn apply(self, x: f32) -> f32 {
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let between_0_and_1 = |x: f32| Clamp { lo: 0.0, hi: 1.0 }.apply(x);
        match self {
            Self::LeakyRelu(alpha) => leaky(x, alpha),
            Self::Elu(alpha) if x < 0.0 => alpha * x.exp_m1(),
            Self::Elu(_) => x,
            Self::Sigmoid => sigmoid(x),
            Self::HardSigmoid(alpha, beta) => between_0_and_1(alpha * x + beta),
            Self::HardSwish => x * between_0_and_1(x / 6.0 + 0.5),
            Self::Silu => x * sigmoid(x),
            Self::Tanh => x.tanh(),
            Self::Gelu => 0.5 * x * (1.0 + erf(x / SQRT_2)),
            Self::Erf => erf(x),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Neg => -x,
            Self::Abs => x.abs(),
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Round => x.round_ties_even(),
            Self::Trunc => x.trunc(),
            Self::ToF16 => Self::nearest_f16(x),
            Self::ToBf16 => Self::nearest_bf16(x),
        }
    }
}

impl Definition for Unary {
    fn name(&self) -> &'static str {
        Self::name(*self)
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        // What was rounded once is not changed by rounding it again.
        let rounds = matches!(self, Self::ToF16 | Self::ToBf16);
        let again = if rounds { Again::Nothing } else { Again::Computes };
        Traits { again, early: Early::Always, ..Traits::new(Layouts::Alike, Streams::Rows) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, Definition::name(self))?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let x = reads.floats(0)?.values.iter();
        Ok(Values::F32(x.map(|x| self.apply(*x)).collect()))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        self.parameters()
    }
}

/// Clamp and activation of a layer's sum.
pub(crate) fn activated(clamp: Clamp, then: Option<Unary>, sum: f32) -> f32 {
    let y = clamp.apply(sum);
    then.map_or(y, |then| then.apply(y))
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
            (Unary::Trunc, -1.5, -1.0),
            (Unary::Trunc, 1.5, 1.0),
            (Unary::ToF16, 2049.0, 2048.0),
            (Unary::ToF16, -65519.0, -65504.0),
            (Unary::ToF16, 3e-8, 2f32.powi(-24)),
            (Unary::ToBf16, 257.0, 256.0),
        ];
        for (f, x, y) in cases {
            let found = f.apply(x);
            assert!((found - y).abs() <= 1e-6, "{} of {x} is {found}, not {y}", Unary::name(f));
        }
    }
}
