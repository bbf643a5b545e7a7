//! Operators on bytes that are segments of their own, and how the weights of those that are not lie.

use mnv2c_runtime::ring::Form;

use crate::error::Result;
use crate::ir::{Clamp, Conv, NodeId, Op, QPair, Quant, Reducer, To};
use crate::schedule::place::Lowering;
use crate::schedule::stage::{
    along, binary, elementwise, over_or_fresh, pool_window, product, stage,
};
use crate::schedule::{Kernel, PackOrder, Place, QBinary, Stage};
use crate::segment::flow::pooling;

/// An operator on bytes that is no convolution.
pub(super) fn lone(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Vec<Stage>> {
    let Op::Quant(quant) = lowering.graph.node(id).op.clone() else {
        unreachable!("the caller found an operator on bytes")
    };
    match quant {
        Quant::Quantize(affine) => elementwise(lowering, id, Kernel::Quantize(affine)),
        Quant::Dequantize(affine) => elementwise(lowering, id, Kernel::Dequantize(affine)),
        Quant::Add(pair) => binary(lowering, id, |_| Kernel::QBinary(QBinary::Add, pair)),
        Quant::Mul(pair, times) => {
            binary(lowering, id, |_| Kernel::QBinary(QBinary::Mul(times), pair))
        }
        Quant::Dense(dense) => {
            let stage = product(lowering, id, Clamp::NONE, None)?;
            let shares = match dense.requant.to {
                To::Bytes { .. } => stage.shares,
                To::Floats => 1,
            };
            Ok(vec![Stage { shares, ..stage }])
        }
        Quant::Average(average) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            Ok(vec![stage(id, Kernel::QAverage(average), vec![from], into)])
        }
        Quant::Mean(_) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            Ok(vec![lower(lowering, id, from, into)?])
        }
        Quant::Softmax(softmax) => {
            let shape = along(&lowering.graph.node(id).out, softmax.axis);
            let pack = Some(lowering.pack(id, PackOrder::Table));
            let (from, into) = over_or_fresh(lowering, id)?;
            let kernel = Kernel::QSoftmax { softmax, shape };
            Ok(vec![Stage { pack, ..stage(id, kernel, vec![from], into) }])
        }
        Quant::Table(_) => {
            let pack = lowering.pack(id, PackOrder::Table);
            let (from, into) = over_or_fresh(lowering, id)?;
            Ok(vec![Stage { pack: Some(pack), ..stage(id, Kernel::Table, vec![from], into) }])
        }
        Quant::Conv(_) | Quant::Unpack(_) | Quant::Flip => {
            unreachable!("{} is no lone step", lowering.graph.node(id).op.name())
        }
    }
}

/// The stage of an operator on bytes that is no convolution, through which rows flow.
pub(super) fn lower(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    from: Place,
    into: Place,
) -> Result<Stage> {
    let Op::Quant(quant) = lowering.graph.node(id).op.clone() else {
        unreachable!("the caller found an operator on bytes")
    };
    let of_one = |kernel| stage(id, kernel, vec![from], into);
    Ok(match quant {
        Quant::Quantize(affine) => of_one(Kernel::Quantize(affine)),
        Quant::Dequantize(affine) => of_one(Kernel::Dequantize(affine)),
        Quant::Add(pair) => of_pair(lowering, id, from, into, QBinary::Add, pair)?,
        Quant::Mul(pair, times) => of_pair(lowering, id, from, into, QBinary::Mul(times), pair)?,
        Quant::Mean(_) => Stage { height: from.height, ..of_one(MEAN) },
        Quant::Average(_) if pooling(lowering.graph, id).is_some() => {
            Stage { height: from.height, ..of_one(MEAN) }
        }
        Quant::Average(average) => {
            let window = pool_window(&average.pool);
            Stage { window, ..of_one(Kernel::QAverage(average)) }
        }
        Quant::Table(_) => {
            let pack = Some(lowering.pack(id, PackOrder::Table));
            Stage { pack, ..of_one(Kernel::Table) }
        }
        Quant::Conv(_) | Quant::Dense(_) | Quant::Softmax(_) | Quant::Unpack(_) | Quant::Flip => {
            unreachable!("{} does not stream here", quant.name())
        }
    })
}

/// The mean of each channel.
const MEAN: Kernel = Kernel::GlobalPool(Reducer::Mean);

/// A function of two bytes, row by row.
fn of_pair(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    from: Place,
    into: Place,
    function: QBinary,
    pair: QPair,
) -> Result<Stage> {
    let second = lowering.operand(id, 1)?;
    Ok(stage(id, Kernel::QBinary(function, pair), vec![from, second], into))
}

/// Inputs of convolution `conv` that its kernel finds side by side.
pub(super) fn run(conv: &Conv, from: Place, lanes: usize) -> usize {
    let channels = from.rows.channels / conv.group;
    let columns = from.rows.left + from.rows.width + from.rows.right;
    let apart = matches!(from.rows.form, Form::Chunks(_)) && from.rows.kept * columns > 1;
    match () {
        () if apart && channels > lanes => lanes,
        () if conv.dilation[1] * from.rows.ring(0).pixel == channels => conv.kernel[1] * channels,
        () => channels,
    }
}
