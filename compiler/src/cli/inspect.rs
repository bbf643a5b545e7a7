//! `mnv2c inspect`: what a model takes, gives, holds and costs.

use std::collections::BTreeMap;

use mnv2c::error::Result;
use mnv2c::frontend::onnx::Summary;
use mnv2c::ir::{Graph, NodeId};
use mnv2c::printed;
use serde_json::{Value, json};

use crate::cli::args::{Asked, Format, FormatArgs, ModelArgs, Reads};
use crate::cli::flags::OptionArgs;
use crate::cli::{Done, Outcome, output};

/// Print a model's inputs, outputs, operators, parameters and multiply-adds
#[derive(clap::Args)]
#[command(after_help = "Example:
  mnv2c inspect mobilenet_v2:1.0@224 --format json")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    options: OptionArgs<Reads>,
    #[command(flatten)]
    format: FormatArgs,
}

/// The facts that are printed, as text or JSON.
struct Account {
    name: String,
    summary: Option<Summary>,
    operators: BTreeMap<String, usize>,
    layers: Vec<Layer>,
    graph: Graph,
}

/// An operator that multiplies.
struct Layer {
    name: String,
    operator: &'static str,
    shape: Vec<usize>,
    params: usize,
    madds: u64,
}

pub(crate) fn run(args: &Args) -> Done {
    let asked = Asked { model: &args.model, request: args.options.request() };
    let (source, model) = asked.plain()?;
    let (summary, graph) = (source.summary()?, model.graph);
    let account = Account {
        name: source.name.clone(),
        operators: summary.as_ref().map_or_else(|| histogram(&graph), |it| it.operators.clone()),
        layers: layers(&graph),
        summary,
        graph,
    };
    match args.format.format {
        Format::Human => account.print()?,
        Format::Json => output::json(&account.json())?,
    }
    Ok(Outcome::Well)
}

fn histogram(graph: &Graph) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for id in graph.ids().into_iter().filter(|id| graph.constant(*id).is_none()) {
        *counts.entry(graph.node(id).op.name().to_owned()).or_default() += 1;
    }
    counts
}

fn layers(graph: &Graph) -> Vec<Layer> {
    let layer = |id: NodeId| {
        let (node, madds) = (graph.node(id), graph.madds(id));
        let constants = graph.operands(id).into_iter().filter_map(|(_, x)| graph.constant(x));
        (madds > 0).then(|| Layer {
            name: node.name.clone(),
            operator: node.op.name(),
            shape: node.out.shape.clone(),
            params: constants.map(|values| values.len()).sum(),
            madds,
        })
    };
    let order = graph.order().expect("what was read has no cycle");
    order.into_iter().filter_map(layer).collect()
}

impl Account {
    fn print(&self) -> Result<()> {
        output::line(&printed::name(&self.name))?;
        for (kind, name, id) in self.ports() {
            output::line(&format!(
                "  {kind:8} {}: {}",
                printed::name(name),
                self.graph.node(id).out
            ))?;
        }
        if let Some(summary) = &self.summary {
            let sets: Vec<String> = summary
                .opsets
                .iter()
                .map(|(domain, version)| format!("{} {version}", printed::name(domain)))
                .collect();
            let (sets, ir) = (sets.join(", "), summary.ir_version);
            output::line(&format!("  opsets   {sets}; IR {ir}"))?;
            output::line(&format!("  producer {}", printed::name(&summary.producer)))?;
        }
        let operators: Vec<String> = self
            .operators
            .iter()
            .map(|(name, count)| format!("{count} {}", printed::name(name)))
            .collect();
        output::line(&format!("  nodes    {}", operators.join(", ")))?;
        let width = output::column(self.layers.iter().map(|layer| layer.name.as_str()));
        output::line(&format!(
            "\n  {:width$} {:8} {:>16} {:>9} {:>9}",
            "layer", "", "shape", "params", "MAdds"
        ))?;
        for layer in &self.layers {
            let (shape, params) =
                (printed::shape(&layer.shape), output::count(layer.params as u64));
            let (name, operator, madds) =
                (printed::name(&layer.name), layer.operator, output::count(layer.madds));
            output::line(&format!(
                "  {name:width$} {operator:8} {shape:>16} {params:>9} {madds:>9}"
            ))?;
        }
        let (params, madds) = (self.graph.params(), self.graph.total_madds());
        output::line(&format!(
            "\n  {} parameters, {} MAdds",
            output::count(params),
            output::count(madds)
        ))
    }

    fn ports(&self) -> Vec<(&'static str, &str, NodeId)> {
        let named = |kind| move |id: &NodeId| (kind, self.graph.node(*id).name.as_str(), *id);
        let inputs = self.graph.inputs.iter().map(named("input"));
        let outputs = self.graph.outputs.iter();
        let outputs = outputs.map(|output| ("output", output.name.as_str(), output.node));
        let states: Vec<NodeId> = self.graph.states.iter().map(|state| state.input).collect();
        inputs.chain(outputs).chain(states.iter().map(named("state"))).collect()
    }

    fn json(&self) -> Value {
        let ports = |wanted: &str| -> Vec<Value> {
            let ports = self.ports().into_iter().filter(|(kind, ..)| *kind == wanted);
            ports.map(|(_, name, id)| self.port(name, id)).collect()
        };
        json!({
            "name": self.name,
            "inputs": ports("input"),
            "outputs": ports("output"),
            "states": ports("state"),
            "opsets": self.summary.as_ref().map(|it| &it.opsets),
            "ir_version": self.summary.as_ref().map(|it| it.ir_version),
            "producer": self.summary.as_ref().map(|it| &it.producer),
            "ops": self.operators,
            "params": self.graph.params(),
            "madds": self.graph.total_madds(),
            "layers": self.layers.iter().map(Layer::json).collect::<Vec<_>>(),
        })
    }

    fn port(&self, name: &str, id: NodeId) -> Value {
        let tensor = &self.graph.node(id).out;
        json!({"name": name, "shape": tensor.shape, "dtype": tensor.dtype.to_string()})
    }
}

impl Layer {
    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "op": self.operator,
            "shape": self.shape,
            "params": self.params,
            "madds": self.madds,
        })
    }
}
