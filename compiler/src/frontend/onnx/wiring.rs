//! Nodes that the outputs need, in an order in which each comes after what it reads.
//!
//! Files in order keep theirs. Nodes that feed no output are left out: nothing they hold can matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::printed::quoted;
use crate::proto::{GraphProto, NodeProto};

/// Most operands or results a node may have.
const MAX_PORTS: usize = 1024;

/// Indices of the needed nodes, in order of execution; `outside` is true for names that are known around the graph.
pub(super) fn order(graph: &GraphProto, outside: &dyn Fn(&str) -> bool) -> Result<Vec<usize>> {
    let wires = Wires::new(graph, outside)?;
    let needed = wires.needed()?;
    let mut waiting: BTreeMap<usize, usize> = BTreeMap::new();
    let mut readers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &node in &needed {
        let makers = wires.makers_of(node);
        waiting.insert(node, makers.len());
        for maker in makers {
            readers.entry(maker).or_default().push(node);
        }
    }
    let mut ready: BTreeSet<usize> = needed.iter().copied().filter(|n| waiting[n] == 0).collect();
    let mut order = Vec::with_capacity(needed.len());
    while let Some(node) = ready.pop_first() {
        waiting.remove(&node);
        order.push(node);
        for reader in readers.remove(&node).unwrap_or_default() {
            let left = waiting.entry(reader).or_default();
            *left -= 1;
            if *left == 0 {
                ready.insert(reader);
            }
        }
    }
    match waiting.keys().next() {
        None => Ok(order),
        Some(&stuck) => Err(wires.cycle(stuck, &waiting)),
    }
}

/// The label of a node in messages: its operator, and its name or that of its first result.
pub(super) fn label(node: &NodeProto) -> String {
    format!("{} {}", node.op_type, quoted(name(node)))
}

/// The name of a node, or of its first result if it has none.
pub(super) fn name(node: &NodeProto) -> &str {
    let first = node.output.first().map_or("", String::as_str);
    if node.name.is_empty() { first } else { &node.name }
}

struct Wires<'a> {
    graph: &'a GraphProto,
    makers: BTreeMap<&'a str, usize>,
    given: BTreeSet<&'a str>,
    outside: &'a dyn Fn(&str) -> bool,
}

/// The names that a node reads, those that only its subgraphs read included.
pub(super) fn reads(node: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).collect();
    let graphs = node.attribute.iter().filter_map(|attribute| attribute.g.as_deref());
    graphs.for_each(|graph| names.extend(captured(graph)));
    names
}

/// The names that a subgraph reads from around it.
fn captured(graph: &GraphProto) -> Vec<&str> {
    let given = given(graph);
    let made: BTreeSet<&str> =
        graph.node.iter().flat_map(|node| &node.output).map(String::as_str).collect();
    let outputs = graph.output.iter().map(|output| output.name.as_str());
    let names = graph.node.iter().flat_map(reads).chain(outputs);
    names.filter(|name| !given.contains(name) && !made.contains(name)).collect()
}

/// The names that a graph has without its nodes.
fn given(graph: &GraphProto) -> BTreeSet<&str> {
    let dense = graph.initializer.iter().map(|t| t.name.as_str());
    let sparse = graph.sparse_initializer.iter().filter_map(|t| t.values.as_ref());
    let inputs = graph.input.iter().map(|value| value.name.as_str());
    dense.chain(sparse.map(|t| t.name.as_str())).chain(inputs).collect()
}

impl<'a> Wires<'a> {
    fn new(graph: &'a GraphProto, outside: &'a dyn Fn(&str) -> bool) -> Result<Self> {
        let mut wires = Self { graph, makers: BTreeMap::new(), given: given(graph), outside };
        for (index, node) in graph.node.iter().enumerate() {
            wires.declare(index, node)?;
        }
        Ok(wires)
    }

    fn declare(&mut self, index: usize, node: &'a NodeProto) -> Result<()> {
        if node.input.len().max(node.output.len()) > MAX_PORTS {
            let what = format!("{}: more than {MAX_PORTS} operands or results", label(node));
            return Err(Error::Wiring(what));
        }
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            let twice = self.makers.insert(output, index).is_some();
            if twice || self.given.contains(output.as_str()) {
                let what =
                    format!("{}: {output:?} is made twice; values have one maker", label(node));
                return Err(Error::Wiring(what));
            }
        }
        Ok(())
    }

    /// Every node that some output depends on; `Err` names a value that no node makes.
    fn needed(&self) -> Result<BTreeSet<usize>> {
        let mut needed = BTreeSet::new();
        let mut waiting = Vec::new();
        for output in &self.graph.output {
            match self.makers.get(output.name.as_str()) {
                Some(&maker) => waiting.push(maker),
                None if self.is_given(&output.name) => {}
                None => return Err(dangling("the model answers with", &output.name)),
            }
        }
        while let Some(index) = waiting.pop() {
            if needed.insert(index) {
                self.check_operands(&self.graph.node[index])?;
                waiting.extend(self.makers_of(index));
            }
        }
        Ok(needed)
    }

    fn check_operands(&self, node: &NodeProto) -> Result<()> {
        let known =
            |name: &str| name.is_empty() || self.makers.contains_key(name) || self.is_given(name);
        match reads(node).into_iter().find(|input| !known(input)) {
            None => Ok(()),
            Some(missing) => Err(dangling(&format!("{} reads", label(node)), missing)),
        }
    }

    fn is_given(&self, name: &str) -> bool {
        self.given.contains(name) || (self.outside)(name)
    }

    /// The nodes that make what `node` reads, ascending.
    fn makers_of(&self, node: usize) -> BTreeSet<usize> {
        let inputs = reads(&self.graph.node[node]).into_iter();
        inputs.filter_map(|input| self.makers.get(input).copied()).collect()
    }

    /// The fault of a cycle that is reached by going upstream from `stuck`.
    fn cycle(&self, stuck: usize, waiting: &BTreeMap<usize, usize>) -> Error {
        let upstream =
            |node: usize| self.makers_of(node).into_iter().find(|n| waiting.contains_key(n));
        let mut path = vec![stuck];
        while let Some(next) = path.last().and_then(|last| upstream(*last)) {
            if let Some(start) = path.iter().position(|seen| *seen == next) {
                path.drain(..start);
                break;
            }
            path.push(next);
        }
        path.reverse();
        let shown: Vec<String> = path.iter().take(8).map(|i| label(&self.graph.node[*i])).collect();
        let more = if path.len() > 8 { ", ..." } else { "" };
        Error::Wiring(format!("nodes wait for each other: {}{more}", shown.join(", ")))
    }
}

fn dangling(reader: &str, value: &str) -> Error {
    Error::Wiring(format!(
        "{reader} {}, which no node makes and which is neither an input nor an initializer",
        quoted(value)
    ))
}
