//! Graph -> Schedule and Plan: the partition into segments that the user's objective asks for.
//!
//! Candidates of a run of units are lowered as they would be emitted, so what each needs and takes is known and not
//! guessed. Dynamic programming over the cuts of a run then finds the partition whose hungriest segment needs least,
//! and the fastest one in which no segment needs more than a limit. The arena that counts is the planned one.

mod cuts;
mod measure;
mod order;
mod price;
mod recompute;

use std::collections::BTreeSet;

use mnv2c_runtime::blob::MOST_SLOTS;

use crate::error::Result;
use crate::ir::Graph;
use crate::objective::{Memory, Objective};
use crate::plan::{self, Budget, Plan};
use crate::schedule::{self, Home, Results, Schedule, Setting};
use crate::segment::{self, RowBatch, Segment};
use crate::target::Target;
use cuts::{Aim, Cost, Cuts, Partition};
use measure::Measure;

/// Bytes of which an arena is a multiple: its own alignment.
pub const ARENA_ALIGN: usize = 64;
/// The part of the smallest arena that may be spent on speed: a pixel at a time is slow, a few bytes more are not.
const SLACK: usize = 256;
/// Retries with a lower limit where the offsets of a partition leave gaps.
const TRIES: usize = 4;

/// A partition, lowered and planned.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The schedule.
    pub schedule: Schedule,
    /// Offsets of every buffer.
    pub plan: Plan,
}

/// The best partition of `graph` for `memory`. What no kernel does is refused before anything is lowered, and so with
/// the same words whatever is chosen for.
pub fn choose(graph: &Graph, target: &Target, memory: Memory) -> Result<Choice> {
    schedule::support::check(graph, memory)?;
    let units = segment::units(graph)?;
    let padded = Setting::new(graph, target, memory);
    let network = Network { setting: &padded };
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
    let small = network.smallest(&units, budget)?;
    if let Objective::Within(limit) = memory.objective
        && small.least.plan.arena_len <= limit
    {
        return network.fast_enough(small, limit, budget);
    }
    let dense = padded.clone().with(Results::Dense);
    let denser = Network { setting: &dense };
    let smaller = denser.smallest(&units, budget)?;
    let (network, small) = if smaller.least.plan.arena_len < small.least.plan.arena_len {
        (denser, smaller)
    } else {
        (network, small)
    };
    let smallest = small.least.plan.arena_len;
    let limit = match memory.objective {
        Objective::Within(limit) if limit < smallest => {
            return Err(price::too_small(&network, small.cuts, limit, &small.least)?);
        }
        Objective::Within(limit) => limit,
        Objective::Ram | Objective::Speed => smallest + smallest / SLACK,
    };
    network.fast_enough(small, limit, budget)
}

/// The partitions of a network, and the plan of least memory among them.
struct Small {
    cuts: Cuts,
    least: Choice,
}

/// Bytes that `unit` needs beside its operands and its result when rows flow through it.
pub fn scratch(setting: &Setting<'_>, unit: &Segment) -> Result<usize> {
    let rows = segment::joined(setting.graph, &[unit], RowBatch::Rows(1));
    scratch_of(setting, rows.as_ref().unwrap_or(unit))
}

/// Bytes that `unit` needs beside its operands and its result.
fn scratch_of(setting: &Setting<'_>, unit: &Segment) -> Result<usize> {
    let alone = schedule::lower_alone(setting, std::slice::from_ref(unit), usize::MAX)?;
    let step = &alone.steps[0];
    let result = step.stages.last().map(|stage| stage.into.home);
    let inner: BTreeSet<Home> = step.stages.iter().map(|stage| stage.into.home).collect();
    let inner = inner.into_iter().filter(|home| Some(*home) != result);
    let len = |home| if let Home::Arena(id) = home { alone.buffers[id.0].len } else { 0 };
    Ok(inner.map(len).sum())
}

/// The network that partitions are made of.
struct Network<'a> {
    setting: &'a Setting<'a>,
}

impl Network<'_> {
    /// The plan of a partition, in the better of the file's order and the one of least M(G).
    fn planned(&self, segments: Vec<Segment>) -> Result<Choice> {
        self.planned_within(segments, Budget::default())
    }

    fn planned_within(&self, segments: Vec<Segment>, budget: Budget) -> Result<Choice> {
        let segments = segment::sorted(self.setting.graph, segments)?;
        let listed = self.planned_in_order(&segments, budget)?;
        let Some(better) = order::better(self, &segments)? else { return Ok(listed) };
        let better = self.planned_in_order(&better, budget)?;
        Ok(if better.plan.arena_len < listed.plan.arena_len { better } else { listed })
    }

    fn planned_in_order(&self, segments: &[Segment], budget: Budget) -> Result<Choice> {
        let schedule = schedule::lower(self.setting, segments)?;
        let (buffers, overlaps) = (&schedule.buffers, &schedule.overlaps);
        let mut plan = plan::solve(buffers, overlaps, budget);
        plan.arena_len = plan.arena_len.next_multiple_of(ARENA_ALIGN);
        let mut violations = plan::check(buffers, overlaps, &plan);
        violations.extend(plan::check_uses(buffers, &schedule.uses()));
        assert!(violations.is_empty(), "the plan is unsound: {violations:?}");
        Ok(Choice { schedule, plan })
    }

    /// The partitions of `units`, values recomputed where that pays and `budget` allows it, and the smallest plan.
    fn smallest(&self, units: &[Segment], budget: u64) -> Result<Small> {
        let mut cuts = Measure::new(self, units).all()?;
        if budget > 0 {
            let bytes = cuts.least(0).cost.bytes;
            recompute::repeat(self, &mut cuts, budget, bytes)?;
        }
        let least = self.least(&cuts, budget)?;
        Ok(Small { cuts, least })
    }

    /// The fastest plan within `limit` bytes, which `small` keeps to.
    fn fast_enough(&self, small: Small, limit: usize, budget: u64) -> Result<Choice> {
        let Small { mut cuts, least } = small;
        cuts.add_faster_batches(self, limit)?;
        Ok(self.fastest(&cuts, limit, budget)?.unwrap_or(least))
    }

    /// The plan of least memory that is found: branches run together where that makes the whole smaller.
    fn least(&self, cuts: &Cuts, budget: u64) -> Result<Choice> {
        let mut least = self.planned(cuts.least(budget).segments)?;
        let mut apart = BTreeSet::new();
        for run in cuts.runs_that_meet() {
            apart.insert(run);
            let other = self.planned(cuts.least_apart(budget, &apart).segments)?;
            if other.plan.arena_len < least.plan.arena_len {
                least = other;
            } else {
                apart.remove(&run);
            }
        }
        Ok(least)
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

    /// The cost of `segments`, one after the other; their bytes are their own and those of their operands. Nothing
    /// where one has more values than can be lent at once. Values read behind the position `last` live on.
    fn cost(&self, segments: &[Segment], last: usize) -> Result<Option<Cost>> {
        let alone = schedule::lower_alone(self.setting, segments, last)?;
        if alone.steps.iter().any(|step| step.homes().len() > MOST_SLOTS) {
            return Ok(None);
        }
        let costs = alone.steps.iter().enumerate().map(|(at, step)| Cost {
            bytes: self.live_bytes(&alone, at),
            cycles: schedule::time::cycles(self.setting.graph, step, self.setting.target),
            recomputed: step.recomputed,
        });
        Ok(Some(costs.fold(Cost::default(), Cost::followed_by)))
    }

    /// Bytes of the buffers that live at `step`, what overlaps counted once.
    fn live_bytes(&self, schedule: &Schedule, step: usize) -> usize {
        let live = |buffer: &&plan::Buffer| buffer.live.contains(&step);
        let aligned = |buffer: &plan::Buffer| buffer.len.next_multiple_of(buffer.align.max(1));
        let sum: usize = schedule.buffers.iter().filter(live).map(aligned).sum();
        let here = |overlap: &&plan::Overlap| {
            schedule.buffers[overlap.growing.0].live.start == step
                && schedule.buffers[overlap.dying.0].live.end == step + 1
        };
        let shared = schedule.overlaps.iter().filter(here).map(|overlap| {
            let [dying, growing] =
                [overlap.dying, overlap.growing].map(|id| aligned(&schedule.buffers[id.0]));
            let align = self.setting.target.align.of(self.setting.memory.storage);
            let both = growing.max(dying + overlap.ahead.next_multiple_of(align));
            (dying + growing).saturating_sub(both)
        });
        sum - shared.sum::<usize>()
    }
}
