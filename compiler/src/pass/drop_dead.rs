//! Drops dead operators, which no output of the model needs. Inputs stay: they are part of how the model is called.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::ir::{Graph, NodeId, Op};
use crate::pass::Skips;

/// Drops dead nodes; the number of operators dropped. Constants go uncounted.
pub fn run(graph: &mut Graph, _: &mut Skips) -> Result<usize> {
    let needed = needed(graph);
    let mut count = 0;
    for id in graph.ids() {
        if needed.contains(&id) || matches!(graph.node(id).op, Op::Input) {
            continue;
        }
        count += usize::from(graph.constant(id).is_none());
        graph.remove(id);
    }
    Ok(count)
}

/// The outputs and all that they are made of.
fn needed(graph: &Graph) -> BTreeSet<NodeId> {
    let mut needed = BTreeSet::new();
    let mut found: Vec<NodeId> = graph.outputs.all().iter().map(|output| output.node).collect();
    while let Some(id) = found.pop() {
        if needed.insert(id) {
            found.extend(graph.operands(id).into_iter().map(|(_, operand)| operand));
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Clamp;
    use crate::pass::fixture::{Net, golden, left};

    #[test]
    fn branches_that_end_nowhere_go() {
        let mut net = Net::default();
        let x = net.input(&[3]);
        let (y, c) = (net.clamp(x, Clamp::RELU), net.ramp(&[3]));
        let dead = net.add(x, c);
        net.clamp(dead, Clamp::RELU6);
        golden("drop_dead", run, net.answer(&[y]));
    }

    #[test]
    fn an_input_that_nobody_reads_stays() {
        let mut net = Net::default();
        let (x, _) = (net.input(&[3]), net.input(&[4]));
        let y = net.clamp(x, Clamp::RELU);
        assert_eq!(left(run, net.answer(&[y])), "input input clamp");
    }
}
