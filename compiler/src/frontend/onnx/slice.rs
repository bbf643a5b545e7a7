//! Readers of operators that take parts of tensors or put them together.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::gather;
use crate::frontend::onnx::store::checked_len;
use crate::ir::{Dtype, NodeId, Op, Pad, PadMode, Slice};

/// Slice: ranges in attributes before opset 10, in constant operands since.
pub(super) fn slice(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let mut shape = call.shape(x);
    let missing = |what: &str| Fault::Misfit(format!("{what} are missing"));
    let starts = call.ints_or_operand("starts", 1)?.ok_or_else(|| missing("starts"))?;
    let ends = call.ints_or_operand("ends", 2)?.ok_or_else(|| missing("ends"))?;
    let axes =
        call.ints_or_operand("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = call.const_ints(4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|len| *len != starts.len()) {
        return Err(Fault::Misfit(format!(
            "starts {starts:?}, ends {ends:?}, axes {axes:?}, steps {steps:?}"
        )));
    }
    call.axes(&axes, shape.len())?;
    let mut slice = Slice::whole(shape.len());
    for (i, axis) in axes.iter().enumerate() {
        let axis = call.axis(*axis, shape.len())?;
        let (start, len) = range(shape[axis], starts[i], ends[i], steps[i])
            .ok_or_else(|| Fault::Misfit(format!("step {} along dimension {axis}", steps[i])))?;
        (slice.starts[axis], slice.steps[axis], shape[axis]) = (start, steps[i] as isize, len);
    }
    call.emit_as(Op::Slice(slice), shape, &[x])
}

/// First element and count of `start..end` by `step`, clamped to `size`; `None` for a step of 0 or beyond any size.
fn range(size: usize, start: i64, end: i64, step: i64) -> Option<(usize, usize)> {
    if step == 0 || step.unsigned_abs() > i32::MAX as u64 {
        return None;
    }
    let size = size as i64;
    let (least, most) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let at = |i: i64| if i < 0 { i.saturating_add(size) } else { i }.clamp(least, most);
    let (start, end) = (at(start), at(end));
    let distance = if step > 0 { end - start } else { start - end }.max(0);
    let len = (distance.unsigned_abs()).div_ceil(step.unsigned_abs());
    Some((start.max(0) as usize, len as usize))
}

/// A step that takes `len` elements of `x` along `axis`, from `start` on; `x` itself, if those are all.
pub(super) fn contiguous(
    call: &mut Call<'_>,
    part: &str,
    x: NodeId,
    axis: usize,
    start: usize,
    len: usize,
) -> Result<NodeId, Fault> {
    let mut shape = call.shape(x);
    if shape[axis] == len && start == 0 {
        return Ok(x);
    }
    let mut slice = Slice::whole(shape.len());
    (slice.starts[axis], shape[axis]) = (start, len);
    call.step_as(part, Op::Slice(slice), shape, &[x])
}

/// Split, as one slice for each result.
pub(super) fn split(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let shape = call.shape(x);
    let axis = call.axis(call.int("axis", 0)?, shape.len())?;
    let parts = parts(call, shape[axis])?;
    let mut slices = Vec::new();
    let mut start = 0;
    for (index, part) in parts.into_iter().enumerate() {
        let (mut slice, mut shape) = (Slice::whole(shape.len()), shape.clone());
        (slice.starts[axis], shape[axis]) = (start, part);
        start += part;
        slices.push(call.add(call.result_name(index), Op::Slice(slice), Some(shape), &[x])?);
    }
    Ok(slices)
}

/// Sizes of the parts that a dimension of `size` is split into.
fn parts(call: &Call<'_>, size: usize) -> Result<Vec<usize>, Fault> {
    let count = call.node.output.len();
    let parts = match call.ints_or_operand("split", 1)? {
        Some(parts) => parts.iter().map(|part| usize::try_from(*part).ok()).collect(),
        None => even(size, count),
    };
    let fits = |parts: &Vec<usize>| {
        let total = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(*part));
        parts.len() == count && total == Some(size)
    };
    parts
        .filter(fits)
        .ok_or_else(|| Fault::Misfit(format!("{size} elements do not split into {count} parts so")))
}

/// Equal parts, of which the last may be smaller.
fn even(size: usize, count: usize) -> Option<Vec<usize>> {
    let part = size.checked_add(count)?.checked_sub(1)?.checked_div(count)?;
    let last = size.checked_sub(part.checked_mul(count - 1)?)?;
    let mut parts = vec![part; count - 1];
    parts.push(last);
    Some(parts)
}

/// Concat.
pub(super) fn concat(call: &mut Call<'_>) -> Made {
    let operands: Vec<NodeId> =
        (0..call.operands.len()).map(|port| call.any(port)).collect::<Result<_, _>>()?;
    let rank = call.shape(call.any(0)?).len();
    let axis = call.axis(call.int("axis", 1)?, rank)?;
    call.emit(Op::Concat(axis), &operands)
}

/// Pad: widths in an attribute before opset 11, in constant operands since.
pub(super) fn pad(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let shape = call.shape(x);
    let (before, after) = widths(call, &shape)?;
    let value = match call.const_number(2)? {
        Some(value) => value,
        None => call.real("value", 0.0)?,
    };
    let mode = match call.text("mode", "constant")?.as_str() {
        "constant" => PadMode::Constant(value),
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => return wrapped(call, x, &before, &after),
        other => {
            return Err(Fault::Unsupported(format!(
                "mode={other}; supported: constant, reflect, edge, wrap"
            )));
        }
    };
    let pad = Pad { before, after, mode };
    check_sources(&pad, &shape)?;
    call.emit(Op::Pad(pad), &[x])
}

/// Pad by what lies at the other end, dimension by dimension.
fn wrapped(call: &mut Call<'_>, x: NodeId, before: &[isize], after: &[isize]) -> Made {
    let mut shape = call.shape(x);
    let mut wrapped = x;
    for axis in 0..shape.len() {
        let (size, added) = (shape[axis] as isize, [before[axis], after[axis]]);
        let len = size + added[0] + added[1];
        if size == 0 || len <= 0 || added.iter().any(|n| *n < 0) && added.iter().any(|n| *n > 0) {
            return Err(Fault::Unsupported(format!(
                "mode=wrap with pads {} and {} around a dimension of {size}",
                added[0], added[1]
            )));
        }
        shape[axis] = len as usize;
        checked_len(&shape)?;
        call.spend(Dtype::I64, shape[axis])?;
        let at = |i: isize| (i - added[0]).rem_euclid(size) as usize;
        let indices: Vec<usize> = (0..len).map(at).collect();
        wrapped = gather::picked(call, &format!("wrapped{axis}"), wrapped, axis, &indices)?;
    }
    call.emit(Op::Identity, &[wrapped])
}

/// Elements that are added before and after each dimension.
fn widths(call: &Call<'_>, shape: &[usize]) -> Result<(Vec<isize>, Vec<isize>), Fault> {
    let pads =
        call.ints_or_operand("pads", 1)?.ok_or_else(|| Fault::Misfit("pads are missing".into()))?;
    let axes = call.const_ints(3)?.unwrap_or_else(|| (0..shape.len() as i64).collect());
    call.axes(&axes, shape.len())?;
    if pads.len() != 2 * axes.len() {
        return Err(Fault::Misfit(format!("pads {pads:?} for dimensions {axes:?} of {shape:?}")));
    }
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    for (i, axis) in axes.iter().enumerate() {
        let axis = call.axis(*axis, shape.len())?;
        let [first, last] = [pads[i], pads[i + axes.len()]];
        if first.unsigned_abs().max(last.unsigned_abs()) > i32::MAX as u64 {
            return Err(Fault::Misfit(format!("pads {pads:?} are beyond any size")));
        }
        (before[axis], after[axis]) = (first as isize, last as isize);
    }
    Ok((before, after))
}

/// Faults of pads that mirror or repeat elements which are not there, or that crop all.
fn check_sources(pad: &Pad, shape: &[usize]) -> Result<(), Fault> {
    for (i, size) in shape.iter().enumerate() {
        let (before, after) = (pad.before[i], pad.after[i]);
        let cropped = before.min(0).unsigned_abs() + after.min(0).unsigned_abs();
        let most = before.max(after).max(0) as usize;
        let fits = match pad.mode {
            PadMode::Constant(_) => cropped <= *size,
            PadMode::Edge => cropped <= *size && (most == 0 || cropped < *size),
            PadMode::Reflect => cropped <= *size && (most == 0 || most < size - cropped),
        };
        if !fits {
            return Err(Fault::Misfit(format!(
                "pads {before} and {after} around a dimension of {size}"
            )));
        }
    }
    Ok(())
}
