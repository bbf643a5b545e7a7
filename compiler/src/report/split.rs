//! The paper's way to run a block in little memory (section 5.1): a part of its wide channels after the other.
//!
//! Operand and result are whole, the result holds the sums of all parts, and in between lie one part's channels: of one
//! channel each where the block is split as finely as can be, which is what is counted here. Rings hold rows of all
//! channels instead, and let a result take the memory of an operand that dies.

use crate::ir::{Graph, NodeId, Op};
use crate::objective::Memory;
use crate::schedule::SUM_BYTES;

/// Bytes beside operand and result that a block needs so; nothing for what is no single block.
pub(super) fn scratch(graph: &Graph, stages: &[NodeId], memory: Memory) -> Option<usize> {
    let (last, inside) = stages.split_last()?;
    let bytes =
        memory.storage.bytes_of(&graph.node(*last).out) / graph.node(*last).out.len().max(1);
    let per_channel = |id: &NodeId| graph.node(*id).out.nchw().map(|[_, _, h, w]| h * w * bytes);
    let channels: Option<Vec<usize>> = inside.iter().map(per_channel).collect();
    let channels: usize = channels.filter(|_| is_block(graph, stages))?.into_iter().sum();
    let sums = match graph.node(*last).op {
        Op::Conv(_) => graph.node(*last).out.len() * (SUM_BYTES - bytes),
        // Other stages need no sums in memory.
        _ => 0,
    };
    Some(channels + sums)
}

/// Live bytes of the split block with operand and result.
pub(super) fn live(graph: &Graph, stages: &[NodeId], memory: Memory) -> Option<usize> {
    let len = |id: NodeId| memory.storage.bytes_of(&graph.node(id).out);
    let ends = graph.operand(*stages.first()?, 0).map_or(0, len) + len(*stages.last()?);
    Some(ends + scratch(graph, stages, memory)?)
}

/// True if channels stay apart inside: one stage makes them, others keep each by itself, and one may sum them up.
fn is_block(graph: &Graph, stages: &[NodeId]) -> bool {
    let apart = |id: &NodeId| match &graph.node(*id).op {
        Op::Conv(conv) => Some(conv.group) == graph.node(*id).out.shape.get(1).copied(),
        Op::Reduce(_) => true,
        // Other operators are no part of a block.
        _ => false,
    };
    match stages {
        [_, middle @ .., _] if !middle.is_empty() => middle.iter().all(apart),
        [_, last] => apart(last),
        _ => false,
    }
}
