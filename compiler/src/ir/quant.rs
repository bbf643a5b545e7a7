//! Operators on bytes that stand for reals, in the one arithmetic that every target keeps bit for bit.
//!
//! A byte `q` of an [`Affine`] scale is the real `(q - zero) * scale`. Activations are u8, weights are constant i8 with
//! zero point 0, biases are constant i32 in units of the exact 32-bit sums; padding is the zero point. What is computed
//! in f32 is computed in the order written here, each operation rounded by itself, never fused; [`fixed`] is the same
//! without floats. Signed activations exist only at the ends of a model, on the far side of a [`Quant::Flip`].

pub mod fixed;
mod softmax;

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::ir::{Conv, Dtype, Pool};
use fixed::Fixed;
pub use softmax::QSoftmax;

/// What a node on bytes computes. Operands are listed as in [`crate::ir::Op`].
#[derive(Clone, Debug, PartialEq)]
pub enum Quant {
    /// The nearest byte of each real: f32 x.
    Quantize(Affine),
    /// The real of each byte: u8 x.
    Dequantize(Affine),
    /// The reals of constant integers: i8, u8 or i32 x. None is left after the passes.
    Unpack(Unpack),
    /// The top bit of each byte turned, which is i8 read as u8 with 128 added, and back: x.
    Flip,
    /// Convolution: x, constant i8 weights `[m,c/group,kh,kw]`, optional constant i32 bias `[m]` (port 2), and a u8
    /// residual of the output's shape (port 3) if [`QConv::residual`] says how it is added. Constant tables `[c,256]`
    /// (port 4), if `look_up_input` put them there, say what each byte of a channel of x becomes first of all.
    Conv(QConv),
    /// Product: x `[rows,k]`, constant i8 weights `[k,n]`, optional constant i32 bias `[n]` (port 2).
    Dense(QDense),
    /// The sum of reals, with numpy's broadcasting: a, b.
    Add(QPair),
    /// The product of reals, with numpy's broadcasting: a, b.
    Mul(QPair, Times),
    /// Averages of windows over the last two dimensions: x `[n,c,h,w]`.
    Average(QAverage),
    /// The mean of each whole picture: x `[n,c,h,w]`, result `[n,c,1,1]`.
    Mean(QMean),
    /// Shares of one along a dimension: x. Only [`Arithmetic::Fixed`] has it; floats are left to [`crate::ir::Softmax`].
    Softmax(QSoftmax),
    /// Any function of one byte: x.
    Table(Box<[u8; 256]>),
}

/// What a graph makes bytes of sums with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    /// f32, as ONNX defines it.
    #[default]
    Float,
    /// Integers alone: see [`fixed`].
    Fixed,
}

/// What bytes stand for: `(q - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Positive and finite.
    pub scale: f32,
    /// The byte of zero.
    pub zero: u8,
}

/// Limits of a byte, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Least byte.
    pub lo: u8,
    /// Greatest byte.
    pub hi: u8,
}

/// What constant integers stand for: `(x - zeros[i]) * scales[i]`, `i` along dimension `axis`; one entry is for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Unpack {
    /// The dimension that several entries lie along.
    pub axis: usize,
    /// Positive and finite; as many as `zeros`.
    pub scales: Vec<f32>,
    /// In the type of the integers.
    pub zeros: Vec<i32>,
}

/// What an exact 32-bit sum becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Requant {
    /// One factor for each output channel, already rounded to f32 as the model defines it.
    pub multipliers: Vec<f32>,
    /// The type of the result.
    pub to: To,
}

/// The type that sums are turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// u8: `rint(f32(sum) * multiplier)`, halves to even, then plus the zero point, then within the bounds.
    Bytes {
        /// The byte of zero.
        zero: u8,
        /// A clamp of the model, or all bytes.
        bounds: Bounds,
    },
    /// f32: `f32(sum) * multiplier`.
    Floats,
}

/// Attributes of a convolution of bytes: the sum of `(x - x_zero) * w`, plus the bias, requantised.
#[derive(Clone, Debug, PartialEq)]
pub struct QConv {
    /// The window; its clamp is [`crate::ir::Clamp::NONE`], for `requant` holds the bounds.
    pub conv: Conv,
    /// The byte that stands for zero in x, and pads.
    pub x_zero: u8,
    /// What the sums become.
    pub requant: Requant,
    /// An addition that follows, whose `a` is the byte so far and whose `b` is the residual.
    pub residual: Option<QPair>,
}

/// Attributes of a product of bytes: the sum of `(x - x_zero) * w`, plus the bias, requantised.
#[derive(Clone, Debug, PartialEq)]
pub struct QDense {
    /// The byte that stands for zero in x.
    pub x_zero: u8,
    /// What the sums become.
    pub requant: Requant,
}

/// Scales of an operator on two tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QPair {
    /// Of the first operand.
    pub a: Affine,
    /// Of the second.
    pub b: Affine,
    /// Of the result.
    pub y: Affine,
    /// A clamp of the model, or all bytes.
    pub bounds: Bounds,
}

/// How reals are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// One by the other, as Mul does between floats.
    Reals,
    /// The exact product of both `q - zero` by one factor, `a.scale * b.scale / y.scale`, as QLinearMul does.
    Steps {
        /// What of the result's zero point is added before steps are rounded.
        early: i16,
    },
}

/// Attributes of averages: the f32 sum of the window's reals, row by row, over its f32 count, quantised.
#[derive(Clone, Debug, PartialEq)]
pub struct QAverage {
    /// The window, and whether its padding counts (as zero).
    pub pool: Pool,
    /// Of the operand.
    pub x: Affine,
    /// Of the result.
    pub y: Affine,
    /// What of the result's zero point is added before steps are rounded: none of it, as QuantizeLinear does, or the
    /// zero point in the file's type, as QLinearAveragePool does. This decides what halves become.
    pub early: i16,
}

/// Attributes of means: the sum of `x - x_zero`, requantised with one multiplier.
#[derive(Clone, Debug, PartialEq)]
pub struct QMean {
    /// The byte that stands for zero in x.
    pub x_zero: u8,
    /// What the sums become.
    pub requant: Requant,
}

/// Most products in one sum: as many as cannot leave 32 bits.
pub const MAX_DEPTH: usize = (1 << 31) / (255 * 128) - 1;

impl FromStr for Arithmetic {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "float" => Ok(Self::Float),
            "fixed" => Ok(Self::Fixed),
            _ => Err(Error::Spec(format!("unknown arithmetic {text:?}; use float or fixed"))),
        }
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float => "float",
            Self::Fixed => "fixed",
        })
    }
}

impl Affine {
    /// The nearest byte: `x / scale` to the nearest integer, halves to even, plus the zero point. NaN gives the least.
    pub fn quantize(self, x: f32) -> u8 {
        self.quantize_early(x, 0)
    }

    /// The same with `early` of the zero point added before the rounding.
    pub fn quantize_early(self, x: f32, early: i16) -> u8 {
        self.nearest(x / self.scale, early)
    }

    /// The real that `q` stands for.
    pub fn dequantize(self, q: u8) -> f32 {
        self.steps(q) * self.scale
    }

    fn steps(self, q: u8) -> f32 {
        f32::from(q) - f32::from(self.zero)
    }

    fn nearest(self, steps: f32, early: i16) -> u8 {
        nearest(steps + f32::from(early), self.zero.wrapping_sub(early as u8))
    }
}

impl Bounds {
    /// No bounds.
    pub const ALL: Self = Self { lo: 0, hi: 255 };

    /// These bounds and then `next`, as one.
    pub fn then(self, next: Self) -> Self {
        Self { lo: next.apply(self.lo), hi: next.apply(self.hi) }
    }

    /// `q` between the bounds.
    pub fn apply(self, q: u8) -> u8 {
        q.max(self.lo).min(self.hi)
    }
}

impl To {
    /// The element type.
    pub fn dtype(self) -> Dtype {
        match self {
            Self::Bytes { .. } => Dtype::U8,
            Self::Floats => Dtype::F32,
        }
    }
}

impl QPair {
    /// `a + b`.
    pub fn add(self, a: u8, b: u8) -> u8 {
        self.bounds.apply(self.y.quantize(self.a.dequantize(a) + self.b.dequantize(b)))
    }

    /// `a * b`.
    pub fn mul(self, times: Times, a: u8, b: u8) -> u8 {
        self.bounds.apply(match times {
            Times::Reals => self.y.quantize(self.a.dequantize(a) * self.b.dequantize(b)),
            Times::Steps { early } => {
                let product = self.a.steps(a) * self.b.steps(b);
                self.y.nearest(product * self.factor(), early)
            }
        })
    }

    /// Steps of the result in a product of steps.
    pub fn factor(self) -> f32 {
        self.a.scale * self.b.scale / self.y.scale
    }
}

impl QMean {
    /// The mean of `len` bytes of scale `x`, on scale `y`.
    pub fn new(x: Affine, y: Affine, len: usize) -> Self {
        let to = To::Bytes { zero: y.zero, bounds: Bounds::ALL };
        let multipliers = vec![x.scale / (y.scale * len as f32)];
        Self { x_zero: x.zero, requant: Requant { multipliers, to } }
    }
}

/// The table of a function of reals between two scales.
pub fn table(from: Affine, to: Affine, f: impl Fn(f32) -> f32) -> Box<[u8; 256]> {
    Box::new(std::array::from_fn(|q| to.quantize(f(from.dequantize(q as u8)))))
}

impl Quant {
    /// The element type of the result, if operand 0 has type `x`.
    pub fn dtype(&self, x: Dtype) -> Dtype {
        match self {
            Self::Dequantize(_) | Self::Unpack(_) => Dtype::F32,
            Self::Flip if x == Dtype::U8 => Dtype::I8,
            Self::Quantize(_) | Self::Flip | Self::Add(_) | Self::Mul(..) => Dtype::U8,
            Self::Average(_) | Self::Softmax(_) | Self::Table(_) => Dtype::U8,
            Self::Conv(QConv { requant, .. }) | Self::Dense(QDense { requant, .. }) => {
                requant.to.dtype()
            }
            Self::Mean(QMean { requant, .. }) => requant.to.dtype(),
        }
    }

    /// The word snapshots and messages use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Quantize(_) => "quantize",
            Self::Dequantize(_) => "dequantize",
            Self::Unpack(_) => "unpack",
            Self::Flip => "flip",
            Self::Conv(_) => "qconv",
            Self::Dense(_) => "qdense",
            Self::Add(_) => "qadd",
            Self::Mul(..) => "qmul",
            Self::Average(_) => "qaverage",
            Self::Mean(_) => "qmean",
            Self::Softmax(_) => "qsoftmax",
            Self::Table(_) => "table",
        }
    }

    /// Operands that have to be there.
    pub fn arity(&self) -> usize {
        match self {
            Self::Conv(_) | Self::Dense(_) | Self::Add(_) | Self::Mul(..) => 2,
            Self::Quantize(_) | Self::Dequantize(_) | Self::Unpack(_) | Self::Flip => 1,
            Self::Average(_) | Self::Mean(_) | Self::Softmax(_) | Self::Table(_) => 1,
        }
    }

    /// What the sums of this operator become, if it makes sums.
    pub fn requant(&self) -> Option<&Requant> {
        match self {
            Self::Conv(QConv { requant, .. }) | Self::Dense(QDense { requant, .. }) => {
                Some(requant)
            }
            Self::Mean(QMean { requant, .. }) => Some(requant),
            Self::Quantize(_) | Self::Dequantize(_) | Self::Unpack(_) | Self::Flip => None,
            Self::Add(_) | Self::Mul(..) | Self::Average(_) => None,
            Self::Softmax(_) | Self::Table(_) => None,
        }
    }
}

impl Requant {
    /// What its factors are multiplied by in a graph of arithmetic `by`: reals are made in floats.
    pub fn arithmetic(&self, by: Arithmetic) -> Arithmetic {
        match self.to {
            To::Bytes { .. } => by,
            To::Floats => Arithmetic::Float,
        }
    }

    /// `sum` of output channel `m` as a byte, before bounds; see [`To::Bytes`].
    pub fn byte(&self, arithmetic: Arithmetic, sum: i32, m: usize, zero: u8) -> u8 {
        match arithmetic {
            Arithmetic::Float => nearest(sum as f32 * self.multipliers[m], zero),
            Arithmetic::Fixed => fixed::nearest(Fixed::of(self.multipliers[m]).steps(sum), zero),
        }
    }
}

/// `steps` to the nearest integer, halves to even, counted from `zero`, as the nearest byte.
fn nearest(steps: f32, zero: u8) -> u8 {
    let zero = f32::from(zero);
    // Bounds before rounding give the same as after, for they are integers.
    let steps = if steps.is_nan() { -zero } else { steps };
    (steps.max(-zero).min(255.0 - zero).round_ties_even() + zero) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_rounded_to_even_and_saturate() {
        let affine = Affine { scale: 2.0, zero: 10 };
        let bytes = [1.0, 3.0, -1.0, 1e9, -1e9, f32::NAN].map(|x| affine.quantize(x));
        assert_eq!(bytes, [10, 12, 10, 255, 0, 0]);
        assert_eq!([0, 10, 255].map(|q| affine.dequantize(q)), [-20.0, 0.0, 490.0]);
    }

    #[test]
    fn requantising_multiplies_in_f32() {
        let to = To::Bytes { zero: 128, bounds: Bounds::ALL };
        let requant = Requant { multipliers: vec![0.5, 1e-3], to };
        assert_eq!(
            [5, 7, -5].map(|sum| requant.byte(Arithmetic::Float, sum, 0, 128)),
            [130, 132, 126]
        );
        assert_eq!(requant.byte(Arithmetic::Float, i32::MIN, 1, 128), 0);
    }

    #[test]
    fn bounds_in_a_row_are_one() {
        let inner = Bounds { lo: 3, hi: 90 };
        assert_eq!(inner.then(Bounds { lo: 10, hi: 255 }), Bounds { lo: 10, hi: 90 });
        assert_eq!(inner.then(Bounds { lo: 100, hi: 255 }), Bounds { lo: 100, hi: 100 });
    }
}
