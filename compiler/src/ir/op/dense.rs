//! Dense layer: a product by constant weights, with a bias, then bounds or a function.

use crate::error::Error;
use crate::ir::op::conv::{activation_text, late_clamp};
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::matmul::{self, product_shape};
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::op::unary::activated;
use crate::ir::{Clamp, Unary, Values};

/// Attributes of a dense layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// Applied to the sum.
    pub clamp: Clamp,
    /// Applied last, if `fuse_activation` put it there; then the clamp has no bounds.
    pub activation: Option<Unary>,
}

/// The operands.
const PORTS: &[PortSpec] = &[PortSpec::any("x"), PortSpec::any("w"), PortSpec::any("b")];

impl Definition for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn ports(&self) -> Ports {
        Ports::all(PORTS)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Rows, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let w = second(operands, "dense reads no weights")?;
        product_shape(first(operands, self.name())?, w).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let (x, w, bias) = (reads.floats(0)?, reads.floats(1)?, reads.floats(2)?);
        Ok(Values::F32(layer(*self, x, w, bias, &reads.out.shape)))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.fixed(1..3)
    }

    fn attributes(&self) -> String {
        activation_text(self.clamp, self.activation)
    }

    fn breach(&self, _: &Site<'_>) -> Option<String> {
        late_clamp(self.clamp, self.activation)
    }

    fn madds(&self, operands: &[&[usize]]) -> usize {
        matmul::depth(operands)
    }
}

/// `then(clamp(x * w + bias))`.
fn layer(dense: Dense, x: Floats<'_>, w: Floats<'_>, bias: Floats<'_>, out: &[usize]) -> Vec<f32> {
    let products = matmul::product(x, w, out);
    let finished = products.iter().zip(bias.values.iter().cycle());
    finished.map(|(y, bias)| activated(dense.clamp, dense.activation, y + bias)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Floats<'_> = Floats { shape: &[2, 3], values: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
    const B: Floats<'_> = Floats { shape: &[3, 2], values: &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0] };
    const BIAS: Floats<'_> = Floats { shape: &[2], values: &[-3.0, 1.0] };

    #[test]
    fn dense_adds_the_bias_before_it_clamps() {
        let y = layer(Dense { clamp: Clamp::RELU6, activation: None }, A, B, BIAS, &[2, 2]);
        assert_eq!(y, [1.0, 6.0, 6.0, 6.0]);
    }
}
