//! Operators that move elements and compute nothing, on floats and on bytes.

use mnv2c::ir::Dtype;

use crate::build::{int, ints, text};
use crate::draw::{Draw, Drawn, Value};

pub(super) fn form(draw: &mut Draw, name: &str) -> Option<Drawn> {
    match name {
        "Concat" => concat(draw),
        "Split" => split(draw),
        "Slice" => slice(draw),
        "Pad" => pad(draw),
        "Gather" => gather(draw),
        "Transpose" => transpose(draw),
        "Reshape" => reshape(draw),
        "Flatten" => {
            let x = moved(draw)?;
            let axis = draw.random.below(x.shape.len() + 1) as i64;
            let attributes = if draw.random.one_in(2) { vec![] } else { vec![int("axis", axis)] };
            Some(Drawn::new(vec![x.name], attributes))
        }
        "Squeeze" | "Unsqueeze" => ones(draw, name),
        "Expand" => expand(draw),
        "Tile" => {
            let x = draw.ranked(1, 3)?;
            let counts: Vec<i64> = x.shape.iter().map(|_| draw.random.pick(&[1, 1, 2])).collect();
            Some(Drawn::new(vec![x.name, draw.ints(&counts)], vec![]))
        }
        "Identity" => moved(draw).map(|x| Drawn::new(vec![x.name], vec![])),
        _ => None,
    }
}

/// A value of whatever type can be moved.
fn moved(draw: &mut Draw) -> Option<Value> {
    let any = draw.random.one_in(3);
    draw.value(|value| value.dtype.is_float() || (any && value.dtype != Dtype::I64))
}

/// A float or movable value with dimensions.
fn spacious(draw: &mut Draw) -> Option<Value> {
    let any = draw.random.one_in(3);
    draw.value(|value| {
        !value.shape.is_empty() && (value.dtype.is_float() || (any && value.dtype != Dtype::I64))
    })
}

fn concat(draw: &mut Draw) -> Option<Drawn> {
    let x = spacious(draw)?;
    let rank = x.shape.len();
    let axis = if rank > 1 && !draw.random.one_in(3) { 1 } else { draw.random.below(rank) };
    let fits = |other: &Value| {
        let mut pairs = x.shape.iter().zip(&other.shape).enumerate();
        other.dtype == x.dtype
            && other.shape.len() == rank
            && pairs.all(|(at, (a, b))| at == axis || a == b)
    };
    let mut inputs = vec![x.name.clone()];
    for _ in 0..draw.random.below(4) {
        inputs.extend(draw.value(fits).map(|value| value.name));
    }
    if draw.random.one_in(5) && x.dtype.is_float() {
        let mut shape = x.shape.clone();
        shape[axis] = 2;
        inputs.push(draw.floats(&shape, -1.0, 1.0));
    }
    let negative = draw.random.one_in(3);
    let axis = if negative { axis as i64 - rank as i64 } else { axis as i64 };
    Some(Drawn::new(inputs, vec![int("axis", axis)]))
}

fn split(draw: &mut Draw) -> Option<Drawn> {
    let x = spacious(draw)?;
    let axis = draw.random.below(x.shape.len());
    let size = x.shape[axis];
    let first = draw.random.below(size as usize) as i64;
    let parts = if draw.random.one_in(3) { vec![size] } else { vec![first, size - first] };
    let parts: Vec<i64> = parts.into_iter().filter(|part| *part > 0).collect();
    let axis = int("axis", axis as i64);
    let equal = draw.random.one_in(4) && size % 2 == 0;
    let mut node = match draw.opset {
        _ if equal && draw.opset >= 18 => {
            Drawn::new(vec![x.name], vec![axis, int("num_outputs", 2)])
        }
        _ if equal => Drawn::new(vec![x.name], vec![axis]),
        ..13 => Drawn::new(vec![x.name], vec![axis, ints("split", &parts)]),
        _ => {
            let sizes = draw.ints(&parts);
            Drawn::new(vec![x.name, sizes], vec![axis])
        }
    };
    node.results = if equal { 2 } else { parts.len() };
    Some(node)
}

fn slice(draw: &mut Draw) -> Option<Drawn> {
    let x = spacious(draw)?;
    let rank = x.shape.len();
    let axes: Vec<i64> = (0..rank as i64).filter(|_| draw.random.one_in(2)).collect();
    let (mut starts, mut ends, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    for axis in &axes {
        let size = x.shape[*axis as usize];
        let step = draw.random.pick(&[1, 1, 1, 2, 3, -1, -2]);
        let from = draw.random.below(size as usize) as i64;
        let far = draw.random.one_in(2);
        let (start, end) = match step > 0 {
            true => (from, if far { i64::MAX } else { size }),
            false => (if far { i64::MAX } else { size - 1 }, -size - 1),
        };
        starts.push(start);
        ends.push(end);
        steps.push(step);
    }
    if draw.opset < 10 {
        let attributes = vec![ints("starts", &starts), ints("ends", &ends), ints("axes", &axes)];
        return Some(Drawn::new(vec![x.name], attributes));
    }
    let operands = [starts, ends, axes, steps];
    let operands = operands.map(|operand| draw.ints(&operand));
    Some(Drawn::new([vec![x.name], operands.to_vec()].concat(), vec![]))
}

fn pad(draw: &mut Draw) -> Option<Drawn> {
    let x = spacious(draw)?;
    let rank = x.shape.len();
    let mode = draw.random.pick(&["constant", "constant", "reflect", "edge", "wrap"]);
    let mut widths: Vec<i64> =
        (0..2 * rank).map(|_| draw.random.pick(&[0, 0, 1, 1, 2, -1])).collect();
    if rank == 4 && draw.random.one_in(2) {
        [0, 1, 4, 5].into_iter().for_each(|at| widths[at] = 0);
    }
    let mode = text("mode", mode);
    if draw.opset < 11 {
        return Some(Drawn::new(vec![x.name], vec![mode, ints("pads", &widths)]));
    }
    let mut inputs = vec![x.name, draw.ints(&widths)];
    if x.dtype.is_float() && draw.random.one_in(2) {
        let value = draw.random.pick(&[0.0, 0.5, -1.0]);
        inputs.push(draw.reals(&[], &[value]));
    }
    Some(Drawn::new(inputs, vec![mode]))
}

fn gather(draw: &mut Draw) -> Option<Drawn> {
    let x = spacious(draw)?;
    let axis = draw.random.below(x.shape.len());
    let size = x.shape[axis];
    let from_end = if draw.random.one_in(3) { size } else { 0 };
    let indices: Vec<i64> =
        (0..3).map(|_| draw.random.below(size as usize) as i64 - from_end).collect();
    let indices = match draw.random.below(4) {
        0 => draw.constant(
            mnv2c::proto::tensor_proto::DataType::Int64,
            &[],
            indices[0].to_le_bytes().to_vec(),
        ),
        1 => draw.ints(&indices[..1]),
        2 => draw.ints(&indices),
        _ => draw.value(|value| value.dtype == Dtype::I64)?.name,
    };
    Some(Drawn::new(vec![x.name, indices], vec![int("axis", axis as i64)]))
}

fn transpose(draw: &mut Draw) -> Option<Drawn> {
    let x = spacious(draw)?;
    let rank = x.shape.len();
    let mut perm: Vec<i64> = (0..rank as i64).collect();
    match draw.random.below(4) {
        0 if rank == 4 => perm = vec![0, 2, 3, 1],
        1 if rank == 4 => perm = vec![0, 3, 1, 2],
        2 => return Some(Drawn::new(vec![x.name], vec![])),
        _ => (1..rank).for_each(|at| perm.swap(at, draw.random.below(at + 1))),
    }
    Some(Drawn::new(vec![x.name], vec![ints("perm", &perm)]))
}

fn reshape(draw: &mut Draw) -> Option<Drawn> {
    let x = moved(draw)?;
    let target = match draw.random.below(4) {
        0 => draw.value(|value| value.is_constant && value.dtype == Dtype::I64)?.name,
        1 if draw.opset > 5 => draw.ints(&[0, -1]),
        _ => {
            let mut left: i64 = x.shape.iter().product();
            let mut shape = Vec::new();
            for _ in 0..draw.random.below(4) {
                let divisors: Vec<i64> = (1..=left).filter(|part| left % part == 0).collect();
                let part = draw.random.pick(&divisors);
                shape.push(part);
                left /= part;
            }
            shape.push(if draw.random.one_in(3) { -1 } else { left });
            draw.ints(&shape)
        }
    };
    Some(Drawn::new(vec![x.name, target], vec![]))
}

/// Dimensions of size 1 come or go.
fn ones(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let x = moved(draw)?;
    let axes: Vec<i64> = match name {
        "Unsqueeze" => vec![draw.random.below(x.shape.len() + 1) as i64],
        _ => (0..x.shape.len() as i64)
            .filter(|axis| x.shape[*axis as usize] == 1 && !draw.random.one_in(3))
            .collect(),
    };
    if name == "Squeeze" && draw.random.one_in(4) {
        return Some(Drawn::new(vec![x.name], vec![]));
    }
    if draw.opset < 13 {
        return Some(Drawn::new(vec![x.name], vec![ints("axes", &axes)]));
    }
    let axes = draw.ints(&axes);
    Some(Drawn::new(vec![x.name, axes], vec![]))
}

fn expand(draw: &mut Draw) -> Option<Drawn> {
    let x = moved(draw)?;
    if draw.random.one_in(5) {
        let target = draw.value(|value| value.is_constant && value.dtype == Dtype::I64)?;
        return Some(Drawn::new(vec![x.name, target.name], vec![]));
    }
    let mut shape: Vec<i64> = x
        .shape
        .iter()
        .map(|size| if *size == 1 { draw.random.pick(&[1, 2, 3]) } else { *size })
        .collect();
    if draw.random.one_in(4) {
        shape.insert(0, 2);
    }
    let shape = draw.ints(&shape);
    Some(Drawn::new(vec![x.name, shape], vec![]))
}
