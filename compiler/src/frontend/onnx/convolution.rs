//! Readers of Conv and the pools.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::window::{Picture, Plane, Window, pair, picked};
use crate::frontend::onnx::{composed, quantized};
use crate::ir::{Binary, Clamp, Conv, Dtype, NodeId, Op, Pool, PoolKind, Reduce, Reducer, Unary};

/// Conv over images and signals.
pub(super) fn conv(call: &mut Call<'_>) -> Made {
    let x = Picture::read(call)?;
    let weights = kernels(call, x.rank)?;
    let shape = call.shape(weights);
    let kernel = [shape[2], shape[3]];
    if let Some(other) = pair(call, "kernel_shape", x.rank)?.filter(|other| *other != kernel) {
        return Err(Fault::Misfit(format!(
            "kernel_shape is {other:?} but the weights are {shape:?}"
        )));
    }
    let group = group(call)?;
    let window = Window::read(call, x.rank, x.size, kernel)?;
    let op = Op::Conv(Conv {
        kernel,
        stride: window.stride,
        dilation: window.dilation,
        pads: window.pads,
        group,
        clamp: Clamp::NONE,
        activation: None,
    });
    let mut operands = vec![x.id, weights];
    if call.given(2).is_some() {
        operands.push(per_channel(call, 2, shape[0])?);
    }
    windowed(call, op, &operands, x.rank, Dtype::F32)
}

/// The number of groups of a convolution.
pub(super) fn group(call: &Call<'_>) -> Result<usize, Fault> {
    let group = call.int("group", 1)?;
    usize::try_from(group).map_err(|_| Fault::Misfit(format!("group {group}; it counts groups")))
}

/// MaxPool, of floats or bytes.
pub(super) fn max_pool(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let dtype = call.graph.node(x).out.dtype;
    if !matches!(dtype, Dtype::U8 | Dtype::I8) {
        return pool(call, PoolKind::Max);
    }
    let x = quantized::unsigned(call, x)?;
    let x = Picture::of(call, x)?;
    let (pool, _) = pool_window(call, &x, PoolKind::Max)?;
    windowed(call, Op::Pool(pool), &[x.id], x.rank, dtype)
}

/// AveragePool.
pub(super) fn average_pool(call: &mut Call<'_>) -> Made {
    let kind = average_kind(call)?;
    pool(call, kind)
}

/// The windows of QLinearAveragePool over `x`, which is bytes. Those that overhang the pads count whole.
pub(super) fn windows_of_bytes(call: &mut Call<'_>, x: NodeId) -> Result<(Picture, Pool), Fault> {
    let kind = average_kind(call)?;
    let x = Picture::of(call, x)?;
    let (pool, _) = pool_window(call, &x, kind)?;
    Ok((x, pool))
}

/// How AveragePool counts pads.
pub(super) fn average_kind(call: &Call<'_>) -> Result<PoolKind, Fault> {
    let counted = call.flag("count_include_pad")?;
    Ok(if counted { PoolKind::AverageWithPads } else { PoolKind::Average })
}

/// LpPool: the norm of each window, of what lies outside of the image nothing.
pub(super) fn lp_pool(call: &mut Call<'_>) -> Made {
    let x = call.float(0)?;
    let order = call.int("p", 2)?;
    let powers = match order {
        1 => call.step("magnitudes", Op::Unary(Unary::Abs), &[x])?,
        2 => composed::pair(call, "squares", Binary::Mul, x, x)?,
        3.. => {
            let order = composed::number(call, "order", order as f32);
            let size = call.step("magnitudes", Op::Unary(Unary::Abs), &[x])?;
            composed::pair(call, "powers", Binary::Pow, size, order)?
        }
        _ => return Err(Fault::Misfit(format!("p is {order}; it is a norm's order above 0"))),
    };
    let x = Picture::of(call, powers)?;
    let (pool, _) = pool_window(call, &x, PoolKind::AverageWithPads)?;
    let count = (pool.kernel[0] * pool.kernel[1]) as f32;
    let mean = call.step("mean", Op::Pool(pool), &[x.id])?;
    let count = composed::number(call, "count", count);
    let mut norm = composed::pair(call, "sum", Binary::Mul, mean, count)?;
    norm = match order {
        1 => norm,
        2 => call.step("root", Op::Unary(Unary::Sqrt), &[norm])?,
        _ => {
            let root = composed::number(call, "root_order", 1.0 / order as f32);
            composed::pair(call, "root", Binary::Pow, norm, root)?
        }
    };
    let mut shape = call.shape(norm);
    if x.rank == 1 {
        shape.remove(2);
    }
    call.emit_as(Op::Reshape, shape, &[norm])
}

/// GlobalAveragePool and GlobalMaxPool: a reduction of all but the first two dimensions.
pub(super) fn global_pool(call: &mut Call<'_>, kind: Reducer) -> Made {
    let x = call.float(0)?;
    let mut shape = call.shape(x);
    if shape.len() < 3 {
        return Err(Fault::Misfit(format!("pools a picture, but its input is {shape:?}")));
    }
    shape[2..].fill(1);
    let axes = (2..shape.len()).collect();
    call.emit_as(Op::Reduce(Reduce { kind, axes }), shape, &[x])
}

/// The weights of a convolution as `[m, c/group, kh, kw]`.
fn kernels(call: &mut Call<'_>, rank: usize) -> Result<NodeId, Fault> {
    let weights = call.float(1)?;
    match (rank, call.shape(weights).as_slice()) {
        (2, [_, _, _, _]) => Ok(weights),
        (1, &[m, c, k]) => call.view("weights", weights, vec![m, c, 1, k]),
        (_, shape) => {
            Err(Fault::Misfit(format!("weights {shape:?} for an input of rank {}", rank + 2)))
        }
    }
}

/// The operand at `port`, one float for each of `channels`.
pub(super) fn per_channel(call: &Call<'_>, port: usize, channels: usize) -> Result<NodeId, Fault> {
    let id = call.float(port)?;
    match call.shape(id) {
        shape if shape == [channels] => Ok(id),
        shape => {
            Err(Fault::Misfit(format!("operand {port} is {shape:?}; [{channels}] belongs there")))
        }
    }
}

fn pool(call: &mut Call<'_>, kind: PoolKind) -> Made {
    let x = Picture::read(call)?;
    let (pool, grown) = pool_window(call, &x, kind)?;
    overhangs(grown, kind)?;
    windowed(call, Op::Pool(pool), &[x.id], x.rank, Dtype::F32)
}

/// Refuses averages that would count pads which the file does not have.
fn overhangs(grown: bool, kind: PoolKind) -> Result<(), Fault> {
    if grown && kind == PoolKind::AverageWithPads {
        return Err(Fault::Unsupported(
            "ceil_mode with count_include_pad, where windows overhang the pads".into(),
        ));
    }
    Ok(())
}

/// The pool of a node in one plane of a volume, over `size`.
pub(super) fn pool_within(
    call: &Call<'_>,
    plane: Plane,
    size: [usize; 2],
    kind: PoolKind,
) -> Result<Pool, Fault> {
    let kernel = picked(call, "kernel_shape", plane)?;
    let kernel = kernel.ok_or_else(|| Fault::Misfit("kernel_shape is missing".into()))?;
    let mut window = Window::within(call, plane, size, kernel)?;
    let grown = call.flag("ceil_mode")? && window.round_up(size)?;
    window.check_pads()?;
    overhangs(grown, kind)?;
    let Window { stride, dilation, pads, .. } = window;
    Ok(Pool { kind, kernel, stride, dilation, pads })
}

/// The window of a pool over `x`, and whether windows overhang the pads.
fn pool_window(call: &Call<'_>, x: &Picture, kind: PoolKind) -> Result<(Pool, bool), Fault> {
    let kernel = pair(call, "kernel_shape", x.rank)?;
    let kernel = kernel.ok_or_else(|| Fault::Misfit("kernel_shape is missing".into()))?;
    let mut window = Window::read(call, x.rank, x.size, kernel)?;
    let grown = call.flag("ceil_mode")? && window.round_up(x.size)?;
    window.check_pads()?;
    let Window { stride, dilation, pads, .. } = window;
    Ok((Pool { kind, kernel, stride, dilation, pads }, grown))
}

/// Adds what slides a window, as the node's result of type `dtype`; that of a signal is made a signal again.
pub(super) fn windowed(
    call: &mut Call<'_>,
    op: Op,
    operands: &[NodeId],
    rank: usize,
    dtype: Dtype,
) -> Made {
    let signal = |call: &Call<'_>| -> Result<Vec<usize>, Fault> {
        let shapes: Vec<Vec<usize>> = operands.iter().map(|id| call.shape(*id)).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let mut shape = op.shape(&shapes)?.unwrap_or_default();
        shape.remove(2);
        Ok(shape)
    };
    let shape = if rank == 2 { None } else { Some(signal(call)?) };
    quantized::emit_as(call, op, operands, shape, dtype)
}
