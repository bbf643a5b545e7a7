//! Graph -> Schedule and Plan: the partition into segments that the user's objective asks for.
//!
//! Stretches of a run of units are lowered as they would be emitted, so what each needs and takes is known and not
//! guessed. Dynamic programming over the cuts of a run then finds the partition whose hungriest segment needs least,
//! and the fastest one in which no segment needs more than a limit. The arena that counts is the planned one.

mod order;
mod run;

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::ir::{Graph, NodeId};
use crate::objective::{Memory, Objective};
use crate::plan::{self, Budget, BufferId, Plan};
use crate::schedule::{self, Home, Schedule};
use crate::segment::{self, RowBatch, Segment};
use crate::target::Target;
use run::Run;

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
    let runs = segment::runs(graph, &units);
    let runs = runs.into_iter().map(|run| Run::new(&network, &units, run));
    let mut runs: Vec<Run> = runs.collect::<Result<_>>()?;
    let least = network.planned(runs.iter().flat_map(Run::least).collect())?;
    let limit = match memory.objective {
        Objective::Within(limit) if limit < least.plan.arena_len => {
            return Err(too_small(limit, &least));
        }
        Objective::Within(limit) => limit,
        Objective::Ram | Objective::Speed => least.plan.arena_len + least.plan.arena_len / SLACK,
    };
    runs.iter_mut().try_for_each(|run| run.hasten(&network, limit))?;
    Ok(network.fastest(&runs, limit)?.unwrap_or(least))
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
        let segments = segment::sorted(self.graph, segments)?;
        let listed = self.planned_in_order(&segments)?;
        let Some(better) = order::better(self, &segments)? else { return Ok(listed) };
        let better = self.planned_in_order(&better)?;
        Ok(if better.plan.arena_len < listed.plan.arena_len { better } else { listed })
    }

    fn planned_in_order(&self, segments: &[Segment]) -> Result<Choice> {
        let schedule = schedule::lower(self.graph, segments, self.target, self.memory)?;
        let (buffers, overlaps) = (&schedule.buffers, &schedule.overlaps);
        let mut plan = plan::solve(buffers, overlaps, Budget::default());
        plan.arena_len = plan.arena_len.next_multiple_of(ARENA_ALIGN);
        let violations = plan::check(buffers, overlaps, &plan);
        assert!(violations.is_empty(), "the plan is unsound: {violations:?}");
        Ok(Choice { schedule, plan })
    }

    /// The fastest partition whose plan keeps to `limit` bytes, if one is found.
    fn fastest(&self, runs: &[Run], limit: usize) -> Result<Option<Choice>> {
        let mut each = limit;
        for _ in 0..TRIES {
            let segments: Option<Vec<_>> = runs.iter().map(|run| run.fastest(each)).collect();
            let Some(segments) = segments else { return Ok(None) };
            let choice = self.planned(segments.concat())?;
            let beyond = choice.plan.arena_len.saturating_sub(limit);
            if beyond == 0 {
                return Ok(Some(choice));
            }
            each = each.saturating_sub(beyond);
        }
        Ok(None)
    }

    /// Bytes that live while `segment` runs, of its own and of its operands, and the cycles it takes.
    fn cost(&self, segment: &Segment, later: &BTreeSet<NodeId>) -> Result<(usize, u64)> {
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
        let bytes = sum - shared.sum::<usize>();
        Ok((bytes, schedule::time::cycles(self.graph, &alone.steps[0], self.target)))
    }
}

fn too_small(limit: usize, least: &Choice) -> Error {
    let smallest = least.plan.arena_len;
    Error::Spec(format!(
        "no plan fits {limit} bytes: the smallest arena for this network takes {smallest} bytes, which every value \
         computed once needs at least; going lower costs multiply-adds, since rows would be computed more than once, \
         and that is not offered; allow --ram {smallest}, keep the image out of the arena, or take a smaller network"
    ))
}
