//! Filters over the steps of a sequence, which remember what they saw: SVDF, of floats and of bytes.

use crate::frontend::onnx::words::DOMAIN;
use crate::frontend::tflite::model::{Kind, Operator};
use crate::frontend::tflite::read::moves::cut;
use crate::frontend::tflite::read::{
    Fused, int, operand, optional, result, shaped, variables, words,
};
use crate::frontend::tflite::write::{Writer, Written, int as int_attribute, ints, number_of};
use crate::ir::quant::tflite::Twice;
use crate::proto::AttributeProto;
use crate::proto::tensor_proto::DataType;

/// The filters: their tensors, and how many there are.
struct Filters {
    x: usize,
    features: usize,
    times: usize,
    state: usize,
    images: usize,
    inputs: usize,
    count: usize,
    steps: usize,
    rank: usize,
}

/// x `[n,k]`, features `[f,k]`, times `[f,m]`, maybe a bias `[f/rank]`, and the state `[n,f*m]`: the last m features of each
/// filter. Each is weighted by its time; filters are summed up by ranks.
pub(in super::super) fn svdf(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let [x, features, times] =
        [operand(operator, 0)?, operand(operator, 1)?, operand(operator, 2)?];
    let state = operand(operator, 4)?;
    let rank = usize::try_from(int(operator.options, 0, 0)?).unwrap_or(0);
    let (&[count, steps], &[images, inputs]) = (writer.model.shape(times), writer.model.shape(x))
    else {
        return Err("reads no rows, or times of no matrix".into());
    };
    let fits = writer.model.shape(features) == [count, inputs];
    if rank == 0 || !count.is_multiple_of(rank) || steps == 0 || !fits {
        return Err(format!("sums {count} filters up by ranks of {rank}"));
    }
    let filters = Filters { x, features, times, state, images, inputs, count, steps, rank };
    match [x, features, times, state].map(|tensor| writer.model.tensors[tensor].kind) {
        [Kind::F32, Kind::F32, Kind::F32, Kind::F32] => of_floats(writer, operator, &filters),
        [Kind::I8, Kind::I8, Kind::I16, Kind::I16] | [Kind::I8, Kind::I8, Kind::I8, Kind::I8] => {
            of_bytes(writer, operator, &filters)
        }
        kinds => {
            let known = "all float32, or int8 with times and a state of int8 or int16";
            Err(format!("reads numbers of types {kinds:?}; supported: {known}"))
        }
    }
}

fn of_floats(writer: &mut Writer<'_>, operator: &Operator<'_>, filters: &Filters) -> Written {
    let &Filters { images, count, steps, rank, .. } = filters;
    let fused = Fused::of(operator.options, 1)?;
    let (key, was) = variables::own(writer, filters.state)?;
    let [x, features, times] = [filters.x, filters.features, filters.times];
    let [x, features, times] = [writer.real(x)?, writer.real(features)?, writer.real(times)?];
    let new = writer.node("Gemm", &[&x, &features], vec![int_attribute("transB", 1)]);
    let all = remembered(writer, filters, &was, &new);
    let weighted = writer.node("Mul", &[&all, &times], vec![]);
    let sums = summed(writer, &weighted);
    let ranks = shaped(writer, &sums, &[images, count / rank, rank]);
    let mut made = summed(writer, &ranks);
    if let Some(bias) = optional(operator, 3) {
        let bias = writer.real(bias)?;
        made = writer.node("Add", &[&made, &bias], vec![]);
    }
    let next = shaped(writer, &all, &[images, count * steps]);
    writer.variables.now.insert(key, next);
    let made = fused.apply(writer, made);
    writer.answer(&made, result(operator)?)
}

/// Two products of integers: the features of 8 or 16 bits, and what the filters of each rank make of them.
fn of_bytes(writer: &mut Writer<'_>, operator: &Operator<'_>, filters: &Filters) -> Written {
    let &Filters { x, features, times, state, images, inputs, count, steps, rank } = filters;
    let (units, to) = (count / rank, result(operator)?);
    let scale = |tensor: usize| words::one(writer, tensor);
    let is_wide = writer.model.tensors[state].kind == Kind::I16;
    let [(of_x, zero), (of_features, _), (of_times, _), (of_state, kept), (of_y, into)] =
        [scale(x)?, scale(features)?, scale(times)?, scale(state)?, scale(to)?];
    if is_wide && kept != 0 {
        return Err("has a state of int16 with a zero point".into());
    }
    let (key, mut was) = variables::own(writer, state)?;
    if !is_wide {
        was = words::of_bytes(writer, &was);
    }
    let value = writer.plain(x)?;
    let value = words::of_bytes(writer, &value);
    let pixels = shaped(writer, &value, &[images, 1, 1, inputs]);
    let bytes: Vec<u8> = constant(writer, features)?.iter().map(|byte| byte ^ 128).collect();
    let weights = writer.store("features", DataType::Uint8, &[count, 1, 1, inputs], bytes.into());
    let factor = Twice::of(f64::from(of_x * of_features / of_state));
    let channels = channels(writer, &vec![0; count], factor);
    let attributes =
        product([zero, kept], if is_wide { [-32768, 32767] } else { [-128, 127] }, 1, false);
    let new = writer.node_of(DOMAIN, "WordConv", &[&pixels, &weights, &channels], attributes);
    let all = remembered(writer, filters, &was, &new);
    let mut next = shaped(writer, &all, &[images, count * steps]);
    if !is_wide {
        next = words::bytes_of(writer, &next);
    }
    writer.variables.now.insert(key, next);
    let pixels = shaped(writer, &all, &[images, 1, 1, count * steps]);
    // The upper byte of a number has its sign.
    let each = if is_wide { 2 } else { 1 };
    let signs = (0..each).map(|at| if at + 1 == each { 128 } else { 0 }).cycle();
    let bytes = constant(writer, times)?;
    let bytes: Vec<u8> = bytes.iter().zip(signs).map(|(byte, sign)| byte ^ sign).collect();
    let shape = [units, 1, 1, each * rank * steps];
    let weights = writer.store("times", DataType::Uint8, &shape, bytes.into());
    let biases = match optional(operator, 3) {
        Some(bias) => (0..units).map(|at| words::bias(writer, bias, at)).collect::<Written<_>>()?,
        None => vec![0; units],
    };
    let channels =
        self::channels(writer, &biases, Twice::of(f64::from(of_state * of_times / of_y)));
    let attributes = product([kept, into], [-128, 127], units, is_wide);
    let made = writer.node_of(DOMAIN, "WordConv", &[&pixels, &weights, &channels], attributes);
    let made = shaped(writer, &made, &[images, units]);
    words::answer_bytes(writer, &made, to)
}

/// The constant numbers of a tensor.
fn constant(writer: &mut Writer<'_>, tensor: usize) -> Written<bytes::Bytes> {
    let it = &writer.model.tensors[tensor];
    let data = it.data.clone().filter(|_| !it.is_sparse);
    let data = data.ok_or("reads weights that are computed or sparse; constants belong there")?;
    writer.copy(data.len())?;
    Ok(data)
}

/// The numbers of channels that share a factor.
fn channels(writer: &mut Writer<'_>, biases: &[i64], factor: Twice) -> String {
    let bytes: Vec<u8> = biases.iter().flat_map(|bias| words::numbers(*bias, factor)).collect();
    let shape = [biases.len(), crate::ir::quant::words::CHANNEL];
    writer.store("channels", DataType::Uint8, &shape, bytes.into())
}

/// The attributes of a product of rows, rounded twice.
fn product(zeros: [i64; 2], span: [i64; 2], group: usize, is_wide: bool) -> Vec<AttributeProto> {
    vec![
        ints("into", &[1, 1]),
        ints("strides", &[1, 1]),
        ints("dilations", &[1, 1]),
        ints("pads", &[0, 0]),
        ints("zeros", &zeros),
        ints("span", &span),
        int_attribute("group", number_of(group)),
        int_attribute("twice", 1),
        int_attribute("wide", is_wide.into()),
    ]
}

/// The memory of the filters, `[n,f,m]`: all but the oldest features, and the new ones.
fn remembered(writer: &mut Writer<'_>, filters: &Filters, was: &str, new: &str) -> String {
    let &Filters { images, count, steps, .. } = filters;
    let new = shaped(writer, new, &[images, count, 1]);
    if steps == 1 {
        return new;
    }
    let was = shaped(writer, was, &[images, count, steps]);
    let later = cut(writer, &was, 2, [1, number_of(steps)]);
    writer.node("Concat", &[&later, &new], vec![int_attribute("axis", 2)])
}

/// The sums over the last of three dimensions.
fn summed(writer: &mut Writer<'_>, x: &str) -> String {
    let axes = writer.integers("axes", &[2]);
    writer.node("ReduceSum", &[x, &axes], vec![int_attribute("keepdims", 0)])
}
