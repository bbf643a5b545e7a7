//! The loops of a step through which rows flow: each stage pulls the rows it reads, then makes its own.

use std::ops::Range;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

use crate::emit::scope::Scope;
use crate::emit::step::call_of;
use crate::emit::{input, literal, panels};
use crate::schedule::{Kernel, Part, RowWindow, Stage, Step};

/// A loop over the rows of the last stage, each pulling what it needs.
pub(super) fn rows(scope: &Scope<'_>, step: &Step) -> TokenStream {
    let groups = groups(step);
    let last = groups.last().expect("a step has a stage").clone();
    let counters = groups[..groups.len() - 1].iter().map(|group| {
        let counter = scope.counter(&step.stages[group.end - 1]);
        quote!(let mut #counter = 0;)
    });
    let height = literal::size(step.stages[last.start].height);
    let row = format_ident!("row");
    let body = row_of(scope, step, &groups, groups.len() - 1, &row);
    quote! {
        #(#counters)*
        for #row in 0..#height {
            #body
        }
    }
}

/// Runs of stages in which row `r` of each needs row `r` of the one before alone.
fn groups(step: &Step) -> Vec<Range<usize>> {
    let follows = |at: usize| {
        let stage = &step.stages[at];
        stage.window == RowWindow::SAME && stage.height == step.stages[at - 1].height
    };
    let mut starts: Vec<usize> = (1..step.stages.len()).filter(|at| !follows(*at)).collect();
    starts.insert(0, 0);
    starts.push(step.stages.len());
    starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// Row `row` of the stages of group `at`, and first the rows that it reads.
fn row_of(
    scope: &Scope<'_>,
    step: &Step,
    groups: &[Range<usize>],
    at: usize,
    row: &Ident,
) -> TokenStream {
    let calls = |stages: Range<usize>| -> Vec<TokenStream> {
        let mut calls = Vec::new();
        let mut indices = stages;
        while let Some(index) = indices.next() {
            let call = |index: usize| call_at(scope, step, index, row);
            calls.push(match (step.stages[index].part, indices.clone().next()) {
                (Part::Row, _) | (_, None) => call(index),
                (part, Some(next)) => {
                    indices.next();
                    turns(scope, part, &step.stages[next], call(index), call(next))
                }
            });
        }
        calls
    };
    let Range { start, end } = groups[at];
    let (pulled, calls) = match panels::interleaved(scope, step, groups, at, row) {
        Some(panels) => (panels, calls(start + 1..end)),
        None if at > 0 => (pull(scope, step, groups, at, row), calls(start..end)),
        None => (quote!(), calls(start..end)),
    };
    quote! {
        #pulled
        #(#calls)*
    }
}

/// The call of stage `at` for the row that `row` counts.
fn call_at(scope: &Scope<'_>, step: &Step, at: usize, row: &Ident) -> TokenStream {
    let stage = &step.stages[at];
    if stage.kernel == Kernel::Fetch {
        return input::fetch(scope, stage, &quote!(#row));
    }
    call_of(scope, step, at, &quote!(#row..#row + 1))
}

/// A loop in which a stage makes part after part of a row and its reader uses each at once.
fn turns(
    scope: &Scope<'_>,
    part: Part,
    reader: &Stage,
    make: TokenStream,
    read: TokenStream,
) -> TokenStream {
    match part {
        Part::Row => quote!(#make #read),
        Part::Pixels(pixels) => {
            let (width, pixels) = (literal::size(reader.into.rows.width), literal::size(pixels));
            quote!(for pixel in (0..#width).step_by(#pixels) { #make #read })
        }
        Part::Channels(_) => {
            let parts = literal::size(scope.parts(reader));
            quote!(for panel in 0..#parts { #make #read })
        }
    }
}

/// The loop that makes rows of the group before `at` until row `row` of this one can be made.
fn pull(
    scope: &Scope<'_>,
    step: &Step,
    groups: &[Range<usize>],
    at: usize,
    row: &Ident,
) -> TokenStream {
    let reader = &step.stages[groups[at].start];
    let maker = &step.stages[groups[at].start - 1];
    let counter = scope.counter(maker);
    let (height, until) = (literal::size(maker.height), until(reader.window, row));
    let made = row_of(scope, step, groups, at - 1, &counter);
    let made = if reads_below(reader, maker) {
        let blank = input::blank_row(scope, maker, &counter.to_token_stream());
        quote! {
            if #counter < #height {
                #made
            } else {
                #blank
            }
        }
    } else {
        made
    };
    quote! {
        while #counter < #until {
            #made
            #counter += 1;
        }
    }
}

/// One past the last row that row `row` of a stage reads.
pub(super) fn until(window: RowWindow, row: &Ident) -> TokenStream {
    let RowWindow { span, stride, above } = window;
    let first = match literal::size(stride) {
        _ if stride == 1 => quote!(#row),
        stride => quote!(#stride * #row),
    };
    // The first windows lie wholly above the image where its padding is taller than they are.
    if span < above {
        let behind = literal::size(above - span);
        return quote!((#first).saturating_sub(#behind));
    }
    let ahead = literal::size(span - above);
    quote!(#first + #ahead)
}

/// Whether a stage reads zero rows below what another makes.
pub(super) fn reads_below(reader: &Stage, maker: &Stage) -> bool {
    let RowWindow { span, stride, above } = reader.window;
    (reader.height - 1) * stride + span > maker.height + above
}
