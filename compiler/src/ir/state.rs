//! States: values that a network keeps from one call to the next.
//!
//! A state is read at an input of its own, which no caller passes, and becomes the value that
//! [`Outputs::kept`](crate::ir::Outputs::kept) lists at its place when a call ends.

use crate::ir::{Dtype, NodeId, Tensor, Values};

/// A value that the network keeps between calls.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The node that reads it: an `Op::Input`.
    pub input: NodeId,
    /// Its value before the first call, in the type of `input`.
    pub start: Values,
}

/// Zeros of a tensor's type.
pub fn zeros(tensor: &Tensor) -> Values {
    match tensor.dtype {
        Dtype::U8 => Values::U8(vec![0; tensor.len()]),
        Dtype::I8 => Values::I8(vec![0; tensor.len()]),
        Dtype::I32 => Values::I32(vec![0; tensor.len()]),
        Dtype::I64 => Values::I64(vec![0; tensor.len()]),
        Dtype::F32 | Dtype::F16 | Dtype::Bf16 => Values::F32(vec![0.0; tensor.len()]),
    }
}
