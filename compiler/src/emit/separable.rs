//! Separable blocks: a depthwise convolution and the 1x1 convolution behind it, which only names and docs know of.
//!
//! ```text
//! [conv 1x1 ->] conv per channel [-> activation] [-> times its squeeze-excitation] -> conv 1x1
//! ```
//! An expansion counts only where there is squeeze-excitation: before any other block it is the end of the last one. What
//! is part of an inverted residual is part of no separable block.

use std::collections::BTreeMap;

use crate::ir::view::base;
use crate::ir::{Binary, Conv, Graph, NodeId, Op};
use crate::segment::flow;

/// Operators between a depthwise convolution and the product with its excitation, at most.
const MOST_GATES: usize = 12;

/// The part that an operator is of a separable block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The 1x1 convolution before it.
    Expand,
    /// Its depthwise convolution.
    Depthwise,
    /// An operator of its squeeze-excitation.
    Gate,
    /// Its 1x1 convolution.
    Pointwise,
}

/// The separable blocks that a network's operators are part of, counted from 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Separable {
    parts: BTreeMap<NodeId, (usize, Part)>,
}

impl Separable {
    /// The blocks of a graph.
    pub(super) fn of(graph: &Graph) -> Self {
        let mut found = Self::default();
        let inverted = |id| graph.blocks.iter().any(|block| block.project == id);
        let order = graph.order().unwrap_or_default().into_iter();
        let points = order.filter(|id| is_point(graph, *id) && !inverted(*id));
        for (number, (pointwise, (depthwise, gate))) in
            (1..).zip(points.filter_map(|id| Some((id, before(graph, id)?))))
        {
            let expand = graph.operand(depthwise, 0).filter(|id| {
                !gate.is_empty() && is_point(graph, *id) && !found.parts.contains_key(id)
            });
            let gate = gate.into_iter().map(|id| (id, Part::Gate));
            let parts = expand.map(|id| (id, Part::Expand)).into_iter().chain(gate);
            let parts = parts.chain([(depthwise, Part::Depthwise), (pointwise, Part::Pointwise)]);
            found.parts.extend(parts.map(|(id, part)| (id, (number, part))));
        }
        found
    }

    /// The number of the block that an operator is part of, and as what.
    pub(super) fn part(&self, id: NodeId) -> Option<(usize, Part)> {
        self.parts.get(&id).copied()
    }

    /// The first and the last block of those that `stages` hold from the depthwise convolution to the 1x1 one.
    pub(super) fn whole(&self, stages: &[NodeId]) -> Option<[usize; 2]> {
        let begun = |part| {
            let numbers = stages.iter().filter_map(|id| self.part(*id));
            let numbers = numbers.filter(move |(_, other)| *other == part);
            numbers.map(|(number, _)| number).collect::<Vec<_>>()
        };
        let begins = begun(Part::Depthwise);
        let whole = begun(Part::Pointwise).into_iter().filter(|number| begins.contains(number));
        let whole: Vec<usize> = whole.collect();
        Some([*whole.first()?, *whole.last()?])
    }
}

/// The depthwise convolution that a 1x1 convolution reads, and the operators of its squeeze-excitation.
fn before(graph: &Graph, pointwise: NodeId) -> Option<(NodeId, Vec<NodeId>)> {
    let x = base(graph, graph.operand(pointwise, 0)?);
    if !matches!(graph.node(x).op, Op::Binary(Binary::Mul)) {
        let depthwise = behind(graph, x);
        return is_depthwise(graph, depthwise).then(|| (depthwise, Vec::new()));
    }
    let [a, b] = [graph.operand(x, 0)?, graph.operand(x, 1)?];
    [(a, b), (b, a)].into_iter().find_map(|(value, gate)| {
        let depthwise = behind(graph, value);
        let mut gates = excitation(graph, gate, depthwise)?;
        gates.push(x);
        is_depthwise(graph, depthwise).then_some((depthwise, gates))
    })
}

/// The operators from a factor of each channel back to the depthwise convolution that it is computed from, through a
/// mean of all pixels.
fn excitation(graph: &Graph, gate: NodeId, depthwise: NodeId) -> Option<Vec<NodeId>> {
    let (mut gates, mut at) = (Vec::new(), base(graph, gate));
    while gates.len() < MOST_GATES && behind(graph, at) != depthwise {
        gates.push(at);
        at = base(graph, graph.operand(at, 0)?);
    }
    let squeezes = gates.iter().any(|id| flow::pooling(graph, *id).is_some());
    (squeezes && behind(graph, at) == depthwise).then_some(gates)
}

/// The operator behind activations that computes what they bend.
fn behind(graph: &Graph, id: NodeId) -> NodeId {
    let mut at = base(graph, id);
    while matches!(graph.node(at).op, Op::Clamp(_) | Op::Unary(_) | Op::PRelu) {
        let Some(x) = graph.operand(at, 0) else { break };
        at = base(graph, x);
    }
    at
}

fn is_point(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op.conv().is_some_and(Conv::is_point)
}

fn is_depthwise(graph: &Graph, id: NodeId) -> bool {
    let channels = |id: NodeId| graph.node(id).out.shape.get(1).copied();
    let conv = graph.node(id).op.conv().filter(|conv| conv.group > 1);
    conv.is_some_and(|conv| {
        let read = graph.operand(id, 0).and_then(channels);
        [channels(id), read] == [Some(conv.group); 2]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Clamp, Layout, Reduce, Reducer, Tensor, Unary, Values};

    /// A graph of images of 8 channels, and the operators added to it so far.
    struct Net(Graph);

    impl Net {
        fn conv(&mut self, x: NodeId, kernel: usize, group: usize) -> NodeId {
            let (pad, shape) = (kernel / 2, self.0.node(x).out.shape.clone());
            let w = vec![0.5; 64 / group * kernel * kernel];
            let w = self.0.add_const("w", [8, 8 / group, kernel, kernel], Values::F32(w));
            let (kernel, pads) = ([kernel; 2], [pad; 4]);
            let (stride, dilation, clamp) = ([1, 1], [1, 1], Clamp::NONE);
            let conv = Conv { kernel, stride, dilation, pads, group, clamp, activation: None };
            self.0.add("conv", Op::Conv(conv), Tensor::f32(shape), &[x, w])
        }

        fn unary(&mut self, x: NodeId) -> NodeId {
            let out = self.0.node(x).out.clone();
            self.0.add("bend", Op::Unary(Unary::Sigmoid), out, &[x])
        }
    }

    #[test]
    fn a_depthwise_and_the_point_behind_its_activation_are_a_block() {
        let mut net = Net(Graph::default());
        let x = net.0.add_input("x", Tensor::f32([1, 8, 4, 4]));
        let [first, point] = [net.conv(x, 3, 8), net.conv(x, 1, 1)];
        let bent = net.unary(first);
        let end = net.conv(bent, 1, 1);
        let found = Separable::of(&net.0);
        assert_eq!(found.part(first), Some((1, Part::Depthwise)));
        assert_eq!(found.part(end), Some((1, Part::Pointwise)));
        assert_eq!(found.part(point), None);
        assert_eq!(found.whole(&[first, end]), Some([1, 1]));
        assert_eq!(found.whole(&[first]), None);
    }

    #[test]
    fn a_block_may_be_expanded_and_scaled_by_its_squeeze_excitation() {
        let mut net = Net(Graph::default());
        let x = net.0.add_input("x", Tensor::f32([1, 8, 4, 4]));
        let expand = net.conv(x, 1, 1);
        let depthwise = net.conv(expand, 3, 8);
        let mean = Op::Reduce(Reduce { kind: Reducer::Mean, axes: vec![2, 3] });
        let mean = net.0.add("mean", mean, Tensor::f32([1, 8, 1, 1]), &[depthwise]);
        let gate = net.conv(mean, 1, 1);
        let gate = net.unary(gate);
        let image = Tensor::f32([1, 8, 4, 4]);
        let scaled = net.0.add("mul", Op::Binary(Binary::Mul), image, &[depthwise, gate]);
        let end = net.conv(scaled, 1, 1);
        for id in net.0.ids() {
            net.0.node_mut(id).out.layout = Layout::Nhwc;
        }
        let found = Separable::of(&net.0);
        let parts = [expand, depthwise, mean, gate, scaled, end].map(|id| found.part(id));
        let wanted =
            [Part::Expand, Part::Depthwise, Part::Gate, Part::Gate, Part::Gate, Part::Pointwise];
        assert_eq!(parts, wanted.map(|part| Some((1, part))));
    }
}
