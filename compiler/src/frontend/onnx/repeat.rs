//! Readers of operators that repeat what they read: Expand and Tile.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::store::checked_len;
use crate::ir::{NodeId, Op, infer};

/// Expand to a constant shape.
pub(super) fn expand(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let dims = call.const_ints(1)?.ok_or_else(|| Fault::Misfit("operand 1 is missing".into()))?;
    let shape = infer::broadcast(&call.shape(x), &sizes(&dims)?)?;
    call.emit_as(Op::Expand, shape, &[x])
}

/// Tile by constant counts: since opset 6 one for each dimension, before a count and its dimension.
pub(super) fn tile(call: &mut Call<'_>) -> Made {
    let x = call.any(0)?;
    let from = call.shape(x);
    let dims = call.const_ints(1)?.ok_or_else(|| Fault::Misfit("operand 1 is missing".into()))?;
    let counts = sizes(&dims)?;
    if counts.len() != from.len() {
        return Err(Fault::Misfit(format!("counts {counts:?} for the dimensions of {from:?}")));
    }
    if counts.contains(&0) {
        return Err(Fault::Unsupported(format!("counts {counts:?}, which leave nothing")));
    }
    let tiled: Option<Vec<usize>> =
        from.iter().zip(&counts).map(|(size, count)| size.checked_mul(*count)).collect();
    let tiled =
        tiled.ok_or_else(|| Fault::Misfit(format!("counts {counts:?} are beyond any size")))?;
    checked_len(&tiled)?;
    let [split, repeated] = rounds(&from, &counts);
    let rounds = if split == from { x } else { call.view("rounds", x, split)? };
    if repeated == tiled {
        return call.emit_as(
            if tiled == from { Op::Identity } else { Op::Expand },
            tiled,
            &[rounds],
        );
    }
    let repeated: NodeId = call.step_as("repeated", Op::Expand, repeated, &[rounds])?;
    call.emit_as(Op::Reshape, tiled, &[repeated])
}

/// Shapes before and after each repeated dimension has its rounds in front of it; one of size 1 is its own rounds.
fn rounds(from: &[usize], counts: &[usize]) -> [Vec<usize>; 2] {
    let (mut split, mut repeated) = (Vec::new(), Vec::new());
    for (&size, &count) in from.iter().zip(counts) {
        if count > 1 && size > 1 {
            split.push(1);
            repeated.push(count);
        }
        split.push(size);
        repeated.push(if size == 1 { count } else { size });
    }
    [split, repeated]
}

fn sizes(dims: &[i64]) -> Result<Vec<usize>, Fault> {
    let sizes: Option<Vec<usize>> = dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
    sizes.ok_or_else(|| Fault::Misfit(format!("{dims:?} are not all sizes")))
}
