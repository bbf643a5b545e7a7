//! The site of an operator: its operands and result, seen without the graph.

use std::ops::Range;

use crate::ir::{Tensor, Values};

/// Operands and result of a node.
pub struct Site<'a> {
    /// The result.
    pub out: &'a Tensor,
    /// The operands, by port.
    pub operands: Vec<Operand<'a>>,
}

/// An operand of a node.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    /// The port at which it is read.
    pub port: usize,
    /// Its description.
    pub tensor: &'a Tensor,
    /// Its numbers, if it is a constant.
    pub constant: Option<&'a Values>,
}

impl<'a> Site<'a> {
    /// The operand at `port`.
    pub fn operand(&self, port: usize) -> Option<Operand<'a>> {
        self.operands.iter().copied().find(|operand| operand.port == port)
    }

    /// The shape of the operand at `port`.
    pub fn shape(&self, port: usize) -> Option<&'a [usize]> {
        self.operand(port).map(|operand| operand.tensor.shape.as_slice())
    }

    /// All shapes, by port.
    pub fn shapes(&self) -> Vec<&'a [usize]> {
        self.operands.iter().map(|operand| operand.tensor.shape.as_slice()).collect()
    }

    /// True if the result has the shape of operand 0.
    pub fn keeps_shape(&self) -> bool {
        self.shape(0) == Some(&self.out.shape[..])
    }

    /// The number that all elements of a constant at `port` are, if it changes no shape when broadcast.
    pub fn scalar(&self, port: usize) -> Option<f32> {
        let operand = self.operand(port)?;
        let (own, shape) = (&operand.tensor.shape, &self.out.shape);
        let mut dims = own.iter().rev().zip(shape.iter().rev());
        let fits = own.len() <= shape.len() && dims.all(|(own, dim)| *own == 1 || own == dim);
        let values = operand.constant?.as_f32().filter(|_| fits)?;
        let first = *values.first()?;
        values.iter().all(|value| *value == first).then_some(first)
    }

    /// The breach of a result that does not have `len` elements; `what` is the verb of the message.
    pub fn other_len(&self, what: &str, len: usize) -> Option<String> {
        (len != self.out.len()).then(|| format!("{what} {len} elements as {}", self.out))
    }

    /// The breach of operand and result types that do not fit.
    pub fn mistyped(&self) -> String {
        let read: Vec<String> =
            self.operands.iter().map(|operand| operand.tensor.to_string()).collect();
        format!("makes {} of {}", self.out, read.join(", "))
    }
}

/// A node some of whose operands follow the images of a batch.
pub struct Batch<'a> {
    /// The node.
    pub site: Site<'a>,
    /// True for each port whose operand follows the batch.
    pub moving: &'a dyn Fn(usize) -> bool,
}

impl Batch<'_> {
    /// True if the operand at `port` follows the batch.
    pub fn moves(&self, port: usize) -> bool {
        (self.moving)(port)
    }

    /// True if none of `ports` follows the batch.
    pub fn fixed(&self, mut ports: Range<usize>) -> bool {
        ports.all(|port| !self.moves(port))
    }

    /// True if the broadcast operand at `port` is repeated for every image, or has a part for each.
    pub fn fits(&self, port: usize) -> bool {
        let (shape, out) = (self.shape(port), &self.site.out.shape);
        let aligned = shape.len() == out.len();
        if self.moves(port) { aligned && shape[0] == out[0] } else { !aligned || shape[0] == 1 }
    }

    /// True if the residual of a convolution follows the batch with its image, and weights and bias do not.
    pub fn convolves(&self) -> bool {
        self.moves(0) && (self.site.operand(3).is_none() || self.moves(3))
    }

    /// The shape of the operand at `port`; empty if absent.
    pub fn shape(&self, port: usize) -> &[usize] {
        self.site.shape(port).unwrap_or_default()
    }
}
