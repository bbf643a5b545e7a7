//! Partitions of runs of units, by dynamic programming over the cuts between them.
//!
//! A partition has three costs: the bytes of its largest segment, the cycles of all, and the multiply-adds that it
//! recomputes. At each cut the best ways to it are kept for every number of those.

use std::collections::BTreeSet;

use crate::choose::Network;
use crate::error::Result;
use crate::ir::{Graph, Op};
use crate::segment::{Role, RowBatch, Segment};

/// The row batch of minimum memory.
pub(super) const MIN_MEMORY: RowBatch = RowBatch::Pixels(1);
/// Pixels that a depthwise convolution may hand over, beside one of them and a row.
const PIXELS: [usize; 2] = [4, 9];
/// Rows that may flow at once.
const BATCHES: [usize; 6] = [1, 2, 4, 7, 8, 14];

/// All links, run behind run, and candidate segments of them with their costs.
pub(super) struct Cuts {
    /// Links.
    pub(super) len: usize,
    pub(super) candidates: Vec<Candidate>,
}

/// A candidate segment: consecutive links run as one step.
#[derive(Clone)]
pub(super) struct Candidate {
    /// The first link.
    pub(super) from: usize,
    /// One past the last.
    pub(super) to: usize,
    /// The branches of the first link, if they run before and not in the segment.
    pub(super) before: Vec<Segment>,
    pub(super) segment: Segment,
    /// The run in which branches run row by row together.
    pub(super) meets: Option<usize>,
    /// The position of its last node in the order of the graph.
    pub(super) last: usize,
    pub(super) cost: Cost,
}

/// The cost of a segment or of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Bytes that live at once, at most.
    pub(super) bytes: usize,
    /// Cycles.
    pub(super) cycles: u64,
    /// Multiply-adds that are recomputed.
    pub(super) recomputed: u64,
}

/// The objective that partitions are compared by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// Bytes first.
    Bytes,
    /// Cycles first, no segment needing more than so many bytes.
    Cycles(usize),
}

/// A partition.
#[derive(Clone)]
pub(super) struct Partition {
    pub(super) cost: Cost,
    pub(super) segments: Vec<Segment>,
}

impl Cuts {
    /// Adds faster row batches of every candidate that may keep to `limit` bytes.
    pub(super) fn add_faster_batches(&mut self, network: &Network<'_>, limit: usize) -> Result<()> {
        let fits = |it: &&Candidate| it.segment.batch == MIN_MEMORY && it.cost.bytes <= limit;
        let min_memory: Vec<Candidate> = self.candidates.iter().filter(fits).cloned().collect();
        for candidate in min_memory {
            for batch in batches(network.setting.graph, &candidate.segment) {
                let segment = Segment { batch, ..candidate.segment.clone() };
                self.candidates.extend(candidate.with(segment).measured(network)?);
            }
        }
        Ok(())
    }

    /// The partition whose largest segment is smallest, recomputing at most `budget` multiply-adds.
    pub(super) fn least(&self, budget: u64) -> Partition {
        self.best(Aim::Bytes, budget).expect("each unit alone is a partition")
    }

    /// The smallest partition that runs branches separately in the runs `apart`.
    pub(super) fn least_apart(&self, budget: u64, apart: &BTreeSet<usize>) -> Partition {
        let keeps =
            |candidate: &&Candidate| candidate.meets.is_none_or(|run| !apart.contains(&run));
        let candidates = self.candidates.iter().filter(keeps).cloned().collect();
        Self { candidates, ..*self }.least(budget)
    }

    /// The runs in which branches may run together.
    pub(super) fn runs_that_meet(&self) -> BTreeSet<usize> {
        self.candidates.iter().filter_map(|candidate| candidate.meets).collect()
    }

    /// The best partition that recomputes at most `budget` multiply-adds, if there is one.
    pub(super) fn best(&self, aim: Aim, budget: u64) -> Option<Partition> {
        self.front(aim, budget).pop()
    }

    /// The Pareto front of partitions by recomputed multiply-adds, up to `budget`: each is better than those before it.
    pub(super) fn front(&self, aim: Aim, budget: u64) -> Vec<Partition> {
        let mut ending: Vec<Vec<&Candidate>> = vec![Vec::new(); self.len + 1];
        self.candidates.iter().for_each(|candidate| ending[candidate.to].push(candidate));
        let mut ways: Vec<Vec<Way<'_>>> = vec![vec![Way { cost: Cost::default(), last: None }]];
        for mut candidates in ending.into_iter().skip(1) {
            // Short candidates first: of equal partitions the one of more and simpler steps is kept.
            candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.from));
            let mut found: Vec<Way<'_>> = Vec::new();
            for candidate in candidates {
                let before = ways[candidate.from].iter().enumerate();
                let ways = before.map(|(at, way)| Way {
                    cost: way.cost.followed_by(candidate.cost),
                    last: Some((candidate, at)),
                });
                found.extend(
                    ways.filter(|way| aim.allows(way.cost) && way.cost.recomputed <= budget),
                );
            }
            ways.push(undominated(found, aim));
        }
        let partition = |way: &Way<'_>| {
            let (mut segments, mut last) = (Vec::new(), way.last);
            while let Some((candidate, at)) = last {
                segments.push(candidate.segment.clone());
                segments.extend(candidate.before.iter().rev().cloned());
                last = ways[candidate.from][at].last;
            }
            segments.reverse();
            Partition { cost: way.cost, segments }
        };
        ways[self.len].iter().map(partition).collect()
    }
}

/// A way to a cut.
#[derive(Clone)]
struct Way<'a> {
    cost: Cost,
    /// The candidate that ends there, and which way it follows.
    last: Option<(&'a Candidate, usize)>,
}

/// The ways that none dominates that recomputes no more.
fn undominated(mut ways: Vec<Way<'_>>, aim: Aim) -> Vec<Way<'_>> {
    ways.sort_by_key(|way| (way.cost.recomputed, aim.rank(way.cost)));
    let mut best = None;
    ways.retain(|way| {
        let rank = aim.rank(way.cost);
        let better = best.is_none_or(|best| rank.0 < best);
        if better {
            best = Some(rank.0);
        }
        better
    });
    ways
}

impl Aim {
    fn allows(self, cost: Cost) -> bool {
        match self {
            Self::Bytes => true,
            Self::Cycles(limit) => cost.bytes <= limit,
        }
    }

    fn rank(self, cost: Cost) -> (u64, u64) {
        match self {
            Self::Bytes => (cost.bytes as u64, cost.cycles),
            Self::Cycles(_) => (cost.cycles, cost.bytes as u64),
        }
    }
}

impl Cost {
    pub(super) fn followed_by(self, next: Self) -> Self {
        Self {
            bytes: self.bytes.max(next.bytes),
            cycles: self.cycles + next.cycles,
            recomputed: self.recomputed + next.recomputed,
        }
    }
}

impl Candidate {
    /// These links as another segment, its cost unknown.
    pub(super) fn with(&self, segment: Segment) -> Self {
        Self { segment, cost: Cost::default(), ..self.clone() }
    }

    /// This candidate with its cost measured; nothing where it cannot run.
    pub(super) fn measured(self, network: &Network<'_>) -> Result<Option<Self>> {
        let segments = [self.before.as_slice(), std::slice::from_ref(&self.segment)].concat();
        let cost = network.cost(&segments, self.last)?;
        Ok(cost.map(|cost| Self { cost, ..self }))
    }
}

/// The row batches worth a try where some pixels of a row fit. Long candidates hold too many rings for large ones,
/// and recomputed rows are handed over by pixels.
fn batches(graph: &Graph, segment: &Segment) -> Vec<RowBatch> {
    let last = segment.stages[segment.stages.len() - 1];
    let streamed = match (&graph.node(last).op, graph.operand(last, 0)) {
        (Op::Reduce(_), Some(pooled)) => pooled,
        // What makes rows of its own is streamed over them.
        _ => last,
    };
    let height = graph.node(streamed).out.nchw().map_or(1, |[_, _, h, _]| h);
    let most = match segment.role {
        _ if !segment.recompute.is_empty() => 0,
        Role::Blocks(..) | Role::Chain => height.div_ceil(4),
        Role::Block(_) | Role::Head | Role::Single | Role::Copy => height.max(2) - 1,
    };
    let rows = BATCHES.into_iter().filter(|rows| *rows <= most).map(RowBatch::Rows);
    PIXELS.into_iter().map(RowBatch::Pixels).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Candidates over at most five links, each link alone among them, of costs that often tie.
    fn drawn(random: &mut Random) -> Cuts {
        let len = 1 + random.below(5);
        let ranges = (0..len).flat_map(|from| (from + 1..=len).map(move |to| (from, to)));
        let mut candidates = Vec::new();
        for (from, to) in ranges {
            for _ in 0..usize::from(to == from + 1) + random.below(3) {
                candidates.push(candidate(from, to, random));
            }
        }
        Cuts { len, candidates }
    }

    fn candidate(from: usize, to: usize, random: &mut Random) -> Candidate {
        let (bytes, cycles) = (1 + random.below(6), 1 + random.below(6) as u64);
        let cost = Cost { bytes, cycles, recomputed: random.below(4) as u64 };
        let (stages, recompute) = (vec![], vec![]);
        let segment = Segment { role: Role::Single, stages, batch: MIN_MEMORY, recompute };
        Candidate { from, to, before: vec![], segment, meets: None, last: to, cost }
    }

    /// The costs of all partitions of the links from `from` on.
    fn all(cuts: &Cuts, from: usize) -> Vec<Cost> {
        if from == cuts.len {
            return vec![Cost::default()];
        }
        let starting = cuts.candidates.iter().filter(|candidate| candidate.from == from);
        let costs = starting.flat_map(|candidate| {
            all(cuts, candidate.to).into_iter().map(|rest| candidate.cost.followed_by(rest))
        });
        costs.collect()
    }

    #[test]
    fn the_best_partition_is_that_of_brute_force() {
        let mut random = Random::new(1);
        for _ in 0..2_000 {
            let cuts = drawn(&mut random);
            let (budget, limit) = (random.below(9) as u64, 1 + random.below(6));
            for aim in [Aim::Bytes, Aim::Cycles(limit)] {
                let allowed = |cost: &Cost| aim.allows(*cost) && cost.recomputed <= budget;
                let costs = all(&cuts, 0).into_iter().filter(allowed);
                let least = costs.map(|cost| aim.rank(cost).0).min();
                let found = cuts.best(aim, budget).map(|best| aim.rank(best.cost).0);
                assert_eq!(found, least, "budget {budget}, limit {limit}");
            }
        }
    }

    #[test]
    fn each_partition_of_the_front_recomputes_more_and_takes_less() {
        let mut random = Random::new(2);
        for _ in 0..500 {
            let front = drawn(&mut random).front(Aim::Bytes, u64::MAX);
            let costs: Vec<Cost> = front.iter().map(|partition| partition.cost).collect();
            let falls = |pair: &[Cost]| {
                pair[0].recomputed < pair[1].recomputed && pair[0].bytes > pair[1].bytes
            };
            assert!(costs.windows(2).all(falls), "{costs:?}");
        }
    }

    #[test]
    fn branches_that_have_to_run_apart_do() {
        let mut random = Random::new(3);
        let alone = candidate(0, 1, &mut random);
        let mut together = Candidate { meets: Some(0), ..alone.clone() };
        together.cost.bytes = alone.cost.bytes - 1;
        let cuts = Cuts { len: 1, candidates: vec![alone.clone(), together.clone()] };
        let bytes = |partition: Partition| partition.cost.bytes;
        assert_eq!(cuts.runs_that_meet(), BTreeSet::from([0]));
        assert_eq!(bytes(cuts.least(u64::MAX)), together.cost.bytes);
        assert_eq!(bytes(cuts.least_apart(u64::MAX, &BTreeSet::from([0]))), alone.cost.bytes);
    }
}
