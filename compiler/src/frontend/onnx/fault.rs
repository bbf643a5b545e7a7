//! Errors of reading a node of an ONNX file.

use crate::error::Error;
use crate::ir::NodeId;

/// Why a node cannot be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// It means something that the compiler does not do.
    Unsupported(String),
    /// It contradicts itself or its operands.
    Misfit(String),
    /// Something around it is wrong.
    Error(Error),
}

/// The results of a node, in its order; those that no reader makes are left out at the end.
pub(super) type Made = Result<Vec<NodeId>, Fault>;

impl From<String> for Fault {
    fn from(what: String) -> Self {
        Self::Misfit(what)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
