//! Weights whose zero points leave more than 8 bits: the sums of layers are those of the integers, in the oracle and in
//! the program.

use mnv2c::interp::Array;
use mnv2c::ir::Values;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int, ints};
use crate::truths::answers;

const X_ZERO: i32 = 115;
const Y_ZERO: i32 = 100;

/// Zero points of two, of which the weights of the last layer channel fill all nine bits.
const ZEROS: [u8; 2] = [77, 0];

fn bytes(len: usize, step: usize) -> Vec<u8> {
    (0..len).map(|at| (at * step % 256) as u8).collect()
}

/// Steps of the result for a sum, 1024 of whose units are one.
fn byte(sum: i32) -> u8 {
    ((sum as f32 / 1024.0).round_ties_even() as i32 + Y_ZERO).clamp(0, 255) as u8
}

fn model(shape: &[i64]) -> Model {
    Model::opset(13)
        .bytes_input(DataType::Uint8, shape)
        .scale("x", 1.0, X_ZERO as u8)
        .scale("y", 1024.0, Y_ZERO as u8)
        .reals("w_s", &[1.0, 1.0])
        .u8s("w_z", &[2], &ZEROS)
}

/// Sums of windows of 3 by 3 over 4 channels of 5 by 5 pixels, padded by one, in groups.
fn convolved(x: &[u8], w: &[u8], bias: &[i32], group: usize) -> Vec<u8> {
    let each = 4 / group;
    let sum = |m: usize, row: usize, column: usize| {
        let taps = (0..each).flat_map(|c| (0..9).map(move |tap| (c, tap / 3, tap % 3)));
        let products = taps.map(|(c, i, j)| {
            let inside = (1..6).contains(&(row + i)) && (1..6).contains(&(column + j));
            let channel = m / (2 / group) * each + c;
            let at = |()| (channel * 5 + row + i - 1) * 5 + column + j - 1;
            let x = inside.then_some(()).map_or(0, |it| i32::from(x[at(it)]) - X_ZERO);
            x * (i32::from(w[(m * each + c) * 9 + i * 3 + j]) - i32::from(ZEROS[m]))
        });
        bias[m] + products.sum::<i32>()
    };
    let places = (0..2).flat_map(|m| (0..25).map(move |at| (m, at / 5, at % 5)));
    places.map(|(m, row, column)| byte(sum(m, row, column))).collect()
}

#[test]
fn convolutions_sum_integers_of_nine_bits() {
    for group in [1, 2] {
        let (x, w) = (bytes(100, 87), bytes(2 * 4 / group * 9, 101));
        let bias = [3000, -70_000];
        let names = ["x", "x_s", "x_z", "w", "w_s", "w_z", "y_s", "y_z", "b"];
        let attributes = vec![ints("pads", &[1; 4]), int("group", group as i64)];
        let model = model(&[1, 4, 5, 5])
            .u8s("w", &[2, 4 / group as i64, 3, 3], &w)
            .i32s("b", &[2], &bias)
            .node("QLinearConv", &names, &["y"], attributes)
            .output_of("y", DataType::Uint8);
        let given = Array { shape: vec![1, 4, 5, 5], values: Values::U8(x.clone()) };
        let expected = Values::U8(convolved(&x, &w, &bias, group));
        assert_eq!(answers(&model, &[given]), [expected], "{group} groups");
    }
}

#[test]
fn depthwise_convolutions_sum_integers_of_nine_bits() {
    let (x, w) = (bytes(2 * 16, 87), bytes(2 * 4, 101));
    let names = ["x", "x_s", "x_z", "w", "w_s", "w_z", "y_s", "y_z"];
    let attributes = vec![ints("strides", &[2, 2]), int("group", 2)];
    let model = model(&[1, 2, 4, 4])
        .u8s("w", &[2, 1, 2, 2], &w)
        .node("QLinearConv", &names, &["y"], attributes)
        .output_of("y", DataType::Uint8);
    let sum = |m: usize, row: usize, column: usize| -> i32 {
        let taps = (0..4).map(|tap| {
            let x = x[(m * 4 + row * 2 + tap / 2) * 4 + column * 2 + tap % 2];
            (i32::from(x) - X_ZERO) * (i32::from(w[m * 4 + tap]) - i32::from(ZEROS[m]))
        });
        taps.sum()
    };
    let expected = (0..8).map(|at| byte(sum(at / 4, at / 2 % 2, at % 2))).collect();
    let given = Array { shape: vec![1, 2, 4, 4], values: Values::U8(x.clone()) };
    assert_eq!(answers(&model, &[given]), [Values::U8(expected)]);
}

#[test]
fn products_sum_integers_of_nine_bits() {
    let (x, w) = (bytes(3 * 7, 87), bytes(7 * 2, 101));
    let sum = |row: usize, n: usize| -> i32 {
        let products = (0..7).map(|k| {
            let w = i32::from(w[k * 2 + n]) - i32::from(ZEROS[n]);
            (i32::from(x[row * 7 + k]) - X_ZERO) * w
        });
        products.sum()
    };
    let expected = (0..6).map(|at| byte(sum(at / 2, at % 2))).collect();
    let expected = [Values::U8(expected)];
    let turned: Vec<u8> = (0..14).map(|at| w[at % 7 * 2 + at / 7]).collect();
    let names = ["x", "x_s", "x_z", "w", "w_s", "w_z", "y_s", "y_z"];
    let matmul = model(&[3, 7]).u8s("w", &[7, 2], &w).node("QLinearMatMul", &names, &["y"], vec![]);
    let names = ["x", "x_s", "x_z", "w", "w_s", "w_z", "", "y_s", "y_z"];
    let gemm = |shape: &[i64], w: &[u8], turned: i64| {
        let attributes = vec![int("transB", turned)];
        model(&[3, 7]).u8s("w", shape, w).microsoft("QGemm", &names, &["y"], attributes)
    };
    for model in [matmul, gemm(&[7, 2], &w, 0), gemm(&[2, 7], &turned, 1)] {
        let model = model.output_of("y", DataType::Uint8);
        let given = Array { shape: vec![3, 7], values: Values::U8(x.clone()) };
        assert_eq!(answers(&model, &[given]), expected);
    }
}

#[test]
fn sums_of_products_are_given_as_integers() {
    let (x, w) = (bytes(3 * 7, 87), bytes(7 * 2, 101));
    let sum = |at: usize| -> i32 {
        let (row, n) = (at / 2, at % 2);
        let products = (0..7).map(|k| {
            let w = i32::from(w[k * 2 + n]) - i32::from(ZEROS[n]);
            (i32::from(x[row * 7 + k]) - X_ZERO) * w
        });
        products.sum()
    };
    let names = ["x", "w", "x_z", "w_z"];
    let matmul = model(&[3, 7])
        .u8s("w", &[7, 2], &w)
        .node("MatMulInteger", &names, &["y"], vec![])
        .output_of("y", DataType::Int32);
    let given = Array { shape: vec![3, 7], values: Values::U8(x.clone()) };
    assert_eq!(answers(&matmul, &[given]), [Values::I32((0..6).map(sum).collect())]);
    let turned: Vec<u8> = (0..14).map(|at| w[at % 7 * 2 + at / 7]).collect();
    let conv = model(&[1, 7, 1, 3])
        .u8s("w", &[2, 7, 1, 1], &turned)
        .node("ConvInteger", &names, &["y"], vec![])
        .output_of("y", DataType::Int32);
    let planes = (0..21).map(|at| x[at % 3 * 7 + at / 3]).collect();
    let given = Array { shape: vec![1, 7, 1, 3], values: Values::U8(planes) };
    let expected = (0..6).map(|at| sum(at % 3 * 2 + at / 3)).collect();
    assert_eq!(answers(&conv, &[given]), [Values::I32(expected)]);
}
