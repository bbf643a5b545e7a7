//! M(G) of a network before anything is chosen: each operator alone, then each block as one.

use std::collections::{BTreeMap, BTreeSet};

use crate::choose;
use crate::error::Result;
use crate::ir::view::{base, is_view};
use crate::ir::{Graph, NodeId, Op};
use crate::objective::{Feed, Memory};
use crate::order::{self, BufferId, Life, OpId, Problem};
use crate::report::split;
use crate::schedule::Setting;
use crate::segment;
use crate::target::Target;

/// M(G), in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Every operator of the file by itself.
    pub imported: usize,
    /// Layer by layer: normalisations, activations and sums within the convolutions before them (equation 2).
    pub layerwise: usize,
    /// Block by block, each a channel of its wide values at a time (the paper's section 5.1).
    pub split: usize,
    /// Block by block: wide values in rings.
    pub fused: usize,
    /// The chosen segments.
    pub chosen: usize,
}

/// M(G) with every value whole; input and output are counted.
pub(super) fn whole_values(graph: &Graph, memory: Memory) -> usize {
    let alone = |id: &NodeId| {
        !matches!(graph.node(*id).op, Op::Input | Op::Const(_)) && !is_view(graph, *id)
    };
    let order = graph.order().unwrap_or_default();
    let groups = order.into_iter().filter(alone).map(|id| (vec![id], 0)).collect();
    solved(graph, groups, memory, Feed::Arena)
}

/// M(G) with each block and the head as one operator, its rings counted.
pub(super) fn fused(graph: &Graph, target: &Target, memory: Memory) -> Result<usize> {
    let (units, setting) = (segment::units(graph)?, Setting::new(graph, target, memory));
    let groups: Result<Vec<_>> = units
        .into_iter()
        .map(|unit| {
            let scratch = choose::scratch(&setting, &unit)?;
            Ok((unit.stages, scratch))
        })
        .collect();
    Ok(solved(graph, groups?, memory, memory.feed))
}

/// M(G) with each block and the head as one operator, split into as many parts as it has channels.
pub(super) fn split(graph: &Graph, memory: Memory) -> Result<usize> {
    let units = segment::units(graph)?.into_iter();
    let groups = units.map(|unit| {
        let scratch = split::scratch(graph, &unit.stages, memory);
        (unit.stages, scratch.unwrap_or(0))
    });
    Ok(solved(graph, groups.collect(), memory, memory.feed))
}

/// The least peak over all orders of groups of nodes, each with bytes it needs while it runs.
fn solved(graph: &Graph, groups: Vec<(Vec<NodeId>, usize)>, memory: Memory, feed: Feed) -> usize {
    let mut problem = Problem::default();
    let bytes = |id: NodeId| memory.storage.bytes_of(&graph.node(id).out);
    let outputs = graph.outputs.all().iter();
    let answers: BTreeSet<NodeId> = outputs.map(|output| base(graph, output.node)).collect();
    let mut made: BTreeMap<NodeId, (OpId, BufferId)> = BTreeMap::new();
    // What is kept lives throughout, whoever reads or writes it.
    let kept: usize = graph.states.iter().map(|state| bytes(state.input)).sum();
    let next: BTreeSet<NodeId> =
        graph.outputs.kept().iter().map(|output| base(graph, output.node)).collect();
    for id in &graph.sources() {
        let held = if feed == Feed::Arena && graph.inputs.contains(id) { bytes(*id) } else { 0 };
        let buffer = problem.add_buffer(held, Life::FromStart);
        made.insert(*id, (problem.add_op(op("input", buffer, 0, vec![])), buffer));
    }
    for (nodes, scratch) in groups {
        let Some(last) = nodes.last().copied() else { continue };
        let answer = answers.contains(&last);
        let held = match answer && (feed != Feed::Arena || next.contains(&last)) {
            true => 0,
            false => bytes(last),
        };
        let buffer = problem.add_buffer(held, if answer { Life::ToEnd } else { Life::Used });
        let operands = nodes.iter().flat_map(|id| graph.operands(*id));
        let reads = operands.filter_map(|(_, x)| made.get(&base(graph, x)).map(|(op, _)| *op));
        let mut reads: Vec<OpId> = reads.collect();
        reads.sort_unstable();
        reads.dedup();
        let name = &graph.node(last).name;
        made.insert(last, (problem.add_op(op(name, buffer, scratch, reads)), buffer));
    }
    order::solve(&problem, order::Budget::default()).peak + kept
}

fn op(name: &str, writes: BufferId, scratch: usize, reads: Vec<OpId>) -> order::Op {
    order::Op { name: name.to_owned(), writes, scratch, reads, after: vec![] }
}
