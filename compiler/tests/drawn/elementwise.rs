//! Operators on each element by itself, alone or with another operand's, norms; and whatever has no form of its own.

use mnv2c::proto::AttributeProto;

use crate::build::{int, ints, real, text};
use crate::draw::{Draw, Drawn, Value};

/// A form of `name`; the last resort is a node of one operand.
pub(super) fn form(draw: &mut Draw, name: &str) -> Option<Drawn> {
    match name {
        "Add" | "Sub" | "Mul" | "Div" | "Pow" => binary(draw),
        "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" => binary(draw),
        "IsNaN" | "IsInf" => Some(Drawn::new(vec![draw.number()?.name], vec![])),
        "CastLike" => {
            let (x, one) = (draw.number()?.name, draw.ints(&[1]));
            Some(Drawn::new(vec![x, one], vec![]))
        }
        "Max" | "Min" | "Sum" | "Mean" => variadic(draw),
        "Clip" => clip(draw),
        "PRelu" => prelu(draw),
        "Where" => select(draw),
        "Softmax" | "LogSoftmax" | "LpNormalization" | "Hardmax" => along(draw),
        "CumSum" => running(draw),
        "ArgMax" | "ArgMin" => ranked(draw),
        "TopK" => first_few(draw),
        "NonMaxSuppression" => suppressed(draw),
        "LayerNormalization" | "RMSNormalization" => layer_norm(draw, name),
        "InstanceNormalization" | "GroupNormalization" | "BatchNormalization" => {
            channel_norm(draw, name)
        }
        _ => function(draw, name),
    }
}

fn function(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let x = draw.number()?;
    let attributes = function_attributes(draw, name, &x);
    let plain = draw.random.one_in(3) && name != "Cast";
    Some(Drawn::new(vec![x.name], if plain { vec![] } else { attributes }))
}

fn function_attributes(draw: &mut Draw, name: &str, x: &Value) -> Vec<AttributeProto> {
    let alpha = draw.random.pick(&[0.1, 0.5, 1.0, -0.3]);
    match name {
        "Cast" => vec![int("to", draw.random.pick(&[1, 1, 10, 11, 16, 6, 7, 9, 2, 3]))],
        "Celu" | "Elu" | "LeakyRelu" | "Swish" => vec![real("alpha", alpha)],
        "Selu" => vec![real("alpha", alpha), real("gamma", 1.2)],
        "HardSigmoid" => vec![real("alpha", 0.17), real("beta", 0.5)],
        "Gelu" => vec![text("approximate", draw.random.pick(&["none", "tanh"]))],
        "Dropout" => vec![real("ratio", 0.3)],
        "LRN" => vec![int("size", draw.random.pick(&[1, 2, 3, 5])), real("alpha", alpha)],
        "MeanVarianceNormalization" => {
            let axes = draw.random.pick(&[&[0, 2, 3][..], &[1, 2, 3], &[2, 3], &[-1]]);
            vec![ints("axes", axes)]
        }
        _ if x.shape.is_empty() => vec![],
        _ => vec![],
    }
}

/// A second operand for `x`: itself, a value of its shape or one that spreads, or a constant.
fn beside(draw: &mut Draw, x: &Value) -> String {
    let spreads = |other: &Value| {
        let mut pairs = other.shape.iter().rev().zip(x.shape.iter().rev());
        other.dtype.is_float() && pairs.all(|(a, b)| a == b || *a == 1 || *b == 1)
    };
    let value = match draw.random.below(6) {
        0 => Some(x.clone()),
        1 | 2 => draw.value(|other| other.dtype.is_float() && other.shape == x.shape),
        3 => draw.value(spreads),
        _ => None,
    };
    value.map_or_else(|| spread(draw, x), |value| value.name)
}

/// A constant that spreads over `x`: with some of its dimensions.
fn spread(draw: &mut Draw, x: &Value) -> String {
    let mut shape: Vec<i64> =
        x.shape.iter().map(|size| if draw.random.one_in(2) { 1 } else { *size }).collect();
    if draw.random.one_in(3) {
        let from = draw.random.below(shape.len() + 1);
        shape.drain(..from);
    }
    draw.floats(&shape, -1.0, 2.0)
}

fn binary(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.number()?;
    if draw.opset < 7 && x.shape.len() > 1 && draw.random.one_in(2) {
        let axis = draw.random.below(x.shape.len());
        let other = draw.floats(&x.shape[axis..=axis], 0.5, 1.5);
        let attributes = vec![int("broadcast", 1), int("axis", axis as i64)];
        return Some(Drawn::new(vec![x.name, other], attributes));
    }
    let mut inputs = vec![beside(draw, &x), x.name];
    if draw.random.one_in(2) {
        inputs.reverse();
    }
    Some(Drawn::new(inputs, vec![]))
}

fn variadic(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.number()?;
    let others = draw.random.below(4);
    let others: Vec<String> = (0..others).map(|_| beside(draw, &x)).collect();
    Some(Drawn::new([vec![x.name], others].concat(), vec![]))
}

fn clip(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.number()?;
    let (lo, hi) = draw.random.pick(&[(0.0, 6.0), (-1.0, 1.0), (0.2, 0.9), (2.0, 1.0)]);
    if draw.opset < 11 {
        let attributes = vec![real("min", lo), real("max", hi)];
        return Some(Drawn::new(vec![x.name], attributes));
    }
    let inputs = match draw.random.below(5) {
        0 => vec![x.name],
        1 => vec![x.name, draw.reals(&[], &[lo])],
        2 => vec![x.name, String::new(), draw.reals(&[], &[hi])],
        3 => {
            let bound = draw.value(|value| value.shape.is_empty())?;
            vec![x.name, bound.name, draw.reals(&[], &[hi])]
        }
        _ => vec![x.name, draw.reals(&[], &[lo]), draw.reals(&[], &[hi])],
    };
    Some(Drawn::new(inputs, vec![]))
}

fn prelu(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.number()?;
    let slope = match x.shape.get(1) {
        Some(channels) if !draw.random.one_in(3) => {
            let trailing = vec![1; x.shape.len() - 2];
            draw.floats(&[vec![*channels], trailing].concat(), -0.5, 0.5)
        }
        _ => beside(draw, &x),
    };
    Some(Drawn::new(vec![x.name, slope], vec![]))
}

fn select(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.number()?;
    let chosen = draw.value(|value| value.dtype != x.dtype || value.is_constant);
    let mask = vec![1; x.shape.iter().product::<i64>() as usize];
    let mask = match chosen {
        Some(value) if draw.random.one_in(2) => value.name,
        _ => draw.constant(mnv2c::proto::tensor_proto::DataType::Bool, &x.shape, mask),
    };
    let other = beside(draw, &x);
    Some(Drawn::new(vec![mask, x.name, other], vec![]))
}

fn along(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(1, 5)?;
    let axis = draw.axis(x.shape.len());
    let attributes = if draw.random.one_in(4) { vec![] } else { vec![int("axis", axis)] };
    Some(Drawn::new(vec![x.name], attributes))
}

fn ranked(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(1, 5)?;
    let ways = ["keepdims", "select_last_index"].map(|way| int(way, draw.random.below(2) as i64));
    let axis = int("axis", draw.axis(x.shape.len()));
    let ways = if draw.opset >= 12 { ways.to_vec() } else { vec![ways[0].clone()] };
    Some(Drawn::new(vec![x.name], [ways, vec![axis]].concat()))
}

fn first_few(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(1, 5)?;
    let axis = draw.random.below(x.shape.len());
    let count = 1 + draw.random.below(x.shape[axis].min(4) as usize) as i64;
    let axis = int("axis", axis as i64);
    if draw.opset < 10 {
        return Some(Drawn::new(vec![x.name], vec![axis, int("k", count)]));
    }
    let count = draw.ints(&[count]);
    Some(Drawn::new(vec![x.name, count], vec![axis]))
}

/// Boxes that are constants, their scores computed.
fn suppressed(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(1, 4)?;
    let len = x.shape.iter().product::<i64>();
    if !(1..=60).contains(&len) {
        return None;
    }
    let shape = draw.ints(&[1, 1, len]);
    let scores = draw.made("Reshape", vec![x.name, shape]);
    let boxes = draw.floats(&[1, len, 4], 0.0, 4.0);
    let count = 1 + draw.random.below(5) as i64;
    let mut inputs = vec![boxes, scores, draw.ints(&[count]), draw.reals(&[1], &[0.3])];
    if draw.random.one_in(2) {
        inputs.push(draw.reals(&[1], &[0.1]));
    }
    let centred = draw.random.below(2) as i64;
    Some(Drawn::new(inputs, vec![int("center_point_box", centred)]))
}

fn running(draw: &mut Draw) -> Option<Drawn> {
    let x = if draw.random.one_in(4) { None } else { draw.ranked(1, 5) };
    let (name, rank) =
        x.map_or_else(|| (draw.floats(&[2, 3], -1.0, 1.0), 2), |x| (x.name, x.shape.len()));
    let axis = draw.axis(rank);
    let axis = draw.ints(&[axis]);
    let ways = ["exclusive", "reverse"].map(|way| int(way, draw.random.below(2) as i64));
    Some(Drawn::new(vec![name, axis], ways.to_vec()))
}

fn layer_norm(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let x = draw.ranked(1, 4)?;
    let axis = draw.random.below(x.shape.len());
    let (scale, bias) =
        (draw.floats(&x.shape[axis..], 0.5, 1.5), draw.floats(&x.shape[axis..], -1.0, 1.0));
    let inputs = if draw.random.one_in(3) || name == "RMSNormalization" {
        vec![x.name, scale]
    } else {
        vec![x.name, scale, bias]
    };
    let mut node = Drawn::new(inputs, vec![int("axis", axis as i64), real("epsilon", 0.01)]);
    node.results = if draw.random.one_in(8) { 2 } else { 1 };
    Some(node)
}

fn channel_norm(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let x = draw.ranked(2, 5)?;
    let channels = &x.shape[1..2];
    let mut inputs =
        vec![x.name, draw.floats(channels, 0.5, 1.5), draw.floats(channels, -1.0, 1.0)];
    let mut attributes = vec![real("epsilon", 0.01)];
    match name {
        "BatchNormalization" => {
            inputs.extend([draw.floats(channels, -1.0, 1.0), draw.floats(channels, 0.5, 2.0)]);
            if draw.opset >= 14 && draw.random.one_in(4) {
                attributes.push(int("training_mode", 1));
            }
        }
        "GroupNormalization" => {
            let groups = [1, 2, 3, channels[0]];
            let groups = draw.random.pick(&groups);
            attributes.push(int("num_groups", groups));
            if draw.opset < 21 {
                inputs.truncate(1);
                inputs
                    .extend([draw.floats(&[groups], 0.5, 1.5), draw.floats(&[groups], -1.0, 1.0)]);
            }
        }
        _ => {}
    }
    Some(Drawn::new(inputs, attributes))
}
