//! Products between bytes whose bias is added by a node of its own.

use mnv2c::ir::Values;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int};
use crate::bytes::operators;

/// A product of two rows by 3 x 2 weights, and what `add` adds to it.
fn model(add: impl Fn(Model) -> Model) -> Model {
    let model = Model::opset(13)
        .bytes_input(DataType::Uint8, &[2, 3])
        .scale("x", 0.5, 10)
        .scale("y", 0.25, 100)
        .i8s("w", &[3, 2], &[1, -2, 3, -4, 5, -6])
        .reals("w_s", &[0.5, 0.25])
        .i8s("w_z", &[2], &[0, 0])
        .dequantize("x", "x", "fx")
        .node("DequantizeLinear", &["w", "w_s", "w_z"], &["fw"], vec![int("axis", 1)])
        .node("MatMul", &["fx", "fw"], &["product"], vec![]);
    add(model).quantize("sum", "y", "y").output_of("y", DataType::Uint8)
}

#[test]
fn a_product_and_its_bias_are_one_layer_of_bytes() {
    let integers = model(|model| {
        model
            .i32s("b", &[2], &[40, -80])
            .reals("b_s", &[0.25, 0.125])
            .i32s("b_z", &[2], &[0, 0])
            .dequantize("b", "b", "fb")
            .node("Add", &["product", "fb"], &["sum"], vec![])
    });
    let floats = model(|model| {
        model.reals("b", &[10.0, -10.0]).node("Add", &["b", "product"], &["sum"], vec![])
    });
    for model in [integers, floats] {
        assert_eq!(operators(&model.settled()), "qdense");
        let answer = model.answer(Values::U8(vec![11, 10, 10, 0, 10, 14]));
        // 0.25 * 1 + 10 and -0.125 * 2 - 10, then 0.25 * (-10 + 20) + 10 and -0.125 * (-20 + 24) - 10.
        assert_eq!(answer, Values::U8(vec![141, 59, 150, 58]));
    }
}

#[test]
fn a_sum_that_is_no_bias_stays_in_floats() {
    let rows =
        model(|model| model.floats("b", &[2, 2]).node("Add", &["product", "b"], &["sum"], vec![]));
    let twice = model(|model| model.node("Add", &["product", "product"], &["sum"], vec![]));
    let read = model(|model| {
        model
            .reals("b", &[10.0, -10.0])
            .node("Add", &["product", "b"], &["sum"], vec![])
            .output("product")
    });
    for model in [rows, twice, read] {
        assert!(operators(&model.settled()).contains("add quantize"), "{}", model.settled());
    }
}
