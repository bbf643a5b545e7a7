//! The part of a record that still applies where the graph is cut at other values than its outputs, or keeps some.

use std::collections::BTreeMap;

use mnv2c::frontend::onnx::Summary;
use mnv2c::interp::Array;
use mnv2c::ir::Graph;

/// The recorded inputs that the graph still takes.
pub(super) fn inputs(recorded: Vec<Array>, summary: Option<&Summary>, graph: &Graph) -> Vec<Array> {
    let fits = recorded.len() == graph.inputs.len();
    let Some(summary) = summary.filter(|_| !fits) else { return recorded };
    let taken = |name: &String| graph.inputs.iter().any(|id| graph.node(*id).name == *name);
    let named = recorded.into_iter().zip(&summary.inputs);
    named.filter(|(_, name)| taken(name)).map(|(array, _)| array).collect()
}

/// The recorded outputs that the graph still has, by their places there. A record of a model that keeps state may lack
/// what is kept.
pub(super) fn outputs(
    recorded: BTreeMap<usize, Array>,
    summary: Option<&Summary>,
    graph: &Graph,
) -> BTreeMap<usize, Array> {
    let lacks =
        |summary: &Summary| !graph.states.is_empty() && recorded.len() < summary.outputs.len();
    let Some(summary) = summary.filter(|summary| !lacks(summary)) else { return recorded };
    let place = |at: usize| {
        let name = summary.outputs.get(at)?;
        graph.outputs.iter().position(|output| output.name == *name)
    };
    recorded.into_iter().filter_map(|(at, array)| Some((place(at)?, array))).collect()
}
