//! Operators that slide a window, take whole pictures, or change their size.

use mnv2c::ir::Dtype;
use mnv2c::proto::AttributeProto;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{int, ints, text};
use crate::draw::{Draw, Drawn, Value};

pub(super) fn form(draw: &mut Draw, name: &str) -> Option<Drawn> {
    match name {
        "Conv" => conv(draw),
        "ConvTranspose" => conv_transpose(draw),
        "MaxPool" => max_pool(draw),
        "AveragePool" => average_pool(draw),
        "LpPool" => lp_pool(draw),
        "GlobalAveragePool" | "GlobalMaxPool" => {
            let x = draw.picture()?;
            Some(Drawn::new(vec![x.name], vec![]))
        }
        "Resize" => resize(draw),
        "Upsample" => upsample(draw),
        "DepthToSpace" | "SpaceToDepth" => blocks(draw, name),
        _ => None,
    }
}

/// A window over a picture or signal `x`, and its sides.
pub(super) fn window(draw: &mut Draw, x: &Value) -> (Vec<AttributeProto>, Vec<i64>) {
    let axes = x.shape.len().saturating_sub(2);
    let mut sides = |choices: &[i64]| -> Vec<i64> {
        let first = draw.random.pick(choices);
        let other = draw.random.pick(choices);
        let square = !draw.random.one_in(4);
        (0..axes).map(|axis| if axis == 0 || square { first } else { other }).collect()
    };
    let kernel = sides(&[1, 1, 2, 3, 3, 3, 5, 7]);
    let (strides, dilations) = (sides(&[1, 1, 1, 2, 2, 3, 5]), sides(&[1, 1, 1, 1, 2]));
    let (before, after) = (sides(&[0, 0, 1, 1, 2]), sides(&[0, 0, 1, 1, 2]));
    let mut attributes = vec![ints("strides", &strides)];
    match draw.random.below(8) {
        0 => attributes.push(text("auto_pad", "SAME_UPPER")),
        1 => attributes.push(text("auto_pad", "SAME_LOWER")),
        2 => attributes.push(text("auto_pad", "VALID")),
        3 | 4 => {
            let same: Vec<i64> = kernel.iter().map(|side| side / 2).collect();
            attributes.push(ints("pads", &[same.clone(), same].concat()));
        }
        5 => {}
        _ => attributes.push(ints("pads", &[before, after].concat())),
    }
    if draw.random.one_in(3) {
        attributes.push(ints("dilations", &dilations));
    }
    (attributes, kernel)
}

/// Groups, and the channels that come out of `channels`.
pub(super) fn groups(draw: &mut Draw, channels: i64) -> (i64, i64) {
    let divisors: Vec<i64> = (1..=channels).filter(|group| channels % group == 0).collect();
    let group = match draw.random.below(4) {
        0 | 1 => 1,
        2 => channels,
        _ => draw.random.pick(&divisors),
    };
    let each = if group == 1 {
        draw.random.pick(&[1, 2, 3, 4, 8, 16])
    } else {
        draw.random.pick(&[1, 1, 2])
    };
    (group, group * each)
}

fn conv(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.picture()?;
    let (mut attributes, kernel) = window(draw, &x);
    let (group, filters) = groups(draw, x.shape[1]);
    let weights = [vec![filters, x.shape[1] / group], kernel.clone()].concat();
    attributes.push(int("group", group));
    if draw.random.one_in(2) {
        attributes.push(ints("kernel_shape", &kernel));
    }
    let computed = draw.random.one_in(16);
    let computed = draw.value(|value| computed && value.shape == weights);
    let weights = match computed {
        Some(value) => value.name,
        None => draw.weights(&weights, 0),
    };
    let mut inputs = vec![x.name, weights];
    if draw.random.one_in(2) {
        inputs.push(draw.floats(&[filters], -1.0, 1.0));
    }
    Some(Drawn::new(inputs, attributes))
}

fn conv_transpose(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.picture()?;
    let axes = x.shape.len() - 2;
    let (mut attributes, kernel) = window(draw, &x);
    let (group, _) = groups(draw, x.shape[1]);
    let each = draw.random.pick(&[1, 2, 3]);
    let weights = [vec![x.shape[1], each], kernel].concat();
    attributes.push(int("group", group));
    if draw.random.one_in(4) {
        attributes.push(ints("output_padding", &vec![1; axes]));
    }
    let mut inputs = vec![x.name, draw.weights(&weights, 1)];
    if draw.random.one_in(2) {
        inputs.push(draw.floats(&[each * group], -1.0, 1.0));
    }
    Some(Drawn::new(inputs, attributes))
}

/// Of floats, or of bytes where there are some.
fn max_pool(draw: &mut Draw) -> Option<Drawn> {
    let of_bytes = draw.random.one_in(3) && draw.opset >= 12;
    let bytes = draw.value(|value| {
        of_bytes && matches!(value.dtype, Dtype::U8 | Dtype::I8) && value.shape.len() == 4
    });
    let x = match bytes {
        Some(bytes) => bytes,
        None => draw.picture()?,
    };
    let (mut attributes, kernel) = window(draw, &x);
    let whole = draw.random.one_in(8);
    let kernel = if whole { x.shape[2..].to_vec() } else { kernel };
    attributes.push(ints("kernel_shape", &kernel));
    if draw.random.one_in(4) {
        attributes.push(int("ceil_mode", 1));
    }
    Some(Drawn::new(vec![x.name], attributes))
}

fn average_pool(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.picture()?;
    let (mut attributes, kernel) = window(draw, &x);
    attributes.push(ints("kernel_shape", &kernel));
    for name in ["ceil_mode", "count_include_pad"] {
        if draw.random.one_in(4) {
            attributes.push(int(name, 1));
        }
    }
    Some(Drawn::new(vec![x.name], attributes))
}

fn lp_pool(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.picture()?;
    let (mut attributes, kernel) = window(draw, &x);
    attributes.extend([ints("kernel_shape", &kernel), int("p", draw.random.pick(&[1, 2, 2, 3]))]);
    Some(Drawn::new(vec![x.name], attributes))
}

fn resize(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(3, 4)?;
    let mode = draw.random.pick(&["nearest", "nearest", "linear", "cubic"]);
    let mut attributes = vec![text("mode", mode)];
    if draw.opset >= 11 {
        let modes =
            ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel"];
        attributes.push(text("coordinate_transformation_mode", draw.random.pick(&modes)));
        if mode == "nearest" {
            let modes = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"];
            attributes.push(text("nearest_mode", draw.random.pick(&modes)));
        }
    }
    let factors: Vec<f32> =
        (2..x.shape.len()).map(|_| draw.random.pick(&[1.0, 2.0, 2.0, 3.0, 0.5, 1.5])).collect();
    let scales: Vec<f32> = [vec![1.0, 1.0], factors].concat();
    if draw.opset < 11 {
        let scales = reals(draw, &scales);
        return Some(Drawn::new(vec![x.name, scales], attributes));
    }
    if draw.random.one_in(3) {
        let resized = x.shape[2..].iter().map(|_| 1 + draw.random.below(9) as i64);
        let sizes = [x.shape[..2].to_vec(), resized.collect()].concat();
        let sizes = draw.ints(&sizes);
        return Some(Drawn::new(vec![x.name, String::new(), String::new(), sizes], attributes));
    }
    let scales = reals(draw, &scales);
    Some(Drawn::new(vec![x.name, String::new(), scales], attributes))
}

fn upsample(draw: &mut Draw) -> Option<Drawn> {
    let x = draw.ranked(4, 4)?;
    let mode = draw.random.pick(&["nearest", "linear"]);
    let mut attributes = vec![text("mode", mode)];
    let scales = [1.0, 1.0, draw.random.pick(&[1.0, 2.0]), draw.random.pick(&[2.0, 3.0])];
    if draw.opset < 9 {
        let mut attribute = ints("scales", &[]);
        attribute.r#type = mnv2c::proto::attribute_proto::AttributeType::Floats.into();
        attribute.floats = scales.to_vec();
        attributes.push(attribute);
        return Some(Drawn::new(vec![x.name], attributes));
    }
    let scales = reals(draw, &scales);
    Some(Drawn::new(vec![x.name, scales], attributes))
}

/// Constants of 32 bits, whatever the model's floats are.
fn reals(draw: &mut Draw, values: &[f32]) -> String {
    let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    draw.constant(DataType::Float, &[values.len() as i64], raw)
}

fn blocks(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let side = draw.random.pick(&[1, 2, 2, 3]);
    let fits = |value: &Value| match value.shape.as_slice() {
        [_, c, _, _] if name == "DepthToSpace" => c % (side * side) == 0,
        [_, _, h, w] => h % side == 0 && w % side == 0,
        _ => false,
    };
    let x = draw.value(|value| value.dtype.is_float() && fits(value))?;
    let mut attributes = vec![int("blocksize", side)];
    if name == "DepthToSpace" && draw.opset >= 11 && draw.random.one_in(2) {
        attributes.push(text("mode", "CRD"));
    }
    Some(Drawn::new(vec![x.name], attributes))
}
