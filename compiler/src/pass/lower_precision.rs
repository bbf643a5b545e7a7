//! Stores floats in 16 bits: every value that the network keeps, and every weight, which is rounded here.
//!
//! ```text
//! y f32 = conv(x f32, w f32)  ->  y f16 = conv(x f16, w f16), or bf16
//! ```
//! Memory that the caller lends and states stay f32, and so do results that are summed up in place. All is computed in f32. Not
//! one
//! of the passes: it follows from the requested memory options.

use std::collections::BTreeSet;

use crate::error::mention::given;
use crate::error::{Error, Result};
use crate::ir::op::TopK;
use crate::ir::op::traits::Sums;
use crate::ir::view::base;
use crate::ir::{Dtype, Graph, NodeId, Op, Values};
use crate::objective::{Feed, Memory};

/// Gives each float the type in which it is stored; a type that the file declares at its ends is f32 to the caller.
pub fn run(graph: &mut Graph, memory: Memory) -> Result<()> {
    let half = memory.storage.half();
    if let Some(half) = half.filter(|_| graph.is_quantised()) {
        return Err(Error::Spec(format!(
            "{}, but the model is quantised; leave it out",
            given("dtype", half)
        )));
    }
    let stored = types(graph, memory);
    half.map_or(Ok(()), |half| stored.into_iter().try_for_each(|id| round(graph, id, half)))
}

/// Assigns 16-bit types without rounding constants; the floats that are stored in 16 bits.
pub fn types(graph: &mut Graph, memory: Memory) -> Vec<NodeId> {
    for id in graph.ids() {
        let dtype = &mut graph.node_mut(id).out.dtype;
        *dtype = if dtype.is_float() { Dtype::F32 } else { *dtype };
    }
    let Some(half) = memory.storage.half() else { return Vec::new() };
    let mut wide = lent(graph, memory.feed);
    wide.extend(integers(graph, half));
    let stored =
        |id: &NodeId| graph.node(*id).out.dtype == Dtype::F32 && !wide.contains(&base(graph, *id));
    let stored: Vec<NodeId> = graph.ids().into_iter().filter(stored).collect();
    stored.iter().for_each(|id| graph.node_mut(*id).out.dtype = half);
    stored
}

/// Values in memory that the caller lends, states, and values that are summed up in place.
fn lent(graph: &Graph, feed: Feed) -> BTreeSet<NodeId> {
    let outputs = graph.outputs.all().iter().map(|output| base(graph, output.node));
    let inputs = graph.inputs.iter().copied().filter(|_| feed == Feed::Caller);
    let states = graph.states.iter().map(|state| state.input);
    let sums = |id: &NodeId| graph.node(*id).op.traits().sums == Sums::Memory;
    let sums = graph.ids().into_iter().filter(sums);
    outputs.chain(inputs).chain(states).chain(sums).collect()
}

/// Places that may lie beyond what `half` counts exactly, what is computed of them, and the constants beside that; so
/// are constants that are given as integers, and whatever elements are found by.
fn integers(graph: &Graph, half: Dtype) -> BTreeSet<NodeId> {
    let exact = if half == Dtype::Bf16 { 1 << 8 } else { 1 << 11 };
    let counted = |id: &NodeId| match graph.node(*id).op {
        Op::TopK(TopK { axis, places, .. }) => {
            places && graph.operand(*id, 0).is_some_and(|x| graph.node(x).out.shape[axis] > exact)
        }
        Op::NonMaxSuppression(_) => true,
        Op::Integers(_) => graph.operand(*id, 0).is_some_and(|x| graph.constant(x).is_some()),
        // No other operator makes integers of what is none.
        _ => false,
    };
    let mut left: Vec<NodeId> = graph.ids().into_iter().filter(counted).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = left.pop() {
        if found.insert(id) {
            left.extend(graph.readers(id).into_iter().map(|(reader, _)| reader));
        }
    }
    let indexed = |id: &NodeId| matches!(graph.node(*id).op, Op::Gather(_) | Op::Scatter(_));
    let indices = graph.ids().into_iter().filter(indexed).filter_map(|id| graph.operand(id, 1));
    let beside = found.iter().flat_map(|id| graph.operands(*id)).map(|(_, operand)| operand);
    let constants: Vec<NodeId> = beside.filter(|id| graph.constant(*id).is_some()).collect();
    found.extend(constants.into_iter().chain(indices));
    found.into_iter().map(|id| base(graph, id)).collect()
}

/// Rounds the numbers of a constant.
fn round(graph: &mut Graph, id: NodeId, half: Dtype) -> Result<()> {
    let Op::Const(weights) = graph.node(id).op else { return Ok(()) };
    let Values::F32(values) = graph.weights.get(weights) else { return Ok(()) };
    let rounded: Vec<f32> = values.iter().map(|x| half.rounded(*x)).collect();
    if let Some(x) = values.iter().zip(&rounded).find(|(x, y)| x.is_finite() && y.is_infinite()) {
        let (name, op) = (graph.node(id).name.clone(), "constant".into());
        let what = format!(
            "holds {}, which is beyond what {half} can hold; compile with {}",
            x.0,
            given("dtype", "f32")
        );
        return Err(Error::Node { name, op, what });
    }
    graph.weights.release(weights);
    graph.node_mut(id).op = Op::Const(graph.weights.add(Values::F32(rounded)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Binary, Output, Tensor, Unary};
    use crate::objective::Storage;

    const HALVES: Memory = Memory {
        storage: Storage::F16,
        feed: Feed::Caller,
        objective: crate::objective::Objective::Speed,
        recompute: crate::objective::Recompute { millionths: 0 },
    };

    /// `(x + w) -> abs -> view -> y`, `w` a constant.
    fn chain(w: f32) -> (Graph, [NodeId; 5]) {
        let (mut graph, out) = (Graph::default(), Tensor::f32([4]));
        let x = graph.add_input("x", out.clone());
        let w = graph.add_const("w", [4], Values::F32(vec![w; 4]));
        let sum = graph.add("sum", Op::Binary(Binary::Add), out.clone(), &[x, w]);
        let abs = graph.add("abs", Op::Unary(Unary::Abs), out, &[sum]);
        let y = graph.add("y", Op::Reshape, Tensor::f32([2, 2]), &[abs]);
        graph.outputs.push(Output { name: "y".into(), node: y });
        (graph, [x, w, sum, abs, y])
    }

    fn dtypes(graph: &Graph, ids: [NodeId; 5]) -> [Dtype; 5] {
        ids.map(|id| graph.node(id).out.dtype)
    }

    #[test]
    fn what_the_caller_lends_stays_as_it_is() {
        use Dtype::{F16, F32};
        let (mut graph, ids) = chain(0.1);
        run(&mut graph, Memory { storage: Storage::F32, ..HALVES }).expect("nothing is asked");
        assert_eq!(dtypes(&graph, ids), [F32; 5]);
        run(&mut graph, HALVES).expect("the numbers fit");
        assert_eq!(dtypes(&graph, ids), [F32, F16, F16, F32, F32]);
        assert_eq!(graph.constant(ids[1]), Some(&Values::F32(vec![0.099_975_586; 4])));
        assert!(crate::ir::verify::verify(&graph).is_empty());
        let (mut graph, ids) = chain(0.1);
        run(&mut graph, Memory { feed: Feed::Arena, ..HALVES }).expect("the numbers fit");
        assert_eq!(dtypes(&graph, ids), [F16, F16, F16, F32, F32]);
    }

    #[test]
    fn brain_floats_have_eight_digits() {
        let (mut graph, ids) = chain(0.1);
        run(&mut graph, Memory { storage: Storage::Bf16, ..HALVES }).expect("the numbers fit");
        assert_eq!(graph.node(ids[2]).out.dtype, Dtype::Bf16);
        assert_eq!(graph.constant(ids[1]), Some(&Values::F32(vec![0.100_097_656; 4])));
        let (mut graph, ids) = chain(1e-40);
        run(&mut graph, Memory { storage: Storage::Bf16, ..HALVES }).expect("the numbers fit");
        assert_eq!(graph.constant(ids[1]), Some(&Values::F32(vec![0.0; 4])));
    }

    #[test]
    fn a_weight_that_would_be_infinite_is_refused() {
        let (mut graph, _) = chain(7e4);
        let error = run(&mut graph, HALVES).expect_err("it is too large").to_string();
        assert!(error.contains("70000, which is beyond what f16 can hold"), "{error}");
    }

    #[test]
    fn places_that_halves_do_not_count_stay_floats() {
        let stored = |len: usize| {
            let mut graph = Graph::default();
            let x = graph.add_input("x", Tensor::f32([1, len]));
            let y = graph.add("y", Op::Unary(Unary::Tanh), Tensor::f32([1, len]), &[x]);
            let top = TopK { axis: 1, count: 1, least: false, last: false, places: true };
            let place = graph.add("place", Op::TopK(top), Tensor::f32([1, 1]), &[y]);
            let by = graph.add_const("by", [1], Values::F32(vec![2049.0]));
            let more = Op::Binary(Binary::Add);
            let more = graph.add("more", more, Tensor::f32([1, 1]), &[place, by]);
            let out = Tensor { dtype: Dtype::I64, ..Tensor::f32([1, 1]) };
            let out = graph.add("out", Op::Integers(Dtype::I64), out, &[more]);
            graph.outputs.push(Output { name: "out".into(), node: out });
            types(&mut graph, HALVES).iter().map(|id| graph.node(*id).name.clone()).collect()
        };
        let names: Vec<String> = stored(2049);
        assert_eq!(names, ["y"]);
        assert_eq!(stored(2048), ["y", "place", "by", "more"]);
    }
}
