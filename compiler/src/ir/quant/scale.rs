//! Scales, zero points and requantisation: the vocabulary of quantised operators.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::ir::Dtype;
use crate::ir::quant::fixed::{self, Fixed};
use crate::ir::quant::tflite::Twice;

/// Arithmetic of requantisation in a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    /// f32, as ONNX defines it.
    #[default]
    Float,
    /// Integers alone: see [`fixed`].
    Fixed,
    /// Integers alone, as TensorFlow Lite rounds them: see [`tflite`](crate::ir::quant::tflite). A front end sets it.
    Tflite,
    /// The same of a dense layer, which TensorFlow Lite rounds once. No graph has it: [`Requant::arithmetic`] says it.
    TfliteDense,
}

/// Roundings of a product by TensorFlow Lite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// To the upper half of the product, and then by the exponent of the factor.
    #[default]
    Twice,
    /// Of the exact product, as in dense layers.
    Once,
}

/// Scale and zero point of quantised values: `(q - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Positive and finite.
    pub scale: f32,
    /// The zero point.
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

/// Requantisation of an exact 32-bit sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Requant {
    /// One factor for each output channel, already rounded to f32 as the model defines it, but for [`Arithmetic::Tflite`].
    pub multipliers: Vec<f64>,
    /// The type of the result.
    pub to: To,
    /// The roundings of [`Arithmetic::Tflite`]; others have their own.
    pub rounding: Rounding,
}

/// The type that sums are turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// u8: `rint(f32(sum) * multiplier)`, halves to even, then plus the zero point, then within the bounds.
    Bytes {
        /// The zero point.
        zero: u8,
        /// A clamp of the model, or all bytes.
        bounds: Bounds,
    },
    /// f32: `f32(sum) * multiplier`.
    Floats,
}

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
            Self::Tflite | Self::TfliteDense => "tflite",
        })
    }
}

impl Affine {
    /// The nearest byte: `x / scale` to the nearest integer, halves to even, plus the zero point. NaN gives the least.
    pub fn quantize(self, x: f32) -> u8 {
        self.quantize_early(x, 0)
    }

    /// The nearest byte, with `early` of the zero point added before the rounding.
    pub fn quantize_early(self, x: f32, early: i16) -> u8 {
        self.nearest(x / self.scale, early)
    }

    /// The real value of `q`.
    pub fn dequantize(self, q: u8) -> f32 {
        self.steps(q) * self.scale
    }

    /// `q - zero`.
    pub(super) fn steps(self, q: u8) -> f32 {
        f32::from(q) - f32::from(self.zero)
    }

    /// The byte nearest to `steps`, with `early` of the zero point added before the rounding.
    pub(super) fn nearest(self, steps: f32, early: i16) -> u8 {
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

impl Requant {
    /// Factors and what they make of sums; see [`Requant::multipliers`].
    pub fn new(multipliers: Vec<f64>, to: To) -> Self {
        Self { multipliers, to, rounding: Rounding::default() }
    }

    /// Multipliers in a graph of arithmetic `by`: results in floats are made in floats.
    pub fn arithmetic(&self, by: Arithmetic) -> Arithmetic {
        match (self.to, by, self.rounding) {
            (To::Floats, _, _) => Arithmetic::Float,
            (To::Bytes { .. }, Arithmetic::Tflite, Rounding::Once) => Arithmetic::TfliteDense,
            (To::Bytes { .. }, by, _) => by,
        }
    }

    /// The factor of output channel `m` as f32.
    pub fn real(&self, m: usize) -> f32 {
        self.multipliers[m] as f32
    }

    /// `sum` of output channel `m` as a byte, before bounds; see [`To::Bytes`].
    pub fn byte(&self, arithmetic: Arithmetic, sum: i32, m: usize, zero: u8) -> u8 {
        match self.arithmetic(arithmetic) {
            Arithmetic::Float => nearest(sum as f32 * self.real(m), zero),
            Arithmetic::Fixed => fixed::nearest(Fixed::of(self.real(m)).steps(sum), zero),
            Arithmetic::Tflite => Twice::of(self.multipliers[m]).byte(sum, zero),
            Arithmetic::TfliteDense => Twice::of(self.multipliers[m]).byte_once(sum, zero),
        }
    }

    /// The factors and what they make, as a printed line shows them.
    pub(super) fn text(&self) -> String {
        let factors = self.multipliers.iter().map(|factor| *factor as f32);
        let (least, most) = (factors.clone().fold(f32::MAX, f32::min), factors.fold(0.0, f32::max));
        let by = if least == most { format!("{least:e}") } else { format!("{least:e}..{most:e}") };
        match self.to {
            To::Bytes { zero, bounds } => format!(" by {by} to {zero}{bounds}"),
            To::Floats => format!(" by {by} to f32"),
        }
    }
}

impl fmt::Display for Affine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.scale, self.zero)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL { Ok(()) } else { write!(f, " within {}..{}", self.lo, self.hi) }
    }
}

/// The part of a zero point that is added before steps are rounded, as a printed line shows it.
pub(super) fn early_text(early: i16) -> String {
    if early == 0 { String::new() } else { format!(" of it {early} early") }
}

/// The breach of `early` as the part of the zero point of `y` that is added before steps are rounded.
pub(super) fn early_breach(y: Affine, early: i16) -> Option<String> {
    let fits = u8::try_from(i16::from(y.zero) - early).is_ok();
    (!fits).then(|| format!("adds {early} of its zero point {} early", y.zero))
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
        let requant = Requant::new(vec![0.5, 1e-3], to);
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
