//! Inputs of a program for recorded inputs.

use mnv2c::error::{Error, Result};
use mnv2c::input;
use mnv2c::interp::Array;
use mnv2c::ir::{Graph, Values};
use mnv2c::model_io::{Form, Picture};

/// The inputs as the graph takes them: floats in place of integers that are no bytes.
pub(super) fn to_graph(inputs: Vec<Array>, graph: &Graph) -> Result<Vec<Array>> {
    let each = inputs.into_iter().enumerate().map(|(at, array)| {
        let Some(node) = graph.inputs.get(at).map(|id| graph.node(*id)) else { return Ok(array) };
        let told = |what| Error::Program(format!("input {:?} {what}", node.name));
        input::taken(array, node.out.dtype).map_err(told)
    });
    each.collect()
}

/// The inputs: of a picture among them what it was made of, and floats for signed bytes.
pub(super) fn to_program(inputs: Vec<Array>, picture: Option<&Picture>) -> Result<Vec<Array>> {
    let given = match picture {
        Some(picture) => before(&inputs, picture)?,
        None => inputs,
    };
    Ok(given.into_iter().map(widened).collect())
}

/// The input as floats, if it is signed bytes: programs take none.
fn widened(input: Array) -> Array {
    match &input.values {
        Values::I8(bytes) => {
            let floats = bytes.iter().map(|q| f32::from(*q)).collect();
            Array::f32(input.shape, floats)
        }
        _ => input,
    }
}

/// The inputs, but what the picture among them was made of.
fn before(inputs: &[Array], picture: &Picture) -> Result<Vec<Array>> {
    let is_picture = |input: &Array| input.shape.len() == 4 && Form::of(&input.shape).is_some();
    let given = |input: &Array| {
        if is_picture(input) { picture.before(input) } else { Ok(input.clone()) }
    };
    inputs.iter().map(given).collect()
}
