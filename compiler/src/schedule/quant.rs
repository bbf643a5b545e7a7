//! The kernel of an operator on bytes that is a segment of its own.

use crate::error::Result;
use crate::ir::{Clamp, NodeId, Op, Quant, To};
use crate::schedule::elementwise::{along, binary, elementwise, over_or_fresh};
use crate::schedule::place::Lowering;
use crate::schedule::{Kernel, PackOrder, QBinary, Stage, convolution, stage};

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
            let stage = convolution::dense(lowering, id, Clamp::NONE, None)?;
            let shares = match dense.requant.to {
                To::Bytes { .. } => stage.shares,
                To::Floats => 1,
            };
            Ok(vec![Stage { shares, ..stage }])
        }
        Quant::Average(average) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            Ok(vec![Stage::new(id, Kernel::QAverage(average), vec![from], into)])
        }
        Quant::Mean(_) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            Ok(vec![stage::lower(lowering, id, from, into)?])
        }
        Quant::Softmax(softmax) => {
            let shape = along(&lowering.graph.node(id).out, softmax.axis);
            let pack = Some(lowering.pack(id, PackOrder::Table));
            let (from, into) = over_or_fresh(lowering, id)?;
            let kernel = Kernel::QSoftmax { softmax, shape };
            Ok(vec![Stage { pack, ..Stage::new(id, kernel, vec![from], into) }])
        }
        Quant::Table(_) => {
            let pack = lowering.pack(id, PackOrder::Table);
            let (from, into) = over_or_fresh(lowering, id)?;
            Ok(vec![Stage { pack: Some(pack), ..Stage::new(id, Kernel::Table, vec![from], into) }])
        }
        Quant::Conv(_) | Quant::Unpack(_) | Quant::Flip => {
            unreachable!("{} is no lone step", lowering.graph.node(id).op.name())
        }
    }
}
