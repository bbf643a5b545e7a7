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
    /// 1 where `a == b`, else 0.
    Equal,
    /// 1 where `a != b`, else 0.
    NotEqual,
    /// 1 where `a < b`, else 0.
    Less,
    /// 1 where `a <= b`, else 0.
    LessOrEqual,
    /// 1 where `a > b`, else 0.
    Greater,
    /// 1 where `a >= b`, else 0.
    GreaterOrEqual,
    /// `b` where `a` is not 0; else -0, which added to anything leaves it as it is.
    Then,
    /// `b` where `a` is 0; else -0.
    Else,
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
            Self::Equal => "equal",
            Self::NotEqual => "not_equal",
            Self::Less => "less",
            Self::LessOrEqual => "less_or_equal",
            Self::Greater => "greater",
            Self::GreaterOrEqual => "greater_or_equal",
            Self::Then => "then",
            Self::Else => "else",
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
            Self::Equal => truth(a == b),
            Self::NotEqual => truth(a != b),
            Self::Less => truth(a < b),
            Self::LessOrEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterOrEqual => truth(a >= b),
            Self::Then if a != 0.0 => b,
            Self::Else if a == 0.0 => b,
            Self::Then | Self::Else => -0.0,
        }
    }

    /// The number that changes nothing as the second operand, and whether it does as the first.
    fn neutral(self) -> Option<(f32, bool)> {
        match self {
            Self::Add => Some((0.0, true)),
            Self::Sub => Some((0.0, false)),
            Self::Mul => Some((1.0, true)),
            Self::Div | Self::Pow => Some((1.0, false)),
            Self::Min => Some((f32::INFINITY, true)),
            Self::Max => Some((f32::NEG_INFINITY, true)),
            Self::Equal | Self::NotEqual | Self::Less | Self::LessOrEqual => None,
            Self::Greater | Self::GreaterOrEqual | Self::Then | Self::Else => None,
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
        let (neutral, commutes) = self.neutral()?;
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
            // What is true is a number here, and of a type of its own in files.
            Self::Equal | Self::NotEqual | Self::Less | Self::LessOrEqual => return None,
            Self::Greater | Self::GreaterOrEqual | Self::Then | Self::Else => return None,
        };
        Some(OnnxNode::new(op, vec![]))
    }
}

/// A truth value as a number.
fn truth(holds: bool) -> f32 {
    f32::from(u8::from(holds))
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
    fn what_is_chosen_is_the_sum_of_both_sides() {
        let numbers = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 3.0];
        for (a, b) in numbers.iter().flat_map(|a| numbers.map(|b| (*a, b))) {
            for (which, chosen) in [(1.0, a), (0.0, b)] {
                let sum = Binary::Then.apply(which, a) + Binary::Else.apply(which, b);
                assert!(sum.to_bits() == chosen.to_bits() || sum.is_nan() && chosen.is_nan());
            }
        }
    }

    #[test]
    fn nothing_compares_to_nan() {
        use Binary::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        for f in [Equal, Less, LessOrEqual, Greater, GreaterOrEqual] {
            assert_eq!([f.apply(f32::NAN, 1.0), f.apply(f32::NAN, f32::NAN)], [0.0; 2]);
        }
        assert_eq!(NotEqual.apply(f32::NAN, f32::NAN), 1.0);
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
            (Binary::Equal, 0.0),
            (Binary::NotEqual, 1.0),
            (Binary::Less, 0.0),
            (Binary::LessOrEqual, 0.0),
            (Binary::Greater, 1.0),
            (Binary::GreaterOrEqual, 1.0),
            (Binary::Then, 2.0),
            (Binary::Else, 0.0),
        ];
        for (f, y) in cases {
            assert_eq!(f.apply(3.0, 2.0), y, "{}", Binary::name(f));
        }
    }
}
