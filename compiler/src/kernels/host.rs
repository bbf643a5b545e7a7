//! The memory that plain loops read and write: what lies where a call reads, whoever holds it.

use std::ops::Range;

use crate::error::Result;
use crate::interp::Array;
use crate::ir::{Conv, Op, Values};
use crate::kernels::site::Site;

/// The memory that a call of a kernel reads and writes.
pub trait Host {
    /// Layouts of operands and result.
    fn site(&self) -> &Site;

    /// The rows of the result that the call makes.
    fn rows(&self) -> Range<usize>;

    /// The part of the first operand that the call reads, `[1, channels, rows, columns]`, and the row of the image that
    /// its first one is.
    fn image(&self) -> (Array, isize);

    /// Elements of an operand, of that in memory or of a constant, in the order of memory.
    fn along(&self, port: usize) -> Option<Values>;

    /// An operand in the shape that it has in the model.
    fn whole(&self, port: usize) -> Array;

    /// The first operand's elements of these numbers.
    fn gather(&self, elements: &mut dyn Iterator<Item = usize>) -> Values;

    /// The bytes of the packed weights.
    fn packed(&self) -> &[u8];

    /// Elements that the call writes.
    fn written(&self) -> usize;

    /// Columns that the call writes.
    fn columns(&self) -> usize;

    /// The shape of the result in the model.
    fn shape(&self) -> &[usize];

    /// Stores values where the call writes, by channel, row and column.
    fn put(&mut self, values: &Values);

    /// Puts numbers where the call writes, in the order of memory.
    fn put_along(&mut self, values: &Values);

    /// Stores values in the elements of the result at these indices.
    fn scatter(&mut self, elements: &mut dyn Iterator<Item = usize>, values: &Values);

    /// The result, of some shape, of an operator on operands by their ports: the oracle's loops.
    fn oracle(&self, op: Op, shape: &[usize], operands: &[(usize, Array)]) -> Result<Values>;

    /// Computes a convolution of what is read: the oracle's, over the channels that are written.
    fn convolve(&mut self, conv: &Conv) -> Result<()>;

    /// Keeps the rows that are read until all are there.
    fn keep(&mut self);
}
