//! Splits a concatenation of very many operands into concatenations of a few.
//!
//! ```text
//! concat(a, b, .. 80 operands)  ->  concat(concat(a, b, ..), concat(.., ..), concat(.., ..))
//! ```
//! A step borrows the memory of all its operands at once, and there is a bound on how much that may be.

use crate::error::Result;
use crate::ir::{Graph, NodeId, Op, Tensor};
use crate::pass::edit::replace;
use crate::pass::{Skips, fixpoint};

/// Most operands of one concatenation: half of the slots that a step may borrow, so that rows may flow through it too.
const MOST: usize = 32;

/// Splits concatenations; their number.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, |graph, id| match graph.node(id).op {
        Op::Concat(axis) => Ok(split(graph, id, axis)),
        // No other operator has more than a few operands.
        _ => Ok(false),
    }))
}

fn split(graph: &mut Graph, id: NodeId, axis: usize) -> bool {
    let operands: Vec<NodeId> = graph.operands(id).into_iter().map(|(_, x)| x).collect();
    if operands.len() <= MOST {
        return false;
    }
    let node = graph.node(id);
    let (name, out) = (node.name.clone(), node.out.clone());
    let parts: Vec<NodeId> = operands
        .chunks(MOST)
        .enumerate()
        .map(|(at, some)| {
            if let [alone] = some {
                return *alone;
            }
            let mut shape = out.shape.clone();
            shape[axis] = some.iter().map(|x| graph.node(*x).out.shape[axis]).sum();
            let part = Tensor { shape, ..out.clone() };
            graph.add(format!("{name}.part_{at}"), Op::Concat(axis), part, some)
        })
        .collect();
    let whole = graph.add(name, Op::Concat(axis), out, &parts);
    replace(graph, id, whole);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Unary;
    use crate::pass::fixture::{Net, left};

    fn wide(count: usize) -> Graph {
        let mut net = Net::default();
        let x = net.input(&[1, 2]);
        let operands: Vec<NodeId> =
            (0..count).map(|_| net.put(Op::Unary(Unary::Tanh), &[x])).collect();
        let y = net.put(Op::Concat(1), &operands);
        net.answer(&[y])
    }

    #[test]
    fn concatenations_of_a_few_stay() {
        assert_eq!(left(run, wide(MOST)).matches("concat").count(), 1);
    }

    #[test]
    fn concatenations_of_many_are_split_as_often_as_it_takes() {
        assert_eq!(left(run, wide(MOST + 1)).matches("concat").count(), 2);
        assert_eq!(left(run, wide(MOST * MOST + 1)).matches("concat").count(), 32 + 1 + 1);
    }
}
