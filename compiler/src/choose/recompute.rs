//! Recomputation: the expansions of a candidate to recompute, by the bytes saved and the multiply-adds added.
//!
//! The saving of one hardly depends on the others, so it is measured once where its block begins a segment and once
//! where it does not; of all their sums, the best are then measured themselves.

use std::collections::BTreeMap;

use crate::choose::Network;
use crate::choose::cuts::{Candidate, Cuts, MIN_MEMORY};
use crate::error::Result;
use crate::ir::NodeId;
use crate::schedule::{Setting, recompute};
use crate::segment::Segment;

/// Sets of expansions that are kept for a candidate, at most.
const MOST: usize = 64;

/// The effect of recomputing one expansion.
#[derive(Clone, Copy)]
struct Change {
    expand: NodeId,
    /// Bytes of rings that are saved.
    saved: isize,
    /// Bytes of its strip, which expansions of a segment share.
    strip: isize,
    /// Multiply-adds done again.
    recomputed: u64,
}

/// A set of expansions to recompute.
#[derive(Clone)]
struct Way {
    expands: Vec<NodeId>,
    saved: isize,
    strip: isize,
    recomputed: u64,
}

/// Adds to `cuts` candidates that recompute expansions, `budget` multiply-adds in all at most, where that may bring
/// them below `limit` bytes.
pub(super) fn repeat(
    network: &Network<'_>,
    cuts: &mut Cuts,
    budget: u64,
    limit: usize,
) -> Result<()> {
    let ways = ways(network, cuts, budget, limit)?;
    cuts.candidates.extend(ways);
    Ok(())
}

/// Candidates of `cuts` with those expansions recomputed that save most, for every number of multiply-adds up to
/// `budget`, where they need at most `limit` bytes.
fn ways(network: &Network<'_>, cuts: &Cuts, budget: u64, limit: usize) -> Result<Vec<Candidate>> {
    let min_memory = || cuts.candidates.iter().filter(|it| it.segment.batch == MIN_MEMORY);
    let mut changes = Changes { network, known: BTreeMap::new() };
    // Changes are measured in the shortest candidates.
    for len in 1..=2 {
        for candidate in min_memory().filter(|it| it.to - it.from == len) {
            changes.measure(candidate)?;
        }
    }
    let mut found = Vec::new();
    for candidate in min_memory() {
        for way in changes.best(candidate, budget) {
            let bytes = candidate.cost.bytes as isize - way.saved + way.strip;
            if bytes <= limit as isize {
                let segment = Segment { recompute: way.expands, ..candidate.segment.clone() };
                found.extend(candidate.with(segment).measured(network)?);
            }
        }
    }
    Ok(found)
}

/// Measured changes, by the expansion and whether it begins its segment.
struct Changes<'a> {
    network: &'a Network<'a>,
    known: BTreeMap<(NodeId, bool), Change>,
}

impl Changes<'_> {
    /// Measures each expansion of a short candidate by itself.
    fn measure(&mut self, candidate: &Candidate) -> Result<()> {
        for expand in recompute::eligible(self.network.setting.graph, &candidate.segment) {
            let key = (expand, candidate.segment.stages[0] == expand);
            if self.known.contains_key(&key) {
                continue;
            }
            let segment = Segment { recompute: vec![expand], ..candidate.segment.clone() };
            let Setting { graph, target, memory, .. } = *self.network.setting;
            let strip = recompute::strip_bytes(graph, expand, target, memory) as isize;
            let Some(changed) = candidate.with(segment).measured(self.network)? else { continue };
            let cost = changed.cost;
            let saved = candidate.cost.bytes as isize - cost.bytes as isize + strip;
            self.known.insert(key, Change { expand, saved, strip, recomputed: cost.recomputed });
        }
        Ok(())
    }

    /// Pareto-optimal sets of expansions of a candidate by MACs and bytes, cheapest first, without the empty one.
    fn best(&self, candidate: &Candidate, budget: u64) -> Vec<Way> {
        let first = candidate.segment.stages[0];
        let expands = recompute::eligible(self.network.setting.graph, &candidate.segment);
        let changes =
            expands.into_iter().filter_map(|expand| self.known.get(&(expand, expand == first)));
        let mut ways = vec![Way { expands: vec![], saved: 0, strip: 0, recomputed: 0 }];
        for change in changes {
            let more: Vec<Way> = ways.iter().map(|way| way.and(change)).collect();
            ways.extend(more.into_iter().filter(|way| way.recomputed <= budget));
            ways.sort_by_key(|way| (way.recomputed, way.strip - way.saved));
            let mut least = isize::MAX;
            ways.retain(|way| {
                let better = way.strip - way.saved < least;
                least = least.min(way.strip - way.saved);
                better
            });
            ways.truncate(MOST);
        }
        ways.retain(|way| !way.expands.is_empty());
        ways
    }
}

impl Way {
    fn and(&self, change: &Change) -> Self {
        let mut expands = self.expands.clone();
        expands.push(change.expand);
        Self {
            expands,
            saved: self.saved + change.saved,
            strip: self.strip.max(change.strip),
            recomputed: self.recomputed + change.recomputed,
        }
    }
}
