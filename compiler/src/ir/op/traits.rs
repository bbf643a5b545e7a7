//! Traits of operators: the table that passes and the streaming of rows read in place of a match on every operator.

use std::ops::Range;

/// What is true of an operator, whatever graph it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// How operands and result lie.
    pub layouts: Layouts,
    /// How rows flow through it.
    pub streams: Streams,
    /// How one number a channel is made of a whole image, if that is what it does.
    pub pools: Option<Pooling>,
    /// What of its numbers is computed.
    pub elements: Elements,
    /// Operands that a kernel needs as constants.
    pub constants: Option<Constants>,
    /// Whether the reader of a file computes it of constants at once.
    pub early: Early,
    /// What a second application in a row does.
    pub again: Again,
    /// Where its result is until it is whole.
    pub sums: Sums,
}

/// What of its numbers an operator computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// All: floats of floats, or as the operator says.
    Computed,
    /// None: elements of any type are only moved, or compared.
    Moved,
    /// Floats; but operand 0 may be the bytes of an image, which become floats.
    Widened,
    /// None, but that the bytes of an image may become floats.
    MovedOrWidened,
}

/// How an operator takes and makes layouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layouts {
    /// Nothing is read; the result is row-major.
    Source,
    /// Operands and result are row-major.
    Rows,
    /// Operands and result are NHWC, images taken one at a time.
    Pixels,
    /// Like [`Layouts::Pixels`]; but weights and biases (ports 1 and 2) are row-major, and an input of the model may
    /// be read as planes.
    Convolution,
    /// Operands and result lie alike, whichever way.
    Alike,
    /// Like [`Layouts::Alike`]; but on the way from planes to a window that wants pixels, the operand lies as it does.
    Converted,
    /// As the node says: to lie otherwise is all it does.
    Own,
    /// As lets it move nothing, or else as its readers want it.
    Permuted,
    /// As lets it move nothing, or else row-major.
    Regrouped,
    /// Over the listed axes; the others have to lie in their order if those are gone from the result.
    Reduced(Vec<usize>),
}

/// How rows of images flow through an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Not at all.
    No,
    /// Each row of the result is made of the row at its place in operand 0, or of those around it.
    Rows,
    /// Rows of windows with weights.
    Convolution,
    /// Rows of windows of which each holds a row of the image.
    Windows(Window),
    /// Rows of two operands, the second of which may repeat a number, or one a channel.
    Pairs,
    /// Rows of two operands of the result's shape.
    PairsAlike,
    /// The channels of all operands, one after another.
    Channels,
    /// The channels of each pixel in another order.
    Shuffled,
    /// Rows of numbers of another type, maybe from planes.
    Converted,
    /// From rows into one number a channel: see [`Pooling`].
    Pooled,
}

/// Rows that a window takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows of the window.
    pub kernel: usize,
    /// Rows from one window to the next.
    pub stride: usize,
    /// Distance between taps.
    pub dilation: usize,
    /// Rows of padding above.
    pub above: usize,
}

/// How one number is made of all pixels of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// What is taken of the pixels.
    pub kind: Reducer,
    /// Height and width of the image for which this holds, if not of any.
    pub size: Option<[usize; 2]>,
}

/// What is taken of each slice that becomes one number.
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

/// Operands that have to be constant for a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constants {
    /// Their ports.
    pub ports: Range<usize>,
    /// What they are, in the plural.
    pub what: &'static str,
}

/// Whether an operator on constants is computed while a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// It is: the result is no larger than what is broadcast into it.
    Always,
    /// If the result is small, or no larger than the operands.
    IfSmall,
    /// It stays, for passes to fold if that pays, or is read in another way.
    Later,
}

/// What applying an operator to its own result does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Something, or something that another pass knows of.
    Computes,
    /// Nothing.
    Nothing,
}

/// Where results are until they are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// In registers: an element is stored once, in whatever type it is kept.
    Registers,
    /// Where the result lies, which therefore is as wide as what is computed.
    Memory,
}

impl Traits {
    /// An operator that computes, of no constants, and later than a file is read.
    pub fn new(layouts: Layouts, streams: Streams) -> Self {
        Self {
            layouts,
            streams,
            pools: None,
            elements: Elements::Computed,
            constants: None,
            early: Early::Later,
            again: Again::Computes,
            sums: Sums::Registers,
        }
    }

    /// An operator that only moves elements.
    pub fn moved(layouts: Layouts, streams: Streams) -> Self {
        Self { elements: Elements::Moved, ..Self::new(layouts, streams) }
    }

    /// Whether elements of any type are only moved, or compared.
    pub fn moves(&self) -> bool {
        matches!(self.elements, Elements::Moved | Elements::MovedOrWidened)
    }

    /// Whether the bytes of an image become floats in it.
    pub fn widens(&self) -> bool {
        matches!(self.elements, Elements::Widened | Elements::MovedOrWidened)
    }

    /// Whether it slides a window over images, or takes them whole: kernels of such work on one image.
    pub fn takes_images(&self) -> bool {
        matches!(self.layouts, Layouts::Pixels | Layouts::Convolution)
    }
}
