//! Reader of BatchNormalization: by statistics that the file holds, or by those of the input.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::composed::{normal, number, pair, scaled};
use crate::frontend::onnx::convolution::per_channel;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::ir::{BatchNorm, Binary, NodeId, Op, Unary};

/// BatchNormalization, in each of its forms.
pub(super) fn batch_norm(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let shape = call.shape(x);
    let &[_, channels, ..] = shape.as_slice() else {
        return Err(Fault::Misfit(format!("its input {shape:?} has no channels")));
    };
    let epsilon = call.real("epsilon", 1e-5)?;
    if call.flag("training_mode")? {
        return of_input(call, x, &shape, epsilon);
    }
    if call.int("spatial", 1)? == 0 && shape.len() > 2 {
        return by_element(call, x, &shape[1..], epsilon);
    }
    let mut operands = vec![x];
    for port in 1..5 {
        operands.push(per_channel(call, port, channels)?);
    }
    call.emit(Op::BatchNorm(BatchNorm { epsilon }), &operands)
}

/// Training: each channel by its own mean and variance over the batch. Running statistics are not made.
fn of_input(call: &mut Call<'_>, x: NodeId, shape: &[usize], epsilon: f32) -> Made {
    for port in [1, 2] {
        per_channel(call, port, shape[1])?;
    }
    let axes = (0..shape.len()).filter(|axis| *axis != 1).collect();
    let normal = normal(call, x, axes, epsilon)?;
    scaled(call, normal, shape.len() - 2)
}

/// `spatial=0`: a mean and a variance for each element of an image, whose shape is `each`.
fn by_element(call: &mut Call<'_>, x: NodeId, each: &[usize], epsilon: f32) -> Made {
    let mut operands = Vec::new();
    for port in 1..5 {
        let id = call.float(port)?;
        if call.shape(id) != each {
            let shape = call.shape(id);
            return Err(Fault::Misfit(format!(
                "operand {port} is {shape:?}; {each:?} belongs there"
            )));
        }
        operands.push(id);
    }
    let &[scale, bias, mean, variance] = operands.as_slice() else {
        return Err(Fault::Misfit("its statistics are missing".into()));
    };
    let epsilon = number(call, "epsilon", epsilon);
    let above = pair(call, "above", Binary::Add, variance, epsilon)?;
    let deviation = call.step("deviation", Op::Unary(Unary::Sqrt), &[above])?;
    let factor = pair(call, "factor", Binary::Div, scale, deviation)?;
    let shift = pair(call, "shift", Binary::Mul, mean, factor)?;
    let offset = pair(call, "offset", Binary::Sub, bias, shift)?;
    let scaled = pair(call, "scaled", Binary::Mul, x, factor)?;
    call.emit(Op::Binary(Binary::Add), &[scaled, offset])
}
