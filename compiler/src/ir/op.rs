//! Operators, in the meaning ONNX gives them; each computes one tensor from its operands.
//!
//! Operands are edges numbered by port, in the order each variant's documentation lists. All else that there is to know
//! of an operator stands in its file below and is asked for through [`Op::define`], the one match that a new operator
//! has to join.

mod batch_norm;
mod binary;
mod clamp;
mod concat;
pub(super) mod conv;
mod cum_sum;
pub mod definition;
mod dense;
mod expand;
mod gather;
mod gemm;
mod identity;
pub(super) mod index;
mod indexed;
mod integers;
pub(super) mod matmul;
pub mod onnx;
mod pad;
pub(super) mod pool;
mod prelu;
pub mod reads;
mod reduce;
mod relayout;
mod resample;
mod reshape;
mod resize;
pub mod site;
mod slice;
mod softmax;
mod source;
mod suppression;
mod top_k;
pub mod traits;
mod transpose;
mod unary;

pub use batch_norm::BatchNorm;
pub use binary::Binary;
pub use clamp::Clamp;
pub use conv::Conv;
pub use cum_sum::CumSum;
pub use dense::Dense;
pub use gemm::Gemm;
pub use indexed::{Change, Gather, Indexing, Scatter};
pub use pad::{Pad, PadMode};
pub use pool::{Pool, PoolKind};
pub(crate) use prelu::leaky;
pub use reduce::Reduce;
pub use resample::{Resample, Samples, Taps};
pub use resize::{Blend, Resize, Scale};
pub use slice::Slice;
pub use softmax::Softmax;
pub use suppression::NonMaxSuppression;
pub use top_k::TopK;
pub use traits::Reducer;
pub use unary::Unary;

use crate::ir::{Dtype, QConv, Quant, WeightsId, Words, infer};
use definition::{Definition, Ports};
use traits::Traits;

/// An operator with its attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// An input of the model. No operands.
    Input,
    /// Constant numbers. No operands.
    Const(WeightsId),
    /// 2-D convolution: x `[n,c,h,w]`, weights `[m,c/group,kh,kw]`, optional bias `[m]` (port 2), and a residual of the
    /// output's shape (port 3) added before the clamp, if `fuse_add` put it there. Pads hold zeros, or one number an
    /// input channel (port 4) if `fold_input` put it there; then x may be bytes of an image too.
    Conv(Conv),
    /// Batch normalisation at inference: x, scale, bias, mean, variance, the last four per channel.
    BatchNorm(BatchNorm),
    /// `alpha * a' * b' + beta * c`: a, b, optional c (port 2), as ONNX Gemm writes it.
    Gemm(Gemm),
    /// Matrix product with numpy's broadcasting: a, b.
    MatMul,
    /// `then(clamp(x * w + bias))`: x `[rows,k]`, constant w `[k,n]`, constant bias `[n]` (port 2).
    Dense(Dense),
    /// `min(max(x, lo), hi)`: x. Relu, Relu6 and Clip are this.
    Clamp(Clamp),
    /// One function of each element: x.
    Unary(Unary),
    /// One function of each pair of elements, with numpy's broadcasting: a, b.
    Binary(Binary),
    /// `x < 0 ? slope * x : x`: x, slope (broadcast).
    PRelu,
    /// Windows over the last two dimensions: x `[n,c,h,w]`.
    Pool(Pool),
    /// Images made larger or smaller: x `[n,c,h,w]`.
    Resize(Resize),
    /// Images whose rows and columns are weighted sums of a few: x `[n,c,h,w]`.
    Resample(Resample),
    /// One number from each slice over `axes`: x. The output's shape says whether reduced dimensions are kept.
    Reduce(Reduce),
    /// Softmax over one axis: x.
    Softmax(Softmax),
    /// Running sums along one axis: x.
    CumSum(CumSum),
    /// The greatest or least elements along one axis, or where they are: x.
    TopK(TopK),
    /// Rows of image, class and box of what is detected: boxes `[images,boxes,4]`, scores `[images,classes,boxes]`.
    NonMaxSuppression(NonMaxSuppression),
    /// Elements that indices computed at run time name: x, indices.
    Gather(Gather),
    /// x with updates where indices computed at run time say: x, indices, updates.
    Scatter(Scatter),
    /// Reshape: the elements in row-major order under another shape: x. Flatten, Squeeze and Unsqueeze are this.
    Reshape,
    /// Output dimension `i` is input dimension `perm[i]`: x.
    Transpose(Vec<usize>),
    /// Conversion to another [`crate::ir::Layout`]: x.
    Relayout,
    /// Operands one after another along an axis: any number of them.
    Concat(usize),
    /// Every `step`-th element from `start`, per dimension: x. The output's shape says how many.
    Slice(Slice),
    /// Elements added around x: x.
    Pad(Pad),
    /// x broadcast to the output's shape: x.
    Expand,
    /// x unchanged (Identity, Dropout, casts between floats, bytes as floats): x.
    Identity,
    /// Floats that carry integers or truth values, as those, of a type: x.
    Integers(Dtype),
    /// A quantised operator.
    Quant(Quant),
    /// An operator on integers of 16 bits.
    Words(Words),
}

impl Op {
    /// Asks the operator's definition.
    pub fn define<R>(&self, ask: impl FnOnce(&dyn Definition) -> R) -> R {
        match self {
            Self::Input => ask(&source::Input),
            Self::Const(_) => ask(&source::Const),
            Self::Conv(conv) => ask(conv),
            Self::BatchNorm(norm) => ask(norm),
            Self::Gemm(gemm) => ask(gemm),
            Self::MatMul => ask(&matmul::MatMul),
            Self::Dense(dense) => ask(dense),
            Self::Clamp(clamp) => ask(clamp),
            Self::Unary(function) => ask(function),
            Self::Binary(function) => ask(function),
            Self::PRelu => ask(&prelu::PRelu),
            Self::Pool(pool) => ask(pool),
            Self::Resize(resize) => ask(resize),
            Self::Resample(resample) => ask(resample),
            Self::Reduce(reduce) => ask(reduce),
            Self::Softmax(softmax) => ask(softmax),
            Self::CumSum(cum_sum) => ask(cum_sum),
            Self::TopK(top_k) => ask(top_k),
            Self::NonMaxSuppression(suppression) => ask(suppression),
            Self::Gather(gather) => ask(gather),
            Self::Scatter(scatter) => ask(scatter),
            Self::Reshape => ask(&reshape::Reshape),
            Self::Transpose(perm) => ask(&transpose::Transpose(perm)),
            Self::Relayout => ask(&relayout::Relayout),
            Self::Concat(axis) => ask(&concat::Concat(*axis)),
            Self::Slice(slice) => ask(slice),
            Self::Pad(pad) => ask(pad),
            Self::Expand => ask(&expand::Expand),
            Self::Identity => ask(&identity::Identity),
            Self::Integers(dtype) => ask(&integers::Integers(*dtype)),
            Self::Quant(quant) => quant.define(ask),
            Self::Words(words) => ask(words),
        }
    }

    /// The word snapshots and messages use.
    pub fn name(&self) -> &'static str {
        self.define(|op| op.name())
    }

    /// The operands, by port.
    pub fn ports(&self) -> Ports {
        self.define(|op| op.ports())
    }

    /// Traits for passes and the streaming of rows.
    pub fn traits(&self) -> Traits {
        self.define(|op| op.traits())
    }

    /// True if elements of any type are only moved, or compared.
    pub fn moves(&self) -> bool {
        self.traits().moves()
    }

    /// The element type of the result if operand 0 has type `x`, for an operator that defines it.
    pub fn dtype(&self, x: Dtype) -> Option<Dtype> {
        self.define(|op| op.dtype(x))
    }

    /// The shape that it makes of operands of the given shapes, by port; `None` where the operator itself carries the
    /// shape (Input, Const, Reshape, Reduce, Slice, Expand). `Err` says what does not fit.
    pub fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let shape = self.define(|op| op.shape(operands))?;
        shape.map(|shape| infer::checked_len(&shape).map(|_| shape)).transpose()
    }

    /// The window, if this is a convolution of whatever numbers.
    pub fn conv(&self) -> Option<&Conv> {
        match self {
            Self::Conv(conv) | Self::Quant(Quant::Conv(QConv { conv, .. })) => Some(conv),
            // Any other kind of convolution is rewritten into these, or is one by its own name.
            _ => None,
        }
    }
}
