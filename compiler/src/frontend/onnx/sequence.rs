//! Readers of operators on sequences of tensors, whose lengths and positions constants say.
//!
//! A sequence is no value of the graph: it is a list of those in it, known by name while the file is read.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::slice::contiguous;
use crate::frontend::onnx::tensor::Constant;
use crate::ir::{NodeId, Op, Values};

/// Most tensors in a sequence.
const MAX_LEN: usize = 1024;

/// SequenceConstruct.
pub(super) fn construct(call: &mut Call<'_>) -> Made {
    let tensors: Vec<NodeId> =
        (0..call.operands.len()).map(|port| call.any(port)).collect::<Result<_, _>>()?;
    emit(call, tensors)
}

/// SequenceEmpty.
pub(super) fn empty(call: &mut Call<'_>) -> Made {
    emit(call, Vec::new())
}

/// SequenceInsert: at a position, or at the end.
pub(super) fn insert(call: &mut Call<'_>) -> Made {
    let (mut tensors, x) = (call.sequence(0)?, call.any(1)?);
    let at = match call.given(2) {
        None => tensors.len(),
        Some(_) => position(call, 2, tensors.len() + 1, tensors.len())?,
    };
    tensors.insert(at, x);
    emit(call, tensors)
}

/// SequenceErase: at a position, or the last.
pub(super) fn erase(call: &mut Call<'_>) -> Made {
    let mut tensors = call.sequence(0)?;
    let at = match call.given(1) {
        None => tensors.len().checked_sub(1).ok_or_else(|| "it has no tensor".to_owned())?,
        Some(_) => position(call, 1, tensors.len(), tensors.len())?,
    };
    tensors.remove(at);
    emit(call, tensors)
}

/// SequenceAt.
pub(super) fn at(call: &mut Call<'_>) -> Made {
    let tensors = call.sequence(0)?;
    let at = position(call, 1, tensors.len(), tensors.len())?;
    Ok(vec![tensors[at]])
}

/// SequenceLength.
pub(super) fn length(call: &mut Call<'_>) -> Made {
    let len = call.sequence(0)?.len() as i64;
    call.emit_const(Constant { shape: Vec::new(), values: Values::I64(vec![len]) })
}

/// SplitToSequence: parts of given sizes, of one size, or of size 1, whose dimension may go.
pub(super) fn split(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let shape = call.shape(x);
    let axis = call.axis(call.int("axis", 0)?, shape.len())?;
    let sizes = match call.given(1) {
        None => vec![1; shape[axis].min(MAX_LEN + 1)],
        Some(id) => sizes(call, shape[axis], call.shape(id).is_empty())?,
    };
    if sizes.len() > MAX_LEN {
        return Err(Fault::Unsupported(format!("more than {MAX_LEN} parts")));
    }
    let dropped = call.given(1).is_none() && call.int("keepdims", 1)? == 0;
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, size) in sizes.into_iter().enumerate() {
        let mut part = contiguous(call, &format!("{at}"), x, axis, start, size)?;
        start += size;
        if dropped {
            let mut shape = shape.clone();
            shape.remove(axis);
            part = call.view(&format!("{at}/part"), part, shape)?;
        }
        parts.push(part);
    }
    emit(call, parts)
}

/// ConcatFromSequence: along a dimension, or along a new one.
pub(super) fn concat(call: &mut Call<'_>) -> Made {
    let mut tensors = call.sequence(0)?;
    let first = tensors.first().ok_or_else(|| "a sequence of no tensor".to_owned())?;
    let shape = call.shape(*first);
    let stacked = call.flag("new_axis")?;
    let axis = call.attribute("axis", crate::proto::attribute_proto::AttributeType::Int)?;
    let axis = axis.map(|axis| axis.i).ok_or_else(|| "axis is missing".to_owned())?;
    let axis = call.axis(axis, shape.len() + usize::from(stacked))?;
    if stacked {
        for (at, tensor) in tensors.iter_mut().enumerate() {
            let mut one = call.shape(*tensor);
            if one != shape {
                return Err(Fault::Misfit(format!(
                    "stacks tensors of shapes {shape:?} and {one:?}"
                )));
            }
            one.insert(axis, 1);
            *tensor = call.view(&format!("{at}"), *tensor, one)?;
        }
    }
    call.emit(Op::Concat(axis), &tensors)
}

/// Sizes of the parts of a dimension of `size`: one for all if it `is_single`, of which the last may be smaller.
fn sizes(call: &Call<'_>, size: usize, is_single: bool) -> Result<Vec<usize>, Fault> {
    let given = call.const_ints(1)?.unwrap_or_default();
    let misfit = || Fault::Misfit(format!("{size} elements do not split into parts of {given:?}"));
    let sizes: Option<Vec<usize>> = given.iter().map(|size| usize::try_from(*size).ok()).collect();
    let sizes = sizes.ok_or_else(misfit)?;
    match sizes.as_slice() {
        &[part] if is_single && part > 0 => {
            let starts = (0..size).step_by(part).take(MAX_LEN + 1);
            Ok(starts.map(|start| part.min(size - start)).collect())
        }
        parts => {
            let total = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(*part));
            if is_single || total != Some(size) { Err(misfit()) } else { Ok(sizes) }
        }
    }
}

/// The position at `port` among `count`, negative ones counting from the end of `len` tensors.
fn position(call: &Call<'_>, port: usize, count: usize, len: usize) -> Result<usize, Fault> {
    let at = match call.const_ints(port)?.as_deref() {
        Some(&[at]) => at,
        other => return Err(Fault::Misfit(format!("positions {other:?}; one belongs there"))),
    };
    let from_front = if at < 0 { at.checked_add(len as i64) } else { Some(at) };
    let found = from_front.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < count);
    found.ok_or_else(|| Fault::Misfit(format!("position {at} in a sequence of {len}")))
}

/// Makes the node's result a sequence.
fn emit(call: &mut Call<'_>, tensors: Vec<NodeId>) -> Made {
    if tensors.len() > MAX_LEN {
        return Err(Fault::Unsupported(format!("a sequence of more than {MAX_LEN} tensors")));
    }
    let name = call.result_name(0);
    call.sequences.insert(name, tensors);
    Ok(Vec::new())
}
