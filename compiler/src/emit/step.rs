//! The function that a step runs: its name, its signature, its consts and its body, and the arguments of its call.

use proc_macro2::TokenStream;
use quote::quote;

use crate::emit::function::{Function, Source};
use crate::emit::scope::Scope;
use crate::emit::step_names::StepNames;
use crate::emit::{Carrier, Network, body, call, doc, names, shared, words};
use crate::program;
use crate::schedule::Step;
use crate::share::{Group, Lens};

/// The function of step `at`, its own or one that others run too.
pub(super) fn function<'a>(network: &'a Network<'a>, at: usize, names: &'a StepNames) -> Function {
    match network.sharing.group(at) {
        Some(group) => one_of_several(network, at, group, names),
        None => own(network, at, names),
    }
}

/// A function that no other step runs.
fn own<'a>(network: &'a Network<'a>, at: usize, names: &'a StepNames) -> Function {
    let (step, program) = (&network.schedule.steps[at], &network.program.functions[at]);
    let scope = Scope::new(network, step, &names.steps[at], &names.ports);
    let (mut parameters, mut arguments) = scope.parameters(step, program);
    if !scope.packs(step).is_empty() && network.carrier == Carrier::Extern {
        parameters.insert(0, quote!(weights: Weights));
        arguments.insert(0, quote!(weights));
    }
    let about = vec![format!(" {}", doc::step(network.graph, &names.labels, step))];
    let (places, borrowed) = (scope.slots.constant(network), scope.slots.statements(network));
    let slots = quote!(#places #borrowed);
    let name = names::ident(&names.functions[at]);
    let item = item(&scope, (step, program), (&quote!(#name), &about), &parameters, &slots);
    let mut kernels = imports(&scope, step);
    kernels.extend(scope.slots.imports().map(str::to_owned));
    let packs = scope.packs(step);
    Function { item: Some(item), name, arguments, kernels, packs, source: Source::Consts }
}

/// A function that the steps of `group` run, printed with the first of them.
fn one_of_several<'a>(
    network: &'a Network<'a>,
    at: usize,
    group: &Group,
    names: &'a StepNames,
) -> Function {
    let (step, program) = (&network.schedule.steps[at], &network.program.functions[at]);
    let frame = &network.sharing.frames[at];
    let scope = Scope::new(network, step, &names.steps[at], &names.ports);
    let (_, mut arguments) = scope.parameters(step, program);
    arguments.extend(shared::arguments(&scope, step, (&names.steps[at], frame)));
    let packs = scope.packs(step);
    let mut kernels = imports(&scope, step);
    kernels.extend((!frame.arrays.is_empty()).then(|| "arena::Arrays".to_owned()));
    let item = (group.steps[0] == at).then(|| {
        let runners: Vec<&str> = group.steps.iter().map(|at| names.steps[*at].as_str()).collect();
        let kind = words::kind(network.graph, step);
        let about = doc::shared(network.graph, (kind, step), group.lens, &runners);
        shared_item(network, (at, group.lens), names, &about)
    });
    let name = names::ident(&names.functions[at]);
    Function { item, name, arguments, kernels, packs, source: Source::Parameters }
}

/// The function that step `at` shares with others, as that step would have it, below the lines `about`.
fn shared_item<'a>(
    network: &'a Network<'a>,
    (at, lens): (usize, Lens),
    names: &'a StepNames,
    about: &[String],
) -> TokenStream {
    let (step, program) = (&network.schedule.steps[at], &network.program.functions[at]);
    let frame = &network.sharing.frames[at];
    let scope = Scope::new(network, step, &names.steps[at], &names.ports).of_parameters(step);
    let (mut parameters, _) = scope.parameters(step, program);
    parameters.extend(shared::parameters(&scope, &names.functions[at], frame, lens));
    let slots = shared::statement(&scope, frame);
    let (name, generics) = (names::ident(&names.functions[at]), shared::generics(frame, lens));
    let name = quote!(#name #generics);
    item(&scope, (step, program), (&name, about), &parameters, &slots)
}

/// The function of a step, with the lines above it.
fn item(
    scope: &Scope<'_>,
    (step, program): (&Step, &program::Function),
    (name, about): (&TokenStream, &[String]),
    parameters: &[TokenStream],
    slots: &TokenStream,
) -> TokenStream {
    let target = scope.network.target;
    let (feature, token) = (words::feature(target), words::token(target));
    let stages = step.stages.iter().enumerate();
    let kernels = stages.map(|(at, stage)| call::constants(scope, at, stage));
    let rows = scope.row_consts(step);
    let body = body::body(scope, step, program);
    let isa = if uses_token(step) { quote!(isa) } else { quote!(_) };
    quote! {
        #(#[doc = #about])*
        #feature
        #[inline(never)]
        fn #name(#isa: #token #(, #parameters)*) {
            #(#rows)*
            #(#kernels)*
            #slots
            #body
        }
    }
}

/// Paths in the runtime that the body needs.
fn imports(scope: &Scope<'_>, step: &Step) -> Vec<String> {
    let paths = step.stages.iter().flat_map(call::imports);
    paths.chain((!scope.rows.is_empty()).then(|| "ring::Rows".to_owned())).collect()
}

fn uses_token(step: &Step) -> bool {
    step.stages.iter().any(|stage| stage.kernel.takes_token(&stage.site()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile;
    use crate::frontend::spec::{Spec, Weights, graph};
    use crate::objective::{Memory, Objective, Storage};
    use crate::target::Target;

    /// A checker apart from the comparison of values: whichever step prints the function, it says the same.
    #[test]
    fn each_step_of_a_shared_function_would_print_it_alike() {
        let one: Target = "x86-64-v3".parse().unwrap();
        let (plain, ram) = (Memory::default(), Objective::Ram);
        for (target, memory) in [
            (one, plain),
            (Target { threads: 2, ..one }, plain),
            ("generic".parse().unwrap(), Memory { objective: ram, ..plain }),
            (one, Memory { storage: Storage::F16, ..plain }),
        ] {
            let rows = Spec::parse("mobilenet_v2:0.35@64").unwrap();
            let net = graph(&rows, Weights::Random { seed: 7 }).unwrap();
            let options = crate::testing::options(target, memory);
            let artifact = compile(net, &options, |_, _, _| ()).unwrap();
            let network = Network { probed: true, ..artifact.network() };
            let names = StepNames::new(&network);
            assert!(!network.sharing.groups.is_empty(), "{memory:?}");
            for group in &network.sharing.groups {
                let print = |at| shared_item(&network, (at, group.lens), &names, &[]).to_string();
                let first = print(group.steps[0]);
                assert!(group.steps.iter().all(|at| print(*at) == first), "{group:?}");
            }
        }
    }
}
