//! Readers of Cast and CastLike.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::tensor::{self, Constant};
use crate::frontend::onnx::truths::against;
use crate::frontend::onnx::whole::{Exact, Whole, kind_of};
use crate::frontend::onnx::{fold, quantized};
use crate::ir::{Binary, Clamp, Dtype, Op, Unary, Values};
use crate::proto::tensor_proto::DataType;

/// Cast between all types. All is kept in f32: what is cast to fewer digits is rounded to them.
pub(super) fn cast(call: &mut Call<'_>) -> Made {
    let to = call.int("to", 0)?;
    let kind =
        i32::try_from(to).ok().and_then(|to| DataType::try_from(to).ok()).unwrap_or_default();
    cast_to(call, kind)
}

/// Cast to the type `kind`.
fn cast_to(call: &mut Call<'_>, kind: DataType) -> Made {
    let x = call.any(0)?;
    let shape = call.shape(x);
    let unsupported = || no_cast(kind);
    if let Some(dtype) = call.graph.constant(x).map(Values::dtype) {
        call.spend(dtype, shape.iter().product())?;
    }
    if let Some(values) = call.graph.constant(x) {
        let values = fold::converted(values, kind).ok_or_else(unsupported)?;
        return call.emit_const(Constant { shape, values });
    }
    let rounding = match kind {
        DataType::Float | DataType::Double => Op::Identity,
        DataType::Float16 => Op::Unary(Unary::ToF16),
        DataType::Bfloat16 => Op::Unary(Unary::ToBf16),
        _ => return to_integers(call, kind),
    };
    if call.wholes.contains_key(&x) {
        return to_floats(call, rounding);
    }
    match call.graph.node(x).out.dtype {
        // Every byte has its number of 16 bits.
        Dtype::U8 | Dtype::I8 => quantized::widen(call, x),
        _ => call.emit(rounding, &[x]),
    }
}

/// CastLike: Cast to the type of the second operand.
pub(super) fn cast_like(call: &mut Call<'_>) -> Made {
    let like = call.any(1)?;
    let dtype = call.numbers(like).map_or(call.graph.node(like).out.dtype, |x| x.dtype());
    let kind = call.wholes.get(&like).map_or_else(|| kind_of(dtype), |whole| whole.kind);
    cast_to(call, kind)
}

/// A cast from or to integers at run time.
fn to_integers(call: &mut Call<'_>, kind: DataType) -> Made {
    let Exact { id, whole } = call.exact(0)?;
    let (least, most) = match kind {
        DataType::Bool => return against(call, Binary::NotEqual, id, 0.0),
        DataType::Uint8 => (0, 255),
        DataType::Int8 => (-128, 127),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => (i64::MIN, i64::MAX),
        _ => return Err(no_cast(kind)),
    };
    if let Some(whole) = whole {
        let from = whole.kind;
        let unsigned = matches!(from, DataType::Bool | DataType::Uint8);
        if whole.most > most || (least == 0 && !unsigned) {
            let from = tensor::type_name(from as i32);
            let to = tensor::type_name(kind as i32);
            return Err(Fault::Unsupported(format!(
                "a cast of {from} to {to} that may not hold it"
            )));
        }
        return call.emit_whole(Op::Identity, &[id], Whole { kind, ..whole });
    }
    // What no integer of the type is near is undefined in ONNX.
    let id = match kind {
        DataType::Uint8 | DataType::Int8 => {
            let bounds = Clamp { lo: least as f32, hi: most as f32 };
            call.step("bounded", Op::Clamp(bounds), &[id])?
        }
        _ => id,
    };
    call.emit_whole(Op::Unary(Unary::Trunc), &[id], Whole { kind, most })
}

/// A cast of integers to floats of some digits.
fn to_floats(call: &mut Call<'_>, rounding: Op) -> Made {
    let x = call.exact(0)?;
    let name = call.result_name(0);
    Ok(vec![call.put(name, rounding, None, &[x.id])?])
}

/// Why there is no cast to a type.
fn no_cast(kind: DataType) -> Fault {
    Fault::Unsupported(format!("a cast to {}", tensor::type_name(kind as i32)))
}
