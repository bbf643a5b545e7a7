//! Operators on bytes that are segments of their own, and how the weights of those that are not lie.

use mnv2c_runtime::ring::Form;

use crate::error::Result;
use crate::ir::{Clamp, Conv, NodeId, Op, Quant, To};
use crate::schedule::place::Lowering;
use crate::schedule::stage::{along, binary, elementwise, lower, over_or_fresh, product, stage};
use crate::schedule::{Kernel, PackOrder, Place, QBinary, Stage};

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
