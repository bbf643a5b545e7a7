//! Partitions of one run of units, by dynamic programming over its cuts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::choose::Network;
use crate::error::Result;
use crate::ir::NodeId;
use crate::segment::{self, RowBatch, Segment, link};

/// Units that are joined at most: longer stretches hold more rings than whole tensors would be.
const LONGEST: usize = 24;

/// A run with the cost of every stretch of it.
pub(super) struct Run {
    len: usize,
    stretches: Vec<Stretch>,
}

/// A stretch of a run: its last links as one segment, behind the branches of the first if that is not all of it.
struct Stretch {
    from: usize,
    to: usize,
    segments: Vec<Segment>,
    /// Whether branches run row by row together.
    meets: bool,
    bytes: usize,
    cycles: u64,
}

impl Run {
    /// Measures every stretch of the links of `run`.
    pub(super) fn new(network: &Network<'_>, units: &[Segment], run: &link::Run) -> Result<Self> {
        let order = network.graph.order().unwrap_or_default();
        let position = order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        Measure { network, units, order, position }.run(run)
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
            segments.push(stretch.segments.as_slice());
            at = stretch.from;
        }
        segments.reverse();
        Some(segments.concat())
    }
}

/// What stretches are measured with.
struct Measure<'a> {
    network: &'a Network<'a>,
    units: &'a [Segment],
    order: Vec<NodeId>,
    position: BTreeMap<NodeId, usize>,
}

impl Measure<'_> {
    fn run(&self, run: &link::Run) -> Result<Run> {
        let (links, mut stretches) = (&run.links, Vec::new());
        for (from, first) in links.iter().enumerate() {
            let apart = self.apart(first)?;
            for to in from + 1..=links.len() {
                let rest = links[from + 1..to].iter().flat_map(|link| &link.units);
                let last = first.units[first.units.len() - 1];
                let tail: Vec<usize> = [last].into_iter().chain(rest.copied()).collect();
                let whole: Vec<usize> =
                    first.units.iter().copied().chain(tail[1..].iter().copied()).collect();
                if whole.len() > LONGEST && to > from + 1 {
                    break;
                }
                for (before, units) in apart.iter().map(|before| (before, &tail)) {
                    self.add(&mut stretches, from..to, before, units)?;
                }
                if !first.branches.is_empty() {
                    self.add(&mut stretches, from..to, &[], &whole)?;
                }
            }
        }
        Ok(Run { len: links.len(), stretches })
    }

    /// Ways to run the branches of a link by themselves: in the least memory, and fastest.
    fn apart(&self, link: &link::Link) -> Result<Vec<Vec<Segment>>> {
        let branches = link.branches.iter().map(|branch| self.run(branch));
        let branches: Vec<Run> = branches.collect::<Result<_>>()?;
        let least: Vec<Segment> = branches.iter().flat_map(Run::least).collect();
        let fastest: Vec<Segment> =
            branches.iter().filter_map(|run| run.fastest(usize::MAX)).flatten().collect();
        Ok(if least == fastest { vec![least] } else { vec![least, fastest] })
    }

    /// Adds what `units` make of the stretch `links` when they are joined behind the segments `before`.
    fn add(
        &self,
        stretches: &mut Vec<Stretch>,
        links: Range<usize>,
        before: &[Segment],
        units: &[usize],
    ) -> Result<()> {
        let parts: Vec<&Segment> = units.iter().map(|at| &self.units[*at]).collect();
        for batch in [RowBatch::Whole, RowBatch::Row, RowBatch::Pixels, RowBatch::Pixel] {
            let Some(segment) = segment::joined(self.network.graph, &parts, batch) else {
                continue;
            };
            let segments: Vec<Segment> = before.iter().cloned().chain([segment]).collect();
            let nodes = segments.iter().flat_map(|segment| &segment.stages);
            let last = nodes.map(|id| self.position[id]).max().unwrap_or(0);
            let later: BTreeSet<NodeId> = self.order[last + 1..].iter().copied().collect();
            let cost = self.network.cost(&segments, &later)?;
            let Some((bytes, cycles)) = cost else { continue };
            let Range { start: from, end: to } = links;
            let meets = units.len() > links.len();
            stretches.push(Stretch { from, to, segments, meets, bytes, cycles });
        }
        Ok(())
    }
}
