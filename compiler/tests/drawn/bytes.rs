//! Operators on bytes: pairs of quantising and dequantising, layers and functions of com.microsoft.

use mnv2c::ir::Dtype;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{int, ints};
use crate::draw::{Draw, Drawn, Value, kind_of};
use crate::windows::{groups, window};

pub(super) fn form(draw: &mut Draw, name: &str) -> Option<Drawn> {
    match name {
        "QuantizeLinear" | "com.microsoft.QuantizeLinear" => quantize(draw),
        "DequantizeLinear" | "com.microsoft.DequantizeLinear" => dequantize(draw),
        "DynamicQuantizeLinear" => {
            let x = draw.number()?;
            Some(Drawn { results: 3, ..Drawn::new(vec![x.name], vec![]) })
        }
        "QLinearConv" | "ConvInteger" => conv(draw, name),
        "QLinearMatMul" | "MatMulInteger" | "com.microsoft.QGemm" => product(draw, name),
        "com.microsoft.QLinearAdd" | "com.microsoft.QLinearMul" => pair(draw),
        "com.microsoft.QLinearConcat" => concat(draw),
        _ if name.starts_with("com.microsoft.QLinear") => function(draw, name),
        _ => None,
    }
}

/// Bytes, of a rank if that matters.
fn activation(draw: &mut Draw, rank: Option<usize>) -> Option<Value> {
    draw.value(|value| {
        matches!(value.dtype, Dtype::U8 | Dtype::I8)
            && !value.is_constant
            && rank.is_none_or(|rank| value.shape.len() == rank)
    })
}

/// Bytes behind their scale, as operators on bytes take them.
fn with_scale(draw: &mut Draw, x: &Value) -> Vec<String> {
    let [scale, zero] = draw.scale_of(x);
    vec![x.name.clone(), scale, zero]
}

/// Scale and zero point of a result, mostly of the operand's type.
fn result(draw: &mut Draw, dtype: Dtype) -> [String; 2] {
    let other = if dtype == Dtype::I8 { Dtype::U8 } else { Dtype::I8 };
    let dtype = if draw.random.one_in(10) { other } else { dtype };
    draw.scale(dtype)
}

fn quantize(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.number()?;
    let dtype = draw.random.pick(&[Dtype::U8, Dtype::I8]);
    let channels = x.shape.get(1).copied().filter(|_| draw.random.one_in(10));
    if let Some(channels) = channels.filter(|_| draw.opset >= 13) {
        let scales = draw.floats(&[channels], 0.01, 0.1);
        return Some(Drawn::new(vec![x.name, scales], vec![int("axis", 1)]));
    }
    let [scale, zero] = draw.scale(dtype);
    let inputs =
        if draw.random.one_in(6) { vec![x.name, scale] } else { vec![x.name, scale, zero] };
    Some(Drawn::new(inputs, vec![]))
}

fn dequantize(draw: &mut Draw) -> Option<Drawn> {
    let x = activation(draw, None)?;
    let inputs = with_scale(draw, &x);
    Some(Drawn::new(inputs, vec![]))
}

/// Weights of one scale, or of one for each of `channels`, behind their scales and zero points.
fn weights(draw: &mut Draw, shape: &[i64], channels: i64) -> Vec<String> {
    let signed = !draw.random.one_in(4);
    let kind = if signed { DataType::Int8 } else { DataType::Uint8 };
    let integers = draw.bytes(kind, shape);
    let count = if draw.random.one_in(2) { vec![] } else { vec![channels] };
    let len = count.iter().product::<i64>() as usize;
    let zero = if signed { 0 } else { draw.random.pick(&[128, 128, 3]) };
    let zeros = draw.constant(kind, &count, vec![zero; len]);
    let values = draw.random.uniforms(len, 0.001, 0.02);
    let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    vec![integers, draw.constant(DataType::Float, &count, raw), zeros]
}

/// Sums to begin with.
fn bias(draw: &mut Draw, channels: i64) -> String {
    let raw = (0..channels).flat_map(|_| (draw.random.below(999) as i32 - 500).to_le_bytes());
    let raw = raw.collect();
    draw.constant(DataType::Int32, &[channels], raw)
}

fn conv(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let x = activation(draw, Some(4)).or_else(|| activation(draw, Some(3)))?;
    let (mut attributes, kernel) = window(draw, &x);
    let (group, filters) = groups(draw, x.shape[1]);
    let shape = [vec![filters, x.shape[1] / group], kernel].concat();
    attributes.push(int("group", group));
    let w = weights(draw, &shape, filters);
    if name == "ConvInteger" {
        let zero = draw.scale_of(&x)[1].clone();
        let inputs = vec![x.name, w[0].clone(), zero, w[2].clone()];
        return Some(Drawn::new(inputs, attributes));
    }
    let result = result(draw, x.dtype);
    let mut inputs = [with_scale(draw, &x), w, result.to_vec()].concat();
    if draw.random.one_in(2) {
        inputs.push(bias(draw, filters));
    }
    Some(Drawn::new(inputs, attributes))
}

fn product(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let x = activation(draw, Some(2)).or_else(|| activation(draw, None))?;
    let depth = *x.shape.last()?;
    let columns = draw.random.pick(&[1, 3, 10]);
    let turned = name == "com.microsoft.QGemm" && draw.random.one_in(2);
    let shape = if turned { [columns, depth] } else { [depth, columns] };
    let w = weights(draw, &shape, columns);
    let of_x = with_scale(draw, &x);
    let result = result(draw, x.dtype).to_vec();
    match name {
        "MatMulInteger" => {
            let inputs = vec![x.name, w[0].clone(), of_x[2].clone(), w[2].clone()];
            Some(Drawn::new(inputs, vec![]))
        }
        "QLinearMatMul" => Some(Drawn::new([of_x, w, result].concat(), vec![])),
        _ => {
            let bias = if draw.random.one_in(2) { String::new() } else { bias(draw, columns) };
            let result = if draw.random.one_in(4) { vec![] } else { result };
            let inputs = [of_x, w, vec![bias], result].concat();
            Some(Drawn::new(inputs, vec![int("transB", turned.into())]))
        }
    }
}

fn pair(draw: &mut Draw) -> Option<Drawn> {
    let a = activation(draw, None)?;
    let other = draw.value(|value| value.dtype == a.dtype && value.shape == a.shape);
    let b = other.filter(|_| !draw.random.one_in(3)).unwrap_or_else(|| a.clone());
    let result = result(draw, a.dtype).to_vec();
    let mut operands = [with_scale(draw, &a), with_scale(draw, &b)];
    if draw.random.one_in(5) {
        let shape: Vec<i64> = a.shape.iter().map(|_| 1).collect();
        operands[1][0] = draw.bytes(kind_of(a.dtype), &shape);
    }
    Some(Drawn::new([operands.concat(), result].concat(), vec![]))
}

fn concat(draw: &mut Draw) -> Option<Drawn> {
    let x = activation(draw, None)?;
    let result = result(draw, x.dtype).to_vec();
    let mut inputs = [result, with_scale(draw, &x)].concat();
    let rank = x.shape.len();
    for _ in 0..draw.random.below(3) {
        let other = draw.value(|value| value.dtype == x.dtype && value.shape == x.shape)?;
        inputs.extend(with_scale(draw, &other));
    }
    let axis = draw.axis(rank);
    Some(Drawn::new(inputs, vec![int("axis", axis)]))
}

fn function(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let pools = name.ends_with("Pool");
    let x = activation(draw, if pools { Some(4) } else { None })?;
    let mut attributes = vec![];
    if name.ends_with("QLinearAveragePool") {
        let (windows, kernel) = window(draw, &x);
        attributes = windows;
        attributes.push(ints("kernel_shape", &kernel));
    }
    if name.ends_with("Softmax") {
        attributes.extend([int("axis", draw.axis(x.shape.len())), int("opset", draw.opset)]);
    }
    if pools && draw.random.one_in(4) {
        attributes.push(int("channels_last", 1));
    }
    let result = result(draw, x.dtype).to_vec();
    let inputs = [with_scale(draw, &x), result].concat();
    Some(Drawn::new(inputs, attributes))
}
