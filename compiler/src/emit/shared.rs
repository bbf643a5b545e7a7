//! Functions that several steps run: what they are given beside the token, threads and arrays of the caller.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

use crate::emit::scope::Scope;
use crate::emit::step_names::StepNames;
use crate::emit::{Network, element, literal, names, probe, weights};
use crate::schedule::Step;
use crate::share::{Frame, Group, Lens};

/// Where the arrays begin, how far the clock is, and the weights, as the function called `name` takes them.
pub(super) fn parameters(
    scope: &Scope<'_>,
    name: &str,
    frame: &Frame,
    lens: Lens,
) -> Vec<TokenStream> {
    let network = scope.network;
    let (kind, len) = (kind(name), (lens == Lens::Any).then(|| quote!(<N>)));
    let slots = (!frame.arrays.is_empty()).then(|| quote!(slots: &slots::#kind #len));
    let clock = network.probed.then(|| quote!(clock: usize));
    let weights = scope.weights_of(frame).into_iter().zip(&frame.packs).map(|(name, id)| {
        let element = element::of_pack(network, network.blob.number(*id));
        let len = match lens {
            Lens::Known => literal::size(network.blob.range(*id).len()).into_token_stream(),
            Lens::Any => quote!(C),
        };
        quote!(#name: &[#element; #len])
    });
    slots.into_iter().chain(clock).chain(weights).collect()
}

/// The lengths that a function leaves open: elements of its arrays, and of the weights.
pub(super) fn generics(frame: &Frame, lens: Lens) -> TokenStream {
    match (lens, frame.packs.is_empty()) {
        (Lens::Known, _) => quote!(),
        (Lens::Any, true) => quote!(<const N: usize>),
        (Lens::Any, false) => quote!(<const N: usize, const C: usize>),
    }
}

/// The arguments of the step called `name` for those; `scope` is the step's own.
pub(super) fn arguments(
    scope: &Scope<'_>,
    step: &Step,
    (name, frame): (&str, &Frame),
) -> Vec<TokenStream> {
    let network = scope.network;
    let constant = names::constant(name);
    let slots = (!frame.arrays.is_empty()).then(|| quote!(&slots::#constant));
    let clock = network.probed.then(|| {
        let first = literal::size(probe::first(network, step));
        quote!(#first)
    });
    let names = scope.weights_of(frame).into_iter();
    let weights = names.map(|name| weights::expression(network, name));
    slots.into_iter().chain(clock).chain(weights).collect()
}

/// The statement that borrows the arrays.
pub(super) fn statement(scope: &Scope<'_>, frame: &Frame) -> TokenStream {
    if frame.arrays.is_empty() {
        return quote!();
    }
    let variables = scope.slots.variables(frame);
    quote!(let (#(#variables,)*) = arena.0.arrays(slots);)
}

/// The module of consts for where the arrays of each step begin.
pub(super) fn item(network: &Network<'_>, names: &StepNames) -> Option<TokenStream> {
    let groups = network.sharing.groups.iter();
    let lent = groups.filter(|group| !network.sharing.frames[group.steps[0]].arrays.is_empty());
    let items: Vec<TokenStream> = lent.flat_map(|group| consts(network, names, group)).collect();
    let types = element::of_arrays(network).into_iter();
    (!items.is_empty()).then(|| {
        quote! {
            #[doc = " Where in the arena the arrays begin of each step that shares its function with others."]
            mod slots {
                use super::{ARENA_BYTES, Arrays #(, #types)*};

                #(#items)*
            }
        }
    })
}

/// The type of the arrays of one function, and where those of each of its steps begin.
fn consts(network: &Network<'_>, names: &StepNames, group: &Group) -> Vec<TokenStream> {
    let (frames, first) = (&network.sharing.frames, group.steps[0]);
    let any = group.lens == Lens::Any;
    let arrays = frames[first].arrays.iter().map(|array| {
        let element = element::name(network, array.element);
        let len = if any { quote!(N) } else { literal::size(array.len()).into_token_stream() };
        quote!([#element; #len])
    });
    let count = literal::size(arrays.len());
    let (kind, open) = (kind(&names.functions[first]), any.then(|| quote!(<const N: usize>)));
    let alias = quote!(pub(super) type #kind #open = Arrays<(#(#arrays,)*), #count, ARENA_BYTES>;);
    let steps = group.steps.iter().map(|at| {
        let name = names::constant(&names.steps[*at]);
        let arrays = &frames[*at].arrays;
        let starts = arrays.iter().map(|array| literal::size(array.bytes.start / array.element));
        let len = any.then(|| literal::size(arrays[0].len())).map(|len| quote!(<#len>));
        quote!(pub(super) const #name: #kind #len = Arrays::at([#(#starts),*]);)
    });
    std::iter::once(alias).chain(steps).collect()
}

/// The name of the type of what a function is lent.
fn kind(function: &str) -> Ident {
    let mut name = String::new();
    for word in function.split('_') {
        let digits = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        if digits(name.chars().last()) && digits(word.chars().next()) {
            name.push('_');
        }
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    names::ident(&name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_type_of_what_a_function_is_lent_is_called_after_it() {
        let kind = |name| super::kind(name).to_string();
        assert_eq!(kind("block_16_96_16_at_7x7_residual"), "Block16_96_16At7x7Residual");
        assert_eq!(kind("clamp_1x8x7x7_2"), "Clamp1x8x7x7_2");
    }
}
