//! One stage: the const that holds its numbers, and the call that runs it.

mod elements;
mod fields;
mod operands;
mod product;
mod quantized;
mod scales;
mod strips;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

use crate::emit::call::elements::{binary, elementwise};
use crate::emit::call::operands::Operands;
use crate::emit::call::product::{matrix, with_activation, with_skip};
use crate::emit::scope::Scope;
use crate::emit::{element, input, literal};
use crate::ir::op::CumSum;
use crate::ir::{Blend, Graph, PoolKind, Reducer};
use crate::program::{Call, Reach};
use crate::schedule::{Kernel, Part, Stage};

/// Paths in the runtime that a kernel's const and call name.
pub(super) fn imports(graph: &Graph, stage: &Stage) -> Vec<&'static str> {
    if let Some(paths) = quantized::imports(graph, stage) {
        return paths;
    }
    match &stage.kernel {
        Kernel::Load => vec!["kernel::copy::Relayout"],
        Kernel::Widen => vec!["kernel::widen::Widen"],
        Kernel::LookUp => vec!["kernel::q8::look_up::LookUp"],
        Kernel::Fetch => vec!["ring::Rows"],
        Kernel::Pointwise { skip, clamp, then, .. } => {
            with_skip(*skip, (*clamp, *then), "kernel::pointwise::Pointwise")
        }
        Kernel::Conv { skip, conv, .. } => {
            with_skip(*skip, (conv.clamp, conv.then), "kernel::conv::Conv")
        }
        Kernel::Depthwise { conv, .. } => {
            let path = match conv.square_window() {
                Some(_) => "kernel::depthwise::Depthwise",
                None => "kernel::depthwise::DepthwiseAny",
            };
            with_activation((conv.clamp, conv.then), path)
        }
        Kernel::Pool(pool) => {
            let kind: &[&str] = match pool.kind {
                PoolKind::Max => &["kernel::pool::MaxPool"],
                PoolKind::Average | PoolKind::AverageWithPads => {
                    &["kernel::pool::AveragePool", "kernel::pool::Divisor"]
                }
            };
            [kind, &["kernel::pool::Window", "kernel::pool::Windows"]].concat()
        }
        Kernel::GlobalPool(_) => vec!["kernel::global_pool::GlobalPool"],
        Kernel::Resize(resize) if fields::is_listed(resize) => vec!["kernel::resize::Pick"],
        Kernel::Resize(_) => vec!["kernel::resize::Resize", "kernel::resize::Scale"],
        Kernel::Clamp(_) => vec!["clamp::Clamp", "kernel::unary::self", "kernel::unary::Unary"],
        Kernel::Unary(_) => vec!["kernel::unary::self", "kernel::unary::Unary"],
        Kernel::Binary(..) | Kernel::PRelu(_) => {
            vec!["clamp::Clamp", "kernel::elementwise::self", "kernel::elementwise::Binary"]
        }
        Kernel::Softmax { .. } => vec!["kernel::softmax::Softmax"],
        Kernel::CumSum { .. } => vec!["kernel::cum_sum::CumSum"],
        Kernel::MatMul(_) => vec!["kernel::matmul::MatMul"],
        Kernel::Move(_) => vec!["kernel::strided::Steps", "kernel::strided::Strided"],
        Kernel::Reduce(..) => {
            vec!["kernel::reduce::Fold", "kernel::reduce::Reduce", "kernel::strided::Steps"]
        }
        Kernel::Fill(_) => vec![],
        Kernel::Quantize(_) | Kernel::Dequantize(_) | Kernel::QBinary(..) => vec![],
        Kernel::QAverage(_) | Kernel::QSoftmax { .. } | Kernel::Table => vec![],
    }
}

/// Whether the call passes the token of the instruction set.
pub(super) fn takes_token(graph: &Graph, stage: &Stage) -> bool {
    let multiplies = matches!(stage.kernel, Kernel::MatMul(_));
    multiplies || convolves(&stage.kernel) || quantized::takes_token(graph, stage)
}

fn convolves(kernel: &Kernel) -> bool {
    matches!(kernel, Kernel::Pointwise { .. } | Kernel::Conv { .. } | Kernel::Depthwise { .. })
}

/// Whether the const says where rows lie.
pub(super) fn names_rings(stage: &Stage) -> bool {
    match &stage.kernel {
        Kernel::Load | Kernel::Widen | Kernel::LookUp => true,
        Kernel::Pool(_) | Kernel::Resize(_) => true,
        Kernel::GlobalPool(_) | Kernel::QAverage(_) => true,
        Kernel::Quantize(_) => quantized::moves(stage),
        kernel => convolves(kernel),
    }
}

/// The const that holds the kernel's numbers, if it has any.
pub(super) fn constant(scope: &Scope<'_>, at: usize, stage: &Stage) -> Option<TokenStream> {
    if let Some(constant) = quantized::constant(scope, at, stage) {
        return constant;
    }
    let (name, into) = (scope.kernel(at), stage.into);
    let from = stage.from.first().copied();
    if let Part::Strip(strip) = stage.part {
        return Some(strips::constants(scope, at, stage, strip));
    }
    let (kind, value) = match &stage.kernel {
        Kernel::Load => (quote!(Relayout), fields::relayout(scope, from?, into)),
        Kernel::Widen => (quote!(Widen), input::widen(scope, into)),
        Kernel::LookUp => (quote!(LookUp), input::look_up(scope, from?, into)),
        Kernel::Pointwise { tile: [mr, nv], clamp, then, flat, .. } => {
            let (mr, nv) = (literal::size(*mr), literal::size(*nv));
            (
                quote!(Pointwise<#mr, #nv>),
                fields::pointwise(scope, stage, &literal::activation(*clamp, *then), *flat),
            )
        }
        Kernel::Conv { tile: [mr, nv], conv, .. } => {
            let (mr, nv) = (literal::size(*mr), literal::size(*nv));
            (quote!(Conv<#mr, #nv>), fields::convolution(scope, from?, into, conv))
        }
        Kernel::Depthwise { tile, conv } => fields::depthwise(scope, from?, into, *tile, conv),
        Kernel::Pool(pool) => fields::pooling(scope, from?, into, pool),
        Kernel::Resize(resize) => fields::resizing(scope, from?, into, resize),
        Kernel::GlobalPool(_) => (quote!(GlobalPool), fields::global_pool(scope, from?)),
        Kernel::Softmax { outer, axis, inner, .. } => {
            let [outer, axis, inner] = [outer, axis, inner].map(|it| literal::size(*it));
            (quote!(Softmax), quote!(Softmax { outer: #outer, axis: #axis, inner: #inner }))
        }
        Kernel::CumSum { cum_sum, shape } => {
            let [outer, axis, inner] = shape.map(literal::size);
            let CumSum { exclusive, reverse, .. } = cum_sum;
            let ways = quote!(exclusive: #exclusive, reverse: #reverse);
            (quote!(CumSum), quote!(CumSum { outer: #outer, axis: #axis, inner: #inner, #ways }))
        }
        Kernel::MatMul(matmul) => product::stack(matmul),
        Kernel::Move(copy) => elements::copy(copy),
        Kernel::Reduce(kind, copy) => elements::reduction(*kind, copy),
        Kernel::Clamp(_)
        | Kernel::Unary(_)
        | Kernel::Binary(..)
        | Kernel::PRelu(_)
        | Kernel::Fetch
        | Kernel::Quantize(_)
        | Kernel::Dequantize(_)
        | Kernel::QBinary(..)
        | Kernel::QAverage(_)
        | Kernel::QSoftmax { .. }
        | Kernel::Table
        | Kernel::Fill(_) => return None,
    };
    Some(quote!(const #name: #kind = #value;))
}

/// The statement that a call of a stage is.
pub(super) fn run(scope: &Scope<'_>, call: &Call, stage: &Stage) -> TokenStream {
    let name = strips::kernel(scope.kernel(call.stage), call.reach);
    let rows = scope.span(&call.rows);
    let mut operands = Operands::new(scope, call, stage);
    match call.reach {
        Reach::Slices => {
            operands = operands.row(scope, stage, &scope.expr(&call.rows.start));
        }
        Reach::ChannelShare(_) => {
            let Operands { w, x, y, .. } = operands;
            return quote! {
                let panel = #name.with_channels(#y.len());
                panel.run(isa, #w, #x, #y, #rows);
            };
        }
        Reach::Vectors(vectors) => return by_vectors(&name, stage, vectors, &rows, &operands),
        _ => {}
    }
    if let Some(call) = quantized::run(scope, call, stage, &rows, &operands) {
        return call;
    }
    let Operands { w, x, y, .. } = &operands;
    match &stage.kernel {
        Kernel::Load => {
            let copy = element::copying(stage);
            quote!(#name.#copy(#rows, #x, #y);)
        }
        Kernel::Widen => input::widened(scope, stage, &name.to_token_stream(), &rows, y),
        Kernel::LookUp => quote!(#name.run(#rows, #w, #x, #y);),
        Kernel::Fetch => input::fetch(scope, call.stage, stage, &scope.expr(&call.rows.start)),
        Kernel::Pointwise { flat: true, skip, .. } => {
            matrix(scope, stage, *skip, &name, &operands, &quote!(0..1))
        }
        Kernel::Pointwise { skip, .. } | Kernel::Conv { skip, .. } => {
            matrix(scope, stage, *skip, &name, &operands, &rows)
        }
        Kernel::Depthwise { .. } => quote!(#name.run(isa, #w, #x, #y, #rows);),
        Kernel::Pool(_) => quote!(#name.run(#rows, #x, #y);),
        Kernel::Resize(resize) => resized(resize.blend, &name, [&rows, x, y]),
        Kernel::GlobalPool(Reducer::Max) => quote!(#name.max(#rows, #x, #y);),
        Kernel::GlobalPool(_) => quote!(#name.average(#rows, #x, #y);),
        Kernel::Clamp(_) | Kernel::Unary(_) | Kernel::Binary(..) | Kernel::PRelu(_) => {
            over_slices(scope, call.stage, stage, operands)
        }
        Kernel::Softmax { .. } | Kernel::MatMul(_) => {
            over_slices(scope, call.stage, stage, operands)
        }
        Kernel::Move(_) | Kernel::Reduce(..) | Kernel::Fill(_) | Kernel::CumSum { .. } => {
            over_slices(scope, call.stage, stage, operands)
        }
        Kernel::Quantize(_)
        | Kernel::Dequantize(_)
        | Kernel::QBinary(..)
        | Kernel::Table
        | Kernel::QSoftmax { .. }
        | Kernel::QAverage(_) => unreachable!("kernels of bytes have been printed"),
    }
}

/// The statement that makes rows of a larger or smaller image.
fn resized(blend: Blend, name: &Ident, [rows, x, y]: [&TokenStream; 3]) -> TokenStream {
    match blend {
        Blend::Nearest => quote!(#name.nearest(#rows, #x, #y);),
        Blend::Linear => quote!(#name.linear(#rows, #x, #y);),
    }
}

/// The statement that runs a stage that knows no rows over slices: all of a value, or a row of it.
fn over_slices(scope: &Scope<'_>, at: usize, stage: &Stage, operands: Operands) -> TokenStream {
    let name = scope.kernel(at);
    let over = stage.from.first().is_some_and(|place| place.home == stage.into.home);
    let Operands { x, y, second, .. } = operands;
    match &stage.kernel {
        Kernel::Clamp(clamp) => {
            let clamp = literal::clamp(*clamp);
            let function = quote!(Unary::Clamp(#clamp));
            if over {
                quote!(unary::unary_assign(#function, #y);)
            } else {
                quote!(unary::unary(#function, #x, #y);)
            }
        }
        Kernel::Unary(function) => {
            let function = literal::unary(*function);
            if over {
                quote!(unary::unary_assign(#function, #y);)
            } else {
                quote!(unary::unary(#function, #x, #y);)
            }
        }
        Kernel::Binary(function, broadcast) => {
            let function = format_ident!("{}", binary(*function));
            elementwise(*broadcast, &quote!(Binary::#function), [x, second, y], over)
        }
        Kernel::PRelu(broadcast) => {
            elementwise(*broadcast, &quote!(Binary::PRelu), [x, second, y], over)
        }
        Kernel::Softmax { softmax, .. } => {
            let method = if softmax.log { "run_log" } else { "run" };
            if over {
                let method = format_ident!("{method}_assign");
                quote!(#name.#method(#y);)
            } else {
                let method = format_ident!("{method}");
                quote!(#name.#method(#x, #y);)
            }
        }
        Kernel::MatMul(_) => quote!(#name.run(isa, #x, #second, #y);),
        Kernel::Reduce(..) | Kernel::CumSum { .. } => quote!(#name.run(#x, #y);),
        Kernel::Move(_) => {
            let copy = element::copying(stage);
            quote!(#name.#copy(#x, #y);)
        }
        Kernel::Fill(value) => {
            let value = element::number(stage.into.element, *value);
            quote!(#y.fill(#value);)
        }
        kernel => unreachable!("{kernel:?} runs over rows"),
    }
}

/// The statement that makes means of the sums of a stage's pool.
pub(super) fn finish(scope: &Scope<'_>, at: usize, stage: &Stage) -> TokenStream {
    let (name, y) = (scope.kernel(at), scope.variable(stage.into));
    let channels = literal::size(stage.into.rows.channels);
    quote!(#name.finish(#channels, #y);)
}

/// The statement that runs a stage over the vectors of channels of one panel.
fn by_vectors(
    name: &Ident,
    stage: &Stage,
    vectors: usize,
    rows: &TokenStream,
    Operands { w, x, y, .. }: &Operands,
) -> TokenStream {
    if let Kernel::Pointwise { .. } = stage.kernel {
        return quote!(#name.run_panel(isa, #w, #x, #y, #rows, panel););
    }
    let vectors = match vectors {
        1 => quote!(panel..panel + 1),
        some => {
            let some = literal::size(some);
            quote!(#some * panel..#some * (panel + 1))
        }
    };
    quote!(#name.run_vectors(isa, #w, #x, #y, #rows, #vectors);)
}
