//! Readers of quantised convolutions and matrix products.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::convolution;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::quantized::scales::{BYTES, Scales};
use crate::frontend::onnx::quantized::{activation, emit_as, result};
use crate::frontend::onnx::window::{Picture, Window, pair};
use crate::ir::{
    Affine, Bounds, Clamp, Conv, Dtype, NodeId, Op, QConv, QDense, Quant, Requant, To, Values,
};

/// QLinearConv.
pub(in crate::frontend::onnx) fn conv(call: &mut Call<'_>) -> Made {
    let (x, from, _) = activation(call, 0, 1, 2)?;
    let picture = Picture::of(call, x)?;
    let (mut weights, scales) = weights(call, [3, 4, 5], 0)?;
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
    let group = call.int("group", 1)?;
    let group = usize::try_from(group)
        .map_err(|_| Fault::Misfit(format!("group {group}; it counts groups")))?;
    let Window { kernel, stride, dilation, pads } =
        Window::read(call, picture.rank, picture.size, [h, w])?;
    let conv = Conv { kernel, stride, dilation, pads, group, clamp: Clamp::NONE, activation: None };
    let (to, dtype) = result(call, 6, 7, Dtype::U8)?;
    let requant = requant(from.scale, &scales, to)?;
    let quant = Quant::Conv(QConv { conv, x_zero: from.zero, requant, residual: None });
    let mut operands = vec![picture.id, weights];
    operands.extend(bias(call, 8, m)?);
    convolution::windowed(call, Op::Quant(quant), &operands, picture.rank, dtype)
}

/// QLinearMatMul by constant weights.
pub(in crate::frontend::onnx) fn matmul(call: &mut Call<'_>) -> Made {
    let (x, from, _) = activation(call, 0, 1, 2)?;
    let columns = call.shape(call.any(3)?).len().checked_sub(1);
    let (weights, scales) = weights(call, [3, 4, 5], columns.unwrap_or(0))?;
    let (to, dtype) = result(call, 6, 7, Dtype::U8)?;
    let dense = QDense { x_zero: from.zero, requant: requant(from.scale, &scales, to)? };
    product(call, x, weights, dense, None, dtype)
}

/// QGemm: of bytes, or of floats if it names no scale of the result.
pub(in crate::frontend::onnx) fn gemm(call: &mut Call<'_>) -> Made {
    let (mut x, from, _) = activation(call, 0, 1, 2)?;
    if call.flag("transA")? {
        x = call.step("rows", Op::Transpose(vec![1, 0]), &[x])?;
    }
    let transposed = call.flag("transB")?;
    let (mut weights, scales) = weights(call, [3, 4, 5], usize::from(!transposed))?;
    if transposed {
        weights = call.step("columns", Op::Transpose(vec![1, 0]), &[weights])?;
    }
    let alpha = call.real("alpha", 1.0)?;
    let scale = alpha * from.scale;
    let (requant, dtype) = if call.given(7).is_some() {
        let (to, dtype) = result(call, 7, 8, Dtype::U8)?;
        (requant(scale, &scales, to)?, dtype)
    } else {
        let multipliers = scales.iter().map(|weight| scale * weight).collect();
        (checked(Requant { multipliers, to: To::Floats })?, Dtype::F32)
    };
    let bias = bias(call, 6, scales.len())?;
    product(call, x, weights, QDense { x_zero: from.zero, requant }, bias, dtype)
}

/// The product of rows by a constant matrix, whatever the rank of x.
fn product(
    call: &mut Call<'_>,
    x: NodeId,
    weights: NodeId,
    dense: QDense,
    bias: Option<NodeId>,
    dtype: Dtype,
) -> Made {
    let (mut shape, w) = (call.shape(x), call.shape(weights));
    let (&[k, n], Some(depth)) = (w.as_slice(), shape.pop()) else {
        return Err(Fault::Unsupported(format!("weights {w:?}; supported: one matrix [k, n]")));
    };
    if depth != k {
        return Err(Fault::Misfit(format!("multiplies depth {depth} by depth {k}")));
    }
    let is_matrix = shape.len() == 1;
    let rows = if is_matrix { x } else { call.view("rows", x, vec![shape.iter().product(), k])? };
    let operands: Vec<NodeId> = [Some(rows), Some(weights), bias].into_iter().flatten().collect();
    shape.push(n);
    let shape = (!is_matrix).then_some(shape);
    emit_as(call, Op::Quant(Quant::Dense(dense)), &operands, shape, dtype)
}

/// Factors of exact sums: the scale of x times those of the weights over that of the result, each rounded to f32.
fn requant(x: f32, weights: &[f32], y: Affine) -> Result<Requant, Fault> {
    let multipliers = weights.iter().map(|weight| x * weight / y.scale).collect();
    checked(Requant { multipliers, to: To::Bytes { zero: y.zero, bounds: Bounds::ALL } })
}

fn checked(requant: Requant) -> Result<Requant, Fault> {
    if requant.multipliers.iter().all(|factor| factor.is_finite()) {
        return Ok(requant);
    }
    Err(Fault::Misfit(
        "its scales multiply beyond the range of float; quantise the model again".into(),
    ))
}

/// Constant weights as i8 with zero point 0 and their scales, one for each index of dimension `axis`. `ports` are those
/// of the weights, their scales and their zero points.
pub(super) fn weights(
    call: &mut Call<'_>,
    ports: [usize; 3],
    axis: usize,
) -> Result<(NodeId, Vec<f32>), Fault> {
    let id = call.any(ports[0])?;
    let shape = call.shape(id);
    let channels = *shape.get(axis).ok_or_else(|| Fault::Misfit(format!("weights {shape:?}")))?;
    let scales = Scales::read(call, ports[1], ports[2])?;
    let dtype = call.graph.node(id).out.dtype;
    scales.check_type(dtype, ports[0])?;
    let factors = scales.per_channel(channels)?;
    let inner: usize = shape[axis + 1..].iter().product();
    let zero =
        |at: usize| scales.zeros[if scales.zeros.len() == 1 { 0 } else { at / inner % channels }];
    let Some(values) = call.graph.constant(id) else {
        return Err(Fault::Unsupported(format!(
            "weights that are {} (operand {})",
            call.made(id),
            ports[0]
        )));
    };
    let bytes: Option<Vec<i8>> = match values {
        Values::I8(_) if scales.zeros.iter().all(|zero| *zero == 0) => return Ok((id, factors)),
        Values::I8(v) => v
            .iter()
            .enumerate()
            .map(|(at, w)| i8::try_from(i32::from(*w) - zero(at)).ok())
            .collect(),
        Values::U8(v) => v
            .iter()
            .enumerate()
            .map(|(at, w)| i8::try_from(i32::from(*w) - zero(at)).ok())
            .collect(),
        Values::F32(_) | Values::I32(_) | Values::I64(_) => {
            return Err(Fault::Misfit(format!(
                "weights of type {dtype} (operand {}); {}",
                ports[0], BYTES
            )));
        }
    };
    let bytes = bytes.ok_or_else(|| {
        Fault::Unsupported(
            "weights whose zero point leaves more than 8 bits; quantise weights symmetrically"
                .into(),
        )
    })?;
    call.store.take(bytes.len())?;
    let name = format!("{}/weights", call.graph.node(id).name);
    Ok((call.graph.add_const(name, shape, Values::I8(bytes)), factors))
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
