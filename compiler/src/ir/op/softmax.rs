//! Softmax over one axis, or its logarithm.

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Early, Layouts, Streams, Sums, Traits};

/// Attributes of softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// The dimension that sums to one.
    pub axis: usize,
    /// True if the logarithm is taken.
    pub log: bool,
}

impl Definition for Softmax {
    fn name(&self) -> &'static str {
        match self.log {
            false => "softmax",
            true => "log_softmax",
        }
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        Traits {
            early: Early::Always,
            sums: Sums::Memory,
            ..Traits::new(Layouts::Alike, Streams::No)
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(Values::F32(self.shares(reads.floats(0)?)))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        self.axis != 0
    }

    fn attributes(&self) -> String {
        format!(" axis {}", self.axis)
    }

    fn in_onnx(&self) -> Option<OnnxNode> {
        let op = if self.log { "LogSoftmax" } else { "Softmax" };
        Some(OnnxNode::new(op, vec![("axis", self.axis.into())]))
    }
}

impl Softmax {
    /// `exp(x) / sum(exp(x))` along one dimension, with the greatest x taken off first; or the logarithm of it.
    pub(crate) fn shares(self, x: Floats<'_>) -> Vec<f32> {
        let len = x.shape[self.axis];
        let inner: usize = x.shape[self.axis + 1..].iter().product();
        let mut y = x.values.to_vec();
        for block in y.chunks_exact_mut((len * inner).max(1)) {
            for first in 0..inner {
                let slice = || (0..len).map(|i| first + i * inner);
                let greatest = slice().map(|i| block[i]).fold(f32::NEG_INFINITY, f32::max);
                let sum: f32 = slice().map(|i| (block[i] - greatest).exp()).sum();
                for i in slice() {
                    block[i] = match self.log {
                        true => block[i] - greatest - sum.ln(),
                        false => (block[i] - greatest).exp() / sum,
                    };
                }
            }
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_sums_to_one_along_its_axis() {
        let x = Floats { shape: &[2, 2], values: &[0.0, 100.0, 3.0f32.ln(), 100.0] };
        let of = |log| Softmax { axis: 0, log }.shares(x);
        let close = |found: Vec<f32>, wanted: [f32; 4]| {
            found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6)
        };
        assert!(close(of(false), [0.25, 0.5, 0.75, 0.5]));
        assert!(close(of(true), [0.25f32.ln(), 0.5f32.ln(), 0.75f32.ln(), 0.5f32.ln()]));
    }
}
