//! Constant integers on their way into a layer, or into floats if no layer takes them.

use crate::interp::{self, Array};
use crate::ir::{Graph, NodeId, Op, Quant, Unpack, Values};
use crate::pass::Attempt;
use crate::pass::edit::{replace, x};

/// `transpose(unpack(w))` becomes `unpack(transposed w)`; so does a reshape, if all have one scale.
pub(super) fn sink(graph: &mut Graph, id: NodeId) -> bool {
    let unpack = x(graph, id);
    let Op::Quant(Quant::Unpack(mut how)) = graph.node(unpack).op.clone() else { return false };
    let whole = how.scales.len() == 1;
    match &graph.node(id).op {
        Op::Transpose(perm) => {
            how.axis = perm.iter().position(|axis| *axis == how.axis).unwrap_or(how.axis);
        }
        Op::Reshape if whole => {}
        // Scales stay along an axis through these alone.
        _ => return false,
    }
    let integers = x(graph, unpack);
    let Some(values) = graph.constant(integers) else { return false };
    let array = Array { shape: graph.node(integers).out.shape.clone(), values: values.clone() };
    let Ok(moved) = interp::eval(graph, id, &[&array]) else { return false };
    let (name, out) = (graph.node(id).name.clone(), graph.node(id).out.clone());
    let moved = graph.add_const(format!("{name}.integers"), moved.shape, moved.values);
    let unpacked = graph.add(name, Op::Quant(Quant::Unpack(how)), out, &[moved]);
    replace(graph, id, unpacked);
    true
}

/// `unpack(w)` becomes a constant of floats.
pub(super) fn to_floats(graph: &mut Graph, id: NodeId) -> Attempt {
    let Op::Quant(Quant::Unpack(_)) = graph.node(id).op else { return Ok(false) };
    let integers = x(graph, id);
    let Some(values) = graph.constant(integers) else { return Ok(false) };
    let array = Array { shape: graph.node(integers).out.shape.clone(), values: values.clone() };
    let Ok(floats) = interp::eval(graph, id, &[&array]) else { return Ok(false) };
    let name = graph.node(id).name.clone();
    let floats = graph.add_const(name, floats.shape, floats.values);
    replace(graph, id, floats);
    Ok(true)
}

/// Weights as i8 with zero point 0, in the order of `id`'s constant, and a scale for each index of dimension `axis`.
pub(super) fn weights(graph: &Graph, id: NodeId, axis: usize) -> Option<(Vec<i8>, Vec<f32>)> {
    let Op::Quant(Quant::Unpack(how)) = &graph.node(id).op else { return None };
    let shape = &graph.node(id).out.shape;
    let channels = *shape.get(axis)?;
    let scales = per_channel(how, axis, channels)?;
    let inner: usize = shape[how.axis.min(shape.len()) + 1..].iter().product();
    let zero = |at: usize| match how.zeros.as_slice() {
        [one] => *one,
        zeros => zeros[at / inner % zeros.len()],
    };
    let centred = |(at, w): (usize, i32)| i8::try_from(w - zero(at)).ok();
    let bytes: Option<Vec<i8>> = match graph.constant(x(graph, id))? {
        Values::I8(v) => v.iter().map(|w| i32::from(*w)).enumerate().map(centred).collect(),
        Values::U8(v) => v.iter().map(|w| i32::from(*w)).enumerate().map(centred).collect(),
        Values::F32(_) | Values::I32(_) | Values::I64(_) => None,
    };
    Some((bytes?, scales))
}

/// A bias in units of `units`, one a channel: the integers of the model if they are in these units, else the nearest.
pub(super) fn bias(graph: &Graph, id: NodeId, units: &[f32]) -> Option<Vec<i32>> {
    let shape = &graph.node(id).out.shape;
    let fits = shape.last() == Some(&units.len()) && graph.node(id).out.len() == units.len();
    let nearest = |(real, unit): (f64, &f32)| {
        let steps = (real / f64::from(*unit)).round_ties_even();
        (steps.abs() < f64::from(i32::MAX)).then_some(steps as i32)
    };
    if !fits {
        return None;
    }
    match (&graph.node(id).op, graph.constant(id)) {
        (Op::Quant(Quant::Unpack(how)), _) => {
            let integers = graph.constant(x(graph, id))?.as_i32()?;
            let scales = per_channel(how, shape.len() - 1, units.len())?;
            let zeros = how.zeros.iter().all(|zero| *zero == 0);
            let same = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * b;
            if zeros && scales.iter().zip(units).all(same) {
                return Some(integers.to_vec());
            }
            let entries = how.zeros.len();
            let real = |(at, (x, scale)): (usize, (&i32, &f32))| {
                (f64::from(*x) - f64::from(how.zeros[at % entries])) * f64::from(*scale)
            };
            let reals = integers.iter().zip(&scales).enumerate().map(real);
            reals.zip(units).map(nearest).collect()
        }
        (_, Some(Values::F32(floats))) => {
            floats.iter().map(|x| f64::from(*x)).zip(units).map(nearest).collect()
        }
        // What is no constant is no bias.
        _ => None,
    }
}

fn per_channel(how: &Unpack, axis: usize, channels: usize) -> Option<Vec<f32>> {
    match how.scales.as_slice() {
        [one] => Some(vec![*one; channels]),
        scales => (how.axis == axis && scales.len() == channels).then(|| scales.to_vec()),
    }
}
