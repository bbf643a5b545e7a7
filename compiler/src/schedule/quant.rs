//! Operators on bytes that are segments of their own, and how the weights of those that are not lie.

use mnv2c_runtime::ring::Form;

use crate::error::Result;
use crate::ir::{Clamp, Conv, NodeId, Op, Quant, To};
use crate::schedule::place::Lowering;
use crate::schedule::stage::{along, binary, elementwise, lower, over_or_fresh, stage};
use crate::schedule::tile;
use crate::schedule::{Kernel, PackOrder, Place, QBinary, Skip, Stage};
use crate::target::Product;

/// An operator on bytes that is no convolution.
pub(super) fn lone(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Vec<Stage>> {
    let Op::Quant(quant) = lowering.graph.node(id).op.clone() else {
        unreachable!("the caller found an operator on bytes")
    };
    match quant {
        Quant::Quantize(affine) => elementwise(lowering, id, Kernel::Quantize(affine)),
        Quant::Dequantize(affine) => elementwise(lowering, id, Kernel::Dequantize(affine)),
        Quant::Add(pair) => binary(lowering, id, |_| Kernel::QBinary(QBinary::Add, pair)),
        Quant::Mul(pair) => binary(lowering, id, |_| Kernel::QBinary(QBinary::Mul, pair)),
        Quant::Dense(dense) => product(lowering, id, dense.requant.to),
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

/// A dense layer: a 1x1 convolution of its rows.
fn product(lowering: &mut Lowering<'_>, id: NodeId, to: To) -> Result<Vec<Stage>> {
    let from = lowering.operand(id, 0)?;
    let into = lowering.place_result(id)?;
    let product = Product {
        pixels: from.rows.width,
        channels: into.rows.channels,
        depth: from.rows.channels,
        planes: false,
        element: 1,
    };
    let tile = tile::choose(lowering.target, product);
    let columns = tile[1] * lowering.target.isa.lanes();
    let clamp = Clamp::NONE;
    let kernel = Kernel::Pointwise { tile, clamp, then: None, skip: Skip::None, flat: false };
    let order = PackOrder::QPanels { columns, run: product.depth };
    let pack = Some(lowering.pack(id, order));
    let shared = lowering.target.threads > 1 && from.rows.width * from.height == 1;
    let bytes = matches!(to, To::Bytes { .. });
    let shares = if shared && bytes { into.rows.channels.div_ceil(columns) } else { 1 };
    let product = Some(product);
    Ok(vec![Stage { pack, shares, product, ..stage(id, kernel, vec![from], into) }])
}
