//! Bounds of each element: Relu, Relu6 and Clip.

use std::fmt;

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Early, Layouts, Streams, Traits};

/// Bounds of a value; infinite where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    /// Least value.
    pub lo: f32,
    /// Greatest value.
    pub hi: f32,
}

impl Clamp {
    /// No bounds.
    pub const NONE: Self = Self { lo: f32::NEG_INFINITY, hi: f32::INFINITY };
    /// At least 0.
    pub const RELU: Self = Self { lo: 0.0, hi: f32::INFINITY };
    /// Between 0 and 6, the paper's nonlinearity.
    pub const RELU6: Self = Self { lo: 0.0, hi: 6.0 };

    /// This clamp and then `next`, as one.
    pub fn then(self, next: Self) -> Self {
        Self { lo: self.lo.clamp(next.lo, next.hi), hi: self.hi.clamp(next.lo, next.hi) }
    }

    /// `x` between the bounds; NaN stays NaN.
    pub fn apply(self, x: f32) -> f32 {
        if x < self.lo {
            self.lo
        } else if x > self.hi {
            self.hi
        } else {
            x
        }
    }
}

impl fmt::Display for Clamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.lo.is_finite(), self.hi.is_finite()) {
            (true, true) => write!(f, "{}..{}", self.lo, self.hi),
            (true, false) => write!(f, "{}..", self.lo),
            (false, true) => write!(f, "..{}", self.hi),
            (false, false) => f.write_str(".."),
        }
    }
}

impl Definition for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        Traits { early: Early::Always, ..Traits::new(Layouts::Alike, Streams::Rows) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let x = reads.floats(0)?.values.iter();
        Ok(Values::F32(x.map(|x| self.apply(*x)).collect()))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        format!(" {self}")
    }

    fn unchanged(&self, _: &Site<'_>) -> Option<usize> {
        (*self == Self::NONE).then_some(0)
    }
}
