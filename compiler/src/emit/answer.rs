//! The return value of `infer`, where the caller wants something else than the output itself.

use proc_macro2::TokenStream;
use quote::quote;

use crate::emit::{Network, literal};
use crate::schedule::{Home, Ranking};

/// The arrow and the type behind the parameters.
pub(super) fn arrow(network: &Network<'_>) -> TokenStream {
    match network.schedule.ranking {
        None => quote!(),
        Some(Ranking { count: 1, .. }) => quote!(-> usize),
        Some(Ranking { count, .. }) => {
            let count = literal::size(count);
            quote!(-> [(usize, f32); #count])
        }
    }
}

/// The last expression of `run`.
pub(super) fn expression(network: &Network<'_>) -> TokenStream {
    let Some(Ranking { scores, count }) = network.schedule.ranking else { return quote!() };
    let Home::Arena(buffer) = scores.home else { return quote!() };
    let start = network.plan.slots[buffer.0].offset / 4;
    let range = literal::range(&(start..start + scores.rows.len()));
    let found = if count == 1 { quote!(rank::argmax(scores)) } else { quote!(rank::top(scores)) };
    quote! {
        const SCORES: Slots<f32, 1, ARENA_BYTES> = Slots::one(#range);
        let [scores] = arena.0.slots(SCORES);
        #found
    }
}

/// Paths in the runtime that it needs.
pub(super) fn imports(network: &Network<'_>) -> &'static [&'static str] {
    if network.schedule.ranking.is_some() { &["kernel::rank::self"] } else { &[] }
}

/// The sentence on `infer` in its documentation; `y` and `x` name outputs and inputs.
pub(super) fn about(network: &Network<'_>, y: &str, x: &str) -> String {
    match network.schedule.ranking {
        None => format!(" Computes {y} from {x}."),
        Some(Ranking { count: 1, .. }) => {
            format!(" The class, counted from 0, of the greatest entry of {y} for {x}.")
        }
        Some(Ranking { count, .. }) => format!(
            " The {count} likeliest classes, counted from 0, for {x}, each with its probability in {y}; the likeliest first."
        ),
    }
}
