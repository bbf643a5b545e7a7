//! Operators on integers of 16 bits: what they are given, and the factors by which the reference kernels round.

use crate::frontend::onnx::words::DOMAIN;
use crate::frontend::tflite::model::{Kind, Operator, Scales};
use crate::frontend::tflite::read::turn::turned;
use crate::frontend::tflite::read::window::Window;
use crate::frontend::tflite::read::{Fused, float, operand, optional, result, shaped};
use crate::frontend::tflite::write::{Writer, Written, float as real, int, ints, number_of, read};
use crate::ir::quant::tflite::Twice;
use crate::ir::quant::tflite::softmax::{powers, takes};
use crate::ir::quant::words::CHANNEL;
use crate::proto::AttributeProto;
use crate::proto::tensor_proto::DataType;

/// True if a tensor holds integers of 16 bits.
pub(super) fn is_word(writer: &Writer<'_>, tensor: usize) -> bool {
    writer.model.tensors[tensor].kind == Kind::I16
}

/// A convolution of an image by weights that `perm` turns into `[m,kh,kw,c/group]`.
pub(super) fn convolve(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    (window, group): (&Window, usize),
    fused: Fused,
    perm: [usize; 4],
) -> Written {
    let [x, w] = [operand(operator, 0)?, operand(operator, 1)?];
    let (from, to) = (writer.model.shape(x), writer.model.shape(result(operator)?));
    let [from, into] = [[from[1], from[2]], [to[1], to[2]]];
    let shape = perm.map(|axis| writer.model.shape(w)[axis]);
    let weights = weights(writer, w, &perm, &shape)?;
    let channels = channels(writer, operator, shape[0], Product::Exact)?;
    let [rows, columns] = window.pads(from, into);
    let attributes = vec![
        ints("into", &into.map(number_of)),
        ints("strides", &window.stride),
        ints("dilations", &window.dilation),
        ints("pads", &[rows[0], columns[0]]),
        int("group", number_of(group)),
        ints("zeros", &[0, 0]),
        span(writer, operator, fused)?,
    ];
    let x = writer.plain(x)?;
    word(writer, operator, "WordConv", &[&x, &weights, &channels], attributes)
}

/// Rows of `k` by weights `[n,k]`.
pub(super) fn dense(writer: &mut Writer<'_>, operator: &Operator<'_>, fused: Fused) -> Written {
    let [x, w] = [operand(operator, 0)?, operand(operator, 1)?];
    let &[n, k] = writer.model.shape(w) else { return Err("reads weights of no matrix".into()) };
    let rows = writer.model.shape(x).iter().product::<usize>() / k.max(1);
    let value = writer.plain(x)?;
    let pixels = shaped(writer, &value, &[rows, 1, 1, k]);
    let weights = weights(writer, w, &[0, 1], &[n, 1, 1, k])?;
    let channels = channels(writer, operator, n, Product::OfFloats)?;
    let one = [1, 1];
    let attributes = vec![
        ints("into", &one),
        ints("strides", &one),
        ints("dilations", &one),
        ints("pads", &[0, 0]),
        ints("zeros", &[0, 0]),
        span(writer, operator, fused)?,
    ];
    let made = writer.node_of(DOMAIN, "WordConv", &[&pixels, &weights, &channels], attributes);
    let shape = writer.model.shape(result(operator)?).to_vec();
    let made = shaped(writer, &made, &shape);
    finish(writer, operator, &made)
}

/// A sum.
pub(super) fn add(writer: &mut Writer<'_>, operator: &Operator<'_>, fused: Fused) -> Written {
    sum(writer, operator, "WordAdd", fused)
}

/// A difference.
pub(super) fn sub(writer: &mut Writer<'_>, operator: &Operator<'_>, fused: Fused) -> Written {
    sum(writer, operator, "WordSub", fused)
}

fn sum(writer: &mut Writer<'_>, operator: &Operator<'_>, op: &str, fused: Fused) -> Written {
    let by_shifts = match operator.options {
        Some(options) => read(options.get::<u8>(1))?.unwrap_or(1) != 0,
        None => false,
    };
    if by_shifts {
        return Err("adds int16 by shifts; convert it with general scales".into());
    }
    let [a, b, y] = scales(writer, operator)?.map(f64::from);
    let twice = 2.0 * a.max(b);
    let factors = [a / twice, b / twice, twice / (f64::from(1 << 15) * y)];
    pair(writer, operator, op, &factors, fused)
}

/// A product.
pub(super) fn mul(writer: &mut Writer<'_>, operator: &Operator<'_>, fused: Fused) -> Written {
    let [a, b, y] = scales(writer, operator)?;
    pair(writer, operator, "WordMul", &[f64::from(a * b / y)], fused)
}

/// Integers of another scale, within the bounds of `fused`; those below 0 times `slope` too.
pub(super) fn function(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    fused: Fused,
    slope: f32,
) -> Written {
    let (x, to) = (operand(operator, 0)?, result(operator)?);
    let [from, into] = [scale(writer, x)?, scale(writer, to)?];
    let factors = [from / into, from * slope / into].map(f64::from);
    let attributes =
        vec![self::factors(&factors), ints("zeros", &[0, 0]), span(writer, operator, fused)?];
    let x = writer.plain(x)?;
    word(writer, operator, "WordScale", &[&x], attributes)
}

/// `x < 0 ? alpha * x : x`.
pub(super) fn leaky_relu(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let alpha = float(operator.options, 0, 0.0)?;
    function(writer, operator, Fused::None, alpha)
}

/// Means of windows.
pub(super) fn average(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    window: &Window,
    fused: Fused,
) -> Written {
    let x = operand(operator, 0)?;
    let (from, to) = (writer.model.shape(x), writer.model.shape(result(operator)?));
    let [from, into] = [[from[1], from[2]], [to[1], to[2]]];
    let [rows, columns] = window.pads(from, into);
    let attributes = vec![
        ints("into", &into.map(number_of)),
        ints("kernel_shape", &window.kernel.map(number_of)),
        ints("strides", &window.stride),
        ints("pads", &[rows[0], columns[0]]),
        span(writer, operator, fused)?,
    ];
    let x = writer.plain(x)?;
    word(writer, operator, "WordAverage", &[&x], attributes)
}

/// Integers of 16 bits of floats or other integers, or other integers of those.
pub(super) fn quantize(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let (x, to) = (operand(operator, 0)?, result(operator)?);
    let kinds = [x, to].map(|tensor| writer.model.tensors[tensor].kind);
    let value = writer.plain(x)?;
    if kinds[0] == Kind::F32 {
        let attributes = vec![real("scale", scale(writer, to)?)];
        return word(writer, operator, "WordQuantize", &[&value], attributes);
    }
    let [from, into] = [whole(writer, x)?, whole(writer, to)?];
    let factor = f64::from(from.scales[0]) / f64::from(into.scales[0]);
    let (lo, hi) = match kinds[1] {
        Kind::I16 => (-32768, 32767),
        Kind::I8 => (-128, 127),
        // Integers at run time are held by floats.
        Kind::I32 if factor * 65535.0 < f64::from(1 << 24) => (-(1 << 24), 1 << 24),
        Kind::I32 => return Err("makes int32 beyond 2^24".into()),
        kind => return Err(format!("makes {kind:?} of int16; supported: int8, int16, int32")),
    };
    let attributes = vec![
        self::factors(&[factor, factor]),
        ints("zeros", &[from.zeros[0], into.zeros[0]]),
        ints("span", &[lo, hi]),
    ];
    let value = match kinds[0] {
        Kind::I16 => value,
        Kind::I8 => of_bytes(writer, &value),
        kind => return Err(format!("makes int16 of {kind:?}; supported: float32, int8, int16")),
    };
    if kinds[1] == Kind::I16 {
        return word(writer, operator, "WordScale", &[&value], attributes);
    }
    let made = writer.node_of(DOMAIN, "WordScale", &[&value], attributes);
    if kinds[1] == Kind::I32 {
        let name = writer.model.tensors[to].name.clone();
        writer.node_as("Cast", &[&made], vec![int("to", DataType::Int32 as i64)], &name);
        return Ok(());
    }
    answer_bytes(writer, &made, to)
}

/// Shares of one along the last dimension of bytes.
pub(super) fn softmax(writer: &mut Writer<'_>, operator: &Operator<'_>, beta: f32) -> Written {
    let (x, to) = (operand(operator, 0)?, result(operator)?);
    let ((scale, _), (unit, least)) = (one(writer, x)?, one(writer, to)?);
    let is_byte = writer.model.tensors[x].kind == Kind::I8;
    // The reference kernel takes scales that are about so much for it.
    let is_unit = (unit * 16.0_f32.exp2() - 1.0).abs() < 0.001;
    if !is_byte || !is_unit || least != -32768 || !takes(scale * beta) {
        return Err("makes int16 of others than int8, or not in 65,536 steps from 0 to 1".into());
    }
    let powers = powers(scale * beta).into_iter().flat_map(u32::to_le_bytes).collect::<Vec<u8>>();
    let powers = writer.store("powers", DataType::Uint8, &[powers.len()], powers.into());
    let value = writer.plain(x)?;
    let value = of_bytes(writer, &value);
    word(writer, operator, "WordSoftmax", &[&value, &powers], vec![])
}

/// Signed bytes as the floats that they are.
pub(super) fn of_bytes(writer: &mut Writer<'_>, bytes: &str) -> String {
    let [one, none] = unit(writer);
    writer.node("DequantizeLinear", &[bytes, &one, &none], vec![])
}

/// Whole floats as signed bytes.
pub(super) fn bytes_of(writer: &mut Writer<'_>, whole: &str) -> String {
    let [one, none] = unit(writer);
    writer.node("QuantizeLinear", &[whole, &one, &none], vec![])
}

/// Gives tensor `to` the value of whole floats as signed bytes.
pub(super) fn answer_bytes(writer: &mut Writer<'_>, whole: &str, to: usize) -> Written {
    let kind = writer.model.tensors[to].kind;
    if kind != Kind::I8 {
        return Err(format!("makes {kind:?}; supported: int8"));
    }
    let [one, none] = unit(writer);
    let name = writer.model.tensors[to].name.clone();
    writer.node_as("QuantizeLinear", &[whole, &one, &none], vec![], &name);
    Ok(())
}

/// The scale and the zero point of bytes that stand for themselves.
fn unit(writer: &mut Writer<'_>) -> [String; 2] {
    let one = writer.number("one", 1.0);
    [one, writer.store("none", DataType::Int8, &[], vec![0].into())]
}

/// The reals of integers of 16 bits.
pub(super) fn dequantize(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let x = operand(operator, 0)?;
    let scale = scale(writer, x)?;
    let (scale, value) = (writer.number("scale", scale), writer.plain(x)?);
    let made = writer.node("Mul", &[&value, &scale], vec![]);
    writer.answer(&made, result(operator)?)
}

/// An operator of two operands, each repeated to the shape of the result.
fn pair(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    op: &str,
    by: &[f64],
    fused: Fused,
) -> Written {
    let shape = writer.model.shape(result(operator)?).to_vec();
    let mut operands = Vec::new();
    for port in [0, 1] {
        let tensor = operand(operator, port)?;
        let value = writer.plain(tensor)?;
        operands.push(match writer.model.shape(tensor) == shape {
            true => value,
            false => {
                let shape: Vec<i64> = shape.iter().map(|dim| number_of(*dim)).collect();
                let shape = writer.integers("shape", &shape);
                writer.node("Expand", &[&value, &shape], vec![])
            }
        });
    }
    let attributes = vec![factors(by), span(writer, operator, fused)?];
    word(writer, operator, op, &[&operands[0], &operands[1]], attributes)
}

/// Adds an operator that makes the result of `operator`.
fn word(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    op: &str,
    operands: &[&str],
    attributes: Vec<AttributeProto>,
) -> Written {
    let made = writer.node_of(DOMAIN, op, operands, attributes);
    finish(writer, operator, &made)
}

/// Gives the result of `operator` its integers.
fn finish(writer: &mut Writer<'_>, operator: &Operator<'_>, made: &str) -> Written {
    let to = result(operator)?;
    if !is_word(writer, to) {
        let kind = writer.model.tensors[to].kind;
        return Err(format!("makes {kind:?} of int16; supported: int16"));
    }
    let name = writer.model.tensors[to].name.clone();
    writer.node_as("Identity", &[made], vec![], &name);
    Ok(())
}

/// Constant weights as bytes that are 128 more, in the order of `perm` and of a shape.
fn weights(writer: &mut Writer<'_>, w: usize, perm: &[usize], shape: &[usize]) -> Written<String> {
    let it = &writer.model.tensors[w];
    if it.kind != Kind::I8 || it.is_sparse {
        return Err(format!("has weights of type {:?} beside int16; supported: int8", it.kind));
    }
    let data = it.data.as_ref().ok_or("reads weights that are computed; constants belong there")?;
    let turned = turned(data, 1, &it.shape, perm);
    writer.copy(turned.len())?;
    let bytes: Vec<u8> = turned.iter().map(|byte| byte ^ 128).collect();
    Ok(writer.store("weights", DataType::Uint8, shape, bytes.into()))
}

/// The product of the scales of x and of all weights, where those have one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Product {
    /// In f64.
    Exact,
    /// Rounded to f32.
    OfFloats,
}

/// Bias and factor of each of so many channels.
fn channels(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    count: usize,
    product: Product,
) -> Written<String> {
    let [x, w, to] = [operand(operator, 0)?, operand(operator, 1)?, result(operator)?];
    let ([from, into], by) = ([scale(writer, x)?, scale(writer, to)?], whole(writer, w)?);
    if by.zeros.iter().any(|zero| *zero != 0) || ![1, count].contains(&by.scales.len()) {
        return Err("has weights with zero points, or scales that are not one a channel".into());
    }
    let bias = match optional(operator, 2).map(|bias| &writer.model.tensors[bias]) {
        None => None,
        Some(bias) if bias.kind == Kind::I64 => bias.data.clone(),
        Some(bias) => {
            let kind = bias.kind;
            return Err(format!("has a bias of type {kind:?} beside int16; supported: int64"));
        }
    };
    let mut bytes = Vec::with_capacity(count * CHANNEL);
    for at in 0..count {
        let scale = by.scales[at % by.scales.len()];
        let both = match (product, by.scales.len()) {
            (Product::OfFloats, 1) => f64::from(from * scale),
            _ => f64::from(from) * f64::from(scale),
        };
        let bias = bias.as_ref().and_then(|bias| bias.get(8 * at..)?.first_chunk().copied());
        let bias = i64::from_le_bytes(bias.unwrap_or_default());
        bytes.extend(numbers(bias, Twice::of(both / f64::from(into))));
    }
    Ok(writer.store("channels", DataType::Uint8, &[count, CHANNEL], bytes.into()))
}

/// The bytes of a channel: its bias, and the factor of its sums.
pub(super) fn numbers(bias: i64, factor: Twice) -> [u8; CHANNEL] {
    let Twice { mantissa, exponent } = factor;
    let all = [&bias.to_le_bytes()[..], &mantissa.to_le_bytes(), &exponent.to_le_bytes()];
    let mut bytes = [0; CHANNEL];
    bytes.iter_mut().zip(all.concat()).for_each(|(to, from)| *to = from);
    bytes
}

/// A number of a bias.
pub(super) fn bias(writer: &Writer<'_>, tensor: usize, at: usize) -> Written<i64> {
    let it = &writer.model.tensors[tensor];
    let four = it.data.as_ref().and_then(|data| data.get(4 * at..)?.first_chunk::<4>().copied());
    match (four, it.kind) {
        (Some(four), Kind::I32) => Ok(i32::from_le_bytes(four).into()),
        _ => Err("has biases that are no constant int32".into()),
    }
}

/// The only scale of a tensor, and its zero point.
pub(super) fn one(writer: &Writer<'_>, tensor: usize) -> Written<(f32, i64)> {
    match &writer.model.tensors[tensor].scales {
        Some(Scales { scales, zeros, .. }) if scales.len() == 1 && scales[0] > 0.0 => {
            Ok((scales[0], zeros[0]))
        }
        _ => Err("has a tensor that has not one scale".into()),
    }
}

/// Scales of both operands and of the result.
fn scales(writer: &Writer<'_>, operator: &Operator<'_>) -> Written<[f32; 3]> {
    let [a, b] = [operand(operator, 0)?, operand(operator, 1)?];
    Ok([scale(writer, a)?, scale(writer, b)?, scale(writer, result(operator)?)?])
}

/// The scale of integers of 16 bits, whose zero point is 0.
fn scale(writer: &Writer<'_>, tensor: usize) -> Written<f32> {
    let scales = whole(writer, tensor)?;
    match (scales.scales.as_slice(), scales.zeros.as_slice(), is_word(writer, tensor)) {
        ([scale], [0], true) => Ok(*scale),
        _ => Err("mixes int16 with other types, or has a zero point beside them".into()),
    }
}

/// The scales of a tensor.
fn whole(writer: &Writer<'_>, tensor: usize) -> Written<Scales> {
    let scales = writer.model.tensors[tensor].scales.clone();
    scales.ok_or_else(|| "has integers without scales".into())
}

/// Factors as an attribute.
fn factors(factors: &[f64]) -> AttributeProto {
    let pair = |factor: &f64| {
        let Twice { mantissa, exponent } = Twice::of(*factor);
        [i64::from(mantissa), i64::from(exponent)]
    };
    ints("factors", &factors.iter().flat_map(pair).collect::<Vec<i64>>())
}

/// The bounds that a fused function leaves.
fn span(writer: &Writer<'_>, operator: &Operator<'_>, fused: Fused) -> Written<AttributeProto> {
    let scale = scale(writer, result(operator)?)?;
    let steps = |real: f32| (real / scale).round().clamp(-32768.0, 32767.0) as i64;
    let [lo, hi] = match fused {
        Fused::None => [-32768, 32767],
        Fused::Relu => [0, 32767],
        Fused::ReluN1To1 => [steps(-1.0), steps(1.0)],
        Fused::Relu6 => [0, steps(6.0)],
        Fused::Tanh => return Err("has a tanh fused into int16".into()),
    };
    Ok(ints("span", &[lo, hi]))
}
