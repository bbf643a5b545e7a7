//! How each operator of TFLite is written in ONNX's.

pub(super) mod arithmetic;
pub(super) mod convolution;
pub(super) mod filter;
mod hybrid;
pub(super) mod image;
pub(super) mod moves;
pub(super) mod pool;
pub(super) mod recurrent;
pub(super) mod reduce;
mod turn;
pub(super) mod types;
pub(super) mod variables;
mod window;
mod words;

use crate::frontend::tflite::model::Operator;
use crate::frontend::tflite::schema::Table;
use crate::frontend::tflite::write::{Writer, Written, ints, number_of, read};

/// Functions that an operator applies to its result, by the numbers that the format gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fused {
    None,
    Relu,
    ReluN1To1,
    Relu6,
    Tanh,
}

impl Fused {
    /// The function in a field of `options`.
    fn of(options: Option<Table<'_>>, field: usize) -> Written<Self> {
        match byte(options, field)? {
            0 => Ok(Self::None),
            1 => Ok(Self::Relu),
            2 => Ok(Self::ReluN1To1),
            3 => Ok(Self::Relu6),
            4 => Ok(Self::Tanh),
            other => Err(format!("fused activation {other} is not supported")),
        }
    }

    /// The function of `x`.
    fn apply(self, writer: &mut Writer<'_>, x: String) -> String {
        match self {
            Self::None => x,
            Self::Relu => writer.node("Relu", &[&x], vec![]),
            Self::ReluN1To1 => clip(writer, &x, [-1.0, 1.0]),
            Self::Relu6 => clip(writer, &x, [0.0, 6.0]),
            Self::Tanh => writer.node("Tanh", &[&x], vec![]),
        }
    }
}

/// `x` between two bounds.
fn clip(writer: &mut Writer<'_>, x: &str, [lo, hi]: [f32; 2]) -> String {
    let (lo, hi) = (writer.number("min", lo), writer.number("max", hi));
    writer.node("Clip", &[x, &lo, &hi], vec![])
}

/// A field of one byte; 0 where there are no options.
fn byte(options: Option<Table<'_>>, field: usize) -> Written<u8> {
    options.map_or(Ok(0), |options| read(options.byte(field)))
}

/// A whole number of the options; `default` where there are none.
fn int(options: Option<Table<'_>>, field: usize, default: i32) -> Written<i64> {
    options.map_or(Ok(default), |options| read(options.int(field, default))).map(i64::from)
}

/// A real number of the options; `default` where there are none.
fn float(options: Option<Table<'_>>, field: usize, default: f32) -> Written<f32> {
    options.map_or(Ok(default), |options| read(options.float(field, default)))
}

/// The tensor that an operator reads at `port`.
fn operand(operator: &Operator<'_>, port: usize) -> Written<usize> {
    let missing = || format!("has no operand {port}");
    optional(operator, port).ok_or_else(missing)
}

/// The tensor that an operator may read at `port`.
fn optional(operator: &Operator<'_>, port: usize) -> Option<usize> {
    operator.inputs.get(port).copied().flatten()
}

/// The tensor that an operator makes.
fn result(operator: &Operator<'_>) -> Written<usize> {
    operator.outputs.first().copied().ok_or_else(|| "makes nothing".into())
}

/// The shape of an image `[n,h,w,c]`.
fn nhwc(writer: &Writer<'_>, tensor: usize) -> Written<[usize; 4]> {
    let shape = writer.model.shape(tensor);
    let refused = || format!("reads or makes {shape:?}; an image [n,h,w,c] belongs there");
    shape.try_into().map_err(|_| refused())
}

/// The floats of an image with its channels outside.
fn image_of(writer: &mut Writer<'_>, tensor: usize) -> Written<String> {
    nhwc(writer, tensor)?;
    let real = writer.real(tensor)?;
    Ok(writer.once(&real, "nchw", |writer| {
        writer.node("Transpose", &[&real], vec![ints("perm", &[0, 3, 1, 2])])
    }))
}

/// Gives the result of `operator` the value of an image with its channels outside, after `fused`.
fn answer_image(
    writer: &mut Writer<'_>,
    operator: &Operator<'_>,
    image: String,
    fused: Fused,
) -> Written {
    let image = fused.apply(writer, image);
    let rows = writer.node("Transpose", &[&image], vec![ints("perm", &[0, 2, 3, 1])]);
    writer.answer(&rows, result(operator)?)
}

/// `value` in the shape of `tensor`.
fn shaped(writer: &mut Writer<'_>, value: &str, shape: &[usize]) -> String {
    let shape: Vec<i64> = shape.iter().map(|dim| number_of(*dim)).collect();
    let shape = writer.integers("shape", &shape);
    writer.node("Reshape", &[value, &shape], vec![])
}
