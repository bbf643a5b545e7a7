//! Quantised dense layer: exact sums, requantised.

use crate::error::Error;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::matmul::{self, product_shape};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::quant::scale::Requant;
use crate::ir::quant::sums::{self, product, requantised};
use crate::ir::{Dtype, Values};

/// Attributes of a quantised matrix product: the sum of `(x - x_zero) * w`, plus the bias, requantised.
#[derive(Clone, Debug, PartialEq)]
pub struct QDense {
    /// The zero point of x.
    pub x_zero: u8,
    /// The requantisation of the sums.
    pub requant: Requant,
}

/// The operands; the bias may be missing.
const PORTS: &[PortSpec] = &[
    PortSpec::of("x", Dtype::U8),
    PortSpec::constant("w", Dtype::I8),
    PortSpec::constant("b", Dtype::I32),
];

impl Definition for QDense {
    fn name(&self) -> &'static str {
        "qdense"
    }

    fn ports(&self) -> Ports {
        Ports::at_least(2, PORTS)
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(self.requant.to.dtype())
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Rows, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let w = second(operands, "qdense reads one operand")?;
        product_shape(first(operands, self.name())?, w).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        multiplied(self, reads)
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.moves(0)
    }

    fn attributes(&self) -> String {
        format!(" zero {}{}", self.x_zero, self.requant.text())
    }

    fn breach(&self, site: &Site<'_>) -> Option<String> {
        let [k, n] = site.shape(1)? else { return None };
        sums::breach(site, &self.requant, *n, *k)
    }

    fn madds(&self, operands: &[&[usize]]) -> usize {
        matmul::depth(operands)
    }
}

fn multiplied(dense: &QDense, reads: &Reads<'_>) -> Result<Values, Error> {
    let (x, w, bias) = (reads.bytes(0)?, reads.weights()?, reads.bias()?);
    let (depth, columns) = (w.shape[0].max(1), w.shape[1]);
    let mut sums = Vec::new();
    for row in x.values.chunks_exact(depth) {
        let mut y = bias.map_or_else(|| vec![0; columns], <[i32]>::to_vec);
        for (x, w) in row.iter().zip(w.values.chunks_exact(columns.max(1))) {
            y.iter_mut()
                .zip(w)
                .for_each(|(y, w)| *y = y.wrapping_add(product(*x, dense.x_zero, *w)));
        }
        sums.append(&mut y);
    }
    Ok(requantised(&dense.requant, reads.arithmetic, &sums, |at| at % columns))
}
