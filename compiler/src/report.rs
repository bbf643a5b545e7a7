//! Figures behind `mnv2c plan`, as data: the memory of a plan and its causes.
//!
//! M(G) is the paper's: over the best order of the operators, the most bytes that live at once, with every value whole
//! and input and output counted as the feed says. The chosen plan's is what its fullest step holds.

pub mod html;
mod levels;
mod split;
pub mod svg;
pub mod table3;

use crate::choose::{self, Choice};
use crate::error::Result;
use crate::ir::{Graph, NodeId};
use crate::model_io::ModelIo;
use crate::objective::Memory;
use crate::pass;
use crate::plan::{Buffer, BufferId, Plan, Slot};
use crate::prepare::prepare;
use crate::schedule::{Home, Schedule, Step};
use crate::segment::RowBatch;
use crate::target::Target;
use crate::{Artifact, Options};

pub use levels::Levels;

/// A plan, step by step.
#[derive(Clone, Debug)]
pub struct Report {
    /// Bytes of the arena.
    pub arena_bytes: usize,
    /// M(G) of the network in its various forms.
    pub m_g: Levels,
    /// Bytes of the arena that keep their values between calls.
    pub state_bytes: usize,
    /// Bytes that no plan of this partition can do without.
    pub lower_bound_bytes: usize,
    /// True if no plan of this partition has a smaller arena.
    pub optimal: bool,
    /// Multiply-adds of one inference that computes every value once.
    pub madds: u64,
    /// Multiply-adds of this plan over `madds`.
    pub recompute: f64,
    /// Trained numbers.
    pub params: u64,
    /// Steps, in order of execution.
    pub steps: Vec<Row>,
    /// Location of every buffer, with its live range in steps.
    pub buffers: Vec<(Buffer, Slot)>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its row batch.
    pub batch: RowBatch,
    /// Multiply-adds.
    pub madds: u64,
    /// Its multiply-adds over those of computing each value in it once.
    pub recompute: f64,
    /// Offsets of its operand and its result in the arena, if they lie there.
    pub offsets: [Option<usize>; 2],
    /// Bytes that live while it runs, shared ones once.
    pub live_bytes: usize,
    /// Bytes of its own that would live if it ran a channel at a time, operand and result whole, if it is a block.
    pub split_bytes: Option<usize>,
    /// Bytes of them in rings and in whole values that live for this step only.
    pub ring_bytes: usize,
    /// Bytes of them in which parts of rows are handed over or recomputed.
    pub scratch_bytes: usize,
    /// True if no step holds more.
    pub is_peak: bool,
    /// The buffers that live, as positions in the report's list.
    pub live: Vec<usize>,
}

/// Plans `graph` as read, and reports.
pub fn report(mut graph: Graph, target: &Target, memory: Memory) -> Result<Report> {
    let counts = (graph.total_madds(), graph.params());
    let imported = imported(&graph, memory);
    prepare(&mut graph, memory, &ModelIo::default(), |_, _, _| ())?;
    let target = &target.suited(&graph);
    let choice = choose::choose(&graph, target, memory)?;
    planned(&graph, target, memory, imported, counts, choice)
}

/// Reports what became of `graph` as read, when it was compiled.
pub fn compiled(graph: &Graph, options: &Options, artifact: &Artifact) -> Result<Report> {
    let (target, memory, facts) = (&artifact.target, options.memory, &artifact.facts);
    let imported = imported(graph, memory);
    let (schedule, plan) = (artifact.schedule.clone(), artifact.plan.clone());
    let counts = (facts.madds, facts.params);
    planned(&artifact.graph, target, memory, imported, counts, Choice { schedule, plan })
}

/// M(G) of the network as read.
fn imported(graph: &Graph, memory: Memory) -> usize {
    let mut graph = graph.clone();
    if memory.storage.half().is_some() {
        pass::lower_precision::types(&mut graph, memory);
    }
    levels::whole_values(&graph, memory)
}

fn planned(
    graph: &Graph,
    target: &Target,
    memory: Memory,
    imported: usize,
    (madds, params): (u64, u64),
    Choice { schedule, plan }: Choice,
) -> Result<Report> {
    let layerwise = levels::whole_values(graph, memory);
    let fused = levels::fused(graph, target, memory)?;
    let split = levels::split(graph, memory)?;
    let steps = rows(graph, &schedule, &plan, memory);
    let recomputed = schedule.steps.iter().map(|step| step.recomputed).sum();
    let chosen = steps.iter().map(|step| step.live_bytes).max().unwrap_or(0);
    Ok(Report {
        arena_bytes: plan.arena_len,
        m_g: Levels { imported, layerwise, split, fused, chosen },
        state_bytes: schedule.state_bytes(),
        lower_bound_bytes: plan.load.next_multiple_of(choose::ARENA_ALIGN),
        optimal: plan.optimal,
        madds,
        recompute: factor(madds, recomputed),
        params,
        steps,
        buffers: schedule.buffers.into_iter().zip(plan.slots).collect(),
    })
}

/// `once` multiply-adds with those recomputed, over `once`.
fn factor(once: u64, recomputed: u64) -> f64 {
    if recomputed == 0 { 1.0 } else { (once + recomputed) as f64 / once as f64 }
}

fn rows(graph: &Graph, schedule: &Schedule, plan: &Plan, memory: Memory) -> Vec<Row> {
    let mut rows: Vec<Row> = schedule
        .steps
        .iter()
        .enumerate()
        .zip(living(schedule))
        .map(|((at, step), live)| row(graph, schedule, plan, memory, (at, step), live))
        .collect();
    let most = rows.iter().map(|row| row.live_bytes).max();
    rows.iter_mut().for_each(|row| row.is_peak = Some(row.live_bytes) == most);
    rows
}

/// The buffers that live at each step.
fn living(schedule: &Schedule) -> Vec<Vec<usize>> {
    let mut living = vec![Vec::new(); schedule.steps.len()];
    for (id, buffer) in schedule.buffers.iter().enumerate() {
        let end = buffer.live.end.min(living.len());
        let steps = buffer.live.start.min(end)..end;
        living[steps].iter_mut().for_each(|live| live.push(id));
    }
    living
}

fn row(
    graph: &Graph,
    schedule: &Schedule,
    plan: &Plan,
    memory: Memory,
    (at, step): (usize, &Step),
    live: Vec<usize>,
) -> Row {
    let len = |id: usize| schedule.buffers[id].len;
    let own = live.iter().filter(|id| schedule.buffers[**id].live == (at..at + 1));
    let scratch = |id: &usize| {
        [".part", ".strip"].iter().any(|end| schedule.buffers[*id].name.ends_with(end))
    };
    let (parts, rings): (Vec<usize>, Vec<usize>) = own.copied().partition(scratch);
    let ends = [
        step.stages.first().and_then(|stage| stage.from.first()).map(|place| place.home),
        step.stages.last().map(|stage| stage.into.home),
    ];
    let passes = |id: &usize| ends.contains(&Some(Home::Arena(BufferId(*id))));
    let rings = rings.into_iter().filter(|id| !passes(id));
    let offset = |home: Option<Home>| match home {
        Some(Home::Arena(id)) => Some(plan.slots[id.0].offset),
        _ => None,
    };
    Row {
        name: name(graph, &step.segment.stages),
        batch: step.segment.batch,
        madds: step.madds,
        recompute: factor(step.madds - step.recomputed, step.recomputed),
        offsets: ends.map(offset),
        live_bytes: covered(live.iter().map(|id| plan.slots[*id])),
        split_bytes: split::live(graph, &step.segment.stages, memory),
        ring_bytes: rings.map(len).sum(),
        scratch_bytes: parts.into_iter().map(len).sum(),
        is_peak: false,
        live,
    }
}

fn name(graph: &Graph, stages: &[NodeId]) -> String {
    let name = |id: &NodeId| graph.node(*id).name.clone();
    match stages {
        [one] => name(one),
        [first, .., last] => format!("{} .. {}", name(first), name(last)),
        [] => String::new(),
    }
}

/// Bytes that at least one of the slots takes.
fn covered(slots: impl Iterator<Item = Slot>) -> usize {
    let mut slots: Vec<Slot> = slots.collect();
    slots.sort_by_key(|slot| slot.offset);
    let (mut bytes, mut end) = (0, 0);
    for slot in slots {
        bytes += slot.end().saturating_sub(slot.offset.max(end));
        end = end.max(slot.end());
    }
    bytes
}
