//! Lets floats lie in memory as numbers of 16 bits: every value that the network keeps, and every weight, which is rounded
//! here.
//!
//! ```text
//! y f32 = conv(x f32, w f32)  ->  y f16 = conv(x f16, w f16), or bf16
//! ```
//! What the caller lends stays f32, and so do results that are summed up where they lie. All is computed in f32. Not one
//! of the passes: it follows from what the user wants of the memory.

use std::collections::BTreeSet;

use crate::error::mention::given;
use crate::error::{Error, Result};
use crate::ir::op::traits::Sums;
use crate::ir::view::base;
use crate::ir::{Dtype, Graph, NodeId, Op, Values};
use crate::objective::{Feed, Memory};

/// Gives each float the type in which it is stored; a type that the file declares at its ends is f32 to the caller.
pub fn run(graph: &mut Graph, memory: Memory) -> Result<()> {
    let half = memory.storage.half();
    if let Some(half) = half.filter(|_| graph.is_quantised()) {
        return Err(Error::Spec(format!(
            "{}, but the model computes on bytes; leave it out",
            given("dtype", half)
        )));
    }
    let stored = types(graph, memory);
    half.map_or(Ok(()), |half| stored.into_iter().try_for_each(|id| round(graph, id, half)))
}

/// The same without rounding a number: the floats that are stored in 16 bits.
pub fn types(graph: &mut Graph, memory: Memory) -> Vec<NodeId> {
    for id in graph.ids() {
        let dtype = &mut graph.node_mut(id).out.dtype;
        *dtype = if dtype.is_float() { Dtype::F32 } else { *dtype };
    }
    let Some(half) = memory.storage.half() else { return Vec::new() };
    let lent = lent(graph, memory.feed);
    let stored =
        |id: &NodeId| graph.node(*id).out.dtype == Dtype::F32 && !lent.contains(&base(graph, *id));
    let stored: Vec<NodeId> = graph.ids().into_iter().filter(stored).collect();
    stored.iter().for_each(|id| graph.node_mut(*id).out.dtype = half);
    stored
}

/// What the caller lends memory for, and what is summed up.
fn lent(graph: &Graph, feed: Feed) -> BTreeSet<NodeId> {
    let outputs = graph.outputs.iter().map(|output| base(graph, output.node));
    let inputs = graph.inputs.iter().copied().filter(|_| feed == Feed::Caller);
    let sums = |id: &NodeId| graph.node(*id).op.traits().sums == Sums::Memory;
    let sums = graph.ids().into_iter().filter(sums);
    outputs.chain(inputs).chain(sums).collect()
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
}
