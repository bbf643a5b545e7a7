//! The kernel of one operator, over places already chosen.

use mnv2c_runtime::ring::{Form, Rows};

use crate::error::Result;
use crate::ir::{Clamp, Dtype, Layout, NodeId, Op, Pool, Quant, Resize, Scale, Tensor, Unary};
use crate::schedule::place::{Lowering, dense};
use crate::schedule::{Broadcast, Home, Kernel, Move, Part, Place, RowWindow, Skip, Stage, tile};
use crate::schedule::{PackOrder, convolution, moves, quant};
use crate::segment::flow;
use crate::target::Product;

/// A copy of rows into padded rows; what pads them is the second operand, if it is not zero.
pub(super) fn load(lowering: &mut Lowering<'_>, node: NodeId, from: Place, into: Place) -> Stage {
    let pack = looks_up(lowering, node).then(|| lowering.pack(node, PackOrder::Tables));
    let kernel = match from.home {
        Home::Feed(_) => Kernel::Fetch,
        _ if pack.is_some() => Kernel::LookUp,
        _ if from.element.bytes() == 1 && into.element.bytes() > 1 => Kernel::Widen,
        _ => Kernel::Load,
    };
    let conv = lowering.graph.node(node).op.conv();
    let border = conv.filter(|_| pack.is_none()).and_then(|_| lowering.graph.operand(node, 4));
    let border = border.map(|border| lowering.value(border).expect("a border is one row"));
    Stage { pack, ..stage(node, kernel, [from].into_iter().chain(border).collect(), into) }
}

/// Whether convolution `id` looks up the bytes that it reads.
pub(super) fn looks_up(lowering: &Lowering<'_>, id: NodeId) -> bool {
    let graph = lowering.graph;
    matches!(graph.node(id).op, Op::Quant(Quant::Conv(_))) && graph.operand(id, 4).is_some()
}

/// Bytes as floats, where no convolution reads them.
fn widen(lowering: &mut Lowering<'_>, node: NodeId) -> Result<Stage> {
    let flat =
        |place: Place| Place { rows: Rows::nhwc(1, place.rows.len(), 1), height: 1, ..place };
    let from = lowering.operand(node, 0)?;
    let into = lowering.place_result(node)?;
    Ok(stage(node, Kernel::Widen, vec![flat(from)], flat(into)))
}

/// A copy of a whole value that lies without padding.
pub(super) fn repeat(node: NodeId, from: Place, into: Place) -> Stage {
    let (shape, steps) = (vec![into.rows.len()], vec![1]);
    let copy = Move { shape, from: 0, from_steps: steps.clone(), into: 0, into_steps: steps };
    stage(node, Kernel::Move(copy), vec![from], into)
}

/// The last stage of a segment: its result crosses segments.
pub(super) fn last(lowering: &mut Lowering<'_>, id: NodeId, from: Place) -> Result<Stage> {
    let residual = lowering.graph.operand(id, 3);
    let over = match residual {
        Some(_) if !lowering.rereads_residual(id) && lowering.bands() == 1 => {
            let dying = lowering.dies_here(id, 3)?.filter(|place| place.home != from.home);
            dying.filter(|place| convolution::overwrites(lowering, id, from, *place))
        }
        Some(_) | None => None,
    };
    match over {
        Some(place) => {
            lowering.place_over(id, place);
            convolution::lower(lowering, id, from, place, Skip::InPlace)
        }
        None => {
            let into = lowering.place_result(id)?;
            lower(lowering, id, from, into)
        }
    }
}

/// A stage of a chain, from one place into another.
pub(super) fn lower(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    from: Place,
    into: Place,
) -> Result<Stage> {
    match &lowering.graph.node(id).op {
        Op::Quant(quant) if !matches!(quant, Quant::Conv(_)) => {
            quant::lower(lowering, id, from, into)
        }
        Op::Conv(_) | Op::Quant(_) => {
            let skip =
                if lowering.graph.operand(id, 3).is_some() { Skip::Other } else { Skip::None };
            convolution::lower(lowering, id, from, into, skip)
        }
        Op::Reduce(reduce) => {
            let kernel = Kernel::GlobalPool(reduce.kind);
            Ok(Stage { height: from.height, ..stage(id, kernel, vec![from], into) })
        }
        Op::Pool(pool) => {
            let window = pool_window(pool);
            Ok(Stage { window, ..stage(id, Kernel::Pool(pool.clone()), vec![from], into) })
        }
        Op::Resize(resize) => {
            let window = resize_window(resize);
            Ok(Stage { window, ..stage(id, Kernel::Resize(resize.clone()), vec![from], into) })
        }
        Op::Clamp(clamp) => Ok(stage(id, Kernel::Clamp(*clamp), vec![from], into)),
        Op::Unary(function) => Ok(stage(id, Kernel::Unary(*function), vec![from], into)),
        Op::Binary(function) => {
            pair(lowering, id, from, into, |how| Kernel::Binary(*function, how))
        }
        Op::PRelu => pair(lowering, id, from, into, Kernel::PRelu),
        op => unreachable!("{} does not stream", op.name()),
    }
}

/// The rows of which a row of a pooled picture is made.
pub(super) fn pool_window(pool: &Pool) -> RowWindow {
    RowWindow {
        span: (pool.kernel[0] - 1) * pool.dilation[0] + 1,
        stride: pool.stride[0],
        above: pool.pads[0],
        ..RowWindow::SAME
    }
}

/// The rows between which a row of a resized picture lies.
fn resize_window(resize: &Resize) -> RowWindow {
    let Scale { step, shift, per, .. } = resize.down;
    let above = if shift < 0 { shift.unsigned_abs().div_ceil(per) } else { 0 };
    let at = (shift + (above * per) as isize).unsigned_abs();
    RowWindow { span: 2 + above, stride: step, above, shared: (per, at) }
}

/// A function of two elements, row by row.
fn pair(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    from: Place,
    into: Place,
    kernel: impl Fn(Broadcast) -> Kernel,
) -> Result<Stage> {
    let second = lowering.operand(id, 1)?;
    let graph = lowering.graph;
    let other = graph.operand(id, 1).map(|x| &graph.node(x).out);
    let other = other.expect("verified nodes have their operands");
    let broadcast = match () {
        () if other.shape == graph.node(id).out.shape => Broadcast::Same,
        () if other.len() == 1 => Broadcast::Scalar,
        () => Broadcast::Channel,
    };
    Ok(stage(id, kernel(broadcast), vec![from, second], into))
}

/// An operator that is a segment of its own, and no convolution.
pub(super) fn lone(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Vec<Stage>> {
    let graph = lowering.graph;
    let node = graph.node(id);
    match &node.op {
        Op::Dense(dense) => Ok(vec![product(lowering, id, dense.clamp, dense.then)?]),
        Op::Clamp(clamp) => elementwise(lowering, id, Kernel::Clamp(*clamp)),
        Op::Unary(function) => elementwise(lowering, id, Kernel::Unary(*function)),
        Op::Binary(function) => {
            binary(lowering, id, |broadcast| Kernel::Binary(*function, broadcast))
        }
        Op::PRelu => binary(lowering, id, Kernel::PRelu),
        Op::Softmax(softmax) => {
            let [outer, axis, inner] = along(&node.out, softmax.axis);
            let kernel = Kernel::Softmax { softmax: *softmax, outer, axis, inner };
            elementwise(lowering, id, kernel)
        }
        Op::Pool(_) | Op::Resize(_) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            Ok(vec![lower(lowering, id, from, into)?])
        }
        Op::Reduce(reduce) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            if flow::pooling(graph, id).is_some() && from.rows.form == Form::Nhwc {
                return Ok(vec![lower(lowering, id, from, into)?]);
            }
            let kernel = Kernel::Reduce(reduce.kind, moves::reduction(lowering, id, from)?);
            Ok(vec![stage(id, kernel, vec![from], into)])
        }
        Op::Identity if lowering.operand(id, 0)?.element.bytes() == 1 => {
            Ok(vec![widen(lowering, id)?])
        }
        Op::Reshape
        | Op::Transpose(_)
        | Op::Relayout
        | Op::Identity
        | Op::Expand
        | Op::Slice(_)
        | Op::Concat(_)
        | Op::Pad(_) => moved(lowering, id),
        Op::Quant(_) => quant::lone(lowering, id),
        Op::Gemm(_) | Op::MatMul | Op::BatchNorm(_) => {
            unreachable!("{} has no kernel and was refused", node.op.name())
        }
        Op::Conv(_) | Op::Input | Op::Const(_) => {
            unreachable!("{} is no lone step", node.op.name())
        }
    }
}

/// A dense layer, whose panels of channels threads may share.
pub(super) fn product(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    clamp: Clamp,
    then: Option<Unary>,
) -> Result<Stage> {
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
    let kernel = Kernel::Pointwise { tile, clamp, then, skip: Skip::None, flat: false };
    let columns = tile[1] * lowering.target.isa.lanes();
    let order = convolution::panels(lowering, id, from, columns, product.depth);
    let pack = Some(lowering.pack(id, order));
    let shared = lowering.target.threads > 1 && from.rows.width * from.height == 1;
    let shares = if shared { into.rows.channels.div_ceil(columns) } else { 1 };
    Ok(Stage { pack, shares, product: Some(product), ..stage(id, kernel, vec![from], into) })
}

/// What the result holds beforehand, if that matters, and the copies of each operand into it.
fn moved(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Vec<Stage>> {
    let op = &lowering.graph.node(id).op;
    let operands = match op {
        Op::Concat(_) => lowering.graph.operands(id).len(),
        _ => 1,
    };
    let from: Vec<Place> =
        (0..operands).map(|port| lowering.operand(id, port)).collect::<Result<_>>()?;
    let into = lowering.place_result(id)?;
    let fill = moves::fill(op).map(|value| stage(id, Kernel::Fill(value), vec![], into));
    let mut stages: Vec<Stage> = fill.into_iter().collect();
    for (port, from) in from.into_iter().enumerate() {
        let copies = moves::copies(lowering, id, port, from, into)?.into_iter();
        stages.extend(copies.map(|copy| stage(id, Kernel::Move(copy), vec![from], into)));
    }
    Ok(stages)
}

/// Elements of a tensor outside, along and inside an axis, as they lie in memory.
pub(super) fn along(tensor: &Tensor, axis: usize) -> [usize; 3] {
    let stored: Vec<usize> = match tensor.layout {
        Layout::RowMajor => (0..tensor.shape.len()).collect(),
        Layout::Nhwc => vec![0, 2, 3, 1],
    };
    let at = stored.iter().position(|it| *it == axis).expect("softmax has an axis");
    let size = |axes: &[usize]| axes.iter().map(|axis| tensor.shape[*axis]).product();
    [size(&stored[..at]), tensor.shape[axis], size(&stored[at + 1..])]
}

/// A function of each element, over its operand where that dies.
pub(super) fn elementwise(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    kernel: Kernel,
) -> Result<Vec<Stage>> {
    let (from, into) = over_or_fresh(lowering, id)?;
    Ok(vec![stage(id, kernel, vec![from], into)])
}

pub(super) fn binary(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    kernel: impl Fn(Broadcast) -> Kernel,
) -> Result<Vec<Stage>> {
    let out = lowering.graph.node(id).out.clone();
    let shape = |lowering: &Lowering<'_>, port| {
        let operand = lowering.graph.operand(id, port).expect("verified nodes have their operands");
        lowering.graph.node(operand).out.clone()
    };
    let (a, b) = (shape(lowering, 0), shape(lowering, 1));
    let mut stages = Vec::new();
    let same = |tensor: &Tensor| tensor.shape == out.shape && tensor.layout == out.layout;
    let channels = dense(Home::Output(0), &out)?.rows.channels;
    let broadcast = match () {
        () if out.dtype == Dtype::U8 => Broadcast::Same,
        () if same(&b) => Broadcast::Same,
        () if b.len() == 1 => Broadcast::Scalar,
        () if b.len() == channels && per_channel(&b, &out) => Broadcast::Channel,
        () => Broadcast::Same,
    };
    if same(&a) && (broadcast != Broadcast::Same || same(&b)) {
        let second = lowering.operand(id, 1)?;
        let (from, into) = over_or_fresh(lowering, id)?;
        return Ok(vec![stage(id, kernel(broadcast), vec![from, second], into)]);
    }
    let mut widened = Vec::new();
    for port in 0..2 {
        let from = lowering.operand(id, port)?;
        if same(if port == 0 { &a } else { &b }) {
            widened.push(from);
            continue;
        }
        let rows = dense(Home::Output(0), &out)?;
        let into =
            lowering.scratch(&format!("{}.operand_{port}", lowering.graph.node(id).name), rows);
        let copies = moves::broadcast(lowering, id, port, from, into)?;
        stages.push(stage(id, Kernel::Move(copies), vec![from], into));
        widened.push(into);
    }
    let into = lowering.place_result(id)?;
    stages.push(stage(id, kernel(Broadcast::Same), widened, into));
    Ok(stages)
}

/// Whether `b`, broadcast to `out`, differs only along what lies innermost in memory.
fn per_channel(b: &Tensor, out: &Tensor) -> bool {
    let channel = match out.layout {
        Layout::Nhwc => 1,
        Layout::RowMajor => out.shape.len() - 1,
    };
    let lead = out.shape.len() - b.shape.len();
    b.shape.iter().enumerate().all(|(axis, dim)| *dim == 1 || axis + lead == channel)
}

/// The first operand, and either its own memory for the result or a new place.
pub(super) fn over_or_fresh(lowering: &mut Lowering<'_>, id: NodeId) -> Result<(Place, Place)> {
    let from = lowering.operand(id, 0)?;
    let into = match lowering.dies_here(id, 0)? {
        Some(place) => {
            lowering.place_over(id, place);
            from
        }
        None => lowering.place_result(id)?,
    };
    Ok((from, into))
}

/// A stage of whole rows, each made of the same row.
pub(super) fn stage(node: NodeId, kernel: Kernel, from: Vec<Place>, into: Place) -> Stage {
    let (window, height) = (RowWindow::SAME, into.height);
    let (pack, part, shares, product) = (None, Part::Row, 1, None);
    Stage { node, kernel, from, into, pack, window, height, part, shares, product }
}
