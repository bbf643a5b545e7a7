//! Functions of elements, and walks over axes: their names, steps and calls.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::emit::literal;
use crate::emit::scope::Scope;
use crate::ir::{Binary, Clamp, Reducer};
use crate::schedule::{Broadcast, Element, Home, Move, Place};

pub(super) fn elementwise(
    broadcast: Broadcast,
    function: &TokenStream,
    [a, b, y]: [TokenStream; 3],
    over: bool,
) -> TokenStream {
    let clamp = literal::clamp(Clamp::NONE);
    let method = match broadcast {
        Broadcast::Same => "binary",
        Broadcast::Channel => "channels",
        Broadcast::Scalar => "scalar",
    };
    if over {
        let method = format_ident!("{method}_assign");
        quote!(elementwise::#method(#function, #y, #b, #clamp);)
    } else {
        let method = format_ident!("{method}");
        quote!(elementwise::#method(#function, #a, #b, #clamp, #y);)
    }
}

/// One number, as it is computed with: written out where it is constant.
pub(super) fn scalar(scope: &Scope<'_>, place: Place) -> TokenStream {
    match place.home {
        Home::Weights(id) => literal::float(scope.network.blob.floats(id)[0]),
        Home::Input(_) | Home::Output(_) | Home::Arena(_) | Home::Feed(_) => {
            let slice = scope.variable(place);
            match place.element {
                Element::F16 | Element::Bf16 => quote!(#slice[0].real()),
                Element::F32 | Element::U8 { .. } => quote!(#slice[0]),
            }
        }
    }
}

/// The type and the value of a copy.
pub(super) fn copy(copy: &Move) -> (TokenStream, TokenStream) {
    let (rank, lens, from, into) = walk(copy);
    (quote!(Strided<#rank>), quote!(Strided::new(#lens, #from, #into)))
}

/// The type and the value of a reduction.
pub(super) fn reduction(kind: Reducer, copy: &Move) -> (TokenStream, TokenStream) {
    let (rank, lens, from, into) = walk(copy);
    let fold = match kind {
        Reducer::Sum => quote!(Fold::Sum),
        Reducer::Mean => quote!(Fold::Mean),
        Reducer::Max => quote!(Fold::Max),
        Reducer::Min => quote!(Fold::Min),
    };
    (quote!(Reduce<#rank>), quote!(Reduce::new(#fold, #lens, #from, #into)))
}

/// Rank, lengths and both sides of a walk, without axes of one element.
fn walk(copy: &Move) -> (TokenStream, TokenStream, TokenStream, TokenStream) {
    let mut axes: Vec<usize> =
        (0..copy.shape.len()).filter(|axis| copy.shape[*axis] != 1).collect();
    if axes.is_empty() && !copy.shape.is_empty() {
        axes.push(0);
    }
    let rank = literal::size(axes.len().max(1));
    let pick = |steps: &[isize]| -> Vec<TokenStream> {
        if axes.is_empty() {
            vec![quote!(1)]
        } else {
            axes.iter().map(|axis| literal::step(steps[*axis])).collect()
        }
    };
    let lens: Vec<_> = if axes.is_empty() {
        vec![literal::size(1)]
    } else {
        axes.iter().map(|axis| literal::size(copy.shape[*axis])).collect()
    };
    let side = |start: usize, steps: &[isize]| {
        let (start, by) = (literal::size(start), pick(steps));
        quote!(Steps { start: #start, by: [#(#by),*] })
    };
    let (from, into) = (side(copy.from, &copy.from_steps), side(copy.into, &copy.into_steps));
    (quote!(#rank), quote!([#(#lens),*]), from, into)
}

pub(super) fn binary(function: Binary) -> &'static str {
    match function {
        Binary::Add => "Add",
        Binary::Sub => "Sub",
        Binary::Mul => "Mul",
        Binary::Div => "Div",
        Binary::Min => "Min",
        Binary::Max => "Max",
        Binary::Pow => "Pow",
    }
}
