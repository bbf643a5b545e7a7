//! The order of steps in which the least memory is live at once, where the graph leaves a choice.

use std::collections::BTreeMap;

use crate::choose::{Network, scratch_of};
use crate::error::Result;
use crate::ir::view::base;
use crate::ir::{Graph, NodeId};
use crate::objective::Feed;
use crate::order::{self, Budget, BufferId, Life, Op, OpId, Problem, check};
use crate::segment::Segment;

/// An order with a smaller M(G) than that of `segments`, if there is one.
pub(super) fn better(network: &Network<'_>, segments: &[Segment]) -> Result<Option<Vec<Segment>>> {
    let has_choice = |pair: &[Segment]| {
        let before = pair[0].stages.last();
        let reads = pair[1].stages.iter().flat_map(|id| network.setting.graph.operands(*id));
        !reads.into_iter().any(|(_, x)| Some(&base(network.setting.graph, x)) == before)
    };
    if !segments.windows(2).any(has_choice) {
        return Ok(None);
    }
    let (problem, ops) = problem(network, segments)?;
    let listed: Vec<OpId> = problem.ops().map(|(id, _)| id).collect();
    let found = order::solve(&problem, Budget::default());
    debug_assert!(check::check(&problem, &found).is_empty(), "the certificate holds");
    if found.peak >= check::peak(&problem, &listed) {
        return Ok(None);
    }
    let steps = found.order.iter().filter_map(|op| ops.get(op));
    Ok(Some(steps.map(|at| segments[*at].clone()).collect()))
}

/// The steps as operators with their scratch, and which operator is which step.
fn problem(
    network: &Network<'_>,
    segments: &[Segment],
) -> Result<(Problem, BTreeMap<OpId, usize>)> {
    let (graph, memory) = (network.setting.graph, network.setting.memory);
    let bytes = |id: NodeId| memory.storage.bytes_of(&graph.node(id).out);
    let (mut problem, mut ops) = (Problem::default(), BTreeMap::new());
    let mut made: BTreeMap<NodeId, OpId> = BTreeMap::new();
    for id in &graph.sources() {
        let lent = memory.feed == Feed::Arena && graph.inputs.contains(id);
        let held = if lent { bytes(*id) } else { 0 };
        let buffer = problem.add_buffer(held, Life::FromStart);
        made.insert(*id, problem.add_op(op(graph, *id, buffer, 0, vec![])));
    }
    for (at, segment) in segments.iter().enumerate() {
        let Some(last) = segment.stages.last().copied() else { continue };
        let answer = network.setting.lives_on(last);
        let life = if answer { Life::ToEnd } else { Life::Used };
        let buffer = problem.add_buffer(if answer { 0 } else { bytes(last) }, life);
        let operands = segment.stages.iter().flat_map(|id| graph.operands(*id));
        let reads = operands.filter_map(|(_, x)| made.get(&base(graph, x)).copied());
        let mut reads: Vec<OpId> = reads.collect();
        reads.sort_unstable();
        reads.dedup();
        let scratch = scratch_of(network.setting, segment)?;
        let step = problem.add_op(op(graph, last, buffer, scratch, reads));
        made.insert(last, step);
        ops.insert(step, at);
    }
    Ok((problem, ops))
}

fn op(graph: &Graph, id: NodeId, writes: BufferId, scratch: usize, reads: Vec<OpId>) -> Op {
    Op { name: graph.node(id).name.clone(), writes, scratch, reads, after: vec![] }
}
