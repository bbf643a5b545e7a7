//! Bodies, whose nodes are read in place of one: of a function, of a branch, of a loop that is unrolled.
//!
//! A copy gets names of its own, which begin with that of the result it stands for, so that values keep one maker.

use std::collections::BTreeMap;

use prost::Message;

use crate::frontend::onnx::MAX_NODES;
use crate::frontend::onnx::fault::Fault;
use crate::proto::{GraphProto, NodeProto, ValueInfoProto};

/// Most bytes that copies of bodies may take, as they are stored in files.
const MAX_BYTES: usize = 1 << 28;

/// Nodes in place of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    /// Nodes and constants; the outputs are all that is asked of them.
    pub(super) graph: GraphProto,
    /// The value that each result of the node is.
    pub(super) results: Vec<String>,
    /// Values that have to be constant and true, for what was copied to be what runs.
    pub(super) truths: Vec<String>,
    /// The version of the standard operator set, if it is not that of the node.
    pub(super) opset: Option<i64>,
}

impl Body {
    /// Adds a copy of `graph`, whose names stand for those in `names`; what it makes itself gets names behind `prefix`.
    pub(super) fn copy(
        &mut self,
        graph: &GraphProto,
        prefix: &str,
        mut names: BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        for name in made(graph) {
            names.entry(name.to_owned()).or_insert_with(|| format!("{prefix}/{name}"));
        }
        let mut copy = graph.clone();
        rename(&mut copy, &names);
        self.graph.node.append(&mut copy.node);
        self.graph.initializer.append(&mut copy.initializer);
        self.graph.sparse_initializer.append(&mut copy.sparse_initializer);
        names
    }

    /// Asks for the results and the truths, and for nothing else.
    pub(super) fn asked(mut self) -> Self {
        let output = |name: &String| ValueInfoProto { name: name.clone(), r#type: None };
        let asked = self.results.iter().chain(&self.truths).filter(|name| !name.is_empty());
        self.graph.output = asked.map(output).collect();
        self
    }
}

/// Names for the outputs of `graph` that its nodes make, so that they are called as the results they become.
pub(super) fn named_results(graph: &GraphProto, results: &[String]) -> BTreeMap<String, String> {
    let makes = |name: &str| graph.node.iter().any(|node| node.output.iter().any(|o| o == name));
    let mut names = BTreeMap::new();
    for (output, result) in graph.output.iter().zip(results) {
        if !result.is_empty() && makes(&output.name) {
            names.entry(output.name.clone()).or_insert_with(|| result.clone());
        }
    }
    names
}

/// The name of `name` in a copy.
pub(super) fn renamed(names: &BTreeMap<String, String>, name: &str) -> String {
    names.get(name).map_or_else(|| name.to_owned(), String::clone)
}

/// Names that the nodes and constants of `graph` make.
fn made(graph: &GraphProto) -> impl Iterator<Item = &str> {
    let outputs = graph.node.iter().flat_map(|node| &node.output).map(String::as_str);
    let dense = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    let sparse = graph.sparse_initializer.iter().filter_map(|tensor| tensor.values.as_ref());
    let names = outputs.chain(dense).chain(sparse.map(|tensor| tensor.name.as_str()));
    names.filter(|name| !name.is_empty())
}

/// Gives values the names that stand for theirs, in subgraphs too.
fn rename(graph: &mut GraphProto, names: &BTreeMap<String, String>) {
    let give = |name: &mut String| {
        if let Some(other) = names.get(name) {
            name.clone_from(other);
        }
    };
    graph.initializer.iter_mut().for_each(|tensor| give(&mut tensor.name));
    let sparse = graph.sparse_initializer.iter_mut().filter_map(|tensor| tensor.values.as_mut());
    sparse.for_each(|tensor| give(&mut tensor.name));
    let ends = graph.input.iter_mut().chain(&mut graph.output);
    ends.for_each(|value| give(&mut value.name));
    for node in &mut graph.node {
        node.input.iter_mut().chain(&mut node.output).for_each(give);
        subgraphs(node).for_each(|graph| rename(graph, names));
    }
}

/// The subgraphs of a node.
pub(super) fn subgraphs(node: &mut NodeProto) -> impl Iterator<Item = &mut GraphProto> {
    node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_deref_mut())
}

/// The budget of inlined bodies: nodes and bytes that may still be copied.
#[derive(Debug)]
pub(super) struct Room {
    nodes: usize,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { nodes: MAX_NODES, bytes: MAX_BYTES }
    }
}

impl Room {
    /// Makes room for `times` copies of `graph`, before they are made.
    pub(super) fn take(&mut self, graph: &GraphProto, times: usize) -> Result<(), Fault> {
        let nodes = nodes_len(graph).checked_mul(times);
        let bytes = graph.encoded_len().checked_mul(times);
        let left = |room: usize, taken: Option<usize>| room.checked_sub(taken?);
        match (left(self.nodes, nodes), left(self.bytes, bytes)) {
            (Some(nodes), Some(bytes)) => {
                (self.nodes, self.bytes) = (nodes, bytes);
                Ok(())
            }
            _ => Err(Fault::Unsupported(format!(
                "functions, branches and loops of more than {MAX_NODES} nodes in all"
            ))),
        }
    }
}

/// Nodes of a graph and of its subgraphs.
fn nodes_len(graph: &GraphProto) -> usize {
    let inside = |node: &NodeProto| -> usize {
        let graphs = node.attribute.iter().filter_map(|attribute| attribute.g.as_deref());
        1 + graphs.map(nodes_len).sum::<usize>()
    };
    graph.node.iter().map(inside).sum()
}
