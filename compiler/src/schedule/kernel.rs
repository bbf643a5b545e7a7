//! What runs: the kernels, and the order in which each reads its weights.

use crate::ir::op::CumSum;
use crate::ir::{
    Affine, Binary, Clamp, Conv, Pool, QAverage, QPair, QSoftmax, Reducer, Resize, Softmax, Times,
    Unary,
};

/// What runs, with all its numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// Copies rows into padded rows, maybe of another form.
    Load,
    /// Makes floats of bytes, maybe in padded rows.
    Widen,
    /// Looks bytes of a picture up, each in the table of its channel, maybe in padded rows.
    LookUp,
    /// Asks the caller for rows, of floats or of bytes, and looks up what has tables.
    Fetch,
    /// 1x1 convolution or dense layer.
    Pointwise {
        /// Pixels and vectors of a tile.
        tile: [usize; 2],
        /// Applied to sums.
        clamp: Clamp,
        /// Applied last, to sums that have no clamp.
        then: Option<Unary>,
        /// Where the residual comes from.
        skip: Skip,
        /// Whether all rows are one long row.
        flat: bool,
    },
    /// Any other convolution but a depthwise one.
    Conv {
        /// Pixels and vectors of a tile.
        tile: [usize; 2],
        /// The operator.
        conv: Conv,
        /// Where the residual comes from.
        skip: Skip,
    },
    /// Depthwise convolution.
    Depthwise {
        /// Pixels of a tile.
        tile: usize,
        /// The operator.
        conv: Conv,
    },
    /// Largest or mean element of windows.
    Pool(Pool),
    /// Pixels between those of an image.
    Resize(Resize),
    /// One number a channel from all pixels, row after row.
    GlobalPool(Reducer),
    /// Bounds of each element.
    Clamp(Clamp),
    /// A function of each element.
    Unary(Unary),
    /// A function of two elements; how the second operand is broadcast.
    Binary(Binary, Broadcast),
    /// `x < 0 ? slope * x : x`; how the slope is broadcast.
    PRelu(Broadcast),
    /// Softmax: `outer` times, `inner` interleaved runs of `axis` numbers that sum to one.
    Softmax {
        /// The operator.
        softmax: Softmax,
        /// Elements outside the axis in memory.
        outer: usize,
        /// Numbers that sum to one.
        axis: usize,
        /// Elements inside the axis in memory.
        inner: usize,
    },
    /// Running sums: `outer` times, `inner` interleaved runs of `axis` numbers.
    CumSum {
        /// The operator.
        cum_sum: CumSum,
        /// Outside, along and inside the axis in memory.
        shape: [usize; 3],
    },
    /// Products of two matrices that lie in rows, neither of which is packed.
    MatMul(MatMul),
    /// One value everywhere.
    Fill(f32),
    /// The nearest byte of each real.
    Quantize(Affine),
    /// The real of each byte.
    Dequantize(Affine),
    /// A function of two bytes.
    QBinary(QBinary, QPair),
    /// Mean bytes of windows.
    QAverage(QAverage),
    /// Softmax of bytes: `outer` times, `inner` interleaved runs of `axis` bytes.
    QSoftmax {
        /// The operator.
        softmax: QSoftmax,
        /// Outside, along and inside the axis in memory.
        shape: [usize; 3],
    },
    /// Any function of a byte.
    Table,
    /// Elements moved to other places: `len` elements an axis, with strides on both sides.
    Move(Move),
    /// Reduction over some of the axes.
    Reduce(Reducer, Move),
}

impl Kernel {
    /// Pixels and vectors of the tile of a matrix kernel.
    pub fn tile(&self) -> Option<[usize; 2]> {
        match self {
            Self::Pointwise { tile, .. } | Self::Conv { tile, .. } => Some(*tile),
            _ => None,
        }
    }

    /// Whether it brings rows of an image, and so what lies around them.
    pub fn loads(&self) -> bool {
        matches!(self, Self::Load | Self::Widen | Self::LookUp | Self::Fetch)
    }

    /// Whether it knows no rows: of a streamed value it is given one row after the other, as slices.
    pub fn takes_slices(&self) -> bool {
        let of_floats = matches!(
            self,
            Self::Clamp(_) | Self::Unary(_) | Self::Binary(..) | Self::PRelu(_) | Self::Move(_)
        );
        of_floats || matches!(self, Self::QBinary(..) | Self::Dequantize(_) | Self::Table)
    }

    /// Whether a call of it makes all of its result, if it is not given slices.
    pub fn ignores_rows(&self) -> bool {
        match self {
            Self::Pointwise { flat, .. } => *flat,
            Self::Softmax { .. } | Self::QSoftmax { .. } | Self::Reduce(..) | Self::Fill(_) => true,
            Self::MatMul(_) | Self::CumSum { .. } => true,
            kernel => kernel.takes_slices(),
        }
    }

    /// Whether its second operand is one number, which is written out where it is constant.
    pub fn writes_second_out(&self) -> bool {
        matches!(self, Self::Binary(_, Broadcast::Scalar) | Self::PRelu(Broadcast::Scalar))
    }

    /// Whether its second operand is the same for every row.
    pub fn repeats_second(&self) -> bool {
        matches!(
            self,
            Self::Binary(_, Broadcast::Channel | Broadcast::Scalar)
                | Self::PRelu(Broadcast::Channel | Broadcast::Scalar)
        )
    }
}

/// A function of two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QBinary {
    /// Of the sum of what they stand for.
    Add,
    /// Of the product.
    Mul(Times),
}

/// Where a residual comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// There is none.
    None,
    /// The second operand.
    Other,
    /// The output's own memory, which holds the residual until it is overwritten.
    InPlace,
}

/// How a second operand is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broadcast {
    /// Not at all: equal shapes.
    Same,
    /// One number a channel, the innermost dimension.
    Channel,
    /// One number.
    Scalar,
}

/// A copy over up to six axes, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Elements an axis, outermost first.
    pub shape: Vec<usize>,
    /// Where the first element is read.
    pub from: usize,
    /// Strides of the source.
    pub from_steps: Vec<isize>,
    /// Where the first element is written.
    pub into: usize,
    /// Strides of the destination.
    pub into_steps: Vec<isize>,
}

/// The product of each left matrix of a stack and its right one, all of which lie in rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatMul {
    /// Rows of left matrices and of products.
    pub rows: usize,
    /// Columns of left matrices, which are the rows of right ones.
    pub depth: usize,
    /// Columns of right matrices and of products.
    pub columns: usize,
    /// Products along each axis of the stack, outermost first.
    pub stack: Vec<usize>,
    /// Elements from one left matrix to the next along each axis; 0 where it is the same.
    pub left: Vec<usize>,
    /// Elements from one right matrix to the next.
    pub right: Vec<usize>,
}

/// The order in which a kernel reads its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PackOrder {
    /// Panels of `columns` output channels: biases, then the window's inputs. See `runtime::kernel::conv`.
    Panels {
        /// Output channels of a panel.
        columns: usize,
        /// Whether inputs are read as planes: by row, channel, column instead of row, column, channel.
        planes: bool,
    },
    /// Panels of `columns` output channels: biases, then pairs of weights. See `runtime::simd::Weight`.
    Pairs {
        /// Output channels of a panel.
        columns: usize,
        /// Inputs of the window that lie side by side; a row of it may end in fewer.
        run: usize,
    },
    /// Vectors of `lanes` channels: bias, then the taps.
    Depthwise {
        /// Channels of a vector.
        lanes: usize,
    },
    /// A constant's own order.
    Plain,
    /// Panels of `columns` output channels of bytes: biases, multipliers, quads of weights. See `runtime::simd::qgemm`.
    QPanels {
        /// Output channels of a panel.
        columns: usize,
        /// Inputs of the window that lie side by side; a row of it may end in fewer.
        run: usize,
    },
    /// Vectors of `lanes` channels of bytes: biases, multipliers, then four rows of each column of the window.
    QDepthwise {
        /// Channels of a vector.
        lanes: usize,
    },
    /// The 256 entries of a function of a byte, or the powers of a softmax.
    Table,
    /// The 256 entries of each channel of a picture that a convolution looks up.
    Tables,
}
