//! Operators that bytes have too, scales or none: what they move and bound is what lies in memory, in the oracle and in
//! the program.

use mnv2c::interp::Array;
use mnv2c::ir::Values;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int, text};
use crate::bytes::operators;
use crate::truths::answers;

/// Bytes as the file has them.
const BYTES: [u8; 8] = [0, 1, 90, 127, 128, 150, 254, 255];

fn unsigned() -> (Model, Array) {
    let model = Model::opset(14).bytes_input(DataType::Uint8, &[1, 8, 1, 1]);
    (model, Array { shape: vec![1, 8, 1, 1], values: Values::U8(BYTES.to_vec()) })
}

/// Floats, whose bytes are signed and as many steps as the floats: a model has no signed inputs.
fn signed() -> (Model, Array) {
    let model = Model::opset(14)
        .input("floats", &[1, 8, 1, 1])
        .scalar("s", 1.0)
        .i8s("z", &[], &[0])
        .node("QuantizeLinear", &["floats", "s", "z"], &["x"], vec![]);
    (model, Array::f32([1, 8, 1, 1], BYTES.map(|q| f32::from(q as i8)).to_vec()))
}

#[test]
fn unsigned_bytes_are_bounded_as_they_lie() {
    let (model, given) = unsigned();
    let model = model
        .u8s("lo", &[], &[100])
        .u8s("hi", &[], &[200])
        .u8s("each", &[8, 1, 1], &[9, 0, 100, 0, 200, 0, 0, 7])
        .node("Clip", &["x", "lo", "hi"], &["clipped"], vec![])
        .node("Max", &["x", "each"], &["most"], vec![])
        .node("Min", &["x", "most", "lo"], &["least"], vec![])
        .node("Transpose", &["x"], &["same"], vec![])
        .node("Flatten", &["same"], &["list"], vec![int("axis", 0)])
        .ints("pairs", &[1, 8, 1, 1])
        .node("Reshape", &["list", "pairs"], &["again"], vec![])
        .node("Max", &["clipped", "again"], &["two"], vec![]);
    let names = ["clipped", "most", "least", "two"];
    let model = names.iter().fold(model, |model, name| model.output_of(name, DataType::Uint8));
    let each = [9, 0, 100, 0, 200, 0, 0, 7];
    let clipped = BYTES.map(|q| q.clamp(100, 200));
    let most: Vec<u8> = BYTES.iter().zip(each).map(|(q, each)| *q.max(&each)).collect();
    let least = BYTES.map(|q| q.min(100));
    let two = BYTES.map(|q| q.max(100));
    let expected = [clipped.to_vec(), most, least.to_vec(), two.to_vec()].map(Values::U8);
    assert_eq!(answers(&model, &[given]), expected);
}

#[test]
fn signed_bytes_are_bounded_as_they_lie() {
    let (model, given) = signed();
    let model = model
        .i8s("lo", &[], &[-100])
        .i8s("hi", &[], &[100])
        .node("Clip", &["x", "lo", "hi"], &["clipped"], vec![])
        .node("Relu", &["x"], &["relu"], vec![])
        .node("Min", &["relu", "hi"], &["least"], vec![])
        .node("DequantizeLinear", &["clipped", "s", "z"], &["a"], vec![])
        .node("DequantizeLinear", &["least", "s", "z"], &["b"], vec![])
        .output("a")
        .output("b");
    let numbers = BYTES.map(|q| f32::from(q as i8));
    let expected = [numbers.map(|x| x.clamp(-100.0, 100.0)), numbers.map(|x| x.clamp(0.0, 100.0))];
    assert_eq!(answers(&model, &[given]), expected.map(|x| Values::F32(x.to_vec())));
    let left = operators(&model.settled());
    assert!(!["max", "min", "flip"].iter().any(|op| left.contains(op)), "{left}");
}

#[test]
fn channels_of_bytes_become_pixels_and_pixels_channels() {
    for (mode, order) in [("DCR", [0, 2, 4, 6, 1, 3, 5, 7]), ("CRD", [0, 1, 2, 3, 4, 5, 6, 7])] {
        let (model, given) = unsigned();
        let attributes = vec![int("blocksize", 2), text("mode", mode)];
        let model = model
            .node("DepthToSpace", &["x"], &["y"], attributes)
            .node("SpaceToDepth", &["y"], &["back"], vec![int("blocksize", 2)])
            .output_of("y", DataType::Uint8)
            .output_of("back", DataType::Uint8);
        // Pixel by pixel, two channels each.
        let back = [0, 4, 1, 5, 2, 6, 3, 7].map(|at| order.map(|channel| BYTES[channel])[at]);
        let expected = [order.map(|channel| BYTES[channel]), back].map(|x| Values::U8(x.to_vec()));
        assert_eq!(answers(&model, &[given]), expected, "{mode}");
    }
}

#[test]
fn integers_are_bounded_as_floats_are() {
    let model = Model::opset(14)
        .input("x", &[2, 5])
        .node("ArgMax", &["x"], &["place"], vec![int("axis", 1)])
        .ints("one", &[1])
        .ints("three", &[3])
        .node("Clip", &["place", "one", "three"], &["y"], vec![])
        .output_of("y", DataType::Int64);
    let x = vec![9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0];
    assert_eq!(answers(&model, &[Array::f32([2, 5], x)]), [Values::I64(vec![1, 3])]);
}

#[test]
fn every_image_of_a_batch_has_its_bytes_and_integers() {
    let model = Model::opset(14)
        .input("x", &[2, 2, 1, 1])
        .floats("w", &[2, 2, 1, 1])
        .scale("y", 1.0, 10)
        .node("Conv", &["x", "w"], &["conv"], vec![])
        .node("ArgMax", &["conv"], &["place"], vec![int("axis", 1)])
        .quantize("conv", "y", "y")
        .output_of("place", DataType::Int64)
        .output_of("y", DataType::Uint8);
    let given = Array::f32([2, 2, 1, 1], vec![1.0, 2.0, -3.0, -1.0]);
    let expected = [Values::I64(vec![1, 0]), Values::U8(vec![12, 18, 9, 1])];
    assert_eq!(answers(&model, &[given]), expected);
}
