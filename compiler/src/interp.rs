//! The oracle: executes a graph with the plain loops of its operators (`ir/op`), floats in f32, bytes in exact integers;
//! values of type f16 or bf16 are rounded to it when they are made.
//!
//! It is what every pass must keep and every emitted program must match, so it is obvious before it is anything else:
//! arrays are row-major in their logical shape, layouts are ignored, nothing is fused or reordered. Graphs are expected
//! to keep the invariants of [`crate::ir::verify`]. Other integers only pass through operators that move data. An array
//! is dropped after its last reader.

pub(crate) mod batch;
#[cfg(test)]
mod quantized;

use std::collections::BTreeMap;

use crate::error::{Error, Result};
pub use crate::ir::Array;
use crate::ir::op::reads::Reads;
use crate::ir::{Dtype, Graph, Node, NodeId, Op, State, Values};

/// The model's outputs for `inputs`, in the order of `graph.outputs`; of a network with states, those of its first call.
pub fn run(graph: &Graph, inputs: &[Array]) -> Result<Vec<Array>> {
    watch(graph, inputs, |_, _| ())
}

/// The model's outputs for each call of a run: what it keeps starts as the graph says, and is handed on.
pub fn calls(graph: &Graph, calls: &[Vec<Array>]) -> Result<Vec<Vec<Array>>> {
    let mut kept = starts(graph);
    let call = |inputs: &Vec<Array>| {
        if graph.states.is_empty() {
            return run(graph, inputs);
        }
        let mut answers = part(graph, &[inputs.as_slice(), &kept].concat(), &mut |_, _| ())?;
        kept = answers.split_off(graph.outputs.len());
        Ok(answers)
    };
    calls.iter().map(call).collect()
}

/// Values of the states before the first call.
fn starts(graph: &Graph) -> Vec<Array> {
    let start = |state: &State| Array {
        shape: graph.node(state.input).out.shape.clone(),
        values: state.start.clone(),
    };
    graph.states.iter().map(start).collect()
}

/// The model's outputs for `inputs`; `seen` is called with each input and each computed value, in order of execution.
pub fn watch(
    graph: &Graph,
    inputs: &[Array],
    mut seen: impl FnMut(NodeId, &Array),
) -> Result<Vec<Array>> {
    if graph.batch == 1 {
        let mut answers = part(graph, &[inputs, &starts(graph)].concat(), &mut seen)?;
        answers.truncate(graph.outputs.len());
        return Ok(answers);
    }
    let mut answers: Vec<Array> = Vec::new();
    for at in 0..graph.batch {
        let parts: Vec<Array> = inputs.iter().map(|x| batch::part(x, at, graph.batch)).collect();
        let answer = part(graph, &parts, &mut seen)?;
        answers = if at == 0 { answer } else { batch::joined(answers, &answer) };
    }
    Ok(answers)
}

/// Outputs for one part of a batch, and behind them what is kept; of a network with states `inputs` end with those.
fn part(
    graph: &Graph,
    inputs: &[Array],
    seen: &mut impl FnMut(NodeId, &Array),
) -> Result<Vec<Array>> {
    let mut live = bind(graph, inputs)?;
    graph.sources().iter().for_each(|id| seen(*id, &live[id]));
    let mut unread = uses(graph);
    for id in order(graph)? {
        if matches!(graph.node(id).op, Op::Input | Op::Const(_)) {
            continue;
        }
        let operands: Vec<NodeId> = graph.operands(id).into_iter().map(|(_, x)| x).collect();
        for operand in &operands {
            load_constant(graph, *operand, &mut live);
        }
        let arrays: Vec<&Array> = operands.iter().map(|operand| &live[operand]).collect();
        let array = eval(graph, id, &arrays)?;
        seen(id, &array);
        live.insert(id, array);
        for operand in operands {
            let left = unread.get_mut(&operand).expect("every node is counted");
            *left -= 1;
        }
        live.retain(|id, _| unread[id] > 0);
    }
    let answers = graph.outputs.all().iter().map(|output| {
        load_constant(graph, output.node, &mut live);
        live[&output.node].clone()
    });
    Ok(answers.collect())
}

/// The result of node `id` for `operands`, which are in the order of [`Graph::operands`].
pub fn eval(graph: &Graph, id: NodeId, operands: &[&Array]) -> Result<Array> {
    let node = graph.node(id);
    let ports = graph.operands(id).into_iter().map(|(port, _)| port.0);
    let arrays = ports.zip(operands.iter().copied()).collect();
    let values = stored(compute(graph, node, arrays)?, node.out.dtype);
    let shape = node.out.shape.clone();
    Ok(Array { shape, values })
}

/// The result of an operator that is no node of the graph for operands by their ports.
pub(crate) fn apply(graph: &Graph, node: &Node, operands: &[(usize, Array)]) -> Result<Values> {
    let arrays = operands.iter().map(|(port, array)| (*port, array)).collect();
    compute(graph, node, arrays)
}

/// Floats as they are kept, where that is in 16 bits.
fn stored(values: Values, dtype: Dtype) -> Values {
    match (values, dtype) {
        (Values::F32(floats), Dtype::F16 | Dtype::Bf16) => {
            Values::F32(floats.into_iter().map(|x| dtype.rounded(x)).collect())
        }
        (values, _) => values,
    }
}

fn compute(graph: &Graph, node: &Node, arrays: BTreeMap<usize, &Array>) -> Result<Values> {
    if let Op::Const(weights) = node.op {
        return Ok(graph.weights.get(weights).clone());
    }
    let arithmetic = graph.arithmetic;
    let reads = Reads { name: &node.name, op: node.op.name(), out: &node.out, arithmetic, arrays };
    node.op.define(|op| op.evaluate(&reads))
}

fn bind(graph: &Graph, inputs: &[Array]) -> Result<BTreeMap<NodeId, Array>> {
    let sources = graph.sources();
    if inputs.len() != sources.len() {
        let (wanted, given) = (graph.inputs.len(), inputs.len() - graph.states.len());
        return Err(Error::Wiring(format!("the model takes {wanted} inputs, {given} are given")));
    }
    let pairs = sources.iter().zip(inputs);
    pairs.map(|(id, input)| Ok((*id, fitting(graph.node(*id), input)?))).collect()
}

fn fitting(node: &Node, input: &Array) -> Result<Array> {
    if input.shape == node.out.shape && input.values.len() == node.out.len() {
        let values = stored(input.values.clone(), node.out.dtype);
        return Ok(Array { shape: input.shape.clone(), values });
    }
    Err(Error::Node {
        name: node.name.clone(),
        op: node.op.name().into(),
        what: format!("takes {}, an array of shape {:?} is given", node.out, input.shape),
    })
}

fn order(graph: &Graph) -> Result<Vec<NodeId>> {
    graph.order().map_err(|stuck| {
        let name = &graph.node(stuck).name;
        Error::Wiring(format!("{name:?} waits for itself; remove the cycle"))
    })
}

fn uses(graph: &Graph) -> BTreeMap<NodeId, usize> {
    let uses = |id| graph.readers_len(id) + usize::from(graph.is_output(id));
    graph.ids().into_iter().map(|id| (id, uses(id))).collect()
}

fn load_constant(graph: &Graph, id: NodeId, live: &mut BTreeMap<NodeId, Array>) {
    if let Some(values) = graph.constant(id) {
        live.entry(id).or_insert_with(|| Array {
            shape: graph.node(id).out.shape.clone(),
            values: values.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Binary, Clamp, Tensor, Unary};

    #[test]
    fn a_value_read_twice_lives_until_its_last_reader() {
        let mut graph = Graph::default();
        let x = graph.add_input("x", Tensor::f32([2]));
        let neg = graph.add("neg", Op::Unary(Unary::Neg), Tensor::f32([2]), &[x]);
        let relu = graph.add("relu", Op::Clamp(Clamp::RELU), Tensor::f32([2]), &[neg]);
        let sum = graph.add("sum", Op::Binary(Binary::Add), Tensor::f32([2]), &[relu, neg]);
        answer_with(&mut graph, sum);
        let answers = run(&graph, &[Array::f32([2], vec![3.0, -4.0])]);
        assert_eq!(answers, Ok(vec![Array::f32([2], vec![-3.0, 8.0])]));
    }

    #[test]
    fn an_input_of_another_shape_is_refused_by_name() {
        let mut graph = Graph::default();
        let x = graph.add_input("pixels", Tensor::f32([2]));
        answer_with(&mut graph, x);
        let error = run(&graph, &[Array::f32([3], vec![0.0; 3])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "input \"pixels\": takes f32[2], an array of shape [3] is given"
        );
    }

    #[test]
    fn integers_are_moved_but_not_computed() {
        let integers = Tensor { dtype: Dtype::I64, ..Tensor::f32([2]) };
        let mut graph = Graph::default();
        let x = graph.add_input("x", integers.clone());
        let same = graph.add("same", Op::Identity, integers.clone(), &[x]);
        let neg = graph.add("neg", Op::Unary(Unary::Neg), integers, &[same]);
        let input = Array { shape: vec![2], values: Values::I64(vec![1, 2]) };
        assert_eq!(eval(&graph, same, &[&input]), Ok(input.clone()));
        assert_eq!(
            eval(&graph, neg, &[&input]).unwrap_err().to_string(),
            "neg \"neg\": reads i64 at operand 0; only floats are computed: cast it"
        );
    }

    fn answer_with(graph: &mut Graph, node: NodeId) {
        graph.outputs.push(crate::ir::Output { name: "y".into(), node });
    }
}
