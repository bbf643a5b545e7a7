//! Operators of the domain com.microsoft answer what onnxruntime 1.32 answered on x86-64, halves of steps included.
//!
//! It adds zero points before it rounds, in the file's type, so i8 and u8 differ where a float sum loses its last bit.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::proto::AttributeProto;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int, ints};
use crate::padded;

/// Bytes that are not in order.
const X: [u8; 24] = [
    0, 89, 178, 16, 105, 194, 32, 121, 210, 48, 137, 226, 64, 153, 242, 80, 169, 7, 96, 185, 23,
    112, 201, 39,
];

#[test]
fn averages_are_rounded_with_their_zero_point() {
    let x = [96, 185, 128, 217, 55, 144, 78, 167, 60, 149, 115, 204];
    let attributes = vec![ints("kernel_shape", &[1, 2]), ints("strides", &[1, 2])];
    let answer = |kind| {
        let model = of_one("QLinearAveragePool", kind, &[1, 1, 1, 12], attributes.clone());
        model.answer_to(kind, &x, [(0.1, 128), (0.1, 128)])
    };
    assert_eq!(answer(DataType::Uint8), Values::U8(vec![140, 172, 100, 122, 104, 160]));
    assert_eq!(answer(DataType::Int8), Values::I8(vec![13, 45, -29, -5, -23, 31]));
}

#[test]
fn products_are_rounded_with_their_zero_point() {
    let x = [68, 103, 124, 228];
    let names = ["x", "x_s", "x_z", "b", "b_s", "b_z", "y_s", "y_z"];
    let answer = |kind| {
        let model = Model::opset(13).bytes_input(kind, &[4]);
        let model = byte_constant(model, kind, "b", &[4], &[223, 212, 103, 63]);
        let model = scale(model, kind, "b", (0.05, 128));
        let model = model.microsoft("QLinearMul", &names, &["y"], vec![]).output_of("y", kind);
        model.answer_to(kind, &x, [(0.1, 128), (1.0, 128)])
    };
    assert_eq!(answer(DataType::Uint8), Values::U8(vec![100, 118, 128, 96]));
    assert_eq!(answer(DataType::Int8), Values::I8(vec![-29, -11, 1, -33]));
}

#[test]
fn windows_that_overhang_count_whole_and_channels_may_be_last() {
    let expected = [
        [0, 6, 19, 0, 21, 14, 5, 27, 11, 6, 19, 32, 0, 0, 21, 12],
        [8, 0, 23, 4, 18, 31, 12, 26, 16, 0, 15, 6, 0, 19, 10, 1],
    ];
    for (last, expected) in [0, 1].into_iter().zip(expected) {
        let shape = if last == 1 { [1, 3, 4, 2] } else { [1, 2, 3, 4] };
        let attributes = vec![
            int("ceil_mode", 1),
            int("channels_last", last),
            int("count_include_pad", 1),
            ints("kernel_shape", &[2, 2]),
            ints("pads", &[0, 1, 0, 0]),
            ints("strides", &[2, 1]),
        ];
        check("QLinearAveragePool", &shape, attributes, [(0.25, 100), (0.5, 7)], &expected);
    }
}

#[test]
fn means_of_channels_that_are_last_are_the_same() {
    let attributes = vec![int("channels_last", 1)];
    let scales = [(0.25, 100), (0.1, 7)];
    check("QLinearGlobalAveragePool", &[1, 3, 4, 2], attributes, scales, &[61, 22]);
}

#[test]
fn softmax_makes_whole_parts_of_one() {
    let attributes = vec![int("axis", -1), int("opset", 13)];
    let expected = [
        100, 101, 104, 100, 101, 105, 100, 101, 107, 100, 102, 110, 100, 102, 114, 101, 103, 100,
        101, 105, 100, 101, 106, 100,
    ];
    check("QLinearSoftmax", &[1, 24], attributes, [(0.02, 100), (0.015, 100)], &expected);
}

#[test]
fn a_tensor_of_zeros_has_steps_of_one() {
    let model = Model::opset(13).input("x", &[1, 3]).node(
        "DynamicQuantizeLinear",
        &["x"],
        &["q", "y", "z"],
        vec![],
    );
    assert_eq!(model.output("y").answer(Values::F32(vec![0.0; 3])), Values::F32(vec![1.0]));
}

#[test]
fn what_is_padded_is_padded_with_the_real_that_was_meant() {
    for kind in [DataType::Uint8, DataType::Int8] {
        let graph = padded::network(kind).settled();
        let x = Array { shape: vec![1, 2, 4, 4], values: values(kind, &padded::X) };
        let found = interp::run(&graph, &[x]).expect("the graph can be run");
        let names = graph.outputs.iter().map(|output| &output.name);
        for ((name, found), expected) in names.zip(found).zip(padded::answers()) {
            let kind_name = kind.as_str_name();
            assert_eq!(found.values, values(kind, &expected), "{name} of {kind_name}");
        }
    }
}

/// Checks what an operator makes of [`X`] in both types, which here are the same but for the turned bit.
fn check(
    op: &str,
    shape: &[i64],
    attributes: Vec<AttributeProto>,
    scales: [(f32, u8); 2],
    expected: &[u8],
) {
    for kind in [DataType::Uint8, DataType::Int8] {
        let model = of_one(op, kind, shape, attributes.clone());
        let answer = model.answer_to(kind, &X, scales);
        assert_eq!(answer, values(kind, expected), "{op} of {}", kind.as_str_name());
    }
}

/// An operator between two scales.
fn of_one(op: &str, kind: DataType, shape: &[i64], attributes: Vec<AttributeProto>) -> Model {
    Model::opset(13)
        .bytes_input(kind, shape)
        .microsoft(op, &["x", "x_s", "x_z", "y_s", "y_z"], &["y"], attributes)
        .output_of("y", kind)
}

impl Model {
    /// The answer to bytes between the scales of x and y; zero points are given as u8 too.
    fn answer_to(self, kind: DataType, x: &[u8], [of_x, of_y]: [(f32, u8); 2]) -> Values {
        let model = scale(scale(self, kind, "x", of_x), kind, "y", of_y);
        model.answer(values(kind, x))
    }
}

fn scale(model: Model, kind: DataType, name: &str, (scale, zero): (f32, u8)) -> Model {
    let model = model.scalar(&format!("{name}_s"), scale);
    byte_constant(model, kind, &format!("{name}_z"), &[], &[zero])
}

fn byte_constant(model: Model, kind: DataType, name: &str, shape: &[i64], x: &[u8]) -> Model {
    match values(kind, x) {
        Values::I8(x) => model.i8s(name, shape, &x),
        _ => model.u8s(name, shape, x),
    }
}

/// `x` in its type: i8 is u8 less 128.
fn values(kind: DataType, x: &[u8]) -> Values {
    match kind {
        DataType::Int8 => Values::I8(x.iter().map(|q| (q ^ 0x80) as i8).collect()),
        _ => Values::U8(x.to_vec()),
    }
}
