//! Expansions that are computed anew: a strip of columns moves over a row, and its two readers follow.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::emit::scope::Scope;
use crate::emit::stream::{self, Batch};
use crate::emit::{call, element, literal, probe};
use crate::schedule::{Element, Kernel, Part, Stage, Step, Strip};

/// The consts of the kernels that compute the first columns of a row, those of each strip, and those of the last.
pub(super) fn constants(scope: &Scope<'_>, at: usize, stage: &Stage, strip: Strip) -> TokenStream {
    let Kernel::Pointwise { tile: [mr, nv], clamp, then, .. } = &stage.kernel else {
        unreachable!("strips are made of 1x1 convolutions")
    };
    let (from, into) = (scope.ring(stage.from[0]), scope.ring(stage.into));
    let (kind, last_field) = match call::levels(scope, stage) {
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

/// A row of the two stages after stage `at`, strip by strip.
pub(super) fn row(
    scope: &Scope<'_>,
    step: &Step,
    at: usize,
    strip: Strip,
    batch: &Batch,
) -> TokenStream {
    let (stage, filter) = (&step.stages[at], &step.stages[at + 1]);
    let (name, w, x, wide) = (
        scope.kernel(at),
        scope.weights(at),
        scope.variable(stage.from[0]),
        scope.variable(stage.into),
    );
    let source = stream::source(stage, batch);
    let start = (strip.first > 0).then(|| {
        let name = first(name);
        quote!(#name.run(isa, #w, #x, #wide, rows.clone());)
    });
    let (from, into) = columns(scope, stage, filter, strip);
    let run = |name: &Ident| quote!(#name.run(isa, #w, #from, #into, rows.clone()););
    let (adds, pixels) = (literal::size(strip.adds), literal::size(strip.pixels));
    let width = scope.network.graph.node(filter.node).out.nchw().map_or(1, |[_, _, _, w]| w);
    let (until, width) = (literal::size(width - strip.pixels), literal::size(width));
    let expand = match (strip.last, run(name)) {
        (0, each) => quote!(if pixel < #until { #each }),
        (last, each) if last == strip.adds => each,
        (_, each) => {
            let last = run(&self::last(name));
            quote!(if pixel < #until { #each } else { #last })
        }
    };
    let rows = scope.rows_of(stage.into);
    let (zero, slide) = match stage.into.element {
        Element::U8 { zero } => {
            let zero = literal::size(zero.into());
            (quote!(#zero), quote!(#rows.slide_in(#wide, #adds, #zero);))
        }
        float => (element::number(float, 0.0), quote!(#rows.slide(#wide, #adds);)),
    };
    let whole = Stage { part: Part::Row, ..filter.clone() };
    let filter = call::run(scope, at + 1, &whole, &batch.range());
    let project = call::run(scope, at + 2, &step.stages[at + 2], &batch.range());
    let [expanded, filtered, projected] =
        [at, at + 1, at + 2].map(|at| probe::mark(scope.network, step, at));
    quote! {
        let rows = #source;
        #wide.fill(#zero);
        #start
        for pixel in (0..#width).step_by(#pixels) {
            #expand
            #expanded
            #filter
            #slide
            #filtered
            #project
            #projected
        }
    }
}

/// What a strip that serves the reader from `pixel` on reads, and where in the strip the columns that it adds lie.
fn columns(
    scope: &Scope<'_>,
    stage: &Stage,
    filter: &Stage,
    strip: Strip,
) -> (TokenStream, TokenStream) {
    let (x, wide) = (scope.variable(stage.from[0]), scope.variable(stage.into));
    let Kernel::Depthwise { conv, .. } = &filter.kernel else {
        unreachable!("strips are read by depthwise convolutions")
    };
    let column = stage.from[0].rows.ring(0).pixel;
    let by = literal::size(column * conv.stride[1]);
    if strip.first == 0 {
        return (quote!(&#x[pixel * #by..]), quote!(#wide));
    }
    let from = literal::size(column * strip.first);
    let into = literal::size(stage.into.rows.ring(0).pixel * strip.first);
    (quote!(&#x[pixel * #by + #from..]), quote!(&mut #wide[#into..]))
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
