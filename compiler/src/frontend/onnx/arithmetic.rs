//! Readers of operators that work element by element, and of softmax.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::fold;
use crate::ir::{Binary, Clamp, Dtype, NodeId, Op, Softmax, Unary, Values, infer};

/// Tanh, Exp and their like: one function without settings.
pub(super) fn unary(call: &mut Call<'_>, f: Unary) -> Made {
    let x = call.any(0)?;
    call.emit(Op::Unary(f), &[x])
}

/// LeakyRelu.
pub(super) fn leaky_relu(call: &mut Call<'_>) -> Made {
    let alpha = call.real("alpha", 0.01)?;
    unary(call, Unary::LeakyRelu(alpha))
}

/// Elu.
pub(super) fn elu(call: &mut Call<'_>) -> Made {
    let alpha = call.real("alpha", 1.0)?;
    unary(call, Unary::Elu(alpha))
}

/// HardSigmoid.
pub(super) fn hard_sigmoid(call: &mut Call<'_>) -> Made {
    let (alpha, beta) = (call.real("alpha", 0.2)?, call.real("beta", 0.5)?);
    unary(call, Unary::HardSigmoid(alpha, beta))
}

/// Swish without a factor.
pub(super) fn swish(call: &mut Call<'_>) -> Made {
    let alpha = call.real("alpha", 1.0)?;
    if alpha == 1.0 {
        unary(call, Unary::Silu)
    } else {
        Err(Fault::Unsupported(format!("alpha={alpha}; supported: 1")))
    }
}

/// Relu; of integers the greater of each and 0.
pub(super) fn relu(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    if call.graph.node(x).out.dtype == Dtype::F32 && !call.wholes.contains_key(&x) {
        return call.emit(Op::Clamp(Clamp::RELU), &[x]);
    }
    let zero = match call.graph.node(x).out.dtype {
        Dtype::I8 => Values::I8(vec![0]),
        Dtype::U8 => Values::U8(vec![0]),
        Dtype::I32 => Values::I32(vec![0]),
        // Integers of 64 bits, and floats that carry integers of any type.
        _ => Values::I64(vec![0]),
    };
    let zero = call.graph.add_const(format!("{}/zero", call.result_name(0)), Vec::new(), zero);
    call.emit(Op::Binary(Binary::Max), &[x, zero])
}

/// Clip: bounds in attributes before opset 11, in operands since.
pub(super) fn clip(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let is_fixed = |port| call.given(port).is_none_or(|id| call.numbers(id).is_some());
    let ints = call.wholes.contains_key(&x) || call.graph.node(x).out.dtype != Dtype::F32;
    if ints || !is_fixed(1) || !is_fixed(2) {
        return clip_to_operands(call, x);
    }
    let x = call.float(0)?;
    let bound = |name: &str, port: usize, open: f32| match call.const_float(port)? {
        Some(bound) => Ok(bound),
        None => call.real(name, open),
    };
    let lo = bound("min", 1, f32::NEG_INFINITY)?;
    let hi = bound("max", 2, f32::INFINITY)?;
    if lo.is_nan() || hi.is_nan() {
        return Err(Fault::Misfit(format!("its bounds {lo}..{hi} are not numbers")));
    }
    // Crossed bounds are legal: the upper one wins everywhere.
    call.emit(Op::Clamp(Clamp { lo: lo.min(hi), hi }), &[x])
}

/// Clip by computed bounds: the greater of `x` and the lower one, then the lesser of that and the upper.
fn clip_to_operands(call: &mut Call<'_>, x: NodeId) -> Made {
    let mut clipped = x;
    for (port, part, f) in [(1, "min", Binary::Max), (2, "max", Binary::Min)] {
        let Some(bound) = call.given(port) else {
            continue;
        };
        let shape = call.shape(bound);
        if shape.iter().product::<usize>() != 1 {
            return Err(Fault::Misfit(format!(
                "operand {port} is {shape:?}; one number belongs there"
            )));
        }
        let bound = if shape.is_empty() { bound } else { call.view(part, bound, Vec::new())? };
        clipped = call.step(&format!("{part}/clipped"), Op::Binary(f), &[clipped, bound])?;
    }
    call.emit(Op::Identity, &[clipped])
}

/// PRelu: the slope lies along the channels before opset 7 and broadcasts since.
pub(super) fn prelu(call: &mut Call<'_>) -> Made {
    let (mut x, mut slope) = (call.float(0)?, call.float(1)?);
    let (mut shape, slopes) = (call.shape(x), call.shape(slope));
    if shape.is_empty() && slopes == [1] {
        // Of higher rank than the specification allows; the result has it too, as onnxruntime's.
        shape = vec![1];
        x = call.view("list", x, shape.clone())?;
    }
    if call.opset < 7 && slopes.len() == 1 && shape.len() > 2 {
        let mut along_channels = vec![slopes[0]];
        along_channels.resize(shape.len() - 1, 1);
        slope = call.view("slope", slope, along_channels)?;
    }
    if infer::broadcast(&shape, &call.shape(slope))? != shape {
        return Err(Fault::Misfit(format!("slopes {slopes:?} do not broadcast to {shape:?}")));
    }
    call.emit(Op::PRelu, &[x, slope])
}

/// Add and its like; before opset 7 only what `broadcast` and `axis` say is broadcast.
pub(super) fn binary(call: &mut Call<'_>, f: Binary) -> Made {
    let (a, mut b) = (call.any(0)?, call.any(1)?);
    if call.opset < 7 {
        b = aligned(call, a, b)?;
    }
    call.emit(Op::Binary(f), &[a, b])
}

/// Pow, whose constant exponents may be integers.
pub(super) fn pow(call: &mut Call<'_>) -> Made {
    let (x, exponent) = (call.float(0)?, call.any(1)?);
    let Some(ints) = call.graph.constant(exponent).and_then(fold::ints) else {
        return binary(call, Binary::Pow);
    };
    let (name, shape) = (format!("{}/exponent", call.result_name(0)), call.shape(exponent));
    let floats = Values::F32(ints.into_iter().map(|int| int as f32).collect());
    call.operands = vec![Some(x), Some(call.graph.add_const(name, shape, floats))];
    binary(call, Binary::Pow)
}

/// `b` as the old broadcasting rule lays it along `a`.
fn aligned(call: &mut Call<'_>, a: NodeId, b: NodeId) -> Result<NodeId, Fault> {
    let (to, shape) = (call.shape(a), call.shape(b));
    let aligned = aligned_shape(call, &to, shape.clone())?;
    if aligned == shape { Ok(b) } else { call.view("aligned", b, aligned) }
}

/// A second operand's shape as the old broadcasting rule lays it along the first one's, `to`.
pub(super) fn aligned_shape(
    call: &Call<'_>,
    to: &[usize],
    mut shape: Vec<usize>,
) -> Result<Vec<usize>, Fault> {
    if !call.flag("broadcast")? {
        if to != shape {
            return Err(Fault::Misfit(format!(
                "shapes {to:?} and {shape:?} differ, and broadcast is not set"
            )));
        }
        return Ok(shape);
    }
    let axis = call.int("axis", to.len() as i64 - shape.len() as i64)?;
    let axis = if shape.is_empty() { 0 } else { call.axis(axis, to.len())? };
    let behind = to.len().checked_sub(axis + shape.len());
    let behind =
        behind.ok_or_else(|| Fault::Misfit(format!("{shape:?} at dimension {axis} of {to:?}")))?;
    shape.resize(shape.len() + behind, 1);
    Ok(shape)
}

/// Min, Max and Sum of any number of operands, as a chain of pairs.
pub(super) fn variadic(call: &mut Call<'_>, f: Binary) -> Made {
    let count = call.operands.len();
    let mut chain = call.any(0)?;
    for port in 1..count.saturating_sub(1) {
        let next = call.any(port)?;
        chain = call.step(&port.to_string(), Op::Binary(f), &[chain, next])?;
    }
    if count < 2 {
        return call.emit(Op::Identity, &[chain]);
    }
    let last = call.any(count - 1)?;
    call.emit(Op::Binary(f), &[chain, last])
}

/// Identity; also Dropout, which at inference changes nothing.
pub(super) fn identity(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    if call.graph.constant(x).is_some() {
        return Ok(vec![x]);
    }
    call.emit(Op::Identity, &[x])
}

/// Dropout at inference.
pub(super) fn dropout(call: &mut Call<'_>) -> Made {
    let training = call.given(2).map(|id| call.graph.constant(id) == Some(&Values::U8(vec![0])));
    if training == Some(false) {
        return Err(Fault::Unsupported("training mode; export the model for inference".into()));
    }
    identity(call)
}

/// Softmax and LogSoftmax: over one axis since opset 13, over all from `axis` on before.
pub(super) fn softmax(call: &mut Call<'_>, log: bool) -> Made {
    let x = call.float(0)?;
    let shape = call.shape(x);
    let axis = call.int("axis", if call.opset < 13 { 1 } else { -1 })?;
    let axis = call.axis(axis, shape.len())?;
    let whole = shape[axis + 1..].iter().all(|dim| *dim == 1);
    if call.opset >= 13 || whole {
        return call.emit(Op::Softmax(Softmax { axis, log }), &[x]);
    }
    let rows = vec![shape[..axis].iter().product(), shape[axis..].iter().product()];
    let rows = call.view("rows", x, rows)?;
    let rows = call.step("softmax", Op::Softmax(Softmax { axis: 1, log }), &[rows])?;
    call.emit_as(Op::Reshape, shape, &[rows])
}
