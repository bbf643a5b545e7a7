//! Reader of NonMaxSuppression.
//!
//! ONNX makes as many rows as boxes are selected. Memory is planned before any is, so there are as many rows as there
//! may be, and those behind the last box hold -1.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::whole::{EXACT, Whole};
use crate::ir::Op;
use crate::ir::op::NonMaxSuppression;
use crate::proto::tensor_proto::DataType;

/// NonMaxSuppression by constant thresholds.
pub(super) fn non_max_suppression(call: &mut Call<'_>) -> Made {
    let (boxes, scores) = (call.float(0)?, call.float(1)?);
    let count = match call.const_ints(2)?.as_deref() {
        None => 0,
        Some(&[count]) => count,
        Some(other) => {
            return Err(Fault::Misfit(format!(
                "max_output_boxes_per_class {other:?}; one count belongs there"
            )));
        }
    };
    let Some(count) = usize::try_from(count).ok().filter(|count| *count > 0) else {
        let what =
            format!("max_output_boxes_per_class {count}, which selects no box; give a count");
        return Err(Fault::Unsupported(what));
    };
    let overlap = call.const_float(3)?.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&overlap) {
        return Err(Fault::Misfit(format!("iou_threshold {overlap}; it lies between 0 and 1")));
    }
    let (score, centred) = (call.const_float(4)?, call.flag("center_point_box")?);
    let sizes = [call.shape(boxes), call.shape(scores)].concat();
    let most = sizes.into_iter().max().and_then(|size| i64::try_from(size).ok());
    let Some(most) = most.filter(|most| *most <= EXACT) else {
        return Err(Fault::Unsupported("more than 2^24 boxes".into()));
    };
    let op = Op::NonMaxSuppression(NonMaxSuppression { count, centred, overlap, score });
    call.emit_whole(op, &[boxes, scores], Whole { kind: DataType::Int64, most })
}
