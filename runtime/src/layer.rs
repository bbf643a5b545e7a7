//! Descriptions of a network's kernels, where it was asked to hold them.

/// A kernel of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The operator's name in the model.
    pub name: &'static str,
    /// The kernel that runs it.
    pub kernel: &'static str,
    /// The shape of its result, as the model has it.
    pub shape: &'static [usize],
    /// Multiply-adds of one inference.
    pub madds: u64,
    /// Bytes of the weights that it reads.
    pub weights_bytes: usize,
}
