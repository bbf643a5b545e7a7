//! The loops of a step through which rows flow: each stage pulls the rows it reads, then makes its own.

use std::ops::Range;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

use crate::emit::scope::Scope;
use crate::emit::step::call_of;
use crate::emit::{call, input, literal, panels, strips};
use crate::schedule::{Kernel, Part, RowWindow, Stage, Step};

/// Rows that a group makes in one go.
#[derive(Clone)]
pub(super) struct Batch {
    /// The first.
    row: Ident,
    /// A variable, and by how many rows the end lies behind it.
    end: (Ident, usize),
}

impl Batch {
    /// So many rows from `row` on.
    fn of(row: &Ident, rows: usize) -> Self {
        Self { row: row.clone(), end: (row.clone(), rows) }
    }

    /// The rows from `row` to the variable `end`.
    fn to_end(row: &Ident) -> Self {
        Self { row: row.clone(), end: (format_ident!("end"), 0) }
    }

    /// The rows as a range.
    pub(super) fn range(&self) -> TokenStream {
        let row = &self.row;
        match &self.end {
            (end, 0) => quote!(#row..#end),
            (end, by) => {
                let by = literal::size(*by);
                quote!(#row..#end + #by)
            }
        }
    }
}

/// A loop over the rows of the last stage, each batch pulling what it needs.
pub(super) fn rows(scope: &Scope<'_>, step: &Step) -> TokenStream {
    let groups = groups(step);
    let last = groups.last().expect("a step has a stage").clone();
    let counters = groups[..groups.len() - 1].iter().map(|group| {
        let counter = scope.counter(&step.stages[group.end - 1]);
        quote!(let mut #counter = 0;)
    });
    let height = step.stages[last.start].height;
    let (rows, row) = (step.segment.batch.rows(height), format_ident!("row"));
    let (batch, end) = if height.is_multiple_of(rows) {
        (Batch::of(&row, rows), quote!())
    } else {
        let (height, rows) = (literal::size(height), literal::size(rows));
        (Batch::to_end(&row), quote!(let end = (#row + #rows).min(#height);))
    };
    let body = batch_of(scope, step, &groups, groups.len() - 1, &batch);
    let (height, by) = (literal::size(height), literal::size(rows));
    let all = if rows == 1 { quote!(0..#height) } else { quote!((0..#height).step_by(#by)) };
    let finish = call::finish(scope, step);
    quote! {
        #(#counters)*
        for #row in #all {
            #end
            #body
        }
        #finish
    }
}

/// The loop over one band of the rows of the last stage: `rows` of them from the variable `first` on.
pub(super) fn band(scope: &Scope<'_>, step: &Step, rows: usize) -> TokenStream {
    let (groups, row) = (groups(step), format_ident!("row"));
    let (mut counters, mut read) = (Vec::new(), format_ident!("first"));
    for group in groups[1..].iter().rev() {
        let [maker, reader] = [group.start - 1, group.start].map(|at| &step.stages[at]);
        let (counter, start) = (scope.counter(maker), from(reader.window, &read));
        counters.push(quote!(let mut #counter = #start;));
        read = counter;
    }
    let body = batch_of(scope, step, &groups, groups.len() - 1, &Batch::of(&row, 1));
    let rows = literal::size(rows);
    quote! {
        #(#counters)*
        for #row in first..first + #rows {
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

/// A batch of rows of the stages of group `at`, and first the rows that it reads.
fn batch_of(
    scope: &Scope<'_>,
    step: &Step,
    groups: &[Range<usize>],
    at: usize,
    batch: &Batch,
) -> TokenStream {
    let calls = |stages: Range<usize>| -> Vec<TokenStream> {
        let mut calls = Vec::new();
        let mut indices = stages;
        while let Some(index) = indices.next() {
            let call = |index: usize| call_at(scope, step, index, batch);
            calls.push(match (step.stages[index].part, indices.clone().next()) {
                (Part::Row, _) | (_, None) => call(index),
                (Part::Strip(strip), Some(_)) => {
                    indices.nth(1);
                    strips::row(scope, step, index, strip, batch)
                }
                (part, Some(next)) => {
                    indices.next();
                    turns(scope, part, &step.stages[next], call(index), call(next))
                }
            });
        }
        calls
    };
    let Range { start, end } = groups[at];
    let (pulled, calls) = match panels::interleaved(scope, step, groups, at, batch) {
        Some(panels) => (panels, calls(start + 1..end)),
        None if at > 0 => (pull(scope, step, groups, at, batch), calls(start..end)),
        None => (quote!(), calls(start..end)),
    };
    quote! {
        #pulled
        #(#calls)*
    }
}

/// The call of stage `at` for a batch of rows.
fn call_at(scope: &Scope<'_>, step: &Step, at: usize, batch: &Batch) -> TokenStream {
    let (stage, row) = (&step.stages[at], &batch.row);
    if stage.kernel == Kernel::Fetch && batch.end == (row.clone(), 1) {
        return input::fetch(scope, at, stage, &quote!(#row));
    }
    call_of(scope, step, at, &batch.range())
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
        Part::Row | Part::Strip(_) => quote!(#make #read),
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

/// The loop that makes rows of the group before `at` until a batch of this one can be made.
fn pull(
    scope: &Scope<'_>,
    step: &Step,
    groups: &[Range<usize>],
    at: usize,
    batch: &Batch,
) -> TokenStream {
    let reader = &step.stages[groups[at].start];
    let maker = &step.stages[groups[at].start - 1];
    let counter = scope.counter(maker);
    let until = until(reader.window, batch);
    let height = literal::size(maker.height);
    let computed = matches!(reader.part, Part::Strip(_));
    let until = match reads_below(reader, maker) && computed {
        true => quote!((#until).min(#height)),
        false => until,
    };
    let below = (reads_below(reader, maker) && !computed)
        .then(|| input::blank_row(scope, maker, &counter.to_token_stream()));
    let rows = step.segment.batch.rows(maker.height);
    if rows == 1 {
        let made = batch_of(scope, step, groups, at - 1, &Batch::of(&counter, 1));
        let made = match below {
            Some(clear) => quote!(if #counter < #height { #made } else { #clear }),
            None => made,
        };
        return quote! {
            while #counter < #until {
                #made
                #counter += 1;
            }
        };
    }
    let made = batch_of(scope, step, groups, at - 1, &Batch::to_end(&counter));
    let rows = literal::size(rows);
    match below {
        Some(clear) => quote! {
            while #counter < #until {
                if #counter < #height {
                    let end = (#counter + #rows).min(#until).min(#height);
                    #made
                    #counter = end;
                } else {
                    #clear
                    #counter += 1;
                }
            }
        },
        None => quote! {
            while #counter < #until {
                let end = (#counter + #rows).min(#until);
                #made
                #counter = end;
            }
        },
    }
}

/// The rows of the image that the row of a batch of one computes anew.
pub(super) fn source(stage: &Stage, batch: &Batch) -> TokenStream {
    let RowWindow { span, stride, above, .. } = stage.window;
    let (end, below) = (until(stage.window, batch), stage.from[0].height);
    let first = from(stage.window, &batch.row);
    if (stage.height - 1) * stride + span > below + above {
        let below = literal::size(below);
        return quote!(#first..(#end).min(#below));
    }
    quote!(#first..#end)
}

/// The first row of the image that row `row` of a stage reads.
fn from(window: RowWindow, row: &Ident) -> TokenStream {
    let RowWindow { stride, above, .. } = window;
    let first = match literal::size(stride) {
        _ if stride == 1 => quote!(#row),
        stride => quote!(#stride * #row),
    };
    match literal::size(above) {
        _ if above == 0 => first,
        above if stride == 1 => quote!(#first.max(#above) - #above),
        above => quote!((#first).max(#above) - #above),
    }
}

/// One past the last row that a batch of rows of a stage reads.
pub(super) fn until(window: RowWindow, batch: &Batch) -> TokenStream {
    let RowWindow { span, stride, above, .. } = window;
    let (end, by) = &batch.end;
    let first = match literal::size(stride) {
        _ if stride == 1 => quote!(#end),
        stride => quote!(#stride * #end),
    };
    let (ahead, behind) = (by * stride + span, stride + above);
    if ahead == behind {
        return first;
    }
    // The first windows lie wholly above the image where its padding is taller than they are.
    if ahead < behind {
        let behind = literal::size(behind - ahead);
        return quote!((#first).max(#behind) - #behind);
    }
    let ahead = literal::size(ahead - behind);
    quote!(#first + #ahead)
}

/// Whether a stage reads zero rows below what another makes.
pub(super) fn reads_below(reader: &Stage, maker: &Stage) -> bool {
    let RowWindow { span, stride, above, .. } = reader.window;
    (reader.height - 1) * stride + span > maker.height + above
}
