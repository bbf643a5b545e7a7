//! Merges equal nodes (common subexpression elimination).
//!
//! ```text
//! add(relu(x), relu(x))  ->  add(y, y), y = relu(x)
//! ```
//! Nodes are equal if operator, operands and result are; constants, if their shape and every bit are.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::ir::{Graph, NodeId, Op, Values};
use crate::pass::Skips;
use crate::pass::edit::replace;

/// Merges equal nodes; the number of operators that went. Constants go uncounted.
pub fn run(graph: &mut Graph, _: &mut Skips) -> Result<usize> {
    let mut total = 0;
    let mut first_of: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
    for id in graph.order().expect("verified graphs are acyclic") {
        if matches!(graph.node(id).op, Op::Input) || !graph.contains(id) {
            continue;
        }
        let alike = first_of.entry(key(graph, id)).or_default();
        match alike.iter().find(|first| is_same(graph, **first, id)) {
            Some(first) => {
                total += usize::from(graph.constant(id).is_none());
                replace(graph, id, *first);
            }
            None => alike.push(id),
        }
    }
    Ok(total)
}

/// Equal nodes have equal keys. Constants of equal keys may still differ.
fn key(graph: &Graph, id: NodeId) -> String {
    let node = graph.node(id);
    match graph.constant(id) {
        Some(values) => format!("{} {:016x}", node.out, digest(values)),
        None => format!("{:?} {:?} {:?}", node.op, graph.operands(id), node.out),
    }
}

fn is_same(graph: &Graph, a: NodeId, b: NodeId) -> bool {
    match (graph.constant(a), graph.constant(b)) {
        (Some(a), Some(b)) => bits(a).eq(bits(b)),
        (None, None) => true,
        _ => false,
    }
}

/// FNV-1a over the bits, a number at a time.
fn digest(values: &Values) -> u64 {
    bits(values)
        .fold(0xcbf2_9ce4_8422_2325, |hash, bits| (hash ^ bits).wrapping_mul(0x0100_0000_01b3))
}

fn bits(values: &Values) -> Box<dyn Iterator<Item = u64> + '_> {
    match values {
        Values::F32(v) => Box::new(v.iter().map(|x| u64::from(x.to_bits()))),
        Values::I8(v) => Box::new(v.iter().map(|x| *x as u64)),
        Values::U8(v) => Box::new(v.iter().map(|x| u64::from(*x))),
        Values::I32(v) => Box::new(v.iter().map(|x| *x as u64)),
        Values::I64(v) => Box::new(v.iter().map(|x| *x as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Clamp;
    use crate::pass::fixture::{Net, golden, left};

    #[test]
    fn equal_branches_become_one() {
        let mut net = Net::default();
        let x = net.input(&[3]);
        let [a, b] = [(); 2].map(|()| {
            let c = net.ramp(&[3]);
            let bounded = net.clamp(x, Clamp::RELU);
            net.add(bounded, c)
        });
        let y = net.add(a, b);
        golden("merge_same", run, net.answer(&[y]));
    }

    #[test]
    fn constants_differ_by_their_bits_and_shapes() {
        let mut net = Net::default();
        let x = net.input(&[1, 1]);
        let zeros = [(&[1][..], 0.0), (&[1], -0.0), (&[1, 1], 0.0)];
        let sums = zeros.map(|(shape, zero)| {
            let c = net.floats(shape, &[zero]);
            net.add(x, c)
        });
        assert_eq!(left(run, net.answer(&sums)), "input add add add");
    }

    #[test]
    fn other_bounds_make_another_node() {
        let mut net = Net::default();
        let x = net.input(&[3]);
        let (a, b) = (net.clamp(x, Clamp::RELU), net.clamp(x, Clamp::RELU6));
        assert_eq!(left(run, net.answer(&[a, b])), "input clamp clamp");
    }
}
