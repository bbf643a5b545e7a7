//! Traits of operators: the table that passes and the streaming of rows read in place of a match on every operator.

use std::ops::Range;

/// Traits of an operator, whatever graph it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Layouts of operands and result.
    pub layouts: Layouts,
    /// The way rows flow through it.
    pub streams: Streams,
    /// The reduction of a whole image to one number a channel, if that is the operator.
    pub pools: Option<Pooling>,
    /// Elements that are computed, moved or widened.
    pub elements: Elements,
    /// Operands that a kernel needs as constants.
    pub constants: Option<Constants>,
    /// The time at which the reader of a file folds it, if its operands are constant.
    pub early: Early,
    /// The effect of a second application in a row.
    pub again: Again,
    /// The storage of its result until it is whole.
    pub sums: Sums,
}

/// Classes of operators by what they do to elements.
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

/// Layout constraints of an operator.
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

/// Ways in which rows of images flow through an operator.
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

/// A reduction of all pixels of a channel to one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// The reduction.
    pub kind: Reducer,
    /// Height and width of the image for which this holds, if not of any.
    pub size: Option<[usize; 2]>,
}

/// Reductions of a slice to one number.
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
    /// Their name in the plural.
    pub what: &'static str,
}

/// Times at which the reader of a file folds an operator on constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// At once: the result is no larger than its largest operand broadcast.
    Always,
    /// If the result is small, or no larger than the operands.
    IfSmall,
    /// It stays, for passes to fold if that pays, or is read in another way.
    Later,
}

/// Effects of applying an operator to its own result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// A change, or one that another pass knows of.
    Computes,
    /// None: the operator is idempotent.
    Nothing,
}

/// Storage of results until they are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// In registers: an element is stored once, in whatever type it is kept.
    Registers,
    /// In the memory of the result, which therefore has the type of the sums.
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

    /// True if elements of any type are only moved, or compared.
    pub fn moves(&self) -> bool {
        matches!(self.elements, Elements::Moved | Elements::MovedOrWidened)
    }

    /// True if the operator turns the bytes of an image into floats.
    pub fn widens(&self) -> bool {
        matches!(self.elements, Elements::Widened | Elements::MovedOrWidened)
    }

    /// True if it slides a window over images, or takes them whole: kernels of such work on one image.
    pub fn takes_images(&self) -> bool {
        matches!(self.layouts, Layouts::Pixels | Layouts::Convolution)
    }
}
