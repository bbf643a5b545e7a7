//! Calls of products: what they add before the activation, places that they see as one long row, and stacks of matrices.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::operands::Operands;
use super::quantized;
use crate::emit::scope::Scope;
use crate::emit::{element, literal};
use crate::ir::{Clamp, Unary};
use crate::schedule::{Kernel, MatMul, Skip, Stage};

/// Paths in the runtime that a product names, of which `path` is its kernel.
pub(super) fn with_skip(
    skip: Skip,
    activation: (Clamp, Option<Unary>),
    path: &'static str,
) -> Vec<&'static str> {
    let mut paths = with_activation(activation, path);
    if skip != Skip::None {
        paths.push("simd::gemm::Residual");
    }
    paths
}

/// Paths that a layer names, of which `path` is its kernel.
pub(super) fn with_activation(
    (clamp, then): (Clamp, Option<Unary>),
    path: &'static str,
) -> Vec<&'static str> {
    let mut paths = vec![path, "activation::Activation"];
    match then {
        Some(_) => paths.push("kernel::unary::Unary"),
        None if [Clamp::NONE, Clamp::RELU, Clamp::RELU6].contains(&clamp) => {}
        None => paths.push("clamp::Clamp"),
    }
    paths
}

/// The type and the value of products of matrices that lie in rows.
pub(super) fn stack(matmul: &MatMul) -> (TokenStream, TokenStream) {
    let axes = literal::size(matmul.stack.len());
    let list = |numbers: &[usize]| {
        let numbers = numbers.iter().map(|number| literal::size(*number));
        quote!([#(#numbers),*])
    };
    let [stack, left, right] = [&matmul.stack, &matmul.left, &matmul.right].map(|it| list(it));
    let [rows, depth, columns] = [matmul.rows, matmul.depth, matmul.columns].map(literal::size);
    let value = quote! {
        MatMul {
            stack: #stack,
            left: #left,
            right: #right,
            rows: #rows,
            depth: #depth,
            columns: #columns,
        }
    };
    (quote!(MatMul<#axes>), value)
}

/// The statement that runs a product.
pub(super) fn matrix(
    scope: &Scope<'_>,
    stage: &Stage,
    skip: Skip,
    name: &Ident,
    Operands { w, x, y, second }: &Operands,
    rows: &TokenStream,
) -> TokenStream {
    let residual = match skip {
        Skip::None => return quote!(#name.run(isa, #w, #x, #y, #rows);),
        Skip::InPlace => residual(stage, name, None),
        Skip::Other => {
            let flat = matches!(stage.kernel, Kernel::Pointwise { flat: true, .. });
            let place = stage.from[1];
            let ring = scope.ring(if flat { place.flattened() } else { place });
            residual(stage, name, Some((second, ring)))
        }
    };
    quote!(#name.run_adding(isa, #w, #x, #y, #residual, #rows);)
}

/// What is added to a product called `name`: another value where it lies, or what the result overwrites.
fn residual(
    stage: &Stage,
    name: &Ident,
    other: Option<(&TokenStream, TokenStream)>,
) -> TokenStream {
    if stage.reads_bytes() {
        let sum = quantized::sum_name(name);
        return match other {
            Some((other, ring)) => quote!(QResidual::Of(#other, #ring, #sum)),
            None => quote!(QResidual::InPlace(#sum)),
        };
    }
    match other {
        Some((other, ring)) => {
            let of = element::residual(stage.from[1].element);
            quote!(Residual::#of(#other, #ring))
        }
        None => quote!(Residual::InPlace),
    }
}
