//! Convolutions and pools over volumes answer what onnxruntime does, in the oracle and in the program.

use mnv2c::interp::Array;
use mnv2c::proto::AttributeProto;

use crate::build::{Model, int, ints, numbers, text};
use crate::truths::near;

/// A node of `op` over a volume of `shape`, with weights and maybe a bias of these shapes.
fn check(
    op: &str,
    shape: [usize; 5],
    constants: &[&[usize]],
    attributes: Vec<AttributeProto>,
    expected: &[f32],
) {
    let dims: Vec<i64> = shape.iter().map(|dim| *dim as i64).collect();
    let mut model = Model::opset(17).input("x", &dims);
    let mut inputs = vec!["x"];
    for (at, (name, shape)) in ["w", "b"].into_iter().zip(constants).enumerate() {
        model = model.tensor(numbers(name, shape, at + 2));
        inputs.push(name);
    }
    let model = model.node(op, &inputs, &["y"], attributes).output("y");
    let x = Array::f32(shape, numbers("x", &shape, 1).float_data);
    near(&model, x, &[expected]);
}

fn window(kernel: [i64; 3], pads: [i64; 6]) -> Vec<AttributeProto> {
    vec![ints("kernel_shape", &kernel), ints("strides", &[2, 1, 2]), ints("pads", &pads)]
}

#[test]
fn conv_in_groups_with_pads_strides_and_dilation() {
    let attributes = [
        window([2, 2, 3], [1, 0, 1, 1, 1, 0]),
        vec![int("group", 2), ints("dilations", &[2, 1, 1])],
    ];
    let expected = &[
        -0.421875, -0.453125, -0.390625, 0.671875, 0.703125, 0.15625, 1.21875, 1.15625, 0.78125,
        -0.359375, 0.46875, 0.9375,
    ];
    check("Conv", [1, 4, 4, 3, 3], &[&[2, 2, 2, 2, 3], &[2]], attributes.concat(), expected);
}

#[test]
fn conv_of_several_volumes_padded_to_the_same_size() {
    let attributes = vec![text("auto_pad", "SAME_LOWER"), ints("strides", &[2, 2, 1])];
    let expected = &[
        -0.09375, 0.078125, -0.578125, 0.09375, 0.671875, -0.21875, -0.203125, -0.4375, 0.484375,
        -0.046875, 0.546875, -0.46875, -0.609375, 0.34375, 0.03125, 0.40625, -0.109375, -0.140625,
        -0.15625, 0.4375, -0.53125, -0.09375, 0.59375, -0.421875,
    ];
    check("Conv", [2, 1, 3, 4, 3], &[&[1, 1, 3, 3, 2]], attributes, expected);
}

#[test]
fn the_greatest_of_windows_that_overhang() {
    let attributes = [window([2, 2, 3], [1, 0, 1, 0, 1, 1]), vec![int("ceil_mode", 1)]].concat();
    check(
        "MaxPool",
        [1, 2, 4, 3, 5],
        &[],
        attributes,
        &[
            0.625, 0.625, 0.5, 0.625, 0.625, 0.5, 0.0, 0.375, -0.125, 0.5, 0.625, 0.625, 0.5,
            0.625, 0.625, 0.25, 0.625, 0.625, 0.625, 0.5, 0.5, 0.625, 0.5, 0.5, 0.375, 0.375, 0.25,
            0.625, 0.625, 0.5, 0.25, 0.625, 0.125, 0.25, 0.625, 0.125, 0.5, 0.625, 0.625, 0.5,
            0.625, 0.625, 0.5, 0.5, 0.375, 0.625, 0.5, 0.5, 0.625, 0.625, 0.5, 0.625, 0.625, 0.5,
        ],
    );
}

#[test]
fn means_of_windows_with_and_without_their_pads() {
    let window = || window([3, 2, 2], [1, 0, 1, 1, 1, 0]);
    check(
        "AveragePool",
        [1, 2, 4, 3, 5],
        &[],
        window(),
        &[
            0.0,
            0.109375,
            -0.03125,
            -0.09375,
            0.015625,
            0.046875,
            -0.3125,
            -0.03125,
            0.0,
            0.2083333,
            -0.08333334,
            0.0625,
            0.0,
            -0.0625,
            0.08333334,
            -0.3333333,
            0.0625,
            -0.02083333,
            -0.09375,
            0.015625,
            0.046875,
            -0.1875,
            0.09375,
            -0.046875,
            -0.0625,
            0.21875,
            -0.09375,
            0.0,
            -0.0625,
            0.08333334,
            -0.2083333,
            0.07291666,
            -0.01041667,
            -0.08333334,
            0.08333334,
            0.0,
        ],
    );
    let counted = [window(), vec![int("count_include_pad", 1)]].concat();
    check(
        "AveragePool",
        [1, 2, 4, 3, 5],
        &[],
        counted,
        &[
            0.0,
            0.07291666,
            -0.02083333,
            -0.03125,
            0.01041667,
            0.03125,
            -0.05208333,
            -0.01041667,
            0.0,
            0.1041667,
            -0.08333334,
            0.0625,
            0.0,
            -0.0625,
            0.08333334,
            -0.08333334,
            0.03125,
            -0.01041667,
            -0.03125,
            0.01041667,
            0.03125,
            -0.0625,
            0.0625,
            -0.03125,
            -0.01041667,
            0.07291666,
            -0.03125,
            0.0,
            -0.0625,
            0.08333334,
            -0.1041667,
            0.07291666,
            -0.01041667,
            -0.02083333,
            0.04166667,
            0.0,
        ],
    );
}

#[test]
fn a_volume_too_deep_to_lay_out_is_refused_in_words() {
    let model = Model::opset(17)
        .input("x", &[1, 1, 5000, 2, 2])
        .tensor(numbers("w", &[1, 1, 1, 1, 1], 1))
        .node("Conv", &["x", "w"], &["y"], vec![])
        .output("y");
    let message = model.read().expect_err("this is not read").to_string();
    assert!(message.contains("a result 5000 deep"), "{message}");
}
