//! Padding: the statements that write what lies around an image.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::emit::scope::{Scope, whole_pixels};
use crate::emit::slots::slot;
use crate::emit::{call, input, literal, panels};
use crate::schedule::{Element, Home, Place, Step};

impl Scope<'_> {
    /// The statements that give inputs in the arena their zeros.
    pub(super) fn spreads(&self, step: &Step) -> Vec<TokenStream> {
        let spread = step.stages.iter().flat_map(|stage| stage.from.first());
        let spread = spread.filter(|place| self.is_spread_here(step, **place)).map(|place| {
            let (rows, variable) = (call::rows(place.rows), self.variable(*place));
            let height = literal::size(place.height);
            let shift = slot(self.network.plan, *place).map_or(0, |slot| self.shift(slot));
            let x = if shift == 0 {
                quote!(#variable)
            } else {
                let shift = literal::size(shift);
                quote!(&mut #variable[#shift..])
            };
            match place.element {
                Element::F32 | Element::F16 | Element::Bf16 => quote!(#rows.spread(#x, #height);),
                Element::U8 { zero } => {
                    let zero = literal::size(zero.into());
                    quote!(#rows.spread_in(#x, #height, #zero);)
                }
            }
        });
        spread.collect()
    }

    /// Zero columns, and the zero rows that no loop writes.
    pub(super) fn clears(&self, step: &Step) -> Vec<TokenStream> {
        let result = step.stages[step.stages.len() - 1].into.home;
        let mut cleared: Vec<Home> = Vec::new();
        let padded = step.stages.iter().enumerate().filter(|(_, stage)| {
            let home = stage.into.home;
            let first = !cleared.contains(&home);
            cleared.push(home);
            first && has_zeros(stage.into) && self.rows.contains_key(&home)
        });
        let padded = padded.map(|(at, stage)| {
            let place = Place { rows: whole_pixels(stage.into.rows), ..stage.into };
            let variable = self.variable(stage.into);
            let below = if step.is_streamed() && place.home != result {
                0
            } else {
                stage.into.rows.kept - stage.into.rows.top - stage.into.height
            };
            let lower = (0..below).map(|row| {
                let row = literal::size(stage.into.height + row);
                input::blank_row(self, stage, &row.to_token_stream())
            });
            let edges = input::blank_edges(self, stage, place);
            let clears = quote!(#edges #(#lower)*);
            if self.network.target.threads == 1 || step.panels == 1 || at != panels::first(step) {
                return clears;
            }
            let len = literal::size(stage.into.rows.len());
            quote!(for #variable in #variable.chunks_exact_mut(#len) { #clears })
        });
        padded.collect()
    }

    /// The statement that writes the zeros beside and above the image.
    pub(super) fn clear_edges(&self, place: Place) -> TokenStream {
        let (rows, variable) = (self.rows_of(place), self.variable(place));
        match place.element {
            Element::F32 | Element::F16 | Element::Bf16 => quote!(#rows.clear_edges(#variable);),
            Element::U8 { zero } => {
                let zero = literal::size(zero.into());
                quote!(#rows.fill_edges(#variable, #zero);)
            }
        }
    }

    /// The statement that makes a row below the image zero.
    pub(super) fn clear_row(&self, place: Place, row: &TokenStream) -> TokenStream {
        let (rows, variable) = (self.rows_of(place), self.variable(place));
        match place.element {
            Element::F32 | Element::F16 | Element::Bf16 => {
                quote!(#rows.clear_row(#variable, #row);)
            }
            Element::U8 { zero } => {
                let zero = literal::size(zero.into());
                quote!(#rows.fill_row(#variable, #row, #zero);)
            }
        }
    }

    /// Whether a place is an input in the arena that this step, its only reader, gives its zeros.
    fn is_spread_here(&self, step: &Step, place: Place) -> bool {
        let read_first =
            step.stages.first().is_some_and(|stage| stage.from.first() == Some(&place));
        let mut intakes = self.network.schedule.intakes.iter();
        read_first && has_zeros(place) && intakes.any(|intake| intake.place == place)
    }
}

/// Whether elements are stored around the image.
pub(super) fn has_zeros(place: Place) -> bool {
    let rows = place.rows;
    [rows.top, rows.left, rows.right] != [0; 3] || rows.kept > rows.top + place.height
}
