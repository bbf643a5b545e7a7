//! Probes: reads of the clock in an emitted file that measures the cost of each kernel.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::emit::function::Source;
use crate::emit::labels::Labels;
use crate::emit::{Network, literal, words};
use crate::ir::Graph;
use crate::schedule::{Kernel, Schedule, Stage, Step};

/// A kernel whose time is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The function it is called in.
    pub step: String,
    /// The const that holds its numbers.
    pub kernel: &'static str,
    /// Pixels and vectors that its registers hold, such as `14x2`; empty where there is no tile.
    pub tile: String,
    /// Multiply-adds of one inference.
    pub madds: u64,
}

/// Every kernel in the order of its clock.
pub fn probes(graph: &Graph, schedule: &Schedule) -> Vec<Probe> {
    let labels = Labels::of(graph);
    let kernels = |step: &Step| -> Vec<Probe> {
        let name = words::step(graph, &labels, step);
        let kernel = |stage| Probe {
            step: name.clone(),
            kernel: words::word(graph, step, stage),
            tile: tile(&stage.kernel),
            madds: if computes(stage) { graph.madds(stage.node) } else { 0 },
        };
        step.stages.iter().map(kernel).collect()
    };
    schedule.steps.iter().flat_map(kernels).collect()
}

/// True if a stage multiplies by weights; a lookup of bytes in tables does not.
fn computes(stage: &Stage) -> bool {
    stage.pack.is_some() && !stage.kernel.loads()
}

/// The clock, and what a program asks of it.
pub(super) fn items(network: &Network<'_>) -> Vec<TokenStream> {
    if !network.probed {
        return Vec::new();
    }
    let count = literal::size(network.schedule.steps.iter().map(|step| step.stages.len()).sum());
    let (token, feature) = (words::token(network.target), words::feature(network.target));
    let call = if words::needs_features(network.target) {
        quote! {
            isa::require(isa::Isa::#token);
            unsafe { peak(#token::assume()) }
        }
    } else {
        quote!(peak(#token::new()))
    };
    vec![
        quote! {
            #[doc = " Nanoseconds spent in each kernel."]
            pub static CLOCK: Clock<#count> = Clock::new();
        },
        quote! {
            #[doc = " The most GFLOP/s that one core can do."]
            pub fn fma_peak() -> f64 {
                #call
            }
        },
        quote! {
            #feature
            #[inline(never)]
            fn peak(isa: #token) -> f64 {
                probe::fma_peak(isa)
            }
        },
    ]
}

/// Paths in the runtime that the clock needs.
pub(super) fn imports(network: &Network<'_>) -> &'static [&'static str] {
    if network.probed { &["probe::self", "probe::Clock"] } else { &[] }
}

/// The statement that starts the clock.
pub(super) fn start(network: &Network<'_>) -> TokenStream {
    if network.probed { quote!(CLOCK.start();) } else { quote!() }
}

/// The statement after the call of stage `at` of `step`, in a function of its own or in one that counts from `clock` on.
pub(super) fn mark(network: &Network<'_>, step: &Step, at: usize, source: Source) -> TokenStream {
    if !network.probed {
        return quote!();
    }
    let at = match source {
        Source::Consts => literal::size(first(network, step) + at).into_token_stream(),
        Source::Parameters if at == 0 => quote!(clock),
        Source::Parameters => {
            let at = literal::size(at);
            quote!(clock + #at)
        }
    };
    quote!(CLOCK.mark(#at);)
}

/// The number of the first kernel of `step`.
pub(super) fn first(network: &Network<'_>, step: &Step) -> usize {
    let before = network.schedule.steps.iter().take_while(|other| !std::ptr::eq(*other, step));
    before.map(|step| step.stages.len()).sum()
}

fn tile(kernel: &Kernel) -> String {
    kernel.registers().map(|[pixels, vectors]| format!("{pixels}x{vectors}")).unwrap_or_default()
}
