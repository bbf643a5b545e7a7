//! Readers of quantised operators other than layers: sums, products, functions of one byte, pools, concat.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::convolution;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::quantized::{activation, emit, emit_as, result};
use crate::ir::quant::table;
use crate::ir::{Affine, Bounds, Dtype, NodeId, Op, QAverage, QMean, QPair, Quant, Softmax};
use crate::ir::{Times, Unary};

/// QLinearAdd.
pub(in crate::frontend::onnx) fn add(call: &mut Call<'_>) -> Made {
    let (pair, operands, dtype) = pair(call)?;
    emit(call, Quant::Add(pair), &operands, dtype)
}

/// QLinearMul.
pub(in crate::frontend::onnx) fn mul(call: &mut Call<'_>) -> Made {
    let (pair, operands, dtype) = pair(call)?;
    let times = Times::Steps { early: early(pair.y, dtype) };
    emit(call, Quant::Mul(pair, times), &operands, dtype)
}

fn pair(call: &mut Call<'_>) -> Result<(QPair, [NodeId; 2], Dtype), Fault> {
    let (a, of_a, dtype) = activation(call, 0, 1, 2)?;
    let (b, of_b, _) = activation(call, 3, 4, 5)?;
    let (y, dtype) = result(call, 6, 7, dtype)?;
    Ok((QPair { a: of_a, b: of_b, y, bounds: Bounds::ALL }, [a, b], dtype))
}

/// The zero point of `y` in the type that the file gives it.
fn early(y: Affine, dtype: Dtype) -> i16 {
    i16::from(y.zero) - if dtype == Dtype::I8 { 128 } else { 0 }
}

/// QLinearSigmoid and its like, in floats between bytes.
pub(in crate::frontend::onnx) fn function(call: &mut Call<'_>, f: Unary) -> Made {
    let (x, from, dtype) = activation(call, 0, 1, 2)?;
    let (to, dtype) = result(call, 3, 4, dtype)?;
    let floats = call.step("floats", Op::Quant(Quant::Dequantize(from)), &[x])?;
    let floats = call.step("function", Op::Unary(f), &[floats])?;
    emit(call, Quant::Quantize(to), &[floats], dtype)
}

/// QLinearLeakyRelu.
pub(in crate::frontend::onnx) fn leaky_relu(call: &mut Call<'_>) -> Made {
    let alpha = call.real("alpha", 0.01)?;
    function(call, Unary::LeakyRelu(alpha))
}

/// QLinearSoftmax, in floats between bytes.
pub(in crate::frontend::onnx) fn softmax(call: &mut Call<'_>) -> Made {
    let (x, from, dtype) = activation(call, 0, 1, 2)?;
    let (mut to, dtype) = result(call, 3, 4, dtype)?;
    // The operator makes whole parts of one.
    let parts = to.scale.recip().floor();
    if parts >= 1.0 {
        to.scale = parts.recip();
    }
    let shape = call.shape(x);
    let axis = call.axis(call.int("axis", -1)?, shape.len())?;
    let opset = call.int("opset", call.opset)?;
    let mut floats = call.step("floats", Op::Quant(Quant::Dequantize(from)), &[x])?;
    if opset < 13 {
        // From the axis on, all dimensions are one.
        let rows = vec![shape[..axis].iter().product(), shape[axis..].iter().product()];
        floats = call.view("rows", floats, rows)?;
    }
    let axis = if opset < 13 { 1 } else { axis };
    floats = call.step("softmax", Op::Softmax(Softmax { axis, log: false }), &[floats])?;
    if opset < 13 {
        floats = call.view("unrowed", floats, shape)?;
    }
    emit(call, Quant::Quantize(to), &[floats], dtype)
}

/// QLinearConcat: a scale of the result, then operands with a scale each.
pub(in crate::frontend::onnx) fn concat(call: &mut Call<'_>) -> Made {
    let count = call.operands.len().saturating_sub(2) / 3;
    if count == 0 || call.operands.len() != 2 + 3 * count {
        let operands = call.operands.len();
        return Err(Fault::Misfit(format!(
            "{operands} operands; two, and three for each tensor, belong there"
        )));
    }
    let (to, dtype) = result(call, 0, 1, Dtype::U8)?;
    let mut parts = Vec::new();
    for port in (2..).step_by(3).take(count) {
        let (x, from, _) = activation(call, port, port + 1, port + 2)?;
        parts.push(rescaled(call, x, from, to, &format!("{port}/scaled"))?);
    }
    let rank = call.shape(parts[0]).len();
    let axis = call.axis(call.int("axis", 1)?, rank)?;
    emit_as(call, Op::Concat(axis), &parts, None, dtype)
}

/// QLinearGlobalAveragePool.
pub(in crate::frontend::onnx) fn global_pool(call: &mut Call<'_>) -> Made {
    let (x, from, dtype) = activation(call, 0, 1, 2)?;
    let (to, dtype) = result(call, 3, 4, dtype)?;
    let last = call.flag("channels_last")?;
    let x = if last { channels_first(call, x)? } else { x };
    let shape = call.shape(x);
    let &[n, c, h, w] = shape.as_slice() else {
        return Err(Fault::Unsupported(format!(
            "an input of shape {shape:?}; supported: a picture"
        )));
    };
    let mean = Op::Quant(Quant::Mean(QMean::new(from, to, h * w)));
    emit_as(call, mean, &[x], last.then(|| vec![n, 1, 1, c]), dtype)
}

/// QLinearAveragePool.
pub(in crate::frontend::onnx) fn average_pool(call: &mut Call<'_>) -> Made {
    let (x, x_scale, dtype) = activation(call, 0, 1, 2)?;
    let (y_scale, dtype) = result(call, 3, 4, dtype)?;
    let early = early(y_scale, dtype);
    let last = call.flag("channels_last")?;
    let x = if last { channels_first(call, x)? } else { x };
    let (picture, pool) = convolution::windows_of_bytes(call, x)?;
    let average = QAverage { pool, x: x_scale, y: y_scale, early };
    let op = Op::Quant(Quant::Average(average));
    if !last {
        return convolution::windowed(call, op, &[picture.id], picture.rank, dtype);
    }
    let pooled = call.step("pooled", op, &[picture.id])?;
    let &[n, c, _, w] = call.shape(pooled).as_slice() else { unreachable!("pictures have rank 4") };
    let signal = (picture.rank == 1).then(|| vec![n, w, c]);
    emit_as(call, Op::Transpose(vec![0, 2, 3, 1]), &[pooled], signal, dtype)
}

/// `x` on another scale, by a table if it is another.
fn rescaled(
    call: &mut Call<'_>,
    x: NodeId,
    from: Affine,
    to: Affine,
    part: &str,
) -> Result<NodeId, Fault> {
    if from == to {
        return Ok(x);
    }
    let table = table(from, to, |x| x);
    call.step(part, Op::Quant(Quant::Table(table)), &[x])
}

/// `x` with its channels, which are the last dimension, after the first.
fn channels_first(call: &mut Call<'_>, x: NodeId) -> Result<NodeId, Fault> {
    let rank = call.shape(x).len();
    let perm = (0..rank).map(|at| if at < 2 { at * (rank - 1) } else { at - 1 }).collect();
    call.step("channels_first", Op::Transpose(perm), &[x])
}
