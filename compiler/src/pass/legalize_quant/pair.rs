//! Quantised sums, products, averages and softmaxes.

use crate::ir::{
    Affine, Arithmetic, Binary, Bounds, Dtype, Graph, NodeId, Op, PoolKind, QAverage, QMean, QPair,
};
use crate::ir::{QSoftmax, Quant, Reducer, Softmax, Tensor, Times, Values};
use crate::pass::edit::{reconnect, x};
use crate::pass::legalize_quant::{dequantized, only_quantized, through};
use crate::pass::{Attempt, Skip};

/// The sum or product `id` on bytes, which gives what `to` makes of its result within `bounds`.
pub(super) fn legalize(
    graph: &mut Graph,
    id: NodeId,
    to: Affine,
    bounds: Bounds,
) -> Attempt<NodeId> {
    only_quantized(graph, id)?;
    let quant: fn(QPair) -> Quant = match graph.node(id).op {
        Op::Binary(Binary::Add) => Quant::Add,
        Op::Binary(Binary::Mul) => |pair| Quant::Mul(pair, Times::Reals),
        // Other functions of two elements have no form on bytes.
        _ => return Err(Skip::new(graph, id, "no quantised operator does this")),
    };
    let bytes = |port: usize| graph.operand(id, port).and_then(|x| operand(graph, x));
    let (Some(a), Some(b)) = (bytes(0), bytes(1)) else {
        return Err(Skip::new(graph, id, "an operand is no bytes"));
    };
    let pair = QPair { a: a.affine(), b: b.affine(), y: to, bounds };
    let operands = [a.node(graph), b.node(graph)];
    Ok(on_bytes(graph, id, quant(pair), &operands))
}

/// The average `id` on bytes, which gives what `to` makes of its result.
pub(super) fn legalize_mean(graph: &mut Graph, id: NodeId, to: Affine) -> Attempt<NodeId> {
    only_quantized(graph, id)?;
    let refused = |reason: &str| Err(Skip::new(graph, id, reason));
    let Some((bytes, from)) = dequantized(graph, x(graph, id)) else {
        return refused("it reads no bytes");
    };
    match &graph.node(id).op {
        Op::Pool(pool) if pool.kind != PoolKind::Max => {
            let inside = pool.kind == PoolKind::Average && from == to;
            if graph.arithmetic == Arithmetic::Tflite && !inside {
                return refused("TensorFlow Lite averages no padding, and bytes of one scale");
            }
            let average = QAverage { pool: pool.clone(), x: from, y: to, early: 0 };
            Ok(on_bytes(graph, id, Quant::Average(average), &[bytes]))
        }
        Op::Reduce(reduce) if reduce.kind == Reducer::Mean && reduce.axes == [2, 3] => {
            let &[n, c, h, w] = graph.node(bytes).out.shape.as_slice() else {
                return refused("it is no mean of pictures");
            };
            if n != 1 {
                return refused("it is a mean of several pictures");
            }
            let out = graph.node(id).out.clone();
            let mean = match graph.arithmetic {
                Arithmetic::Float | Arithmetic::Fixed => QMean::new(from, to, h * w),
                Arithmetic::Tflite | Arithmetic::TfliteDense => QMean::twice(from, to),
            };
            let made = on_bytes(graph, id, Quant::Mean(mean), &[bytes]);
            graph.node_mut(id).out.shape = vec![n, c, 1, 1];
            if out.shape == graph.node(id).out.shape {
                return Ok(made);
            }
            let (name, out) =
                (format!("{}.view", graph.node(id).name), Tensor { dtype: Dtype::U8, ..out });
            Ok(graph.insert_after(id, name, Op::Reshape, out))
        }
        // Other folds have no form on bytes.
        _ => refused("no quantised average does this"),
    }
}

/// The softmax `id` on bytes, which gives what `to` makes of its result.
pub(super) fn legalize_softmax(graph: &mut Graph, id: NodeId, to: Affine) -> Attempt<NodeId> {
    only_quantized(graph, id)?;
    let refused = |reason: &str| Err(Skip::new(graph, id, reason));
    let Op::Softmax(Softmax { axis, log: false }) = graph.node(id).op else {
        return refused("no quantised logarithm does this");
    };
    let Some((bytes, from)) = dequantized(graph, x(graph, id)) else {
        return refused("it reads no bytes");
    };
    let softmax = QSoftmax { axis, x: from, y: to };
    if !softmax.is_whole(graph.arithmetic) {
        return refused("integers have no steps as those of its result");
    }
    Ok(on_bytes(graph, id, Quant::Softmax(softmax), &[bytes]))
}

/// Bytes that there are, or that a constant becomes.
enum Operand {
    Computed(NodeId, Affine),
    Constant(Vec<u8>, Vec<usize>, Affine),
}

impl Operand {
    fn affine(&self) -> Affine {
        match self {
            Self::Computed(_, affine) | Self::Constant(_, _, affine) => *affine,
        }
    }

    fn node(self, graph: &mut Graph) -> NodeId {
        match self {
            Self::Computed(id, _) => id,
            Self::Constant(bytes, shape, _) => graph.add_const("bytes", shape, Values::U8(bytes)),
        }
    }
}

fn operand(graph: &Graph, id: NodeId) -> Option<Operand> {
    let id = through(graph, id);
    if let Some((bytes, affine)) = dequantized(graph, id) {
        return Some(Operand::Computed(bytes, affine));
    }
    let Op::Quant(Quant::Unpack(how)) = &graph.node(id).op else { return None };
    let (&[scale], &[zero]) = (how.scales.as_slice(), how.zeros.as_slice()) else { return None };
    let shape = graph.node(id).out.shape.clone();
    match graph.constant(x(graph, id))? {
        Values::U8(bytes) => {
            let zero = u8::try_from(zero).ok()?;
            Some(Operand::Constant(bytes.clone(), shape, Affine { scale, zero }))
        }
        Values::I8(bytes) => {
            let zero = u8::try_from(zero + 128).ok()?;
            let bytes = bytes.iter().map(|q| *q as u8 ^ 0x80).collect();
            Some(Operand::Constant(bytes, shape, Affine { scale, zero }))
        }
        Values::F32(_) | Values::I32(_) | Values::I64(_) => None,
    }
}

/// Makes `id` the operator `quant` on `operands`.
fn on_bytes(graph: &mut Graph, id: NodeId, quant: Quant, operands: &[NodeId]) -> NodeId {
    graph.node_mut(id).op = Op::Quant(quant);
    graph.node_mut(id).out.dtype = Dtype::U8;
    for (port, operand) in operands.iter().enumerate() {
        reconnect(graph, id, port, *operand);
    }
    id
}
