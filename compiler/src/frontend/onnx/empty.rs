//! Values without elements, which slices at the end and parts of size 0 make: nothing else in the compiler knows them.
//!
//! A concatenation leaves them out when it is read. What is still read then has no meaning that a kernel could give it.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::ir::{Graph, NodeId, Op};

/// The operands that a node of `op` reads: of a concatenation those with elements, if there are any.
pub(super) fn left_out(graph: &Graph, op: &Op, operands: &[NodeId]) -> Vec<NodeId> {
    let has_elements = |id: &NodeId| !graph.node(*id).out.is_empty();
    let full: Vec<NodeId> = operands.iter().copied().filter(has_elements).collect();
    if matches!(op, Op::Concat(_)) && !full.is_empty() { full } else { operands.to_vec() }
}

/// Forgets values without elements that no output needs, and refuses those that one does.
pub(super) fn drop_unneeded(graph: &mut Graph) -> Result<()> {
    let needed = needed(graph);
    let is_empty = |graph: &Graph, id: NodeId| graph.node(id).out.is_empty();
    let empty: Vec<NodeId> = graph.ids().into_iter().filter(|id| is_empty(graph, *id)).collect();
    let mut obstacles = Vec::new();
    for id in empty {
        let node = graph.node(id);
        let told = |id: NodeId| is_empty(graph, id) && graph.constant(id).is_none();
        let first = graph.operands(id).iter().all(|(_, operand)| !told(*operand));
        let is_kept = matches!(node.op, Op::Input) || graph.is_output(id);
        let is_computed = needed.contains(&id) && graph.constant(id).is_none();
        if is_kept || is_computed {
            let (op, name, out) = (node.op.name(), &node.name, &node.out);
            let what = format!("{op} {name:?}: {out} has no element; leave it out of the model");
            obstacles.extend(first.then_some(what));
        } else if !needed.contains(&id) {
            graph.remove(id);
        }
    }
    if obstacles.is_empty() { Ok(()) } else { Err(Error::unsupported(obstacles)) }
}

/// The outputs and all that they are made of.
fn needed(graph: &Graph) -> BTreeSet<NodeId> {
    let mut needed = BTreeSet::new();
    let mut found: Vec<NodeId> = graph.outputs.iter().map(|output| output.node).collect();
    while let Some(id) = found.pop() {
        if needed.insert(id) {
            found.extend(graph.operands(id).into_iter().map(|(_, operand)| operand));
        }
    }
    needed
}
