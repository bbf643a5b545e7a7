//! Readers of Conv and the pools over volumes, `[n,c,depth,h,w]`: images are all that the IR slides windows over.
//!
//! A window of a convolution sees the images of its depth as more channels of one, so each image of the result is a
//! convolution of its own; all read the same weights. A pool is one of the images and then one along the depth.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::convolution::{self, average_kind, group, per_channel, pool_within};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::window::{Plane, Window, picked};
use crate::ir::{Clamp, Conv, Dtype, NodeId, Op, Pad, PadMode, PoolKind, Slice};

/// Most images of a result that are laid out.
const MAX_DEPTH: usize = 1024;

/// Sizes of a volume: images, channels, depth, rows, columns.
type Sizes = [usize; 5];

/// True if operand 0 holds floats in five dimensions.
fn is_volume(call: &Call<'_>) -> Result<bool, Fault> {
    let out = &call.graph.node(call.any(0)?).out;
    Ok(out.shape.len() == 5 && out.dtype == Dtype::F32)
}

/// Conv over signals, images and volumes.
pub(super) fn conv(call: &mut Call<'_>) -> Made {
    if is_volume(call)? { conv_of_volumes(call) } else { convolution::conv(call) }
}

/// MaxPool, likewise.
pub(super) fn max_pool(call: &mut Call<'_>) -> Made {
    if is_volume(call)? { pool(call, PoolKind::Max) } else { convolution::max_pool(call) }
}

/// AveragePool, likewise.
pub(super) fn average_pool(call: &mut Call<'_>) -> Made {
    if !is_volume(call)? {
        return convolution::average_pool(call);
    }
    let kind = average_kind(call)?;
    pool(call, kind)
}

fn sizes(call: &Call<'_>, id: NodeId) -> Result<Sizes, Fault> {
    let shape = call.shape(id);
    let sizes = shape.as_slice().try_into();
    sizes.map_err(|_| Fault::Misfit(format!("{shape:?}, where five dimensions belong")))
}

/// Conv over volumes.
fn conv_of_volumes(call: &mut Call<'_>) -> Made {
    let (x, weights) = (call.float(0)?, call.float(1)?);
    let [n, c, depth, h, w] = sizes(call, x)?;
    let [m, per_group, deep, kh, kw] = sizes(call, weights)?;
    agrees(call, [deep, kh, kw])?;
    let along = Window::within(call, Plane::Depth, [depth, 1], [deep, 1])?;
    let face = Window::within(call, Plane::Face, [h, w], [kh, kw])?;
    let x = padded(call, x, [along.pads[0], along.pads[2]])?;
    let images = images(call.shape(x)[2], &along)?;
    let weights = call.view("weights", weights, vec![m, per_group * deep, kh, kw])?;
    let mut operands = vec![x, weights];
    if call.given(2).is_some() {
        operands.push(per_channel(call, 2, m)?);
    }
    let op = Op::Conv(Conv {
        kernel: face.kernel,
        stride: face.stride,
        dilation: face.dilation,
        pads: face.pads,
        group: group(call)?,
        clamp: Clamp::NONE,
        activation: None,
    });
    let mut made = Vec::new();
    for at in 0..images {
        let name = |part: &str| format!("{part}_{at}");
        let mut slice = Slice::whole(5);
        (slice.starts[2], slice.steps[2]) = (at * along.stride[0], along.dilation[0] as isize);
        let seen = call.step_as(&name("seen"), Op::Slice(slice), vec![n, c, deep, h, w], &[x])?;
        operands[0] = call.view(&name("channels"), seen, vec![n, c * deep, h, w])?;
        let image = call.step(&name("image"), op.clone(), &operands)?;
        let [rows, columns] = [call.shape(image)[2], call.shape(image)[3]];
        made.push(call.view(&name("of_depth"), image, vec![n, m, 1, rows, columns])?);
    }
    call.emit(Op::Concat(2), &made)
}

/// Refuses a `kernel_shape` that is not that of the weights.
fn agrees(call: &Call<'_>, [deep, kh, kw]: [usize; 3]) -> Result<(), Fault> {
    let plane = |plane| picked(call, "kernel_shape", plane);
    match (plane(Plane::Depth)?, plane(Plane::Face)?) {
        (None, _) | (_, None) => Ok(()),
        (Some([depth, _]), Some(face)) if depth == deep && face == [kh, kw] => Ok(()),
        _ => {
            let what = format!("kernel_shape is not that of the weights, {deep}x{kh}x{kw}");
            Err(Fault::Misfit(what))
        }
    }
}

/// Images of the result, of an input that is `depth` deep with its padding.
fn images(depth: usize, along: &Window) -> Result<usize, Fault> {
    let span = (along.kernel[0] - 1).saturating_mul(along.dilation[0]).saturating_add(1);
    let Some(room) = depth.checked_sub(span) else {
        return Err(Fault::Misfit(format!("a window {span} deep over a depth of {depth}")));
    };
    let images = room / along.stride[0] + 1;
    if images > MAX_DEPTH {
        return Err(Fault::Unsupported(format!("a result {images} deep; up to {MAX_DEPTH}")));
    }
    Ok(images)
}

/// `x` with zeros before and behind its depth.
fn padded(call: &mut Call<'_>, x: NodeId, [before, after]: [usize; 2]) -> Result<NodeId, Fault> {
    if before + after == 0 {
        return Ok(x);
    }
    let along = |size: usize| vec![0, 0, size as isize, 0, 0];
    let pad = Pad { before: along(before), after: along(after), mode: PadMode::Constant(0.0) };
    call.step("deeper", Op::Pad(pad), &[x])
}

/// MaxPool and AveragePool over volumes.
fn pool(call: &mut Call<'_>, kind: PoolKind) -> Made {
    let x = call.float(0)?;
    let [n, c, depth, h, w] = sizes(call, x)?;
    let face = pool_within(call, Plane::Face, [h, w], kind)?;
    let along = pool_within(call, Plane::Depth, [depth, 1], kind)?;
    let images = call.view("images", x, vec![n, c * depth, h, w])?;
    let images = call.step("of_images", Op::Pool(face), &[images])?;
    let [rows, columns] = [call.shape(images)[2], call.shape(images)[3]];
    let depths = call.view("depths", images, vec![n, c, depth, rows * columns])?;
    let depths = call.step("of_depths", Op::Pool(along), &[depths])?;
    let deep = call.shape(depths)[2];
    call.emit_as(Op::Reshape, vec![n, c, deep, rows, columns], &[depths])
}
