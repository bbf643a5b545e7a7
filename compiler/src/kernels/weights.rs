//! The orders in which kernels read their weights.

/// The order in which a kernel reads its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PackOrder {
    /// Panels of `columns` output channels: biases, then the window's inputs. See `runtime::kernel::conv`.
    Panels {
        /// Output channels of a panel.
        columns: usize,
        /// True if inputs are read as planes: by row, channel, column instead of row, column, channel.
        planes: bool,
    },
    /// Panels of `columns` output channels: biases, then the inputs of each point of tiles of `out` outputs. See
    /// `runtime::kernel::winograd`.
    Winograd {
        /// Output rows, and pixels, of a tile.
        out: usize,
        /// Output channels of a panel.
        columns: usize,
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
    /// Panels of `columns` output channels of bytes: biases, multipliers (and exponents), quads of weights. See
    /// `runtime::simd::quads`.
    QPanels {
        /// Output channels of a panel.
        columns: usize,
        /// Inputs of the window that lie side by side; a row of it may end in fewer.
        run: usize,
    },
    /// Vectors of `lanes` channels of bytes: biases, multipliers (and exponents), then four rows of each column of the
    /// window.
    QDepthwise {
        /// Channels of a vector.
        lanes: usize,
    },
    /// The 256 entries of a function of a byte, or the powers of a softmax.
    Table,
    /// The 256 entries of each channel of an image that a convolution looks up.
    Tables,
}

/// Vectors that a machine multiplies weights in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vectors {
    /// Channels of one.
    pub lanes: usize,
    /// True if pairs of such weights are multiplied by pairs of bf16.
    pub pairs: bool,
}
