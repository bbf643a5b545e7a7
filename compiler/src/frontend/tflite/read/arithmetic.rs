//! Functions of each element, and of each pair of elements.

use crate::frontend::tflite::model::{Kind, Operator};
use crate::frontend::tflite::read::{Fused, clip, float, operand, result, words};
use crate::frontend::tflite::write::{self, Writer, Written};

/// Writes a function of each element that ONNX has.
macro_rules! functions {
    ($($name:ident => $op:literal),* $(,)?) => {$(
        pub(in super::super) fn $name(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
            function(writer, operator, |writer, x| writer.node($op, &[&x], vec![]))
        }
    )*};
}

/// Writes a function of two elements that ONNX has.
macro_rules! pairs {
    ($($name:ident => $op:literal),* $(,)?) => {$(
        pub(in super::super) fn $name(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
            pair(writer, operator, Fused::None, |writer, [a, b]| writer.node($op, &[&a, &b], vec![]))
        }
    )*};
}

/// Writes a function of two elements and what is fused into it; on integers of 16 bits another one may do so.
macro_rules! fused_pairs {
    ($($name:ident => $op:literal $(or $words:path)?),* $(,)?) => {$(
        pub(in super::super) fn $name(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
            let fused = Fused::of(operator.options, 0)?;
            $(if words::is_word(writer, operand(operator, 0)?) {
                return $words(writer, operator, fused);
            })?
            pair(writer, operator, fused, |writer, [a, b]| writer.node($op, &[&a, &b], vec![]))
        }
    )*};
}

functions! {
    floor => "Floor",
    logistic => "Sigmoid",
    tanh => "Tanh",
    exp => "Exp",
    neg => "Neg",
    sin => "Sin",
    log => "Log",
    sqrt => "Sqrt",
    abs => "Abs",
    ceil => "Ceil",
    cos => "Cos",
    elu => "Elu",
    round => "Round",
    hard_swish => "HardSwish",
    not => "Not",
}

pairs! {
    maximum => "Max",
    minimum => "Min",
    less => "Less",
    greater => "Greater",
    greater_equal => "GreaterOrEqual",
    less_equal => "LessOrEqual",
    equal => "Equal",
    pow => "Pow",
    or => "Or",
    and => "And",
    prelu => "PRelu",
}

fused_pairs! {
    add => "Add" or words::add,
    sub => "Sub" or words::sub,
    mul => "Mul" or words::mul,
    div => "Div",
}

pub(in super::super) fn relu(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    bounded(writer, operator, Fused::Relu)
}

pub(in super::super) fn relu_n1_to_1(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    bounded(writer, operator, Fused::ReluN1To1)
}

pub(in super::super) fn relu6(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    bounded(writer, operator, Fused::Relu6)
}

pub(in super::super) fn relu_0_to_1(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    function(writer, operator, |writer, x| clip(writer, &x, [0.0, 1.0]))
}

pub(in super::super) fn rsqrt(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    function(writer, operator, |writer, x| {
        let root = writer.node("Sqrt", &[&x], vec![]);
        writer.node("Reciprocal", &[&root], vec![])
    })
}

pub(in super::super) fn square(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    function(writer, operator, |writer, x| writer.node("Mul", &[&x, &x], vec![]))
}

pub(in super::super) fn squared_difference(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
) -> Written {
    pair(writer, operator, Fused::None, |writer, [a, b]| {
        let difference = writer.node("Sub", &[&a, &b], vec![]);
        writer.node("Mul", &[&difference, &difference], vec![])
    })
}

pub(in super::super) fn not_equal(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    pair(writer, operator, Fused::None, |writer, [a, b]| {
        let equal = writer.node("Equal", &[&a, &b], vec![]);
        writer.node("Not", &[&equal], vec![])
    })
}

/// `x < 0 ? alpha * x : x`.
pub(in super::super) fn leaky_relu(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    if words::is_word(writer, operand(operator, 0)?) {
        return words::leaky_relu(writer, operator);
    }
    let alpha = write::float("alpha", float(operator.options, 0, 0.0)?);
    function(writer, operator, |writer, x| writer.node("LeakyRelu", &[&x], vec![alpha]))
}

/// Shares of one along the last dimension, of `beta` times x.
pub(in super::super) fn softmax(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let beta = float(operator.options, 0, 1.0)?;
    if words::is_word(writer, result(operator)?) {
        return words::softmax(writer, operator, beta);
    }
    function(writer, operator, |writer, x| {
        let x = if beta == 1.0 {
            x
        } else {
            let beta = writer.number("beta", beta);
            writer.node("Mul", &[&x, &beta], vec![])
        };
        writer.node("Softmax", &[&x], vec![write::int("axis", -1)])
    })
}

pub(in super::super) fn log_softmax(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let axis = write::int("axis", -1);
    function(writer, operator, |writer, x| writer.node("LogSoftmax", &[&x], vec![axis]))
}

/// The second operand where the first is true, the third elsewhere.
pub(in super::super) fn select(writer: &mut Writer<'_>, operator: &Operator<'_>) -> Written {
    let condition = writer.plain(operand(operator, 0)?)?;
    let [a, b] = [writer.real(operand(operator, 1)?)?, writer.real(operand(operator, 2)?)?];
    let chosen = writer.node("Where", &[&condition, &a, &b], vec![]);
    writer.answer(&chosen, result(operator)?)
}

/// Writes bounds that other operators may have fused into them.
fn bounded(writer: &mut Writer<'_>, operator: &Operator<'_>, bounds: Fused) -> Written {
    if words::is_word(writer, operand(operator, 0)?) {
        return words::function(writer, operator, bounds, 1.0);
    }
    function(writer, operator, |writer, x| bounds.apply(writer, x))
}

/// Writes a function of the first operand.
fn function(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    write: impl FnOnce(&mut Writer<'_>, String) -> String,
) -> Written {
    let x = writer.real(operand(operator, 0)?)?;
    let y = write(writer, x);
    writer.answer(&y, result(operator)?)
}

/// Writes a function of the first two operands, with what is fused into it.
fn pair(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    fused: Fused,
    write: impl FnOnce(&mut Writer<'_>, [String; 2]) -> String,
) -> Written {
    let operands = [operand(operator, 0)?, operand(operator, 1)?];
    let both_whole = operands.iter().all(|tensor| is_whole(writer, *tensor));
    let [a, b] = operands.map(|tensor| match both_whole {
        true => writer.plain(tensor),
        false => writer.real(tensor),
    });
    let y = write(writer, [a?, b?]);
    let y = fused.apply(writer, y);
    writer.answer(&y, result(operator)?)
}

/// True if a tensor holds whole numbers or truth values.
fn is_whole(writer: &Writer<'_>, tensor: usize) -> bool {
    matches!(writer.model.tensors[tensor].kind, Kind::I32 | Kind::I64 | Kind::Bool)
}
