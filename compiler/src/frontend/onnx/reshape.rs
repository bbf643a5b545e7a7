//! Readers of operators that give the same elements another shape or order.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::store::checked_len;
use crate::ir::Op;

/// Flatten: two dimensions, split at `axis`.
pub(super) fn flatten(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let shape = call.shape(x);
    let axis = match call.int("axis", 1)? {
        end if end == shape.len() as i64 => shape.len(),
        axis => call.axis(axis, shape.len())?,
    };
    let (outer, inner) = shape.split_at(axis);
    call.emit_as(Op::Reshape, vec![outer.iter().product(), inner.iter().product()], &[x])
}

/// Reshape: 0 keeps a dimension, -1 takes what is left.
pub(super) fn reshape(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let from = call.shape(x);
    let dims = call.const_ints(1)?.ok_or_else(|| Fault::Misfit("operand 1 is missing".into()))?;
    let keep_zeros = call.flag("allowzero")?;
    let shape = target(&from, &dims, keep_zeros);
    let shape =
        shape.ok_or_else(|| Fault::Misfit(format!("{from:?} cannot be reshaped to {dims:?}")))?;
    call.emit_as(Op::Reshape, shape, &[x])
}

/// The shape that `dims` describe; `None` if it has another number of elements than `from`.
fn target(from: &[usize], dims: &[i64], keep_zeros: bool) -> Option<Vec<usize>> {
    let kept = |i: usize, dim: i64| match dim {
        -1 => Some(1),
        0 if !keep_zeros => from.get(i).copied(),
        dim => usize::try_from(dim).ok(),
    };
    let shape: Option<Vec<usize>> = dims.iter().enumerate().map(|(i, dim)| kept(i, *dim)).collect();
    let mut shape = shape?;
    let len = checked_len(&shape).ok()?;
    let total: usize = from.iter().product();
    let open: Vec<usize> = (0..dims.len()).filter(|i| dims[*i] == -1).collect();
    match open.as_slice() {
        [] => (len == total).then_some(shape),
        [open] => {
            shape[*open] = total.checked_div(len)?;
            (shape[*open] * len == total).then_some(shape)
        }
        _ => None,
    }
}

/// Squeeze: without axes, every dimension of size 1 goes.
pub(super) fn squeeze(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let shape = call.shape(x);
    let axes = match call.ints_or_operand("axes", 1)? {
        Some(axes) => call.axes(&axes, shape.len())?,
        None => (0..shape.len()).filter(|i| shape[*i] == 1).collect(),
    };
    if axes.iter().any(|axis| shape[*axis] != 1) {
        return Err(Fault::Misfit(format!("dimensions {axes:?} of {shape:?} are not all 1")));
    }
    let left = (0..shape.len()).filter(|i| !axes.contains(i)).map(|i| shape[i]).collect();
    call.emit_as(Op::Reshape, left, &[x])
}

/// Unsqueeze: the axes are dimensions of the result.
pub(super) fn unsqueeze(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let mut shape = call.shape(x);
    let axes =
        call.ints_or_operand("axes", 1)?.ok_or_else(|| Fault::Misfit("axes are missing".into()))?;
    for axis in call.axes(&axes, shape.len() + axes.len())? {
        shape.insert(axis, 1);
    }
    call.emit_as(Op::Reshape, shape, &[x])
}

/// Transpose: without a permutation, dimensions are reversed.
pub(super) fn transpose(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let rank = call.shape(x).len();
    let perm = match call.ints("perm")? {
        Some(perm) => perm.iter().map(|axis| call.axis(*axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).rev().collect(),
    };
    call.emit(Op::Transpose(perm), &[x])
}
