//! Filters over the steps of a sequence, which remember what they saw: SVDF.

use crate::frontend::tflite::model::{Kind, Operator};
use crate::frontend::tflite::read::moves::cut;
use crate::frontend::tflite::read::{Fused, int, operand, optional, result, shaped, variables};
use crate::frontend::tflite::write::{Writer, Written, int as int_attribute, number_of};

/// x `[n,k]`, features `[f,k]`, times `[f,m]`, maybe a bias `[f/rank]`, and the state `[n,f*m]`: the last m features of each
/// filter. Each is weighted by its time; filters are summed up by ranks.
pub(in super::super) fn svdf(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let [x, features, times] =
        [operand(operator, 0)?, operand(operator, 1)?, operand(operator, 2)?];
    let state = operand(operator, 4)?;
    for tensor in [x, features, times, state] {
        let kind = writer.model.tensors[tensor].kind;
        if kind != Kind::F32 {
            return Err(format!("reads numbers of type {kind:?}; supported: float32"));
        }
    }
    let fused = Fused::of(operator.options, 1)?;
    let rank = usize::try_from(int(operator.options, 0, 0)?).unwrap_or(0);
    let (&[filters, steps], &[images, _]) = (writer.model.shape(times), writer.model.shape(x))
    else {
        return Err("reads no rows, or times of no matrix".into());
    };
    if rank == 0 || !filters.is_multiple_of(rank) || steps == 0 {
        return Err(format!("sums {filters} filters up by ranks of {rank}"));
    }
    let (key, was) = variables::own(writer, state)?;
    let was = shaped(writer, &was, &[images, filters, steps]);
    let [x, features, times] = [writer.real(x)?, writer.real(features)?, writer.real(times)?];
    let new = writer.node("Gemm", &[&x, &features], vec![int_attribute("transB", 1)]);
    let mut all = shaped(writer, &new, &[images, filters, 1]);
    if steps > 1 {
        let later = cut(writer, &was, 2, [1, number_of(steps)]);
        all = writer.node("Concat", &[&later, &all], vec![int_attribute("axis", 2)]);
    }
    let weighted = writer.node("Mul", &[&all, &times], vec![]);
    let sums = summed(writer, &weighted);
    let ranks = shaped(writer, &sums, &[images, filters / rank, rank]);
    let mut made = summed(writer, &ranks);
    if let Some(bias) = optional(operator, 3) {
        let bias = writer.real(bias)?;
        made = writer.node("Add", &[&made, &bias], vec![]);
    }
    let next = shaped(writer, &all, &[images, filters * steps]);
    writer.variables.now.insert(key, next);
    let made = fused.apply(writer, made);
    writer.answer(&made, result(operator)?)
}

/// The sums over the last of three dimensions.
fn summed(writer: &mut Writer<'_>, x: &str) -> String {
    let axes = writer.integers("axes", &[2]);
    writer.node("ReduceSum", &[x, &axes], vec![int_attribute("keepdims", 0)])
}
