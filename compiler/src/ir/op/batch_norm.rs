//! Batch normalisation at inference.

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first};
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Layouts, Streams, Traits};

/// Attributes of batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub epsilon: f32,
}

/// The operands; all but the first are one number a channel.
const PORTS: &[PortSpec] = &[
    PortSpec::any("x"),
    PortSpec::any("scale"),
    PortSpec::any("bias"),
    PortSpec::any("mean"),
    PortSpec::any("var"),
];

impl Definition for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn ports(&self) -> Ports {
        Ports::all(PORTS)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Alike, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let statistics = [reads.floats(1)?, reads.floats(2)?, reads.floats(3)?, reads.floats(4)?];
        Ok(Values::F32(normalised(*self, reads.floats(0)?, statistics.map(|s| s.values))))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.fixed(1..5)
    }

    fn attributes(&self) -> String {
        format!(" epsilon {}", self.epsilon)
    }

    fn in_onnx(&self) -> Option<OnnxNode> {
        Some(OnnxNode::new("BatchNormalization", vec![("epsilon", self.epsilon.into())]))
    }
}

/// Batch normalisation; `statistics` are scale, bias, mean and variance per channel, which is dimension 1.
fn normalised(norm: BatchNorm, x: Floats<'_>, statistics: [&[f32]; 4]) -> Vec<f32> {
    let channels = x.shape.get(1).copied().unwrap_or(1);
    let inner: usize = x.shape.iter().skip(2).product();
    let of = |(i, x): (usize, &f32)| {
        let [scale, bias, mean, variance] = statistics.map(|s| s[i / inner % channels]);
        (x - mean) / (variance + norm.epsilon).sqrt() * scale + bias
    };
    x.values.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_norm_works_per_channel() {
        let x = Floats { shape: &[1, 2, 2], values: &[1.0, 3.0, 1.0, 3.0] };
        let statistics: [&[f32]; 4] = [&[1.0, 2.0], &[0.0, 0.5], &[1.0, 0.0], &[3.0, 0.0]];
        let y = normalised(BatchNorm { epsilon: 1.0 }, x, statistics);
        assert_eq!(y, [0.0, 1.0, 2.5, 6.5]);
    }
}
