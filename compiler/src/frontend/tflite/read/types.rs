//! Conversions between types.

use crate::frontend::tflite::model::Operator;
use crate::frontend::tflite::read::{operand, result, words};
use crate::frontend::tflite::write::{Writer, Written, int, onnx_type};

/// Bytes of floats, or of bytes of other scales.
pub(in super::super) fn quantize(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    if [operand(operator, 0)?, result(operator)?].iter().any(|it| words::is_word(writer, *it)) {
        return words::quantize(writer, operator);
    }
    let real = writer.real(operand(operator, 0)?)?;
    writer.answer(&real, result(operator)?)
}

/// Floats of bytes, or of 16-bit floats.
pub(in super::super) fn dequantize(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    if words::is_word(writer, operand(operator, 0)?) {
        return words::dequantize(writer, operator);
    }
    let real = writer.real(operand(operator, 0)?)?;
    writer.answer(&real, result(operator)?)
}

/// The numbers in another type; bytes are not scaled.
pub(in super::super) fn cast(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let (x, to) = (writer.plain(operand(operator, 0)?)?, result(operator)?);
    if [operand(operator, 0)?, to].iter().any(|it| words::is_word(writer, *it)) {
        return Err("casts from or to int16; quantise and dequantise instead".into());
    }
    let kind = writer.model.tensors[to].kind;
    let number = onnx_type(kind).ok_or_else(|| format!("makes numbers of type {kind:?}"))?;
    let name = writer.model.tensors[to].name.clone();
    writer.node_as("Cast", &[&x], vec![int("to", number as i64)], &name);
    Ok(())
}
