//! Reader of ReduceMean and its like.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::ir::{Dtype, NodeId, Op, Reduce, Reducer};

/// A reduction over `axes`, an attribute in old files and an operand in newer ones.
pub(super) fn reduce(call: &mut Call<'_>, kind: Reducer) -> Made {
    let x = call.any(0)?;
    if matches!(call.graph.node(x).out.dtype, Dtype::I32 | Dtype::I64) {
        return constant::slices::reduce(call, kind);
    }
    let x = call.float(0)?;
    let (op, shape) = reduction(call, x, kind)?;
    call.emit_as(op, shape, &[x])
}

/// Reduces `x`, which has the shape of the node's operand; the operator and the shape of its result.
pub(super) fn reduction(
    call: &Call<'_>,
    x: NodeId,
    kind: Reducer,
) -> Result<(Op, Vec<usize>), Fault> {
    let (axes, shape) = slices(call, x)?;
    let nothing = axes.is_empty() && !shape.is_empty();
    let op = if nothing { Op::Identity } else { Op::Reduce(Reduce { kind, axes }) };
    Ok((op, shape))
}

/// The axes that a reduction of `x` goes over, and the shape it gives.
pub(super) fn slices(call: &Call<'_>, x: NodeId) -> Result<(Vec<usize>, Vec<usize>), Fault> {
    let shape = call.shape(x);
    let listed = call.ints_or_operand("axes", 1)?.unwrap_or_default();
    let axes = match listed.as_slice() {
        [] if call.flag("noop_with_empty_axes")? => Vec::new(),
        [] => (0..shape.len()).collect(),
        axes => call.axes(axes, shape.len())?,
    };
    let keep = call.int("keepdims", 1)? != 0;
    let dims = shape.iter().enumerate();
    let reduced = match keep {
        true => dims.map(|(i, dim)| if axes.contains(&i) { 1 } else { *dim }).collect(),
        false => dims.filter(|(i, _)| !axes.contains(i)).map(|(_, dim)| *dim).collect(),
    };
    Ok((axes, reduced))
}
