//! Operands of a call: slices of memory and weights, from the offset at which it begins.

use proc_macro2::TokenStream;
use quote::quote;

use crate::emit::literal;
use crate::emit::scope::Scope;
use crate::program::{Call, Offset, Reach, Variable};
use crate::schedule::{Element, Home, Place, Stage};

/// The slices that a call is given, and its rows.
#[derive(Clone, Default)]
pub(super) struct Operands {
    /// Weights.
    pub w: TokenStream,
    /// The first operand.
    pub x: TokenStream,
    /// The second operand, if it has one.
    pub second: TokenStream,
    /// The third operand, if it has one.
    pub third: TokenStream,
    /// The memory that the kernel works in, if it wants some.
    pub scratch: TokenStream,
    /// The result.
    pub y: TokenStream,
    /// The rows that it makes.
    pub rows: TokenStream,
    /// The first of them.
    pub row: TokenStream,
}

impl Operands {
    pub(super) fn new(scope: &Scope<'_>, call: &Call, stage: &Stage) -> Self {
        let x = stage.from.first().map(|place| scope.variable(*place)).unwrap_or_default();
        let second = match stage.from.get(1) {
            Some(place) if stage.kernel.writes_second_out() => scalar(scope, *place),
            Some(place) => scope.variable(*place),
            None => quote!(),
        };
        let y = scope.variable(stage.into);
        Self {
            w: weights(scope, call, stage),
            x: call.from.map_or(x.clone(), |offset| behind(scope, &quote!(&#x), offset)),
            second: match call.residual {
                Some(offset) if !second.is_empty() => behind(scope, &quote!(&#second), offset),
                _ => second,
            },
            third: stage.from.get(2).map(|place| scope.variable(*place)).unwrap_or_default(),
            scratch: stage.scratch.map(|place| scope.variable(place)).unwrap_or_default(),
            y: call.into.map_or(y.clone(), |offset| behind(scope, &quote!(&mut #y), offset)),
            rows: scope.span(&call.rows),
            row: scope.expr(&call.rows.start),
        }
    }

    /// Slices of the row, of what flows in rows.
    pub(super) fn of_row(self, scope: &Scope<'_>, stage: &Stage) -> Self {
        let row = &self.row;
        let read = |place| {
            let (rows, slice) = (scope.rows_of(place), scope.tail(place));
            quote!(#rows.row(#slice, #row))
        };
        let (rows, slice) = (scope.rows_of(stage.into), scope.slice(stage.into));
        let flows = stage.from.get(1).filter(|_| !stage.kernel.repeats_second());
        Self {
            x: read(stage.from[0]),
            second: flows.map_or(self.second, |place| read(*place)),
            y: quote!(#rows.row_mut(#slice, #row)),
            ..self
        }
    }
}

/// The weights of a call: all of the stage's, or those of one panel of channels.
fn weights(scope: &Scope<'_>, call: &Call, stage: &Stage) -> TokenStream {
    let all = scope.weights(call.stage);
    let (parts, variable) = match call.reach {
        Reach::Panel(parts) => (parts, Variable::Panel),
        Reach::ChannelShare(parts) => (parts, Variable::Part),
        _ => return all,
    };
    let Some(pack) = stage.pack else { return all };
    let each = scope.network.blob.range(pack).len() / parts;
    behind(scope, &quote!(&#all), Offset::each(each, variable))
}

/// The rest of a slice behind so many elements.
fn behind(scope: &Scope<'_>, slice: &TokenStream, offset: Offset) -> TokenStream {
    let Offset { by, variable, plus, len } = offset;
    let (name, of_each) = (scope.name_of(variable), literal::size(by));
    let start = match (by, literal::size(plus)) {
        (0, plus) => quote!(#plus),
        (_, _) if plus == 0 => quote!(#of_each * #name),
        (_, plus) => quote!(#of_each * #name + #plus),
    };
    match len.map(literal::size) {
        Some(len) => quote!(#slice[#start..][..#len]),
        None => quote!(#slice[#start..]),
    }
}

/// One number, as it is computed with: written out where it is constant.
fn scalar(scope: &Scope<'_>, place: Place) -> TokenStream {
    match place.home {
        Home::Weights(id) => literal::float(scope.network.blob.floats(id)[0]),
        Home::Input(_) | Home::Output(_) | Home::Arena(_) | Home::Feed(_) => {
            let slice = scope.variable(place);
            match place.element {
                Element::F16 | Element::Bf16 => quote!(#slice[0].real()),
                Element::F32 | Element::I32 | Element::I64 | Element::U8 { .. } => {
                    quote!(#slice[0])
                }
            }
        }
    }
}
