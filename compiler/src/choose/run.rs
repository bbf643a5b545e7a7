//! Partitions of one run of units, by dynamic programming over its cuts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::choose::Network;
use crate::error::Result;
use crate::ir::{Graph, NodeId, Op};
use crate::segment::{self, Role, RowBatch, Segment};

/// Units that are joined at most: longer stretches hold more rings than whole tensors would be.
const LONGEST: usize = 24;

/// What flows at once where memory is all that counts.
const THRIFTY: RowBatch = RowBatch::Pixels(1);
/// Pixels that a depthwise convolution may hand over, beside one of them and a row.
const PIXELS: [usize; 2] = [4, 9];
/// Rows that may flow at once.
const BATCHES: [usize; 6] = [1, 2, 4, 7, 8, 14];

/// A run with the cost of its stretches.
pub(super) struct Run {
    len: usize,
    stretches: Vec<Stretch>,
}

/// A stretch of a run as one segment.
#[derive(Clone)]
struct Stretch {
    from: usize,
    to: usize,
    segment: Segment,
    bytes: usize,
    cycles: u64,
    /// The nodes that run after it.
    later: Rc<BTreeSet<NodeId>>,
}

impl Stretch {
    fn new(
        network: &Network<'_>,
        [from, to]: [usize; 2],
        segment: Segment,
        later: Rc<BTreeSet<NodeId>>,
    ) -> Result<Self> {
        let (bytes, cycles) = network.cost(&segment, &later)?;
        Ok(Self { from, to, segment, bytes, cycles, later })
    }
}

/// The batches of rows worth a try where some pixels of a row fit. Long stretches hold too many rings for large ones.
fn batches(graph: &Graph, segment: &Segment) -> Vec<RowBatch> {
    let last = segment.stages[segment.stages.len() - 1];
    let streamed = match (&graph.node(last).op, graph.operand(last, 0)) {
        (Op::Reduce(_), Some(pooled)) => pooled,
        _ => last,
    };
    let height = graph.node(streamed).out.nchw().map_or(1, |[_, _, h, _]| h);
    let most = match segment.role {
        Role::Blocks(..) | Role::Chain => height.div_ceil(4),
        Role::Block(_) | Role::Head | Role::Single | Role::Copy => height.max(2) - 1,
    };
    let rows = BATCHES.into_iter().filter(|rows| *rows <= most).map(RowBatch::Rows);
    PIXELS.into_iter().map(RowBatch::Pixels).chain(rows).collect()
}

impl Run {
    /// Measures every stretch of the units at `which` as thrifty as it can be, and every unit as a whole.
    pub(super) fn new(network: &Network<'_>, units: &[Segment], which: Vec<usize>) -> Result<Self> {
        let graph = network.graph;
        let order = graph.order().unwrap_or_default();
        let position: BTreeMap<NodeId, usize> =
            order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let mut stretches = Vec::new();
        for from in 0..which.len() {
            for to in from + 1..=which.len().min(from + LONGEST) {
                for batch in [RowBatch::Whole, THRIFTY] {
                    if batch == RowBatch::Whole && to > from + 1 {
                        continue;
                    }
                    let stretch = &which[from..to];
                    let Some(segment) = segment::joined(graph, units, stretch, batch) else {
                        continue;
                    };
                    let last = segment.stages.iter().map(|id| position[id]).max().unwrap_or(0);
                    let later = Rc::new(order[last + 1..].iter().copied().collect());
                    stretches.push(Stretch::new(network, [from, to], segment, later)?);
                }
            }
        }
        Ok(Self { len: which.len(), stretches })
    }

    /// Measures, of every stretch that may keep to `limit` bytes, the faster batches of rows too.
    pub(super) fn hasten(&mut self, network: &Network<'_>, limit: usize) -> Result<()> {
        let fits = |it: &&Stretch| it.segment.batch == THRIFTY && it.bytes <= limit;
        let thrifty: Vec<Stretch> = self.stretches.iter().filter(fits).cloned().collect();
        for stretch in thrifty {
            for batch in batches(network.graph, &stretch.segment) {
                let Stretch { from, to, segment, later, .. } = stretch.clone();
                let segment = Segment { batch, ..segment };
                self.stretches.push(Stretch::new(network, [from, to], segment, later)?);
            }
        }
        Ok(())
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
            let mut ending: Vec<&Stretch> =
                self.stretches.iter().filter(|it| it.to == to).collect();
            ending.sort_by_key(|stretch| (Reverse(stretch.from), Reverse(stretch.segment.batch)));
            for stretch in ending {
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
