//! Readers of quantised operators.
//!
//! Activations become u8 whatever the file has: i8 is read as u8 with 128 added to bytes and zero point, by a flip on
//! the way in and one on the way out. Weights become i8 with zero point 0.

pub(super) mod bytes;
pub(super) mod dynamic;
pub(super) mod layers;
mod scales;
mod weights;

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::quantized::scales::{BYTES, Scales};
use crate::frontend::onnx::tensor::Constant;
use crate::ir::{Affine, Dtype, NodeId, Op, Quant, Unpack, Values};
use crate::proto::tensor_proto::DataType;

/// QuantizeLinear.
pub(super) fn quantize(call: &mut Call<'_>) -> Made {
    check_blocks(call)?;
    let x = call.float(0)?;
    let default = match DataType::try_from(call.int("output_dtype", 0)? as i32) {
        Ok(DataType::Undefined | DataType::Uint8) => Dtype::U8,
        Ok(DataType::Int8) => Dtype::I8,
        other => {
            let name = other.map_or("of unknown number", |kind| kind.as_str_name());
            return Err(Fault::Unsupported(format!("output_dtype {name}; {BYTES}")));
        }
    };
    let scales = Scales::read(call, 1, 2)?;
    let dtype = scales.byte(default)?;
    if call.graph.constant(x).is_some() {
        return quantized_constant(call, x, &scales, dtype);
    }
    let affine = scales.affine(dtype)?;
    emit(call, Quant::Quantize(affine), &[x], dtype)
}

/// DequantizeLinear.
pub(super) fn dequantize(call: &mut Call<'_>) -> Made {
    check_blocks(call)?;
    let x = call.any(0)?;
    let dtype = call.graph.node(x).out.dtype;
    let scales = Scales::read(call, 1, 2)?;
    scales.check_type(dtype, 0)?;
    if call.graph.constant(x).is_none() {
        let (x, affine) = (unsigned(call, x)?, scales.affine(dtype)?);
        return call.emit(Op::Quant(Quant::Dequantize(affine)), &[x]);
    }
    if !matches!(dtype, Dtype::I8 | Dtype::U8 | Dtype::I32) {
        return Err(Fault::Unsupported(format!(
            "constants of type {dtype}; supported: int32 and {BYTES}"
        )));
    }
    let axis = scales.axis(call, x)?;
    let Scales { scales, zeros, .. } = scales;
    call.emit(Op::Quant(Quant::Unpack(Unpack { axis, scales, zeros })), &[x])
}

/// Bytes as the floats that they are: a cast.
pub(super) fn widen(call: &mut Call<'_>, x: NodeId) -> Made {
    let (bytes, op) = widening(call, x)?;
    call.emit(op, &[bytes])
}

/// Bytes as the floats that they are, as a step on the way to the result.
pub(super) fn widened(call: &mut Call<'_>, part: &str, x: NodeId) -> Result<NodeId, Fault> {
    let (bytes, op) = widening(call, x)?;
    call.step(part, op, &[bytes])
}

/// Floats that are bytes of type `kind`, as those.
pub(super) fn narrowed(
    call: &mut Call<'_>,
    name: String,
    floats: NodeId,
    kind: DataType,
) -> Result<NodeId, Fault> {
    let narrow = |zero| Op::Quant(Quant::Quantize(Affine { scale: 1.0, zero }));
    if kind != DataType::Int8 {
        return call.put(name, narrow(0), None, &[floats]);
    }
    let bytes = call.put(format!("{name}/unsigned"), narrow(128), None, &[floats])?;
    call.put(name, Op::Quant(Quant::Flip), None, &[bytes])
}

/// Unsigned bytes, and what makes the floats of them that `x` is.
fn widening(call: &mut Call<'_>, x: NodeId) -> Result<(NodeId, Op), Fault> {
    let zero = if call.graph.node(x).out.dtype == Dtype::I8 { 128 } else { 0 };
    let bytes = unsigned(call, x)?;
    Ok((bytes, Op::Quant(Quant::Dequantize(Affine { scale: 1.0, zero }))))
}

/// Weights that training kept in floats, as the integers that the model will use.
fn quantized_constant(call: &mut Call<'_>, x: NodeId, scales: &Scales, dtype: Dtype) -> Made {
    let axis = scales.axis(call, x)?;
    let shape = call.shape(x);
    let inner: usize = shape[(axis + 1).min(shape.len())..].iter().product();
    call.spend(Dtype::F32, shape.iter().product())?;
    let floats = call.graph.constant(x).and_then(Values::as_f32).unwrap_or_default();
    let nearest = |(at, x): (usize, &f32)| {
        let entry = if scales.scales.len() == 1 { 0 } else { at / inner % scales.scales.len() };
        scales.entry(entry, dtype).quantize(*x)
    };
    let bytes = floats.iter().enumerate().map(nearest);
    let values = match dtype {
        Dtype::I8 => Values::I8(bytes.map(|q| (q ^ 0x80) as i8).collect()),
        _ => Values::U8(bytes.collect()),
    };
    call.emit_const(Constant { shape, values })
}

fn check_blocks(call: &Call<'_>) -> Result<(), Fault> {
    match call.int("block_size", 0)? {
        0 => Ok(()),
        size => Err(Fault::Unsupported(format!(
            "block_size {size}; supported: scales per tensor or channel"
        ))),
    }
}

/// The bytes of `x`, which are u8 or i8, as u8.
pub(super) fn unsigned(call: &mut Call<'_>, x: NodeId) -> Result<NodeId, Fault> {
    match call.graph.node(x).out.dtype {
        Dtype::U8 => Ok(x),
        Dtype::I8 => {
            let readers = call.graph.readers(x).into_iter().map(|(reader, _)| reader);
            let is_flip = |id: &NodeId| call.graph.node(*id).op == Op::Quant(Quant::Flip);
            let part = format!("{}/unsigned", x.number());
            match readers.into_iter().find(is_flip) {
                Some(flip) => Ok(flip),
                None => call.step(&part, Op::Quant(Quant::Flip), &[x]),
            }
        }
        other => Err(Fault::Unsupported(format!("operand of type {other}; {BYTES}"))),
    }
}

/// The operand at `port` as u8, with what its bytes stand for.
fn activation(
    call: &mut Call<'_>,
    port: usize,
    scale: usize,
    zero: usize,
) -> Result<(NodeId, Affine, Dtype), Fault> {
    let x = call.any(port)?;
    let dtype = call.graph.node(x).out.dtype;
    let scales = Scales::read(call, scale, zero)?;
    scales.check_type(dtype, port)?;
    let affine = scales.affine(dtype)?;
    Ok((unsigned(call, x)?, affine, dtype))
}

/// Scale and zero point of the result, and its type, which without a zero point is `default`.
fn result(
    call: &Call<'_>,
    scale: usize,
    zero: usize,
    default: Dtype,
) -> Result<(Affine, Dtype), Fault> {
    let scales = Scales::read(call, scale, zero)?;
    let dtype = scales.byte(default)?;
    Ok((scales.affine(dtype)?, dtype))
}

/// Adds the node's one result, of type `dtype`, which an operator makes in u8.
fn emit(call: &mut Call<'_>, quant: Quant, operands: &[NodeId], dtype: Dtype) -> Made {
    emit_as(call, Op::Quant(quant), operands, None, dtype)
}

/// Adds the node's one result, of another shape and of type `dtype`, which an operator makes in u8.
pub(super) fn emit_as(
    call: &mut Call<'_>,
    op: Op,
    operands: &[NodeId],
    shape: Option<Vec<usize>>,
    dtype: Dtype,
) -> Made {
    let flip = dtype == Dtype::I8;
    if !flip && shape.is_none() {
        return call.emit(op, operands);
    }
    let part = if dtype == Dtype::F32 { "windows" } else { "bytes" };
    let bytes = call.step(part, op, operands)?;
    match shape {
        Some(shape) if !flip => call.emit_as(Op::Reshape, shape, &[bytes]),
        Some(shape) => {
            let bytes = call.view("view", bytes, shape)?;
            call.emit(Op::Quant(Quant::Flip), &[bytes])
        }
        None => call.emit(Op::Quant(Quant::Flip), &[bytes]),
    }
}
