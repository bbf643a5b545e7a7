//! Readers of Gemm and MatMul.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::ir::{Gemm, NodeId, Op, infer};

/// Gemm; its third operand has been optional since opset 11.
pub(super) fn gemm(call: &mut Call<'_>) -> Made {
    let gemm = Gemm {
        alpha: call.real("alpha", 1.0)?,
        beta: call.real("beta", 1.0)?,
        transpose_a: call.flag("transA")?,
        transpose_b: call.flag("transB")?,
    };
    let mut operands = vec![call.float(0)?, call.float(1)?];
    if call.given(2).is_some() {
        let c = call.float(2)?;
        let [a, b, c_shape] = [operands[0], operands[1], c].map(|id| call.shape(id));
        let product = Op::Gemm(gemm).shape(&[&a, &b])?.unwrap_or_default();
        if infer::broadcast(&product, &c_shape)? != product {
            return Err(Fault::Misfit(format!(
                "adds {c_shape:?} to a product of shape {product:?}"
            )));
        }
        operands.push(c);
    }
    call.emit(Op::Gemm(gemm), &operands)
}

/// MatMul; a vector counts as a row on the left and as a column on the right.
pub(super) fn matmul(call: &mut Call<'_>) -> Made {
    let (mut a, mut b) = (call.float(0)?, call.float(1)?);
    let (row, column) = (call.shape(a), call.shape(b));
    if row.len() == 2 && column.len() > 1 && call.numbers(a).is_some() && call.numbers(b).is_none()
    {
        return constant_on_the_left(call, a, b);
    }
    if row.len() == 1 {
        a = call.view("row", a, vec![1, row[0]])?;
    }
    if column.len() == 1 {
        b = call.view("column", b, vec![column[0], 1])?;
    }
    if row.len() != 1 && column.len() != 1 {
        return call.emit(Op::MatMul, &[a, b]);
    }
    let product = call.step("product", Op::MatMul, &[a, b])?;
    let mut shape = call.shape(product);
    if column.len() == 1 {
        shape.pop();
    }
    if row.len() == 1 {
        let at = if column.len() == 1 { 1 } else { 2 };
        shape.remove(shape.len() - at);
    }
    call.emit_as(Op::Reshape, shape, &[product])
}

/// A constant matrix times what is computed: the transpose of the product of their transposes, where it is on the right.
fn constant_on_the_left(call: &mut Call<'_>, a: NodeId, b: NodeId) -> Made {
    let swapped = |rank: usize| {
        let mut perm: Vec<usize> = (0..rank).collect();
        perm.swap(rank - 2, rank - 1);
        Op::Transpose(perm)
    };
    let rank = call.shape(b).len();
    let a = call.step("left", swapped(2), &[a])?;
    let b = call.step("right", swapped(rank), &[b])?;
    let product = call.step("product", Op::MatMul, &[b, a])?;
    call.emit(swapped(rank), &[product])
}
