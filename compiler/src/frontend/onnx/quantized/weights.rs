//! Constant weights of layers of bytes: i8 without zero points.
//!
//! Weights that leave 8 bits without their zero point are sums of some that do not. Each of these has its own copy of
//! the input to multiply, so that the layer's sums are exact, whatever it is.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::Fault;
use crate::frontend::onnx::quantized::scales::{BYTES, Scales};
use crate::ir::{NodeId, Op, Values};

/// Weights of a layer.
pub(super) struct Weights {
    /// Constant i8.
    pub(super) id: NodeId,
    /// One for each output channel.
    pub(super) scales: Vec<f32>,
    /// Copies of the input that they multiply.
    copies: usize,
    order: Order,
}

/// The dimensions of weights that a layer tells apart.
#[derive(Clone, Copy)]
pub(super) struct Axes {
    /// Of output channels.
    pub(super) channels: usize,
    /// Of input channels, or those of one group.
    pub(super) inputs: usize,
    pub(super) order: Order,
}

/// The order of the input's copies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// All channels of a copy, then those of the next one.
    Copies,
    /// All copies of a channel, then those of the next one, so that groups of channels stay together.
    Channels,
}

impl Weights {
    /// The weights at the first of `ports`, whose scales and zero points are at the others.
    pub(super) fn read(call: &mut Call<'_>, ports: [usize; 3], axes: Axes) -> Result<Self, Fault> {
        let id = call.any(ports[0])?;
        let mut shape = call.shape(id);
        let misfit = || Fault::Misfit(format!("weights {shape:?}"));
        let channels = *shape.get(axes.channels).ok_or_else(misfit)?;
        let inputs = *shape.get(axes.inputs).ok_or_else(misfit)?;
        let scales = Scales::read(call, ports[1], ports[2])?;
        let dtype = call.graph.node(id).out.dtype;
        scales.check_type(dtype, ports[0])?;
        let order = axes.order;
        let factors = scales.per_channel(channels)?;
        let Some(values) = call.graph.constant(id) else {
            return Err(Fault::Unsupported(format!(
                "weights that are {} (operand {})",
                call.made(id),
                ports[0]
            )));
        };
        let integers: Vec<i32> = match values {
            Values::I8(_) if scales.zeros.iter().all(|zero| *zero == 0) => {
                return Ok(Self { id, scales: factors, copies: 1, order });
            }
            Values::I8(v) => v.iter().map(|w| i32::from(*w)).collect(),
            Values::U8(v) => v.iter().map(|w| i32::from(*w)).collect(),
            Values::F32(_) | Values::I32(_) | Values::I64(_) => {
                return Err(Fault::Misfit(format!(
                    "weights of type {dtype} (operand {}); {}",
                    ports[0], BYTES
                )));
            }
        };
        let inner: usize = shape[axes.channels + 1..].iter().product();
        let zero = |at: usize| match scales.zeros.as_slice() {
            [zero] => *zero,
            zeros => zeros[at / inner % channels],
        };
        let centred: Vec<i32> = integers.iter().enumerate().map(|(at, w)| w - zero(at)).collect();
        let inner: usize = shape[axes.inputs + 1..].iter().product();
        let run = if order == Order::Copies { inputs * inner } else { inner };
        let (bytes, copies) = in_bytes(&centred, run);
        call.store.take(bytes.len())?;
        shape[axes.inputs] *= copies;
        let name = format!("{}/weights", call.graph.node(id).name);
        let id = call.graph.add_const(name, shape, Values::I8(bytes));
        Ok(Self { id, scales: factors, copies, order })
    }

    /// The input as these weights multiply it, whose channels lie along `axis`.
    pub(super) fn input(
        &self,
        call: &mut Call<'_>,
        x: NodeId,
        axis: usize,
    ) -> Result<NodeId, Fault> {
        if self.copies == 1 {
            return Ok(x);
        }
        let shape = call.shape(x);
        let copies = call.step("copies", Op::Concat(axis), &vec![x; self.copies])?;
        if self.order == Order::Copies {
            return Ok(copies);
        }
        let joined = call.shape(copies);
        let (before, after) = (&shape[..axis], &shape[axis + 1..]);
        let split = [before, &[self.copies, shape[axis]], after].concat();
        let mut perm: Vec<usize> = (0..split.len()).collect();
        perm.swap(axis, axis + 1);
        let split = call.view("split", copies, split)?;
        let turned = call.step("turned", Op::Transpose(perm), &[split])?;
        call.view("grouped", turned, joined)
    }
}

/// Integers as sums of bytes, and of how many: of each `run` of integers the first bytes, then the second ones, and so on.
fn in_bytes(integers: &[i32], run: usize) -> (Vec<i8>, usize) {
    let mut left = integers.to_vec();
    let mut parts = Vec::new();
    while parts.is_empty() || left.iter().any(|x| *x != 0) {
        let part: Vec<i8> = left.iter().map(|x| (*x).clamp(-128, 127) as i8).collect();
        left.iter_mut().zip(&part).for_each(|(left, part)| *left -= i32::from(*part));
        parts.push(part);
    }
    let run = run.max(1);
    let runs = (0..integers.len()).step_by(run);
    let bytes = runs.flat_map(|at| parts.iter().flat_map(move |part| &part[at..at + run]));
    (bytes.copied().collect(), parts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_sums_of_as_few_bytes_as_hold_them() {
        assert_eq!(in_bytes(&[-128, 127], 2), (vec![-128, 127], 1));
        assert_eq!(in_bytes(&[], 1), (vec![], 1));
        let (bytes, parts) = in_bytes(&[-255, 3, 128, 254], 2);
        assert_eq!((bytes, parts), (vec![-128, 3, -127, 0, 127, 127, 1, 127], 2));
        assert_eq!(in_bytes(&[255], 1), (vec![127, 127, 1], 3));
    }
}
