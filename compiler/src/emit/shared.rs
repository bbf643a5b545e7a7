//! One kernel on all threads of a pool: each takes parts of what it writes.

use mnv2c_runtime::ring::Form;
use proc_macro2::TokenStream;
use quote::quote;

use crate::emit::scope::Scope;
use crate::emit::{call, literal};
use crate::schedule::{Kernel, Skip, Stage, Step};

/// Whether a step runs on a pool.
pub(super) fn uses_pool(step: &Step, threads: usize) -> bool {
    let parted = step.panels > 1 || step.bands() > 1;
    threads > 1 && (parted || step.stages.iter().any(|stage| stage.shares > 1))
}

/// The statement that runs stage `at` on a pool; nothing where the caller's thread does it all.
pub(super) fn run(scope: &Scope<'_>, at: usize, stage: &Stage) -> Option<TokenStream> {
    match &stage.kernel {
        _ if stage.shares == 1 => None,
        Kernel::Pointwise { flat: true, skip, .. } => Some(pixels(scope, at, stage, *skip)),
        Kernel::Pointwise { tile: [_, nv], .. } => Some(channels(scope, at, stage, *nv)),
        _ => None,
    }
}

/// Parts of a row of pixels.
fn pixels(scope: &Scope<'_>, at: usize, stage: &Stage, skip: Skip) -> TokenStream {
    let (name, w) = (scope.kernel(at), scope.weights(at));
    let (from, into) = (stage.from[0], stage.into);
    let (x, y) = (scope.variable(from), scope.variable(into));
    let pixels = into.rows.width * into.height / stage.shares;
    let pixel = match from.rows.form {
        Form::Chunks(lanes) => lanes,
        Form::Nhwc | Form::Planes | Form::Slice { .. } => from.rows.channels,
    };
    let (read, written) =
        (literal::size(pixels * pixel), literal::size(pixels * into.rows.channels));
    let x = quote!(&#x[#read * part..]);
    let call = match skip {
        Skip::None => quote!(#name.run(isa, #w, #x, #y, 0..1);),
        Skip::InPlace => {
            let residual = call::residual(stage, name, None);
            quote!(#name.run_adding(isa, #w, #x, #y, #residual, 0..1);)
        }
        Skip::Other => {
            let other = stage.from[1];
            let ring = scope.ring(call::flattened(stage, other));
            let other = scope.variable(other);
            let other = quote!(&#other[#written * part..]);
            let residual = call::residual(stage, name, Some((other, ring)));
            quote! {
                let skip = #residual;
                #name.run_adding(isa, #w, #x, #y, skip, 0..1);
            }
        }
    };
    quote! {
        pool.each(#y.chunks_exact_mut(#written), |part, #y| {
            #call
        });
    }
}

/// Panels of the channels of one pixel; the last may be narrower.
fn channels(scope: &Scope<'_>, at: usize, stage: &Stage, nv: usize) -> TokenStream {
    let (name, w) = (scope.kernel(at), scope.weights(at));
    let (x, y) = (scope.variable(stage.from[0]), scope.variable(stage.into));
    let columns = nv * scope.network.target.isa.lanes();
    let pack = stage.pack.expect("a product has weights");
    let len = literal::size(scope.network.blob.range(pack).len() / stage.shares);
    let columns = literal::size(columns);
    quote! {
        pool.each(#y.chunks_mut(#columns), |part, #y| {
            let panel = #name.with_channels(#y.len());
            panel.run(isa, &#w[#len * part..], #x, #y, 0..1);
        });
    }
}
