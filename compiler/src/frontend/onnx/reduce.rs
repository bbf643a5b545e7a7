//! Reader of ReduceMean and its like.

use crate::frontend::onnx::call::{Call, Made};
use crate::ir::{Op, Reduce, Reducer};

/// A reduction over `axes`, an attribute in old files and an operand in newer ones.
pub(super) fn reduce(call: &mut Call<'_>, kind: Reducer) -> Made {
    let x = call.float(0)?;
    let shape = call.shape(x);
    let listed = call.ints_or_operand("axes", 1)?.unwrap_or_default();
    let axes = match listed.as_slice() {
        [] if call.flag("noop_with_empty_axes")? => return call.emit(Op::Identity, &[x]),
        [] => (0..shape.len()).collect(),
        axes => call.axes(axes, shape.len())?,
    };
    let keep = call.int("keepdims", 1)? != 0;
    let dims = shape.iter().enumerate();
    let reduced = match keep {
        true => dims.map(|(i, dim)| if axes.contains(&i) { 1 } else { *dim }).collect(),
        false => dims.filter(|(i, _)| !axes.contains(i)).map(|(_, dim)| *dim).collect(),
    };
    call.emit_as(Op::Reduce(Reduce { kind, axes }), reduced, &[x])
}
