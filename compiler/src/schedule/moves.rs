//! Copies that move elements: transposes, slices, concatenation, padding and broadcasting as strides over axes.

use std::cmp::Reverse;

use crate::error::{Error, Result};
use crate::ir::view::refine;
use crate::ir::{Layout, NodeId, Op, Pad, PadMode, Tensor};
use crate::kernels::Move;
use crate::schedule::Place;
use crate::schedule::place::Lowering;
use mnv2c_runtime::ring::Form;

/// The copies that put what `id` reads at `port`, lying at `from`, into its result at `into`.
pub(super) fn copies(
    lowering: &Lowering<'_>,
    id: NodeId,
    port: usize,
    from: Place,
    into: Place,
) -> Result<Vec<Move>> {
    let node = lowering.graph.node(id);
    let operand = operand(lowering, id, port);
    let (x, y) = (strides(from, operand)?, strides(into, &node.out)?);
    let whole = |shape: &[usize], x: Vec<isize>, y: Vec<isize>| Move {
        shape: shape.to_vec(),
        from: start(from),
        from_steps: x,
        into: start(into),
        into_steps: y,
    };
    let copies = match &node.op {
        Op::Transpose(perm) => {
            vec![whole(&node.out.shape, perm.iter().map(|axis| x[*axis]).collect(), y)]
        }
        Op::Relayout | Op::Identity => vec![whole(&node.out.shape, x, y)],
        Op::Reshape => vec![reshape(from, operand, into, &node.out)?],
        Op::Expand => return broadcast(lowering, id, port, from, into).map(|copy| vec![copy]),
        Op::Slice(slice) => {
            let first: isize =
                slice.starts.iter().zip(&x).map(|(at, step)| *at as isize * step).sum();
            let steps = slice.steps.iter().zip(&x).map(|(by, step)| by * step).collect();
            let copy = whole(&node.out.shape, steps, y);
            vec![Move { from: moved(copy.from, first), ..copy }]
        }
        Op::Concat(axis) => {
            let operands = lowering.graph.operands(id).into_iter();
            let before = operands.take_while(|(at, _)| at.0 < port);
            let len = |x: NodeId| lowering.graph.node(x).out.shape[*axis];
            let before: usize = before.map(|(_, x)| len(x)).sum();
            let copy = whole(&operand.shape, x, y.clone());
            vec![Move { into: moved(copy.into, before as isize * y[*axis]), ..copy }]
        }
        Op::Pad(pad) => padded(pad, operand, whole(&operand.shape, x, y)),
        op => unreachable!("{} moves no elements", op.name()),
    };
    Ok(copies.into_iter().map(in_order).collect())
}

/// The copy that repeats what `id` reads at `port` over the shape of its result.
pub(super) fn broadcast(
    lowering: &Lowering<'_>,
    id: NodeId,
    port: usize,
    from: Place,
    into: Place,
) -> Result<Move> {
    let (operand, out) = (operand(lowering, id, port), &lowering.graph.node(id).out);
    let x = strides(from, operand)?;
    let lead = out.shape.len() - operand.shape.len();
    let step = |axis: usize| match axis.checked_sub(lead) {
        Some(axis) if operand.shape[axis] > 1 => x[axis],
        _ => 0,
    };
    Ok(in_order(Move {
        shape: out.shape.clone(),
        from: start(from),
        from_steps: (0..out.shape.len()).map(step).collect(),
        into: start(into),
        into_steps: strides(into, out)?,
    }))
}

/// This copy in the order in which it writes memory, two axes that continue each other merged.
fn in_order(copy: Move) -> Move {
    let steps = copy.from_steps.iter().zip(&copy.into_steps);
    let mut axes: Vec<_> = copy.shape.iter().zip(steps).filter(|(len, _)| **len != 1).collect();
    axes.sort_by_key(|(_, (_, into))| Reverse(into.abs()));
    let mut settled =
        Move { shape: Vec::new(), from_steps: Vec::new(), into_steps: Vec::new(), ..copy };
    for (&len, (&from, &into)) in axes {
        let outer = settled.shape.len().wrapping_sub(1);
        let inner = [from, into].map(|step| step * len as isize);
        let continues = |steps: &[isize], by| steps.last() == Some(&by);
        if continues(&settled.from_steps, inner[0]) && continues(&settled.into_steps, inner[1]) {
            settled.shape[outer] *= len;
            (settled.from_steps[outer], settled.into_steps[outer]) = (from, into);
        } else {
            settled.shape.push(len);
            settled.from_steps.push(from);
            settled.into_steps.push(into);
        }
    }
    settled
}

/// A reduction as a walk over all elements, in which reduced axes stand still in the result, which lies without padding.
pub(super) fn reduction(lowering: &Lowering<'_>, id: NodeId, from: Place) -> Result<Move> {
    let node = lowering.graph.node(id);
    let Op::Reduce(reduce) = &node.op else { unreachable!("only reductions reduce") };
    let operand = operand(lowering, id, 0);
    let kept: Vec<usize> =
        (0..operand.shape.len()).filter(|axis| !reduce.axes.contains(axis)).collect();
    let keeps_rank = node.out.shape.len() == operand.shape.len();
    let result = if keeps_rank {
        node.out.clone()
    } else {
        Tensor::f32(kept.iter().map(|axis| operand.shape[*axis]).collect::<Vec<_>>())
    };
    let steps = result.strides();
    let mut into_steps = vec![0; operand.shape.len()];
    for (at, axis) in kept.into_iter().enumerate() {
        into_steps[axis] = steps[if keeps_rank { axis } else { at }] as isize;
    }
    let from_steps = strides(from, operand)?;
    Ok(Move { shape: operand.shape.clone(), from: start(from), from_steps, into: 0, into_steps })
}

/// The number that the whole result is filled with before anything is copied into it.
pub(super) fn fill(op: &Op) -> Option<f32> {
    match op {
        Op::Pad(Pad { mode: PadMode::Constant(value), .. }) => Some(*value),
        // Everything else writes all of its result.
        _ => None,
    }
}

/// Elements from one index to the next, for each logical axis of a tensor that lies at `place`.
pub(super) fn strides(place: Place, tensor: &Tensor) -> Result<Vec<isize>> {
    let steps = match (tensor.layout, tensor.shape.len()) {
        (Layout::Nhwc, 4) => {
            let ring = place.rows.ring(0);
            if matches!(place.rows.form, Form::Chunks(_) | Form::Planes | Form::Slice { .. }) {
                return Err(Error::unsupported(vec![format!(
                    "moving parts of a {tensor} that lies in chunks"
                )]));
            }
            vec![0, 1, ring.row, ring.pixel]
        }
        (_, rank) => {
            let mut steps = vec![1; rank];
            for axis in (1..rank).rev() {
                steps[axis - 1] = steps[axis] * tensor.shape[axis];
            }
            steps
        }
    };
    Ok(steps.into_iter().map(|step| step as isize).collect())
}

/// Reshapes keep row-major order, so both sides are walked along the finest common refinement of their axes.
fn reshape(from: Place, operand: &Tensor, into: Place, out: &Tensor) -> Result<Move> {
    let refined = refine(&operand.shape, &out.shape).ok_or_else(|| {
        Error::unsupported(vec![format!("reshaping {operand} to {out}; keep whole axes together")])
    })?;
    let along = |place: Place, tensor: &Tensor| -> Result<Vec<isize>> {
        let steps = strides(place, tensor)?;
        Ok(spread(&tensor.shape, &steps, &refined))
    };
    Ok(Move {
        from: start(from),
        from_steps: along(from, operand)?,
        into: start(into),
        into_steps: along(into, out)?,
        shape: refined,
    })
}

/// The strides of `shape` along its refinement.
fn spread(shape: &[usize], steps: &[isize], refined: &[usize]) -> Vec<isize> {
    let mut out = vec![0; refined.len()];
    let mut at = refined.len();
    for (dim, step) in shape.iter().zip(steps).rev() {
        let (mut left, mut step) = (*dim, *step);
        while left > 1 && at > 0 {
            at -= 1;
            out[at] = step;
            step *= refined[at] as isize;
            left /= refined[at];
        }
    }
    out
}

/// The parts of a padded tensor: along each axis what is mirrored or repeated before, the middle, and after.
fn padded(pad: &Pad, operand: &Tensor, whole: Move) -> Vec<Move> {
    let mut parts = vec![Move { shape: Vec::new(), ..whole.clone() }];
    for axis in 0..operand.shape.len() {
        let ranges = sides(pad, axis, operand.shape[axis] as isize);
        let grow = |part: &Move, (into, from, len, by): &(isize, isize, isize, isize)| {
            let mut part = part.clone();
            part.shape.push(*len as usize);
            part.from = moved(part.from, from * whole.from_steps[axis]);
            part.into = moved(part.into, into * whole.into_steps[axis]);
            part.from_steps[axis] *= by;
            part
        };
        parts = parts
            .iter()
            .flat_map(|part| ranges.iter().map(|range| grow(part, range)).collect::<Vec<_>>())
            .collect();
    }
    parts
}

/// Along one axis: where in the result, where in the operand, how many, and in what direction.
fn sides(pad: &Pad, axis: usize, len: isize) -> Vec<(isize, isize, isize, isize)> {
    let (before, after) = (pad.before[axis], pad.after[axis]);
    let cropped = (-before).max(0);
    let middle = (before.max(0), cropped, len - cropped - (-after).max(0), 1);
    let end = before + len;
    let mut sides = match pad.mode {
        PadMode::Constant(_) => vec![middle],
        PadMode::Edge => vec![(0, 0, before.max(0), 0), middle, (end, len - 1, after.max(0), 0)],
        PadMode::Reflect => {
            vec![(0, before, before.max(0), -1), middle, (end, len - 2, after.max(0), -1)]
        }
    };
    sides.retain(|(_, _, len, _)| *len > 0);
    sides
}

/// An offset moved by a stride, which stays inside the tensor.
fn moved(offset: usize, by: isize) -> usize {
    offset.checked_add_signed(by).expect("parts lie inside their tensors")
}

fn start(place: Place) -> usize {
    let ring = place.rows.ring(0);
    ring.base + place.rows.top * ring.row
}

fn operand<'a>(lowering: &Lowering<'a>, id: NodeId, port: usize) -> &'a Tensor {
    let operand = lowering.graph.operand(id, port).expect("verified nodes have their operands");
    &lowering.graph.node(operand).out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_follow_what_is_written_and_join_where_they_continue() {
        let copy = Move {
            shape: vec![24, 1, 28, 28],
            from: 7,
            from_steps: vec![1, 0, 28 * 24, 24],
            into: 5,
            into_steps: vec![1, 0, 28 * 360, 360],
        };
        let settled = Move {
            shape: vec![784, 24],
            from: 7,
            from_steps: vec![24, 1],
            into: 5,
            into_steps: vec![360, 1],
        };
        assert_eq!(in_order(copy), settled);
        assert_eq!(in_order(settled.clone()), settled);
    }
}
