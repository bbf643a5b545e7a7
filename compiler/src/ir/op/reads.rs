//! Operands of an operator under evaluation: arrays by port, asked for by the type they need to have.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::ir::{Arithmetic, Array, Tensor};

/// Operands of a node under evaluation.
pub struct Reads<'a> {
    /// The node's name, for messages.
    pub name: &'a str,
    /// The operator's name, for messages.
    pub op: &'static str,
    /// The result.
    pub out: &'a Tensor,
    /// The arithmetic by which sums are requantised.
    pub arithmetic: Arithmetic,
    /// The operands, by port.
    pub arrays: BTreeMap<usize, &'a Array>,
}

/// An array known to hold numbers of type `T`.
#[derive(Clone, Copy)]
pub struct View<'a, T> {
    /// Dimensions, outermost first.
    pub shape: &'a [usize],
    /// The numbers, in row-major order.
    pub values: &'a [T],
}

/// An array known to hold floats.
pub type Floats<'a> = View<'a, f32>;

/// An array known to hold unsigned bytes.
pub type Bytes<'a> = View<'a, u8>;

impl<'a> Reads<'a> {
    /// The array at `port`.
    pub fn array(&self, port: usize) -> Result<&'a Array> {
        let array = self.arrays.get(&port).copied();
        array.ok_or_else(|| self.fault(format!("has no operand {port}")))
    }

    /// Floats that are read at `port`.
    pub fn floats(&self, port: usize) -> Result<Floats<'a>> {
        let array = self.array(port)?;
        Ok(View { shape: &array.shape, values: self.numbers(port, array)? })
    }

    /// The numbers of what is read at `port`, which have to be floats.
    pub fn numbers<'b>(&self, port: usize, array: &'b Array) -> Result<&'b [f32]> {
        array.values.as_f32().ok_or_else(|| {
            let dtype = array.values.dtype();
            self.fault(format!(
                "reads {dtype} at operand {port}; only floats are computed: cast it"
            ))
        })
    }

    /// Floats that may be read at `port`.
    pub fn optional(&self, port: usize) -> Result<Option<Floats<'a>>> {
        let present = self.arrays.contains_key(&port);
        present.then(|| self.floats(port)).transpose()
    }

    /// Bytes that are read at `port`.
    pub fn bytes(&self, port: usize) -> Result<Bytes<'a>> {
        let array = self.array(port)?;
        let values = array.values.as_u8();
        let values = values.ok_or_else(|| self.mistyped(port, "u8"))?;
        Ok(View { shape: &array.shape, values })
    }

    /// Quantised weights (i8), which are read at port 1.
    pub fn weights(&self) -> Result<View<'a, i8>> {
        let array = self.array(1)?;
        let values = array.values.as_i8().ok_or_else(|| self.mistyped(1, "i8"))?;
        Ok(View { shape: &array.shape, values })
    }

    /// A bias of quantised sums (i32), which may be read at port 2.
    pub fn bias(&self) -> Result<Option<&'a [i32]>> {
        let Some(array) = self.arrays.get(&2) else { return Ok(None) };
        array.values.as_i32().map(Some).ok_or_else(|| self.mistyped(2, "i32"))
    }

    /// All arrays, by port.
    pub fn all(&self) -> Vec<&'a Array> {
        self.arrays.values().copied().collect()
    }

    /// An operand of the wrong type.
    pub fn mistyped(&self, port: usize, wanted: &str) -> Error {
        let found =
            self.arrays.get(&port).map_or_else(String::new, |x| x.values.dtype().to_string());
        self.fault(format!("reads {found} at operand {port}, where {wanted} belongs"))
    }

    /// An error of the node.
    pub fn fault(&self, what: String) -> Error {
        Error::Node { name: self.name.into(), op: self.op.into(), what }
    }
}
