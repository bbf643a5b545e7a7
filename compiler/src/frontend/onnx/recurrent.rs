//! Readers of RNN, GRU and LSTM: the steps of each sequence one behind another, in operators of their own.
//!
//! One product makes the gates' sums over the inputs of all steps; each step adds what its state gives. So a cell of `h`
//! numbers is products by constant matrices and functions of elements, which every pass and kernel knows.

mod cell;
mod function;
mod kind;
mod layer;

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::ir::{NodeId, Op};
use cell::Cell;
pub(super) use kind::Kind;
use layer::{Layer, Sizes};

/// Most steps that a sequence is unrolled to.
const MAX_STEPS: usize = 1024;

/// The states of one direction: after each step, `[batch,hidden]`, in the order of the input, and after the last.
struct Told {
    each: Vec<NodeId>,
    last: [NodeId; 2],
}

/// RNN, GRU or LSTM.
pub(super) fn recurrent(call: &mut Call<'_>, kind: Kind) -> Made {
    let by_batch = match call.int("layout", 0)? {
        0 => false,
        1 => true,
        other => return Err(Fault::Misfit(format!("layout {other}; 0 and 1 are"))),
    };
    let backwards: &[bool] = match call.text("direction", "forward")?.as_str() {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => {
            let known = "supported: forward, reverse, bidirectional";
            return Err(Fault::Unsupported(format!("direction {other:?}; {known}")));
        }
    };
    let x = call.float(0)?;
    let sizes = sizes(call, kind, backwards.len(), by_batch)?;
    let name = call.node.output.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
    let mut layer = Layer { call, name, sizes };
    let x = if by_batch { layer.step("by_steps", Op::Transpose(vec![1, 0, 2]), &[x])? } else { x };
    let mut told = Vec::new();
    for (at, backwards) in backwards.iter().enumerate() {
        let cell = Cell::read(&mut layer, kind, at)?;
        told.push(run(&mut layer, &cell, x, at, *backwards, by_batch)?);
    }
    results(&mut layer, kind, &told, by_batch)
}

/// The lengths, if those of the weights agree with them and all steps are asked.
fn sizes(call: &Call<'_>, kind: Kind, directions: usize, by_batch: bool) -> Result<Sizes, Fault> {
    let (x, w, r) = (call.float(0)?, call.float(1)?, call.float(2)?);
    let [x, w, r] = [x, w, r].map(|id| call.shape(id));
    let ([first, second, inputs], [_, _, hidden]) = (x.as_slice(), r.as_slice()) else {
        return Err(Fault::Misfit(format!("an input {x:?} and weights {r:?}; three dimensions")));
    };
    let (steps, batch) = if by_batch { (*second, *first) } else { (*first, *second) };
    let sizes = Sizes { steps, batch, inputs: *inputs, hidden: *hidden, directions };
    let rows = kind.gates() * hidden;
    if w != [directions, rows, *inputs] || r != [directions, rows, *hidden] {
        return Err(Fault::Misfit(format!(
            "weights {w:?} and {r:?} for {directions} directions, {inputs} inputs and {hidden} hidden"
        )));
    }
    if steps > MAX_STEPS {
        return Err(Fault::Unsupported(format!(
            "a sequence of {steps} steps; up to {MAX_STEPS} are laid out; give fewer a call, and keep the state"
        )));
    }
    let whole = |lens: &[i64]| lens.iter().all(|len| usize::try_from(*len) == Ok(steps));
    match call.const_ints(4)? {
        Some(lens) if !whole(&lens) => Err(Fault::Unsupported(format!(
            "sequences of lengths {lens:?}; supported: all {steps} steps"
        ))),
        _ => Ok(sizes),
    }
}

/// Runs direction `at` over all steps.
fn run(
    layer: &mut Layer<'_, '_>,
    cell: &Cell,
    x: NodeId,
    at: usize,
    backwards: bool,
    by_batch: bool,
) -> Result<Told, Fault> {
    let Sizes { steps, batch, inputs, .. } = layer.sizes;
    let rows = layer.view(&format!("rows_{at}"), x, vec![steps * batch, inputs])?;
    let given = cell.of_inputs(layer, rows, at)?;
    let mut state = [layer.start(5, at, by_batch)?; 2];
    if cell.kind() == Kind::Lstm {
        state[1] = layer.start(6, at, by_batch)?;
    }
    let mut each = Vec::new();
    for round in 0..steps {
        let step = if backwards { steps - 1 - round } else { round };
        let label =
            if layer.sizes.directions > 1 { format!("{at}_{step}") } else { step.to_string() };
        let given = layer.part(&format!("inputs_{label}"), given, 0, [step * batch, batch])?;
        state = cell.step(layer, &label, given, state)?;
        each.push(state[0]);
    }
    if backwards {
        each.reverse();
    }
    Ok(Told { each, last: state })
}

/// All states, the last ones, and of an LSTM its last cells, as far as they are asked.
fn results(layer: &mut Layer<'_, '_>, kind: Kind, told: &[Told], by_batch: bool) -> Made {
    let Sizes { steps, batch, hidden, directions, .. } = layer.sizes;
    let mut all = Vec::new();
    for step in 0..steps {
        for (at, told) in told.iter().enumerate() {
            let part = format!("state_{step}_{at}");
            all.push(layer.view(&part, told.each[step], vec![1, 1, batch, hidden])?);
        }
    }
    let rows = layer.step("states", Op::Concat(0), &all)?;
    let mut made = vec![rows];
    let mut y = layer.view("by_direction", rows, vec![steps, directions, batch, hidden])?;
    if by_batch {
        y = layer.step("by_batch", Op::Transpose(vec![2, 0, 1, 3]), &[y])?;
    }
    made[0] = layer.named(0, y)?;
    for result in 1..if kind == Kind::Lstm { 3 } else { 2 } {
        let mut last = Vec::new();
        for (at, told) in told.iter().enumerate() {
            let part = format!("last_{result}_{at}");
            last.push(layer.view(&part, told.last[result - 1], vec![1, batch, hidden])?);
        }
        let mut last = layer.step(&format!("last_{result}"), Op::Concat(0), &last)?;
        if by_batch {
            last = layer.step(
                &format!("last_by_batch_{result}"),
                Op::Transpose(vec![1, 0, 2]),
                &[last],
            )?;
        }
        made.push(layer.named(result, last)?);
    }
    made.truncate(layer.call.node.output.len());
    Ok(made)
}
