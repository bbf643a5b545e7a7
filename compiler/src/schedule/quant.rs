//! The kernel of a quantised operator that is a segment of its own.

use crate::error::Result;
use crate::ir::{NodeId, Op, Quant, To};
use crate::kernels::{Dequantize, QAverage, QBinary, QFunction, QSoftmax, Quantize, Table};
use crate::schedule::elementwise::{binary, elementwise, over_or_fresh};
use crate::schedule::place::Lowering;
use crate::schedule::{Stage, convolution, stage};

/// The stage of a quantised operator that is no convolution.
pub(super) fn lone(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Vec<Stage>> {
    let Op::Quant(quant) = lowering.graph.node(id).op.clone() else {
        unreachable!("the caller found a quantised operator")
    };
    let by = lowering.graph.arithmetic;
    let of_pair = |function, pair| move |_| QBinary { function, pair, by };
    match quant {
        Quant::Quantize(affine) => elementwise(lowering, id, Quantize(affine)),
        Quant::Dequantize(affine) => elementwise(lowering, id, Dequantize(affine)),
        Quant::Add(pair) => binary(lowering, id, of_pair(QFunction::Add, pair)),
        Quant::Mul(pair, times) => binary(lowering, id, of_pair(QFunction::Mul(times), pair)),
        Quant::Dense(dense) => {
            let stage = convolution::dense(lowering, id)?;
            let shares = match dense.requant.to {
                To::Bytes { .. } => stage.shares,
                To::Floats => 1,
            };
            Ok(vec![Stage { shares, ..stage }])
        }
        Quant::Average(average) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            Ok(vec![Stage::new(id, QAverage { average, by }, vec![from], into)])
        }
        Quant::Mean(_) => {
            let from = lowering.operand(id, 0)?;
            let into = lowering.place_result(id)?;
            Ok(vec![stage::lower(lowering, id, from, into)?])
        }
        Quant::Softmax(softmax) => {
            let shape = lowering.graph.node(id).out.along(softmax.axis);
            let kernel = QSoftmax { softmax, by, shape };
            let (from, into) = over_or_fresh(lowering, id)?;
            let pack = lowering.weights(id, &kernel, from);
            Ok(vec![Stage { pack, ..Stage::new(id, kernel, vec![from], into) }])
        }
        Quant::Table(_) => {
            let (from, into) = over_or_fresh(lowering, id)?;
            let pack = lowering.weights(id, &Table, from);
            Ok(vec![Stage { pack, ..Stage::new(id, Table, vec![from], into) }])
        }
        Quant::Conv(_) | Quant::Unpack(_) | Quant::Flip => {
            unreachable!("{} is no lone step", lowering.graph.node(id).op.name())
        }
    }
}
