//! The kernel of an operator that is a segment of its own, and no convolution.

use mnv2c_runtime::ring::{Form, Rows};

use crate::error::Result;
use crate::ir::{NodeId, Op};
use crate::kernels::{
    Binary, Clamp, CumSum, Fill, Integers, Kernel, PRelu, Reduce, Softmax, TopK, Unary, Widen,
};
use crate::schedule::elementwise::{along, binary, elementwise};
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
            let shape = along(&node.out, softmax.axis);
            elementwise(lowering, id, Softmax { softmax: *softmax, shape })
        }
        Op::CumSum(cum_sum) => {
            let shape = along(&node.out, cum_sum.axis);
            whole(lowering, id, CumSum { cum_sum: *cum_sum, shape })
        }
        Op::TopK(top_k) => {
            let x = graph.operand(id, 0).expect("verified nodes have their operands");
            let shape = along(&graph.node(x).out, top_k.axis);
            whole(lowering, id, TopK { top_k: *top_k, shape })
        }
        Op::Integers(dtype) => whole(lowering, id, Integers(*dtype)),
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
        Op::Gemm(_) | Op::BatchNorm(_) => {
            unreachable!("{} has no kernel and was refused", node.op.name())
        }
        Op::Conv(_) | Op::Input | Op::Const(_) => {
            unreachable!("{} is no lone step", node.op.name())
        }
    }
}

/// A kernel that reads its operand whole, and makes its result elsewhere.
fn whole(lowering: &mut Lowering<'_>, id: NodeId, kernel: impl Into<Kernel>) -> Result<Vec<Stage>> {
    let from = lowering.operand(id, 0)?;
    let into = lowering.place_result(id)?;
    Ok(vec![Stage::new(id, kernel, vec![from], into)])
}

/// Bytes as floats, where no convolution reads them.
fn widen(lowering: &mut Lowering<'_>, node: NodeId) -> Result<Stage> {
    let flat =
        |place: Place| Place { rows: Rows::nhwc(1, place.rows.len(), 1), height: 1, ..place };
    let from = lowering.operand(node, 0)?;
    let into = lowering.place_result(node)?;
    Ok(Stage::new(node, Widen, vec![flat(from)], flat(into)))
}

/// What the result holds beforehand, if that matters, and the copies of each operand into it.
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
