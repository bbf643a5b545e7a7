//! Readers of operators that make constants: stored ones, and what is computed of constants alone.
//!
//! Shape arithmetic and masks are gone once the model is read; of values computed at run time these operators are refused.

pub(super) mod function;
pub(super) mod index;
pub(super) mod logic;
pub(super) mod scatter;
pub(super) mod slices;

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::store::checked_len;
use crate::frontend::onnx::tensor::{self, Constant};
use crate::frontend::onnx::{fold, whole};
use crate::ir::{Dtype, Values};
use crate::proto::attribute_proto::AttributeType;
use crate::proto::tensor_proto::DataType;

/// Constant, in each of its spellings.
pub(super) fn constant(call: &mut Call<'_>) -> Made {
    let constant = stored(call)?;
    call.emit_const(constant)
}

fn stored(call: &mut Call<'_>) -> Result<Constant, Fault> {
    let Some(attribute) = call.node.attribute.first() else {
        return Err(Fault::Misfit("holds no value".into()));
    };
    let attribute = attribute.clone();
    let single = |values| Constant { shape: Vec::new(), values };
    let list = |len, values| Constant { shape: vec![len], values };
    match attribute.name.as_str() {
        "value" => tensor::dense(attribute.t.unwrap_or_default(), call.store),
        "sparse_value" => tensor::sparse(attribute.sparse_tensor.unwrap_or_default(), call.store),
        "value_float" => Ok(single(Values::F32(vec![attribute.f]))),
        "value_int" => Ok(single(Values::I64(vec![attribute.i]))),
        "value_floats" => Ok(list(attribute.floats.len(), Values::F32(attribute.floats))),
        "value_ints" => Ok(list(attribute.ints.len(), Values::I64(attribute.ints))),
        other => Err(Fault::Unsupported(format!("attribute {other:?}; supported: numbers"))),
    }
}

/// ConstantOfShape.
pub(super) fn constant_of_shape(call: &mut Call<'_>) -> Made {
    let dims = call.const_ints(0)?.ok_or_else(|| Fault::Misfit("operand 0 is missing".into()))?;
    let shape: Option<Vec<usize>> = dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let shape = shape.ok_or_else(|| Fault::Misfit(format!("{dims:?} is no shape")))?;
    let len = checked_len(&shape)?;
    let value = call.attribute("value", AttributeType::Tensor)?.and_then(|value| value.t.clone());
    let value = match value {
        Some(value) => tensor::dense(value, call.store)?.values,
        None => Values::F32(vec![0.0]),
    };
    if value.len() != 1 {
        return Err(Fault::Misfit(format!(
            "its value has {} elements; one belongs there",
            value.len()
        )));
    }
    match value.dtype() {
        // Weights of models that are published for their graph alone.
        Dtype::F32 => call.store.take(len)?,
        dtype => call.spend(dtype, len)?,
    }
    let values = fold::expanded((&[], &value), &shape);
    call.emit_const(Constant { shape, values })
}

/// Shape, of which newer files may ask for a part.
pub(super) fn shape(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let dims: Vec<i64> = call.shape(x).iter().map(|dim| *dim as i64).collect();
    let rank = dims.len() as i64;
    let bound = |at: i64| if at < 0 { at.saturating_add(rank) } else { at }.clamp(0, rank) as usize;
    let (start, end) = (bound(call.int("start", 0)?), bound(call.int("end", rank)?));
    let part = dims.get(start..end).unwrap_or_default().to_vec();
    call.emit_const(Constant { shape: vec![part.len()], values: Values::I64(part) })
}

/// Size.
pub(super) fn size(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let len = call.graph.node(x).out.len() as i64;
    call.emit_const(Constant { shape: Vec::new(), values: Values::I64(vec![len]) })
}

/// Range of integers or floats.
pub(super) fn range(call: &mut Call<'_>) -> Made {
    let [start, limit, step] =
        [constant_at(call, 0)?, constant_at(call, 1)?, constant_at(call, 2)?].map(|c| c.values);
    if [&start, &limit, &step].iter().any(|values| values.len() != 1) {
        return Err(Fault::Misfit("its start, limit and step are not one number each".into()));
    }
    match (start.as_f32(), limit.as_f32(), step.as_f32()) {
        (Some(start), Some(limit), Some(step)) => {
            range_of_floats(call, start[0], limit[0], step[0])
        }
        _ => {
            let [start, limit, step] = [integers(&start)?, integers(&limit)?, integers(&step)?];
            range_of_integers(call, start[0], limit[0], step[0])
        }
    }
}

/// Steps are added one by one, as ONNX's function body does.
fn range_of_floats(call: &mut Call<'_>, start: f32, limit: f32, step: f32) -> Made {
    let count = (f64::from(limit - start) / f64::from(step)).ceil();
    if !count.is_finite() {
        return Err(Fault::Misfit(format!("steps of {step} from {start} to {limit}")));
    }
    let len = count.max(0.0) as usize;
    call.spend(Dtype::F32, len)?;
    let steps = std::iter::successors(Some(start), |at| Some(at + step));
    let values = Values::F32(steps.take(len).collect());
    call.emit_const(Constant { shape: vec![len], values })
}

fn range_of_integers(call: &mut Call<'_>, start: i64, limit: i64, step: i64) -> Made {
    let [start, limit, step] = [start, limit, step].map(i128::from);
    if step == 0 {
        return Err(Fault::Misfit("its step is 0".into()));
    }
    let forward = (limit - start) * step.signum();
    let len = usize::try_from(forward.max(0).unsigned_abs().div_ceil(step.unsigned_abs()));
    let len = len.map_err(|_| Fault::Misfit("it has too many elements".into()))?;
    call.spend(Dtype::I64, len)?;
    let values = (0..len as i128).map(|i| (start + i * step) as i64).collect();
    call.emit_const(Constant { shape: vec![len], values: Values::I64(values) })
}

/// EyeLike: ones on a diagonal of a matrix, whose shape the operand has.
pub(super) fn eye_like(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let shape = call.shape(x);
    let &[rows, columns] = shape.as_slice() else {
        return Err(Fault::Misfit(format!("its operand {shape:?} is no matrix")));
    };
    let diagonal = call.int("k", 0)?;
    call.spend(Dtype::F32, rows * columns)?;
    let mut ones = vec![0; rows * columns];
    for row in 0..rows {
        let column = diagonal.checked_add(row as i64).and_then(|at| usize::try_from(at).ok());
        if let Some(column) = column.filter(|column| *column < columns) {
            ones[row * columns + column] = 1;
        }
    }
    let own = call.graph.node(x).out.dtype;
    let kind = call.attribute("dtype", AttributeType::Int)?.map(|dtype| dtype.i);
    let ones = Values::U8(ones);
    let values = match kind {
        Some(kind) => fold::converted(&ones, data_type(kind)),
        None => fold::converted(&ones, whole::kind_of(own)),
    };
    let values = values.ok_or_else(|| Fault::Unsupported(format!("dtype {kind:?} of its ones")))?;
    call.emit_const(Constant { shape, values })
}

fn data_type(kind: i64) -> DataType {
    i32::try_from(kind).ok().and_then(|kind| DataType::try_from(kind).ok()).unwrap_or_default()
}

/// The constant at `port`.
fn constant_at(call: &Call<'_>, port: usize) -> Result<Constant, Fault> {
    let id = call.any(port)?;
    match call.numbers(id) {
        Some(values) => Ok(Constant { shape: call.shape(id), values: values.into_owned() }),
        None => Err(Fault::Unsupported(format!(
            "operand {port} that is {}; supported: constants",
            call.made(id)
        ))),
    }
}

/// The numbers of `x` broadcast to `shape`.
fn broadcast(call: &mut Call<'_>, x: &Constant, shape: &[usize]) -> Result<Values, Fault> {
    call.spend(x.values.dtype(), checked_len(shape)?)?;
    Ok(fold::expanded((&x.shape, &x.values), shape))
}

fn integers(values: &Values) -> Result<Vec<i64>, Fault> {
    fold::ints(values).ok_or_else(|| Fault::Misfit("floats are mixed with integers".into()))
}
