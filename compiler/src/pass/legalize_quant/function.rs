//! Lookup tables for elementwise operators between one byte and another: all 256 answers.

use std::collections::BTreeMap;

use crate::ir::op::leaky;
use crate::ir::quant::table;
use crate::ir::quant::tflite::functions;
use crate::ir::{Affine, Arithmetic, Binary, Bounds, Graph, NodeId, Op, Quant, Unary};
use crate::pass::constant::scalar;
use crate::pass::edit::{replace, x};
use crate::pass::legalize_quant::{bound, clamped, dequantized, through};

/// Operators that one table may stand for.
const MAX_DEPTH: usize = 64;

/// `bytes` on the second scale, under the name and in the shape of `id`.
pub(super) fn rescale(
    graph: &mut Graph,
    id: NodeId,
    bytes: NodeId,
    [from, to]: [Affine; 2],
) -> NodeId {
    let table = match graph.arithmetic {
        Arithmetic::Float | Arithmetic::Fixed => table(from, to, |x| x),
        Arithmetic::Tflite | Arithmetic::TfliteDense => functions::rescaled(from, to),
    };
    add_table(graph, id, bytes, table)
}

/// `bytes` within `bounds`.
pub(super) fn within(graph: &mut Graph, bytes: NodeId, bounds: Bounds) -> NodeId {
    add_table(graph, bytes, bytes, Box::new(std::array::from_fn(|q| bounds.apply(q as u8))))
}

/// Replaces what `id` quantises by a table, if it is a function of each element of one tensor of bytes.
pub(super) fn look_up(graph: &mut Graph, id: NodeId, to: Affine) -> bool {
    let value = through(graph, x(graph, id));
    if let Some((bytes, answers)) = of_tensorflow_lite(graph, value, to) {
        let made = add_table(graph, id, bytes, answers);
        replace(graph, id, made);
        return true;
    }
    if is_pair_of_tensorflow_lite(graph, clamped(graph, value, to).0) {
        return false;
    }
    let shape = graph.node(value).out.shape.clone();
    let mut region = Region { graph, shape: &shape, source: None, known: BTreeMap::new() };
    let Some(reals) = region.reals(value, 0) else { return false };
    let Some((bytes, _)) = region.source else { return false };
    let answers = Box::new(std::array::from_fn(|q| to.quantize(reals[q])));
    let made = add_table(graph, id, bytes, answers);
    replace(graph, id, made);
    true
}

/// The bytes that `value` is a function of, and what TensorFlow Lite's kernel makes of each, if that has no floats.
fn of_tensorflow_lite(
    graph: &Graph,
    value: NodeId,
    to: Affine,
) -> Option<(NodeId, Box<[u8; 256]>)> {
    if graph.arithmetic != Arithmetic::Tflite {
        return None;
    }
    let (bytes, from) = dequantized(graph, graph.operand(value, 0)?)?;
    let lies = |scale: f32, zero: u8| to == Affine { scale, zero };
    let table = match &graph.node(value).op {
        Op::Clamp(clamp) => {
            let byte = |x| bound(graph.arithmetic, to, x);
            let bounds = Bounds { lo: byte(clamp.lo), hi: byte(clamp.hi) };
            functions::bounded(from, to, bounds)
        }
        Op::Unary(Unary::LeakyRelu(alpha)) => functions::leaky(from, to, *alpha),
        Op::Unary(Unary::Sigmoid) if lies(1.0 / 256.0, 0) => functions::logistic(from),
        Op::Unary(Unary::Tanh) if lies(1.0 / 128.0, 128) => functions::tanh(from),
        Op::Unary(Unary::HardSwish) => functions::hard_swish(from, to),
        // Every other function is one of reals, whose nearest byte counts.
        _ => return None,
    };
    Some((bytes, table))
}

/// True if `value` is a sum or product of bytes by themselves, which TensorFlow Lite computes as one of any two.
fn is_pair_of_tensorflow_lite(graph: &Graph, value: NodeId) -> bool {
    let is_pair = matches!(graph.node(value).op, Op::Binary(Binary::Add | Binary::Mul));
    let of_bytes = |port| graph.operand(value, port).and_then(|x| dequantized(graph, x)).is_some();
    graph.arithmetic == Arithmetic::Tflite && is_pair && of_bytes(0) && of_bytes(1)
}

/// Elementwise operators, from one quantised tensor on.
struct Region<'a> {
    graph: &'a Graph,
    shape: &'a [usize],
    source: Option<(NodeId, Affine)>,
    known: BTreeMap<NodeId, Vec<f32>>,
}

impl Region<'_> {
    /// The value of `id` for each byte of the source.
    fn reals(&mut self, id: NodeId, depth: usize) -> Option<Vec<f32>> {
        let id = through(self.graph, id);
        if let Some(reals) = self.known.get(&id) {
            return Some(reals.clone());
        }
        if depth > MAX_DEPTH || self.known.len() > MAX_DEPTH {
            return None;
        }
        let reals = self.computed(id, depth)?;
        self.known.insert(id, reals.clone());
        Some(reals)
    }

    fn computed(&mut self, id: NodeId, depth: usize) -> Option<Vec<f32>> {
        let graph = self.graph;
        if let Some((bytes, affine)) = dequantized(graph, id) {
            let one = self.source.is_none_or(|source| source == (bytes, affine));
            self.source = Some((bytes, affine));
            let alike = graph.node(bytes).out.shape == self.shape;
            return (one && alike).then(|| (0..=255).map(|q| affine.dequantize(q)).collect());
        }
        if graph.constant(id).is_some() {
            return Some(vec![scalar(graph, id, self.shape)?; 256]);
        }
        let mut operand = |port: usize| self.reals(graph.operand(id, port)?, depth + 1);
        match &graph.node(id).op {
            Op::Clamp(clamp) => Some(each(&operand(0)?, |x| clamp.apply(x))),
            Op::Unary(f) => Some(each(&operand(0)?, |x| f.apply(x))),
            Op::Binary(f) => Some(pairs(&operand(0)?, &operand(1)?, |a, b| f.apply(a, b))),
            Op::PRelu => Some(pairs(&operand(0)?, &operand(1)?, leaky)),
            // A table has one byte to look up, and other operators look at more than one element.
            _ => None,
        }
    }
}

fn each(x: &[f32], f: impl Fn(f32) -> f32) -> Vec<f32> {
    x.iter().map(|x| f(*x)).collect()
}

fn pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()
}

fn add_table(graph: &mut Graph, id: NodeId, bytes: NodeId, table: Box<[u8; 256]>) -> NodeId {
    let (name, out) = (graph.node(id).name.clone(), graph.node(id).out.clone());
    graph.add(name, Op::Quant(Quant::Table(table)), out, &[bytes])
}
