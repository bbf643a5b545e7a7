//! Element types in memory: their names, and numbers written as one of them.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

use crate::emit::{Network, literal};
use crate::ir::Dtype;
use crate::pack::Number;
use crate::schedule::{Element, Home, Intake, Place, Port};

/// The type of elements of so many bytes.
pub(super) fn name(network: &Network<'_>, bytes: usize) -> TokenStream {
    match bytes {
        1 => quote!(u8),
        2 => half(network).into_token_stream(),
        _ => quote!(f32),
    }
}

/// The type of the network's numbers of 16 bits.
fn half(network: &Network<'_>) -> Ident {
    word(if network.graph.stores(Dtype::Bf16) { Element::Bf16 } else { Element::F16 })
}

/// The type of elements of 16 bits.
fn word(element: Element) -> Ident {
    format_ident!("{}", if element == Element::Bf16 { "Brain" } else { "Half" })
}

/// A number as an element.
pub(super) fn number(element: Element, x: f32) -> TokenStream {
    match element {
        Element::F32 => literal::float(x),
        Element::F16 | Element::Bf16 => {
            let word = word(element);
            if x == 0.0 {
                return quote!(#word::ZERO);
            }
            let x = literal::float(x);
            quote!(#word::of(#x))
        }
        Element::I32 | Element::I64 | Element::U8 { .. } => {
            literal::size(x as usize).into_token_stream()
        }
    }
}

/// The type of 16 bits that the user makes of an input, if so, as a path of the runtime.
pub(super) fn brought(network: &Network<'_>) -> Option<TokenStream> {
    let mut intakes = network.schedule.intakes.iter();
    let half = intakes.any(|intake| intake.place.element.bytes() == 2);
    half.then(|| path(network).parse().expect("paths are tokens"))
}

/// The type of a port's numbers.
pub(super) fn of_port(port: &Port) -> TokenStream {
    match port.dtype {
        Dtype::U8 => quote!(u8),
        Dtype::I32 => quote!(i32),
        Dtype::I64 => quote!(i64),
        Dtype::I8 | Dtype::F32 | Dtype::F16 | Dtype::Bf16 => quote!(f32),
    }
}

/// The type of the numbers that the caller brings in parts, or writes into the arena.
pub(super) fn of_intake(network: &Network<'_>, intake: &Intake) -> TokenStream {
    name(network, intake.place.element.bytes())
}

/// The type of a pack's numbers.
pub(super) fn of_pack(network: &Network<'_>, number: Number) -> TokenStream {
    if number == Number::Pair { quote!(Pair) } else { name(network, number.bytes()) }
}

/// The types of weights that the module which holds them takes from the file.
pub(super) fn of_weights(network: &Network<'_>) -> Vec<TokenStream> {
    let has = |wanted: &[Number]| network.blob.numbers().any(|number| wanted.contains(&number));
    let half = has(&[Number::F16, Number::Bf16]).then(|| half(network).into_token_stream());
    half.into_iter().chain(has(&[Number::Pair]).then(|| quote!(Pair))).collect()
}

/// The type of 16 bits that elements of arrays have which several steps' functions are lent, if so.
pub(super) fn of_arrays(network: &Network<'_>) -> Option<Ident> {
    let sharing = network.sharing;
    let frames = sharing.groups.iter().map(|group| &sharing.frames[group.steps[0]]);
    let mut arrays = frames.flat_map(|frame| &frame.arrays);
    arrays.any(|array| array.element == 2).then(|| half(network))
}

/// The paths of types of 16 bits and of their pairs that the file names and its user does not.
pub(super) fn imports(network: &Network<'_>) -> Vec<&'static str> {
    let pairs = network.blob.numbers().any(|number| number == Number::Pair);
    import(network).into_iter().chain(pairs.then_some("brain::Pair")).collect()
}

fn import(network: &Network<'_>) -> Option<&'static str> {
    let stages = network.schedule.steps.iter().flat_map(|step| &step.stages);
    let mut places = stages.flat_map(|stage| stage.from.iter().chain([&stage.into]));
    let lies = |place: &Place| matches!(place.home, Home::Arena(_) | Home::Weights(_));
    let named = places.any(|place| place.element.bytes() == 2 && lies(place))
        || network.blob.numbers().any(|number| number.bytes() == 2);
    (named && brought(network).is_none()).then(|| path(network))
}

fn path(network: &Network<'_>) -> &'static str {
    if half(network) == "Brain" { "brain::Brain" } else { "half::Half" }
}
