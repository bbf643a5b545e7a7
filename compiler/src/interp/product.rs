//! Matrix products.

use crate::interp::Floats;
use crate::interp::elementwise::activated;
use crate::interp::index::{broadcast_strides, offsets};
use crate::ir::{Dense, Gemm};

/// `alpha * a' * b' + beta * c`, with c broadcast.
pub(super) fn gemm(
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

/// The product of the last two dimensions, with the others broadcast.
pub(super) fn matmul(a: Floats<'_>, b: Floats<'_>, out: &[usize]) -> Vec<f32> {
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

/// `then(clamp(x * w + bias))`.
pub(super) fn dense(
    dense: Dense,
    x: Floats<'_>,
    w: Floats<'_>,
    bias: Floats<'_>,
    out: &[usize],
) -> Vec<f32> {
    let products = matmul(x, w, out);
    let finished = products.iter().zip(bias.values.iter().cycle());
    finished.map(|(y, bias)| activated(dense.clamp, dense.then, y + bias)).collect()
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
    use crate::ir::Clamp;

    const A: Floats<'_> = Floats { shape: &[2, 3], values: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
    const B: Floats<'_> = Floats { shape: &[3, 2], values: &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0] };
    const BIAS: Floats<'_> = Floats { shape: &[2], values: &[-3.0, 1.0] };

    #[test]
    fn gemm_scales_both_terms() {
        let plain = Gemm { alpha: 2.0, beta: 10.0, transpose_a: false, transpose_b: false };
        assert_eq!(gemm(plain, A, B, Some(BIAS), &[2, 2]), [-22.0, 20.0, -10.0, 32.0]);
    }

    #[test]
    fn gemm_reads_transposed_operands() {
        let turned = Gemm { alpha: 1.0, beta: 1.0, transpose_a: true, transpose_b: true };
        let y = gemm(turned, A, B, None, &[3, 3]);
        assert_eq!(y, [1.0, 4.0, 5.0, 2.0, 5.0, 7.0, 3.0, 6.0, 9.0]);
    }

    #[test]
    fn matmul_repeats_a_matrix_for_each_batch() {
        let batches = Floats { shape: &[2, 1, 3], values: A.values };
        assert_eq!(matmul(batches, B, &[2, 1, 2]), [4.0, 5.0, 10.0, 11.0]);
    }

    #[test]
    fn dense_adds_the_bias_before_it_clamps() {
        let y = dense(Dense { clamp: Clamp::RELU6, then: None }, A, B, BIAS, &[2, 2]);
        assert_eq!(y, [1.0, 6.0, 6.0, 6.0]);
    }
}
