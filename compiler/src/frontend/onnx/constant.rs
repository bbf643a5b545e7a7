//! Readers of operators that make constants: stored ones, and shape arithmetic that no other operator covers.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::fold;
use crate::frontend::onnx::store::checked_len;
use crate::frontend::onnx::tensor::{self, Constant};
use crate::ir::{Dtype, Values, infer};
use crate::proto::attribute_proto::AttributeType;

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

/// Range of integers.
pub(super) fn range(call: &mut Call<'_>) -> Made {
    let one = |port: usize| match call.const_ints(port)?.as_deref() {
        Some([value]) => Ok(i128::from(*value)),
        _ => Err(Fault::Misfit(format!("operand {port} is not one integer"))),
    };
    let (start, limit, step) = (one(0)?, one(1)?, one(2)?);
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

/// Equal, on constants.
pub(super) fn equal(call: &mut Call<'_>) -> Made {
    let [a, b] = [constant_at(call, 0)?, constant_at(call, 1)?];
    let shape = infer::broadcast(&a.shape, &b.shape)?;
    let [a, b] = [broadcast(call, a, &shape)?, broadcast(call, b, &shape)?];
    let values = match (a.as_f32(), b.as_f32()) {
        (Some(a), Some(b)) => equals(a, b),
        _ => equals(&integers(&a)?, &integers(&b)?),
    };
    call.emit_const(Constant { shape, values })
}

/// Where, on constants.
pub(super) fn select(call: &mut Call<'_>) -> Made {
    let [which, a, b] = [constant_at(call, 0)?, constant_at(call, 1)?, constant_at(call, 2)?];
    let shape = infer::broadcast(&infer::broadcast(&which.shape, &a.shape)?, &b.shape)?;
    let [which, a, b] =
        [broadcast(call, which, &shape)?, broadcast(call, a, &shape)?, broadcast(call, b, &shape)?];
    let which = integers(&which)?;
    let values = match (a.as_f32(), b.as_f32()) {
        (Some(a), Some(b)) => Values::F32(selected(&which, a, b)),
        _ => Values::I64(selected(&which, &integers(&a)?, &integers(&b)?)),
    };
    call.emit_const(Constant { shape, values })
}

fn constant_at(call: &Call<'_>, port: usize) -> Result<Constant, Fault> {
    let id = call.any(port)?;
    match call.graph.constant(id) {
        Some(values) => Ok(Constant { shape: call.shape(id), values: values.clone() }),
        None => Err(Fault::Unsupported(format!(
            "operand {port} that is {}; supported: constants",
            call.made(id)
        ))),
    }
}

fn broadcast(call: &mut Call<'_>, x: Constant, shape: &[usize]) -> Result<Values, Fault> {
    call.spend(x.values.dtype(), checked_len(shape)?)?;
    Ok(fold::expanded((&x.shape, &x.values), shape))
}

fn integers(values: &Values) -> Result<Vec<i64>, Fault> {
    fold::ints(values).ok_or_else(|| Fault::Misfit("floats are mixed with integers".into()))
}

fn equals<T: PartialEq>(a: &[T], b: &[T]) -> Values {
    Values::U8(a.iter().zip(b).map(|(a, b)| u8::from(a == b)).collect())
}

fn selected<T: Copy>(which: &[i64], a: &[T], b: &[T]) -> Vec<T> {
    let pairs = a.iter().zip(b);
    which.iter().zip(pairs).map(|(which, (a, b))| if *which != 0 { *a } else { *b }).collect()
}
