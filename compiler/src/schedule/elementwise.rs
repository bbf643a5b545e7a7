//! Functions of each element of whole values, of one operand or of two: over the first one where that dies.

use crate::error::Result;
use crate::ir::{Dtype, Layout, NodeId, Tensor};
use crate::kernels::{Broadcast, Kernel};
use crate::schedule::place::{Lowering, dense};
use crate::schedule::{Home, Place, Stage, moves};

/// A function of each element, over its operand where that dies.
pub(super) fn elementwise(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    kernel: impl Into<Kernel>,
) -> Result<Vec<Stage>> {
    let (from, into) = over_or_fresh(lowering, id)?;
    Ok(vec![Stage::new(id, kernel, vec![from], into)])
}

/// A function of two elements; an operand that is not as large as the result may be widened before.
pub(super) fn binary<K: Into<Kernel>>(
    lowering: &mut Lowering<'_>,
    id: NodeId,
    kernel: impl Fn(Broadcast) -> K,
) -> Result<Vec<Stage>> {
    let out = lowering.graph.node(id).out.clone();
    let shape = |lowering: &Lowering<'_>, port| {
        let operand = lowering.graph.operand(id, port).expect("verified nodes have their operands");
        lowering.graph.node(operand).out.clone()
    };
    let (a, b) = (shape(lowering, 0), shape(lowering, 1));
    let mut stages = Vec::new();
    let same = |tensor: &Tensor| tensor.shape == out.shape && tensor.layout == out.layout;
    let channels = dense(Home::Output(0), &out)?.rows.channels;
    let broadcast = match () {
        () if out.dtype == Dtype::U8 => Broadcast::Same,
        () if same(&b) => Broadcast::Same,
        () if b.len() == 1 => Broadcast::Scalar,
        () if b.len() == channels && per_channel(&b, &out) => Broadcast::Channel,
        () => Broadcast::Same,
    };
    if same(&a) && (broadcast != Broadcast::Same || same(&b)) {
        let second = lowering.operand(id, 1)?;
        let (from, into) = over_or_fresh(lowering, id)?;
        return Ok(vec![Stage::new(id, kernel(broadcast), vec![from, second], into)]);
    }
    let mut widened = Vec::new();
    for port in 0..2 {
        let from = lowering.operand(id, port)?;
        if same(if port == 0 { &a } else { &b }) {
            widened.push(from);
            continue;
        }
        let rows = dense(Home::Output(0), &out)?;
        let into =
            lowering.scratch(&format!("{}.operand_{port}", lowering.graph.node(id).name), rows);
        let copies = moves::broadcast(lowering, id, port, from, into)?;
        stages.push(Stage::new(id, copies, vec![from], into));
        widened.push(into);
    }
    let into = lowering.place_result(id)?;
    stages.push(Stage::new(id, kernel(Broadcast::Same), widened, into));
    Ok(stages)
}

/// True if `b`, broadcast to `out`, differs only along the innermost dimension in memory.
fn per_channel(b: &Tensor, out: &Tensor) -> bool {
    let channel = match out.layout {
        Layout::Nhwc => 1,
        Layout::RowMajor => out.shape.len() - 1,
    };
    let lead = out.shape.len() - b.shape.len();
    b.shape.iter().enumerate().all(|(axis, dim)| *dim == 1 || axis + lead == channel)
}

/// The first operand, and either its own memory for the result or a new place.
pub(super) fn over_or_fresh(lowering: &mut Lowering<'_>, id: NodeId) -> Result<(Place, Place)> {
    let from = lowering.operand(id, 0)?;
    let into = match lowering.dies_here(id, 0)? {
        Some(place) => {
            lowering.place_over(id, place);
            from
        }
        None => lowering.place_result(id)?,
    };
    Ok((from, into))
}
