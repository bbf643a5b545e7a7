//! Stages on bytes: their consts, their calls, and what those import.

use mnv2c_runtime::ring::Form;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};

use super::operands::Operands;
use super::{fields, scales};
use crate::emit::literal;
use crate::emit::scope::Scope;
use crate::ir::{Affine, Arithmetic, Conv, Graph, NodeId, Op, Pool, PoolKind};
use crate::ir::{QAverage, QMean, QPair, Quant, Times, To};
use crate::program::{Call, Span};
use crate::schedule::{Kernel, Part, Place, QBinary, Stage};

/// Paths in the runtime, if a stage works on bytes otherwise than floats are worked on.
pub(super) fn imports(graph: &Graph, stage: &Stage) -> Option<Vec<&'static str>> {
    let by = graph.arithmetic;
    let mut paths = match &stage.kernel {
        Kernel::Quantize(_) if moves(stage) => {
            vec!["affine::Affine", "kernel::q8::border::Quantize"]
        }
        Kernel::Quantize(_) | Kernel::Dequantize(_) => {
            vec!["affine::Affine", "kernel::q8::border::self"]
        }
        Kernel::QBinary(function, _) => {
            let scales = early(*function, by).map_or(scales::of_pair(by), |_| scales::OF_PRODUCT);
            [scales, &["kernel::q8::elements::self"]].concat()
        }
        Kernel::Table => vec!["kernel::q8::elements::self"],
        Kernel::QSoftmax { .. } => {
            [scales::LEVELS, &["affine::Factor", "kernel::q8::softmax::QSoftmax"]].concat()
        }
        Kernel::QAverage(_) | Kernel::GlobalPool(_) if averages(graph, stage).is_some() => {
            let shape = ["kernel::pool::Divisor", "kernel::pool::Windows", "kernel::pool::Window"];
            [scales::of_average(by), &shape, &["kernel::q8::pool::QAverage"]].concat()
        }
        _ if !stage.reads_bytes() => return None,
        Kernel::Pointwise { .. } => [scales::LEVELS, &["kernel::q8::conv::QPointwise"]].concat(),
        Kernel::Conv { .. } => [scales::LEVELS, &["kernel::q8::conv::QConv"]].concat(),
        Kernel::Depthwise { conv, .. } if conv.square_window().is_some() => {
            [scales::LEVELS, &["kernel::q8::depthwise::QDepthwise"]].concat()
        }
        Kernel::Depthwise { .. } => {
            [scales::LEVELS, &["kernel::q8::depthwise::QDepthwiseAny"]].concat()
        }
        Kernel::GlobalPool(_) => {
            [scales::LEVELS, &["affine::Factor", "kernel::q8::pool::QMean"]].concat()
        }
        Kernel::Pool(_) => {
            vec!["kernel::pool::Windows", "kernel::pool::Window", "kernel::q8::pool::QMaxPool"]
        }
        _ => return None,
    };
    if residual(graph, stage.node).is_some() {
        paths.extend(scales::of_pair(by));
        paths.push("simd::qgemm::QResidual");
    }
    Some(paths)
}

/// Whether a stage that is no convolution passes the token of the instruction set.
pub(super) fn takes_token(graph: &Graph, stage: &Stage) -> bool {
    match &stage.kernel {
        Kernel::Quantize(_) | Kernel::Dequantize(_) | Kernel::QBinary(..) => true,
        Kernel::GlobalPool(_) => {
            let sums = averages(graph, stage).is_none();
            sums && stage.reads_bytes() && stage.part == Part::Row
        }
        _ => false,
    }
}

/// Tells a quantising stage that works row by row: its bytes lie otherwise than its floats, or are a picture.
pub(super) fn moves(stage: &Stage) -> bool {
    let (from, into) = (stage.from[0], stage.into);
    from.rows != into.rows || (into.rows.form == Form::Nhwc && into.height > 1)
}

/// How a stage averages floats of bytes, if it does.
fn averages<'a>(graph: &'a Graph, stage: &'a Stage) -> Option<&'a QAverage> {
    match (&stage.kernel, &graph.node(stage.node).op) {
        (Kernel::QAverage(average), _) => Some(average),
        (Kernel::GlobalPool(_), Op::Quant(Quant::Average(average))) => Some(average),
        // No other kernel averages.
        _ => None,
    }
}

/// The const of the scales of a residual.
pub(super) fn sum_name(kernel: &impl ToTokens) -> Ident {
    format_ident!("{}_SUM", kernel.to_token_stream().to_string())
}

/// The consts that hold the numbers of a stage on bytes, if it has any; nothing for a stage on floats.
pub(super) fn constant(scope: &Scope<'_>, at: usize, stage: &Stage) -> Option<Option<TokenStream>> {
    let (name, into) = (scope.kernel(at), stage.into);
    let from = *stage.from.first()?;
    let (graph, by) = (scope.network.graph, scope.network.graph.arithmetic);
    let levels = scales::levels(graph, stage.node);
    let (kind, value) = match &stage.kernel {
        Kernel::Quantize(to) if moves(stage) => {
            (quote!(Quantize), quantize(scope, from, into, *to))
        }
        Kernel::Quantize(affine) | Kernel::Dequantize(affine) => {
            (quote!(Affine), scales::affine(*affine))
        }
        Kernel::QBinary(function, pair) => match early(*function, by) {
            Some(early) => (quote!(Product), scales::product(*pair, early)),
            None => (quote!(Pair), scales::pair(*pair, *function, by)),
        },
        Kernel::QAverage(_) | Kernel::GlobalPool(_) if averages(graph, stage).is_some() => {
            let average = averages(graph, stage).expect("asked above");
            let fields = fields::pool_fields(scope, from, into, &average.pool);
            let divisor = divisor(&average.pool);
            let scales = scales::averaged(average, by);
            let value = quote!(QAverage { windows: #fields, divisor: #divisor, scales: #scales });
            (quote!(QAverage), value)
        }
        Kernel::QSoftmax { softmax, shape } => (quote!(QSoftmax), scales::softmax(softmax, *shape)),
        Kernel::Table => return Some(None),
        _ if !stage.reads_bytes() || matches!(stage.part, Part::Strip(_)) => return None,
        Kernel::Pointwise { tile: [mr, nv], flat, .. } => {
            let (mr, nv) = (literal::size(*mr), literal::size(*nv));
            let shape = fields::pointwise_fields(scope, stage, *flat);
            (quote!(QPointwise<#mr, #nv>), quote!(QPointwise { #shape levels: #levels }))
        }
        Kernel::Conv { tile: [mr, nv], conv, .. } => {
            let (mr, nv) = (literal::size(*mr), literal::size(*nv));
            let shape = fields::convolution_fields(scope, from, into, conv);
            (quote!(QConv<#mr, #nv>), quote!(QConv { #shape levels: #levels }))
        }
        Kernel::Depthwise { tile, conv } => depthwise(scope, from, into, *tile, conv, &levels),
        Kernel::GlobalPool(_) => (quote!(QMean), mean(scope, stage, &levels)),
        Kernel::Pool(pool) => {
            let fields = fields::pool_fields(scope, from, into, pool);
            (quote!(QMaxPool), quote!(QMaxPool(#fields)))
        }
        _ => return None,
    };
    let sum = residual(graph, stage.node).map(|pair| {
        let (name, value) = (sum_name(name), scales::pair(pair, QBinary::Add, by));
        quote!(const #name: Pair = #value;)
    });
    Some(Some(quote!(const #name: #kind = #value; #sum)))
}

/// What the sums of a stage on bytes become.
pub(super) fn levels(scope: &Scope<'_>, stage: &Stage) -> Option<TokenStream> {
    stage.reads_bytes().then(|| scales::levels(scope.network.graph, stage.node))
}

/// The statement that runs a stage on bytes, where it is not that of one on floats.
pub(super) fn run(
    scope: &Scope<'_>,
    call: &Call,
    stage: &Stage,
    rows: &TokenStream,
    Operands { w, x, y, second }: &Operands,
) -> Option<TokenStream> {
    let (name, by) = (scope.kernel(call.stage), scope.network.graph.arithmetic);
    let over = stage.from.first().is_some_and(|place| place.home == stage.into.home);
    Some(match &stage.kernel {
        Kernel::Quantize(_) if moves(stage) => quote!(#name.run(isa, #x, #y, #rows);),
        Kernel::Quantize(_) => quote!(border::quantize(isa, #name, #x, #y);),
        Kernel::Dequantize(_) => quote!(border::dequantize(isa, #name, #x, #y);),
        Kernel::QBinary(function, _) => {
            let word = match function {
                QBinary::Add => "add",
                QBinary::Mul(_) if early(*function, by).is_some() => "product",
                QBinary::Mul(_) => "mul",
            };
            if over {
                let method = format_ident!("{word}_assign");
                quote!(elements::#method(isa, #name, #y, #second);)
            } else {
                let method = format_ident!("{word}");
                quote!(elements::#method(isa, #name, #x, #second, #y);)
            }
        }
        Kernel::QSoftmax { .. } if over => quote!(#name.run_assign(#w, #y);),
        Kernel::QSoftmax { .. } => quote!(#name.run(#w, #x, #y);),
        Kernel::Table if over => quote!(elements::table_assign(#w, #y);),
        Kernel::Table => quote!(elements::table(#w, #x, #y);),
        Kernel::QAverage(_) => quote!(#name.run(#rows, #x, #y);),
        Kernel::GlobalPool(_) if stage.reads_bytes() => mean_call(scope, call, stage, rows, [x, y]),
        Kernel::Pointwise { .. } if stage.reads_bytes() && makes_floats(scope, stage) => {
            quote!(#name.run_floats(isa, #w, #x, #y, #rows);)
        }
        _ => return None,
    })
}

/// Means of an image that lies whole, or the sums of some rows of one.
fn mean_call(
    scope: &Scope<'_>,
    call: &Call,
    stage: &Stage,
    rows: &TokenStream,
    [x, y]: [&TokenStream; 2],
) -> TokenStream {
    let name = scope.kernel(call.stage);
    let whole = call.rows == Span::below(stage.height);
    let averages = averages(scope.network.graph, stage).is_some();
    if makes_floats(scope, stage) {
        quote!(#name.run_floats(isa, #x, #y);)
    } else if whole && averages {
        quote!(#name.run(0..1, #x, #y);)
    } else if whole {
        quote!(#name.run(isa, #x, #y);)
    } else {
        quote!(#name.take(#rows, #x, #y);)
    }
}

fn depthwise(
    scope: &Scope<'_>,
    from: Place,
    into: Place,
    tile: usize,
    conv: &Conv,
    levels: &TokenStream,
) -> (TokenStream, TokenStream) {
    let tile = literal::size(tile);
    if let Some([k, stride]) = conv.square_window() {
        let (k, stride) = (literal::size(k), literal::size(stride));
        let shape = fields::depthwise_fields(scope, from, into, conv);
        let value = quote!(QDepthwise { #shape levels: #levels });
        return (quote!(QDepthwise<#k, #stride, #tile>), value);
    }
    let shape = fields::depthwise_fields(scope, from, into, conv);
    (quote!(QDepthwiseAny<#tile>), quote!(QDepthwiseAny { #shape levels: #levels }))
}

fn quantize(scope: &Scope<'_>, from: Place, into: Place, to: Affine) -> TokenStream {
    let (width, channels) = (literal::size(into.rows.width), literal::size(into.rows.channels));
    let (from, into, to) = (scope.ring(from), scope.ring(into), scales::affine(to));
    quote!(Quantize { from: #from, into: #into, width: #width, channels: #channels, to: #to })
}

fn mean(scope: &Scope<'_>, stage: &Stage, levels: &TokenStream) -> TokenStream {
    let Op::Quant(Quant::Mean(QMean { x_zero, requant })) =
        &scope.network.graph.node(stage.node).op
    else {
        unreachable!("only means pool bytes")
    };
    let from = stage.from[0];
    let (zero, by) = (literal::size((*x_zero).into()), scope.network.graph.arithmetic);
    let factor = scales::factor(requant, by);
    let [channels, height, width] =
        [from.rows.channels, from.height, from.rows.width].map(literal::size);
    let from = scope.ring(from);
    quote! {
        QMean {
            from: #from, channels: #channels, height: #height, width: #width,
            zero: #zero, factor: #factor, levels: #levels,
        }
    }
}

/// What of its zero point a product of floats is rounded with, if it is one of whole steps.
fn early(function: QBinary, by: Arithmetic) -> Option<i16> {
    match (function, by) {
        (QBinary::Mul(Times::Steps { early }), Arithmetic::Float) => Some(early),
        _ => None,
    }
}

fn divisor(pool: &Pool) -> TokenStream {
    match pool.kind {
        PoolKind::AverageWithPads => quote!(Divisor::Padded),
        PoolKind::Average | PoolKind::Max => quote!(Divisor::Inside),
    }
}

fn makes_floats(scope: &Scope<'_>, stage: &Stage) -> bool {
    let requant = scales::requant(scope.network.graph, stage.node);
    requant.is_some_and(|requant| requant.to == To::Floats)
}

fn residual(graph: &Graph, id: NodeId) -> Option<QPair> {
    match &graph.node(id).op {
        Op::Quant(Quant::Conv(conv)) => conv.residual,
        // Only convolutions add residuals.
        _ => None,
    }
}
