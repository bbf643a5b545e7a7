//! Folds constants: computes operators that depend on no input.
//!
//! ```text
//! transpose(const) -> const          add(const, const) -> const
//! ```
//! A result far larger than its operands stays an operator, so that no small file becomes a large program.

use std::cell::Cell;

use crate::error::Result;
use crate::interp::{self, Array};
use crate::ir::{Graph, NodeId, Op, Values};
use crate::pass::edit::replace;
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Elements that a result may have, however few its operands have.
const SMALL_LEN: usize = 1 << 12;

/// Elements that folding may make beyond as many as there are before.
const SPARE_LEN: usize = 1 << 20;

/// Multiplications or comparisons that one result may cost the compiler.
const MAX_WORK: u64 = 1 << 28;

/// Folds constants; the number of operators folded.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    let ids = graph.ids().into_iter();
    let present: usize = ids.filter_map(|id| graph.constant(id)).map(Values::len).sum();
    let left = Cell::new(present + SPARE_LEN);
    Ok(fixpoint(graph, skips, |graph, id| fold(graph, id, &left)))
}

fn fold(graph: &mut Graph, id: NodeId, left: &Cell<usize>) -> Attempt {
    let Some(operands) = constants(graph, id) else {
        return Ok(false);
    };
    if matches!(graph.node(id).op, Op::Integers(_)) {
        return Err(Skip::new(graph, id, "constants lie as floats until they are given"));
    }
    let len = graph.node(id).out.len();
    let operands_len: usize = operands.iter().map(|array| array.values.len()).sum();
    if len > operands_len.max(SMALL_LEN) {
        let reason = format!("its {len} elements would be made of {operands_len}");
        return Err(Skip::new(graph, id, reason));
    }
    if len > left.get() {
        return Err(Skip::new(graph, id, "the constants before it have grown too large"));
    }
    if graph.work(id) > MAX_WORK {
        return Err(Skip::new(graph, id, "it takes too long to compute"));
    }
    let result = interp::eval(graph, id, &operands.iter().collect::<Vec<_>>());
    let folded = result.map_err(|error| Skip::new(graph, id, error.to_string()))?;
    left.set(left.get() - len);
    let name = graph.node(id).name.clone();
    let constant = graph.add_const(name, folded.shape, folded.values);
    replace(graph, id, constant);
    Ok(true)
}

/// All operands, if there are any and each is a constant.
fn constants(graph: &Graph, id: NodeId) -> Option<Vec<Array>> {
    let ids = graph.operands(id);
    if ids.is_empty() || ids.iter().any(|(_, operand)| graph.constant(*operand).is_none()) {
        return None;
    }
    let array = |operand: NodeId| {
        Some(Array {
            shape: graph.node(operand).out.shape.clone(),
            values: graph.constant(operand)?.clone(),
        })
    };
    ids.into_iter().map(|(_, operand)| array(operand)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Pool, PoolKind, Tensor, Unary};
    use crate::pass::fixture::{Net, golden, refusals};

    #[test]
    fn arithmetic_on_constants_becomes_a_constant() {
        let mut net = Net::default();
        let (x, c) = (net.input(&[2]), net.floats(&[2], &[3.0, 4.0]));
        let negated = net.put(Op::Unary(Unary::Neg), &[c]);
        let doubled = net.add(negated, negated);
        let y = net.add(x, doubled);
        golden("fold_consts", run, net.answer(&[y]));
    }

    #[test]
    fn a_few_bytes_do_not_become_many() {
        let mut net = Net::default();
        let c = net.floats(&[1], &[3.0]);
        let many = net.shaped(Op::Expand, &[1 << 13], &[c]);
        let reasons = refusals(run, net.answer(&[many]));
        assert_eq!(reasons, ["its 8192 elements would be made of 1"]);
    }

    #[test]
    fn concats_of_concats_do_not_grow_without_end() {
        let mut net = Net::default();
        let (mut a, mut b) = (net.ramp(&[1 << 12]), net.ramp(&[1 << 12]));
        for _ in 0..9 {
            (a, b) = (net.put(Op::Concat(0), &[a, b]), net.put(Op::Concat(0), &[b, a]));
        }
        let mut graph = net.answer(&[a, b]);
        let mut skips = Skips::new();
        assert!(run(&mut graph, &mut skips).is_ok_and(|count| count > 9));
        assert_eq!(skips[0].reason, "the constants before it have grown too large");
    }

    #[test]
    fn what_takes_long_is_left_to_the_machine_it_is_for() {
        let mut net = Net::default();
        let c = net.ramp(&[1, 1, 256, 256]);
        let pool = Pool {
            kind: PoolKind::Max,
            kernel: [128, 128],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [64, 64, 63, 63],
        };
        let pooled = net.put(Op::Pool(pool), &[c]);
        let mut skips = Skips::new();
        assert_eq!(run(&mut net.answer(&[pooled]), &mut skips), Ok(0));
        assert_eq!(skips[0].reason, "it takes too long to compute");
    }

    #[test]
    fn integers_that_nobody_can_compute_stay() {
        let mut graph = Graph::default();
        let c = graph.add_const("c", [1], Values::I64(vec![3]));
        graph.add("neg", Op::Unary(Unary::Neg), Tensor::f32([1]), &[c]);
        let mut skips = Skips::new();
        assert_eq!(run(&mut graph, &mut skips), Ok(0));
        assert!(skips[0].reason.contains("only floats are computed"), "{}", skips[0]);
    }
}
