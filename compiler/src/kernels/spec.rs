//! What every kernel tells of itself.

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

    /// Whether its calls pass the token of the instruction set.
    fn takes_token(&self, _: &Site) -> bool {
        false
    }

    /// The order in which it reads weights, if it reads any, where its operand lies as said.
    fn order(&self, _: &Operand, _: Vectors) -> Option<PackOrder> {
        None
    }

    /// What takes its time.
    fn work(&self, _: &Operand) -> Work {
        Work::Elements
    }

    /// What of its first operand a call reads.
    fn footprint(&self) -> Footprint<'_> {
        Footprint::Elements
    }

    /// Computes what a call makes, by plain loops.
    fn compute(&self, host: &mut dyn Host) -> Result<()>;

    /// The number of each channel when all its pixels are there, of a kernel that takes row after row.
    fn pooled(&self, _: &dyn Host, _: &[Vec<f32>]) -> Result<Values> {
        unreachable!("a kernel that takes row after row makes something of them")
    }

    /// How it sees rows.
    fn flow(&self) -> Flow {
        Flow::Rows
    }

    /// Where the residual that it adds comes from.
    fn skip(&self) -> Skip {
        Skip::None
    }

    /// How its second operand is repeated.
    fn broadcast(&self) -> Broadcast {
        Broadcast::Same
    }

    /// Whether it brings rows of an image, and so what lies around them.
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

    /// What its const is called, if not after the operator or its role in a block.
    fn word(&self) -> Option<&'static str> {
        None
    }

    /// What it does to shapes, where that is not what the shapes of a step say.
    fn about(&self) -> Option<String> {
        None
    }
}

impl dyn Spec {
    /// Whether it knows no rows: of a streamed value it is given one row after the other, as slices.
    pub fn takes_slices(&self) -> bool {
        self.flow() == Flow::Slices
    }

    /// Whether a call of it makes all of its result, if it is not given slices.
    pub fn ignores_rows(&self) -> bool {
        self.flow() != Flow::Rows
    }

    /// Whether its second operand is one number, which is written out where it is constant.
    pub fn writes_second_out(&self) -> bool {
        self.broadcast() == Broadcast::Scalar
    }

    /// Whether its second operand is the same for every row.
    pub fn repeats_second(&self) -> bool {
        self.broadcast() != Broadcast::Same
    }

    /// Whether it leaves out the rows of its window that are not in the image.
    pub fn is_clipped(&self) -> bool {
        matches!(self.footprint(), Footprint::Clipped)
    }

    /// Whether it takes row after row into one number a channel.
    pub fn pools_all(&self) -> bool {
        matches!(self.footprint(), Footprint::Pooled)
    }
}

/// How much of its rows a call makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of some rows.
    Some,
    /// All of all rows.
    All,
    /// So many vectors of channels.
    Vectors(usize),
}

/// How a kernel sees rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// A call makes the rows that it is told to.
    Rows,
    /// It knows none, and is given slices: all of a value, or a row of it.
    Slices,
    /// It knows none, and is given whole values.
    Whole,
}

/// What of its first operand a call reads.
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
    /// The rows that it is told, taken into one number a channel.
    Pooled,
    /// Windows, cut where the image ends.
    Clipped,
    /// The rows that it writes, if the operand has them; else all.
    Elements,
    /// Any elements: what it writes lies at strides. Of a streamed value, elements of the row that it writes.
    Walk {
        /// Elements an axis, outermost first.
        shape: &'a [usize],
        /// Where the first element is written.
        into: usize,
        /// Elements of the result from one to the next along each axis.
        steps: &'a [isize],
    },
}

/// What takes a kernel's time.
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
        /// How many products.
        count: usize,
        /// Rows of left matrices, columns of them, and columns of right ones.
        sizes: [usize; 3],
    },
    /// Each element of the result once.
    Elements,
}
