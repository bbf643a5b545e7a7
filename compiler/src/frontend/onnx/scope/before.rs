//! Cuts before unsupported nodes: the last values that a graph can still end in.

use std::collections::BTreeSet;

use crate::frontend::onnx::scope::Scope;
use crate::frontend::onnx::wiring;
use crate::ir::{Dtype, NodeId};
use crate::proto::{GraphProto, NodeProto};

/// Most values that are named before what could not be read.
const MOST_BEFORE: usize = 8;

impl Scope {
    /// The last values before what could not be read at which the graph can be cut: computed ones that a node reads whose
    /// results are lost, and outputs.
    pub(super) fn before(&self, proto: &GraphProto) -> Vec<String> {
        let lost = |node: &&NodeProto| node.output.iter().any(|name| self.lost.contains(name));
        let lost: Vec<&NodeProto> = proto.node.iter().filter(lost).collect();
        let outputs = proto.output.iter().map(|output| output.name.as_str());
        let read = lost.iter().flat_map(|node| wiring::reads(node));
        let last: BTreeSet<&str> = read.chain(outputs).collect();
        let made = proto.node.iter().flat_map(|node| &node.output);
        let made = made.filter(|name| last.contains(name.as_str()) && self.is_computed(name));
        made.take(MOST_BEFORE).cloned().collect()
    }

    /// True if a value can be an output of a graph, and depends on inputs.
    fn is_computed(&self, name: &str) -> bool {
        let answers = |id: &NodeId| {
            let dtype = self.graph.node(*id).out.dtype;
            matches!(dtype, Dtype::F32 | Dtype::U8 | Dtype::I8) && self.graph.depends_on_inputs(*id)
        };
        !name.contains(',') && self.known.get(name).is_some_and(answers)
    }
}
