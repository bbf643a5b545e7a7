//! PRelu: a slope for elements below zero, given as an operand.

use crate::error::Error;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::index::zip;
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::Reads;
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Early, Layouts, Streams, Traits};
use crate::ir::{Values, infer};

/// `x < 0 ? slope * x : x`.
pub(super) struct PRelu;

/// The operands.
const PORTS: &[PortSpec] = &[PortSpec::any("x"), PortSpec::any("slope")];

impl Definition for PRelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn ports(&self) -> Ports {
        Ports::all(PORTS)
    }

    fn traits(&self) -> Traits {
        Traits { early: Early::Always, ..Traits::new(Layouts::Alike, Streams::Pairs) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let slope = second(operands, "one operand is missing")?;
        infer::broadcast(first(operands, self.name())?, slope).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let y = zip(reads.floats(0)?, reads.floats(1)?, &reads.out.shape, leaky);
        Ok(Values::F32(y))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.fits(0) && batch.fits(1)
    }

    fn in_onnx(&self) -> Option<OnnxNode> {
        Some(OnnxNode::new("PRelu", vec![]))
    }
}

/// `x < 0 ? slope * x : x`.
pub(crate) fn leaky(x: f32, slope: f32) -> f32 {
    if x < 0.0 { slope * x } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_zero_is_scaled() {
        assert_eq!([leaky(-2.0, 0.25), leaky(2.0, 0.25)], [-0.5, 2.0]);
    }
}
