//! Computes on bytes what a model computes between bytes and bytes.
//!
//! ```text
//! quantize(clamp(conv(dequantize(x), unpack(w), unpack(b))))  ->  qconv(x, w, b) within bounds
//! quantize(add(dequantize(a), dequantize(b)))                 ->  qadd(a, b)
//! quantize(f(dequantize(x))), f of each element by itself     ->  table(x)
//! quantize(reshape(dequantize(x)))                            ->  reshape(x)
//! flip(reshape(flip(x)))                                      ->  reshape(x)
//! ```
//! What matches nothing stays in floats between bytes, its weights unpacked, and means the same.

mod function;
mod layer;
mod merge;
mod moves;
mod pair;
mod unpack;

use crate::error::Result;
use crate::ir::{Affine, Bounds, Clamp, Graph, NodeId, Op, Quant};
use crate::pass::edit::{replace, sole_reader, x};
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Settles operators on bytes; the number of rewrites.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    let mut count = fixpoint(graph, skips, rewrite);
    // What has not become bytes by now does not, so its weights may become floats.
    count += fixpoint(graph, &mut Skips::new(), layer::to_floats);
    count += fixpoint(graph, &mut Skips::new(), unpack::to_floats);
    Ok(count)
}

fn rewrite(graph: &mut Graph, id: NodeId) -> Attempt {
    match graph.node(id).op.clone() {
        Op::Quant(Quant::Quantize(to)) => settle(graph, id, to),
        Op::Quant(Quant::Flip) => {
            Ok(moves::cancel_flips(graph, id) || moves::raise_flip(graph, id))
        }
        Op::Quant(Quant::Table(table)) => Ok(merge::table(graph, id, &table)),
        Op::Reshape | Op::Transpose(_) if reads_unpacked(graph, id) => Ok(unpack::sink(graph, id)),
        op if op.moves() => Ok(moves::sink_dequantize(graph, id)),
        _ => Ok(false),
    }
}

/// Computes on bytes what is quantised by `id`.
fn settle(graph: &mut Graph, id: NodeId, to: Affine) -> Attempt {
    let value = through(graph, x(graph, id));
    if let Some((bytes, from)) = dequantized(graph, value) {
        let made = if from == to { bytes } else { function::rescale(graph, id, bytes, [from, to]) };
        replace(graph, id, made);
        return Ok(true);
    }
    if moves::raise_quantize(graph, id, to) || function::look_up(graph, id, to) {
        return Ok(true);
    }
    let (value, bounds) = clamped(graph, value, to);
    let made = match &graph.node(value).op {
        Op::Conv(_) | Op::Gemm(_) | Op::MatMul => layer::settle(graph, value, to, bounds)?,
        Op::Binary(_) => pair::settle(graph, value, to, bounds)?,
        Op::Reduce(_) | Op::Pool(_) if bounds == Bounds::ALL => {
            pair::settle_mean(graph, value, to)?
        }
        _ => return Ok(false),
    };
    replace(graph, id, made);
    Ok(true)
}

/// What `value` clamps, and the bounds that this gives to bytes; the clamps are followed while only they read it.
fn clamped(graph: &Graph, mut value: NodeId, to: Affine) -> (NodeId, Bounds) {
    let mut bounds = Bounds::ALL;
    while let Op::Clamp(Clamp { lo, hi }) = graph.node(value).op {
        bounds = Bounds { lo: to.quantize(lo), hi: to.quantize(hi) }.then(bounds);
        value = through(graph, x(graph, value));
    }
    (value, bounds)
}

/// `id`, or what it copies.
fn through(graph: &Graph, mut id: NodeId) -> NodeId {
    while graph.node(id).op == Op::Identity {
        id = x(graph, id);
    }
    id
}

/// The bytes that `id` is the reals of.
fn dequantized(graph: &Graph, id: NodeId) -> Option<(NodeId, Affine)> {
    let id = through(graph, id);
    match graph.node(id).op {
        Op::Quant(Quant::Dequantize(affine)) => Some((x(graph, id), affine)),
        _ => None,
    }
}

fn reads_unpacked(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.node(x(graph, id)).op, Op::Quant(Quant::Unpack(_)))
}

/// Refuses a value that somebody needs in floats: all that reads it, behind clamps and copies, is to be one quantize.
fn only_quantized(graph: &Graph, value: NodeId) -> Attempt<()> {
    let mut reader = sole_reader(graph, value)?;
    while matches!(graph.node(reader).op, Op::Clamp(_) | Op::Identity) {
        reader = sole_reader(graph, reader)?;
    }
    match graph.node(reader).op {
        Op::Quant(Quant::Quantize(_)) => Ok(()),
        _ => Err(Skip::new(graph, value, "its result is read in floats")),
    }
}
