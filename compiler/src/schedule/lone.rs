//! The kernel of an operator that is a segment of its own, and no convolution.

use mnv2c_runtime::ring::{Form, Rows};

use crate::error::Result;
use crate::ir::{NodeId, Op, Tensor};
use crate::kernels::{Binary, Clamp, Fill, PRelu, Reduce, Softmax, Unary, Whole, Widen};
use crate::schedule::elementwise::{binary, elementwise};
use crate::schedule::matmul::matmul;
use crate::schedule::place::Lowering;
use crate::schedule::{Place, Stage, convolution, moves, quant, stage};
use crate::segment::flow;

/// An operator that is a segment of its own, and no convolution.
pub(super) fn lone(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Vec<Stage>> {
    let graph = lowering.graph;
    let node = graph.node(id);
    match &node.op {
        Op::Dense(_) => Ok(vec![convolution::dense(lowering, id)?]),
        Op::Clamp(clamp) => elementwise(lowering, id, Clamp(*clamp)),
        Op::Unary(function) => elementwise(lowering, id, Unary(*function)),
        Op::Binary(function) => binary(lowering, id, |broadcast| Binary(*function, broadcast)),
        Op::PRelu => binary(lowering, id, PRelu),
        Op::Softmax(softmax) => {
            let shape = node.out.along(softmax.axis);
            elementwise(lowering, id, Softmax { softmax: *softmax, shape })
        }
        Op::Pool(_) | Op::Resize(_) | Op::Resample(_) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            Ok(vec![stage::lower(lowering, id, from, into)?])
        }
        Op::Reduce(reduce) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            if flow::pooling(graph, id).is_some() && from.rows.form == Form::Nhwc {
                return Ok(vec![stage::lower(lowering, id, from, into)?]);
            }
            let kernel = Reduce(reduce.kind, moves::reduction(lowering, id, from)?);
            Ok(vec![Stage::new(id, kernel, vec![from], into)])
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
        Op::MatMul => matmul(lowering, id),
        // Those left are computed whole; what has no kernel was refused before.
        _ => whole(lowering, id),
    }
}

/// An operator over whole operands, whose result lies elsewhere.
fn whole(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Vec<Stage>> {
    let graph = lowering.graph;
    let node = graph.node(id);
    let operands = graph.operands(id);
    let tensors: Vec<&Tensor> =
        operands.iter().map(|(_, operand)| &graph.node(*operand).out).collect();
    let Some(kernel) = Whole::of(&node.op, &tensors, &node.out) else {
        unreachable!("{} has no kernel and was refused, or is no lone step", node.op.name())
    };
    let from = (0..operands.len()).map(|port| lowering.operand(id, port)).collect::<Result<_>>()?;
    let into = lowering.place_result(id)?;
    Ok(vec![Stage::new(id, kernel, from, into)])
}

/// Bytes as floats, where no convolution reads them.
fn widen(lowering: &mut Lowering<'_>, node: NodeId) -> Result<Stage> {
    let flat =
        |place: Place| Place { rows: Rows::nhwc(1, place.rows.len(), 1), height: 1, ..place };
    let from = lowering.operand(node, 0)?;
    let into = lowering.place_result(node)?;
    Ok(Stage::new(node, Widen, vec![flat(from)], flat(into)))
}

/// A fill of the result, if its initial contents matter, and the copies of each operand into it.
fn moved(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Vec<Stage>> {
    let op = &lowering.graph.node(id).op;
    let operands = match op {
        Op::Concat(_) => lowering.graph.operands(id).len(),
        // What moves and is no concat reads one operand.
        _ => 1,
    };
    let from: Vec<Place> =
        (0..operands).map(|port| lowering.operand(id, port)).collect::<Result<_>>()?;
    let into = lowering.place_result(id)?;
    let fill = moves::fill(op).map(|value| Stage::new(id, Fill(value), vec![], into));
    let mut stages: Vec<Stage> = fill.into_iter().collect();
    for (port, from) in from.into_iter().enumerate() {
        let copies = moves::copies(lowering, id, port, from, into)?.into_iter();
        stages.extend(copies.map(|copy| Stage::new(id, copy, vec![from], into)));
    }
    Ok(stages)
}
