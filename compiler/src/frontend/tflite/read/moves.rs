//! Operators that move elements.

use crate::frontend::tflite::model::Operator;
use crate::frontend::tflite::read::{Fused, byte, int, operand, optional, result, shaped};
use crate::frontend::tflite::write::{
    Writer, Written, int as int_attribute, ints, number_of, text,
};

/// The elements in the shape of the result: RESHAPE, SQUEEZE and EXPAND_DIMS.
pub(in super::super) fn reshape(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let to = result(operator)?;
    let x = writer.real(operand(operator, 0)?)?;
    let shape = writer.model.shape(to).to_vec();
    let made = shaped(writer, &x, &shape);
    writer.answer(&made, to)
}

/// Dimension `i` of the result is dimension `perm[i]`.
pub(in super::super) fn transpose(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let perm = writer.whole(operand(operator, 1)?)?;
    let x = writer.real(operand(operator, 0)?)?;
    let made = writer.node("Transpose", &[&x], vec![ints("perm", &perm)]);
    writer.answer(&made, result(operator)?)
}

/// All operands, one after the other.
pub(in super::super) fn concatenation(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let axis = int_attribute("axis", int(operator.options, 0, 0)?);
    let fused = Fused::of(operator.options, 1)?;
    let operands: Vec<String> = operator
        .inputs
        .iter()
        .flatten()
        .map(|tensor| writer.real(*tensor))
        .collect::<Written<_>>()?;
    let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
    let made = writer.node("Concat", &operands, vec![axis]);
    let made = fused.apply(writer, made);
    writer.answer(&made, result(operator)?)
}

/// Operands along a new dimension.
pub(in super::super) fn pack(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let to = result(operator)?;
    let axis = int(operator.options, 1, 0)?;
    let at = index(axis, writer.model.shape(to).len())?;
    let mut slice = writer.model.shape(to).to_vec();
    slice[at] = 1;
    let mut operands = Vec::new();
    for tensor in operator.inputs.iter().flatten() {
        let x = writer.real(*tensor)?;
        operands.push(shaped(writer, &x, &slice));
    }
    let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
    let made = writer.node("Concat", &operands, vec![int_attribute("axis", number_of(at))]);
    writer.answer(&made, to)
}

/// Each index of a dimension by itself.
pub(in super::super) fn unpack(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let x = operand(operator, 0)?;
    let at = index(int(operator.options, 1, 0)?, writer.model.shape(x).len())?;
    let real = writer.real(x)?;
    for (i, to) in operator.outputs.clone().into_iter().enumerate() {
        let part = cut(writer, &real, at, [number_of(i), number_of(i) + 1]);
        let shape = writer.model.shape(to).to_vec();
        let part = shaped(writer, &part, &shape);
        writer.answer(&part, to)?;
    }
    Ok(())
}

/// Equal parts along the dimension at port 0 of what is at port 1.
pub(in super::super) fn split(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let axis = *writer.whole(operand(operator, 0)?)?.first().ok_or("names no dimension")?;
    parts(writer, operator, operand(operator, 1)?, axis)
}

/// Parts of given sizes along the dimension at port 2.
pub(in super::super) fn split_v(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let axis = *writer.whole(operand(operator, 2)?)?.first().ok_or("names no dimension")?;
    parts(writer, operator, operand(operator, 0)?, axis)
}

/// Parts whose sizes their shapes say.
fn parts(writer: &mut Writer<'_>, operator: &Operator<'_>, x: usize, axis: i64) -> Written {
    let at = index(axis, writer.model.shape(x).len())?;
    let (real, mut from) = (writer.real(x)?, 0);
    for to in operator.outputs.clone() {
        let shape = writer.model.shape(to);
        let size = *shape.get(at).ok_or("makes a part of another rank")?;
        let part = cut(writer, &real, at, [from, from + number_of(size)]);
        from += number_of(size);
        writer.answer(&part, to)?;
    }
    Ok(())
}

/// The range of `x` along a dimension.
pub(super) fn cut(writer: &mut Writer<'_>, x: &str, axis: usize, [from, to]: [i64; 2]) -> String {
    let [from, to, axis] = [("starts", from), ("ends", to), ("axes", number_of(axis))]
        .map(|(name, value)| writer.integers(name, &[value]));
    writer.node("Slice", &[x, &from, &to, &axis], vec![])
}

/// From the elements at port 1 on, as many as port 2 says; -1 for all.
pub(in super::super) fn slice(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let x = operand(operator, 0)?;
    let begins = writer.whole(operand(operator, 1)?)?;
    let to = result(operator)?;
    let sizes: Vec<i64> = writer.model.shape(to).iter().map(|dim| number_of(*dim)).collect();
    if begins.len() != sizes.len() {
        return Err(format!("begins at {begins:?} of {} dimensions", sizes.len()));
    }
    let ends: Vec<i64> =
        begins.iter().zip(&sizes).map(|(begin, size)| begin.saturating_add(*size)).collect();
    let axes: Vec<i64> = (0..number_of(begins.len())).collect();
    let real = writer.real(x)?;
    let [begins, ends, axes] = [("starts", begins), ("ends", ends), ("axes", axes)]
        .map(|(name, list)| writer.integers(name, &list));
    let made = writer.node("Slice", &[&real, &begins, &ends, &axes], vec![]);
    writer.answer(&made, to)
}

/// Every so many elements between two, per dimension, as Python slices; the masks say which bounds are left out.
pub(in super::super) fn strided_slice(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let (x, options) = (operand(operator, 0)?, operator.options);
    let [begin_mask, end_mask, ellipsis, new_axis, shrink] =
        [0, 1, 2, 3, 4].map(|field| int(options, field, 0));
    if ellipsis? != 0 || new_axis? != 0 || byte(options, 5)? != 0 {
        return Err("an ellipsis, a new dimension or an offset in a slice is not supported".into());
    }
    let [begins, ends, strides] = [1, 2, 3].map(|port| writer.whole(operand(operator, port)?));
    let (mut begins, mut ends, mut strides) = (begins?, ends?, strides?);
    let (begin_mask, end_mask, shrink) = (begin_mask?, end_mask?, shrink?);
    let rank = begins.len();
    if ends.len() != rank || strides.len() != rank || rank > writer.model.shape(x).len() {
        return Err("begins, ends and strides of different lengths".into());
    }
    for at in 0..rank {
        let masked = |mask: i64| mask >> at & 1 == 1;
        let backwards = strides[at] < 0;
        if masked(shrink) {
            ends[at] = if begins[at] == -1 { i64::MAX } else { begins[at].saturating_add(1) };
            strides[at] = 1;
            continue;
        }
        if masked(begin_mask) {
            begins[at] = if backwards { i64::MAX } else { 0 };
        }
        if masked(end_mask) {
            ends[at] = if backwards { i64::MIN } else { i64::MAX };
        }
    }
    let axes: Vec<i64> = (0..number_of(rank)).collect();
    let is_plain = writer.model.tensors[x].scales.is_none();
    let value = if is_plain { writer.plain(x)? } else { writer.real(x)? };
    let [begins, ends, axes, strides] =
        [("starts", begins), ("ends", ends), ("axes", axes), ("steps", strides)]
            .map(|(name, list)| writer.integers(name, &list));
    let made = writer.node("Slice", &[&value, &begins, &ends, &axes, &strides], vec![]);
    let to = result(operator)?;
    let shape = writer.model.shape(to).to_vec();
    let made = shaped(writer, &made, &shape);
    writer.answer(&made, to)
}

/// Elements around x: zeros, or the number at port 2.
pub(in super::super) fn pad(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let x = operand(operator, 0)?;
    let pads = pads(writer, operator)?;
    let real = writer.real(x)?;
    let value = match optional(operator, 2) {
        Some(value) => {
            let value = writer.real(value)?;
            shaped(writer, &value, &[])
        }
        None => writer.number("zero", 0.0),
    };
    let made = writer.node("Pad", &[&real, &pads, &value], vec![text("mode", "constant")]);
    writer.answer(&made, result(operator)?)
}

/// Elements around x that mirror it at its ends: its first and last ones are shown once, or twice.
pub(in super::super) fn mirror_pad(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    if byte(operator.options, 0)? != 0 {
        return symmetric_pad(writer, operator);
    }
    let pads = pads(writer, operator)?;
    let real = writer.real(operand(operator, 0)?)?;
    let made = writer.node("Pad", &[&real, &pads], vec![text("mode", "reflect")]);
    writer.answer(&made, result(operator)?)
}

/// Elements around x that mirror it, its first and last ones too.
fn symmetric_pad(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let x = operand(operator, 0)?;
    let (shape, pads) = (writer.model.shape(x).to_vec(), writer.whole(operand(operator, 1)?)?);
    let mut made = writer.real(x)?;
    for (axis, (len, pads)) in shape.into_iter().zip(pads.as_chunks::<2>().0).enumerate() {
        let (len, [before, behind]) = (number_of(len), *pads);
        if ![before, behind].iter().all(|pad| (0..=len).contains(pad)) {
            return Err(format!("mirrors {before} and {behind} elements of {len}"));
        }
        let end = if behind == len { i64::MIN } else { len - 1 - behind };
        let ends = [(before, [before - 1, i64::MIN]), (behind, [len - 1, end])];
        let [first, last] =
            ends.map(|(count, range)| (count > 0).then(|| backwards(writer, &made, axis, range)));
        let parts: Vec<&str> =
            first.iter().chain([&made]).chain(&last).map(String::as_str).collect();
        if parts.len() > 1 {
            let axis = vec![int_attribute("axis", number_of(axis))];
            made = writer.node("Concat", &parts, axis);
        }
    }
    writer.answer(&made, result(operator)?)
}

/// The elements of `x` along a dimension from one on down to another, which is left out.
fn backwards(writer: &mut Writer<'_>, x: &str, axis: usize, [from, to]: [i64; 2]) -> String {
    let [from, to, axis, step] =
        [("starts", from), ("ends", to), ("axes", number_of(axis)), ("steps", -1)]
            .map(|(name, value)| writer.integers(name, &[value]));
    writer.node("Slice", &[x, &from, &to, &axis, &step], vec![])
}

/// `[before, behind]` of each dimension, as ONNX has them: all before, then all behind.
fn pads(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written<String> {
    let pads = writer.whole(operand(operator, 1)?)?;
    let before = pads.iter().step_by(2);
    let behind = pads.iter().skip(1).step_by(2);
    let pads: Vec<i64> = before.chain(behind).copied().collect();
    Ok(writer.integers("pads", &pads))
}

/// Elements of one dimension at the indices of port 1.
pub(in super::super) fn gather(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    if int(operator.options, 1, 0)? != 0 {
        return Err("batch_dims is not supported".into());
    }
    let axis = int_attribute("axis", int(operator.options, 0, 0)?);
    let [x, indices] = [writer.real(operand(operator, 0)?)?, writer.plain(operand(operator, 1)?)?];
    let made = writer.node("Gather", &[&x, &indices], vec![axis]);
    writer.answer(&made, result(operator)?)
}

/// x, so many times along each dimension.
pub(in super::super) fn tile(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let repeats = writer.whole(operand(operator, 1)?)?;
    let repeats = writer.integers("repeats", &repeats);
    let x = writer.real(operand(operator, 0)?)?;
    let made = writer.node("Tile", &[&x, &repeats], vec![]);
    writer.answer(&made, result(operator)?)
}

/// A dimension, counted from the end if it is negative.
fn index(axis: i64, rank: usize) -> Written<usize> {
    let from_start = if axis < 0 { axis.saturating_add(number_of(rank)) } else { axis };
    let index = usize::try_from(from_start).ok().filter(|index| *index < rank);
    index.ok_or_else(|| format!("dimension {axis} of {rank}"))
}
