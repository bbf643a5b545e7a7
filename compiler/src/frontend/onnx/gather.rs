//! Reader of Gather, and of what else picks by constant indices from values computed at run time.
//!
//! Constant indices fall into runs, each a slice; an upsampling, whose indices come several times in a row, is one and an
//! Expand. Many runs, and indices that are computed, are a gather of the graph.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::store::checked_len;
use crate::frontend::onnx::tensor::Constant;
use crate::frontend::onnx::{fold, indexed};
use crate::ir::op::Indexing;
use crate::ir::{NodeId, Op, Slice, Values};

/// Most slices that indices become.
const MAX_RUNS: usize = 256;

/// Gather along `axis`.
pub(super) fn gather(call: &mut Call<'_>) -> Made {
    let (x, indices) = (call.any(0)?, call.any(1)?);
    let (from, wanted) = (call.shape(x), call.shape(indices));
    let axis = call.axis(call.int("axis", 0)?, from.len())?;
    if call.numbers(indices).is_none() {
        return indexed::gathered(call, Indexing::Axis(axis));
    }
    let listed = call.const_ints(1)?.unwrap_or_default();
    let at: Vec<usize> =
        listed.iter().map(|index| call.axis(*index, from[axis])).collect::<Result<_, _>>()?;
    let shape = [&from[..axis], &wanted, &from[axis + 1..]].concat();
    let len = checked_len(&shape)?;
    if let Some(dtype) = call.graph.constant(x).map(Values::dtype) {
        call.spend(dtype, len)?;
    }
    if let Some(values) = call.graph.constant(x) {
        let inner: usize = from[axis + 1..].iter().product();
        let offset = |i: usize| {
            let (outer, index, inside) = (i / (inner * at.len()), i / inner % at.len(), i % inner);
            (outer * from[axis] + at[index]) * inner + inside
        };
        let values = fold::pick(values, (0..len).map(offset));
        return call.emit_const(Constant { shape, values });
    }
    let once: Vec<usize> = at.iter().copied().step_by(repeats(&at)).collect();
    if runs(&once).len() > MAX_RUNS {
        return indexed::gathered(call, Indexing::Axis(axis));
    }
    let part = picked(call, "part", x, axis, &at)?;
    call.emit_as(Op::Reshape, shape, &[part])
}

/// The elements of `x` at `indices` along `axis`, in their order.
pub(super) fn picked(
    call: &mut Call<'_>,
    part: &str,
    x: NodeId,
    axis: usize,
    indices: &[usize],
) -> Result<NodeId, Fault> {
    if (0..call.shape(x)[axis]).eq(indices.iter().copied()) {
        return Ok(x);
    }
    let times = repeats(indices);
    if times > 1 {
        let once: Vec<usize> = indices.iter().copied().step_by(times).collect();
        let once = picked(call, &format!("{part}/once"), x, axis, &once)?;
        return each(call, part, once, axis, times);
    }
    let runs = runs(indices);
    if runs.len() > MAX_RUNS {
        return Err(Fault::Unsupported(format!(
            "indices in {} runs into a value that is computed at run time; supported: {MAX_RUNS}",
            runs.len()
        )));
    }
    let mut slices = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let part = if runs.len() == 1 { part.to_owned() } else { format!("{part}/{at}") };
        slices.push(sliced(call, &part, x, axis, run)?);
    }
    match slices.as_slice() {
        &[only] => Ok(only),
        _ => call.step(part, Op::Concat(axis), &slices),
    }
}

/// How often in a row each index comes; 1 if they differ in that.
fn repeats(indices: &[usize]) -> usize {
    let Some(first) = indices.first() else {
        return 1;
    };
    let times = indices.iter().take_while(|index| *index == first).count();
    let alike = |group: &[usize]| group.iter().all(|index| *index == group[0]);
    if indices.len().is_multiple_of(times) && indices.chunks(times).all(alike) { times } else { 1 }
}

/// Indices that follow each other at one distance.
struct Run {
    start: usize,
    step: isize,
    len: usize,
}

/// The runs that indices fall into, each as long as it can be.
fn runs(indices: &[usize]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut rest = indices;
    while let Some((&start, behind)) = rest.split_first() {
        let step = behind.first().map_or(1, |next| *next as isize - start as isize);
        let follows = |(i, index): &(usize, &usize)| {
            step != 0 && **index as isize == start as isize + (*i as isize + 1) * step
        };
        let len = 1 + behind.iter().enumerate().take_while(follows).count();
        runs.push(Run { start, step: if len == 1 { 1 } else { step }, len });
        rest = &rest[len..];
    }
    if runs.is_empty() {
        runs.push(Run { start: 0, step: 1, len: 0 });
    }
    runs
}

fn sliced(
    call: &mut Call<'_>,
    part: &str,
    x: NodeId,
    axis: usize,
    run: &Run,
) -> Result<NodeId, Fault> {
    let mut shape = call.shape(x);
    let mut slice = Slice::whole(shape.len());
    (slice.starts[axis], slice.steps[axis], shape[axis]) = (run.start, run.step, run.len);
    call.step_as(part, Op::Slice(slice), shape, &[x])
}

/// `x` with each element along `axis` `times` times in a row.
fn each(
    call: &mut Call<'_>,
    part: &str,
    x: NodeId,
    axis: usize,
    times: usize,
) -> Result<NodeId, Fault> {
    let mut shape = call.shape(x);
    let mut split = shape.clone();
    split.insert(axis + 1, 1);
    let split = call.view(&format!("{part}/split"), x, split)?;
    let mut repeated = call.shape(split);
    repeated[axis + 1] = times;
    let repeated = call.step_as(&format!("{part}/repeated"), Op::Expand, repeated, &[split])?;
    shape[axis] *= times;
    call.view(part, repeated, shape)
}
