//! Numbers as a person writes them.

use std::ops::Range;

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::ir::Clamp;

/// A count, its digits in groups of three: `75_264`.
pub(super) fn int(n: impl Into<u64>) -> Literal {
    let digits = n.into().to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped.parse().expect("digits are a literal")
}

/// A count of elements or bytes.
pub(super) fn size(n: usize) -> Literal {
    int(n as u64)
}

/// A signed stride.
pub(super) fn step(n: isize) -> TokenStream {
    let magnitude = int(n.unsigned_abs() as u64);
    if n < 0 { quote!(-#magnitude) } else { quote!(#magnitude) }
}

/// A range of elements or rows.
pub(super) fn range(r: &Range<usize>) -> TokenStream {
    let (start, end) = (size(r.start), size(r.end));
    quote!(#start..#end)
}

/// A float, in the fewest digits that read back the same.
pub(super) fn float(x: f32) -> TokenStream {
    if x == f32::INFINITY {
        return quote!(f32::INFINITY);
    }
    if x == f32::NEG_INFINITY {
        return quote!(f32::NEG_INFINITY);
    }
    if x.is_nan() {
        return quote!(f32::NAN);
    }
    let magnitude: Literal = format!("{:?}", x.abs()).parse().expect("a finite float is a literal");
    if x.is_sign_negative() { quote!(-#magnitude) } else { quote!(#magnitude) }
}

/// Bounds, by name where they have one.
pub(super) fn clamp(clamp: Clamp) -> TokenStream {
    match clamp {
        Clamp::NONE => quote!(Clamp::NONE),
        Clamp::RELU => quote!(Clamp::RELU),
        Clamp::RELU6 => quote!(Clamp::RELU6),
        Clamp { lo, hi } => {
            let (lo, hi) = (float(lo), float(hi));
            quote!(Clamp { lo: #lo, hi: #hi })
        }
    }
}
