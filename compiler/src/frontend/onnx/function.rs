//! Functions of a model: operators that the file itself defines by nodes, inlined where they are used.

use std::collections::BTreeMap;

use crate::frontend::onnx::body::{self, Body, Room, renamed};
use crate::frontend::onnx::fault::Fault;
use crate::frontend::onnx::standard_version;
use crate::proto::{AttributeProto, FunctionProto, GraphProto, NodeProto, ValueInfoProto};

/// The functions of a model.
#[derive(Debug, Default)]
pub(super) struct Functions {
    by_key: BTreeMap<Key, Function>,
}

/// Domain, operator and overload.
pub(super) type Key = [String; 3];

/// The body that nodes of an operator stand for.
#[derive(Debug)]
struct Function {
    inputs: Vec<String>,
    attributes: Vec<String>,
    defaults: Vec<AttributeProto>,
    graph: GraphProto,
    opset: Option<i64>,
}

impl Functions {
    /// The functions of a file; of those of one name the first counts.
    pub(super) fn new(functions: Vec<FunctionProto>) -> Self {
        let mut by_key = BTreeMap::new();
        for function in functions {
            let key = [function.domain, function.name, function.overload];
            let output = |name| ValueInfoProto { name, r#type: None };
            let output = function.output.into_iter().map(output).collect();
            by_key.entry(key).or_insert(Function {
                inputs: function.input,
                attributes: function.attribute,
                defaults: function.attribute_proto,
                graph: GraphProto { node: function.node, output, ..GraphProto::default() },
                opset: standard_version(&function.opset_import),
            });
        }
        Self { by_key }
    }

    /// The function that a node is of, if it is of one.
    pub(super) fn key_of(&self, node: &NodeProto) -> Option<Key> {
        let key = [node.domain.clone(), node.op_type.clone(), node.overload.clone()];
        self.by_key.contains_key(&key).then_some(key)
    }

    /// The nodes of function `key`, in place of `node`.
    pub(super) fn body(&self, key: &Key, node: &NodeProto, room: &mut Room) -> Result<Body, Fault> {
        let function = self.by_key.get(key).ok_or_else(|| "it is no function".to_owned())?;
        let outputs = &function.graph.output;
        if node.input.len() > function.inputs.len() || node.output.len() > outputs.len() {
            return Err(Fault::Misfit(format!(
                "has {} operands and {} results; its function has {} and {}",
                node.input.len(),
                node.output.len(),
                function.inputs.len(),
                outputs.len()
            )));
        }
        for attribute in &node.attribute {
            let declared = function.defaults.iter().map(|default| &default.name);
            if !declared.chain(&function.attributes).any(|name| *name == attribute.name) {
                return Err(Fault::Unsupported(format!("attribute {:?}", attribute.name)));
            }
        }
        room.take(&function.graph, 1)?;
        let prefix = node.output.iter().find(|output| !output.is_empty());
        let mut names = body::named_results(&function.graph, &node.output);
        for (at, input) in function.inputs.iter().enumerate() {
            names.insert(input.clone(), node.input.get(at).cloned().unwrap_or_default());
        }
        let mut graph = function.graph.clone();
        fill(&mut graph, &[&node.attribute, &function.defaults]);
        let mut body = Body { opset: function.opset, ..Body::default() };
        let names = body.copy(&graph, prefix.map_or("", String::as_str), names);
        body.results = outputs.iter().map(|output| renamed(&names, &output.name)).collect();
        body.results.truncate(node.output.len());
        Ok(body.asked())
    }
}

/// Gives attributes that take one of the caller's its value, from the first of `actual` that has it; without, they go.
fn fill(graph: &mut GraphProto, actual: &[&Vec<AttributeProto>]) {
    let value = |name: &str| actual.iter().find_map(|list| list.iter().find(|a| a.name == name));
    for node in &mut graph.node {
        let taken = |attribute: AttributeProto| match attribute.ref_attr_name.as_str() {
            "" => Some(attribute),
            name => {
                value(name).map(|value| AttributeProto { name: attribute.name, ..value.clone() })
            }
        };
        node.attribute =
            std::mem::take(&mut node.attribute).into_iter().filter_map(taken).collect();
        body::subgraphs(node).for_each(|graph| fill(graph, actual));
    }
}
