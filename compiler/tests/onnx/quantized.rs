//! Operators on bytes: what they answer, that both forms of a network give the same bytes, and what is refused.

use mnv2c::ir::Values;
use mnv2c::proto::AttributeProto;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int, ints, raw_tensor, real};
use crate::bytes::{answer, operators};

const X: [u8; 8] = [0, 3, 50, 100, 128, 130, 200, 255];

/// A depthwise convolution, a pointwise one with relu6, a sum, a mean and a product; weights of a scale a channel.
pub(crate) fn constants(model: Model) -> Model {
    let weights: Vec<i8> = (0..18).map(|i| (i * 37 % 251 - 125) as i8).collect();
    model
        .scale("in", 0.02, 120)
        .scale("a", 0.03, 100)
        .scale("b", 6.0 / 255.0, 0)
        .scale("c", 0.05, 60)
        .scale("d", 0.04, 50)
        .scale("e", 0.1, 90)
        .i8s("w1", &[2, 1, 3, 3], &weights)
        .reals("w1_s", &[0.004, 0.002])
        .i8s("w1_z", &[2], &[0, 0])
        .i32s("b1", &[2], &[300, -500])
        .reals("b1_s", &[0.02 * 0.004, 0.02 * 0.002])
        .i32s("b1_z", &[2], &[0, 0])
        .i8s("w2", &[2, 2, 1, 1], &[100, -50, 70, 90])
        .reals("w2_s", &[0.01, 0.02])
        .i8s("w2_z", &[2], &[0, 0])
        .i8s("w3", &[3, 2], &[9, 127, -128, 40, 0, -7])
        .reals("w3_s", &[0.01, 0.02, 0.03])
        .i8s("w3_z", &[3], &[0, 0, 0])
        .i32s("b3", &[3], &[10, 20, -3000])
        .reals("b3_s", &[0.04 * 0.01, 0.04 * 0.02, 0.04 * 0.03])
        .i32s("b3_z", &[3], &[0, 0, 0])
        .scalar("zero", 0.0)
        .scalar("six", 6.0)
}

fn depthwise() -> Vec<AttributeProto> {
    vec![int("group", 2), ints("pads", &[1, 1, 1, 1])]
}

fn of_layers() -> Model {
    constants(Model::opset(13).input("x", &[1, 2, 4, 4]))
        .quantize("x", "in", "q")
        .node(
            "QLinearConv",
            &["q", "in_s", "in_z", "w1", "w1_s", "w1_z", "a_s", "a_z", "b1"],
            &["qa"],
            depthwise(),
        )
        .node(
            "QLinearConv",
            &["qa", "a_s", "a_z", "w2", "w2_s", "w2_z", "b_s", "b_z"],
            &["qb"],
            vec![],
        )
        .microsoft(
            "QLinearAdd",
            &["qb", "b_s", "b_z", "qa", "a_s", "a_z", "c_s", "c_z"],
            &["qc"],
            vec![],
        )
        .microsoft("QLinearGlobalAveragePool", &["qc", "c_s", "c_z", "d_s", "d_z"], &["qd"], vec![])
        .node("Flatten", &["qd"], &["flat"], vec![])
        .microsoft(
            "QGemm",
            &["flat", "d_s", "d_z", "w3", "w3_s", "w3_z", "b3", "e_s", "e_z"],
            &["qe"],
            vec![int("transB", 1)],
        )
        .dequantize("qe", "e", "y")
        .output("y")
}

fn of_pairs() -> Model {
    let mut model = constants(Model::opset(13).input("x", &[1, 2, 4, 4]))
        .quantize("x", "in", "q")
        .dequantize("q", "in", "fx");
    for (integers, reals) in
        [("w1", "fw1"), ("b1", "fb1"), ("w2", "fw2"), ("w3", "fw3"), ("b3", "fb3")]
    {
        model = model.dequantize(integers, integers, reals);
    }
    model
        .node("Conv", &["fx", "fw1", "fb1"], &["ca"], depthwise())
        .quantize("ca", "a", "qa")
        .dequantize("qa", "a", "fa")
        .node("Conv", &["fa", "fw2"], &["cb"], vec![])
        .node("Clip", &["cb", "zero", "six"], &["clip"], vec![])
        .quantize("clip", "b", "qb")
        .dequantize("qb", "b", "fb")
        .node("Add", &["fb", "fa"], &["sum"], vec![])
        .quantize("sum", "c", "qc")
        .dequantize("qc", "c", "fc")
        .node("GlobalAveragePool", &["fc"], &["mean"], vec![])
        .quantize("mean", "d", "qd")
        .dequantize("qd", "d", "fd")
        .node("Flatten", &["fd"], &["flat"], vec![])
        .node("Gemm", &["flat", "fw3", "fb3"], &["product"], vec![int("transB", 1)])
        .quantize("product", "e", "qe")
        .dequantize("qe", "e", "y")
        .output("y")
}

#[test]
fn both_forms_of_a_network_give_the_same_bytes() {
    let (layers, pairs) = (of_layers().settled(), of_pairs().settled());
    let expected = "quantize qconv qconv qadd qmean reshape qdense dequantize";
    assert_eq!(operators(&layers), expected, "{layers}");
    assert_eq!(operators(&pairs), expected, "{pairs}");
    for seed in 0..20 {
        let x = (0..32).map(|i| ((i * 29 + seed * 13) % 101) as f32 * 0.05 - 2.5).collect();
        let x = Values::F32(x);
        assert_eq!(answer(&layers, x.clone()), answer(&pairs, x), "seed {seed}");
    }
}

#[test]
fn the_integers_are_near_the_floats_they_stand_for() {
    let (bytes, floats) = (of_pairs().settled(), of_pairs().read().expect("the model is sound"));
    let x = Values::F32((0..32).map(|i| (i * 29 % 101) as f32 * 0.05 - 2.5).collect());
    let [bytes, floats] = [answer(&bytes, x.clone()), answer(&floats, x)];
    let pairs = bytes.as_f32().unwrap().iter().zip(floats.as_f32().unwrap());
    pairs.for_each(|(a, b)| assert!((a - b).abs() <= 0.1001, "{bytes:?} {floats:?}"));
}

#[test]
fn signed_bytes_give_what_unsigned_ones_do() {
    let unsigned = Model::opset(13)
        .bytes_input(DataType::Uint8, &[8])
        .scale("a", 0.5, 28)
        .scale("b", 0.25, 128)
        .microsoft(
            "QLinearMul",
            &["x", "a_s", "a_z", "x", "a_s", "a_z", "b_s", "b_z"],
            &["y"],
            vec![],
        )
        .output_of("y", DataType::Uint8);
    let signed = Model::opset(13)
        .bytes_input(DataType::Int8, &[8])
        .scalar("a_s", 0.5)
        .i8s("a_z", &[], &[-100])
        .scalar("b_s", 0.25)
        .i8s("b_z", &[], &[0])
        .microsoft(
            "QLinearMul",
            &["x", "a_s", "a_z", "x", "a_s", "a_z", "b_s", "b_z"],
            &["y"],
            vec![],
        )
        .output_of("y", DataType::Int8);
    let x: [u8; 8] = [28, 29, 27, 33, 20, 50, 0, 255];
    assert_eq!(
        unsigned.answer(Values::U8(x.to_vec())),
        Values::U8(vec![128, 129, 129, 153, 192, 255, 255, 255])
    );
    let x = Values::I8(x.iter().map(|q| (q ^ 0x80) as i8).collect());
    assert_eq!(signed.answer(x), Values::I8(vec![0, 1, 1, 25, 64, 127, 127, 127]));
    assert_eq!(operators(&signed.settled()), "flip qmul flip");
}

#[test]
fn signed_bytes_between_operators_cost_nothing() {
    let model = Model::opset(13)
        .input("x", &[1, 2, 2, 2])
        .scalar("s", 0.5)
        .i8s("z", &[], &[-3])
        .node("QuantizeLinear", &["x", "s", "z"], &["q"], vec![])
        .node("MaxPool", &["q"], &["pool"], vec![ints("kernel_shape", &[2, 2])])
        .ints("flat", &[1, 2])
        .node("Reshape", &["pool", "flat"], &["row"], vec![])
        .node("DequantizeLinear", &["row", "s", "z"], &["y"], vec![])
        .output("y");
    assert_eq!(operators(&model.settled()), "quantize max_pool reshape dequantize");
    let x = Values::F32(vec![1.0, -9.0, 0.26, 0.0, -4.0, -3.0, -5.0, -100.0]);
    assert_eq!(model.answer(x), Values::F32(vec![1.0, -3.0]));
}

#[test]
fn functions_between_bytes_become_one_table() {
    let hard_swish = Model::opset(13)
        .bytes_input(DataType::Uint8, &[8])
        .scale("a", 0.1, 100)
        .scalar("three", 3.0)
        .scalar("zero", 0.0)
        .scalar("six", 6.0)
        .dequantize("x", "a", "fx")
        .node("Add", &["fx", "three"], &["moved"], vec![])
        .node("Clip", &["moved", "zero", "six"], &["gate"], vec![])
        .node("Mul", &["fx", "gate"], &["product"], vec![])
        .node("Div", &["product", "six"], &["swish"], vec![])
        .quantize("swish", "a", "y")
        .output_of("y", DataType::Uint8);
    assert_eq!(operators(&hard_swish.settled()), "table");
    let expected = Values::U8(vec![100, 100, 100, 100, 127, 130, 200, 255]);
    assert_eq!(hard_swish.answer(Values::U8(X.to_vec())), expected);
    let sigmoid = Model::opset(13)
        .bytes_input(DataType::Uint8, &[8])
        .scale("a", 0.1, 100)
        .scale("b", 1.0 / 256.0, 0)
        .microsoft("QLinearSigmoid", &["x", "a_s", "a_z", "b_s", "b_z"], &["y"], vec![])
        .output_of("y", DataType::Uint8);
    assert_eq!(operators(&sigmoid.settled()), "table");
    let expected = Values::U8(vec![0, 0, 2, 128, 241, 244, 255, 255]);
    assert_eq!(sigmoid.answer(Values::U8(X.to_vec())), expected);
}

#[test]
fn concat_brings_its_operands_to_one_scale() {
    let model = Model::opset(13)
        .bytes_input(DataType::Uint8, &[1, 8])
        .scale("a", 0.5, 100)
        .scale("b", 1.0, 0)
        .scale("y", 0.5, 100)
        .microsoft(
            "QLinearConcat",
            &["y_s", "y_z", "x", "a_s", "a_z", "x", "b_s", "b_z"],
            &["y"],
            vec![int("axis", 1)],
        )
        .output_of("y", DataType::Uint8);
    let rescaled = X.map(|q| (u32::from(q) * 2 + 100).min(255) as u8);
    assert_eq!(model.answer(Values::U8(X.to_vec())), Values::U8([X, rescaled].concat()));
    assert_eq!(operators(&model.settled()), "table concat");
}

#[test]
fn softmax_on_bytes_is_taken_in_floats() {
    let model = Model::opset(13)
        .bytes_input(DataType::Uint8, &[1, 4])
        .scale("a", 0.1, 100)
        .scale("b", 1.0 / 256.0, 0)
        .microsoft(
            "QLinearSoftmax",
            &["x", "a_s", "a_z", "b_s", "b_z"],
            &["y"],
            vec![int("axis", -1), int("opset", 13)],
        )
        .output_of("y", DataType::Uint8);
    assert_eq!(
        model.answer(Values::U8(vec![100, 100, 110, 120])),
        Values::U8(vec![21, 21, 57, 156])
    );
}

#[test]
fn scales_found_at_run_time_are_computed_in_floats() {
    let model = Model::opset(13)
        .input("x", &[2, 2])
        .u8s("w", &[2, 2], &[3, 4, 5, 250])
        .u8s("wz", &[2], &[3, 250])
        .node("DynamicQuantizeLinear", &["x"], &["q", "s", "z"], vec![])
        .node("MatMulInteger", &["q", "w", "z", "wz"], &["sums"], vec![])
        .node("Cast", &["sums"], &["floats"], vec![int("to", 1)])
        .node("Mul", &["floats", "s"], &["y"], vec![])
        .output("y");
    let x = Values::F32(vec![-1.0, 0.0, 1.55, 1.0]);
    // The scale is 0.01 and the zero point 100, so that nothing is rounded but the products.
    let Values::F32(y) = model.answer(x) else { panic!("floats are expected") };
    let expected = [0.0, 246.0, 2.0, -381.3];
    y.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-3, "{y:?}"));
    let zeros = model.answer(Values::F32(vec![0.0; 4]));
    assert_eq!(zeros, Values::F32(vec![0.0; 4]));
}

#[test]
fn weights_kept_in_floats_are_rounded_as_the_model_says() {
    let model = Model::opset(13)
        .input("x", &[1, 2])
        .scale("a", 1.0, 0)
        .reals("w", &[0.24, -0.26, 9e9, 0.25])
        .ints("shape", &[2, 2])
        .node("Reshape", &["w", "shape"], &["matrix"], vec![])
        .reals("w_s", &[0.5, 0.1])
        .i8s("w_z", &[2], &[0, 0])
        .node("QuantizeLinear", &["matrix", "w_s", "w_z"], &["qw"], vec![int("axis", 1)])
        .node("DequantizeLinear", &["qw", "w_s", "w_z"], &["fw"], vec![int("axis", 1)])
        .quantize("x", "a", "q")
        .dequantize("q", "a", "fx")
        .node("MatMul", &["fx", "fw"], &["y"], vec![])
        .output("y");
    assert_eq!(operators(&model.settled()), "quantize qdense");
    let Values::F32(y) = model.answer(Values::F32(vec![10.0, 1.0])) else {
        panic!("floats are expected")
    };
    assert!((y[0] - 63.5).abs() < 1e-4 && (y[1] + 2.8).abs() < 1e-4, "{y:?}");
}

#[test]
fn what_is_wrong_with_scales_names_node_and_remedy() {
    let quantize = |scale: f32| {
        let model = Model::opset(13).input("x", &[4]).scale("a", scale, 0);
        model.quantize("x", "a", "y").output_of("y", DataType::Uint8).refusal()
    };
    for bad in [0.0, -0.5, f32::NAN, f32::INFINITY] {
        let expected = format!(
            "QuantizeLinear \"y\": scale {bad} (operand 1); scales are positive and finite: quantise the model again"
        );
        assert_eq!(quantize(bad), expected);
    }
    let conv = |scales: &[f32], zeros: Model| {
        zeros
            .bytes_input(DataType::Uint8, &[1, 1, 2, 2])
            .scale("a", 1.0, 0)
            .i8s("w", &[3, 1, 1, 1], &[1, 2, 3])
            .reals("w_s", scales)
            .node(
                "QLinearConv",
                &["x", "a_s", "a_z", "w", "w_s", "w_z", "a_s", "a_z"],
                &["y"],
                vec![],
            )
            .output_of("y", DataType::Uint8)
            .refusal()
    };
    let expected =
        "QLinearConv \"y\": 2 scales (operand 4) for 3 channels; give one, or one a channel";
    assert_eq!(conv(&[1.0, 2.0], Model::opset(13).i8s("w_z", &[2], &[0, 0])), expected);
    let expected = "QLinearConv \"y\": 3 scales (operand 4) with 2 zero points (operand 5); each scale has one";
    assert_eq!(conv(&[1.0; 3], Model::opset(13).i8s("w_z", &[2], &[0, 0])), expected);
    let expected =
        "QLinearConv \"y\": operand 3 is i8, but its zero point is u8; they have one type";
    assert_eq!(conv(&[1.0], Model::opset(13).u8s("w_z", &[1], &[0])), expected);
    let expected = "QLinearConv \"y\": scale 0 (operand 4); scales are positive and finite: quantise the model again";
    assert_eq!(conv(&[1.0, 0.0, 1.0], Model::opset(13).i8s("w_z", &[3], &[0; 3])), expected);
}

#[test]
fn scales_that_are_not_as_many_as_channels_are_refused() {
    let conv = |weights: &[f32], zeros: &[i8], bias: usize| {
        constants(Model::opset(13).bytes_input(DataType::Uint8, &[1, 2, 4, 4]))
            .reals("s", weights)
            .i8s("z", &[zeros.len() as i64], zeros)
            .i32s("b", &[bias as i64], &vec![7; bias])
            .node(
                "QLinearConv",
                &["x", "in_s", "in_z", "w2", "s", "z", "a_s", "a_z", "b"],
                &["y"],
                vec![],
            )
            .output_of("y", DataType::Uint8)
    };
    assert!(conv(&[0.1; 2], &[0; 2], 2).read().is_ok());
    for model in [
        conv(&[0.1; 3], &[0; 2], 2),
        conv(&[0.1; 3], &[0; 3], 2),
        conv(&[0.1; 2], &[0; 3], 2),
        conv(&[0.1; 2], &[0; 2], 3),
        conv(&[0.1; 2], &[0; 2], 1),
    ] {
        assert!(model.refusal().contains(r#"QLinearConv "y""#), "{}", model.refusal());
    }
    let matrix = |scales: &[f32]| {
        constants(Model::opset(13).bytes_input(DataType::Uint8, &[1, 3]))
            .reals("s", scales)
            .node(
                "QLinearMatMul",
                &["x", "in_s", "in_z", "w3", "s", "in_z", "a_s", "a_z"],
                &["y"],
                vec![],
            )
            .output_of("y", DataType::Uint8)
    };
    assert!(matrix(&[0.1; 3]).refusal().contains(r#"QLinearMatMul "y""#));
    let weights = |scales: &[f32]| {
        constants(Model::opset(13).input("x", &[1, 3]))
            .reals("s", scales)
            .node("DequantizeLinear", &["w3", "s", "w3_z"], &["w"], vec![int("axis", 0)])
            .node("MatMul", &["x", "w"], &["y"], vec![])
            .output("y")
    };
    assert!(weights(&[0.1; 3]).read().is_ok());
    for scales in [&[0.1; 2][..], &[0.1; 4]] {
        let refusal = weights(scales).refusal();
        assert!(refusal.contains(r#"DequantizeLinear "w""#), "{refusal}");
    }
}

#[test]
fn a_zero_point_beyond_its_type_is_refused() {
    let mut zero = raw_tensor("a_z", DataType::Uint8, &[], Vec::new());
    zero.int32_data = vec![300];
    let model = Model::opset(13).input("x", &[4]).scalar("a_s", 0.5).tensor(zero);
    let model = model.quantize("x", "a", "y").output_of("y", DataType::Uint8);
    assert_eq!(model.refusal(), "not a model: constant \"a_z\": 300 does not fit its type");
    let model = Model::opset(13).input("x", &[4]).scalar("a_s", 0.5).i32s("a_z", &[], &[0]);
    let model = model.quantize("x", "a", "y").output_of("y", DataType::Uint8);
    assert_eq!(
        model.refusal(),
        "this is unsupported:\n  QuantizeLinear: a zero point of type i32; supported: int8 and uint8 (at \"y\")"
    );
}

#[test]
fn what_is_not_read_of_bytes_is_said() {
    let unsupported = |model: Model, reason: &str| {
        let text = model.refusal();
        assert!(text.contains(reason), "{text}\nlacks {reason}");
    };
    let x = || Model::opset(21).input("x", &[2, 4]);
    let channels = x().reals("a_s", &[1.0, 2.0]).u8s("a_z", &[2], &[0, 0]);
    unsupported(
        channels.quantize("x", "a", "y").output_of("y", DataType::Uint8),
        "2 scales (operand 1) of an activation; supported: one for the whole tensor",
    );
    let blocks = x().scale("a", 1.0, 0);
    unsupported(
        blocks
            .node("QuantizeLinear", &["x", "a_s", "a_z"], &["y"], vec![int("block_size", 2)])
            .output_of("y", DataType::Uint8),
        "block_size 2; supported: scales per tensor or channel",
    );
    let computed = x().u8s("a_z", &[], &[0]).node("Abs", &["x"], &["a_s"], vec![]);
    unsupported(
        computed.quantize("x", "a", "y").output_of("y", DataType::Uint8),
        "scales that are computed at run time (operand 1)",
    );
    let leaky = Model::opset(13).bytes_input(DataType::Uint8, &[2]).scale("a", 1.0, 0);
    unsupported(
        leaky
            .microsoft("QLinearLeakyRelu", &["x", "a_s"], &["y"], vec![real("alpha", 0.1)])
            .output_of("y", DataType::Uint8),
        "operand 3 is missing",
    );
}
