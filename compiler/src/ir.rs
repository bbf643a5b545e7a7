//! The nouns: a model as a graph whose nodes each make one tensor.
//!
//! Shapes are logical and in the order of the file (an image is `[n, c, h, w]`); [`Layout`] says how a tensor lies in
//! memory and changes no operator's meaning. Constants are nodes, so every operand is an edge. What holds between
//! passes is written down in [`verify`]; [`text`] prints a graph the way snapshots keep it. Absent: targets and kernels.

pub mod array;
pub mod graph;
pub mod infer;
pub mod op;
pub mod outputs;
pub mod quant;
pub mod state;
pub mod tensor;
pub mod text;
pub mod verify;
pub mod view;
pub mod weights;

pub use array::Array;
pub use graph::{Block, Graph, Node, NodeId, Port};
pub use op::{
    BatchNorm, Binary, Blend, Clamp, Conv, Dense, Gemm, Op, Pad, PadMode, Pool, PoolKind, Reduce,
    Reducer, Resample, Resize, Samples, Scale, Slice, Softmax, Taps, Unary,
};
pub use outputs::{Output, Outputs};
pub use quant::{
    Affine, Arithmetic, Bounds, QAverage, QConv, QDense, QMean, QPair, QSoftmax, Quant, Requant,
    Rounding, Times, To, Unpack, Words,
};
pub use state::State;
pub use tensor::{Dtype, Layout, Tensor};
pub use weights::{Values, Weights, WeightsId};
