//! Readers of what ranks elements along a dimension: ArgMax, ArgMin and TopK.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant::slices::{self, Wanted};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::whole::{self, Whole};
use crate::ir::Op;
use crate::ir::op::TopK;
use crate::proto::tensor_proto::DataType;

/// ArgMax and ArgMin: of equals the first, or the last.
pub(super) fn arg(call: &mut Call<'_>, wanted: Wanted) -> Made {
    let id = call.any(0)?;
    if call.numbers(id).is_some() {
        return slices::arg(call, wanted);
    }
    let x = call.exact(0)?;
    let mut shape = call.shape(x.id);
    let axis = call.axis(call.int("axis", 0)?, shape.len())?;
    let (least, last) = (wanted == Wanted::Least, call.flag("select_last_index")?);
    let top = TopK { axis, count: 1, least, last, places: true };
    let places = places(shape[axis])?;
    if call.int("keepdims", 1)? != 0 {
        let name = call.result_name(0);
        return Ok(vec![call.put_whole(name, Op::TopK(top), x, Some(places))?]);
    }
    shape.remove(axis);
    let name = format!("{}/place", call.result_name(0));
    let place = call.put_whole(name, Op::TopK(top), x, Some(places))?;
    call.emit_as(Op::Reshape, shape, &[place])
}

/// TopK: elements and their places, the wanted ones first, of equals the first.
pub(super) fn top_k(call: &mut Call<'_>) -> Made {
    let id = call.any(0)?;
    if call.numbers(id).is_some() {
        return slices::top_k(call);
    }
    let x = call.exact(0)?;
    let shape = call.shape(x.id);
    let axis = call.axis(call.int("axis", -1)?, shape.len())?;
    let count = slices::count(call, shape[axis])?;
    let least = call.int("largest", 1)? == 0;
    let top = TopK { axis, count, least, last: false, places: false };
    let name = call.result_name(0);
    let mut made = vec![call.put_whole(name, Op::TopK(top), x, x.whole)?];
    if call.node.output.get(1).is_some_and(|name| !name.is_empty()) {
        let (name, top) = (call.result_name(1), TopK { places: true, ..top });
        let places = places(shape[axis])?;
        made.push(call.put_whole(name, Op::TopK(top), x, Some(places))?);
    }
    Ok(made)
}

/// Places along a dimension of `len`.
fn places(len: usize) -> Result<Whole, Fault> {
    let most = i64::try_from(len).ok().filter(|len| *len <= whole::EXACT);
    let most = most.ok_or_else(|| Fault::Unsupported(format!("places along {len} elements")))?;
    Ok(Whole { kind: DataType::Int64, most })
}
