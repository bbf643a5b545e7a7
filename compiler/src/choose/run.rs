//! Partitions of one run of links, by dynamic programming over its cuts.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use crate::choose::Network;
use crate::choose::measure::Measure;
use crate::error::Result;
use crate::ir::{Graph, NodeId, Op};
use crate::segment::{Role, RowBatch, Segment, is_chain, link};

/// What flows at once where memory is all that counts.
pub(super) const THRIFTY: RowBatch = RowBatch::Pixels(1);
/// Pixels that a depthwise convolution may hand over, beside one of them and a row.
const PIXELS: [usize; 2] = [4, 9];
/// Rows that may flow at once.
const BATCHES: [usize; 6] = [1, 2, 4, 7, 8, 14];

/// A run with the cost of its stretches.
pub(super) struct Run {
    len: usize,
    stretches: Vec<Stretch>,
}

/// A stretch of a run: its last links as one segment, behind the branches of the first if that is not all of it.
#[derive(Clone)]
pub(super) struct Stretch {
    links: Range<usize>,
    segments: Vec<Segment>,
    /// Whether branches run row by row together.
    meets: bool,
    bytes: usize,
    cycles: u64,
    /// The nodes that run after it.
    later: Rc<BTreeSet<NodeId>>,
}

impl Stretch {
    /// The stretch `links` as `segments`; nothing where one of them cannot be.
    pub(super) fn new(
        network: &Network<'_>,
        links: Range<usize>,
        segments: Vec<Segment>,
        meets: bool,
        later: Rc<BTreeSet<NodeId>>,
    ) -> Result<Option<Self>> {
        let cost = network.cost(&segments, &later)?;
        Ok(cost.map(|(bytes, cycles)| Self { links, segments, meets, bytes, cycles, later }))
    }

    /// What the links are joined to.
    fn joined(&self) -> &Segment {
        &self.segments[self.segments.len() - 1]
    }

    /// The same with other rows at once.
    fn with_batch(&self, network: &Network<'_>, batch: RowBatch) -> Result<Option<Self>> {
        let mut segments = self.segments.clone();
        segments.iter_mut().last().into_iter().for_each(|segment| segment.batch = batch);
        Self::new(network, self.links.clone(), segments, self.meets, self.later.clone())
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
    /// Measures every stretch of the links of `run` as thrifty as it can be, and every unit as a whole.
    pub(super) fn new(network: &Network<'_>, units: &[Segment], run: &link::Run) -> Result<Self> {
        Measure::new(network, units).run(run)
    }

    /// The run of so many links that has these stretches.
    pub(super) fn of(len: usize, stretches: Vec<Stretch>) -> Self {
        Self { len, stretches }
    }

    /// Measures, of every stretch that may keep to `limit` bytes, the faster batches of rows too.
    pub(super) fn hasten(&mut self, network: &Network<'_>, limit: usize) -> Result<()> {
        let graph = network.graph;
        let fits = |it: &&Stretch| {
            let joined = it.joined();
            joined.batch == THRIFTY && is_chain(graph, &joined.stages) && it.bytes <= limit
        };
        let thrifty: Vec<Stretch> = self.stretches.iter().filter(fits).cloned().collect();
        for stretch in thrifty {
            for batch in batches(graph, stretch.joined()) {
                self.stretches.extend(stretch.with_batch(network, batch)?);
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

    /// The same where branches run one after the other.
    pub(super) fn least_apart(&self) -> Vec<Segment> {
        let cost = |best: &(usize, u64), stretch: &Stretch| {
            let cost = (best.0.max(stretch.bytes), best.1 + stretch.cycles);
            (!stretch.meets).then_some(cost)
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
                self.stretches.iter().filter(|it| it.links.end == to).collect();
            ending.sort_by_key(|it| (Reverse(it.links.start), Reverse(it.joined().batch)));
            for stretch in ending {
                let Some((before, _)) = &best[stretch.links.start] else { continue };
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
            segments.push(stretch.segments.as_slice());
            at = stretch.links.start;
        }
        segments.reverse();
        Some(segments.concat())
    }
}
