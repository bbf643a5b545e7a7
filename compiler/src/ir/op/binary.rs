//! Functions of two elements.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first, second};
use crate::ir::op::index::zip;
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Early, Layouts, Streams, Traits};
use crate::ir::{Values, infer};

/// Functions of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// The smaller.
    Min,
    /// The greater.
    Max,
    /// `a^b`.
    Pow,
}

impl Binary {
    /// The word snapshots and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Min => "min",
            Self::Max => "max",
            Self::Pow => "pow",
        }
    }

    /// The function of `a` and `b`.
    pub(crate) fn apply(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Min | Self::Max if a.is_nan() || b.is_nan() => f32::NAN,
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::Pow => a.powf(b),
        }
    }

    /// The number that changes nothing as the second operand, and whether it does as the first.
    fn neutral(self) -> (f32, bool) {
        match self {
            Self::Add => (0.0, true),
            Self::Sub => (0.0, false),
            Self::Mul => (1.0, true),
            Self::Div | Self::Pow => (1.0, false),
            Self::Min => (f32::INFINITY, true),
            Self::Max => (f32::NEG_INFINITY, true),
        }
    }
}

impl Definition for Binary {
    fn name(&self) -> &'static str {
        Self::name(*self)
    }

    fn ports(&self) -> Ports {
        Ports::AB
    }

    fn traits(&self) -> Traits {
        Traits { early: Early::Always, ..Traits::new(Layouts::Alike, Streams::Pairs) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let b = second(operands, "one operand is missing")?;
        infer::broadcast(first(operands, Definition::name(self))?, b).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let (a, b) = (reads.floats(0)?, reads.floats(1)?);
        Ok(Values::F32(zip(a, b, &reads.out.shape, |a, b| self.apply(a, b))))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.fits(0) && batch.fits(1)
    }

    fn unchanged(&self, site: &Site<'_>) -> Option<usize> {
        let (neutral, commutes) = self.neutral();
        let is_neutral = |port| site.scalar(port) == Some(neutral);
        let keeps_shape = |port| site.shape(port) == Some(&site.out.shape[..]);
        if is_neutral(1) && keeps_shape(0) {
            Some(0)
        } else {
            (commutes && is_neutral(0) && keeps_shape(1)).then_some(1)
        }
    }

    fn in_onnx(&self) -> Option<OnnxNode> {
        let op = match self {
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Min => "Min",
            Self::Max => "Max",
            Self::Pow => "Pow",
        };
        Some(OnnxNode::new(op, vec![]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_of_a_number_and_nan_is_nan() {
        for f in [Binary::Min, Binary::Max] {
            assert!(f.apply(1.0, f32::NAN).is_nan() && f.apply(f32::NAN, 1.0).is_nan());
        }
    }

    #[test]
    fn binary_functions_take_their_textbook_values() {
        let cases = [
            (Binary::Add, 5.0),
            (Binary::Sub, 1.0),
            (Binary::Mul, 6.0),
            (Binary::Div, 1.5),
            (Binary::Min, 2.0),
            (Binary::Max, 3.0),
            (Binary::Pow, 9.0),
        ];
        for (f, y) in cases {
            assert_eq!(f.apply(3.0, 2.0), y, "{}", Binary::name(f));
        }
    }
}
