//! Numbers as a person writes them.

use std::ops::Range;

use mnv2c_runtime::ring::{Form, Rows};
use proc_macro2::{Literal, TokenStream};
use quote::quote;

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

/// Rows in memory, as an expression.
pub(super) fn rows(rows: Rows) -> TokenStream {
    let (kept, width, channels) = (size(rows.kept), size(rows.width), size(rows.channels));
    let form = match rows.form {
        Form::Nhwc => quote!(Rows::nhwc(#kept, #width, #channels)),
        Form::Planes => quote!(Rows::planes(#kept, #width, #channels)),
        Form::Chunks(lanes) => {
            let lanes = size(lanes);
            quote!(Rows::chunks(#kept, #width, #channels, #lanes))
        }
        Form::Slice { of, first } => {
            let whole = self::rows(Rows { form: Form::Nhwc, channels: of, ..rows });
            let first = size(first);
            return quote!(#whole.slice(#first, #channels));
        }
    };
    if [rows.top, rows.left, rows.right] == [0; 3] {
        return form;
    }
    let (top, left, right) = (size(rows.top), size(rows.left), size(rows.right));
    quote!(#form.padded(#top, #left, #right))
}
