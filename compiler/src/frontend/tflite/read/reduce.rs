//! Reductions over some dimensions, which are a constant.

use crate::frontend::tflite::model::Operator;
use crate::frontend::tflite::read::{byte, image_of, operand, result};
use crate::frontend::tflite::write::{Writer, Written, int, ints, number_of};
use crate::proto::tensor_proto::DataType;

pub(in super::super) fn max(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    reduce(writer, operator, "ReduceMax")
}

pub(in super::super) fn min(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    reduce(writer, operator, "ReduceMin")
}

pub(in super::super) fn prod(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    reduce(writer, operator, "ReduceProd")
}

pub(in super::super) fn mean(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let x = operand(operator, 0)?;
    let axes = axes(writer, operator)?;
    if (writer.model.shape(x).len(), axes.as_slice()) != (4, &[1, 2]) {
        return reduce(writer, operator, "ReduceMean");
    }
    // Of whole images: a pooling, as kernels have it.
    let image = image_of(writer, x)?;
    let attributes = vec![ints("axes", &[2, 3]), int("keepdims", 1)];
    let means = writer.node("ReduceMean", &[&image], attributes);
    let to = result(operator)?;
    let shape = writer.model.shape(to).to_vec();
    writer.reshaped(&means, &shape, to)
}

pub(in super::super) fn sum(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let axes = axes(writer, operator)?;
    let axes = writer.integers("axes", &axes);
    let x = writer.real(operand(operator, 0)?)?;
    let made = writer.node("ReduceSum", &[&x, &axes], vec![keepdims(operator)?]);
    writer.answer(&made, result(operator)?)
}

pub(in super::super) fn arg_max(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    arg(writer, operator, "ArgMax")
}

pub(in super::super) fn arg_min(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    arg(writer, operator, "ArgMin")
}

fn reduce(writer: &mut Writer<'_>, operator: &Operator<'_>, op: &str) -> Written {
    let axes = ints("axes", &axes(writer, operator)?);
    let x = writer.real(operand(operator, 0)?)?;
    let made = writer.node(op, &[&x], vec![axes, keepdims(operator)?]);
    writer.answer(&made, result(operator)?)
}

fn keepdims(operator: &Operator<'_>) -> Written<crate::proto::AttributeProto> {
    Ok(int("keepdims", byte(operator.options, 0)?.into()))
}

/// The dimensions that are reduced, ascending.
fn axes(writer: &Writer<'_>, operator: &Operator<'_>) -> Written<Vec<i64>> {
    let rank = number_of(writer.model.shape(operand(operator, 0)?).len());
    let axes = writer.whole(operand(operator, 1)?)?;
    let from_start = |axis: i64| if axis < 0 { axis + rank } else { axis };
    let mut axes: Vec<i64> = axes.into_iter().map(from_start).collect();
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}

/// Where the greatest or least element is.
fn arg(writer: &mut Writer<'_>, operator: &Operator<'_>, op: &str) -> Written {
    let axis = *axes(writer, operator)?.first().ok_or("names no dimension")?;
    let x = writer.real(operand(operator, 0)?)?;
    let made = writer.node(op, &[&x], vec![int("axis", axis), int("keepdims", 0)]);
    let to = result(operator)?;
    let kind = match writer.model.tensors[to].kind.bytes() {
        4 => DataType::Int32,
        _ => DataType::Int64,
    };
    let made = writer.node("Cast", &[&made], vec![int("to", kind as i64)]);
    writer.answer(&made, to)
}
