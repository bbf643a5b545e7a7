//! Scales and zero points, checked before anything is computed with them.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::Fault;
use crate::ir::{Affine, Dtype, NodeId, Values};

/// The supported element types, for messages.
pub(super) const BYTES: &str = "supported: int8 and uint8";

/// Scales and zero points, as a node gives them at two of its ports.
pub(super) struct Scales {
    /// One for all, or one a channel; positive and finite.
    pub(super) scales: Vec<f32>,
    /// As many.
    pub(super) zeros: Vec<i32>,
    /// The type of the zero points; `None` if they are left out.
    dtype: Option<Dtype>,
    port: usize,
}

impl Scales {
    /// The constants at the ports `scale` and `zero`, of which the second may be left out.
    pub(super) fn read(call: &Call<'_>, scale: usize, zero: usize) -> Result<Self, Fault> {
        let id = call.any(scale)?;
        let scales = match constant(call, id, scale)? {
            Values::F32(scales) => scales.clone(),
            other => {
                let dtype = other.dtype();
                return Err(Fault::Misfit(format!(
                    "scale of type {dtype} (operand {scale}); floats belong there"
                )));
            }
        };
        if let Some(bad) = scales.iter().find(|scale| !scale.is_finite() || **scale <= 0.0) {
            return Err(Fault::Misfit(format!(
                "scale {bad} (operand {scale}); scales are positive and finite: quantise the model again"
            )));
        }
        let (zeros, dtype) = match call.given(zero) {
            Some(id) => zeros(constant(call, id, zero)?, zero)?,
            None => (vec![0; scales.len()], None),
        };
        if zeros.len() != scales.len() || scales.is_empty() {
            let (zeros, scales) = (zeros.len(), scales.len());
            return Err(Fault::Misfit(format!(
                "{scales} scales (operand {scale}) with {zeros} zero points (operand {zero}); each scale has one"
            )));
        }
        Ok(Self { scales, zeros, dtype, port: scale })
    }

    /// The type of the bytes, `default` if no zero point says it.
    pub(super) fn byte(&self, default: Dtype) -> Result<Dtype, Fault> {
        match self.dtype.unwrap_or(default) {
            byte @ (Dtype::U8 | Dtype::I8) => Ok(byte),
            other => Err(Fault::Unsupported(format!("a zero point of type {other}; {}", BYTES))),
        }
    }

    /// Faults of zero points that are not of the type of operand `x`.
    pub(super) fn check_type(&self, x: Dtype, port: usize) -> Result<(), Fault> {
        match self.dtype {
            Some(zero) if zero != x => Err(Fault::Misfit(format!(
                "operand {port} is {x}, but its zero point is {zero}; they have one type"
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// Scale and zero point of all values of type `dtype` once they are u8.
    pub(super) fn affine(&self, dtype: Dtype) -> Result<Affine, Fault> {
        if self.scales.len() != 1 {
            let (len, port) = (self.scales.len(), self.port);
            return Err(Fault::Unsupported(format!(
                "{len} scales (operand {port}) of an activation; supported: one for the whole tensor"
            )));
        }
        Ok(self.entry(0, dtype))
    }

    /// Scale and zero point of entry `at` once its values are u8.
    pub(super) fn entry(&self, at: usize, dtype: Dtype) -> Affine {
        let offset = if dtype == Dtype::I8 { 128 } else { 0 };
        Affine { scale: self.scales[at], zero: (self.zeros[at] + offset) as u8 }
    }

    /// The dimension of `x` that several entries lie along.
    pub(super) fn axis(&self, call: &Call<'_>, x: NodeId) -> Result<usize, Fault> {
        if self.scales.len() == 1 {
            return Ok(0);
        }
        let shape = call.shape(x);
        let axis = call.axis(call.int("axis", 1)?, shape.len())?;
        self.check_len(shape[axis]).map(|()| axis)
    }

    /// One scale for each of `channels`.
    pub(super) fn per_channel(&self, channels: usize) -> Result<Vec<f32>, Fault> {
        match self.scales.as_slice() {
            [one] => Ok(vec![*one; channels]),
            _ => self.check_len(channels).map(|()| self.scales.clone()),
        }
    }

    fn check_len(&self, channels: usize) -> Result<(), Fault> {
        let (len, port) = (self.scales.len(), self.port);
        if len == channels {
            return Ok(());
        }
        Err(Fault::Misfit(format!(
            "{len} scales (operand {port}) for {channels} channels; give one, or one a channel"
        )))
    }
}

fn zeros(values: &Values, port: usize) -> Result<(Vec<i32>, Option<Dtype>), Fault> {
    let zeros = match values {
        Values::U8(v) => v.iter().map(|zero| i32::from(*zero)).collect(),
        Values::I8(v) => v.iter().map(|zero| i32::from(*zero)).collect(),
        Values::I32(v) => v.clone(),
        Values::F32(_) | Values::I64(_) => {
            let dtype = values.dtype();
            return Err(Fault::Misfit(format!(
                "zero point of type {dtype} (operand {port}); {}",
                BYTES
            )));
        }
    };
    Ok((zeros, Some(values.dtype())))
}

fn constant<'a>(call: &'a Call<'_>, id: NodeId, port: usize) -> Result<&'a Values, Fault> {
    call.graph.constant(id).ok_or_else(|| {
        let how = call.made(id);
        Fault::Unsupported(format!(
            "scales that are {how} (operand {port}); supported: constants, and DynamicQuantizeLinear"
        ))
    })
}
