//! The kernel of a convolution or a dense layer: its tile, how its weights lie, and what threads share of it.

use mnv2c_runtime::ring::{Form, Rows};

use crate::error::Result;
use crate::ir::{Conv, Graph, NodeId, Op, Quant};
use crate::kernels::spec::Flow;
use crate::kernels::{self, Depthwise, Epilogue, Kernel, Pointwise, Skip};
use crate::schedule::place::{Lowering, is_depthwise};
use crate::schedule::tile::SquareWindow;
use crate::schedule::{Element, Home, Place, RowWindow, Stage, parts, tile, winograd};
use crate::segment::RowBatch;
use crate::target::Product;

/// The stage of convolution `id`.
pub(super) fn lower(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    from: Place,
    into: Place,
    skip: Skip,
) -> Result<Stage> {
    let conv = lowering.graph.node(id).op.conv().expect("only convolutions have residuals").clone();
    let bytes = from.element.bytes() == 1;
    let strips =
        lowering.graph.operand(id, 0).is_some_and(|wide| lowering.recomputed.contains(&wide));
    let window = RowWindow {
        span: (conv.kernel[0] - 1) * conv.dilation[0] + 1,
        stride: conv.stride[0],
        above: conv.pads[0],
        ..RowWindow::SAME
    };
    // What is recomputed for a row is there when that row is made.
    let window = if strips { RowWindow::SAME } else { window };
    let (mut shares, mut parts, mut product, mut scratch) = (1, [1, 1], None, None);
    let kernel = if is_depthwise(lowering.graph, id) {
        let pixels = into.rows.width;
        let tile = match conv.square_window() {
            Some([kernel, stride]) => {
                tile::choose_window(lowering.target, pixels, SquareWindow { kernel, stride, bytes })
            }
            None => tile::choose_any_window(lowering.target, pixels, bytes),
        };
        Depthwise { tile, conv, epilogue: epilogue(lowering.graph, id) }.into()
    } else {
        shares = matrix_shares(lowering, &conv, from, into);
        let (kernel, made) = matrix(lowering, id, conv, from, into, skip);
        parts = matrix_parts(lowering, &kernel, made, into);
        let transformed = winograd(lowering, id, (made, [from, into]), skip);
        product = transformed.is_none().then_some(made);
        transformed.map_or(kernel, |(kernel, choice)| {
            (parts, scratch) = (choice.parts, Some(work(lowering, id, choice.scratch)));
            kernel
        })
    };
    let residual = match skip {
        Skip::Other => Some(lowering.operand(id, 3)?),
        Skip::None | Skip::InPlace => None,
    };
    let pack = lowering.weights(id, &*kernel, from);
    let from = [from].into_iter().chain(residual).collect();
    let stage = Stage::new(id, kernel, from, into);
    Ok(Stage { pack, window, shares, parts, product, scratch, ..stage })
}

/// A dense layer, whose panels of channels threads may share.
pub(super) fn dense(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Stage> {
    let from = lowering.operand(id, 0)?;
    let into = lowering.place_result(id)?;
    let product = Product {
        pixels: from.rows.width,
        channels: into.rows.channels,
        depth: from.rows.channels,
        planes: false,
        element: from.element.bytes(),
    };
    let tile = tile::choose(lowering.target, product);
    let epilogue = epilogue(lowering.graph, id);
    let kernel = Pointwise { tile, epilogue, skip: Skip::None, flat: false };
    let columns = tile[1] * lowering.target.isa.lanes();
    let pack = lowering.weights(id, &kernel, from);
    let shared = lowering.target.threads > 1 && from.rows.width * from.height == 1;
    let shares = if shared { into.rows.channels.div_ceil(columns) } else { 1 };
    Ok(Stage { pack, shares, product: Some(product), ..Stage::new(id, kernel, vec![from], into) })
}

/// The matrix kernel for a convolution that is not depthwise.
fn matrix(
    lowering: &Lowering<'_>,
    id: NodeId,
    conv: Conv,
    from: Place,
    into: Place,
    skip: Skip,
) -> (Kernel, Product) {
    let flat = is_flat(lowering, &conv, from, into);
    let whole = product(&conv, from, into, flat);
    let shares = matrix_shares(lowering, &conv, from, into);
    let product = Product { pixels: whole.pixels / shares, ..whole };
    let exact = tile::choose_exact(lowering.target, product).filter(|_| skip == Skip::InPlace);
    let tile = exact.unwrap_or_else(|| tile::choose(lowering.target, product));
    let epilogue = epilogue(lowering.graph, id);
    let kernel = if is_point(&conv, from) {
        Pointwise { tile, epilogue, skip, flat }.into()
    } else {
        kernels::Conv { tile, conv, epilogue, skip }.into()
    };
    (kernel, product)
}

/// The epilogue of convolution or dense layer `id`.
pub(super) fn epilogue(graph: &Graph, id: NodeId) -> Epilogue {
    let by = graph.arithmetic;
    match &graph.node(id).op {
        Op::Quant(Quant::Conv(conv)) => {
            Epilogue::Bytes { to: conv.requant.to, residual: conv.residual, by }
        }
        Op::Quant(Quant::Dense(dense)) => {
            let by = dense.requant.arithmetic(by);
            Epilogue::Bytes { to: dense.requant.to, residual: None, by }
        }
        Op::Dense(dense) => Epilogue::Floats { clamp: dense.clamp, then: dense.activation },
        op => {
            let conv = op.conv().expect("products are convolutions and dense layers");
            Epilogue::Floats { clamp: conv.clamp, then: conv.activation }
        }
    }
}

/// In how many parts threads share the pixels of a convolution.
fn matrix_shares(lowering: &Lowering<'_>, conv: &Conv, from: Place, into: Place) -> usize {
    if is_flat(lowering, conv, from, into) && !lowering.is_panel {
        tile::shares(lowering.target, product(conv, from, into, true))
    } else {
        1
    }
}

/// The kernel that computes convolution `id` between transforms, and how, if that is sooner than a product.
fn winograd(
    lowering: &Lowering<'_>,
    id: NodeId,
    (product, [from, into]): (Product, [Place; 2]),
    skip: Skip,
) -> Option<(Kernel, winograd::Choice)> {
    let conv = lowering.graph.node(id).op.conv()?;
    let (target, rows) = (lowering.target, into.height);
    let direct = rows * tile::estimate(target, product) / target.core.multiply_adds;
    let choice = winograd::choose(lowering, conv, [from, into], direct)?;
    let (conv, epilogue) = (conv.clone(), epilogue(lowering.graph, id));
    let winograd::Choice { out, tile, groups, .. } = choice;
    Some((kernels::Winograd { out, tile, groups, conv, epilogue, skip }.into(), choice))
}

/// Memory for so many numbers of each thread in which convolution `id` works.
fn work(lowering: &mut Lowering<'_>, id: NodeId, numbers: usize) -> Place {
    let name = format!("{}.work", lowering.graph.node(id).name);
    let rows = Rows::nhwc(1, 1, numbers * lowering.target.threads);
    let (home, element) = (Home::Output(0), Element::F32);
    lowering.scratch(&name, Place { home, rows, height: 1, element })
}

/// Bands of rows and runs of panels of a convolution's product that threads share: of one whose rows are not one long
/// row, and whose channels all read the same.
fn matrix_parts(
    lowering: &Lowering<'_>,
    kernel: &Kernel,
    product: Product,
    into: Place,
) -> [usize; 2] {
    let (is_alone, all) = (lowering.is_panel, product.channels == into.rows.channels);
    let is_flat = kernel.flow() == Flow::Whole;
    match kernel.tile() {
        Some([_, vectors]) if lowering.batch == RowBatch::Whole && all && !is_flat && !is_alone => {
            parts::parts(lowering.target, product, into.height, vectors)
        }
        Some(_) | None => [1, 1],
    }
}

/// True if it pays that the result of convolution `id` overwrites its residual at `into`.
pub(super) fn overwrites(lowering: &Lowering<'_>, id: NodeId, from: Place, into: Place) -> bool {
    let Some(conv) = lowering.graph.node(id).op.conv() else { return false };
    let whole = product(conv, from, into, is_flat(lowering, conv, from, into));
    let shares = matrix_shares(lowering, conv, from, into);
    let product = Product { pixels: whole.pixels / shares, ..whole };
    tile::choose_exact(lowering.target, product).is_some()
}

/// True if all rows of a convolution are one long row.
fn is_flat(lowering: &Lowering<'_>, conv: &Conv, from: Place, into: Place) -> bool {
    let whole = lowering.batch == RowBatch::Whole;
    whole && is_point(conv, from) && from.is_dense() && into.is_dense_nhwc()
}

fn is_point(conv: &Conv, from: Place) -> bool {
    conv.is_point() && from.rows.form != Form::Planes
}

fn product(conv: &Conv, from: Place, into: Place, flat: bool) -> Product {
    let pixels = match () {
        () if flat => into.rows.width * into.height,
        () if conv.is_point() => into.rows.width.min(from.rows.width),
        () => into.rows.width,
    };
    Product {
        pixels,
        channels: into.rows.channels / conv.group,
        depth: conv.kernel[0] * conv.kernel[1] * from.rows.channels / conv.group,
        planes: from.rows.form == Form::Planes,
        element: from.element.bytes().min(into.element.bytes()),
    }
}
