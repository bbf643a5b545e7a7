//! Product of two matrices as ONNX Gemm writes it. The passes leave none: it is a dense layer or a product.

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::index::{broadcast_strides, offsets};
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Layouts, Streams, Traits};

/// Attributes of ONNX Gemm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gemm {
    /// Factor of the product.
    pub alpha: f32,
    /// Factor of c.
    pub beta: f32,
    /// True if a is given transposed.
    pub transpose_a: bool,
    /// True if b is given transposed.
    pub transpose_b: bool,
}

/// The operands; the last may be missing.
const PORTS: &[PortSpec] = &[PortSpec::any("a"), PortSpec::any("b"), PortSpec::any("c")];

impl Definition for Gemm {
    fn name(&self) -> &'static str {
        "gemm"
    }

    fn ports(&self) -> Ports {
        Ports::at_least(2, PORTS)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Rows, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let b = second(operands, "gemm reads one operand")?;
        product_shape(*self, first(operands, self.name())?, b).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let (a, b, c) = (reads.floats(0)?, reads.floats(1)?, reads.optional(2)?);
        Ok(Values::F32(product(*self, a, b, c, &reads.out.shape)))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        !self.transpose_a && batch.fixed(1..3) && batch.fits(2)
    }

    fn attributes(&self) -> String {
        let transposed = |on, name| if on { name } else { "" };
        let (a, b) = (transposed(self.transpose_a, " a'"), transposed(self.transpose_b, " b'"));
        format!(" alpha {} beta {}{a}{b}", self.alpha, self.beta)
    }

    fn madds(&self, operands: &[&[usize]]) -> usize {
        let a = operands.first().and_then(|a| a.get(usize::from(!self.transpose_a)));
        a.copied().unwrap_or(0)
    }

    fn in_onnx(&self) -> Option<OnnxNode> {
        let attributes = vec![
            ("alpha", self.alpha.into()),
            ("beta", self.beta.into()),
            ("transA", self.transpose_a.into()),
            ("transB", self.transpose_b.into()),
        ];
        Some(OnnxNode::new("Gemm", attributes))
    }
}

fn product_shape(gemm: Gemm, a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let (&[a0, a1], &[b0, b1]) = (a, b) else {
        return Err(format!("gemm needs two matrices, has {a:?} and {b:?}"));
    };
    let (m, k) = if gemm.transpose_a { (a1, a0) } else { (a0, a1) };
    let (k_b, n) = if gemm.transpose_b { (b1, b0) } else { (b0, b1) };
    if k == k_b { Ok(vec![m, n]) } else { Err(format!("gemm multiplies depth {k} by depth {k_b}")) }
}

/// `alpha * a' * b' + beta * c`, with c broadcast.
fn product(
    gemm: Gemm,
    a: Floats<'_>,
    b: Floats<'_>,
    c: Option<Floats<'_>>,
    out: &[usize],
) -> Vec<f32> {
    let (rows, columns) = (out[0], out[1]);
    let turned = |transposed: bool, stride: [usize; 2]| match transposed {
        true => [stride[1], stride[0]],
        false => stride,
    };
    let depth = a.shape[usize::from(!gemm.transpose_a)];
    let of_a = turned(gemm.transpose_a, [a.shape[1], 1]);
    let of_b = turned(gemm.transpose_b, [b.shape[1], 1]);
    let mut y = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            let products = (0..depth).map(|k| {
                a.values[row * of_a[0] + k * of_a[1]] * b.values[k * of_b[0] + column * of_b[1]]
            });
            y.push(gemm.alpha * products.sum::<f32>());
        }
    }
    if let Some(c) = c {
        let of_c = offsets(out, 0, &broadcast_strides(c.shape, out));
        y.iter_mut().zip(of_c).for_each(|(y, i)| *y += gemm.beta * c.values[i]);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Floats<'_> = Floats { shape: &[2, 3], values: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
    const B: Floats<'_> = Floats { shape: &[3, 2], values: &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0] };
    const BIAS: Floats<'_> = Floats { shape: &[2], values: &[-3.0, 1.0] };

    #[test]
    fn gemm_scales_both_terms() {
        let plain = Gemm { alpha: 2.0, beta: 10.0, transpose_a: false, transpose_b: false };
        assert_eq!(product(plain, A, B, Some(BIAS), &[2, 2]), [-22.0, 20.0, -10.0, 32.0]);
    }

    #[test]
    fn gemm_reads_transposed_operands() {
        let turned = Gemm { alpha: 1.0, beta: 1.0, transpose_a: true, transpose_b: true };
        let y = product(turned, A, B, None, &[3, 3]);
        assert_eq!(y, [1.0, 4.0, 5.0, 2.0, 5.0, 7.0, 3.0, 6.0, 9.0]);
    }
}
