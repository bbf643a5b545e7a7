//! Which expansions of a stretch are best computed anew, by the bytes that saves and the multiply-adds it costs.
//!
//! What one of them saves hardly depends on the others, so it is measured once where its block begins a segment and
//! once where it does not; of all their sums, the best are then measured themselves.

use std::collections::BTreeMap;

use crate::choose::Network;
use crate::choose::cuts::{Cuts, Stretch, THRIFTY};
use crate::error::Result;
use crate::ir::NodeId;
use crate::schedule::{Setting, anew};
use crate::segment::Segment;

/// Ways that are kept of a stretch, at most.
const MOST: usize = 64;

/// What computing one expansion anew changes.
#[derive(Clone, Copy)]
struct Change {
    expand: NodeId,
    /// Bytes of rings that are saved.
    saved: isize,
    /// Bytes of its strip, which expansions of a segment share.
    strip: isize,
    /// Multiply-adds done again.
    again: u64,
}

/// Some expansions computed anew.
#[derive(Clone)]
struct Way {
    expands: Vec<NodeId>,
    saved: isize,
    strip: isize,
    again: u64,
}

/// Adds to `cuts` the stretches in which expansions are computed anew, `budget` multiply-adds in all at most, where that
/// may bring them below `limit` bytes.
pub(super) fn repeat(
    network: &Network<'_>,
    cuts: &mut Cuts,
    budget: u64,
    limit: usize,
) -> Result<()> {
    let ways = ways(network, cuts, budget, limit)?;
    cuts.stretches.extend(ways);
    Ok(())
}

/// The stretches of `cuts` with those expansions computed anew that save most, for every number of multiply-adds up to
/// `budget`, where they need at most `limit` bytes.
fn ways(network: &Network<'_>, cuts: &Cuts, budget: u64, limit: usize) -> Result<Vec<Stretch>> {
    let thrifty = || cuts.stretches.iter().filter(|it| it.segment.batch == THRIFTY);
    let mut changes = Changes { network, known: BTreeMap::new() };
    // The shortest stretches are those that changes are measured in.
    for len in 1..=2 {
        for stretch in thrifty().filter(|it| it.to - it.from == len) {
            changes.measure(stretch)?;
        }
    }
    let mut found = Vec::new();
    for stretch in thrifty() {
        for way in changes.best(stretch, budget) {
            let bytes = stretch.cost.bytes as isize - way.saved + way.strip;
            if bytes <= limit as isize {
                let segment = Segment { anew: way.expands, ..stretch.segment.clone() };
                found.extend(stretch.with(segment).measured(network)?);
            }
        }
    }
    Ok(found)
}

/// Changes that were measured, by the expansion and whether it begins its segment.
struct Changes<'a> {
    network: &'a Network<'a>,
    known: BTreeMap<(NodeId, bool), Change>,
}

impl Changes<'_> {
    /// Measures each expansion of a short stretch by itself.
    fn measure(&mut self, stretch: &Stretch) -> Result<()> {
        for expand in anew::candidates(self.network.setting.graph, &stretch.segment) {
            let key = (expand, stretch.segment.stages[0] == expand);
            if self.known.contains_key(&key) {
                continue;
            }
            let segment = Segment { anew: vec![expand], ..stretch.segment.clone() };
            let Setting { graph, target, memory, .. } = *self.network.setting;
            let strip = anew::strip_bytes(graph, expand, target, memory) as isize;
            let Some(changed) = stretch.with(segment).measured(self.network)? else { continue };
            let cost = changed.cost;
            let saved = stretch.cost.bytes as isize - cost.bytes as isize + strip;
            self.known.insert(key, Change { expand, saved, strip, again: cost.again });
        }
        Ok(())
    }

    /// The ways of a stretch that are worth their multiply-adds, cheapest first, but for the one that does nothing.
    fn best(&self, stretch: &Stretch, budget: u64) -> Vec<Way> {
        let first = stretch.segment.stages[0];
        let expands = anew::candidates(self.network.setting.graph, &stretch.segment);
        let changes =
            expands.into_iter().filter_map(|expand| self.known.get(&(expand, expand == first)));
        let mut ways = vec![Way { expands: vec![], saved: 0, strip: 0, again: 0 }];
        for change in changes {
            let more: Vec<Way> = ways.iter().map(|way| way.and(change)).collect();
            ways.extend(more.into_iter().filter(|way| way.again <= budget));
            ways.sort_by_key(|way| (way.again, way.strip - way.saved));
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
            again: self.again + change.again,
        }
    }
}
