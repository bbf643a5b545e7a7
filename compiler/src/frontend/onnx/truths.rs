//! Readers of what makes truth values and chooses by them: comparisons, logic, tests of floats and Where.

use crate::frontend::onnx::arithmetic;
use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::composed::number;
use crate::frontend::onnx::constant::function;
use crate::frontend::onnx::constant::logic::{self, Comparison};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::whole::{Exact, TRUTHS, Whole};
use crate::ir::{Binary, NodeId, Op, Unary, infer};
use crate::proto::tensor_proto::DataType;

/// Equal, Less and their like.
pub(super) fn compare(call: &mut Call<'_>, comparison: Comparison) -> Made {
    if are_constant(call, 2) {
        return logic::compare(call, comparison);
    }
    let [a, b] = pair(call)?;
    call.emit_whole(Op::Binary(comparison.function()), &[a.id, b.id], TRUTHS)
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
    call.emit_whole(Op::Binary(f), &[a.id, b.id], TRUTHS)
}

/// Not.
pub(super) fn not(call: &mut Call<'_>) -> Made {
    if are_constant(call, 1) {
        return logic::not(call);
    }
    let x = call.exact(0)?;
    truths(0, x)?;
    against(call, Binary::Equal, x.id, 0.0)
}

/// Where: of what is not chosen nothing is left, so that the sum of both sides is the choice.
pub(super) fn select(call: &mut Call<'_>) -> Made {
    if are_constant(call, 3) {
        return logic::select(call);
    }
    let [which, a, b] = [call.exact(0)?, call.exact(1)?, call.exact(2)?];
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
    call.emit_whole(Op::Binary(Binary::NotEqual), &[x, x], TRUTHS)
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

/// The operands at ports 0 and 1, which are of one kind; before opset 7 only what `broadcast` and `axis` say is broadcast.
fn pair(call: &mut Call<'_>) -> Result<[Exact; 2], Fault> {
    let [a, mut b] = [call.exact(0)?, call.exact(1)?];
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

/// The truth of a comparison of each element and one number.
pub(super) fn against(call: &mut Call<'_>, f: Binary, x: NodeId, with: f32) -> Made {
    let with = number(call, "with", with);
    call.emit_whole(Op::Binary(f), &[x, with], TRUTHS)
}

/// True if all operands are constants.
fn are_constant(call: &Call<'_>, ports: usize) -> bool {
    (0..ports).all(|port| call.given(port).is_none_or(|id| call.numbers(id).is_some()))
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
