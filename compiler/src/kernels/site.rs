//! The site of a kernel: layouts of its operands and its result, and the part of a row that a call makes.

use mnv2c_runtime::ring::Rows;

use crate::ir::Dtype;

/// The stage that a kernel runs in, as the kernel sees it.
#[derive(Clone, Debug)]
pub struct Site {
    /// The operands: the streamed one first.
    pub from: Vec<Operand>,
    /// The result.
    pub into: Operand,
    /// True if the result overwrites the first operand.
    pub over: bool,
    /// The part of a row that one call makes.
    pub part: Part,
    /// Equal parts of its pixels, or panels of its channels, that threads share.
    pub shares: usize,
}

/// An operand or a result in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Its rows in memory.
    pub rows: Rows,
    /// Rows of the image.
    pub height: usize,
    /// Its element type.
    pub element: Element,
}

/// Element types of values in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Floats; padding is 0.
    F32,
    /// Floats that are stored as halves; padding is 0.
    F16,
    /// Floats that are stored as bf16; padding is 0.
    Bf16,
    /// Integers that the caller takes.
    I32,
    /// Integers that the caller takes.
    I64,
    /// Bytes.
    U8 {
        /// The value of padding.
        zero: u8,
    },
}

/// The part of a row that one call of a kernel makes; a stage and its reader are interleaved part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Row,
    /// A number of pixels.
    Pixels(usize),
    /// A number of channels of each pixel.
    Channels(usize),
    /// A strip of columns of all rows that one row of its reader reads.
    Strip(Strip),
}

/// Columns that move over a row: each strip keeps the last ones of the strip before it and computes those it adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strip {
    /// Columns computed before the first strip.
    pub first: usize,
    /// Columns that each strip adds.
    pub adds: usize,
    /// Columns that the last strip adds; fewer where the window ends in zeros.
    pub last: usize,
    /// Pixels of the tile that computes the last ones.
    pub last_tile: usize,
    /// Pixels of the reader's row that a strip serves.
    pub pixels: usize,
}

/// Broadcasting of a second operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broadcast {
    /// Not at all: equal shapes.
    Same,
    /// One number a channel, the innermost dimension.
    Channel,
    /// One number.
    Scalar,
}

/// Sources of a residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// There is none.
    None,
    /// The second operand.
    Other,
    /// The output's own memory, which holds the residual until it is overwritten.
    InPlace,
}

impl Site {
    /// The first operand, which all kernels but one have.
    pub fn first(&self) -> Operand {
        self.from[0]
    }

    /// True if its operand is bytes.
    pub fn reads_bytes(&self) -> bool {
        self.from.first().is_some_and(|from| from.element.bytes() == 1)
    }

    /// True if bytes become floats of any kind.
    pub fn widens(&self) -> bool {
        self.reads_bytes() && self.into.element.bytes() > 1
    }
}

impl Element {
    /// The element type in memory of a type of the graph.
    pub fn of(dtype: Dtype) -> Self {
        match dtype {
            Dtype::U8 | Dtype::I8 => Self::U8 { zero: 0 },
            Dtype::F16 => Self::F16,
            Dtype::Bf16 => Self::Bf16,
            Dtype::I32 => Self::I32,
            Dtype::I64 => Self::I64,
            Dtype::F32 => Self::F32,
        }
    }

    /// Bytes of one.
    pub fn bytes(self) -> usize {
        match self {
            Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::U8 { .. } => 1,
        }
    }
}
