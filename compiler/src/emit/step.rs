//! One step as a function: its name, its signature, its consts and its body.

use quote::quote;

use crate::emit::function::Function;
use crate::emit::labels::Labels;
use crate::emit::scope::{Ports, Scope};
use crate::emit::{Carrier, Network, body, call, doc, names, words};
use crate::program;
use crate::schedule::Step;

/// Prints `step` as a function called `name`, its sentence with the labels of nodes.
pub(super) fn function<'a>(
    network: &'a Network<'a>,
    (step, program): (&Step, &program::Function),
    (name, labels): (&str, &Labels),
    ports: &'a Ports,
) -> Function {
    let scope = Scope::new(network, step, name, ports);
    let about = format!(" {}", doc::step(network.graph, labels, step));
    let (ident, feature, token) =
        (names::ident(name), words::feature(network.target), words::token(network.target));
    let (mut parameters, mut arguments) = scope.parameters(step, program);
    if !scope.packs(step).is_empty() && network.carrier == Carrier::Extern {
        parameters.insert(0, quote!(weights: Weights));
        arguments.insert(0, quote!(weights));
    }
    let stages = step.stages.iter().enumerate();
    let kernels = stages.map(|(at, stage)| call::constants(&scope, at, stage));
    let rows = scope.row_consts(step);
    let (places, slots) = (scope.slots.constant(network), scope.slots.statements(network));
    let body = body::body(&scope, step, program);
    let isa = if uses_token(step) { quote!(isa) } else { quote!(_) };
    let item = quote! {
        #[doc = #about]
        #feature
        #[inline(never)]
        fn #ident(#isa: #token #(, #parameters)*) {
            #(#rows)*
            #(#kernels)*
            #places
            #slots
            #body
        }
    };
    let mut paths: Vec<String> = step.stages.iter().flat_map(call::imports).collect();
    paths.extend(scope.slots.imports().into_iter().map(str::to_owned));
    if !scope.rows.is_empty() {
        paths.push("ring::Rows".to_owned());
    }
    let packs = scope.packs(step);
    Function { item, arguments, kernels: paths, packs }
}

fn uses_token(step: &Step) -> bool {
    step.stages.iter().any(|stage| stage.kernel.takes_token(&stage.site()))
}
