//! Definition of an operator: its operands, shape, invariants, text, evaluation and traits.
//!
//! Each operator has a file that implements [`Definition`]; [`crate::ir::Op`] hands its value out, and everybody else
//! asks: shape inference, the verifier, the printer, the oracle, passes and the streaming of rows. What has a default
//! here is true of any operator that computes something new. Absent: kernels, machines and graphs.

use crate::error::Error;
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::Traits;
use crate::ir::{Dtype, Tensor, Values};

/// One operator, with its attributes.
pub trait Definition {
    /// The word snapshots and messages use.
    fn name(&self) -> &'static str;

    /// The operands, by port.
    fn ports(&self) -> Ports;

    /// Traits for passes and the streaming of rows.
    fn traits(&self) -> Traits;

    /// The shape that it makes of operands of the given shapes, by port; `None` where the operator itself carries the
    /// shape. `Err` says what does not fit.
    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String>;

    /// The numbers that it makes of its operands, by plain loops.
    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error>;

    /// True if each image of a batch is computed from its own part of the batched operands, and from all of the others.
    fn keeps_apart(&self, batch: &Batch<'_>) -> bool;

    /// The attributes, as a printed line shows them behind the operands; empty or beginning with a space.
    fn attributes(&self) -> String {
        String::new()
    }

    /// The type of the result if operand 0 has type `x`, for an operator that defines it; all others make floats of
    /// floats, and those that move keep the type.
    fn dtype(&self, _x: Dtype) -> Option<Dtype> {
        None
    }

    /// A breach of invariants beyond operands, shape and types.
    fn breach(&self, _site: &Site<'_>) -> Option<String> {
        None
    }

    /// The port of an operand that is handed on unchanged.
    fn unchanged(&self, _site: &Site<'_>) -> Option<usize> {
        None
    }

    /// True if every element of the result `to` lies where it lies in operand 0, which is `from`.
    fn is_view(&self, _from: &Tensor, _to: &Tensor) -> bool {
        false
    }

    /// The equivalent ONNX node, where one exists.
    fn in_onnx(&self) -> Option<OnnxNode> {
        None
    }

    /// Multiply-adds of an element of the result, counted as the paper does: of convolutions and dense layers only.
    fn madds(&self, _operands: &[&[usize]]) -> usize {
        0
    }

    /// Multiply-adds of an element of the result, or elements that are looked at for it.
    fn work(&self, operands: &[&[usize]]) -> usize {
        self.madds(operands)
    }
}

/// The operands of an operator.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Operands that have to be there; what is listed behind them may be.
    pub required: usize,
    /// Each operand.
    pub listed: &'static [PortSpec],
    /// Operands that may follow.
    pub rest: Rest,
}

/// One operand of an operator.
#[derive(Clone, Copy, Debug)]
pub struct PortSpec {
    /// The name that a printed line shows.
    pub name: &'static str,
    /// The only element type, for an operator that defines that of its result.
    pub dtype: Option<Dtype>,
    /// The permitted origin of the numbers.
    pub origin: Origin,
}

/// Permitted origins of an operand's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Anywhere.
    Any,
    /// Constants.
    Constant,
}

/// Operands behind the listed ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// None.
    None,
    /// Any number.
    Any,
}

impl Ports {
    /// No operands.
    pub const NONE: Self = Self::all(&[]);
    /// One operand.
    pub const X: Self = Self::all(&[PortSpec::any("x")]);
    /// One operand of floats.
    pub const FLOATS: Self = Self::all(&[PortSpec::of("x", Dtype::F32)]);
    /// One quantised operand (u8).
    pub const BYTES: Self = Self::all(&[PortSpec::of("x", Dtype::U8)]);
    /// Two operands of equal standing.
    pub const AB: Self = Self::all(&[PortSpec::any("a"), PortSpec::any("b")]);

    /// Operands of which each has to be there.
    pub const fn all(listed: &'static [PortSpec]) -> Self {
        Self { required: listed.len(), listed, rest: Rest::None }
    }

    /// Operands of which the first `required` have to be there.
    pub const fn at_least(required: usize, listed: &'static [PortSpec]) -> Self {
        Self { required, listed, rest: Rest::None }
    }
}

impl PortSpec {
    /// An operand of any type and origin.
    pub const fn any(name: &'static str) -> Self {
        Self { name, dtype: None, origin: Origin::Any }
    }

    /// An operand of one type.
    pub const fn of(name: &'static str, dtype: Dtype) -> Self {
        Self { name, dtype: Some(dtype), origin: Origin::Any }
    }

    /// A constant operand of one type.
    pub const fn constant(name: &'static str, dtype: Dtype) -> Self {
        Self { name, dtype: Some(dtype), origin: Origin::Constant }
    }
}

/// The shape of operand 0 of the operator called `name`.
pub(crate) fn first<'a>(operands: &[&'a [usize]], name: &str) -> Result<&'a [usize], String> {
    operands.first().copied().ok_or_else(|| format!("{name} reads no operand"))
}

/// The shape of operand 1; `missing` is said where there is none.
pub(crate) fn second<'a>(operands: &[&'a [usize]], missing: &str) -> Result<&'a [usize], String> {
    operands.get(1).copied().ok_or_else(|| missing.into())
}
