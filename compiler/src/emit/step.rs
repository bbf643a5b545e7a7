//! One step as a function: its name, its signature, its consts and its body.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::emit::scope::{Ports, Scope};
use crate::emit::{Carrier, Network, body, call, doc, input, names};
use crate::ir::view::base;
use crate::ir::{Graph, NodeId, Op, Quant};
use crate::program;
use crate::schedule::{PackId, Step};
use crate::segment::Role;
use crate::target::{Isa, Target};

/// An emitted step.
pub(super) struct Function {
    /// The function.
    pub item: TokenStream,
    /// What `run` passes after the token.
    pub arguments: Vec<TokenStream>,
    /// Paths in the runtime that it uses.
    pub kernels: Vec<&'static str>,
    /// The weights it reads, by the name of their const.
    pub packs: Vec<(Ident, PackId)>,
}

/// What a step is called.
pub(super) fn name(graph: &Graph, step: &Step) -> String {
    let id = step.segment.stages[0];
    let node = graph.node(id);
    match (step.segment.role, &node.op) {
        (Role::Block(number), _) => format!("block_{number}"),
        (Role::Blocks(first, last), _) => {
            let head = if doc::holds_head(graph, step) { "_and_head" } else { "" };
            if first == last {
                format!("block_{first}{head}")
            } else {
                format!("blocks_{first}_to_{last}{head}")
            }
        }
        (Role::Chain, _) => {
            let last = step.segment.stages[step.segment.stages.len() - 1];
            format!("{}_to_{}", node.name, graph.node(last).name)
        }
        (Role::Head, _) => "head".to_owned(),
        (Role::Single, op) if op.conv().is_some() && reads_input(graph, id) => "stem".to_owned(),
        (Role::Single, Op::Dense(_) | Op::Quant(Quant::Dense(_))) => "classifier".to_owned(),
        (Role::Single, Op::Softmax(_) | Op::Quant(Quant::Softmax(_))) => "softmax".to_owned(),
        (Role::Single, _) => node.name.clone(),
        (Role::Copy, _) => format!("copy_{}", node.name),
    }
}

fn reads_input(graph: &Graph, id: NodeId) -> bool {
    let maker = |id: NodeId| graph.operand(id, 0).map(|x| base(graph, x));
    maker(id).is_some_and(|maker| match graph.node(maker).op {
        Op::Input => true,
        Op::Quant(Quant::Quantize(_)) => reads_input(graph, maker),
        _ => false,
    })
}

/// The type that proves a target's instructions are there.
pub(super) fn token(target: &Target) -> Ident {
    names::ident(&format!("{:?}", target.isa))
}

/// The attribute that lets a function use its target's instructions.
pub(super) fn feature(target: &Target) -> TokenStream {
    match target.isa {
        Isa::Scalar => quote!(),
        _ => {
            let features = target.isa.features();
            quote!(#[target_feature(enable = #features)])
        }
    }
}

/// Prints `step` as a function called `name`.
pub(super) fn function<'a>(
    network: &'a Network<'a>,
    (step, program): (&Step, &program::Function),
    name: &str,
    ports: &'a Ports,
) -> Function {
    let scope = Scope::new(network, step, name, ports);
    let about = format!(" {}", doc::step(network.graph, step));
    let (ident, feature, token) =
        (names::ident(name), feature(network.target), token(network.target));
    let (mut parameters, mut arguments) = scope.parameters(step, program);
    if !scope.packs(step).is_empty() && network.carrier == Carrier::Extern {
        parameters.insert(0, quote!(weights: Weights));
        arguments.insert(0, quote!(weights));
    }
    let (rows, kernels) = (scope.row_consts(step), scope.kernel_consts(step));
    let (places, slots) = (scope.slots_const(), scope.slots());
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
    let mut paths: Vec<&'static str> =
        step.stages.iter().flat_map(|stage| call::imports(network.graph, stage)).collect();
    paths.extend(scope.imports());
    paths.extend(step.stages.iter().filter_map(input::imports));
    if !scope.rows.is_empty() || step.stages.iter().any(call::names_rings) {
        paths.push("ring::Rows");
    }
    let packs = scope.packs(step);
    Function { item, arguments, kernels: paths, packs }
}

fn uses_token(step: &Step) -> bool {
    step.stages.iter().any(call::takes_token)
}
