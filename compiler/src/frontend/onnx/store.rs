//! Limits of tensors, and the store of constants: where they come from and how many elements they may still have.

use std::path::{Path, PathBuf};

use crate::frontend::onnx::fault::Fault;
use crate::ir::infer;

/// Most elements that the constants of a model may have: a file of a kilobyte can ask for any number.
const MAX_CONSTANTS: usize = 1 << 29;

/// Most dimensions of a tensor.
const MAX_RANK: usize = 32;

/// The source of a model's constants.
pub(super) struct Store {
    /// Where files beside the model lie.
    pub(super) base: PathBuf,
    room: usize,
}

impl Store {
    /// An empty store for a model whose weights may lie in files in `base`.
    pub(super) fn new(base: &Path) -> Self {
        Self { base: base.to_path_buf(), room: MAX_CONSTANTS }
    }

    /// Makes room for `len` elements, before they are allocated.
    pub(super) fn take(&mut self, len: usize) -> Result<(), Fault> {
        let left = self.room.checked_sub(len);
        self.room = left.ok_or_else(|| {
            Fault::Unsupported("more than 2^29 elements of constants in one model".into())
        })?;
        Ok(())
    }
}

/// Elements of a tensor, if its shape is within limits. An empty dimension does not hide what the others multiply to.
pub(super) fn checked_len(shape: &[usize]) -> Result<usize, String> {
    if shape.len() > MAX_RANK {
        return Err(format!("a tensor of {} dimensions; {MAX_RANK} is the most", shape.len()));
    }
    let ones: Vec<usize> = shape.iter().map(|dim| (*dim).max(1)).collect();
    infer::checked_len(&ones)?;
    Ok(shape.iter().product())
}
