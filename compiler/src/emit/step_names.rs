//! Names of the steps, of the functions that they run, and of the arrays that the caller lends.

use crate::emit::labels::Labels;
use crate::emit::names::Names;
use crate::emit::{Network, scope, words};
use crate::schedule::Port;

/// Names that the file itself uses, so that no step or port may take them.
const RESERVED: &[&str] = &[
    "arena", "infer", "kernel", "run", "weights", "isa", "simd", "row", "rows", "pixel", "panel",
    "panels", "part", "pool", "scratch", "scores", "next_row", "x", "y",
];

/// Names of the functions and of the arrays that the caller lends.
pub(super) struct StepNames {
    pub labels: Labels,
    /// The name of each step.
    pub steps: Vec<String>,
    /// The name of the function that each step runs.
    pub functions: Vec<String>,
    pub ports: scope::Ports,
}

impl StepNames {
    pub(super) fn new(network: &Network<'_>) -> Self {
        let mut names = Names::reserving(RESERVED);
        let mut port = |port: &Port| names.take(&port.name);
        let inputs = network.schedule.inputs.iter().map(&mut port).collect();
        let outputs = network.schedule.outputs.iter().map(&mut port).collect();
        let labels = Labels::of(network.graph);
        let steps = network.schedule.steps.iter().enumerate().map(|(at, step)| {
            // A shared function says by itself what it does; whose it is, the step's own name tells.
            let is_shared = network.sharing.group(at).is_some();
            let name = if is_shared { words::labeled } else { words::step };
            names.take(&name(network.graph, &labels, step))
        });
        let steps: Vec<String> = steps.collect();
        let mut functions = steps.clone();
        for group in &network.sharing.groups {
            let first = &network.schedule.steps[group.steps[0]];
            let name = names.take(&words::shared(network.graph, first, group.lens));
            group.steps.iter().for_each(|at| functions[*at].clone_from(&name));
        }
        Self { labels, steps, functions, ports: scope::Ports::new(inputs, outputs) }
    }
}
