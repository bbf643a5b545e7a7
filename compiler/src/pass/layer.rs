//! The numbers of a convolution or dense layer, widened to f64 while something is folded into them.

use crate::ir::{Clamp, Graph, NodeId, Op};
use crate::pass::edit::set_floats;
use crate::pass::{Attempt, Skip};

/// Weights and bias of a layer.
pub(crate) struct Layer {
    id: NodeId,
    shape: Vec<usize>,
    groups: usize,
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl Layer {
    /// The numbers of `id`, unless they are computed.
    pub(crate) fn read(graph: &Graph, id: NodeId) -> Attempt<Self> {
        let refused = || {
            let op = graph.node(id).op.name();
            Skip::new(graph, id, format!("the {op}'s weights or bias are computed"))
        };
        let floats = |port| graph.constant_operand(id, port).ok_or_else(refused);
        let weights_id = graph.operand(id, 1).ok_or_else(refused)?;
        let shape = graph.node(weights_id).out.shape.clone();
        let (groups, outs) = match &graph.node(id).op {
            Op::Conv(conv) => (conv.group, shape[0]),
            // Every other layer is a product, its outputs along the columns.
            _ => (1, shape[1]),
        };
        let bias = match graph.operand(id, 2) {
            Some(_) => widened(floats(2)?),
            None => vec![0.0; outs],
        };
        if bias.len() != outs {
            return Err(Skip::new(graph, id, format!("it has {} biases", bias.len())));
        }
        let weights = widened(floats(1)?);
        Ok(Self { id, shape, groups, weights, bias })
    }

    /// Scales and shifts what comes out, per output channel.
    pub(crate) fn map_outputs(&mut self, scale: &[f64], shift: &[f64]) {
        for index in 0..self.weights.len() {
            let (_, output) = self.channels(index);
            self.weights[index] *= scale[output];
        }
        for ((bias, scale), shift) in self.bias.iter_mut().zip(scale).zip(shift) {
            *bias = *bias * scale + shift;
        }
    }

    /// Scales and shifts what goes in, per input channel; a pad counts as shifted too.
    pub(crate) fn map_inputs(&mut self, scale: &[f64], shift: &[f64]) {
        for index in 0..self.weights.len() {
            let (input, output) = self.channels(index);
            self.bias[output] += self.weights[index] * shift[input];
            self.weights[index] *= scale[input];
        }
    }

    /// Takes the input channels of a layer without groups in the other order.
    pub(crate) fn reverse_inputs(&mut self) {
        let taps: usize = self.shape[2..].iter().product();
        let inputs = |weights: &[f64]| -> Vec<f64> {
            weights.chunks_exact(taps).rev().flatten().copied().collect()
        };
        let outputs = self.weights.chunks_exact(self.shape[1] * taps);
        self.weights = outputs.flat_map(inputs).collect();
    }

    /// Gives the layer these numbers, if all are finite in f32. A bias of zeros is not added where there was none.
    pub(crate) fn write(self, graph: &mut Graph) -> Attempt<()> {
        let (weights, bias) = (rounded(&self.weights), rounded(&self.bias));
        if !weights.iter().chain(&bias).all(|value| value.is_finite()) {
            let reason = "its numbers would leave the range of f32";
            return Err(Skip::new(graph, self.id, reason));
        }
        set_floats(graph, self.id, 1, self.shape, weights);
        if graph.operand(self.id, 2).is_some() || bias.iter().any(|value| *value != 0.0) {
            set_floats(graph, self.id, 2, [bias.len()], bias);
        }
        Ok(())
    }

    /// The input and output channel that weight `index` joins.
    fn channels(&self, index: usize) -> (usize, usize) {
        let &[outs, ins_per_group, h, w] = &self.shape[..] else {
            return (index / self.shape[1], index % self.shape[1]);
        };
        let output = index / (ins_per_group * h * w);
        let group = output / (outs / self.groups);
        (group * ins_per_group + index / (h * w) % ins_per_group, output)
    }
}

/// The clamp of a convolution or dense layer that ends with it; `None` for other operators.
pub(crate) fn clamp(op: &Op) -> Option<Clamp> {
    match op {
        Op::Conv(conv) if conv.activation.is_none() => Some(conv.clamp),
        Op::Dense(dense) if dense.activation.is_none() => Some(dense.clamp),
        // What is no layer has no bounds, and behind a function there are none.
        _ => None,
    }
}

/// f32 as f64.
pub(crate) fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// f64 rounded to f32.
pub(crate) fn rounded(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}
