//! Readers of operators on bytes other than layers: sums, products, functions of one byte, pools, concat.

use crate::frontend::onnx::call::{Call, Fault, Made};
use crate::frontend::onnx::convolution;
use crate::frontend::onnx::quantized::{activation, emit, emit_as, result};
use crate::ir::quant::table;
use crate::ir::{Affine, Bounds, Dtype, NodeId, Op, QMean, QPair, Quant, Softmax, Unary};

/// QLinearAdd and QLinearMul.
pub(in crate::frontend::onnx) fn pair(call: &mut Call<'_>, quant: fn(QPair) -> Quant) -> Made {
    let (a, of_a, dtype) = activation(call, 0, 1, 2)?;
    let (b, of_b, _) = activation(call, 3, 4, 5)?;
    let (y, dtype) = result(call, 6, 7, dtype)?;
    let pair = QPair { a: of_a, b: of_b, y, bounds: Bounds::ALL };
    emit(call, quant(pair), &[a, b], dtype)
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
    let (to, dtype) = result(call, 3, 4, dtype)?;
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
    channels_first(call)?;
    let (x, from, dtype) = activation(call, 0, 1, 2)?;
    let (to, dtype) = result(call, 3, 4, dtype)?;
    let shape = call.shape(x);
    let &[_, _, h, w] = shape.as_slice() else {
        return Err(Fault::Unsupported(format!(
            "an input of shape {shape:?}; supported: [n, c, h, w]"
        )));
    };
    emit(call, Quant::Mean(QMean::new(from, to, h * w)), &[x], dtype)
}

/// QLinearAveragePool.
pub(in crate::frontend::onnx) fn average_pool(call: &mut Call<'_>) -> Made {
    channels_first(call)?;
    let (x, from, dtype) = activation(call, 0, 1, 2)?;
    let (to, dtype) = result(call, 3, 4, dtype)?;
    convolution::average_of_bytes(call, x, [from, to], dtype)
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

fn channels_first(call: &Call<'_>) -> Result<(), Fault> {
    match call.flag("channels_last")? {
        false => Ok(()),
        true => Err(Fault::Unsupported("channels_last=1; supported: 0".into())),
    }
}
