//! What bytes stand for, and what sums of them are multiplied with: in floats, or in integers alone.

use proc_macro2::TokenStream;
use quote::quote;

use crate::emit::literal;
use crate::ir::quant::fixed::{Fixed, Terms};
use crate::ir::{
    Affine, Arithmetic, Bounds, Graph, NodeId, Op, QAverage, QPair, QSoftmax, Requant, To,
};
use crate::schedule::QBinary;

/// What [`levels`] names.
pub(super) const LEVELS: &[&str] = &["affine::Arithmetic", "affine::Levels"];

/// What [`pair`] names.
pub(super) fn of_pair(by: Arithmetic) -> &'static [&'static str] {
    match by {
        Arithmetic::Float => {
            &["affine::Affine", "affine::Arithmetic", "affine::Levels", "affine::Pair"]
        }
        Arithmetic::Fixed => {
            &["affine::Arithmetic", "affine::Levels", "affine::Pair", "affine::Term"]
        }
    }
}

/// What [`product`] names.
pub(super) const OF_PRODUCT: &[&str] = &["affine::Arithmetic", "affine::Levels", "affine::Product"];

/// What [`averaged`] names.
pub(super) fn of_average(by: Arithmetic) -> &'static [&'static str] {
    match by {
        Arithmetic::Float => &["affine::Affine", "kernel::q8::pool::Averaged"],
        Arithmetic::Fixed => &[
            "affine::Arithmetic",
            "affine::Factor",
            "affine::Levels",
            "kernel::q8::pool::Averaged",
        ],
    }
}

pub(super) fn affine(Affine { scale, zero }: Affine) -> TokenStream {
    let (scale, zero) = (literal::float(scale), literal::size(zero.into()));
    quote!(Affine { scale: #scale, zero: #zero })
}

pub(super) fn pair(pair: QPair, function: QBinary, by: Arithmetic) -> TokenStream {
    let QPair { a, b, y, bounds } = pair;
    let levels = levels_of(y.zero, bounds, by);
    if by == Arithmetic::Float {
        let (a, b, scale) = (affine(a), affine(b), literal::float(y.scale));
        return quote!(Pair::Float { a: #a, b: #b, scale: #scale, levels: #levels });
    }
    let terms = match function {
        QBinary::Add => pair.sum_terms(),
        QBinary::Mul(_) => pair.product_terms(),
    };
    let Terms { a: of_a, b: of_b, shift } = terms;
    let (a, b, shift) = (term(a.zero, of_a), term(b.zero, of_b), literal::int(shift));
    quote!(Pair::Fixed { a: #a, b: #b, shift: #shift, levels: #levels })
}

/// A product that is rounded with `early` of its zero point.
pub(super) fn product(pair: QPair, early: i16) -> TokenStream {
    let QPair { a, b, y, bounds } = pair;
    let (late, early) = split(y.zero, early);
    let levels = levels_of(late, bounds, Arithmetic::Float);
    let (a, b) = (literal::size(a.zero.into()), literal::size(b.zero.into()));
    let factor = literal::float(pair.factor());
    quote!(Product { a: #a, b: #b, factor: #factor, early: #early, levels: #levels })
}

/// What is added to rounded steps, and before.
fn split(zero: u8, early: i16) -> (u8, TokenStream) {
    let late = u8::try_from(i16::from(zero) - early).expect("verified zero points are bytes");
    (late, literal::float(early.into()))
}

fn term(zero: u8, factor: i32) -> TokenStream {
    let (zero, factor) = (literal::size(zero.into()), literal::int(factor.unsigned_abs()));
    quote!(Term { zero: #zero, factor: #factor })
}

pub(super) fn averaged(average: &QAverage, by: Arithmetic) -> TokenStream {
    if by == Arithmetic::Float {
        let (late, early) = split(average.y.zero, average.early);
        let (x, y) = (affine(average.x), affine(Affine { zero: late, ..average.y }));
        return quote!(Averaged::Float { x: #x, y: #y, early: #early });
    }
    let (zero, factor) = (literal::size(average.x.zero.into()), fixed(average.factor()));
    let levels = levels_of(average.y.zero, Bounds::ALL, by);
    quote!(Averaged::Fixed { zero: #zero, factor: #factor, levels: #levels })
}

/// The one factor of a mean.
pub(super) fn factor(requant: &Requant, by: Arithmetic) -> TokenStream {
    match requant.arithmetic(by) {
        Arithmetic::Float => {
            let factor = literal::float(requant.multipliers[0]);
            quote!(Factor::float(#factor))
        }
        Arithmetic::Fixed => fixed(Fixed::of(requant.multipliers[0])),
    }
}

/// The const of a softmax over so many elements outside, along and inside its axis.
pub(super) fn softmax(softmax: &QSoftmax, shape: [usize; 3]) -> TokenStream {
    let [outer, axis, inner] = shape.map(literal::size);
    let levels = levels_of(softmax.y.zero, Bounds::ALL, Arithmetic::Fixed);
    let factor = fixed(softmax.factor());
    quote! {
        QSoftmax { outer: #outer, axis: #axis, inner: #inner, factor: #factor, levels: #levels }
    }
}

fn fixed(Fixed { mantissa, shift }: Fixed) -> TokenStream {
    let (mantissa, shift) = (literal::int(mantissa), literal::int(shift));
    quote!(Factor::fixed(#mantissa, #shift))
}

/// What the sums of a node become.
pub(super) fn levels(graph: &Graph, id: NodeId) -> TokenStream {
    match requant(graph, id).map(|requant| requant.to) {
        Some(To::Bytes { zero, bounds }) => levels_of(zero, bounds, graph.arithmetic),
        Some(To::Floats) | None => levels_of(0, Bounds::ALL, Arithmetic::Float),
    }
}

fn levels_of(zero: u8, Bounds { lo, hi }: Bounds, by: Arithmetic) -> TokenStream {
    let [zero, lo, hi] = [zero, lo, hi].map(|byte| literal::size(byte.into()));
    let by = match by {
        Arithmetic::Float => quote!(Arithmetic::Float),
        Arithmetic::Fixed => quote!(Arithmetic::Fixed),
    };
    quote!(Levels { zero: #zero, lo: #lo, hi: #hi, arithmetic: #by })
}

/// How the sums of a node are requantised, if it makes sums.
pub(super) fn requant(graph: &Graph, id: NodeId) -> Option<&Requant> {
    match &graph.node(id).op {
        Op::Quant(quant) => quant.requant(),
        // Floats are not requantised.
        _ => None,
    }
}
