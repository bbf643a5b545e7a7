//! Readers of operators that find elements by indices computed at run time: GatherElements, GatherND, ScatterElements,
//! ScatterND, OneHot, and Gather by such indices.
//!
//! On constants alone all of them are folded.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant::{index, scatter};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::quantized;
use crate::frontend::onnx::whole::{EXACT, Exact, Whole};
use crate::ir::op::{Change, Gather, Indexing, Scatter};
use crate::ir::{NodeId, Op, Slice, Unary};
use crate::proto::tensor_proto::DataType;

/// GatherElements: each index picks along `axis`, at its own place in the other dimensions.
pub(super) fn gather_elements(call: &mut Call<'_>) -> Made {
    if are_constant(call, 2) {
        return index::gather_elements(call);
    }
    let by = Indexing::Elements(axis(call)?);
    gathered(call, by)
}

/// GatherND: each row of indices picks what is left of an image when its first dimensions are fixed.
pub(super) fn gather_nd(call: &mut Call<'_>) -> Made {
    if are_constant(call, 2) {
        return index::gather_nd(call);
    }
    let batch = call.int("batch_dims", 0)?;
    let batch = usize::try_from(batch)
        .map_err(|_| Fault::Misfit(format!("batch_dims {batch}; it counts dimensions")))?;
    gathered(call, Indexing::Rows { batch })
}

/// The elements of operand 0 that operand 1 names.
pub(super) fn gathered(call: &mut Call<'_>, by: Indexing) -> Made {
    let indices = indices(call, by)?;
    let x = call.exact(0)?;
    finish(call, Op::Gather(Gather(by)), &[x.id, indices], x.whole)
}

/// ScatterElements, and Scatter before opset 11: each update goes along `axis` to where its index says.
pub(super) fn scatter_elements(call: &mut Call<'_>) -> Made {
    if are_constant(call, 3) {
        return scatter::elements(call);
    }
    let by = Indexing::Elements(axis(call)?);
    scattered(call, by)
}

/// ScatterND: each row of indices says where a stretch of updates goes.
pub(super) fn scatter_nd(call: &mut Call<'_>) -> Made {
    if are_constant(call, 3) {
        return scatter::nd(call);
    }
    scattered(call, Indexing::Rows { batch: 0 })
}

/// Operand 0, changed by operand 2 where operand 1 says.
fn scattered(call: &mut Call<'_>, by: Indexing) -> Made {
    let indices = indices(call, by)?;
    let (x, updates) = (call.exact(0)?, call.exact(2)?);
    let change = scatter::change(call)?;
    let whole = match (x.whole, updates.whole) {
        (None, None) => None,
        (Some(of), Some(update)) => {
            let kind = if is_constant(call, 0) { update.kind } else { of.kind };
            let count = call.shape(updates.id).iter().product();
            Some(changed(change, kind, [of.most, update.most], count)?)
        }
        _ => return Err(Fault::Misfit("floats are mixed with integers".into())),
    };
    let op = Op::Scatter(Scatter { by, change });
    finish(call, op, &[x.id, indices, updates.id], whole)
}

/// Type and range of integers after at most `count` changes of one of them.
fn changed(
    change: Change,
    kind: DataType,
    [x, update]: [i64; 2],
    count: usize,
) -> Result<Whole, Fault> {
    let times = i64::try_from(count).unwrap_or(i64::MAX);
    let most = match change {
        Change::Replace | Change::Min | Change::Max => {
            return Ok(Whole { kind, most: x.max(update) });
        }
        Change::Add => update.saturating_mul(times).saturating_add(x),
        Change::Mul => {
            let power = u32::try_from(count).unwrap_or(u32::MAX);
            update.max(1).saturating_pow(power).saturating_mul(x)
        }
    };
    match kind {
        DataType::Int32 | DataType::Int64 if most <= EXACT => Ok(Whole { kind, most }),
        _ => {
            let what =
                "sums and products of integers at run time that may leave their type or 2^24";
            Err(Fault::Unsupported(what.into()))
        }
    }
}

/// OneHot: along a new dimension one number where the index says, another elsewhere.
pub(super) fn one_hot(call: &mut Call<'_>) -> Made {
    if are_constant(call, 3) {
        return index::one_hot(call);
    }
    let depth = index::depth(call)?;
    let (indices, pair) = (call.exact(0)?, call.exact(2)?);
    if call.shape(pair.id) != [2] {
        let found = call.shape(pair.id);
        return Err(Fault::Misfit(format!("values of shape {found:?}; off and on belong there")));
    }
    let mut places = call.shape(indices.id);
    let axis = call.axis(call.int("axis", -1)?, places.len() + 1)?;
    places.insert(axis, 1);
    let mut shape = places.clone();
    shape[axis] = depth;
    let mut at = indices.id;
    if indices.whole.is_none() {
        let name = format!("{}/cut", call.result_name(0));
        at = call.put(name, Op::Unary(Unary::Trunc), None, &[at])?;
    }
    let at = part(call, "indices", Op::Reshape, places.clone(), at)?;
    let off = filled(call, "off", 0, pair, shape)?;
    let on = filled(call, "on", 1, pair, places)?;
    let by = Indexing::Elements(axis);
    check_sizes(call, by, off, at)?;
    let op = Op::Scatter(Scatter { by, change: Change::Replace });
    let name = call.result_name(0);
    let made = call.put(name, op, None, &[off, at, on])?;
    call.wholes.extend(pair.whole.map(|whole| (made, whole)));
    Ok(vec![made])
}

/// One of a pair of numbers everywhere.
fn filled(
    call: &mut Call<'_>,
    name: &str,
    which: usize,
    pair: Exact,
    shape: Vec<usize>,
) -> Result<NodeId, Fault> {
    let mut slice = Slice::whole(1);
    slice.starts[0] = which;
    let one = part(call, &format!("{name}/number"), Op::Slice(slice), vec![1], pair.id)?;
    part(call, name, Op::Expand, shape, one)
}

/// A step whose operand is taken as it lies.
fn part(
    call: &mut Call<'_>,
    part: &str,
    op: Op,
    shape: Vec<usize>,
    x: NodeId,
) -> Result<NodeId, Fault> {
    let name = format!("{}/{part}", call.result_name(0));
    call.put(name, op, Some(shape), &[x])
}

/// Adds the result of `op`, as the bytes that operand 0 or 2 is, or as what floats carry.
fn finish(call: &mut Call<'_>, op: Op, operands: &[NodeId], whole: Option<Whole>) -> Made {
    let of_bytes =
        [0, 2].into_iter().filter_map(|port| call.given(port)).any(|id| call.is_byte(id));
    let name = call.result_name(0);
    match whole {
        Some(Whole { kind, .. }) if of_bytes => {
            let floats = call.put(format!("{name}/floats"), op, None, operands)?;
            Ok(vec![quantized::narrowed(call, name, floats, kind)?])
        }
        whole => {
            let id = call.put(name, op, None, operands)?;
            call.wholes.extend(whole.map(|whole| (id, whole)));
            Ok(vec![id])
        }
    }
}

/// The indices at operand 1, as floats; constants lie inside of operand 0.
fn indices(call: &mut Call<'_>, by: Indexing) -> Result<NodeId, Fault> {
    let (x, listed) = (call.any(0)?, call.any(1)?);
    let Exact { id, whole } = call.exact(1)?;
    if !whole.is_some_and(|whole| matches!(whole.kind, DataType::Int32 | DataType::Int64)) {
        return Err(Fault::Misfit("operand 1 holds no indices of type int32 or int64".into()));
    }
    check_sizes(call, by, x, listed)?;
    Ok(id)
}

/// Refuses constant indices that name no element, and dimensions that floats do not count.
fn check_sizes(call: &Call<'_>, by: Indexing, x: NodeId, indices: NodeId) -> Result<(), Fault> {
    let (shape, places) = (call.shape(x), call.shape(indices));
    by.named(&shape, &places)?;
    let sizes = by.dimensions(&shape, &places).map_or(&[][..], |named| &shape[named]);
    if let Some(size) = sizes.iter().find(|size| **size as i64 > EXACT) {
        return Err(Fault::Unsupported(format!("indices along {size} elements; at most 2^24")));
    }
    let listed = call.numbers(indices).and_then(|indices| super::fold::ints(&indices));
    for (at, index) in listed.unwrap_or_default().into_iter().enumerate() {
        call.axis(index, sizes[at % sizes.len()])?;
    }
    Ok(())
}

/// The dimension that the attribute `axis` names.
fn axis(call: &Call<'_>) -> Result<usize, Fault> {
    let rank = call.shape(call.any(0)?).len();
    call.axis(call.int("axis", 0)?, rank)
}

/// True if all operands are constants.
fn are_constant(call: &Call<'_>, ports: usize) -> bool {
    (0..ports).all(|port| is_constant(call, port))
}

fn is_constant(call: &Call<'_>, port: usize) -> bool {
    call.given(port).is_none_or(|id| call.numbers(id).is_some())
}
