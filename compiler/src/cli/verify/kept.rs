//! The part of a record that still applies where the graph is cut at other values than its outputs.

use std::collections::BTreeMap;

use mnv2c::frontend::onnx::Summary;
use mnv2c::interp::Array;
use mnv2c::ir::Graph;

/// The recorded inputs that the graph still takes.
pub(super) fn inputs(recorded: Vec<Array>, summary: Option<&Summary>, graph: &Graph) -> Vec<Array> {
    let Some(summary) = summary.filter(|summary| summary.inputs.len() != graph.inputs.len()) else {
        return recorded;
    };
    let taken = |name: &String| graph.inputs.iter().any(|id| graph.node(*id).name == *name);
    let named = recorded.into_iter().zip(&summary.inputs);
    named.filter(|(_, name)| taken(name)).map(|(array, _)| array).collect()
}

/// The recorded outputs that are among `names`, by their places there; all of them where none are named.
pub(super) fn outputs(
    recorded: BTreeMap<usize, Array>,
    summary: Option<&Summary>,
    names: &[String],
) -> BTreeMap<usize, Array> {
    let Some(summary) = summary.filter(|_| !names.is_empty()) else { return recorded };
    let place = |at: usize| {
        let name = summary.outputs.get(at)?;
        names.iter().position(|wanted| wanted == name)
    };
    recorded.into_iter().filter_map(|(at, array)| Some((place(at)?, array))).collect()
}
