//! Layers kernel by kernel: as data for reports, and as the const `LAYERS` where a program wants to know them too.

use proc_macro2::TokenStream;
use quote::quote;

use crate::emit::{Network, literal, probe};
use crate::ir::{Graph, Op};
use crate::pack::Blob;
use crate::printed;
use crate::schedule::Schedule;

/// A kernel and what it works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The operator's name in the model.
    pub name: String,
    /// The function it is called in, its const and its tile.
    pub probe: probe::Probe,
    /// The shape of its result, as the model has it.
    pub shape: Vec<usize>,
    /// Trained numbers.
    pub params: usize,
    /// Bytes of the weights that it reads.
    pub weights_bytes: usize,
}

/// Every kernel, in order.
pub fn layers(graph: &Graph, schedule: &Schedule, blob: &Blob) -> Vec<Layer> {
    let stages = schedule.steps.iter().flat_map(|step| &step.stages);
    let layers = stages.zip(probe::probes(graph, schedule)).map(|(stage, probe)| {
        let node = graph.node(stage.node);
        let loads = stage.kernel.loads();
        let shown = graph.operand(stage.node, 0).filter(|_| loads).unwrap_or(stage.node);
        let trained =
            |port| graph.operand(stage.node, port).filter(|_| stage.pack.is_some() && !loads);
        let params = [1, 2].into_iter().filter_map(trained).map(|id| graph.node(id).out.len());
        Layer {
            name: if matches!(node.op, Op::Const(_)) { String::new() } else { node.name.clone() },
            probe,
            shape: graph.node(shown).out.shape.clone(),
            params: params.sum(),
            weights_bytes: stage
                .pack
                .map_or(0, |id| blob.range(id).len() * blob.number(id).bytes()),
        }
    });
    layers.collect()
}

/// The const, where it was asked for.
pub(super) fn item(network: &Network<'_>) -> Option<TokenStream> {
    if !network.facts.layers {
        return None;
    }
    let layers = layers(network.graph, network.schedule, network.blob);
    let count = literal::size(layers.len());
    let layers = layers.iter().map(|layer| {
        let (name, kernel) = (printed::name(&layer.name), layer.probe.kernel);
        let shape = layer.shape.iter().map(|dim| literal::size(*dim));
        let madds = literal::int(layer.probe.madds);
        let weights_bytes = literal::size(layer.weights_bytes);
        quote! {
            Layer {
                name: #name, kernel: #kernel, shape: &[#(#shape),*], madds: #madds, weights_bytes: #weights_bytes,
            }
        }
    });
    Some(quote! {
        #[doc = " What runs, kernel by kernel; it takes no room in a program that does not read it."]
        pub const LAYERS: [Layer; #count] = [#(#layers),*];
    })
}

/// The type of its elements, which users name too.
pub(super) fn import(network: &Network<'_>) -> Option<TokenStream> {
    network.facts.layers.then(|| {
        quote!(
            pub use mnv2c_runtime::layer::Layer;
        )
    })
}
