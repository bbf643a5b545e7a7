//! Kernels of quantised operators, but for convolutions, through which rows flow.

use crate::error::Result;
use crate::ir::{NodeId, Op, QPair, Quant};
use crate::kernels::{
    Dequantize, GlobalPool, Kernel, Means, QAverage, QBinary, QFunction, Quantize, Table,
};
use crate::schedule::place::Lowering;
use crate::schedule::{Place, RowWindow, Stage};
use crate::segment::flow::pooling;

/// The stage of a quantised operator that is no convolution.
pub(super) fn lower(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    from: Place,
    into: Place,
) -> Result<Stage> {
    let Op::Quant(quant) = lowering.graph.node(id).op.clone() else {
        unreachable!("the caller found a quantised operator")
    };
    let by = lowering.graph.arithmetic;
    let of_one = |kernel: Kernel| Stage::new(id, kernel, vec![from], into);
    let pool = |means| {
        let pool = GlobalPool::Bytes { means, by };
        Stage { height: from.height, ..of_one(pool.into()) }
    };
    Ok(match quant {
        Quant::Quantize(affine) => of_one(Quantize(affine).into()),
        Quant::Dequantize(affine) => of_one(Dequantize(affine).into()),
        Quant::Add(pair) => of_pair(lowering, id, from, into, QFunction::Add, pair)?,
        Quant::Mul(pair, times) => of_pair(lowering, id, from, into, QFunction::Mul(times), pair)?,
        Quant::Mean(mean) => pool(Means::Sums(mean)),
        Quant::Average(average) if pooling(lowering.graph, id).is_some() => {
            pool(Means::Reals(average))
        }
        Quant::Average(average) => {
            let window = RowWindow::of_pool(&average.pool);
            Stage { window, ..of_one(QAverage { average, by }.into()) }
        }
        Quant::Table(_) => {
            let pack = lowering.weights(id, &Table, from);
            Stage { pack, ..of_one(Table.into()) }
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
    function: QFunction,
    pair: QPair,
) -> Result<Stage> {
    let second = lowering.operand(id, 1)?;
    let by = lowering.graph.arithmetic;
    Ok(Stage::new(id, QBinary { function, pair, by }, vec![from, second], into))
}
