//! Graph -> Schedule and Plan: the partition into segments that the user's objective asks for.
//!
//! Stretches of a run of units are lowered as they would be emitted, so what each needs and takes is known and not
//! guessed. Dynamic programming over the cuts of a run then finds the partition whose hungriest segment needs least,
//! and the fastest one in which no segment needs more than a limit. The arena that counts is the planned one.

mod anew;
mod cuts;
mod order;
mod price;

use std::collections::BTreeSet;

use crate::error::Result;
use crate::ir::{Graph, NodeId};
use crate::objective::{Memory, Objective};
use crate::plan::{self, Budget, BufferId, Plan};
use crate::schedule::{self, Home, Schedule};
use crate::segment::{self, RowBatch, Segment};
use crate::target::Target;
use cuts::{Aim, Cost, Cuts, Partition};

/// Bytes of which an arena is a multiple: its own alignment.
pub const ARENA_ALIGN: usize = 64;
/// The part of the smallest arena that may be spent on speed: a pixel at a time is slow, a few bytes more are not.
const SLACK: usize = 256;
/// How often a limit is lowered because the offsets of a partition left gaps.
const TRIES: usize = 4;

/// A partition, lowered and planned.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What runs.
    pub schedule: Schedule,
    /// Where every buffer lies.
    pub plan: Plan,
}

/// The best partition of `graph` for `memory`.
pub fn choose(graph: &Graph, target: &Target, memory: Memory) -> Result<Choice> {
    let units = segment::units(graph)?;
    let network = Network { graph, target, memory };
    let fast: Vec<Segment> =
        units.iter().map(|unit| segment::fastest(graph, unit, target)).collect();
    if memory.objective == Objective::Speed {
        return network.planned(fast);
    }
    if let Objective::Within(limit) = memory.objective {
        let fast = network.planned(fast)?;
        if fast.plan.arena_len <= limit {
            return Ok(fast);
        }
    }
    let budget = memory.recompute.budget(graph.total_madds());
    let mut cuts = Cuts::new(&network, &units)?;
    if budget > 0 {
        let bytes = cuts.least(0).cost.bytes;
        cuts.repeat(&network, budget, bytes)?;
    }
    let least = network.planned(cuts.least(budget).segments)?;
    let limit = match memory.objective {
        Objective::Within(limit) if limit < least.plan.arena_len => {
            return Err(price::too_small(&network, cuts, limit, &least)?);
        }
        Objective::Within(limit) => limit,
        Objective::Ram | Objective::Speed => least.plan.arena_len + least.plan.arena_len / SLACK,
    };
    cuts.hasten(&network, limit)?;
    Ok(network.fastest(&cuts, limit, budget)?.unwrap_or(least))
}

/// Bytes that `unit` needs beside its operands and its result when rows flow through it.
pub fn scratch(graph: &Graph, unit: &Segment, target: &Target, memory: Memory) -> Result<usize> {
    let rows = segment::joined(graph, std::slice::from_ref(unit), &[0], RowBatch::Rows(1));
    scratch_of(graph, rows.as_ref().unwrap_or(unit), target, memory)
}

/// Bytes that `unit` needs beside its operands and its result.
fn scratch_of(graph: &Graph, unit: &Segment, target: &Target, memory: Memory) -> Result<usize> {
    let alone = schedule::lower_alone(graph, unit, &BTreeSet::new(), target, memory)?;
    let step = &alone.steps[0];
    let ends = [
        step.stages.first().and_then(|stage| stage.from.first()).map(|place| place.home),
        step.stages.last().map(|stage| stage.into.home),
    ];
    let inner =
        (0..alone.buffers.len()).filter(|id| !ends.contains(&Some(Home::Arena(BufferId(*id)))));
    Ok(inner.map(|id| alone.buffers[id].len).sum())
}

/// What partitions are made of.
struct Network<'a> {
    graph: &'a Graph,
    target: &'a Target,
    memory: Memory,
}

impl Network<'_> {
    /// The plan of a partition, in the better of the file's order and the one of least M(G).
    fn planned(&self, segments: Vec<Segment>) -> Result<Choice> {
        self.planned_within(segments, Budget::default())
    }

    fn planned_within(&self, segments: Vec<Segment>, budget: Budget) -> Result<Choice> {
        let segments = segment::sorted(self.graph, segments)?;
        let listed = self.planned_in_order(&segments, budget)?;
        let Some(better) = order::better(self, &segments)? else { return Ok(listed) };
        let better = self.planned_in_order(&better, budget)?;
        Ok(if better.plan.arena_len < listed.plan.arena_len { better } else { listed })
    }

    fn planned_in_order(&self, segments: &[Segment], budget: Budget) -> Result<Choice> {
        let schedule = schedule::lower(self.graph, segments, self.target, self.memory)?;
        let (buffers, overlaps) = (&schedule.buffers, &schedule.overlaps);
        let mut plan = plan::solve(buffers, overlaps, budget);
        plan.arena_len = plan.arena_len.next_multiple_of(ARENA_ALIGN);
        let violations = plan::check(buffers, overlaps, &plan);
        assert!(violations.is_empty(), "the plan is unsound: {violations:?}");
        Ok(Choice { schedule, plan })
    }

    /// The fastest partition whose plan keeps to `limit` bytes and repeats at most `budget` multiply-adds, if one is
    /// found.
    fn fastest(&self, cuts: &Cuts, limit: usize, budget: u64) -> Result<Option<Choice>> {
        let mut each = limit;
        for _ in 0..TRIES {
            let Some(Partition { segments, .. }) = cuts.best(Aim::Cycles(each), budget) else {
                return Ok(None);
            };
            let choice = self.planned(segments)?;
            let beyond = choice.plan.arena_len.saturating_sub(limit);
            if beyond == 0 {
                return Ok(Some(choice));
            }
            each = each.saturating_sub(beyond);
        }
        Ok(None)
    }

    /// What `segment` costs; its bytes are its own and those of its operands.
    fn cost(&self, segment: &Segment, later: &BTreeSet<NodeId>) -> Result<Cost> {
        let alone = schedule::lower_alone(self.graph, segment, later, self.target, self.memory)?;
        let live = |buffer: &&plan::Buffer| !buffer.live.is_empty();
        let aligned = |buffer: &plan::Buffer| buffer.len.next_multiple_of(buffer.align.max(1));
        let sum: usize = alone.buffers.iter().filter(live).map(aligned).sum();
        let shared = alone.overlaps.iter().map(|overlap| {
            let [dying, growing] =
                [overlap.dying, overlap.growing].map(|id| aligned(&alone.buffers[id.0]));
            let align = self.memory.storage.align();
            let both = growing.max(dying + overlap.ahead.next_multiple_of(align));
            (dying + growing).saturating_sub(both)
        });
        let (bytes, step) = (sum - shared.sum::<usize>(), &alone.steps[0]);
        let cycles = schedule::time::cycles(self.graph, step, self.target);
        Ok(Cost { bytes, cycles, again: step.again })
    }
}
