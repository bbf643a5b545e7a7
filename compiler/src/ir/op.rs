//! Operators, in the meaning ONNX gives them; each computes one tensor from its operands.
//!
//! Operands are edges numbered by port, in the order each variant's documentation lists.

mod element;

pub use element::{Binary, Clamp, Unary};

use crate::ir::{QConv, Quant, Resize, WeightsId};

/// What a node computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// An input of the model. No operands.
    Input,
    /// Constant numbers. No operands.
    Const(WeightsId),
    /// 2-D convolution: x `[n,c,h,w]`, weights `[m,c/group,kh,kw]`, optional bias `[m]` (port 2), and a residual of the
    /// output's shape (port 3) added before the clamp, if `fuse_add` put it there. Pads hold zeros, or one number an
    /// input channel (port 4) if `fold_input` put it there; then x may be bytes of a picture too.
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
    /// Pictures made larger or smaller: x `[n,c,h,w]`.
    Resize(Resize),
    /// One number from each slice over `axes`: x. The output's shape says whether reduced dimensions are kept.
    Reduce(Reduce),
    /// Softmax over one axis: x.
    Softmax(Softmax),
    /// The same elements in row-major order under another shape: x. Flatten, Squeeze and Unsqueeze are this.
    Reshape,
    /// Output dimension `i` is input dimension `perm[i]`: x.
    Transpose(Vec<usize>),
    /// The same tensor in another [`crate::ir::Layout`]: x.
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
    /// An operator on bytes that stand for reals.
    Quant(Quant),
}

/// Attributes of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Distance between taps, 1 for a dense window.
    pub dilation: [usize; 2],
    /// Zeros above, left, below and right.
    pub pads: [usize; 4],
    /// Independent groups of channels.
    pub group: usize,
    /// Applied to the sum and the residual.
    pub clamp: Clamp,
    /// Applied last, if `fuse_function` put it there; then the clamp has no bounds.
    pub then: Option<Unary>,
}

impl Conv {
    /// Whether each output pixel is made of the one input pixel at its place, all channels of it.
    pub fn is_point(&self) -> bool {
        let unit = self.kernel == [1, 1] && self.stride == [1, 1];
        unit && self.group == 1 && self.pads == [0; 4]
    }

    /// Whether nothing is done to the sums.
    pub fn ends_linear(&self) -> bool {
        self.clamp == Clamp::NONE && self.then.is_none()
    }

    /// Sides and strides, for an odd square window of a common size; then the unrolled depthwise kernel fits it.
    pub fn square_window(&self) -> Option<[usize; 2]> {
        let [down, across] = self.stride;
        let square = matches!(self.kernel, [3, 3] | [5, 5] | [7, 7]);
        let fits = square && down == across && down <= 2 && self.dilation == [1, 1];
        fits.then_some([self.kernel[0], across])
    }
}

/// Attributes of batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub epsilon: f32,
}

/// Attributes of ONNX Gemm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gemm {
    /// Factor of the product.
    pub alpha: f32,
    /// Factor of c.
    pub beta: f32,
    /// Whether a is given transposed.
    pub transpose_a: bool,
    /// Whether b is given transposed.
    pub transpose_b: bool,
}

/// Attributes of a dense layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// Applied to the sum.
    pub clamp: Clamp,
    /// Applied last, if `fuse_function` put it there; then the clamp has no bounds.
    pub then: Option<Unary>,
}

/// Attributes of a pooling window.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// What is taken of a window.
    pub kind: PoolKind,
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Padding above, left, below and right (never chosen by Max; see [`PoolKind`] for Average).
    pub pads: [usize; 4],
}

/// What a pooling window yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The greatest element.
    Max,
    /// The mean of the elements inside the picture.
    Average,
    /// The mean with padding counted as zeros.
    AverageWithPads,
}

/// Attributes of a reduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// What is taken of each slice.
    pub kind: Reducer,
    /// Reduced dimensions, ascending.
    pub axes: Vec<usize>,
}

/// What a reduction yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reducer {
    /// Sum.
    Sum,
    /// Arithmetic mean.
    Mean,
    /// Greatest element.
    Max,
    /// Least element.
    Min,
}

/// Attributes of softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// The dimension that sums to one.
    pub axis: usize,
    /// Whether the logarithm is taken.
    pub log: bool,
}

/// Attributes of a slice, one entry a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// First element.
    pub starts: Vec<usize>,
    /// Distance between elements; negative runs backwards.
    pub steps: Vec<isize>,
}

impl Slice {
    /// A slice that takes everything.
    pub fn whole(rank: usize) -> Self {
        Self { starts: vec![0; rank], steps: vec![1; rank] }
    }
}

/// Attributes of a pad, one entry a dimension; negative crops.
#[derive(Clone, Debug, PartialEq)]
pub struct Pad {
    /// Added before.
    pub before: Vec<isize>,
    /// Added after.
    pub after: Vec<isize>,
    /// What is added.
    pub mode: PadMode,
}

/// What a pad adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// One value.
    Constant(f32),
    /// The elements mirrored at the edge, which is not repeated.
    Reflect,
    /// The element at the edge.
    Edge,
}

impl Op {
    /// Whether elements of any type are only moved, or compared.
    pub fn moves(&self) -> bool {
        match self {
            Self::Reshape | Self::Transpose(_) | Self::Relayout | Self::Concat(_) => true,
            Self::Slice(_) | Self::Pad(_) | Self::Expand | Self::Identity => true,
            Self::Pool(pool) => pool.kind == PoolKind::Max,
            Self::Input | Self::Const(_) | Self::Conv(_) | Self::BatchNorm(_) | Self::Gemm(_) => {
                false
            }
            Self::MatMul | Self::Dense(_) | Self::Clamp(_) | Self::Unary(_) | Self::Binary(_) => {
                false
            }
            Self::PRelu | Self::Reduce(_) | Self::Softmax(_) | Self::Quant(_) => false,
            Self::Resize(_) => false,
        }
    }

    /// The word snapshots and messages use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Const(_) => "const",
            Self::Conv(_) => "conv",
            Self::BatchNorm(_) => "batch_norm",
            Self::Gemm(_) => "gemm",
            Self::MatMul => "matmul",
            Self::Dense(_) => "dense",
            Self::Clamp(_) => "clamp",
            Self::Unary(f) => f.name(),
            Self::Binary(f) => f.name(),
            Self::PRelu => "prelu",
            Self::Pool(pool) => match pool.kind {
                PoolKind::Max => "max_pool",
                PoolKind::Average | PoolKind::AverageWithPads => "average_pool",
            },
            Self::Resize(_) => "resize",
            Self::Reduce(reduce) => match reduce.kind {
                Reducer::Sum => "reduce_sum",
                Reducer::Mean => "reduce_mean",
                Reducer::Max => "reduce_max",
                Reducer::Min => "reduce_min",
            },
            Self::Softmax(Softmax { log: false, .. }) => "softmax",
            Self::Softmax(Softmax { log: true, .. }) => "log_softmax",
            Self::Reshape => "reshape",
            Self::Transpose(_) => "transpose",
            Self::Relayout => "relayout",
            Self::Concat(_) => "concat",
            Self::Slice(_) => "slice",
            Self::Pad(_) => "pad",
            Self::Expand => "expand",
            Self::Identity => "identity",
            Self::Quant(quant) => quant.name(),
        }
    }

    /// The window, if this is a convolution of whatever numbers.
    pub fn conv(&self) -> Option<&Conv> {
        match self {
            Self::Conv(conv) | Self::Quant(Quant::Conv(QConv { conv, .. })) => Some(conv),
            _ => None,
        }
    }
}
