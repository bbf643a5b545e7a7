//! Cuts a graph at values that become its outputs; nodes that only later ones need are then dead.

use std::collections::BTreeSet;

use crate::alike::alike;
use crate::error::mention::option;
use crate::error::{Error, Result};
use crate::frontend::onnx::{inputs, wiring};
use crate::proto::type_proto::{Tensor, Value};
use crate::proto::{GraphProto, TypeProto, ValueInfoProto};

/// Most similar names that are listed for a value that does not exist.
const LIKE: usize = 5;

/// Makes the values called `names` the outputs of `graph`, in their order, or its own outputs if there are none.
pub(super) fn at(graph: &mut GraphProto, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let mut told = BTreeSet::new();
    if let Some(name) = names.iter().find(|name| !told.insert(*name)) {
        let option = option("outputs");
        return Err(Error::Spec(format!("{option}: {name:?} is given twice; remove one")));
    }
    graph.output = names.iter().map(|name| output(graph, name)).collect::<Result<_>>()?;
    Ok(())
}

/// Names of the inputs that are passed: those that the nodes in `order` read if the graph was cut, else all.
pub(super) fn needed<'a>(
    graph: &'a GraphProto,
    order: &[usize],
    cut_at: &[String],
) -> BTreeSet<&'a str> {
    if cut_at.is_empty() {
        return graph.input.iter().map(|input| input.name.as_str()).collect();
    }
    let outputs = graph.output.iter().map(|output| output.name.as_str());
    order.iter().flat_map(|index| wiring::reads(&graph.node[*index])).chain(outputs).collect()
}

/// The value as an output: as the file declares it, of any shape unless it is an output already.
fn output(graph: &GraphProto, name: &str) -> Result<ValueInfoProto> {
    let named = |value: &&ValueInfoProto| value.name == name;
    if let Some(output) = graph.output.iter().find(named) {
        return Ok(output.clone());
    }
    let makes = |names: &[String]| names.iter().any(|made| made == name && !made.is_empty());
    if !graph.node.iter().any(|node| makes(&node.output)) {
        return Err(unknown(graph, name));
    }
    let declared = graph.value_info.iter().find(named).and_then(|value| value.r#type.as_ref());
    let tensor = Tensor { elem_type: inputs::elem_type(declared), ..Tensor::default() };
    let kind = TypeProto { value: Some(Value::TensorType(tensor)) };
    Ok(ValueInfoProto { name: name.to_owned(), r#type: Some(kind) })
}

fn unknown(graph: &GraphProto, name: &str) -> Error {
    let made = graph.node.iter().flat_map(|node| &node.output).map(String::as_str);
    let like: Vec<String> = alike(name, made.filter(|made| !made.is_empty()), LIKE)
        .into_iter()
        .map(|name| format!("{name:?}"))
        .collect();
    let (option, like) = (option("outputs"), like.join(", "));
    Error::Spec(format!("{option}: no node makes a value {name:?}; like it are {like}"))
}
