//! Readers of functions that jump at a threshold: Sign, Shrink, ThresholdedRelu, and Mod by a power of two.
//!
//! Being above 0 is a number's part between 0 and 1, rounded up: exact, and 1 for the least number too.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::composed::{number, pair};
use crate::frontend::onnx::constant::logic;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::ir::{Binary, Clamp, NodeId, Op, Unary, Values};

/// Sign: 1 above 0, -1 below.
pub(super) fn sign(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let above = is_above(call, "above", x)?;
    let part = call.step("below/part", Op::Clamp(Clamp { lo: -1.0, hi: 0.0 }), &[x])?;
    let below = call.step("below", Op::Unary(Unary::Floor), &[part])?;
    call.emit(Op::Binary(Binary::Add), &[above, below])
}

/// ThresholdedRelu: `x` above alpha, else 0.
pub(super) fn thresholded_relu(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let alpha = call.real("alpha", 1.0)?;
    finite("alpha", alpha)?;
    let kept = call.step("kept", Op::Clamp(Clamp { lo: alpha, hi: f32::INFINITY }), &[x])?;
    let threshold = number(call, "alpha", alpha);
    let over = pair(call, "over", Binary::Sub, x, threshold)?;
    let above = is_above(call, "above", over)?;
    call.emit(Op::Binary(Binary::Mul), &[kept, above])
}

/// Shrink: `x` nearer to 0 by `bias`, and 0 between -lambd and lambd.
pub(super) fn shrink(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let (lambd, bias) = (call.real("lambd", 0.5)?, call.real("bias", 0.0)?);
    finite("lambd", lambd)?;
    finite("bias", bias)?;
    if lambd < 0.0 {
        return Err(Fault::Unsupported(format!("lambd={lambd}; supported: 0 and more")));
    }
    let bias = number(call, "bias", bias);
    let threshold = number(call, "lambd", lambd);
    let above = {
        let kept = Clamp { lo: lambd, hi: f32::INFINITY };
        let kept = call.step("above/kept", Op::Clamp(kept), &[x])?;
        let nearer = pair(call, "above/nearer", Binary::Sub, kept, bias)?;
        let over = pair(call, "above/over", Binary::Sub, x, threshold)?;
        let is_over = is_above(call, "above/is_over", over)?;
        pair(call, "above", Binary::Mul, nearer, is_over)?
    };
    let below = {
        let kept = Clamp { lo: f32::NEG_INFINITY, hi: -lambd };
        let kept = call.step("below/kept", Op::Clamp(kept), &[x])?;
        let nearer = pair(call, "below/nearer", Binary::Add, kept, bias)?;
        let negated = call.step("below/negated", Op::Unary(Unary::Neg), &[x])?;
        let over = pair(call, "below/over", Binary::Sub, negated, threshold)?;
        let is_over = is_above(call, "below/is_over", over)?;
        pair(call, "below", Binary::Mul, nearer, is_over)?
    };
    call.emit(Op::Binary(Binary::Add), &[above, below])
}

/// Mod: of constants any; of values computed at run time C's `fmod` by powers of two, which no rounding disturbs.
pub(super) fn modulo(call: &mut Call<'_>) -> Made {
    let (x, divisor) = (call.any(0)?, call.any(1)?);
    let is_constant = |id: NodeId| call.numbers(id).is_some();
    if is_constant(x) && is_constant(divisor) {
        return logic::modulo(call);
    }
    let x = call.float(0)?;
    if !call.flag("fmod")? {
        return Err(Fault::Misfit("floats without fmod=1".into()));
    }
    match call.numbers(divisor).as_deref() {
        Some(Values::F32(values)) if values.iter().all(|value| is_power_of_two(*value)) => {}
        _ => {
            return Err(Fault::Unsupported(
                "a divisor that is no constant power of two, of what is computed at run time"
                    .into(),
            ));
        }
    }
    let quotient = pair(call, "quotient", Binary::Div, x, divisor)?;
    let positive = call.step("positive", Op::Clamp(Clamp::RELU), &[quotient])?;
    let negative = Clamp { lo: f32::NEG_INFINITY, hi: 0.0 };
    let negative = call.step("negative", Op::Clamp(negative), &[quotient])?;
    let down = call.step("down", Op::Unary(Unary::Floor), &[positive])?;
    let up = call.step("up", Op::Unary(Unary::Ceil), &[negative])?;
    let whole = pair(call, "whole", Binary::Add, down, up)?;
    let multiple = pair(call, "multiple", Binary::Mul, whole, divisor)?;
    call.emit(Op::Binary(Binary::Sub), &[x, multiple])
}

/// True if a float is a power of two, of either sign, that neither it nor its reciprocal makes subnormal.
fn is_power_of_two(x: f32) -> bool {
    let mantissa = x.to_bits() & ((1 << 23) - 1);
    x.is_normal() && mantissa == 0 && x.recip().is_normal()
}

/// 1 where `x` is above 0, else 0.
fn is_above(call: &mut Call<'_>, part: &str, x: NodeId) -> Result<NodeId, Fault> {
    let inside = Op::Clamp(Clamp { lo: 0.0, hi: 1.0 });
    let inside = call.step(&format!("{part}/part"), inside, &[x])?;
    call.step(part, Op::Unary(Unary::Ceil), &[inside])
}

fn finite(name: &str, x: f32) -> Result<(), Fault> {
    if x.is_finite() { Ok(()) } else { Err(Fault::Misfit(format!("{name} is {x}"))) }
}
