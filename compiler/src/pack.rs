//! Weights -> blob: every constant in the order in which its kernel reads it, each aligned to 64 bytes.

mod quant;

use std::ops::Range;

use mnv2c_runtime::blob;
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

/// Where a pack lies.
#[derive(Clone, Debug, PartialEq)]
struct Packed {
    bytes: Range<usize>,
    /// Bytes of an element.
    element: usize,
}

/// Lays out every weight that `schedule` reads, for vectors of `target`.
pub fn weights(graph: &Graph, schedule: &Schedule, target: &Target) -> Blob {
    let mut blob = Blob::default();
    for pack in &schedule.packs {
        let start = blob.bytes.len();
        let element = match quant::bytes(graph, *pack, target) {
            Some(bytes) => {
                blob.bytes.extend(bytes);
                1
            }
            None => {
                let mut floats = Vec::new();
                put(graph, *pack, &mut floats);
                if lies_as_halves(graph, *pack) {
                    let halves = floats.into_iter().map(|x| Half::of(x).0);
                    blob.bytes.extend(halves.flat_map(u16::to_le_bytes));
                    2
                } else {
                    blob.bytes.extend(floats.into_iter().flat_map(f32::to_le_bytes));
                    4
                }
            }
        };
        blob.packs.push(Packed { bytes: start..blob.bytes.len(), element });
        blob.bytes.resize(blob.bytes.len().next_multiple_of(ALIGN), 0);
    }
    blob
}

impl Blob {
    /// Where a pack lies, in elements.
    pub fn range(&self, id: PackId) -> Range<usize> {
        let Packed { bytes, element } = &self.packs[id.0];
        bytes.start / element..bytes.end / element
    }

    /// Bytes of each element of a pack.
    pub fn element(&self, id: PackId) -> usize {
        self.packs[id.0].element
    }

    /// Bytes of each element, pack by pack.
    pub fn elements(&self) -> impl Iterator<Item = usize> {
        self.packs.iter().map(|pack| pack.element)
    }

    /// The numbers of a pack of floats.
    pub fn floats(&self, id: PackId) -> Vec<f32> {
        let Packed { bytes, element } = &self.packs[id.0];
        let bytes = &self.bytes[bytes.clone()];
        if *element == 2 {
            let (halves, _) = bytes.as_chunks();
            return halves.iter().map(|bytes| Half(u16::from_le_bytes(*bytes)).real()).collect();
        }
        let (floats, _) = bytes.as_chunks();
        floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    /// Bytes of the blob.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes, little endian.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    /// The bytes behind a header, for a program that is given them when it runs.
    pub fn file(&self) -> Vec<u8> {
        let bytes = self.bytes();
        let mut file = blob::header().to_vec();
        file.extend(bytes);
        file
    }
}

/// Whether the weights of a kernel, or a constant operand, have been rounded to halves.
fn lies_as_halves(graph: &Graph, pack: Pack) -> bool {
    let constant = match pack.order {
        PackOrder::Plain => Some(pack.node),
        _ => graph.operand(pack.node, 1),
    };
    constant.is_some_and(|id| graph.node(id).out.dtype == Dtype::F16)
}

fn put(graph: &Graph, pack: Pack, into: &mut Vec<f32>) {
    match (pack.order, &graph.node(pack.node).op) {
        (PackOrder::Panels { columns, planes }, Op::Conv(conv)) => {
            let inputs = window_order(graph, pack.node, conv, planes);
            panels(graph, pack.node, conv.group, columns, &inputs, into);
        }
        (PackOrder::Panels { columns, .. }, _) => dense(graph, pack.node, columns, into),
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

/// The same for a matrix `[k, n]` of weights.
fn dense(graph: &Graph, id: NodeId, columns: usize, into: &mut Vec<f32>) {
    let (weights, bias) = (operand(graph, id, 1), operand(graph, id, 2));
    for panel in (0..bias.len()).step_by(columns) {
        for row in std::iter::once(bias).chain(weights.chunks_exact(bias.len())) {
            into.extend((panel..panel + columns).map(|n| row.get(n).copied().unwrap_or(0.0)));
        }
    }
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
