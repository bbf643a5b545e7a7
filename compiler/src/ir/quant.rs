//! Quantised operators on u8, in the one arithmetic that every target keeps bit for bit.
//!
//! A byte `q` of an [`Affine`] scale is the real `(q - zero) * scale`. Activations are u8, weights are constant i8 with
//! zero point 0, biases are constant i32 in units of the exact 32-bit sums; padding is the zero point. What is computed
//! in f32 is computed in the order written here, each operation rounded by itself, never fused; [`fixed`] is the same
//! without floats, [`tflite`] what TensorFlow Lite does. Signed activations exist only at the ends of a model, on the far
//! side of a [`Quant::Flip`].

mod average;
mod conv;
mod convert;
mod dense;
pub mod fixed;
mod mean;
mod pair;
mod scale;
mod softmax;
mod sums;
mod table;
pub mod tflite;
pub mod words;

use crate::ir::op::definition::Definition;
pub use average::QAverage;
pub use conv::QConv;
pub use convert::Unpack;
pub use dense::QDense;
pub use mean::QMean;
pub use pair::{QPair, Times};
pub use scale::{Affine, Arithmetic, Bounds, Requant, Rounding, To};
pub use softmax::QSoftmax;
pub use sums::MAX_DEPTH;
pub use table::table;
pub use words::Words;

/// A quantised operator. Operands are listed as in [`crate::ir::Op`].
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
    /// The mean of each whole image: x `[n,c,h,w]`, result `[n,c,1,1]`.
    Mean(QMean),
    /// Shares of one along a dimension: x. Only integers alone have it; floats are left to [`crate::ir::Softmax`].
    Softmax(QSoftmax),
    /// Any function of one byte: x.
    Table(Box<[u8; 256]>),
}

impl Quant {
    /// Asks the operator's definition.
    pub fn define<R>(&self, ask: impl FnOnce(&dyn Definition) -> R) -> R {
        match self {
            Self::Quantize(affine) => ask(&convert::Quantize(*affine)),
            Self::Dequantize(affine) => ask(&convert::Dequantize(*affine)),
            Self::Unpack(unpack) => ask(unpack),
            Self::Flip => ask(&convert::Flip),
            Self::Conv(conv) => ask(conv),
            Self::Dense(dense) => ask(dense),
            Self::Add(pair) => ask(&pair::Add(pair)),
            Self::Mul(pair, times) => ask(&pair::Mul(pair, *times)),
            Self::Average(average) => ask(average),
            Self::Mean(mean) => ask(mean),
            Self::Softmax(softmax) => ask(softmax),
            Self::Table(table) => ask(&table::Table(table)),
        }
    }

    /// The requantisation of this operator's sums, if it makes sums.
    pub fn requant(&self) -> Option<&Requant> {
        match self {
            Self::Conv(QConv { requant, .. }) | Self::Dense(QDense { requant, .. }) => {
                Some(requant)
            }
            Self::Mean(QMean { requant, .. }) => Some(requant),
            // Whatever else there is makes no sums of products.
            _ => None,
        }
    }
}
