//! Readers of quantised convolutions and matrix products.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::convolution;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::quantized::weights::{Axes, Order, Weights};
use crate::frontend::onnx::quantized::{activation, emit_as, result};
use crate::frontend::onnx::window::{Picture, Window, pair};
use crate::ir::{
    Affine, Bounds, Clamp, Conv, Dtype, NodeId, Op, QConv, QDense, Quant, Requant, To, Values,
};

/// QLinearConv.
pub(in crate::frontend::onnx) fn conv(call: &mut Call<'_>) -> Made {
    let (x, from, _) = activation(call, 0, 1, 2)?;
    let picture = Picture::of(call, x)?;
    let group = call.int("group", 1)?;
    let group = usize::try_from(group)
        .map_err(|_| Fault::Misfit(format!("group {group}; it counts groups")))?;
    let order = if group == 1 { Order::Copies } else { Order::Channels };
    let layer = Weights::read(call, [3, 4, 5], Axes { channels: 0, inputs: 1, order })?;
    let mut weights = layer.id;
    if let &[m, c, k] = call.shape(weights).as_slice() {
        weights = call.view("weights", weights, vec![m, c, 1, k])?;
    }
    let shape = call.shape(weights);
    let &[m, _, h, w] = shape.as_slice() else {
        return Err(Fault::Misfit(format!("weights {shape:?}; [m, c/group, kh, kw] belong there")));
    };
    if let Some(other) = pair(call, "kernel_shape", picture.rank)?.filter(|other| *other != [h, w])
    {
        return Err(Fault::Misfit(format!(
            "kernel_shape is {other:?} but the weights are {shape:?}"
        )));
    }
    let Window { kernel, stride, dilation, pads } =
        Window::read(call, picture.rank, picture.size, [h, w])?;
    let conv = Conv { kernel, stride, dilation, pads, group, clamp: Clamp::NONE, activation: None };
    let (to, dtype) = result(call, 6, 7, Dtype::U8)?;
    let requant = requant(from.scale, &layer.scales, to)?;
    let quant = Quant::Conv(QConv { conv, x_zero: from.zero, requant, residual: None });
    let mut operands = vec![layer.input(call, picture.id, 1)?, weights];
    operands.extend(bias(call, 8, m)?);
    convolution::windowed(call, Op::Quant(quant), &operands, picture.rank, dtype)
}

/// QLinearMatMul by constant weights.
pub(in crate::frontend::onnx) fn matmul(call: &mut Call<'_>) -> Made {
    let (x, from, _) = activation(call, 0, 1, 2)?;
    let rank = call.shape(call.any(3)?).len();
    let [inputs, channels] = [2, 1].map(|from_end| rank.saturating_sub(from_end));
    let axes = Axes { channels, inputs, order: Order::Copies };
    let weights = Weights::read(call, [3, 4, 5], axes)?;
    let (to, dtype) = result(call, 6, 7, Dtype::U8)?;
    let dense = QDense { x_zero: from.zero, requant: requant(from.scale, &weights.scales, to)? };
    product(call, x, &weights, dense, None, dtype)
}

/// QGemm: of bytes, or of floats if it names no scale of the result.
pub(in crate::frontend::onnx) fn gemm(call: &mut Call<'_>) -> Made {
    let (mut x, from, _) = activation(call, 0, 1, 2)?;
    if call.flag("transA")? {
        x = call.step("rows", Op::Transpose(vec![1, 0]), &[x])?;
    }
    let transposed = call.flag("transB")?;
    let [channels, inputs] = if transposed { [0, 1] } else { [1, 0] };
    let axes = Axes { channels, inputs, order: Order::Copies };
    let mut weights = Weights::read(call, [3, 4, 5], axes)?;
    if transposed {
        weights.id = call.step("columns", Op::Transpose(vec![1, 0]), &[weights.id])?;
    }
    let alpha = call.real("alpha", 1.0)?;
    let scale = alpha * from.scale;
    let (requant, dtype) = if call.given(7).is_some() {
        let (to, dtype) = result(call, 7, 8, Dtype::U8)?;
        (requant(scale, &weights.scales, to)?, dtype)
    } else {
        let multipliers = weights.scales.iter().map(|weight| f64::from(scale * weight)).collect();
        (checked(Requant::new(multipliers, To::Floats))?, Dtype::F32)
    };
    let bias = bias(call, 6, weights.scales.len())?;
    product(call, x, &weights, QDense { x_zero: from.zero, requant }, bias, dtype)
}

/// The product of rows by a constant matrix, whatever the rank of x.
fn product(
    call: &mut Call<'_>,
    x: NodeId,
    weights: &Weights,
    dense: QDense,
    bias: Option<NodeId>,
    dtype: Dtype,
) -> Made {
    let last = call.shape(x).len().saturating_sub(1);
    let x = weights.input(call, x, last)?;
    let (mut shape, w) = (call.shape(x), call.shape(weights.id));
    let (&[k, n], Some(depth)) = (w.as_slice(), shape.pop()) else {
        return Err(Fault::Unsupported(format!("weights {w:?}; supported: one matrix [k, n]")));
    };
    if depth != k {
        return Err(Fault::Misfit(format!("multiplies depth {depth} by depth {k}")));
    }
    let is_matrix = shape.len() == 1;
    let rows = if is_matrix { x } else { call.view("rows", x, vec![shape.iter().product(), k])? };
    let operands: Vec<NodeId> =
        [Some(rows), Some(weights.id), bias].into_iter().flatten().collect();
    shape.push(n);
    let shape = (!is_matrix).then_some(shape);
    emit_as(call, Op::Quant(Quant::Dense(dense)), &operands, shape, dtype)
}

/// Factors of exact sums: the scale of x times those of the weights over that of the result, each rounded to f32.
fn requant(x: f32, weights: &[f32], y: Affine) -> Result<Requant, Fault> {
    let multipliers = weights.iter().map(|weight| f64::from(x * weight / y.scale)).collect();
    checked(Requant::new(multipliers, To::Bytes { zero: y.zero, bounds: Bounds::ALL }))
}

fn checked(requant: Requant) -> Result<Requant, Fault> {
    if requant.multipliers.iter().all(|factor| factor.is_finite()) {
        return Ok(requant);
    }
    Err(Fault::Misfit(
        "its scales multiply beyond the range of float; quantise the model again".into(),
    ))
}

/// A constant bias of one integer a channel, if there is one.
fn bias(call: &mut Call<'_>, port: usize, channels: usize) -> Result<Option<NodeId>, Fault> {
    let Some(id) = call.given(port) else { return Ok(None) };
    let shape = call.shape(id);
    match call.graph.constant(id) {
        None => {
            let how = call.made(id);
            Err(Fault::Unsupported(format!("a bias that is {how} (operand {port})")))
        }
        Some(Values::I32(_)) if shape == [channels] => Ok(Some(id)),
        Some(Values::I32(_)) if shape == [1, channels] => {
            call.view("bias", id, vec![channels]).map(Some)
        }
        Some(other) => Err(Fault::Misfit(format!(
            "bias {}{shape:?} (operand {port}); i32[{channels}] belongs there",
            other.dtype()
        ))),
    }
}
