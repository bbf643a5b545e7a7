//! What is done to elements one by one, or two by two.

use std::fmt;

use half::{bf16, f16};

/// Bounds of a value; infinite where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    /// Least value.
    pub lo: f32,
    /// Greatest value.
    pub hi: f32,
}

impl Clamp {
    /// No bounds.
    pub const NONE: Self = Self { lo: f32::NEG_INFINITY, hi: f32::INFINITY };
    /// At least 0.
    pub const RELU: Self = Self { lo: 0.0, hi: f32::INFINITY };
    /// Between 0 and 6, the paper's nonlinearity.
    pub const RELU6: Self = Self { lo: 0.0, hi: 6.0 };

    /// This clamp and then `next`, as one.
    pub fn then(self, next: Self) -> Self {
        Self { lo: self.lo.clamp(next.lo, next.hi), hi: self.hi.clamp(next.lo, next.hi) }
    }

    /// `x` between the bounds; NaN stays NaN.
    pub fn apply(self, x: f32) -> f32 {
        if x < self.lo {
            self.lo
        } else if x > self.hi {
            self.hi
        } else {
            x
        }
    }
}

impl fmt::Display for Clamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.lo.is_finite(), self.hi.is_finite()) {
            (true, true) => write!(f, "{}..{}", self.lo, self.hi),
            (true, false) => write!(f, "{}..", self.lo),
            (false, true) => write!(f, "..{}", self.hi),
            (false, false) => f.write_str(".."),
        }
    }
}

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
    /// Nearest 16-bit float, of two the even one; infinite beyond the greatest.
    ToF16,
    /// Nearest brain float, of two the even one.
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
            Self::ToF16 => "to_f16",
            Self::ToBf16 => "to_bf16",
        }
    }
}

/// Functions of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// The smaller.
    Min,
    /// The greater.
    Max,
    /// `a^b`.
    Pow,
}

impl Binary {
    /// The word snapshots and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Min => "min",
            Self::Max => "max",
            Self::Pow => "pow",
        }
    }
}
