//! What numbers are in memory: the names of their types, and numbers written as one of them.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::emit::{Network, literal};
use crate::schedule::{Element, Home, Place, Stage};

/// The type of elements of so many bytes.
pub(super) fn name(bytes: usize) -> TokenStream {
    match bytes {
        1 => quote!(u8),
        2 => quote!(Half),
        _ => quote!(f32),
    }
}

/// A number as an element.
pub(super) fn number(element: Element, x: f32) -> TokenStream {
    match element {
        Element::F32 => literal::float(x),
        Element::F16 if x == 0.0 => quote!(Half::ZERO),
        Element::F16 => {
            let x = literal::float(x);
            quote!(Half::of(#x))
        }
        Element::U8 { .. } => literal::size(x as usize).into_token_stream(),
    }
}

/// The method that copies between a stage's ends: numbers may be stored otherwise on either side.
pub(super) fn copying(stage: &Stage) -> TokenStream {
    let from = stage.from.first().map_or(stage.into.element, |from| from.element);
    let alike = from.bytes() == stage.into.element.bytes();
    if alike { quote!(run) } else { quote!(convert) }
}

/// Whether the user makes halves of an input, and so names their type too.
pub(super) fn are_brought(network: &Network<'_>) -> bool {
    network.schedule.intakes.iter().any(|intake| intake.place.element == Element::F16)
}

/// The path of the type of halves, if the file names it.
pub(super) fn import(network: &Network<'_>) -> Option<&'static str> {
    let stages = network.schedule.steps.iter().flat_map(|step| &step.stages);
    let mut places = stages.flat_map(|stage| stage.from.iter().chain([&stage.into]));
    let lies = |place: &Place| matches!(place.home, Home::Arena(_) | Home::Weights(_));
    let named = places.any(|place| place.element == Element::F16 && lies(place))
        || network.blob.elements().any(|bytes| bytes == 2);
    (named && !are_brought(network)).then_some("half::Half")
}
