//! Truth values and integers that are computed at run time: carried as the floats that they are, where those are exact.
//!
//! True is 1 and false 0. What moves them carries on; arithmetic does as long as its results are known to stay below
//! 2^24, up to where every integer is a float. Their type in the file is kept beside the graph, for casts and outputs.

use std::collections::BTreeMap;

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::composed::number;
use crate::frontend::onnx::constant::function;
use crate::frontend::onnx::constant::logic::{self, Comparison};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::{arithmetic, fold, quantized, tensor};
use crate::ir::{Binary, Clamp, Dtype, Graph, NodeId, Op, Tensor, Unary, Values, infer};
use crate::proto::tensor_proto::DataType;

/// Up to here every integer is a float.
const EXACT: i64 = 1 << 24;

/// What is known of truth values or integers that floats carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// Their type in the file.
    pub(super) kind: DataType,
    /// The greatest magnitude that they may have.
    pub(super) most: i64,
}

/// The values that are carried so.
pub(super) type Wholes = BTreeMap<NodeId, Whole>;

/// Truth values.
const TRUTHS: Whole = Whole { kind: DataType::Bool, most: 1 };

/// Floats, and what they carry if they carry integers.
#[derive(Clone, Copy)]
struct Exact {
    id: NodeId,
    whole: Option<Whole>,
}

/// Equal, Less and their like.
pub(super) fn compare(call: &mut Call<'_>, comparison: Comparison) -> Made {
    if are_constant(call, 2) {
        return logic::compare(call, comparison);
    }
    let [a, b] = pair(call)?;
    emit(call, Op::Binary(comparison.function()), &[a.id, b.id], TRUTHS)
}

/// And, Or and Xor: the function that does it on 0 and 1.
pub(super) fn logic(call: &mut Call<'_>, f: Binary) -> Made {
    if are_constant(call, 2) {
        return logic::logic(call, f);
    }
    let [a, b] = pair(call)?;
    for (port, x) in [a, b].into_iter().enumerate() {
        truths(port, x)?;
    }
    emit(call, Op::Binary(f), &[a.id, b.id], TRUTHS)
}

/// Not.
pub(super) fn not(call: &mut Call<'_>) -> Made {
    if are_constant(call, 1) {
        return logic::not(call);
    }
    let x = exact(call, 0)?;
    truths(0, x)?;
    against(call, Binary::Equal, x.id, 0.0)
}

/// Where: of what is not chosen nothing is left, so that the sum of both sides is the choice.
pub(super) fn select(call: &mut Call<'_>) -> Made {
    if are_constant(call, 3) {
        return logic::select(call);
    }
    let [which, a, b] = [exact(call, 0)?, exact(call, 1)?, exact(call, 2)?];
    truths(0, which)?;
    let constant = |port| call.given(port).is_some_and(|id| call.numbers(id).is_some());
    let whole = match (a.whole, b.whole) {
        (None, None) => None,
        (Some(a), Some(b)) => {
            let kind = if constant(1) { b.kind } else { a.kind };
            Some(Whole { kind, most: a.most.max(b.most) })
        }
        _ => return Err(Fault::Misfit("floats are mixed with integers".into())),
    };
    let name = |part: &str| format!("{}/{part}", call.result_name(0));
    let [then, otherwise] = [name("then"), name("else")];
    let then = call.put(then, Op::Binary(Binary::Then), None, &[which.id, a.id])?;
    let otherwise = call.put(otherwise, Op::Binary(Binary::Else), None, &[which.id, b.id])?;
    let name = call.result_name(0);
    let made = call.put(name, Op::Binary(Binary::Add), None, &[then, otherwise])?;
    call.wholes.extend(whole.map(|whole| (made, whole)));
    Ok(vec![made])
}

/// IsNaN: what is not itself.
pub(super) fn is_nan(call: &mut Call<'_>) -> Made {
    if are_constant(call, 1) {
        return function::is_nan(call);
    }
    let x = call.float(0)?;
    emit(call, Op::Binary(Binary::NotEqual), &[x, x], TRUTHS)
}

/// IsInf, of either sign unless attributes leave one out.
pub(super) fn is_inf(call: &mut Call<'_>) -> Made {
    if are_constant(call, 1) {
        return function::is_inf(call);
    }
    let x = call.float(0)?;
    let sides = ["detect_negative", "detect_positive"].map(|side| call.int(side, 1));
    match sides {
        [Ok(0), Ok(0)] => Err(Fault::Unsupported("neither sign at run time".into())),
        [Ok(0), Ok(_)] => against(call, Binary::Equal, x, f32::INFINITY),
        [Ok(_), Ok(0)] => against(call, Binary::Equal, x, f32::NEG_INFINITY),
        [Ok(_), Ok(_)] => {
            let size = call.step("size", Op::Unary(Unary::Abs), &[x])?;
            against(call, Binary::Equal, size, f32::INFINITY)
        }
        [Err(fault), _] | [_, Err(fault)] => Err(fault),
    }
}

/// CastLike: Cast to the type of the second operand.
pub(super) fn cast_like(call: &mut Call<'_>) -> Made {
    let like = call.any(1)?;
    let dtype = call.numbers(like).map_or(call.graph.node(like).out.dtype, |x| x.dtype());
    let kind = call.wholes.get(&like).map_or_else(|| kind_of(dtype), |whole| whole.kind);
    arithmetic::cast_to(call, kind)
}

/// A cast from or to integers at run time.
pub(super) fn cast(call: &mut Call<'_>, kind: DataType) -> Made {
    let Exact { id, whole } = exact(call, 0)?;
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
        return emit(call, Op::Identity, &[id], Whole { kind, ..whole });
    }
    // What no integer of the type is near is undefined in ONNX.
    let id = match kind {
        DataType::Uint8 | DataType::Int8 => {
            let bounds = Clamp { lo: least as f32, hi: most as f32 };
            call.step("bounded", Op::Clamp(bounds), &[id])?
        }
        _ => id,
    };
    emit(call, Op::Unary(Unary::Trunc), &[id], Whole { kind, most })
}

/// A cast of integers to floats of some digits.
pub(super) fn to_floats(call: &mut Call<'_>, rounding: Op) -> Made {
    let x = exact(call, 0)?;
    let name = call.result_name(0);
    Ok(vec![call.put(name, rounding, None, &[x.id])?])
}

/// Adds what `op` makes of operands some of which are carried.
pub(super) fn add(
    call: &mut Call<'_>,
    name: String,
    op: Op,
    shape: Option<Vec<usize>>,
    operands: &[NodeId],
) -> Result<NodeId, Fault> {
    let (mut floats, mut wholes) = (Vec::new(), Vec::new());
    for (port, id) in operands.iter().enumerate() {
        let Exact { id, whole } = exactly(call, port, *id)?;
        floats.push(id);
        wholes.extend(whole);
    }
    let refused = |what: String| Err(Fault::Unsupported(what));
    let kind = operands.iter().find_map(|id| call.wholes.get(id)).map_or(TRUTHS.kind, |x| x.kind);
    let kind_name = tensor::type_name(kind as i32);
    if wholes.len() < floats.len() {
        return refused(format!("{kind_name} mixed with floats at run time"));
    }
    let most = match most(&op, &wholes) {
        Some(most) if op.moves() || most <= EXACT => most,
        Some(_) => return refused(format!("arithmetic on {kind_name} at run time beyond 2^24")),
        None => {
            let what = format!("arithmetic on {kind_name} at run time; supported: f32");
            return refused(what);
        }
    };
    if !op.moves() && !matches!(kind, DataType::Int32 | DataType::Int64) {
        return refused(format!("arithmetic on {kind_name} at run time; supported: f32"));
    }
    let id = call.put(name, op, shape, &floats)?;
    call.wholes.insert(id, Whole { kind, most });
    Ok(id)
}

/// The greatest magnitude that `op` makes of operands; `None` if integers are not computed so.
fn most(op: &Op, operands: &[Whole]) -> Option<i64> {
    let each = || operands.iter().map(|whole| whole.most);
    match op {
        Op::Binary(Binary::Add | Binary::Sub) => Some(each().fold(0, i64::saturating_add)),
        Op::Binary(Binary::Mul) => Some(each().fold(1, i64::saturating_mul)),
        Op::Binary(Binary::Min | Binary::Max) => each().max(),
        op if op.moves() => each().max(),
        // Quotients are cut to integers, and the others are on floats alone.
        _ => None,
    }
}

/// Adds the node's one result, which carries truth values or integers.
fn emit(call: &mut Call<'_>, op: Op, operands: &[NodeId], whole: Whole) -> Made {
    let name = call.result_name(0);
    let id = call.put(name, op, None, operands)?;
    call.wholes.insert(id, whole);
    Ok(vec![id])
}

/// The truth of a comparison of each element and one number.
fn against(call: &mut Call<'_>, f: Binary, x: NodeId, with: f32) -> Made {
    let with = number(call, "with", with);
    emit(call, Op::Binary(f), &[x, with], TRUTHS)
}

/// The operands at ports 0 and 1, which are of one kind; before opset 7 only what `broadcast` and `axis` say is broadcast.
fn pair(call: &mut Call<'_>) -> Result<[Exact; 2], Fault> {
    let [a, mut b] = [exact(call, 0)?, exact(call, 1)?];
    if a.whole.is_some() != b.whole.is_some() {
        return Err(Fault::Misfit("floats are mixed with integers".into()));
    }
    if call.opset < 7 {
        let (to, shape) = (call.shape(a.id), call.shape(b.id));
        let shape = arithmetic::aligned_shape(call, &to, shape)?;
        b.id = call.put(
            format!("{}/aligned", call.result_name(0)),
            Op::Reshape,
            Some(shape),
            &[b.id],
        )?;
    }
    infer::broadcast(&call.shape(a.id), &call.shape(b.id))?;
    Ok([a, b])
}

/// Whether all operands are constants.
fn are_constant(call: &Call<'_>, ports: usize) -> bool {
    (0..ports).all(|port| call.given(port).is_none_or(|id| call.numbers(id).is_some()))
}

/// The operand at `port`, as floats that are exactly it.
fn exact(call: &mut Call<'_>, port: usize) -> Result<Exact, Fault> {
    let id = call.any(port)?;
    exactly(call, port, id)
}

fn exactly(call: &mut Call<'_>, port: usize, id: NodeId) -> Result<Exact, Fault> {
    if let Some(whole) = call.wholes.get(&id) {
        return Ok(Exact { id, whole: Some(*whole) });
    }
    let stored = call.numbers(id).and_then(|x| Some((kind_of(x.dtype()), fold::ints(&x)?)));
    if let Some((kind, ints)) = stored {
        return constant(call, port, id, kind, &ints);
    }
    match call.graph.node(id).out.dtype {
        Dtype::F32 => Ok(Exact { id, whole: None }),
        dtype @ (Dtype::U8 | Dtype::I8) => {
            let part = format!("operand_{port}");
            let id = quantized::widened(call, &part, id)?;
            Ok(Exact { id, whole: Some(Whole { kind: kind_of(dtype), most: 255 }) })
        }
        other => Err(Fault::Unsupported(format!("operand {port} of type {other} at run time"))),
    }
}

/// Constant integers as floats.
fn constant(
    call: &mut Call<'_>,
    port: usize,
    id: NodeId,
    kind: DataType,
    ints: &[i64],
) -> Result<Exact, Fault> {
    let most = ints.iter().map(|int| int.saturating_abs()).max().unwrap_or(0);
    if most > EXACT {
        return Err(Fault::Unsupported(format!(
            "operand {port} holds {most}, beside what is computed at run time; supported: up to 2^24"
        )));
    }
    call.spend(Dtype::F32, ints.len())?;
    let floats = Values::F32(ints.iter().map(|int| *int as f32).collect());
    let (name, shape) = (format!("{}/operand_{port}", call.result_name(0)), call.shape(id));
    let id = call.graph.add_const(name, shape, floats);
    Ok(Exact { id, whole: Some(Whole { kind, most }) })
}

/// Refuses what is neither true nor false.
fn truths(port: usize, x: Exact) -> Result<(), Fault> {
    let kind = x.whole.map(|whole| whole.kind);
    // Constant truth values are stored as bytes.
    if matches!(kind, Some(DataType::Bool | DataType::Uint8)) {
        return Ok(());
    }
    Err(Fault::Misfit(format!("operand {port} holds no truth values")))
}

/// Types of outputs.
pub(super) const GIVEN: &str = "float, float16, bool, uint8, int8, int32, int64";

/// The integers or truth values that output `name` gives, if `node` carries some or is a constant of them, in the type
/// that the file declares.
pub(super) fn answer(
    graph: &mut Graph,
    wholes: &Wholes,
    node: NodeId,
    name: &str,
    elem_type: i32,
) -> Result<Option<NodeId>, Fault> {
    let constant = graph.constant(node).and_then(|x| Some((kind_of(x.dtype()), fold::ints(x)?)));
    let carried = wholes.get(&node).map(|whole| whole.kind);
    let Some(own) = carried.or(constant.as_ref().map(|(kind, _)| *kind)) else {
        return Ok(None);
    };
    let kind = match DataType::try_from(elem_type) {
        Ok(DataType::Undefined) | Err(_) => own,
        Ok(declared) => declared,
    };
    let dtype = match kind {
        DataType::Bool | DataType::Uint8 => Dtype::U8,
        DataType::Int32 => Dtype::I32,
        DataType::Int64 => Dtype::I64,
        _ => return Ok(None),
    };
    let from = match constant {
        // Bytes are given as they lie.
        Some((DataType::Uint8, _)) if kind == DataType::Uint8 => return Ok(None),
        Some((_, ints)) => {
            let most = ints.iter().map(|int| int.saturating_abs()).max().unwrap_or(0);
            if most > EXACT {
                let what = format!("a constant that holds {most}; supported: up to 2^24");
                return Err(Fault::Unsupported(what));
            }
            let floats = Values::F32(ints.iter().map(|int| *int as f32).collect());
            let shape = graph.node(node).out.shape.clone();
            graph.add_const(format!("{name}/floats"), shape, floats)
        }
        None => node,
    };
    let out = Tensor { dtype, ..graph.node(from).out.clone() };
    Ok(Some(graph.add(format!("{name}/integers"), Op::Integers(dtype), out, &[from])))
}

/// Why there is no cast to a type.
pub(super) fn no_cast(kind: DataType) -> Fault {
    Fault::Unsupported(format!("a cast to {}", tensor::type_name(kind as i32)))
}

/// The type of ONNX that values of `dtype` have.
pub(super) fn kind_of(dtype: Dtype) -> DataType {
    match dtype {
        Dtype::F32 | Dtype::F16 | Dtype::Bf16 => DataType::Float,
        Dtype::I8 => DataType::Int8,
        Dtype::U8 => DataType::Uint8,
        Dtype::I32 => DataType::Int32,
        Dtype::I64 => DataType::Int64,
    }
}
