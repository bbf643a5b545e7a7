//! Cells that remember, over the steps of a sequence: UNIDIRECTIONAL_SEQUENCE_LSTM, of floats and of bytes.

use crate::frontend::onnx::words::DOMAIN;
use crate::frontend::tflite::model::{Kind, Operator};
use crate::frontend::tflite::read::moves::cut;
use crate::frontend::tflite::read::{
    byte, float, operand, optional, result, shaped, variables, words,
};
use crate::frontend::tflite::write::{self, Writer, Written, int, ints, number_of, text};
use crate::ir::quant::tflite::Twice;
use crate::proto::tensor_proto::DataType;

/// Ports: the input, weights and biases of four gates each, and what is kept.
mod port {
    pub(super) const X: usize = 0;
    pub(super) const WEIGHTS: usize = 1;
    pub(super) const RECURRENT: usize = 5;
    pub(super) const BIASES: usize = 12;
    pub(super) const OUTPUT: usize = 18;
    pub(super) const CELLS: usize = 19;
    /// Ports of parts that no cell here has, and their names.
    pub(super) const ABSENT: [(std::ops::Range<usize>, &str); 3] =
        [(9..12, "peepholes"), (16..18, "a projection"), (20..24, "normalised gates")];
}

/// Fields of the options.
mod option {
    pub(super) const FUSED: usize = 0;
    pub(super) const CELL_CLIP: usize = 1;
    pub(super) const BY_TIME: usize = 3;
}

/// The format's number of tanh as a fused function.
const TANH: u8 = 4;
/// Gates of a cell in the order of their ports: what is let in, kept, made and let out.
const GATES: usize = 4;
/// Bits behind the point of a gate's sum.
const GATE: f32 = 4096.0;

/// The layer: its tensors, and how long they are.
struct Layer {
    x: usize,
    weights: [usize; GATES],
    recurrent: [usize; GATES],
    biases: [usize; GATES],
    output: usize,
    cells: usize,
    steps: usize,
    inputs: usize,
    hidden: usize,
}

/// x `[1,t,k]` (or `[t,1,k]`), weights `[h,k]` and `[h,h]` of each gate, and what is kept: the last output and the cells.
pub(in super::super) fn lstm(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let layer = layer(writer, operator)?;
    let kinds = [layer.x, layer.weights[0], layer.output, layer.cells];
    match kinds.map(|tensor| writer.model.tensors[tensor].kind) {
        [Kind::F32, Kind::F32, Kind::F32, Kind::F32] => of_floats(writer, operator, &layer),
        [Kind::I8, Kind::I8, Kind::I8, Kind::I16] => of_bytes(writer, operator, &layer),
        [x, w, ..] => {
            Err(format!("reads {x:?} by weights {w:?}; supported: all float32, all int8"))
        }
    }
}

fn layer(writer: &Writer<'_>, operator: &Operator<'_>) -> Written<Layer> {
    for (ports, what) in port::ABSENT {
        if ports.into_iter().any(|port| optional(operator, port).is_some()) {
            return Err(format!("has {what}, which no cell here has"));
        }
    }
    if optional(operator, port::WEIGHTS).is_none() {
        return Err("has no gate for what is let in".into());
    }
    if byte(operator.options, option::FUSED)? != TANH {
        return Err("has another function than tanh".into());
    }
    let four = |first: usize| -> Written<[usize; GATES]> {
        let found: Vec<usize> =
            (first..first + GATES).map(|port| operand(operator, port)).collect::<Written<_>>()?;
        found.try_into().map_err(|_| "has not four gates".into())
    };
    let x = operand(operator, port::X)?;
    let (weights, recurrent) = (four(port::WEIGHTS)?, four(port::RECURRENT)?);
    let &[first, second, inputs] = writer.model.shape(x) else {
        return Err(format!("reads {:?}; a sequence [n,t,k] belongs there", writer.model.shape(x)));
    };
    let by_time = byte(operator.options, option::BY_TIME)? != 0;
    let (images, steps) = if by_time { (second, first) } else { (first, second) };
    let hidden = writer.model.shape(recurrent[0]).first().copied().unwrap_or(0);
    let fits = |tensors: [usize; GATES], shape: &[usize]| {
        tensors.iter().all(|tensor| writer.model.shape(*tensor) == shape)
    };
    let biases = four(port::BIASES)?;
    let all_fit = fits(weights, &[hidden, inputs])
        && fits(recurrent, &[hidden, hidden])
        && fits(biases, &[hidden]);
    if images != 1 || steps == 0 || hidden == 0 || !all_fit {
        return Err(format!(
            "reads {images} sequences of {steps} steps by weights that do not fit"
        ));
    }
    let [output, cells] = [operand(operator, port::OUTPUT)?, operand(operator, port::CELLS)?];
    Ok(Layer { x, weights, recurrent, biases, output, cells, steps, inputs, hidden })
}

/// ONNX's operator, whose gates stand in another order.
fn of_floats(writer: &mut Writer<'_>, operator: &Operator<'_>, layer: &Layer) -> Written {
    let clip = float(operator.options, option::CELL_CLIP, 0.0)?;
    let &Layer { steps, inputs, hidden, .. } = layer;
    let joined =
        |writer: &mut Writer<'_>, what, tensors: [usize; GATES], zeros: usize, shape: &[usize]| {
            let mut all = Vec::new();
            for at in [0, 3, 1, 2] {
                let data = writer.model.tensors[tensors[at]].data.clone();
                all.extend_from_slice(
                    &data.ok_or("reads weights that are computed; constants belong there")?,
                );
            }
            writer.copy(all.len())?;
            all.resize(all.len() + 4 * zeros, 0);
            Ok::<_, String>(writer.store(what, DataType::Float, shape, all.into()))
        };
    let weights = joined(writer, "weights", layer.weights, 0, &[1, GATES * hidden, inputs])?;
    let recurrent = joined(writer, "recurrent", layer.recurrent, 0, &[1, GATES * hidden, hidden])?;
    let biases = joined(writer, "biases", layer.biases, GATES * hidden, &[1, 2 * GATES * hidden])?;
    let ((told, output), (key, cells)) =
        (variables::own(writer, layer.output)?, variables::own(writer, layer.cells)?);
    let x = writer.real(layer.x)?;
    let x = shaped(writer, &x, &[steps, 1, inputs]);
    let [output, cells] = [output, cells].map(|state| shaped(writer, &state, &[1, 1, hidden]));
    let made = ["steps", "output", "cells"].map(|what| writer.fresh(what));
    let operands = [&*x, &weights, &recurrent, &biases, "", &output, &cells];
    let attributes = vec![
        int("hidden_size", number_of(hidden)),
        text("direction", "forward"),
        write::float("cell_clip", clip),
    ];
    let [all, output, cells] = &made;
    writer.node_of_many(DOMAIN, "LSTM", &operands, attributes, &[all, output, cells]);
    let next = [output, cells].map(|state| shaped(writer, state, &[1, hidden]));
    let [output, cells] = next;
    writer.variables.now.insert(told, output);
    writer.variables.now.insert(key, cells);
    let to = result(operator)?;
    let shape = writer.model.shape(to).to_vec();
    writer.reshaped(all, &shape, to)
}

/// One operator for all steps: bytes and 16-bit integers as the floats that they are.
fn of_bytes(writer: &mut Writer<'_>, operator: &Operator<'_>, layer: &Layer) -> Written {
    let &Layer { steps, inputs, hidden, .. } = layer;
    let cell = words::one(writer, layer.cells)?.0;
    let fraction = -cell.log2();
    if fraction.fract() != 0.0 || !(0.0..=15.0).contains(&fraction) {
        return Err(format!("has cells of scale {cell}, which is none of 1 to 2^-15"));
    }
    let clip = float(operator.options, option::CELL_CLIP, 0.0)?;
    let most = if clip > 0.0 { (clip / cell).min(32767.0) as i64 } else { 32768 };
    let (scale, zero) = match operator.intermediates.get(4) {
        Some(tensor) => words::one(writer, *tensor)?,
        None => words::one(writer, layer.output)?,
    };
    let unit = 15.0_f32.exp2().recip();
    let hidden_factor = Twice::of(f64::from(unit / scale * unit));
    let gates = gates(writer, layer)?;
    let ((told, output), (key, cells)) =
        (variables::own(writer, layer.output)?, variables::own(writer, layer.cells)?);
    let x = writer.plain(layer.x)?;
    let x = words::of_bytes(writer, &x);
    let x = shaped(writer, &x, &[steps, inputs]);
    let output = words::of_bytes(writer, &output);
    let [output, cells] = [output, cells].map(|state| shaped(writer, &state, &[hidden]));
    let state = writer.node("Concat", &[&output, &cells], vec![int("axis", 0)]);
    let attributes = vec![
        ints("cell", &[fraction as i64, zero, most]),
        ints("factors", &[hidden_factor.mantissa.into(), hidden_factor.exponent.into()]),
    ];
    let made = writer.node_of(DOMAIN, "WordLstm", &[&x, &state, &gates], attributes);
    let all = number_of(steps * hidden);
    let outputs = cut(writer, &made, 0, [0, all]);
    let last = cut(writer, &made, 0, [all - number_of(hidden), all]);
    let last = shaped(writer, &last, &[1, hidden]);
    let last = words::bytes_of(writer, &last);
    let cells = cut(writer, &made, 0, [all, all + number_of(hidden)]);
    let cells = shaped(writer, &cells, &[1, hidden]);
    writer.variables.now.insert(told, last);
    writer.variables.now.insert(key, cells);
    let to = result(operator)?;
    let shape = writer.model.shape(to).to_vec();
    let outputs = shaped(writer, &outputs, &shape);
    words::answer_bytes(writer, &outputs, to)
}

/// The rows of all gates of all cells: weights of the input and of the last output, 128 more than they are, then the bias
/// and the factor of either sum.
fn gates(writer: &mut Writer<'_>, layer: &Layer) -> Written<String> {
    let [(of_x, zero_x), (of_output, zero_output)] =
        [words::one(writer, layer.x)?, words::one(writer, layer.output)?];
    let rows = GATES * layer.hidden;
    let row = layer.inputs + layer.hidden + 2 * crate::ir::quant::words::CHANNEL;
    writer.copy(rows * row)?;
    let mut all = Vec::with_capacity(rows * row);
    for at in 0..rows {
        let (cell, gate) = (at / GATES, at % GATES);
        let parts = [
            (layer.weights[gate], layer.inputs, of_x, zero_x, true),
            (layer.recurrent[gate], layer.hidden, of_output, zero_output, false),
        ];
        let mut numbers = Vec::new();
        for (tensor, len, scale, zero, has_bias) in parts {
            let weights = whole(writer, tensor)?;
            let weights = &weights[cell * len..][..len];
            all.extend(weights.iter().map(|w| w ^ 128));
            let sum: i64 = weights.iter().map(|w| i64::from(w.cast_signed())).sum();
            let bias = if has_bias { words::bias(writer, layer.biases[gate], cell)? } else { 0 };
            let factor = Twice::of(f64::from(words::one(writer, tensor)?.0 * scale * GATE));
            numbers.extend(words::numbers(bias - zero * sum, factor));
        }
        all.extend(numbers);
    }
    Ok(writer.store("gates", DataType::Uint8, &[rows, row], all.into()))
}

/// The constant bytes of a tensor.
fn whole(writer: &Writer<'_>, tensor: usize) -> Written<bytes::Bytes> {
    let it = &writer.model.tensors[tensor];
    match (&it.data, it.kind) {
        (Some(data), Kind::I8) if !it.is_sparse => Ok(data.clone()),
        _ => Err("has weights that are no constant int8".into()),
    }
}
