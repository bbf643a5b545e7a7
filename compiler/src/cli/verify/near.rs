//! Tolerances of outputs against a record, and their distances, output by output.

use std::collections::BTreeMap;

use mnv2c::error::{Error, Result};
use mnv2c::interp::Array;
use mnv2c::ir::{Binary, Dtype, Graph, NodeId, Op, Quant};

use crate::cli::compare::{Distance, Kind, Tolerance, distance};

/// The result of comparing all outputs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Compared {
    /// The worst of all outputs.
    pub(super) far: Distance,
    /// Steps of the last quantisation, by number of the output, where it has one.
    pub(super) steps: BTreeMap<usize, u32>,
}

impl Compared {
    /// Nothing compared yet.
    pub(super) const NONE: Self = Self { far: Distance::NONE, steps: BTreeMap::new() };

    /// The worse of both in every respect.
    pub(super) fn worse(self, other: Self) -> Self {
        let mut steps = self.steps;
        for (at, more) in other.steps {
            let most = steps.entry(at).or_default();
            *most = more.max(*most);
        }
        Self { far: self.far.worse(other.far), steps }
    }
}

/// Facts of the model about each of its outputs.
pub(super) fn kinds(graph: &Graph) -> Vec<Kind> {
    let kind = |id: NodeId| Kind { dtype: graph.node(id).out.dtype, step: step(graph, id) };
    graph.outputs.iter().map(|output| kind(output.node)).collect()
}

/// Distances of outputs from those expected, by number of the output.
pub(super) fn compared(
    who: &str,
    answers: &[Array],
    expected: &BTreeMap<usize, Array>,
    kinds: &[Kind],
    tolerance: Tolerance,
) -> Result<Compared> {
    let mut worst = Compared::NONE;
    for (at, expected) in expected {
        let far = match (answers.get(*at), kinds.get(*at)) {
            (Some(found), Some(kind)) => distance(expected, found, *kind, tolerance),
            _ => Err(format!("has no output {at}")),
        };
        let far = far.map_err(|what| Error::Program(format!("{who}: {what}")))?;
        let steps = far.steps.map(|steps| (*at, steps)).into_iter().collect();
        worst = worst.worse(Compared { far, steps });
    }
    Ok(worst)
}

/// The step of the quantisation whose numbers `id` holds, moved perhaps, or a constant away, or multiplied by constant
/// weights: then what one step of one byte makes of it at most. Of several the widest; `None` where something else is
/// computed in floats after it.
fn step(graph: &Graph, id: NodeId) -> Option<f32> {
    let (mut widest, mut left) = (None, vec![(id, 1.0)]);
    while let Some((id, factor)) = left.pop() {
        let node = graph.node(id);
        let step = match &node.op {
            Op::Quant(Quant::Dequantize(affine)) => affine.scale * factor,
            Op::Quant(_) if matches!(node.out.dtype, Dtype::U8 | Dtype::I8) => factor,
            Op::Words(_) => factor,
            Op::Const(_) => continue,
            op if op.moves() => {
                left.extend(graph.operands(id).into_iter().map(|(_, operand)| (operand, factor)));
                continue;
            }
            op => {
                let (operand, slope) = linear(graph, id, op)?;
                left.push((operand, factor * slope));
                continue;
            }
        };
        widest = widest.map_or(Some(step), |widest: f32| Some(widest.max(step)));
    }
    widest
}

/// The operand that node `id` adds a constant to or multiplies by constant weights, and the greatest of these.
fn linear(graph: &Graph, id: NodeId, op: &Op) -> Option<(NodeId, f32)> {
    let operands: Vec<NodeId> =
        graph.operands(id).into_iter().map(|(_, operand)| operand).collect();
    let (a, b) = (*operands.first()?, *operands.get(1)?);
    let slope = |id| match op {
        Op::Binary(Binary::Add) => largest(graph, id).map(|_| 1.0),
        Op::MatMul => largest(graph, id),
        Op::Gemm(gemm) => largest(graph, id).map(|most| most * gemm.alpha.abs()),
        // Another operator's slope is not known.
        _ => None,
    };
    slope(b).map(|slope| (a, slope)).or_else(|| slope(a).map(|slope| (b, slope)))
}

/// The greatest magnitude of a constant, of floats or of dequantised bytes.
fn largest(graph: &Graph, id: NodeId) -> Option<f32> {
    if let Some(values) = graph.constant(id) {
        return Some(values.as_f32()?.iter().fold(0.0, |most: f32, w| most.max(w.abs())));
    }
    let Op::Quant(Quant::Dequantize(affine)) = graph.node(id).op else { return None };
    let (_, bytes) = graph.operands(id).into_iter().next()?;
    let bytes = graph.constant(bytes)?.as_u8()?;
    let apart = bytes.iter().map(|q| q.abs_diff(affine.zero)).max()?;
    Some(f32::from(apart) * affine.scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnv2c::ir::{Affine, Output, Tensor, Unary, Values};

    #[test]
    fn the_step_of_an_output_is_that_of_its_last_quantisation() {
        let mut graph = Graph::default();
        let bytes = || Tensor { dtype: Dtype::U8, ..Tensor::f32([2]) };
        let reals = |scale| Op::Quant(Quant::Dequantize(Affine { scale, zero: 3 }));
        let x = graph.add_input("x", bytes());
        let table = graph.add("table", Op::Quant(Quant::Table(Box::new([1; 256]))), bytes(), &[x]);
        let [fine, coarse] =
            [0.5, 2.0].map(|scale| graph.add("reals", reals(scale), Tensor::f32([2]), &[table]));
        let both = graph.add("both", Op::Concat(0), Tensor::f32([4]), &[fine, coarse]);
        let sine = graph.add("tanh", Op::Unary(Unary::Tanh), Tensor::f32([4]), &[both]);
        let weights = graph.add_const("w", [4, 1], Values::F32(vec![0.5, -3.0, 1.0, 0.0]));
        let product = graph.add("product", Op::MatMul, Tensor::f32([1]), &[both, weights]);
        for node in [x, table, fine, both, sine, product] {
            graph.outputs.push(Output { name: "y".into(), node });
        }
        let steps: Vec<Option<f32>> = kinds(&graph).into_iter().map(|kind| kind.step).collect();
        assert_eq!(steps, [None, Some(1.0), Some(0.5), Some(2.0), None, Some(6.0)]);
    }
}
