//! Recorded calls: of a model that keeps state, one after another in the same arrays; of others, one.

use std::collections::BTreeMap;

use mnv2c::error::Result;
use mnv2c::frontend::onnx::Summary;
use mnv2c::interp::Array;
use mnv2c::ir::Graph;
use mnv2c::sequence;
use mnv2c::source::Options;

/// The recorded inputs of each call.
pub(super) fn of(
    recorded: Vec<Array>,
    summary: Option<&Summary>,
    options: &Options,
) -> Result<Vec<Vec<Array>>> {
    let keeps = |summary: &&Summary| summary.keeps || !options.states.is_empty();
    let Some(summary) = summary.filter(keeps) else { return Ok(vec![recorded]) };
    // States may be recorded among the inputs, or not.
    let was = |name: &String| options.states.iter().any(|(input, _)| input == name);
    let named = summary.inputs.iter().zip(&summary.shapes);
    let shapes: Vec<_> = match recorded.len() == summary.inputs.len() {
        true => summary.shapes.clone(),
        false => named.filter(|(name, _)| !was(name)).map(|(_, shape)| shape.clone()).collect(),
    };
    sequence::split(&recorded, &shapes)
}

/// The recorded outputs of each of so many calls, in the shapes that the model's outputs have.
pub(super) fn expected(
    recorded: BTreeMap<usize, Array>,
    calls: usize,
    graph: &Graph,
) -> Vec<BTreeMap<usize, Array>> {
    let rank = |at: usize| {
        graph.outputs.get(at).map_or(0, |output| graph.node(output.node).out.shape.len())
    };
    let call = |at: usize| {
        let of = |(place, array): (&usize, &Array)| {
            (*place, sequence::part(array, at, calls, rank(*place)))
        };
        recorded.iter().map(of).collect()
    };
    match calls {
        1 => vec![recorded],
        calls => (0..calls).map(call).collect(),
    }
}
