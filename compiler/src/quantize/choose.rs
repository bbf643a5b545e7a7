//! Choice of the values that are quantised, their scales, and the integers of every layer.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::ir::{Affine, Binary, Graph, NodeId, Op, Reducer, Unary};
use crate::pass::constant::scalar;
use crate::quantize::equalize::Numbers;
use crate::quantize::observe::Seen;
use crate::quantize::settings::Settings;

/// Quantisation of each value.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Values that are bytes, and what these stand for.
    pub bytes: BTreeMap<NodeId, Affine>,
    /// Layers whose weights are bytes.
    pub layers: BTreeMap<NodeId, Layer>,
}

/// The numbers of a layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// In the order of the floats.
    pub weights: Vec<i8>,
    /// One a channel of the result.
    pub scales: Vec<f32>,
    /// One a channel of the result, in reals; rounded to units of the sums when it is written.
    pub bias: Vec<f64>,
}

/// Chooses for what was seen.
pub(super) fn choose(graph: &Graph, seen: &Seen, settings: &Settings) -> Result<Choice> {
    let order = graph.order().expect("verified graphs are acyclic");
    let able: BTreeSet<NodeId> = order
        .iter()
        .copied()
        .filter(|id| !settings.keep.contains(&graph.node(*id).name) && is_able(graph, *id))
        .collect();
    let wanted = wanted(graph, &order, &able);
    let mut choice = Choice::default();
    for id in order {
        if let Some(affine) = affine(graph, seen, settings, id, &able, &wanted, &choice) {
            choice.bytes.insert(id, affine);
        }
        let is_layer =
            matches!(graph.node(id).op, Op::Conv(_) | Op::Dense(_)) && able.contains(&id);
        let x = graph.operand(id, 0).and_then(|x| choice.bytes.get(&x)).copied();
        if let (true, Some(x)) = (is_layer, x)
            && let Some(layer) = layer(graph, id, x)
        {
            choice.layers.insert(id, layer);
        }
    }
    Ok(choice)
}

/// True if an operator can be quantised.
fn is_able(graph: &Graph, id: NodeId) -> bool {
    let constant = |port| graph.operand(id, port).is_none_or(|id| graph.constant(id).is_some());
    let shape = &graph.node(id).out.shape;
    let one_is_scalar = || {
        let operands = [graph.operand(id, 0), graph.operand(id, 1)];
        operands.into_iter().flatten().any(|operand| scalar(graph, operand, shape).is_some())
    };
    match &graph.node(id).op {
        Op::Conv(_) | Op::Dense(_) => constant(1) && constant(2),
        Op::Binary(Binary::Add | Binary::Mul) => {
            one_is_scalar()
                || (0..2).all(|port| {
                    graph.operand(id, port).is_some_and(|x| graph.constant(x).is_none())
                })
        }
        Op::Reduce(reduce) => reduce.kind == Reducer::Mean && reduce.axes == [2, 3],
        Op::Unary(f) => is_bounded(*f),
        Op::PRelu => one_is_scalar(),
        Op::Clamp(_) | Op::Pool(_) => true,
        Op::Identity | Op::Input | Op::Const(_) => false,
        op => op.moves(),
    }
}

/// Functions whose values stay near those of their operand.
fn is_bounded(f: Unary) -> bool {
    match f {
        Unary::LeakyRelu(_) | Unary::Elu(_) | Unary::Sigmoid | Unary::HardSigmoid(..) => true,
        Unary::HardSwish | Unary::Silu | Unary::Tanh | Unary::Gelu | Unary::Erf => true,
        Unary::Neg | Unary::Abs | Unary::ToF16 | Unary::ToBf16 => true,
        Unary::Exp | Unary::Log | Unary::Sqrt | Unary::Reciprocal => false,
        Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc => false,
    }
}

fn only_moves(op: &Op) -> bool {
    op.moves() && !matches!(op, Op::Identity)
}

/// Values that some operator reads as bytes; what only moves wants them if its own readers do.
fn wanted(graph: &Graph, order: &[NodeId], able: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let mut wanted = BTreeSet::new();
    for id in order.iter().rev() {
        let reads = able.contains(id) && (!only_moves(&graph.node(*id).op) || wanted.contains(id));
        if reads {
            wanted.extend(graph.operands(*id).into_iter().map(|(_, operand)| operand));
        }
    }
    wanted
}

/// Scale and zero point of `id`; `None` if it stays in floats.
fn affine(
    graph: &Graph,
    seen: &Seen,
    settings: &Settings,
    id: NodeId,
    able: &BTreeSet<NodeId>,
    wanted: &BTreeSet<NodeId>,
    choice: &Choice,
) -> Option<Affine> {
    let op = &graph.node(id).op;
    let value = seen.get(&id)?;
    let is_able = able.contains(&id);
    let operand = |id: NodeId| choice.bytes.get(&id).copied();
    if only_moves(op) && is_able {
        let operands = graph.operands(id);
        let all: Option<Vec<Affine>> = operands.iter().map(|(_, x)| operand(*x)).collect();
        if !matches!(op, Op::Concat(_)) {
            return all?.first().copied();
        }
        all?;
    } else if !wanted.contains(&id) && (!is_able || matches!(op, Op::Dense(_))) {
        // The scores that end a classifier stay floats, at no cost.
        return None;
    }
    let (lo, hi) = value.histogram.range(settings.observer);
    Some(around(lo, hi))
}

/// The scale and zero point of a range, which is widened to hold zero.
fn around(lo: f32, hi: f32) -> Affine {
    let (lo, hi) = (lo.min(0.0), hi.max(0.0));
    let scale = (hi - lo) / 255.0;
    if !scale.is_normal() {
        return Affine { scale: 1.0, zero: 0 };
    }
    Affine { scale, zero: (-lo / scale).round_ties_even().clamp(0.0, 255.0) as u8 }
}

fn layer(graph: &Graph, id: NodeId, x: Affine) -> Option<Layer> {
    let numbers = Numbers::read(graph, id)?;
    let floats = graph.constant_operand(id, 1)?;
    let channels = numbers.channels();
    let bias: Vec<f64> = match graph.operand(id, 2) {
        Some(_) => graph.constant_operand(id, 2)?.iter().copied().map(f64::from).collect(),
        None => vec![0.0; channels],
    };
    let mut most = vec![0f32; channels];
    for (at, w) in floats.iter().enumerate() {
        let channel = &mut most[numbers.output(at)];
        *channel = channel.max(w.abs());
    }
    // Units of sums are coarse enough for the bias to leave half of 32 bits to the products.
    let least = |bias: &f64| (bias.abs() / f64::from(1 << 30) / f64::from(x.scale)) as f32;
    let scale =
        |(most, bias): (&f32, &f64)| (most / 127.0).max(least(bias)).max(f32::MIN_POSITIVE * 1e9);
    let scales: Vec<f32> = most.iter().zip(&bias).map(scale).collect();
    let nearest = |(at, w): (usize, &f32)| {
        (w / scales[numbers.output(at)]).round_ties_even().clamp(-127.0, 127.0) as i8
    };
    let weights = floats.iter().enumerate().map(nearest).collect();
    Some(Layer { weights, scales, bias })
}
