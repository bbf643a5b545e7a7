//! Readers of ScatterElements and ScatterND, on constants.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant::index::{element_offsets, row_offsets};
use crate::frontend::onnx::constant::{constant_at, integers};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::tensor::Constant;
use crate::ir::Values;
use crate::ir::op::Change;

/// The change that an update makes to its element.
pub(in super::super) fn change(call: &Call<'_>) -> Result<Change, Fault> {
    match call.text("reduction", "none")?.as_str() {
        "none" => Ok(Change::Replace),
        "add" => Ok(Change::Add),
        "mul" => Ok(Change::Mul),
        "max" => Ok(Change::Max),
        "min" => Ok(Change::Min),
        other => Err(Fault::Misfit(format!("reduction {other:?} is unknown"))),
    }
}

/// The integers that a change makes, if it makes some.
fn changed(change: Change, x: i64, update: i64) -> Option<i64> {
    match change {
        Change::Replace => Some(update),
        Change::Add => x.checked_add(update),
        Change::Mul => x.checked_mul(update),
        Change::Max => Some(x.max(update)),
        Change::Min => Some(x.min(update)),
    }
}

/// ScatterElements, and Scatter before opset 11: each update goes along `axis` to where its index says.
pub(in super::super) fn elements(call: &mut Call<'_>) -> Made {
    let [x, indices, updates] =
        [constant_at(call, 0)?, constant_at(call, 1)?, constant_at(call, 2)?];
    let axis = call.axis(call.int("axis", 0)?, x.shape.len())?;
    if indices.shape != updates.shape {
        return Err(misfit(&indices, &updates));
    }
    let offsets = element_offsets(call, &x.shape, &indices, axis)?;
    scattered(call, x, &offsets, &updates.values)
}

/// ScatterND: each row of indices says where a stretch of updates goes.
pub(in super::super) fn nd(call: &mut Call<'_>) -> Made {
    let [x, indices, updates] =
        [constant_at(call, 0)?, constant_at(call, 1)?, constant_at(call, 2)?];
    let rows = row_offsets(call, &x.shape, &indices, 0)?;
    let places = &indices.shape[..indices.shape.len() - 1];
    if updates.shape != [places, &x.shape[rows.named..]].concat() {
        return Err(misfit(&indices, &updates));
    }
    call.spend(x.values.dtype(), updates.values.len())?;
    let starts = rows.starts.into_iter();
    let offsets: Vec<usize> = starts.flat_map(|start| start..start + rows.len).collect();
    scattered(call, x, &offsets, &updates.values)
}

/// The result: `x` with the updates at their offsets.
fn scattered(call: &mut Call<'_>, x: Constant, offsets: &[usize], updates: &Values) -> Made {
    let change = change(call)?;
    call.spend(x.values.dtype(), x.values.len())?;
    let Constant { shape, values } = x;
    let values = match (values, updates.as_f32()) {
        (Values::F32(mut x), Some(updates)) => {
            for (offset, update) in offsets.iter().zip(updates) {
                x[*offset] = change.of(x[*offset], *update);
            }
            Values::F32(x)
        }
        (values, _) => {
            let mut x = integers(&values)?;
            for (offset, update) in offsets.iter().zip(integers(updates)?) {
                let sum = changed(change, x[*offset], update);
                x[*offset] = sum.ok_or_else(|| Fault::Misfit("it has no 64-bit result".into()))?;
            }
            Values::I64(x)
        }
    };
    call.emit_const(Constant { shape, values })
}

fn misfit(indices: &Constant, updates: &Constant) -> Fault {
    let (places, shape) = (&indices.shape, &updates.shape);
    Fault::Misfit(format!("updates of shape {shape:?} for indices of shape {places:?}"))
}
