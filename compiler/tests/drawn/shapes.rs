//! Constants and arithmetic on shapes.

use mnv2c::ir::Dtype;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{int, int_tensor, ints, raw_tensor, real, tensor};
use crate::draw::{Draw, Drawn};

pub(super) fn form(draw: &mut Draw, name: &str) -> Option<Drawn> {
    match name {
        "Shape" => {
            let x = draw.number()?;
            let from = draw.axis(x.shape.len());
            let part = draw.opset >= 15 && draw.random.one_in(2);
            let attributes = if part { vec![int("start", from)] } else { vec![] };
            Some(Drawn::new(vec![x.name], attributes))
        }
        "Size" => draw.number().map(|x| Drawn::new(vec![x.name], vec![])),
        "Constant" => constant(draw),
        "ConstantOfShape" => filled(draw),
        "Range" => {
            let ends = [0, 1 + draw.random.below(6) as i64, 1];
            let ends = ends.map(|end| scalar(draw, end));
            Some(Drawn::new(ends.to_vec(), vec![]))
        }
        "Equal" | "Where" if draw.random.one_in(2) => of_shapes(draw, name),
        _ => None,
    }
}

fn scalar(draw: &mut Draw, value: i64) -> String {
    draw.constant(DataType::Int64, &[], value.to_le_bytes().to_vec())
}

fn constant(draw: &mut Draw) -> Option<Drawn> {
    let attribute = match draw.random.below(5) {
        0 if draw.opset >= 12 => real("value_float", 0.5),
        1 if draw.opset >= 12 => int("value_int", 2),
        2 if draw.opset >= 12 => ints("value_ints", &[1, -1]),
        3 => tensor("value", int_tensor("", &[1, -1])),
        _ => {
            let raw = draw.random.uniforms(4, -1.0, 1.0);
            let raw = raw.iter().flat_map(|x| x.to_le_bytes()).collect();
            tensor("value", raw_tensor("", DataType::Float, &[1, 4, 1, 1], raw))
        }
    };
    Some(Drawn::new(vec![], vec![attribute]))
}

fn filled(draw: &mut Draw) -> Option<Drawn> {
    let shape = match draw.random.one_in(2) {
        true => draw.value(|value| value.is_constant && value.dtype == Dtype::I64)?.name,
        false => draw.ints(&[1, 2]),
    };
    let value = tensor("value", int_tensor("", &[3]));
    let attributes = if draw.random.one_in(2) { vec![value] } else { vec![] };
    Some(Drawn::new(vec![shape], attributes))
}

/// As exporters spell a shape of which some sizes are chosen.
fn of_shapes(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let shape = draw.value(|value| value.is_constant && value.dtype == Dtype::I64)?;
    let one = draw.ints(&[1]);
    let inputs = match name {
        "Equal" => vec![shape.name, one],
        _ => {
            let mask = draw.value(|value| value.is_constant && value.shape == shape.shape)?;
            vec![mask.name, one, shape.name]
        }
    };
    Some(Drawn::new(inputs, vec![]))
}
