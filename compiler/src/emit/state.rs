//! Values that the network keeps between calls: the method that clears them, and the first call's start.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::emit::{Network, doc, literal};
use crate::plan::BufferId;
use crate::schedule::{Home, Kept};

/// The description of the arena.
pub(super) fn about(network: &Network<'_>) -> String {
    let text = if network.schedule.states.is_empty() {
        "; its contents mean nothing between calls."
    } else {
        ", and what is kept between calls: each stream of inputs needs an arena of its own."
    };
    format!(" The memory that every value between input and output lies in{text}")
}

/// The const that says how much is kept.
pub(super) fn fact(network: &Network<'_>) -> Option<TokenStream> {
    let bytes = literal::size(network.schedule.state_bytes());
    let about = " Bytes of [`Arena`] that keep their values between calls.";
    (!network.schedule.states.is_empty())
        .then(|| quote!(#[doc = #about] pub const STATE_BYTES: usize = #bytes;))
}

/// The methods of the arena that give what is kept its first values.
pub(super) fn methods(network: &Network<'_>) -> TokenStream {
    if network.schedule.states.is_empty() {
        return quote!();
    }
    let names: Vec<String> =
        network.schedule.states.iter().map(|kept| doc::quoted(&kept.port.name)).collect();
    let about = format!(
        " Forgets all calls: what is kept between them ({}) is again what it was before the first.",
        names.join(", ")
    );
    let fills = network.schedule.states.iter().map(|kept| fill(network, kept));
    let started = network.schedule.started.map(|id| {
        let at = literal::size(network.plan.slots[id.0].offset);
        quote!(memory[#at] = 1;)
    });
    let start = network.schedule.started.map(|id| start(network, id));
    quote! {
        #[doc = #about]
        pub fn reset(&mut self) {
            let memory = self.0.bytes_mut();
            #(#fills)*
            #started
        }

        #start
    }
}

/// The statement of `run` that gives what is kept its first values in the first call, where those are not zeros.
pub(super) fn begin(network: &Network<'_>) -> TokenStream {
    match network.schedule.started {
        Some(_) => quote!(arena.start();),
        None => quote!(),
    }
}

/// The statement that gives a state its first value.
fn fill(network: &Network<'_>, kept: &Kept) -> TokenStream {
    let Home::Arena(buffer) = kept.place.home else { return quote!() };
    let start = network.plan.slots[buffer.0].offset;
    let range = literal::range(&(start..start + kept.start.len()));
    match kept.start.split_first() {
        Some((first, rest)) if rest.iter().any(|byte| byte != first) => {
            let bytes = Literal::byte_string(&kept.start);
            quote!(memory[#range].copy_from_slice(#bytes);)
        }
        first => {
            let byte = literal::size(first.map_or(0, |(byte, _)| (*byte).into()));
            quote!(memory[#range].fill(#byte);)
        }
    }
}

/// The method that gives what is kept its first values once.
fn start(network: &Network<'_>, id: BufferId) -> TokenStream {
    let at = literal::size(network.plan.slots[id.0].offset);
    quote! {
        #[doc = " Gives what is kept its first values, unless it has values already."]
        fn start(&mut self) {
            if self.0.bytes_mut()[#at] == 0 {
                self.reset();
            }
        }
    }
}
