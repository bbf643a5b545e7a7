//! Partitions of one run of units, by dynamic programming over its cuts.

use std::collections::{BTreeMap, BTreeSet};

use crate::choose::Network;
use crate::error::Result;
use crate::ir::NodeId;
use crate::segment::{self, RowBatch, Segment};

/// Units that are joined at most: longer stretches hold more rings than whole tensors would be.
const LONGEST: usize = 24;

/// A run with the cost of every stretch of it.
pub(super) struct Run {
    len: usize,
    stretches: Vec<Stretch>,
}

/// A stretch of a run as one segment.
struct Stretch {
    from: usize,
    to: usize,
    segment: Segment,
    bytes: usize,
    cycles: u64,
}

impl Run {
    /// Measures every stretch of the units at `which`.
    pub(super) fn new(network: &Network<'_>, units: &[Segment], which: Vec<usize>) -> Result<Self> {
        let graph = network.graph;
        let order = graph.order().unwrap_or_default();
        let position: BTreeMap<NodeId, usize> =
            order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let mut stretches = Vec::new();
        for from in 0..which.len() {
            for to in from + 1..=which.len().min(from + LONGEST) {
                for batch in [RowBatch::Whole, RowBatch::Row, RowBatch::Pixels, RowBatch::Pixel] {
                    if batch == RowBatch::Whole && to > from + 1 {
                        continue;
                    }
                    let stretch = &which[from..to];
                    let Some(segment) = segment::joined(graph, units, stretch, batch) else {
                        continue;
                    };
                    let last = segment.stages.iter().map(|id| position[id]).max().unwrap_or(0);
                    let later: BTreeSet<NodeId> = order[last + 1..].iter().copied().collect();
                    let (bytes, cycles) = network.cost(&segment, &later)?;
                    stretches.push(Stretch { from, to, segment, bytes, cycles });
                }
            }
        }
        Ok(Self { len: which.len(), stretches })
    }

    /// The partition whose hungriest segment needs least, and of those the fastest.
    pub(super) fn least(&self) -> Vec<Segment> {
        let cost = |best: &(usize, u64), stretch: &Stretch| {
            Some((best.0.max(stretch.bytes), best.1 + stretch.cycles))
        };
        self.best(cost).expect("each unit alone is a partition")
    }

    /// The fastest partition in which no segment needs more than `limit` bytes, if there is one.
    pub(super) fn fastest(&self, limit: usize) -> Option<Vec<Segment>> {
        self.best(|best: &(u64, usize), stretch| {
            let fits = stretch.bytes <= limit;
            fits.then(|| (best.0 + stretch.cycles, best.1.max(stretch.bytes)))
        })
    }

    /// The partition of least cost; `extend` adds a stretch to the cost of what lies before it.
    fn best<C: Ord + Clone + Default>(
        &self,
        extend: impl Fn(&C, &Stretch) -> Option<C>,
    ) -> Option<Vec<Segment>> {
        let mut best: Vec<Option<(C, Option<&Stretch>)>> = vec![None; self.len + 1];
        best[0] = Some((C::default(), None));
        for to in 1..=self.len {
            // Short stretches first: of equal partitions the one of more and simpler steps is kept.
            for stretch in self.stretches.iter().rev().filter(|stretch| stretch.to == to) {
                let Some((before, _)) = &best[stretch.from] else { continue };
                let Some(cost) = extend(before, stretch) else { continue };
                if best[to].as_ref().is_none_or(|(least, _)| cost < *least) {
                    best[to] = Some((cost, Some(stretch)));
                }
            }
        }
        let (mut at, mut segments) = (self.len, Vec::new());
        while at > 0 {
            let (_, stretch) = best[at].as_ref()?;
            let stretch = stretch.expect("only the start has no stretch before it");
            segments.push(stretch.segment.clone());
            at = stretch.from;
        }
        segments.reverse();
        Some(segments)
    }
}
