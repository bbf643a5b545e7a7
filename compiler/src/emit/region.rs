//! The loops of a step whose stages are no chain: the rows of each piece, pulled by the piece behind it.
//!
//! A stage that must be ahead of the row that is made has a loop and a counter of its own; the others just make the row.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::emit::scope::{Scope, whole_pixels};
use crate::emit::step::call_of;
use crate::emit::{input, literal, rowwise};
use crate::schedule::pull::{Group, Need, Piece, pieces};
use crate::schedule::{Home, Kernel, Place, Step};

/// A loop over the rows of the result, in which each stage makes what they need.
pub(super) fn rows(scope: &Scope<'_>, step: &Step) -> TokenStream {
    let region = Region { scope, step, pieces: pieces(&step.stages) };
    let counters = region.counted().map(|group| {
        let counter = region.counter(group);
        quote!(let mut #counter = 0;)
    });
    let last = region.pieces.len() - 1;
    let height = literal::size(region.pieces[last].last().height);
    let row = format_ident!("row");
    let body = region.row(last, &row);
    quote! {
        #(#counters)*
        for #row in 0..#height {
            #body
        }
    }
}

struct Region<'a> {
    scope: &'a Scope<'a>,
    step: &'a Step,
    pieces: Vec<Piece>,
}

impl Region<'_> {
    /// The groups that have counters.
    fn counted(&self) -> impl Iterator<Item = &Group> {
        let last = self.pieces.len() - 1;
        self.pieces.iter().enumerate().flat_map(move |(at, piece)| {
            let result = (at < last).then(|| piece.last());
            piece.groups.iter().filter(|group| !piece.is_direct(group)).chain(result)
        })
    }

    fn counter(&self, group: &Group) -> Ident {
        self.scope.counter_of(group.stages.end - 1)
    }

    /// Row `row` of a piece, and first what it needs.
    fn row(&self, at: usize, row: &Ident) -> TokenStream {
        let piece = &self.pieces[at];
        let pulled = at.checked_sub(1).map(|before| {
            let result = self.pieces[before].last();
            let made = self.row(before, &self.counter(result));
            self.until(result, piece, piece.pulls, &made, row)
        });
        let groups = piece.groups.iter().map(|group| {
            if piece.is_direct(group) {
                return self.calls(group, row);
            }
            let made = self.calls(group, &self.counter(group));
            self.until(group, piece, group.need, &made, row)
        });
        quote!(#pulled #(#groups)*)
    }

    /// A loop that makes rows of a group as far as row `row` of `piece` needs them.
    fn until(
        &self,
        group: &Group,
        piece: &Piece,
        need: Need,
        made: &TokenStream,
        row: &Ident,
    ) -> TokenStream {
        let (counter, height) = (self.counter(group), literal::size(group.height));
        let most = need.at(piece.last().height - 1);
        let until = wanted(need, group.limit, most, row);
        let below = self.below(group, &counter);
        let made = if group.limit > group.height {
            quote! {
                if #counter < #height {
                    #made
                } else {
                    #below
                }
            }
        } else {
            made.clone()
        };
        quote! {
            while #counter < #until {
                #made
                #counter += 1;
            }
        }
    }

    /// Zeros in the rows below the image.
    fn below(&self, group: &Group, row: &Ident) -> TokenStream {
        let stages = &self.step.stages[group.stages.clone()];
        let homes: BTreeSet<Home> = stages.iter().map(|stage| stage.into.home).collect();
        let places = homes.into_iter().filter_map(|home| {
            let stage = stages.iter().rev().find(|stage| stage.into.home == home)?;
            Some(Place { rows: whole_pixels(stage.into.rows), ..stage.into })
        });
        let clears = places.map(|place| {
            let (rows, slice) = (self.scope.rows_of(place), self.scope.slice(place));
            quote!(#rows.clear_row(#slice, #row);)
        });
        quote!(#(#clears)*)
    }

    /// Row `row` of stage after stage.
    fn calls(&self, group: &Group, row: &Ident) -> TokenStream {
        let calls = group.stages.clone().map(|at| {
            let stage = &self.step.stages[at];
            match &stage.kernel {
                Kernel::Fetch => input::fetch(self.scope, at, stage, &quote!(#row)),
                kernel if rowwise::is_rowwise(kernel) => {
                    rowwise::call(self.scope, self.step, at, row)
                }
                _ => call_of(self.scope, self.step, at, &quote!(#row..#row + 1)),
            }
        });
        quote!(#(#calls)*)
    }
}

/// One past the last row that must be there before row `row`.
fn wanted(need: Need, limit: usize, most: usize, row: &Ident) -> TokenStream {
    let all = literal::size(limit);
    if need.scale == 0 {
        return quote!(#all);
    }
    let scaled = match need.scale {
        1 => quote!(#row),
        scale => {
            let scale = literal::size(scale);
            quote!(#scale * #row)
        }
    };
    let shift = literal::size(need.shift.unsigned_abs());
    let rows = match need.shift {
        0 => scaled,
        1.. => quote!(#scaled + #shift),
        // A method of integers alone would need to know which integer a row is.
        _ if need.scale == 1 => quote!(#scaled.max(#shift) - #shift),
        _ => quote!((#scaled).max(#shift) - #shift),
    };
    let rows = match need.per {
        1 => rows,
        per => {
            let per = literal::size(per);
            quote!((#rows) / #per)
        }
    };
    if most > limit { quote!((#rows).min(#all)) } else { rows }
}
