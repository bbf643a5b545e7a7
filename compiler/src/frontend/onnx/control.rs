//! Readers of control flow that constants decide: If whose condition is known, Loop of a known count.

use std::collections::BTreeMap;

use crate::frontend::onnx::body::{self, Body, renamed};
use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::fold;
use crate::proto::attribute_proto::AttributeType;
use crate::proto::tensor_proto::DataType;
use crate::proto::{GraphProto, NodeProto, TensorProto};

/// Most rounds that a loop is unrolled to.
const MAX_TRIPS: i64 = 1024;

/// If: the branch that is taken, in its place.
pub(super) fn branch(call: &mut Call<'_>) -> Made {
    let taken = truth(call, 0)?.ok_or_else(|| Fault::Misfit("operand 0 is missing".into()))?;
    let graph = subgraph(call, if taken { "then_branch" } else { "else_branch" })?;
    if graph.output.len() != call.node.output.len() {
        let (made, named) = (graph.output.len(), call.node.output.len());
        return Err(Fault::Misfit(format!("a branch makes {made} values for {named} results")));
    }
    call.room.take(&graph, 1)?;
    let mut body = Body::default();
    let names = body::named_results(&graph, &call.node.output);
    let names = body.copy(&graph, &prefix(call), names);
    body.results = graph.output.iter().map(|output| renamed(&names, &output.name)).collect();
    call.body = Some(body.asked());
    Ok(Vec::new())
}

/// Loop: its body as often as it runs, each copy reading what the one before made.
pub(super) fn unroll(call: &mut Call<'_>) -> Made {
    let graph = subgraph(call, "body")?;
    let carried: Vec<String> = call.node.input.iter().skip(2).cloned().collect();
    let (inputs, outputs) = (graph.input.len(), graph.output.len());
    let results = call.node.output.len();
    if inputs != carried.len() + 2 || outputs <= carried.len() || results > outputs - 1 {
        return Err(Fault::Misfit(format!(
            "its body reads {inputs} and makes {outputs} values for {} carried ones and {results} results",
            carried.len()
        )));
    }
    let trips = trips(call)?;
    let stacked = outputs - 1 - carried.len();
    if stacked > 0 && (trips == 0 || call.opset < 11) {
        return Err(Fault::Unsupported(
            "values of each round, of no round or before operator set 11".into(),
        ));
    }
    call.room.take(&graph, trips)?;
    let mut unrolled =
        Unrolled { carried, stacks: vec![Vec::new(); stacked], body: Body::default() };
    let prefix = prefix(call);
    unrolled.body.graph.initializer.push(single(&format!("{prefix}/true"), DataType::Bool, 1));
    for trip in 0..trips {
        unrolled.round(&graph, &prefix, trip);
    }
    // What the last round would go on with is not asked.
    unrolled.body.truths.pop();
    call.body = Some(unrolled.finished(call, &prefix));
    Ok(Vec::new())
}

/// A loop as far as it is unrolled.
struct Unrolled {
    carried: Vec<String>,
    /// For each value that is kept of every round, its names.
    stacks: Vec<Vec<String>>,
    body: Body,
}

impl Unrolled {
    /// Adds a round.
    fn round(&mut self, graph: &GraphProto, prefix: &str, trip: usize) {
        let prefix_of_round = format!("{prefix}/{trip}");
        let number = format!("{prefix_of_round}/number");
        self.body.graph.initializer.push(single(&number, DataType::Int64, trip as i64));
        let actual = [number, format!("{prefix}/true")].into_iter().chain(self.carried.clone());
        let formal = graph.input.iter().map(|input| input.name.clone());
        let names: BTreeMap<String, String> = formal.zip(actual).collect();
        let names = self.body.copy(graph, &prefix_of_round, names);
        let mut made = graph.output.iter().map(|output| renamed(&names, &output.name));
        self.body.truths.extend(made.next());
        self.carried = made.by_ref().take(self.carried.len()).collect();
        for (stack, name) in self.stacks.iter_mut().zip(made) {
            stack.push(name);
        }
    }

    /// The body, with what was kept of every round stacked along a new first dimension.
    fn finished(self, call: &Call<'_>, prefix: &str) -> Body {
        let Self { carried, stacks, mut body } = self;
        let carried_len = carried.len();
        body.results = carried;
        for (at, stack) in stacks.into_iter().enumerate() {
            let result = call.result_name(carried_len + at);
            if result.is_empty() {
                body.results.push(String::new());
                continue;
            }
            let sequence = format!("{prefix}/stack{at}");
            let node = |op: &str, input, output: &str, attribute| NodeProto {
                op_type: op.into(),
                input,
                output: vec![output.to_owned()],
                attribute,
                ..NodeProto::default()
            };
            let ints = [("axis", 0), ("new_axis", 1)].map(|(name, i)| int(name, i)).to_vec();
            body.graph.node.push(node("SequenceConstruct", stack, &sequence, Vec::new()));
            body.graph.node.push(node("ConcatFromSequence", vec![sequence], &result, ints));
            body.results.push(result);
        }
        body.results.truncate(call.node.output.len());
        body.asked()
    }
}

/// How often a loop runs, by its count and the condition that it begins with.
fn trips(call: &Call<'_>) -> Result<usize, Fault> {
    let begins = truth(call, 1)?.unwrap_or(true);
    match call.const_ints(0)?.as_deref() {
        _ if !begins => Ok(0),
        Some(&[trips]) if trips <= MAX_TRIPS => Ok(trips.max(0) as usize),
        Some(other) => {
            Err(Fault::Unsupported(format!("{other:?} rounds; {MAX_TRIPS} is the most")))
        }
        None => Err(Fault::Unsupported("no count of rounds; supported: a constant one".into())),
    }
}

/// The truth value at `port`, which has to be constant; `None` if it is left out.
fn truth(call: &Call<'_>, port: usize) -> Result<Option<bool>, Fault> {
    let Some(id) = call.given(port) else {
        return Ok(None);
    };
    match call.graph.constant(id).map(fold::ints) {
        Some(Some(values)) if values.len() == 1 => Ok(Some(values[0] != 0)),
        Some(_) => Err(Fault::Misfit(format!("operand {port} is not one truth value"))),
        None => Err(Fault::Unsupported(format!("a condition that is {}", call.made(id)))),
    }
}

fn subgraph(call: &Call<'_>, name: &str) -> Result<GraphProto, Fault> {
    let attribute = call.attribute(name, AttributeType::Graph)?;
    let graph = attribute.and_then(|attribute| attribute.g.as_deref());
    graph.cloned().ok_or_else(|| Fault::Misfit(format!("{name} is missing")))
}

/// The name of the node's first result that has one.
fn prefix(call: &Call<'_>) -> String {
    let named = call.node.output.iter().find(|output| !output.is_empty());
    named.cloned().unwrap_or_default()
}

/// A constant of one number that fits a byte or is an integer of 64 bits.
fn single(name: &str, kind: DataType, value: i64) -> TensorProto {
    let bytes = value.to_le_bytes();
    let width = if kind == DataType::Bool { 1 } else { 8 };
    let raw_data = bytes[..width].to_vec().into();
    TensorProto { name: name.into(), data_type: kind.into(), raw_data, ..TensorProto::default() }
}

fn int(name: &str, i: i64) -> crate::proto::AttributeProto {
    let r#type = AttributeType::Int.into();
    crate::proto::AttributeProto { name: name.into(), r#type, i, ..Default::default() }
}
