//! Matrix product with numpy's broadcasting.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first, second};
use crate::ir::op::index::{broadcast_strides, offsets};
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::{Values, infer};

/// A matrix product.
pub(super) struct MatMul;

impl Definition for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn ports(&self) -> Ports {
        Ports::AB
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Rows, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let b = second(operands, "matmul reads one operand")?;
        product_shape(first(operands, self.name())?, b).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(Values::F32(product(reads.floats(0)?, reads.floats(1)?, &reads.out.shape)))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        let stacked = batch.shape(0).len() > 2 || batch.shape(1).len() > 2;
        let apart = if stacked { batch.fits(0) && batch.fits(1) } else { batch.fixed(1..2) };
        batch.moves(0) && apart
    }

    fn madds(&self, operands: &[&[usize]]) -> usize {
        depth(operands)
    }

    fn in_onnx(&self) -> Option<OnnxNode> {
        Some(OnnxNode::new("MatMul", vec![]))
    }
}

/// Products in each sum.
pub(crate) fn depth(operands: &[&[usize]]) -> usize {
    operands.first().and_then(|a| a.last()).copied().unwrap_or(0)
}

/// The shape of the product of two stacks of matrices.
pub(crate) fn product_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let ([a_batch @ .., m, k], [b_batch @ .., k_b, n]) = (a, b) else {
        return Err(format!("matmul needs two tensors of rank 2 or more, has {a:?} and {b:?}"));
    };
    if k != k_b {
        return Err(format!("matmul multiplies depth {k} by depth {k_b}"));
    }
    let mut shape = infer::broadcast(a_batch, b_batch)?;
    shape.extend([*m, *n]);
    Ok(shape)
}

/// The product of the last two dimensions, with the others broadcast.
pub(super) fn product(a: Floats<'_>, b: Floats<'_>, out: &[usize]) -> Vec<f32> {
    let (batches, matrix) = out.split_at(out.len() - 2);
    let (a_batches, a_matrix) = a.shape.split_at(a.shape.len() - 2);
    let (b_batches, b_matrix) = b.shape.split_at(b.shape.len() - 2);
    let starts = |own: &[usize], len: usize| {
        let scaled: Vec<isize> = broadcast_strides(own, batches)
            .into_iter()
            .map(|stride| stride * len as isize)
            .collect();
        offsets(batches, 0, &scaled)
    };
    let (a_len, b_len) = (a_matrix.iter().product(), b_matrix.iter().product());
    let mut y = Vec::with_capacity(out.iter().product());
    for (i, j) in starts(a_batches, a_len).zip(starts(b_batches, b_len)) {
        let (a, b) = (&a.values[i..][..a_len], &b.values[j..][..b_len]);
        for row in 0..matrix[0] {
            let a = &a[row * a_matrix[1]..][..a_matrix[1]];
            y.extend(row_product(a, b, matrix[1]));
        }
    }
    y
}

/// One row times a matrix of `columns` columns.
fn row_product(a: &[f32], b: &[f32], columns: usize) -> Vec<f32> {
    let mut y = vec![0.0; columns];
    for (a, b) in a.iter().zip(b.chunks_exact(columns.max(1))) {
        y.iter_mut().zip(b).for_each(|(y, b)| *y += a * b);
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_repeated_for_each_batch() {
        let batches = Floats { shape: &[2, 1, 3], values: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        let b = Floats { shape: &[3, 2], values: &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0] };
        assert_eq!(product(batches, b, &[2, 1, 2]), [4.0, 5.0, 10.0, 11.0]);
    }
}
