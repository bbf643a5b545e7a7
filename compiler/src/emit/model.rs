//! The whole file: facts, weights, arena, `infer`, and a function for each step.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

use crate::emit::function::Function;
use crate::emit::names;
use crate::emit::step_names::StepNames;
use crate::emit::{
    Network, answer, doc, element, input, layers, literal, probe, scope, shared, state, step,
    weights, words,
};
use crate::printed;
use crate::schedule::{Home, Intake, Port};

/// The lines at the top.
pub(super) fn header(network: &Network<'_>) -> String {
    let facts = network.facts;
    let (madds, params) = (facts.madds as f64 / 1e6, facts.params as f64 / 1e6);
    let arena = network.plan.arena_len as f64 / 1024.0;
    format!(
        "{}: {madds:.1} M MAdds, {params:.2} M parameters, {arena:.1} KiB of arena.\n\n\
         Written by mnv2c for {}; edit the model instead and compile again.",
        printed::name(&facts.name),
        network.target,
    )
}

/// Every item, in the order in which a reader wants them.
pub(super) fn items(network: &Network<'_>) -> Vec<TokenStream> {
    let names = StepNames::new(network);
    let steps = 0..network.schedule.steps.len();
    let functions: Vec<Function> = steps.map(|at| step::function(network, at, &names)).collect();
    let mut items = imports(network, &functions);
    items.extend(refusal(network));
    items.extend(facts(network));
    items.extend(scales(network));
    items.extend(layers::item(network));
    items.extend(arena(network));
    items.extend(weights::object(network, &functions));
    items.push(infer(network, &names));
    items.push(run(network, &names, &functions));
    items.extend(functions.iter().filter_map(|function| function.item.clone()));
    items.extend(probe::items(network));
    items.extend(shared::item(network, &names));
    items.extend(weights::item(network, &functions));
    items
}

fn imports(network: &Network<'_>, functions: &[Function]) -> Vec<TokenStream> {
    let token = format!("simd::{}", words::token(network.target));
    let always = ["arena::self", "blob::Blob", token.as_str()];
    let lends = network.schedule.intakes.iter().any(|it| matches!(it.place.home, Home::Arena(_)));
    let slots = lends.then_some("arena::Slots");
    let needed = words::needs_features(network.target).then_some("isa::self");
    let kernels = functions.iter().flat_map(|function| function.kernels.iter().map(String::as_str));
    let mut modules: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for path in always
        .into_iter()
        .chain(slots)
        .chain(needed)
        .chain(kernels)
        .chain(probe::imports(network).iter().copied())
        .chain(weights::imports(network).iter().copied())
        .chain(asks_for_bytes(network).then_some("affine::Affine"))
        .chain(answer::imports(network).iter().copied())
        .chain(element::imports(network))
    {
        let (module, name) = path.rsplit_once("::").expect("imports are paths");
        modules.entry(module).or_default().insert(name);
    }
    let threads = (network.target.threads > 1).then(|| {
        quote!(
            pub use mnv2c_runtime::pool::Pool;
        )
    });
    let halves = element::brought(network).map(|path| {
        quote!(
            pub use mnv2c_runtime::#path;
        )
    });
    layers::import(network)
        .into_iter()
        .chain(halves)
        .chain(threads)
        .chain(modules.into_iter().map(|(module, names)| import(module, &names)))
        .collect()
}

/// The `compile_error!` of a build for other machines.
fn refusal(network: &Network<'_>) -> Option<TokenStream> {
    let arch = network.target.isa.arch()?;
    let text = format!("this network is for {}; give it another target", network.target);
    Some(quote! {
        #[cfg(not(target_arch = #arch))]
        compile_error!(#text);
    })
}

/// True if the caller quantises an input.
fn asks_for_bytes(network: &Network<'_>) -> bool {
    network.schedule.intakes.iter().any(|intake| intake.scale.is_some())
}

/// One `use`, in the order of names that rustfmt keeps: `self` first.
fn import(module: &str, names: &BTreeSet<&str>) -> TokenStream {
    let own = names.contains("self").then_some("self");
    let names: Vec<&str> =
        own.into_iter().chain(names.iter().copied().filter(|name| *name != "self")).collect();
    let path = match names.as_slice() {
        ["self"] => module.to_owned(),
        [name] => format!("{module}::{name}"),
        names => format!("{module}::{{{}}}", names.join(", ")),
    };
    let path: TokenStream = path.parse().expect("imports are Rust");
    quote!(use mnv2c_runtime::#path;)
}

fn facts(network: &Network<'_>) -> Vec<TokenStream> {
    let facts = network.facts;
    let mut items = Vec::new();
    let several = |ports: &[Port]| ports.len() > 1;
    for (kind, ports) in
        [("INPUT", &network.schedule.inputs), ("OUTPUT", &network.schedule.outputs)]
    {
        for (at, port) in ports.iter().enumerate() {
            let stem = if several(ports) { format!("{kind}_{at}") } else { kind.to_owned() };
            let (name, len_name) = (format_ident!("{stem}_SHAPE"), format_ident!("{stem}_LEN"));
            let rank = literal::size(port.shape.len());
            let dims = port.shape.iter().map(|dim| literal::size(*dim));
            let about = format!(" Shape of {}.", doc::quoted(&port.name));
            items.push(quote!(#[doc = #about] pub const #name: [usize; #rank] = [#(#dims),*];));
            let len = literal::size(port.shape.iter().product());
            let about = format!(" Numbers in {}.", doc::quoted(&port.name));
            items.push(quote!(#[doc = #about] pub const #len_name: usize = #len;));
        }
    }
    let arena = literal::size(network.plan.arena_len);
    let (madds, params, sha256) =
        (literal::int(facts.madds), literal::int(facts.params), &facts.sha256);
    items.push(quote!(#[doc = " Bytes of working memory: the size of [`Arena`]."] pub const ARENA_BYTES: usize = #arena;));
    items.extend(state::fact(network));
    items.push(quote!(#[doc = " Multiply-adds of one inference."] pub const MADDS: u64 = #madds;));
    items.push(quote!(#[doc = " Trained numbers."] pub const PARAMS: u64 = #params;));
    items.push(quote!(#[doc = " SHA-256 of the model this was compiled from."] pub const MODEL_SHA256: &str = #sha256;));
    items
}

fn arena(network: &Network<'_>) -> Vec<TokenStream> {
    let slots = input::slots(network);
    let kept = state::methods(network);
    let about = state::about(network);
    vec![
        quote! {
            #[doc = #about]
            pub struct Arena(arena::Arena<ARENA_BYTES>);
        },
        quote! {
            impl Arena {
                #[doc = " All zero: a static one takes no room in the program's file."]
                pub const fn new() -> Self {
                    Self(arena::Arena::new())
                }

                #(#slots)*

                #kept
            }
        },
        quote! {
            impl Default for Arena {
                fn default() -> Self {
                    Self::new()
                }
            }
        },
    ]
}

fn infer(network: &Network<'_>, names: &StepNames) -> TokenStream {
    let token = words::token(network.target);
    let parameters = parameters(network, names, |port| port.shape.iter().product(), &Caller::User);
    let (given, passed) = weights::parameter(network);
    let ranked = network.schedule.ranking.is_some();
    let feeds =
        inputs(network, names).any(|(intake, ..)| matches!(intake.place.home, Home::Feed(_)));
    let name = if feeds { format_ident!("infer_rows") } else { format_ident!("infer") };
    let listed = |names: &[String]| -> String {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    let about = answer::about(network, &listed(&names.ports.outputs), &listed(&names.ports.inputs));
    let (arrow, end) = (answer::arrow(network), if ranked { quote!() } else { quote!(;) });
    let (takes_pool, pool) = pool(network);
    let call = if words::needs_features(network.target) {
        let calls = for_each_part(
            network,
            names,
            |arguments| quote!(unsafe { run(#token::assume(), #pool #passed arena, #arguments) }),
        );
        quote! {
            isa::require(isa::Isa::#token);
            #calls
        }
    } else {
        for_each_part(
            network,
            names,
            |arguments| quote!(run(#token::new(), #pool #passed arena, #arguments) #end),
        )
    };
    let needs = network.target.isa.features();
    let needs = if needs.is_empty() {
        quote!()
    } else {
        let text = format!(" Needs a machine with {needs}: see `isa::Isa::detect`.");
        quote!(#[doc = ""] #[doc = #text])
    };
    let asks = if feeds {
        quote!(#[doc = ""] #[doc = " Asks for each row of the image once, from the first: pixels with their channels side by side."])
    } else {
        quote!()
    };
    quote! {
        #[doc = #about]
        #asks
        #needs
        pub fn #name(#takes_pool #given arena: &mut Arena #(, #parameters)*) #arrow {
            #call
        }
    }
}

/// `call` with the caller's arrays, or with one part after another of those of a batch.
fn for_each_part(
    network: &Network<'_>,
    names: &StepNames,
    call: impl Fn(TokenStream) -> TokenStream,
) -> TokenStream {
    if network.schedule.batch == 1 {
        let arguments = arguments(network, names);
        return call(quote!(#(#arguments),*));
    }
    let idents = |names: &[String]| names.iter().map(|name| names::ident(name)).collect::<Vec<_>>();
    let (inputs, outputs) = (idents(&names.ports.inputs), idents(&names.ports.outputs));
    let batch = literal::size(network.schedule.batch);
    let call = call(quote!(#(&#inputs[part],)* #(&mut #outputs[part]),*));
    quote! {
        #(let (#inputs, _) = #inputs.as_chunks();)*
        #(let (#outputs, _) = #outputs.as_chunks_mut();)*
        for part in 0..#batch {
            #call
        }
    }
}

fn run(network: &Network<'_>, names: &StepNames, functions: &[Function]) -> TokenStream {
    let token = words::token(network.target);
    let caller = Caller::infer(functions);
    let parameters = parameters(network, names, |port| network.schedule.part_len(port), &caller);
    let feature = words::feature(network.target);
    let (given, _) = weights::parameter(network);
    let calls = functions
        .iter()
        .map(|Function { name, arguments, .. }| quote!(#name(isa #(, #arguments)*);));
    let start = probe::start(network);
    let begin = state::begin(network);
    let (arrow, answer) = (answer::arrow(network), answer::expression(network));
    let name = |name: &str| caller.name(&format_ident!("{name}"));
    let pool = name("pool");
    let takes_pool = (network.target.threads > 1).then(|| quote!(#pool: &mut Pool,));
    let used = !answer.is_empty() || !begin.is_empty();
    let arena = if used { quote!(arena) } else { name("arena") };
    quote! {
        #feature
        fn run(isa: #token, #takes_pool #given #arena: &mut Arena #(, #parameters)*) #arrow {
            #start
            #begin
            #(#calls)*
            #answer
        }
    }
}

/// The parameter and the argument for the threads, where there are several.
fn pool(network: &Network<'_>) -> (TokenStream, TokenStream) {
    if network.target.threads == 1 {
        return (quote!(), quote!());
    }
    (quote!(pool: &mut Pool,), quote!(pool,))
}

/// Consts by which the caller quantises the inputs that the network takes as bytes.
fn scales(network: &Network<'_>) -> Vec<TokenStream> {
    let several = network.schedule.inputs.len() > 1;
    let intakes = network.schedule.intakes.iter().zip(&network.schedule.inputs).enumerate();
    let consts = intakes.filter_map(|(at, (intake, port))| {
        let affine = intake.scale?;
        let stem = if several { format!("INPUT_{at}") } else { "INPUT".to_owned() };
        let name = format_ident!("{stem}_SCALE");
        let (scale, zero) = (literal::float(affine.scale), literal::size(affine.zero.into()));
        let about = format!(
            " What the bytes of {} stand for: its method `byte` makes one of a number.",
            doc::quoted(&port.name)
        );
        Some(quote! {
            #[doc = #about]
            pub const #name: Affine = Affine { scale: #scale, zero: #zero };
        })
    });
    consts.collect()
}

/// Who calls a function that takes arrays and functions of the user.
enum Caller {
    /// The user, who gives functions away.
    User,
    /// `infer`, which lends them to steps that take these arguments.
    Infer(BTreeSet<String>),
}

impl Caller {
    fn infer(functions: &[Function]) -> Self {
        let arguments = functions.iter().flat_map(|function| &function.arguments);
        Self::Infer(arguments.map(ToString::to_string).collect())
    }

    /// The name of the function's parameter `ident`: nothing where no step takes it.
    fn name(&self, ident: &Ident) -> TokenStream {
        match self {
            Self::Infer(taken) if !taken.contains(&ident.to_string()) => quote!(_),
            Self::Infer(_) | Self::User => quote!(#ident),
        }
    }
}

/// The arrays that the caller lends, of `len` elements each, and the functions that give rows.
fn parameters(
    network: &Network<'_>,
    names: &StepNames,
    len: impl Fn(&Port) -> usize,
    caller: &Caller,
) -> Vec<TokenStream> {
    let ports = &names.ports;
    let inputs = inputs(network, names).filter_map(|(intake, name, port)| {
        let (ident, len) = (names::ident(name), literal::size(len(port)));
        match intake.place.home {
            Home::Feed(at) => {
                let (next, number) =
                    (scope::next_row(network, ports, at), element::of_intake(network, intake));
                Some(match caller {
                    Caller::User => quote!(mut #next: impl FnMut(usize, &mut [#number])),
                    Caller::Infer(_) => quote!(#next: &mut impl FnMut(usize, &mut [#number])),
                })
            }
            Home::Arena(_) => None,
            Home::Input(_) | Home::Output(_) | Home::Weights(_) => {
                let (name, number) = (caller.name(&ident), element::of_port(port));
                Some(quote!(#name: &[#number; #len]))
            }
        }
    });
    let outputs = lent(network, names).map(|(name, port)| {
        let (name, len) = (names::ident(name), literal::size(len(port)));
        let number = element::of_port(port);
        quote!(#name: &mut [#number; #len])
    });
    inputs.chain(outputs).collect()
}

/// The outputs that the caller lends memory for, and what the file calls them.
fn lent<'a>(
    network: &'a Network<'a>,
    names: &'a StepNames,
) -> impl Iterator<Item = (&'a String, &'a Port)> {
    let lent = if network.schedule.ranking.is_some() { 0 } else { names.ports.outputs.len() };
    names.ports.outputs.iter().zip(&network.schedule.outputs).take(lent)
}

/// Arguments that `infer` passes on.
fn arguments(network: &Network<'_>, names: &StepNames) -> Vec<TokenStream> {
    let inputs = inputs(network, names).filter_map(|(intake, name, _)| match intake.place.home {
        Home::Feed(at) => {
            let next = scope::next_row(network, &names.ports, at);
            Some(quote!(&mut #next))
        }
        Home::Arena(_) => None,
        Home::Input(_) | Home::Output(_) | Home::Weights(_) => {
            Some(names::ident(name).into_token_stream())
        }
    });
    let outputs = lent(network, names).map(|(name, _)| names::ident(name).into_token_stream());
    inputs.chain(outputs).collect()
}

/// Inputs with their names in the file and their ports in the model.
fn inputs<'a>(
    network: &'a Network<'a>,
    names: &'a StepNames,
) -> impl Iterator<Item = (&'a Intake, &'a String, &'a Port)> {
    let ports = names.ports.inputs.iter().zip(&network.schedule.inputs);
    network.schedule.intakes.iter().zip(ports).map(|(intake, (name, port))| (intake, name, port))
}
