//! Readers of functions of one element that no kernel computes: trigonometry and tests of floats, on constants.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant::constant_at;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::tensor::Constant;
use crate::ir::Values;

/// Sin, Cosh and their like, computed in 64 bits and rounded once.
pub(in super::super) fn function(call: &mut Call<'_>, f: fn(f64) -> f64) -> Made {
    let (shape, x) = floats(call)?;
    let values = Values::F32(x.into_iter().map(|x| f(f64::from(x)) as f32).collect());
    call.emit_const(Constant { shape, values })
}

/// IsNaN.
pub(in super::super) fn is_nan(call: &mut Call<'_>) -> Made {
    test(call, f32::is_nan)
}

/// IsInf, of either sign unless attributes leave one out.
pub(in super::super) fn is_inf(call: &mut Call<'_>) -> Made {
    let below = call.int("detect_negative", 1)? != 0;
    let above = call.int("detect_positive", 1)? != 0;
    test(call, |x| above && x == f32::INFINITY || below && x == f32::NEG_INFINITY)
}

fn test(call: &mut Call<'_>, holds: impl Fn(f32) -> bool) -> Made {
    let (shape, x) = floats(call)?;
    let values = Values::U8(x.into_iter().map(|x| u8::from(holds(x))).collect());
    call.emit_const(Constant { shape, values })
}

/// The floats at port 0, paid for.
fn floats(call: &mut Call<'_>) -> Result<(Vec<usize>, Vec<f32>), Fault> {
    let Constant { shape, values } = constant_at(call, 0)?;
    call.spend(values.dtype(), values.len())?;
    match values {
        Values::F32(floats) => Ok((shape, floats)),
        other => Err(Fault::Misfit(format!("{}; floats belong there", other.dtype()))),
    }
}
