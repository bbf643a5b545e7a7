//! Readers of what ranks elements along a dimension: ArgMax, ArgMin, TopK and Hardmax.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::constant::slices::{self, Wanted};
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::whole::{self, Whole};
use crate::ir::op::TopK;
use crate::ir::{Binary, Op, Values};
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

/// Hardmax: 1 for the first of the greatest along an axis since opset 13, and of all from `axis` on before; 0 for others.
pub(super) fn hardmax(call: &mut Call<'_>) -> Made {
    let mut x = call.float(0)?;
    let shape = call.shape(x);
    let axis = call.int("axis", if call.opset < 13 { 1 } else { -1 })?;
    let mut axis = call.axis(axis, shape.len())?;
    if call.opset < 13 {
        let rows = vec![shape[..axis].iter().product(), shape[axis..].iter().product()];
        (x, axis) = (call.view("rows", x, rows)?, 1);
    }
    let sizes = call.shape(x);
    let len = sizes[axis];
    places(len)?;
    let top = TopK { axis, count: 1, least: false, last: false, places: true };
    let place = call.step("place", Op::TopK(top), &[x])?;
    let mut along = vec![1; sizes.len()];
    along[axis] = len;
    let name = format!("{}/all", call.result_name(0));
    let numbers = Values::F32((0..len).map(|at| at as f32).collect());
    let all = call.graph.add_const(name, along, numbers);
    let is_place = call.step("is_place", Op::Binary(Binary::Equal), &[all, place])?;
    call.emit_as(Op::Reshape, shape, &[is_place])
}

/// Places along a dimension of `len`.
fn places(len: usize) -> Result<Whole, Fault> {
    let most = i64::try_from(len).ok().filter(|len| *len <= whole::EXACT);
    let most = most.ok_or_else(|| Fault::Unsupported(format!("places along {len} elements")))?;
    Ok(Whole { kind: DataType::Int64, most })
}
