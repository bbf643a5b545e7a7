//! Weights -> blob: every constant in the order in which its kernel reads it, each aligned to 64 bytes.

mod quant;
mod winograd;

use std::ops::Range;

use mnv2c_runtime::blob;
use mnv2c_runtime::brain::{Brain, Pair};
use mnv2c_runtime::half::Half;

use crate::ir::{Conv, Dtype, Graph, NodeId, Op};
use crate::schedule::{Pack, PackId, PackOrder, Schedule};
use crate::target::Target;

/// Bytes to which each pack is aligned: one line of cache.
const ALIGN: usize = 64;

/// Packed weights, and where each pack lies among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blob {
    bytes: Vec<u8>,
    packs: Vec<Packed>,
}

/// The location of a pack.
#[derive(Clone, Debug, PartialEq)]
struct Packed {
    bytes: Range<usize>,
    number: Number,
}

/// Number types of packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Bytes, whatever they stand for.
    U8,
    /// Halves.
    F16,
    /// bf16.
    Bf16,
    /// Floats.
    F32,
    /// Pairs of bf16, behind biases that are floats.
    Pair,
}

/// Lays out every weight that `schedule` reads, for vectors of `target`.
pub fn weights(graph: &Graph, schedule: &Schedule, target: &Target) -> Blob {
    let mut blob = Blob::default();
    for pack in &schedule.packs {
        let start = blob.bytes.len();
        let number = match (quant::bytes(graph, *pack, target), pack.order) {
            (Some(bytes), _) => {
                blob.bytes.extend(bytes);
                Number::U8
            }
            (None, PackOrder::Pairs { columns, run }) => {
                let order = PackOrder::Panels { columns, planes: false };
                let mut floats = Vec::new();
                put(graph, Pack { order, ..*pack }, &mut floats);
                let rows = graph.node(pack.node).op.conv().map_or(1, |conv| conv.kernel[0]);
                let inputs = inputs(graph, pack.node);
                let pairs = pairs(&floats, columns, [rows, inputs / rows, run]);
                blob.bytes.extend(pairs.into_iter().flat_map(|pair| pair.0.to_le_bytes()));
                Number::Pair
            }
            (None, _) => {
                let mut floats = Vec::new();
                put(graph, *pack, &mut floats);
                let number = number(graph, *pack);
                floats.into_iter().for_each(|x| number.put(x, &mut blob.bytes));
                number
            }
        };
        blob.packs.push(Packed { bytes: start..blob.bytes.len(), number });
        blob.bytes.resize(blob.bytes.len().next_multiple_of(ALIGN), 0);
    }
    blob
}

impl Blob {
    /// The range of a pack, in numbers.
    pub fn range(&self, id: PackId) -> Range<usize> {
        let Packed { bytes, number } = &self.packs[id.0];
        bytes.start / number.bytes()..bytes.end / number.bytes()
    }

    /// The number type of a pack.
    pub fn number(&self, id: PackId) -> Number {
        self.packs[id.0].number
    }

    /// The number type of each pack.
    pub fn numbers(&self) -> impl Iterator<Item = Number> {
        self.packs.iter().map(|pack| pack.number)
    }

    /// The numbers of a pack that no kernel wants in an order of its own.
    pub fn floats(&self, id: PackId) -> Vec<f32> {
        let Packed { bytes, number } = &self.packs[id.0];
        let numbers = self.bytes[bytes.clone()].chunks_exact(number.bytes());
        numbers.map(|bytes| number.real(bytes)).collect()
    }

    /// The bytes of a pack.
    pub(crate) fn bytes_of(&self, id: PackId) -> &[u8] {
        &self.bytes[self.packs[id.0].bytes.clone()]
    }

    /// Bytes of the blob.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes behind a header that distinguishes them from those of other networks.
    pub fn file(&self) -> Vec<u8> {
        [&blob::header(&self.bytes)[..], &self.bytes].concat()
    }

    /// The hash by which an emitted file knows the bytes.
    pub fn hash(&self) -> u64 {
        blob::hash(&self.bytes)
    }
}

impl Number {
    /// Bytes of one.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::Pair => 4,
        }
    }

    fn put(self, x: f32, into: &mut Vec<u8>) {
        match self {
            Self::U8 => into.push(x as u8),
            Self::F16 => into.extend(Half::of(x).0.to_le_bytes()),
            Self::Bf16 => into.extend(Brain::of(x).0.to_le_bytes()),
            Self::F32 | Self::Pair => into.extend(x.to_le_bytes()),
        }
    }

    fn real(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::F16, &[a, b]) => Half(u16::from_le_bytes([a, b])).real(),
            (Self::Bf16, &[a, b]) => Brain(u16::from_le_bytes([a, b])).real(),
            (Self::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
            (_, bytes) => bytes[0].into(),
        }
    }
}

/// The number type that the weights of a kernel, or a constant operand, are rounded to.
fn number(graph: &Graph, pack: Pack) -> Number {
    let constant = match pack.order {
        PackOrder::Plain => Some(pack.node),
        _ => graph.operand(pack.node, 1),
    };
    match constant.map(|id| graph.node(id).out.dtype) {
        Some(Dtype::F16) => Number::F16,
        Some(Dtype::Bf16) => Number::Bf16,
        _ => Number::F32,
    }
}

fn put(graph: &Graph, pack: Pack, into: &mut Vec<f32>) {
    match (pack.order, &graph.node(pack.node).op) {
        (PackOrder::Panels { columns, planes }, Op::Conv(conv)) => {
            let inputs = window_order(graph, pack.node, conv, planes);
            panels(graph, pack.node, conv.group, columns, &inputs, into);
        }
        (PackOrder::Panels { columns, .. }, _) => dense(graph, pack.node, columns, into),
        (PackOrder::Winograd { out, columns }, _) => {
            winograd::put(graph, pack.node, out, columns, into);
        }
        (PackOrder::Pairs { .. }, _) => unreachable!("panels become pairs"),
        (PackOrder::Depthwise { lanes }, _) => depthwise(graph, pack.node, lanes, into),
        (PackOrder::QPanels { .. } | PackOrder::QDepthwise { .. }, _)
        | (PackOrder::Table | PackOrder::Tables, _) => unreachable!("these are bytes"),
        (PackOrder::Plain, _) => {
            let values = graph.constant(pack.node).and_then(|values| values.as_f32());
            into.extend(values.expect("only float constants are operands of kernels"));
        }
    }
}

/// Offsets of one output's weights `[c, kh, kw]` in the order in which the kernel walks its window.
fn window_order(graph: &Graph, id: NodeId, conv: &Conv, planes: bool) -> Vec<usize> {
    let [kh, kw] = conv.kernel;
    let c = graph.operand(id, 1).map_or(0, |w| graph.node(w).out.shape[1]);
    let at = |c: usize, y: usize, x: usize| (c * kh + y) * kw + x;
    let row = |y: usize| -> Vec<usize> {
        if planes {
            (0..c).flat_map(|c| (0..kw).map(move |x| at(c, y, x))).collect()
        } else {
            (0..kw).flat_map(|x| (0..c).map(move |c| at(c, y, x))).collect()
        }
    };
    (0..kh).flat_map(row).collect()
}

/// For each group, panels of `columns` outputs: biases, then a row of weights for each input.
fn panels(
    graph: &Graph,
    id: NodeId,
    groups: usize,
    columns: usize,
    inputs: &[usize],
    into: &mut Vec<f32>,
) {
    let (weights, bias) = (operand(graph, id, 1), graph.constant_operand(id, 2));
    let outputs = graph.node(id).out.shape[1] / groups;
    for group in 0..groups {
        for panel in (0..outputs).step_by(columns) {
            let channel = |column: usize| {
                (panel + column < outputs).then_some(group * outputs + panel + column)
            };
            let bias = |column| channel(column).map_or(0.0, |m| bias.map_or(0.0, |bias| bias[m]));
            into.extend((0..columns).map(bias));
            for input in inputs {
                let weight =
                    |column| channel(column).map_or(0.0, |m| weights[m * inputs.len() + input]);
                into.extend((0..columns).map(weight));
            }
        }
    }
}

/// Packs a matrix `[k, n]` of weights.
fn dense(graph: &Graph, id: NodeId, columns: usize, into: &mut Vec<f32>) {
    let (weights, bias) = (operand(graph, id, 1), operand(graph, id, 2));
    for panel in (0..bias.len()).step_by(columns) {
        for row in std::iter::once(bias).chain(weights.chunks_exact(bias.len())) {
            into.extend((panel..panel + columns).map(|n| row.get(n).copied().unwrap_or(0.0)));
        }
    }
}

/// Inputs of each output of a convolution or a dense layer.
fn inputs(graph: &Graph, id: NodeId) -> usize {
    let weights = graph.operand(id, 1).map_or(&[][..], |w| graph.node(w).out.shape.as_slice());
    match graph.node(id).op.conv() {
        Some(_) => weights[1..].iter().product(),
        None => weights[0],
    }
}

/// Panels of `columns` outputs with pairs of weights: those of two inputs of a run side by side, zero where an odd run ends.
/// A window has so many rows, so many inputs in each, and runs of so many of these.
fn pairs(panels: &[f32], columns: usize, [rows, inputs, run]: [usize; 3]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for panel in panels.chunks_exact(columns * (1 + rows * inputs)) {
        let (biases, weights) = panel.split_at(columns);
        pairs.extend(biases.iter().map(|x| Pair::bias(*x)));
        let rows = weights.chunks_exact(columns * inputs);
        let runs = rows.flat_map(|row| row.chunks(columns * run));
        for two in runs.flat_map(|run| run.chunks(2 * columns)) {
            let second = |column: usize| two.get(columns + column).copied().unwrap_or(0.0);
            let pair = |column| Pair::of(Brain::of(two[column]), Brain::of(second(column)));
            pairs.extend((0..columns).map(pair));
        }
    }
    pairs
}

/// Vectors of `lanes` channels: biases, then each tap.
fn depthwise(graph: &Graph, id: NodeId, lanes: usize, into: &mut Vec<f32>) {
    let (weights, bias) = (operand(graph, id, 1), graph.constant_operand(id, 2));
    let channels = graph.node(id).out.shape[1];
    let taps = weights.len() / channels;
    for vector in (0..channels).step_by(lanes) {
        let lane = |of: &dyn Fn(usize) -> f32| -> Vec<f32> {
            (vector..vector + lanes).map(|c| if c < channels { of(c) } else { 0.0 }).collect()
        };
        into.extend(lane(&|c| bias.map_or(0.0, |bias| bias[c])));
        for tap in 0..taps {
            into.extend(lane(&|c| weights[c * taps + tap]));
        }
    }
}

fn operand(graph: &Graph, id: NodeId, port: usize) -> &[f32] {
    graph.constant_operand(id, port).expect("lowering refuses operands that are not constant")
}
