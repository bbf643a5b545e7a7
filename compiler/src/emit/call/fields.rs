//! The numbers of each kernel, as the fields of its const.

use mnv2c_runtime::ring::{Form, Rows};
use proc_macro2::TokenStream;
use quote::quote;

use crate::emit::literal;
use crate::emit::scope::Scope;
use crate::ir::{Conv, Pool, PoolKind, Resize, Scale};
use crate::schedule::{Place, Stage};

pub(super) fn pointwise(
    scope: &Scope<'_>,
    stage: &Stage,
    activation: &TokenStream,
    flat: bool,
) -> TokenStream {
    let fields = pointwise_fields(scope, stage, flat);
    quote!(Pointwise { #fields activation: #activation })
}

pub(super) fn pointwise_fields(scope: &Scope<'_>, stage: &Stage, flat: bool) -> TokenStream {
    let (from, into, shares) = (stage.from[0], stage.into, stage.shares);
    let (from, into) = if flat { (from.flattened(), into.flattened()) } else { (from, into) };
    let whole = if flat { into.rows.width / shares } else { into.rows.width };
    let width = if flat { whole } else { whole.min(from.rows.width) };
    let (c_in, c_out) = (from.rows.channels, into.rows.channels);
    let (width, c_in, c_out) = (literal::size(width), literal::size(c_in), literal::size(c_out));
    let (from, into) = (scope.ring(from), scope.ring(into));
    quote!(width: #width, c_in: #c_in, c_out: #c_out, from: #from, into: #into,)
}

pub(super) fn convolution(scope: &Scope<'_>, from: Place, into: Place, conv: &Conv) -> TokenStream {
    let fields = convolution_fields(scope, from, into, conv);
    let activation = literal::activation(conv.clamp, conv.then);
    quote!(Conv { #fields activation: #activation })
}

pub(super) fn convolution_fields(
    scope: &Scope<'_>,
    from: Place,
    into: Place,
    conv: &Conv,
) -> TokenStream {
    let width = literal::size(into.rows.width);
    let window = window(conv);
    let (groups, c_in, c_out) = (
        literal::size(conv.group),
        literal::size(from.rows.channels),
        literal::size(into.rows.channels),
    );
    let (from, into) = (scope.ring(from), scope.ring(into));
    quote! {
        width: #width, #window,
        groups: #groups, c_in: #c_in, c_out: #c_out, from: #from, into: #into,
    }
}

pub(super) fn depthwise(
    scope: &Scope<'_>,
    from: Place,
    into: Place,
    tile: usize,
    conv: &Conv,
) -> (TokenStream, TokenStream) {
    let fields = depthwise_fields(scope, from, into, conv);
    let (tile, activation) = (literal::size(tile), literal::activation(conv.clamp, conv.then));
    if let Some([k, stride]) = conv.square_window() {
        let (k, stride) = (literal::size(k), literal::size(stride));
        let value = quote!(Depthwise { #fields activation: #activation });
        return (quote!(Depthwise<#k, #stride, #tile>), value);
    }
    (quote!(DepthwiseAny<#tile>), quote!(DepthwiseAny { #fields activation: #activation }))
}

pub(super) fn depthwise_fields(
    scope: &Scope<'_>,
    from: Place,
    into: Place,
    conv: &Conv,
) -> TokenStream {
    let (width, channels) = (literal::size(into.rows.width), literal::size(from.rows.channels));
    let (from, into) = (scope.ring(from), scope.ring(into));
    let window = match conv.square_window() {
        Some(_) => {
            let pad = pair([conv.pads[0], conv.pads[1]]);
            quote!(pad: #pad)
        }
        None => window(conv),
    };
    quote!(width: #width, channels: #channels, #window, from: #from, into: #into,)
}

fn window(conv: &Conv) -> TokenStream {
    let (kernel, stride, dilation) = (pair(conv.kernel), pair(conv.stride), pair(conv.dilation));
    let pad = pair([conv.pads[0], conv.pads[1]]);
    quote!(kernel: #kernel, stride: #stride, dilation: #dilation, pad: #pad)
}

fn pair([a, b]: [usize; 2]) -> TokenStream {
    let (a, b) = (literal::size(a), literal::size(b));
    quote!([#a, #b])
}

pub(super) fn pooling(
    scope: &Scope<'_>,
    from: Place,
    into: Place,
    pool: &Pool,
) -> (TokenStream, TokenStream) {
    let fields = pool_fields(scope, from, into, pool);
    match pool.kind {
        PoolKind::Max => (quote!(MaxPool), quote!(MaxPool(#fields))),
        PoolKind::Average => (
            quote!(AveragePool),
            quote!(AveragePool { windows: #fields, divisor: Divisor::Inside }),
        ),
        PoolKind::AverageWithPads => (
            quote!(AveragePool),
            quote!(AveragePool { windows: #fields, divisor: Divisor::Padded }),
        ),
    }
}

pub(super) fn pool_fields(scope: &Scope<'_>, from: Place, into: Place, pool: &Pool) -> TokenStream {
    let axis = |at: usize, len: usize| {
        let fields = [
            len,
            pool.kernel[at],
            pool.stride[at],
            pool.dilation[at],
            pool.pads[at],
            pool.pads[at + 2],
        ];
        let [len, taps, stride, dilation, before, after] = fields.map(literal::size);
        quote! {
            Window { len: #len, taps: #taps, stride: #stride, dilation: #dilation, before: #before, after: #after }
        }
    };
    let (down, across) = (axis(0, from.height), axis(1, from.rows.width));
    let (width, channels) = (literal::size(into.rows.width), literal::size(from.rows.channels));
    let (from, into) = (scope.ring(from), scope.ring(into));
    quote! {
        Windows { from: #from, into: #into, channels: #channels, down: #down, across: #across, width: #width }
    }
}

/// A resize: by fractions, or by lists if either axis has one.
pub(super) fn resizing(
    scope: &Scope<'_>,
    from: Place,
    into: Place,
    resize: &Resize,
) -> (TokenStream, TokenStream) {
    let channels = literal::size(from.rows.channels);
    let [(h, w), (rows, columns)] = [from, into].map(|place| (place.height, place.rows.width));
    let (from, into) = (scope.ring(from), scope.ring(into));
    if is_listed(resize) {
        let (down, across) = (taken(&resize.down, rows, h), taken(&resize.across, columns, w));
        let fields = quote! {
            Pick { from: #from, into: #into, channels: #channels, down: #down, across: #across }
        };
        return (quote!(Pick), fields);
    }
    let axis = |scale: &Scale, len: usize| {
        let [len, step, per] = [len, scale.step, scale.per].map(literal::size);
        let shift = literal::step(scale.shift);
        quote!(Scale { len: #len, step: #step, shift: #shift, per: #per })
    };
    let (down, across) = (axis(&resize.down, h), axis(&resize.across, w));
    let width = literal::size(columns);
    let fields = quote! {
        Resize { from: #from, into: #into, channels: #channels, down: #down, across: #across, width: #width }
    };
    (quote!(Resize), fields)
}

/// Whether pixels are taken that no fraction says.
pub(super) fn is_listed(resize: &Resize) -> bool {
    [&resize.down, &resize.across].into_iter().any(|scale| !scale.listed.is_empty())
}

/// The pixel of an operand of `len` for each of `size` of the result.
fn taken(scale: &Scale, size: usize, len: usize) -> TokenStream {
    let pixels = (0..size).map(|i| literal::size(scale.at(i, len).0));
    quote!(&[#(#pixels),*])
}

pub(super) fn global_pool(scope: &Scope<'_>, from: Place) -> TokenStream {
    let (channels, height, width) = (
        literal::size(from.rows.channels),
        literal::size(from.height),
        literal::size(from.rows.width),
    );
    let from = scope.ring(from);
    quote!(GlobalPool { from: #from, channels: #channels, height: #height, width: #width })
}

pub(super) fn relayout(scope: &Scope<'_>, from: Place, into: Place) -> TokenStream {
    let lanes = |rows: Rows| match rows.form {
        Form::Nhwc | Form::Slice { .. } => rows.channels,
        Form::Chunks(lanes) => lanes,
        Form::Planes => 1,
    };
    let (from_lanes, into_lanes) =
        (literal::size(lanes(from.rows)), literal::size(lanes(into.rows)));
    let (width, channels) = (literal::size(from.rows.width), literal::size(from.rows.channels));
    let (from, into) = (scope.ring(from), scope.ring(into));
    quote! {
        Relayout {
            from: #from, from_lanes: #from_lanes, into: #into, into_lanes: #into_lanes,
            width: #width, channels: #channels,
        }
    }
}
