//! Two stages by turns, a panel of channels at a time.
//!
//! A depthwise convolution reads the channels it writes and no others, so it may follow each panel of the expansion
//! while that is still in the nearest cache. Over whole values, one panel's memory then serves for all.

use std::ops::Range;

use proc_macro2::TokenStream;
use quote::quote;

use crate::emit::scope::Scope;
use crate::emit::stream::{self, Batch};
use crate::emit::{call, input, literal, probe};
use crate::schedule::{Kernel, Part, Skip, Step};

/// Where the two stages that run by panels begin: behind the stage that brings the image, if there is one. Rows that
/// the caller is asked for are asked for once, whatever the number of panels.
pub(super) fn first(step: &Step) -> usize {
    usize::from(input::loads(&step.stages[0]))
}

/// The two stages of `step` that go by panels over whole values, each panel in the memory of the one before.
pub(super) fn reused(scope: &Scope<'_>, step: &Step) -> TokenStream {
    let (first, threads) = (first(step), scope.network.target.threads);
    let calls = (first..first + 2).map(|at| {
        let stage = &step.stages[at];
        let rows = literal::range(&(0..stage.height));
        let (mut w, mut y) = (scope.weights(at), scope.variable(stage.into));
        if let Some(id) = stage.pack {
            let len = literal::size(scope.network.blob.range(id).len() / step.panels);
            w = quote!(&#w[#len * panel..]);
        }
        if at > first && threads == 1 {
            let channels = literal::size(stage.from[0].rows.channels);
            y = quote!(&mut #y[#channels * panel..]);
        }
        let call = call::run_with(scope, at, stage, &rows, [w, y]);
        let mark = probe::mark(scope.network, step, at);
        quote!(#call #mark)
    });
    if threads == 1 {
        let count = literal::size(step.panels);
        return quote! {
            for panel in 0..#count {
                #(#calls)*
            }
        };
    }
    let (maker, reader) = (&step.stages[first], &step.stages[first + 1]);
    let (wide, thin) = (scope.variable(maker.into), scope.variable(reader.into));
    let part = literal::size(reader.into.rows.len() / step.panels);
    let wide_len = literal::size(maker.into.rows.len());
    quote! {
        let panels = #thin.chunks_exact_mut(#part);
        let scratch = #wide.chunks_exact_mut(#wide_len);
        pool.each_with(panels, scratch, |panel, #thin, #wide| {
            #(#calls)*
        });
    }
}

/// A batch of rows of the depthwise convolution that starts group `at`, and the rows before it that it reads; nothing where
/// the two do not go by turns.
pub(super) fn interleaved(
    scope: &Scope<'_>,
    step: &Step,
    groups: &[Range<usize>],
    at: usize,
    batch: &Batch,
) -> Option<TokenStream> {
    let reads_input = at == 1 && groups[0] == (0..1);
    let [maker, reader] = reads_input.then(|| [&step.stages[0], &step.stages[1]])?;
    let vectors = maker.into.rows.channels.div_ceil(scope.network.target.isa.lanes());
    let panels = match (&maker.kernel, &reader.kernel) {
        (
            Kernel::Pointwise { tile: [_, nv], skip: Skip::None, flat: false, .. },
            Kernel::Depthwise { .. },
        ) if vectors.is_multiple_of(*nv) && vectors > *nv && reader.part == Part::Row => {
            vectors / nv
        }
        _ => return None,
    };
    let (expand, depthwise) = (scope.kernel(0), scope.kernel(1));
    let (expand_w, depthwise_w) = (scope.weights(0), scope.weights(1));
    let (x, wide, thin) =
        (scope.variable(maker.from[0]), scope.variable(maker.into), scope.variable(reader.into));
    let (counter, until) = (scope.counter(maker), stream::until(reader.window, batch));
    let (height, count) = (literal::size(maker.height), literal::size(panels));
    let vectors = vectors_of(vectors / panels);
    let below = stream::reads_below(reader, maker).then(|| {
        let clear = scope.clear_row(maker.into, &quote!(row));
        quote! {
            for row in #height..#until {
                #clear
            }
        }
    });
    let batch = batch.range();
    let marks = [0, 1].map(|at| probe::mark(scope.network, step, at));
    let [expanded, filtered] = &marks;
    Some(quote! {
        let rows = #counter..(#until).min(#height);
        #below
        for panel in 0..#count {
            #expand.run_panel(isa, #expand_w, #x, #wide, rows.clone(), panel);
            #expanded
            #depthwise.run_vectors(isa, #depthwise_w, #wide, #thin, #batch, #vectors);
            #filtered
        }
        #counter = rows.end;
    })
}

/// The vectors of channels of a panel of `nv`.
fn vectors_of(nv: usize) -> TokenStream {
    if nv == 1 {
        return quote!(panel..panel + 1);
    }
    let nv = literal::size(nv);
    quote!(#nv * panel..#nv * (panel + 1))
}
