//! Cross-layer equalisation: scales channels between two layers to like ranges, where that changes no output.
//!
//! ```text
//! conv(relu(conv(x, w1)), w2)  ->  conv(relu(conv(x, w1 / s)), w2 * s), s a positive number for each channel
//! ```
//! A bound other than zero forbids it, and so does a second reader. Weights have a scale for each output channel, so
//! scaling the first layer costs nothing; the second pays unless it is depthwise.

use crate::ir::{Clamp, Graph, NodeId, Op, Values};
use crate::pass::edit::set_floats;
use crate::pass::layer;
use crate::quantize::observe::Seen;

/// Equalises pairs of layers; the number of pairs.
pub(super) fn run(graph: &mut Graph, seen: &Seen) -> usize {
    let order = graph.order().expect("verified graphs are acyclic");
    let pairs: Vec<(NodeId, NodeId)> = order.into_iter().filter_map(|id| pair(graph, id)).collect();
    pairs.into_iter().filter(|(first, second)| equalize(graph, seen, *first, *second)).count()
}

/// A layer and the one that reads it, if their channels may be scaled.
fn pair(graph: &Graph, first: NodeId) -> Option<(NodeId, NodeId)> {
    let clamp = layer::clamp(&graph.node(first).op)?;
    let second = graph.only_reader(first)?;
    let scales = clamp == Clamp::NONE || clamp == Clamp::RELU;
    let reads = graph.operand(second, 0) == Some(first) && graph.operand(second, 3) != Some(first);
    let constant = |id| {
        let bias = graph.operand(id, 2);
        graph.constant_operand(id, 1).is_some()
            && bias.is_none_or(|bias| graph.constant(bias).is_some())
    };
    let fits = layer::clamp(&graph.node(second).op).is_some() && graph.operand(first, 3).is_none();
    (scales && reads && fits && constant(first) && constant(second)).then_some((first, second))
}

fn equalize(graph: &mut Graph, seen: &Seen, first: NodeId, second: NodeId) -> bool {
    let Some(value) = seen.get(&first) else { return false };
    let ranges: Vec<f32> = value.channels.iter().map(|channel| channel.most).collect();
    let columns = column_ranges(graph, second, ranges.len());
    let depthwise = matches!(&graph.node(second).op, Op::Conv(conv) if conv.group > 1);
    let most = ranges.iter().copied().fold(0f32, f32::max);
    let factor = |(range, column): (&f32, &f32)| {
        let wanted =
            if depthwise { range / most } else { (range / most).sqrt() / column.sqrt().max(1e-3) };
        if *range > 0.0 && *column > 0.0 { f64::from(wanted.clamp(1e-2, 1e2)) } else { 1.0 }
    };
    let factors: Vec<f64> = ranges.iter().zip(&columns).map(factor).collect();
    let (Some(outs), Some(ins)) = (Numbers::read(graph, first), Numbers::read(graph, second))
    else {
        return false;
    };
    if outs.channels() != factors.len() {
        return false;
    }
    let scaled = outs.scaled(|_, output| 1.0 / factors[output]);
    let widened = ins.scaled(|input, _| factors[input]);
    let bias = graph.constant_operand(first, 2).map(|bias| {
        bias.iter()
            .zip(&factors)
            .map(|(b, factor)| (f64::from(*b) / factor) as f32)
            .collect::<Vec<_>>()
    });
    set_floats(graph, first, 1, outs.shape, scaled);
    set_floats(graph, second, 1, ins.shape, widened);
    if let Some(bias) = bias {
        set_floats(graph, first, 2, [bias.len()], bias);
    }
    true
}

/// Greatest magnitudes of the weights that read each channel, over the greatest of all.
fn column_ranges(graph: &Graph, id: NodeId, channels: usize) -> Vec<f32> {
    let Some(numbers) = Numbers::read(graph, id) else { return vec![0.0; channels] };
    let mut ranges = vec![0f32; channels];
    for (at, w) in numbers.values.iter().enumerate() {
        if let Some(range) = ranges.get_mut(numbers.input(at)) {
            *range = range.max(w.abs());
        }
    }
    let most = ranges.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    ranges.into_iter().map(|range| range / most).collect()
}

/// The weights of a layer, and which channels each joins.
pub(super) struct Numbers {
    values: Vec<f32>,
    pub(super) shape: Vec<usize>,
    groups: usize,
    is_conv: bool,
}

impl Numbers {
    pub(super) fn read(graph: &Graph, id: NodeId) -> Option<Self> {
        let weights = graph.operand(id, 1)?;
        let values = graph.constant(weights).and_then(Values::as_f32)?.to_vec();
        let (groups, is_conv) = match &graph.node(id).op {
            Op::Conv(conv) => (conv.group, true),
            // Every other layer is a product.
            _ => (1, false),
        };
        Some(Self { values, shape: graph.node(weights).out.shape.clone(), groups, is_conv })
    }

    /// The output channel that weight `at` makes.
    pub(super) fn output(&self, at: usize) -> usize {
        if self.is_conv {
            at / self.shape[1..].iter().product::<usize>()
        } else {
            at % self.shape[1]
        }
    }

    /// The input channel that weight `at` reads.
    pub(super) fn input(&self, at: usize) -> usize {
        if !self.is_conv {
            return at / self.shape[1];
        }
        let taps: usize = self.shape[2..].iter().product();
        let group = self.output(at) / (self.shape[0] / self.groups);
        group * self.shape[1] + at / taps % self.shape[1]
    }

    /// Output channels.
    pub(super) fn channels(&self) -> usize {
        if self.is_conv { self.shape[0] } else { self.shape[1] }
    }

    fn scaled(&self, factor: impl Fn(usize, usize) -> f64) -> Vec<f32> {
        let weights = self.values.iter().enumerate();
        weights
            .map(|(at, w)| (f64::from(*w) * factor(self.input(at), self.output(at))) as f32)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Conv;
    use crate::pass::fixture::{Net, answers, is_close, same};
    use crate::quantize::observe;
    use crate::testing::random_inputs;

    /// Two convolutions with a clamp between them, and how far apart the ranges of the channels between them are.
    fn pair(clamp: Clamp, group: usize) -> (Graph, NodeId) {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let first = net.conv(x, 4, Conv { clamp, ..same(1) });
        let second = net.conv(first, 4, Conv { group, ..same(3) });
        (net.answer(&[second]), first)
    }

    fn spread(graph: &Graph, first: NodeId) -> (Seen, f32) {
        let images: Vec<_> = (0..3).flat_map(|seed| random_inputs(graph, seed)).collect();
        let seen = observe::all(graph, &images, |_| ()).expect("the graph can be run");
        let ranges = seen[&first].channels.iter().map(|channel| channel.most);
        let (least, most) =
            ranges.fold((f32::MAX, 0f32), |(least, most), x| (least.min(x), most.max(x)));
        (seen, most / least)
    }

    #[test]
    fn channels_come_to_like_ranges_and_answers_stay() {
        for (clamp, group) in [(Clamp::RELU, 1), (Clamp::NONE, 4)] {
            let (mut graph, first) = pair(clamp, group);
            let (expected, (seen, before)) = (answers(&graph, 7), spread(&graph, first));
            assert_eq!(run(&mut graph, &seen), 1);
            assert!(is_close(&expected, &answers(&graph, 7)));
            let (_, after) = spread(&graph, first);
            assert!(after < before && (group == 1 || after < 1.001), "{before} {after}");
        }
    }

    #[test]
    fn bounds_other_than_zero_forbid_it() {
        let (mut graph, first) = pair(Clamp::RELU6, 1);
        let (seen, _) = spread(&graph, first);
        assert_eq!(run(&mut graph, &seen), 0);
    }
}
