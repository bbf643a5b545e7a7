//! The consts of expansions that are computed anew, one for each width that a strip of columns has.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::emit::literal;
use crate::emit::scope::Scope;
use crate::program::Reach;
use crate::schedule::{Kernel, Stage, Strip};

/// The consts of the kernels that compute the first columns of a row, those of each strip, and those of the last.
pub(super) fn constants(scope: &Scope<'_>, at: usize, stage: &Stage, strip: Strip) -> TokenStream {
    let Kernel::Pointwise { tile: [mr, nv], clamp, then, .. } = &stage.kernel else {
        unreachable!("strips are made of 1x1 convolutions")
    };
    let (from, into) = (scope.ring(stage.from[0]), scope.ring(stage.into));
    let (kind, last_field) = match super::quantized::levels(scope, stage) {
        Some(levels) => (quote!(QPointwise), quote!(levels: #levels)),
        None => {
            let activation = literal::activation(*clamp, *then);
            (quote!(Pointwise), quote!(activation: #activation))
        }
    };
    let [c_in, c_out] = [stage.from[0], stage.into].map(|it| literal::size(it.rows.channels));
    let nv = literal::size(*nv);
    let constant = |name: &Ident, tile: usize, width: usize| {
        let (mr, width) = (literal::size(tile), literal::size(width));
        quote! {
            const #name: #kind<#mr, #nv> = #kind {
                width: #width, c_in: #c_in, c_out: #c_out, from: #from, into: #into, #last_field
            };
        }
    };
    let name = scope.kernel(at);
    let first = (strip.first > 0).then(|| constant(&first(name), 1, strip.first));
    let last = ends_short(strip).then(|| constant(&last(name), strip.last_tile, strip.last));
    let each = constant(name, *mr, strip.adds);
    quote!(#first #each #last)
}

/// The const of the kernel that a call runs.
pub(super) fn kernel(name: &Ident, reach: Reach) -> Ident {
    match reach {
        Reach::FirstColumns => first(name),
        Reach::LastColumns => last(name),
        _ => name.clone(),
    }
}

fn ends_short(strip: Strip) -> bool {
    strip.last > 0 && strip.last < strip.adds
}

fn first(name: &Ident) -> Ident {
    format_ident!("{name}_FIRST")
}

fn last(name: &Ident) -> Ident {
    format_ident!("{name}_LAST")
}
