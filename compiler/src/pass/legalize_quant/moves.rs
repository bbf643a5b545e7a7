//! Moves operators that only move elements to the quantised side: before a dequantize, or behind a quantize.

use crate::ir::{Affine, Dtype, Graph, NodeId, Op, PadMode, Quant, Tensor};
use crate::pass::edit::{reconnect, replace, x};
use crate::pass::legalize_quant::{dequantized, only_quantized, through};

/// `move(dequantize(x))` becomes `dequantize(move(x))`.
pub(super) fn sink_dequantize(graph: &mut Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    if node.out.dtype != Dtype::F32 || matches!(node.op, Op::Identity) {
        return false;
    }
    let operands = graph.operands(id);
    let mut reals = operands.iter().map(|(_, operand)| dequantized(graph, *operand));
    let Some(Some((first, affine))) = reals.next() else { return false };
    let rest: Option<Vec<(NodeId, Affine)>> = reals.collect();
    let Some(rest) = rest.filter(|rest| rest.iter().all(|(_, other)| *other == affine)) else {
        return false;
    };
    let Some(op) = padded_with(&node.op, |value| {
        let filler = affine.quantize(value);
        (affine.dequantize(filler) == value).then_some(f32::from(filler))
    }) else {
        return false;
    };
    let (name, out) = (format!("{}.reals", node.name), node.out.clone());
    let bytes: Vec<NodeId> = [first].into_iter().chain(rest.into_iter().map(|(x, _)| x)).collect();
    turn_to_bytes(graph, id, op, &bytes);
    graph.insert_after(id, name, Op::Quant(Quant::Dequantize(affine)), out);
    true
}

/// `quantize(move(x))` becomes `move(quantize(x))`, if nothing else reads the moved reals.
pub(super) fn raise_quantize(graph: &mut Graph, id: NodeId, to: Affine) -> bool {
    let moving = through(graph, x(graph, id));
    let node = graph.node(moving);
    let is_moved = node.op.moves() && node.out.dtype == Dtype::F32;
    if !is_moved || only_quantized(graph, moving).is_err() {
        return false;
    }
    let Some(op) = padded_with(&node.op, |value| Some(f32::from(to.quantize(value)))) else {
        return false;
    };
    let operands = graph.operands(moving);
    if operands.iter().any(|(_, operand)| graph.node(*operand).out.dtype != Dtype::F32) {
        return false;
    }
    let quantize = Op::Quant(Quant::Quantize(to));
    let bytes: Vec<NodeId> =
        operands.iter().map(|(_, operand)| rounded(graph, *operand, &quantize)).collect();
    turn_to_bytes(graph, moving, op, &bytes);
    replace(graph, id, moving);
    true
}

/// `table(pad(x))` becomes `pad(table(x))`, so that what reads the table may take the padding.
pub(super) fn raise_table(graph: &mut Graph, id: NodeId, table: &[u8; 256]) -> bool {
    let padding = x(graph, id);
    if !matches!(graph.node(padding).op, Op::Pad(_)) || graph.only_reader(padding) != Some(id) {
        return false;
    }
    let looked_up = |value: f32| Some(f32::from(table[usize::from(value as u8)]));
    let Some(op) = padded_with(&graph.node(padding).op, looked_up) else { return false };
    let source = x(graph, padding);
    let out = graph.node(source).out.clone();
    let name = format!("{}.rescaled", graph.node(padding).name);
    let rescaled = graph.add(name, Op::Quant(Quant::Table(Box::new(*table))), out, &[source]);
    graph.node_mut(padding).op = op;
    reconnect(graph, padding, 0, rescaled);
    replace(graph, id, padding);
    true
}

/// `flip(flip(x))` becomes `x`.
pub(super) fn cancel_flips(graph: &mut Graph, id: NodeId) -> bool {
    let inner = through(graph, x(graph, id));
    if graph.node(inner).op != Op::Quant(Quant::Flip) {
        return false;
    }
    let source = x(graph, inner);
    replace(graph, id, source);
    true
}

/// Moves that may lie between two flips.
const MOST_MOVES: usize = 64;

/// `flip(move(flip(x)))` becomes `move(x)`: the outer one goes before the move, where it meets the inner one, or before
/// the next move.
pub(super) fn raise_flip(graph: &mut Graph, id: NodeId) -> bool {
    let moving = through(graph, x(graph, id));
    let node = graph.node(moving);
    let operands = graph.operands(moving);
    if !node.op.moves() || operands.is_empty() || !comes_of_flips(graph, moving) {
        return false;
    }
    let is_signed = node.out.dtype == Dtype::I8;
    let turned = |value: f32| match is_signed {
        true => Some(f32::from((value as i8) as u8 ^ 0x80)),
        false => Some(f32::from((value as u8 ^ 0x80) as i8)),
    };
    let Some(op) = padded_with(&node.op, turned) else { return false };
    let bytes: Vec<NodeId> =
        operands.into_iter().map(|(_, operand)| turned_back(graph, operand)).collect();
    let (name, out) = (graph.node(id).name.clone(), graph.node(id).out.clone());
    let moved = graph.add(name, op, out, &bytes);
    replace(graph, id, moved);
    true
}

/// True if every source of a value, seen through moves, is a flip.
fn comes_of_flips(graph: &Graph, id: NodeId) -> bool {
    let (mut open, mut seen) = (vec![id], 0);
    while let Some(id) = open.pop() {
        let id = through(graph, id);
        let (op, operands) = (&graph.node(id).op, graph.operands(id));
        seen += 1;
        match op {
            Op::Quant(Quant::Flip) => {}
            op if op.moves() && !operands.is_empty() && seen <= MOST_MOVES => {
                open.extend(operands.into_iter().map(|(_, operand)| operand));
            }
            // What computes makes no signed bytes.
            _ => return false,
        }
    }
    true
}

/// The bytes whose flip a value is: those that it was made of, or a flip of its own.
fn turned_back(graph: &mut Graph, id: NodeId) -> NodeId {
    let made = through(graph, id);
    if graph.node(made).op == Op::Quant(Quant::Flip) {
        return x(graph, made);
    }
    let node = graph.node(id);
    let (name, mut out) = (format!("{}/turned", node.name), node.out.clone());
    out.dtype = if out.dtype == Dtype::I8 { Dtype::U8 } else { Dtype::I8 };
    graph.add(name, Op::Quant(Quant::Flip), out, &[id])
}

/// Makes `id` the move `op` of `bytes`.
fn turn_to_bytes(graph: &mut Graph, id: NodeId, op: Op, bytes: &[NodeId]) {
    graph.node_mut(id).op = op;
    graph.node_mut(id).out.dtype = Dtype::U8;
    for (port, operand) in bytes.iter().enumerate() {
        reconnect(graph, id, port, *operand);
    }
}

/// `op` with `filler` of what it pads with, a number of the type that it then moves; `None` if there is no such byte.
fn padded_with(op: &Op, filler: impl Fn(f32) -> Option<f32>) -> Option<Op> {
    let mut op = op.clone();
    if let Op::Pad(pad) = &mut op
        && let PadMode::Constant(value) = &mut pad.mode
    {
        *value = filler(*value)?;
    }
    Some(op)
}

fn rounded(graph: &mut Graph, operand: NodeId, quantize: &Op) -> NodeId {
    let node = graph.node(operand);
    let (name, out) =
        (format!("{}.bytes", node.name), Tensor { dtype: Dtype::U8, ..node.out.clone() });
    graph.add(name, quantize.clone(), out, &[operand])
}
