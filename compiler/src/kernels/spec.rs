//! The description that every kernel gives of itself.

use crate::error::Result;
use crate::ir::{Conv, Values};
use crate::kernels::host::Host;
use crate::kernels::site::{Broadcast, Operand, Site, Skip};
use crate::kernels::value::{Constant, Invocation};
use crate::kernels::weights::{PackOrder, Vectors};

/// A kernel's description. What most kernels have in common is the default.
pub trait Spec {
    /// The consts that hold its numbers.
    fn constants(&self, site: &Site) -> Vec<Constant>;

    /// The call that makes so much of its rows.
    fn call(&self, site: &Site, extent: Extent) -> Invocation;

    /// The call that makes means of sums, if calls leave sums.
    fn finish(&self, _: &Site) -> Option<Invocation> {
        None
    }

    /// True if its calls pass the token of the instruction set.
    fn takes_token(&self, _: &Site) -> bool {
        false
    }

    /// The order in which it reads weights, if it reads any, where its operand lies as said.
    fn order(&self, _: &Operand, _: Vectors) -> Option<PackOrder> {
        None
    }

    /// The work that takes its time.
    fn work(&self, _: &Operand) -> Work {
        Work::Elements
    }

    /// The part of its first operand that a call reads.
    fn footprint(&self) -> Footprint<'_> {
        Footprint::Elements
    }

    /// Computes what a call makes, by plain loops.
    fn compute(&self, host: &mut dyn Host) -> Result<()>;

    /// The number of each channel when all its pixels are there, of a kernel that takes row after row.
    fn pooled(&self, _: &dyn Host, _: &[Vec<f32>]) -> Result<Values> {
        unreachable!("a kernel that takes row after row makes something of them")
    }

    /// Its granularity in rows.
    fn flow(&self) -> Flow {
        Flow::Rows
    }

    /// The source of the residual that it adds.
    fn skip(&self) -> Skip {
        Skip::None
    }

    /// The broadcasting of its second operand.
    fn broadcast(&self) -> Broadcast {
        Broadcast::Same
    }

    /// True if it brings rows of an image, with their padding.
    fn loads(&self) -> bool {
        false
    }

    /// Pixels and vectors of the tile of a matrix kernel.
    fn tile(&self) -> Option<[usize; 2]> {
        None
    }

    /// Pixels and vectors that its registers hold.
    fn registers(&self) -> Option<[usize; 2]> {
        self.tile()
    }

    /// The name of its const, if not after the operator or its role in a block.
    fn word(&self) -> Option<&'static str> {
        None
    }

    /// Its effect on shapes, if the shapes of a step do not show it.
    fn about(&self) -> Option<String> {
        None
    }
}

impl dyn Spec {
    /// True if it takes no rows: of a streamed value it is given one row after the other, as slices.
    pub fn takes_slices(&self) -> bool {
        self.flow() == Flow::Slices
    }

    /// True if a call of it makes all of its result, if it is not given slices.
    pub fn ignores_rows(&self) -> bool {
        self.flow() != Flow::Rows
    }

    /// True if its second operand is one number, which is written out where it is constant.
    pub fn writes_second_out(&self) -> bool {
        self.broadcast() == Broadcast::Scalar
    }

    /// True if every row reads its whole second operand again.
    pub fn repeats_second(&self) -> bool {
        self.broadcast() != Broadcast::Same
    }

    /// True if it leaves out the rows of its window that are not in the image.
    pub fn is_clipped(&self) -> bool {
        matches!(self.footprint(), Footprint::Clipped)
    }

    /// True if it takes row after row into one number a channel.
    pub fn pools_all(&self) -> bool {
        matches!(self.footprint(), Footprint::Pooled)
    }
}

/// The part of its rows that a call makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of some rows.
    Some,
    /// All of all rows.
    All,
    /// A number of vectors of channels.
    Vectors(usize),
}

/// The granularity of a kernel in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// A call makes the given rows.
    Rows,
    /// It knows none, and is given slices: all of a value, or a row of it.
    Slices,
    /// It knows none, and is given whole values.
    Whole,
}

/// The part of its first operand that a call reads.
#[derive(Clone, Copy, Debug)]
pub enum Footprint<'a> {
    /// The pixels that it writes, of one long row.
    Long,
    /// The pixels that it writes, all channels of each.
    Points,
    /// Windows of all channels.
    Windows,
    /// Windows of the channels that it writes.
    Channels(&'a Conv),
    /// The given rows, reduced to one number a channel.
    Pooled,
    /// Windows, cut where the image ends.
    Clipped,
    /// The rows that it writes, if the operand has them; else all.
    Elements,
    /// Any elements: what it writes lies at strides. Of a streamed value, elements of the row that it writes.
    Walk {
        /// Elements an axis, outermost first.
        shape: &'a [usize],
        /// The offset of the first element written.
        into: usize,
        /// Elements of the result from one to the next along each axis.
        steps: &'a [isize],
    },
}

/// The work that takes a kernel's time.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// A product, each of whose sums has so many terms.
    Product {
        /// Terms of a sum.
        depth: usize,
    },
    /// Windows of each channel.
    Windows {
        /// Terms of a sum.
        taps: usize,
    },
    /// Products of matrices that lie in rows.
    Matrices {
        /// Products.
        count: usize,
        /// Rows of left matrices, columns of them, and columns of right ones.
        sizes: [usize; 3],
    },
    /// Each element of the result once.
    Elements,
}
