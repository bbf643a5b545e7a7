//! The kernels of operators on bytes, but for convolutions, through which rows flow.

use crate::error::Result;
use crate::ir::{NodeId, Op, QPair, Quant, Reducer};
use crate::schedule::place::Lowering;
use crate::schedule::{Kernel, PackOrder, Place, QBinary, RowWindow, Stage};
use crate::segment::flow::pooling;

/// The mean of each channel.
const MEAN: Kernel = Kernel::GlobalPool(Reducer::Mean);

/// The stage of an operator on bytes that is no convolution.
pub(super) fn lower(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    from: Place,
    into: Place,
) -> Result<Stage> {
    let Op::Quant(quant) = lowering.graph.node(id).op.clone() else {
        unreachable!("the caller found an operator on bytes")
    };
    let of_one = |kernel| Stage::new(id, kernel, vec![from], into);
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
            let window = RowWindow::of_pool(&average.pool);
            Stage { window, ..of_one(Kernel::QAverage(average)) }
        }
        Quant::Table(_) => {
            let pack = Some(lowering.pack(id, PackOrder::Table));
            Stage { pack, ..of_one(Kernel::Table) }
        }
        Quant::Conv(_) | Quant::Dense(_) | Quant::Softmax(_) | Quant::Unpack(_) | Quant::Flip => {
            unreachable!("{} does not stream here", quant.define(|op| op.name()))
        }
    })
}

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
    Ok(Stage::new(id, Kernel::QBinary(function, pair), vec![from, second], into))
}
