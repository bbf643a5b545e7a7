//! Running sums along one axis: each element with those before it, or those behind it.

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Early, Layouts, Streams, Traits};

/// Attributes of running sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CumSum {
    /// The dimension along which sums run.
    pub axis: usize,
    /// True if an element itself is left out of its sum.
    pub exclusive: bool,
    /// True if sums run from the last element to the first.
    pub reverse: bool,
}

impl Definition for CumSum {
    fn name(&self) -> &'static str {
        "cum_sum"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        Traits { early: Early::Always, ..Traits::new(Layouts::Alike, Streams::No) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let x = first(operands, self.name())?;
        let fits = self.axis < x.len();
        fits.then(|| Some(x.to_vec())).ok_or_else(|| format!("{x:?} has no axis {}", self.axis))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(Values::F32(running(*self, reads.floats(0)?)))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        self.axis != 0
    }

    fn attributes(&self) -> String {
        let said = |on, name| if on { name } else { "" };
        let (exclusive, reverse) =
            (said(self.exclusive, " exclusive"), said(self.reverse, " reverse"));
        format!(" axis {}{exclusive}{reverse}", self.axis)
    }

    fn in_onnx(&self) -> Option<OnnxNode> {
        let ways = [("exclusive", self.exclusive), ("reverse", self.reverse)];
        let attributes = ways.map(|(name, is)| (name, is.into())).into();
        let operand = Some(("axis", vec![self.axis as i64]));
        Some(OnnxNode { operand, ..OnnxNode::new("CumSum", attributes) })
    }
}

fn running(cum_sum: CumSum, x: Floats<'_>) -> Vec<f32> {
    let len = x.shape[cum_sum.axis];
    let inner: usize = x.shape[cum_sum.axis + 1..].iter().product();
    let mut y = x.values.to_vec();
    for block in y.chunks_exact_mut((len * inner).max(1)) {
        for first in 0..inner {
            let mut sum = 0.0;
            for step in 0..len {
                let at = if cum_sum.reverse { len - 1 - step } else { step };
                let element = &mut block[at * inner + first];
                let before = sum;
                sum += *element;
                *element = if cum_sum.exclusive { before } else { sum };
            }
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_run_both_ways_with_and_without_their_own() {
        let x = Floats { shape: &[2, 3], values: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        let of = |axis, exclusive, reverse| running(CumSum { axis, exclusive, reverse }, x);
        assert_eq!(of(1, false, false), [1.0, 3.0, 6.0, 4.0, 9.0, 15.0]);
        assert_eq!(of(1, true, false), [0.0, 1.0, 3.0, 0.0, 4.0, 9.0]);
        assert_eq!(of(0, false, true), [5.0, 7.0, 9.0, 4.0, 5.0, 6.0]);
        assert_eq!(of(1, true, true), [5.0, 3.0, 0.0, 11.0, 6.0, 0.0]);
    }
}
