//! Rows that stream through a step on several threads: each makes one band of the result, in rings of its own.
//!
//! What two bands read in common is made for both, so no thread waits for another before the step is done.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::emit::literal;
use crate::emit::scope::Scope;
use crate::emit::stream;
use crate::schedule::{Home, Step};

/// The bands of the result and the rings, one of each for a thread, and the loop over a band.
pub(super) fn all(scope: &Scope<'_>, step: &Step) -> TokenStream {
    let (bands, last) = (step.bands(), &step.stages[step.stages.len() - 1]);
    let (y, rows) = (scope.variable(last.into), last.height / bands);
    let band_len = literal::size(last.into.rows.len());
    let (rings, names) = rings(scope, step);
    let clears = scope.clears(step);
    let body = stream::band(scope, step, rows);
    let rows = literal::size(rows);
    quote! {
        let bands = #y.chunks_exact_mut(#band_len);
        let rings = #rings;
        pool.each_with(bands, rings, |band, #y, #names| {
            #(#clears)*
            let first = #rows * band;
            #body
        });
    }
}

/// The memory of all threads between the stages, in one part a thread, and the names of a part.
fn rings(scope: &Scope<'_>, step: &Step) -> (TokenStream, TokenStream) {
    let inner = step.stages[..step.stages.len() - 1].iter().map(|stage| stage.into);
    let mut seen: BTreeSet<Home> = BTreeSet::new();
    let places = inner.filter(|place| seen.insert(place.home));
    let part = |(name, elements): (&Ident, usize)| {
        let len = literal::size(elements / step.bands());
        (quote!(#name.chunks_exact_mut(#len)), quote!(#name))
    };
    let parts = places.filter_map(|place| scope.borrow_of(place)).map(part);
    let zipped = parts.reduce(|(rings, names), (ring, name)| {
        (quote!(#rings.zip(#ring)), quote!((#names, #name)))
    });
    zipped.expect("a step of bands has a ring")
}
