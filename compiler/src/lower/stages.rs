//! Descriptions of a program's stages for its text.

use crate::ir::Graph;
use crate::schedule::{Home, Schedule, Stage};

/// The kernel, the operator and the place of each stage of each step, for [`program::text`](crate::program::text).
pub fn named(graph: &Graph, schedule: &Schedule) -> Vec<Vec<String>> {
    let names = schedule
        .steps
        .iter()
        .map(|step| step.stages.iter().map(|stage| name(graph, stage)).collect());
    names.collect()
}

fn name(graph: &Graph, stage: &Stage) -> String {
    let kernel = format!("{:?}", stage.kernel);
    let kernel = kernel.split(['(', ' ']).next().unwrap_or_default();
    let (name, rows) = (&graph.node(stage.node).name, stage.into.rows);
    let home = match stage.into.home {
        Home::Arena(buffer) => format!("arena {}", buffer.0),
        Home::Output(at) => format!("output {at}"),
        Home::Input(at) | Home::Feed(at) => format!("input {at}"),
        Home::Weights(_) => "weights".to_owned(),
    };
    let plural = if rows.kept == 1 { "" } else { "s" };
    let size = format!("{} row{plural} of {}x{}", rows.kept, rows.width, rows.channels);
    format!("{kernel} {name:?}  {home}, {size}")
}
