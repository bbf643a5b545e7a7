//! Lookup tables for elementwise operators between one byte and another: all 256 answers.

use std::collections::BTreeMap;

use crate::ir::op::leaky;
use crate::ir::quant::table;
use crate::ir::{Affine, Graph, NodeId, Op, Quant};
use crate::pass::constant::scalar;
use crate::pass::edit::{replace, x};
use crate::pass::legalize_quant::{dequantized, through};

/// Operators that one table may stand for.
const MAX_DEPTH: usize = 64;

/// `bytes` on the second scale, under the name and in the shape of `id`.
pub(super) fn rescale(
    graph: &mut Graph,
    id: NodeId,
    bytes: NodeId,
    [from, to]: [Affine; 2],
) -> NodeId {
    add_table(graph, id, bytes, table(from, to, |x| x))
}

/// Replaces what `id` quantises by a table, if it is a function of each element of one tensor of bytes.
pub(super) fn look_up(graph: &mut Graph, id: NodeId, to: Affine) -> bool {
    let value = through(graph, x(graph, id));
    let shape = graph.node(value).out.shape.clone();
    let mut region = Region { graph, shape: &shape, source: None, known: BTreeMap::new() };
    let Some(reals) = region.reals(value, 0) else { return false };
    let Some((bytes, _)) = region.source else { return false };
    let answers = Box::new(std::array::from_fn(|q| to.quantize(reals[q])));
    let made = add_table(graph, id, bytes, answers);
    replace(graph, id, made);
    true
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
