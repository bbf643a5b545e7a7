//! Matrix products: by constants, by computed matrices, of stacks; and reductions.

use crate::build::{int, ints, real, text};
use crate::draw::{Draw, Drawn, Value};

pub(super) fn form(draw: &mut Draw, name: &str) -> Option<Drawn> {
    match name {
        "Gemm" => gemm(draw),
        "MatMul" => matmul(draw),
        "Einsum" => einsum(draw),
        "Attention" => attention(draw),
        "GRU" => recurrent(draw, 3),
        "LSTM" => recurrent(draw, 4),
        "RNN" => recurrent(draw, 1),
        _ if name.starts_with("Reduce") => reduce(draw, name),
        _ => None,
    }
}

fn gemm(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(2, 2)?;
    let (across, turned) = (draw.random.one_in(5), draw.random.one_in(2));
    let (rows, depth) = if across { (x.shape[1], x.shape[0]) } else { (x.shape[0], x.shape[1]) };
    let columns = draw.random.pick(&[1, 2, 3, 10, 17]);
    let shape = if turned { [columns, depth] } else { [depth, columns] };
    let computed = draw.random.one_in(8);
    let computed = draw.value(|value| computed && value.shape == shape);
    let mut inputs = vec![x.name];
    inputs.push(match computed {
        Some(value) => value.name,
        None => draw.weights(&shape, usize::from(!turned)),
    });
    if draw.random.one_in(2) {
        let shapes: [&[i64]; 5] = [&[columns], &[1, columns], &[rows, columns], &[1], &[rows, 1]];
        let shape = draw.random.pick(&shapes);
        inputs.push(draw.floats(shape, -1.0, 1.0));
    }
    let mut attributes = vec![int("transA", across.into()), int("transB", turned.into())];
    if draw.random.one_in(3) {
        let factor = draw.random.pick(&[0.5, 2.0, 0.0]);
        attributes.extend([real("alpha", 0.5), real("beta", factor)]);
    }
    Some(Drawn::new(inputs, attributes))
}

/// Heads that look at themselves.
fn attention(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(4, 4)?;
    let causal = draw.random.one_in(2);
    let attributes = vec![int("is_causal", causal.into())];
    Some(Drawn::new(vec![x.name.clone(), x.name.clone(), x.name], attributes))
}

/// A layer of so many gates, in one direction or both, that starts from zeros.
fn recurrent(draw: &mut Draw, gates: i64) -> Option<Drawn> {
    let x = draw.ranked(3, 3)?;
    let hidden = draw.random.pick(&[1, 2, 5]);
    let direction = draw.random.pick(&["forward", "reverse", "bidirectional"]);
    let directions = 1 + i64::from(direction == "bidirectional");
    let mut inputs = vec![
        x.name,
        draw.floats(&[directions, gates * hidden, x.shape[2]], -1.0, 1.0),
        draw.floats(&[directions, gates * hidden, hidden], -1.0, 1.0),
    ];
    if draw.random.one_in(2) {
        inputs.push(draw.floats(&[directions, 2 * gates * hidden], -1.0, 1.0));
    }
    let mut attributes = vec![int("hidden_size", hidden), text("direction", direction)];
    if gates == 3 {
        attributes.push(int("linear_before_reset", draw.random.below(2) as i64));
    }
    Some(Drawn::new(inputs, attributes))
}

fn matmul(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(1, 4)?;
    let depth = *x.shape.last()?;
    let columns = draw.random.pick(&[1, 2, 3, 10, 17]);
    match draw.random.below(6) {
        0 => {
            let fits = |other: &Value| {
                other.shape.len() >= 2 && other.shape[other.shape.len() - 2] == depth
            };
            let other = draw.value(|other| other.dtype.is_float() && fits(other))?;
            Some(Drawn::new(vec![x.name, other.name], vec![]))
        }
        1 if x.shape.len() >= 2 => {
            let rows = x.shape[x.shape.len() - 2];
            let left = draw.floats(&[columns, rows], -1.0, 1.0);
            Some(Drawn::new(vec![left, x.name], vec![]))
        }
        2 if x.shape.len() >= 3 => {
            let stack = [&x.shape[..x.shape.len() - 2], &[depth, columns]].concat();
            let stack = draw.floats(&stack, -1.0, 1.0);
            Some(Drawn::new(vec![x.name, stack], vec![]))
        }
        3 => {
            let vector = draw.floats(&[depth], -1.0, 1.0);
            Some(Drawn::new(vec![x.name, vector], vec![]))
        }
        _ => {
            let matrix = draw.weights(&[depth, columns], 1);
            Some(Drawn::new(vec![x.name, matrix], vec![]))
        }
    }
}

fn reduce(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let x = draw.ranked(1, 5)?;
    let rank = x.shape.len();
    let mut axes: Vec<i64> = (0..rank as i64).filter(|_| draw.random.one_in(2)).collect();
    if rank == 4 && draw.random.one_in(2) {
        axes = vec![2, 3];
    }
    if draw.random.one_in(4) {
        axes.iter_mut().for_each(|axis| *axis -= rank as i64);
    }
    let mut attributes = vec![int("keepdims", draw.random.below(2) as i64)];
    let by_operand = draw.opset >= if name == "ReduceSum" { 13 } else { 18 };
    if draw.random.one_in(6) {
        if by_operand {
            attributes.push(int("noop_with_empty_axes", draw.random.below(2) as i64));
        }
        return Some(Drawn::new(vec![x.name], attributes));
    }
    if by_operand {
        let axes = draw.ints(&axes);
        return Some(Drawn::new(vec![x.name, axes], attributes));
    }
    attributes.push(ints("axes", &axes));
    Some(Drawn::new(vec![x.name], attributes))
}

/// A scaling of channels, a sum, or a product by a constant matrix.
fn einsum(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(4, 4)?;
    let (channels, columns) = (x.shape[1], x.shape[3]);
    let (equation, constant) = match draw.random.below(4) {
        0 => ("nchw,c->nchw", Some(vec![channels])),
        1 => ("nchw->nwc", None),
        2 => ("nchw,wk->nchk", Some(vec![columns, 3])),
        _ => ("nchw,kc->nkhw", Some(vec![5, channels])),
    };
    let constant = constant.map(|shape| draw.floats(&shape, -1.0, 1.0));
    let inputs = [Some(x.name), constant].into_iter().flatten().collect();
    Some(Drawn::new(inputs, vec![text("equation", equation)]))
}
