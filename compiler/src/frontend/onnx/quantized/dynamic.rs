//! Readers of operators whose scales are found at run time.
//!
//! Their integers are kept in floats, which hold every byte and every sum below 2^24 exactly.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::quantized::unsigned;
use crate::frontend::onnx::whole::{EXACT, Whole};
use crate::frontend::onnx::{convolution, fold, matrix};
use crate::ir::{Affine, Binary, Clamp, Dtype, NodeId, Op, Quant, Reduce, Reducer, Unary, Values};
use crate::proto::tensor_proto::DataType;

/// DynamicQuantizeLinear: bytes, their scale and their zero point.
pub(in crate::frontend::onnx) fn quantize(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let zero = number(call, "0", 0.0)?;
    let mut ends = [zero; 2];
    for (end, (kind, f)) in
        ends.iter_mut().zip([(Reducer::Min, Binary::Min), (Reducer::Max, Binary::Max)])
    {
        let axes = (0..call.shape(x).len()).collect();
        let name = format!("{}/{}", call.result_name(0), f.name());
        let found = call.add(name, Op::Reduce(Reduce { kind, axes }), Some(Vec::new()), &[x])?;
        *end = call.step(&format!("{}_or_zero", f.name()), Op::Binary(f), &[found, zero])?;
    }
    let span = call.step("span", Op::Binary(Binary::Sub), &[ends[1], ends[0]])?;
    let steps = number(call, "255", 255.0)?;
    let scale = call.step("step", Op::Binary(Binary::Div), &[span, steps])?;
    let scale = one_for_none(call, scale)?;
    let bottom = call.step("bottom", Op::Binary(Binary::Div), &[ends[0], scale])?;
    let bottom = call.step("below", Op::Unary(Unary::Neg), &[bottom])?;
    let bottom = call.step("between", Op::Clamp(BYTE), &[bottom])?;
    let zero_name = call.result_name(2);
    let zero = call.add(zero_name, Op::Unary(Unary::Round), None, &[bottom])?;
    let y = call.step("steps", Op::Binary(Binary::Div), &[x, scale])?;
    let y = call.step("whole", Op::Unary(Unary::Round), &[y])?;
    let y = call.step("shifted", Op::Binary(Binary::Add), &[y, zero])?;
    let y = call.emit(Op::Clamp(BYTE), &[y])?;
    Ok([y, vec![scale, zero]].concat())
}

/// ConvInteger.
pub(in crate::frontend::onnx) fn conv(call: &mut Call<'_>) -> Made {
    let operands = integers(call, 0)?;
    call.operands = operands.map(Some).to_vec();
    let sums = convolution::conv(call)?;
    Ok(exact(call, operands[1], 0, sums))
}

/// MatMulInteger.
pub(in crate::frontend::onnx) fn matmul(call: &mut Call<'_>) -> Made {
    let columns = call.shape(call.any(1)?).len().saturating_sub(1);
    let operands = integers(call, columns)?;
    call.operands = operands.map(Some).to_vec();
    let sums = matrix::matmul(call)?;
    Ok(exact(call, operands[1], columns, sums))
}

/// The sums of products of bytes by `weights`, whose output channels lie along `axis`: integers where they are constants
/// whose sums cannot leave 2^24.
fn exact(call: &mut Call<'_>, weights: NodeId, axis: usize, sums: Vec<NodeId>) -> Vec<NodeId> {
    let shape = call.shape(weights);
    let channels = if shape.len() > 1 { shape[axis].max(1) } else { 1 };
    let inner: usize = shape.iter().skip(axis + 1).product();
    let Some(weights) = call.graph.constant(weights).and_then(Values::as_f32) else {
        return sums;
    };
    let mut most = vec![0i64; channels];
    for (at, w) in weights.iter().enumerate() {
        most[at / inner % channels] += w.abs() as i64 * 255;
    }
    let most = most.into_iter().max().unwrap_or(0);
    let found = sums.first().filter(|id| most <= EXACT && call.graph.constant(**id).is_none());
    call.wholes.extend(found.map(|id| (*id, Whole { kind: DataType::Int32, most })));
    sums
}

/// The scale, which is 1 for a tensor of zeros: it has no span.
fn one_for_none(call: &mut Call<'_>, scale: NodeId) -> Result<NodeId, Fault> {
    let most = number(call, "most", f32::MIN_POSITIVE.recip())?;
    let there = call.step("spans", Op::Binary(Binary::Mul), &[scale, most])?;
    let there = call.step("there", Op::Clamp(Clamp { lo: 0.0, hi: 1.0 }), &[there])?;
    let one = number(call, "1", 1.0)?;
    let none = call.step("none", Op::Binary(Binary::Sub), &[one, there])?;
    let name = call.result_name(1);
    call.add(name, Op::Binary(Binary::Add), None, &[scale, none])
}

const BYTE: Clamp = Clamp { lo: 0.0, hi: 255.0 };

/// The two operands, of bytes at run time and of constants, without their zero points.
fn integers(call: &mut Call<'_>, axis: usize) -> Result<[NodeId; 2], Fault> {
    let mut x = floats(call, 0)?;
    if call.given(2).is_some() {
        let zero = floats(call, 2)?;
        if call.graph.node(zero).out.len() != 1 {
            return Err(Fault::Unsupported("a zero point for each row; supported: one".into()));
        }
        x = call.step("centred", Op::Binary(Binary::Sub), &[x, zero])?;
    }
    let mut w = floats(call, 1)?;
    if call.given(3).is_some() {
        let zero = floats(call, 3)?;
        let mut shape = vec![1; call.shape(w).len()];
        let len = call.graph.node(zero).out.len();
        if len != 1 {
            *shape
                .get_mut(axis)
                .ok_or_else(|| Fault::Misfit("weights have no channels".into()))? = len;
        }
        let zero = call.view("weights_zero", zero, shape)?;
        w = call.step("weights", Op::Binary(Binary::Sub), &[w, zero])?;
    }
    Ok([x, w])
}

/// The integers at `port` as floats.
fn floats(call: &mut Call<'_>, port: usize) -> Result<NodeId, Fault> {
    let id = call.any(port)?;
    if let Some(ints) = call.graph.constant(id).and_then(fold::ints) {
        call.spend(Dtype::F32, ints.len())?;
        let (name, shape) = (format!("{}/{port}", call.result_name(0)), call.shape(id));
        let floats = ints.into_iter().map(|int| int as f32).collect();
        return Ok(call.graph.add_const(name, shape, Values::F32(floats)));
    }
    let zero = match call.graph.node(id).out.dtype {
        Dtype::F32 => return Ok(id),
        Dtype::I8 => 128,
        _ => 0,
    };
    let bytes = unsigned(call, id)?;
    let whole = Quant::Dequantize(Affine { scale: 1.0, zero });
    call.step(&format!("{port}/floats"), Op::Quant(whole), &[bytes])
}

fn number(call: &mut Call<'_>, part: &str, value: f32) -> Result<NodeId, Fault> {
    call.store.take(1)?;
    let name = format!("{}/{part}", call.result_name(0));
    Ok(call.graph.add_const(name, Vec::new(), Values::F32(vec![value])))
}
