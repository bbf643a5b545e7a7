//! Old and new forms of each operator, and what they become.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int, ints, raw_tensor, real, text};

/// Reads `x` of `shape` through one node and compares the nodes that come out.
#[track_caller]
fn check(model: &Model, expected: &str) {
    assert_eq!(model.text(), expected);
}

#[test]
fn clip_takes_bounds_from_attributes_or_operands() {
    let expected = r#"%1 clamp "y" x=%0 0..6 -> f32[1,3]"#;
    check(&Model::of(6, &[1, 3], "Clip", vec![real("min", 0.0), real("max", 6.0)]), expected);
    let bounds = Model::opset(11).input("x", &[1, 3]).scalar("lo", 0.0).scalar("hi", 6.0);
    check(&bounds.clone().node("Clip", &["x", "lo", "hi"], &["y"], vec![]).output("y"), expected);
    let open = bounds.node("Clip", &["x", "", "hi"], &["y"], vec![]).output("y");
    check(&open, r#"%1 clamp "y" x=%0 ..6 -> f32[1,3]"#);
    let crossed = Model::of(6, &[1, 3], "Clip", vec![real("min", 2.0), real("max", 1.0)]);
    check(&crossed, r#"%1 clamp "y" x=%0 1..1 -> f32[1,3]"#);
}

#[test]
fn pad_takes_widths_from_attributes_or_operands() {
    let expected = r#"%1 pad "y" x=%0 [0, 0, 1, 2] [0, 0, 3, 4] with 0 -> f32[1,2,8,11]"#;
    let widths = [0, 0, 1, 2, 0, 0, 3, 4];
    check(&Model::of(10, &[1, 2, 4, 5], "Pad", vec![ints("pads", &widths)]), expected);
    let x = Model::opset(18).input("x", &[1, 2, 4, 5]).scalar("zero", 0.0);
    let all = x.clone().ints("pads", &widths).node("Pad", &["x", "pads", "zero"], &["y"], vec![]);
    check(&all.output("y"), expected);
    let some = x.ints("pads", &[2, 1, 4, 3]).ints("axes", &[-1, 2]);
    check(&some.node("Pad", &["x", "pads", "", "axes"], &["y"], vec![]).output("y"), expected);
}

#[test]
fn slice_takes_ranges_from_attributes_or_operands() {
    let expected = r#"%1 slice "y" x=%0 from [0, 1, 0] by [1, 1, 1] -> f32[1,3,6]"#;
    let ranges = vec![ints("starts", &[1]), ints("ends", &[-1]), ints("axes", &[1])];
    check(&Model::of(9, &[1, 5, 6], "Slice", ranges), expected);
    let x = Model::opset(13).input("x", &[1, 5, 6]).ints("axes", &[1]).ints("back", &[-2]);
    let x = x
        .ints("first", &[1])
        .ints("last", &[-1])
        .ints("least", &[i64::MIN])
        .ints("most", &[i64::MAX]);
    let forward = x.clone().node("Slice", &["x", "first", "last", "axes"], &["y"], vec![]);
    check(&forward.output("y"), expected);
    let backward = x.node("Slice", &["x", "most", "least", "axes", "back"], &["y"], vec![]);
    check(&backward.output("y"), r#"%1 slice "y" x=%0 from [0, 4, 0] by [1, -2, 1] -> f32[1,3,6]"#);
}

#[test]
fn squeeze_and_unsqueeze_take_axes_from_attributes_or_operands() {
    let axes = || vec![ints("axes", &[-1, 1])];
    check(&Model::of(11, &[2, 1, 3, 1], "Squeeze", axes()), r#"%1 reshape "y" x=%0 -> f32[2,3]"#);
    check(&Model::of(11, &[2, 3], "Unsqueeze", axes()), r#"%1 reshape "y" x=%0 -> f32[2,1,3,1]"#);
    check(&Model::of(13, &[2, 1, 3, 1], "Squeeze", vec![]), r#"%1 reshape "y" x=%0 -> f32[2,3]"#);
    let x = Model::opset(13).input("x", &[2, 3]).ints("axes", &[1, -1]);
    let y = x.node("Unsqueeze", &["x", "axes"], &["y"], vec![]).output("y");
    check(&y, r#"%1 reshape "y" x=%0 -> f32[2,1,3,1]"#);
}

#[test]
fn reductions_take_axes_from_attributes_or_operands() {
    let expected = r#"%1 reduce_mean "y" x=%0 axes [2, 3] -> f32[1,8]"#;
    let attributes = vec![ints("axes", &[-1, -2]), int("keepdims", 0)];
    check(&Model::of(13, &[1, 8, 7, 7], "ReduceMean", attributes), expected);
    let x = Model::opset(18).input("x", &[1, 8, 7, 7]).ints("axes", &[2, 3]);
    let y = x.node("ReduceMean", &["x", "axes"], &["y"], vec![int("keepdims", 0)]).output("y");
    check(&y, expected);
    let none = Model::of(18, &[2, 3], "ReduceSum", vec![int("noop_with_empty_axes", 1)]);
    check(&none, r#"%1 identity "y" x=%0 -> f32[2,3]"#);
    check(
        &Model::of(18, &[2, 3], "ReduceMax", vec![]),
        r#"%1 reduce_max "y" x=%0 axes [0, 1] -> f32[1,1]"#,
    );
}

#[test]
fn softmax_before_13_flattens_from_its_axis_on() {
    let flattened = r#"%1 reshape "y/rows" x=%0 -> f32[2,12]
%2 softmax "y/softmax" x=%1 axis 1 -> f32[2,12]
%3 reshape "y" x=%2 -> f32[2,3,4]"#;
    check(&Model::of(11, &[2, 3, 4], "Softmax", vec![]), flattened);
    check(
        &Model::of(11, &[2, 3, 1], "Softmax", vec![]),
        r#"%1 softmax "y" x=%0 axis 1 -> f32[2,3,1]"#,
    );
    check(
        &Model::of(13, &[2, 3, 4], "Softmax", vec![]),
        r#"%1 softmax "y" x=%0 axis 2 -> f32[2,3,4]"#,
    );
    let log = Model::of(13, &[2, 3, 4], "LogSoftmax", vec![int("axis", 0)]);
    check(&log, r#"%1 log_softmax "y" x=%0 axis 0 -> f32[2,3,4]"#);
}

#[test]
fn split_becomes_slices() {
    let split = |opset, size, attributes| {
        let x = Model::opset(opset).input("x", &[size, 2]).ints("sizes", &[1, 4]);
        let inputs: &[&str] = if opset == 13 { &["x", "sizes"] } else { &["x"] };
        x.node("Split", inputs, &["y", "z"], attributes).output("y").output("z")
    };
    let expected = r#"%1 slice "y" x=%0 from [0, 0] by [1, 1] -> f32[1,2]
%2 slice "z" x=%0 from [1, 0] by [1, 1] -> f32[4,2]"#;
    check(&split(11, 5, vec![ints("split", &[1, 4])]), expected);
    check(&split(13, 5, vec![]), expected);
    let uneven = r#"%1 slice "y" x=%0 from [0, 0] by [1, 1] -> f32[3,2]
%2 slice "z" x=%0 from [3, 0] by [1, 1] -> f32[2,2]"#;
    check(&split(18, 5, vec![int("num_outputs", 2)]), uneven);
}

#[test]
fn old_broadcasting_aligns_at_the_axis() {
    let add = |opset, attributes| {
        let x = Model::opset(opset).input("x", &[2, 3, 4]).input("b", &[3]);
        x.node("Add", &["x", "b"], &["y"], attributes).output("y")
    };
    let aligned = r#"%2 reshape "y/aligned" x=%1 -> f32[3,1]
%3 add "y" a=%0 b=%2 -> f32[2,3,4]"#;
    check(&add(6, vec![int("broadcast", 1), int("axis", 1)]), aligned);
    check(&add(6, vec![]), r#"Add "y": shapes [2, 3, 4] and [3] differ, and broadcast is not set"#);
    check(&add(7, vec![]), r#"Add "y": shapes [2, 3, 4] and [3] do not broadcast"#);
}

#[test]
fn old_prelu_slopes_lie_along_the_channels() {
    let prelu = |opset, slopes: &[i64]| {
        let x = Model::opset(opset).input("x", &[1, 3, 4, 4]).input("s", slopes);
        x.node("PRelu", &["x", "s"], &["y"], vec![]).output("y")
    };
    let aligned = r#"%2 reshape "y/slope" x=%1 -> f32[3,1,1]
%3 prelu "y" x=%0 slope=%2 -> f32[1,3,4,4]"#;
    check(&prelu(6, &[3]), aligned);
    check(&prelu(7, &[3, 1, 1]), r#"%2 prelu "y" x=%0 slope=%1 -> f32[1,3,4,4]"#);
}

#[test]
fn batch_norm_reads_its_old_attributes_and_spare_results() {
    let statistics = ["x", "s", "b", "m", "v"];
    let norm = |opset, attributes| {
        let mut model = Model::opset(opset).input("x", &[1, 3, 4, 4]);
        for name in &statistics[1..] {
            model = model.floats(name, &[3]);
        }
        let outputs = ["y", "mean", "", "saved"];
        model.node("BatchNormalization", &statistics, &outputs, attributes).output("y")
    };
    let old =
        vec![int("spatial", 1), int("is_test", 1), real("momentum", 0.9), real("epsilon", 0.001)];
    check(
        &norm(7, old),
        r#"%1 batch_norm "y" x=%0 scale=f32[3] bias=f32[3] mean=f32[3] var=f32[3] epsilon 0.001 -> f32[1,3,4,4]"#,
    );
    let used = norm(9, vec![]).output("mean");
    let told = "this is unsupported:\n  BatchNormalization: result 1, which is used (at \"y\")\n  to compile what comes \
                before, give outputs y";
    check(&used, told);
}

#[test]
fn dropout_is_the_identity_unless_its_mask_is_used() {
    let x = Model::opset(13).input("x", &[2]).scalar("ratio", 0.5);
    let dropout = x.node("Dropout", &["x", "ratio"], &["y", "mask"], vec![]).output("y");
    check(&dropout, r#"%1 identity "y" x=%0 -> f32[2]"#);
    let masked = dropout.node("Cast", &["mask"], &["z"], vec![int("to", 1)]).output("z");
    let told = "this is unsupported:\n  Dropout: result 1, which is used (at \"y\")\n  to compile what comes before, \
                give outputs y";
    check(&masked, told);
}

#[test]
fn auto_pad_becomes_numbers() {
    let conv = |pad: &str| {
        let x = Model::opset(11).input("x", &[1, 1, 6, 7]).floats("w", &[1, 1, 3, 3]);
        x.node("Conv", &["x", "w"], &["y"], vec![text("auto_pad", pad), ints("strides", &[2, 2])])
            .output("y")
    };
    let expected =
        |pads, out| format!(r#"%1 conv "y" x=%0 w=f32[1,1,3,3] k3x3 s2{pads} -> f32[1,1,{out}]"#);
    check(&conv("SAME_UPPER"), &expected(" p0/1/1/1", "3,4"));
    check(&conv("SAME_LOWER"), &expected(" p1/1/0/1", "3,4"));
    check(&conv("VALID"), &expected("", "2,3"));
}

#[test]
fn auto_pad_of_windows_that_leave_pixels_out_is_refused_where_runtimes_disagree() {
    let pool = |operator: &str, width: i64, pad: &str| {
        let attributes =
            vec![text("auto_pad", pad), ints("kernel_shape", &[1, 2]), ints("strides", &[1, 4])];
        let x = Model::opset(11).input("x", &[1, 1, 3, width]);
        x.node(operator, &["x"], &["y"], attributes).output("y").text()
    };
    for operator in ["AveragePool", "MaxPool"] {
        for pad in ["SAME_UPPER", "SAME_LOWER"] {
            let one_left = pool(operator, 7, pad);
            assert!(one_left.ends_with("k1x2 s1x4 -> f32[1,1,3,2]"), "{one_left}");
            let two_left = pool(operator, 8, pad);
            let words =
                "auto_pad=SAME of a [1, 2] window of stride [1, 4] that leaves 2 pixels out";
            assert!(two_left.contains(words), "{two_left}");
            assert!(two_left.contains("export explicit pads"), "{two_left}");
        }
    }
}

#[test]
fn windows_over_signals_become_windows_of_one_row() {
    let x = Model::opset(11).input("x", &[1, 4, 10]).floats("w", &[8, 2, 3]).floats("b", &[8]);
    let attributes = vec![int("group", 2), ints("pads", &[1, 2]), ints("dilations", &[2])];
    let conv = x.node("Conv", &["x", "w", "b"], &["y"], attributes).output("y");
    let expected = r#"%1 reshape "y/picture" x=%0 -> f32[1,4,1,10]
%2 conv "y/windows" x=%1 w=f32[8,2,1,3] b=f32[8] k1x3 s1 d1x2 p0/1/0/2 g2 -> f32[1,8,1,9]
%3 reshape "y" x=%2 -> f32[1,8,9]"#;
    check(&conv, expected);
}

#[test]
fn rounding_up_pads_a_pool_below_and_right() {
    let pool = |op: &str, size, mut attributes: Vec<_>| {
        attributes.extend([
            ints("kernel_shape", &[3, 3]),
            ints("strides", &[2, 2]),
            int("ceil_mode", 1),
        ]);
        Model::of(11, &[1, 1, size, size], op, attributes)
    };
    let expected =
        |name, pads, out| format!(r#"%1 {name} "y" x=%0 k3x3 s2{pads} -> f32[1,1,{out}]"#);
    check(&pool("MaxPool", 8, vec![]), &expected("max_pool", " p0/0/1/1", "4,4"));
    check(&pool("MaxPool", 7, vec![]), &expected("max_pool", "", "3,3"));
    check(&pool("AveragePool", 8, vec![]), &expected("average_pool", " p0/0/1/1", "4,4"));
    let counted = pool("AveragePool", 8, vec![int("count_include_pad", 1)]).text();
    assert!(counted.contains("ceil_mode with count_include_pad"), "{counted}");
}

/// Both rows that the window takes lie above and below the only one there is.
#[test]
fn a_window_of_padding_alone_has_the_least_number() {
    let attributes = vec![
        ints("kernel_shape", &[2, 1]),
        ints("dilations", &[2, 1]),
        ints("pads", &[1, 0, 1, 0]),
    ];
    let graph = Model::of(18, &[1, 2, 1, 2], "MaxPool", attributes).read().unwrap();
    let x = Array { shape: vec![1, 2, 1, 2], values: Values::F32(vec![1.0, -2.0, 3.0, 4.0]) };
    assert_eq!(interp::run(&graph, &[x]).unwrap()[0].values, Values::F32(vec![f32::MIN; 4]));
}

#[test]
fn global_pools_become_reductions() {
    let expected = r#"%1 reduce_mean "y" x=%0 axes [2, 3] -> f32[1,8,1,1]"#;
    check(&Model::of(9, &[1, 8, 7, 7], "GlobalAveragePool", vec![]), expected);
}

#[test]
fn products_of_vectors_lose_a_dimension() {
    let matmul = |a: &[i64], b: &[i64]| {
        let x = Model::opset(13).input("a", a).input("b", b);
        let text = x.node("MatMul", &["a", "b"], &["y"], vec![]).output("y").text();
        text.rsplit(" -> ").next().map(str::to_owned)
    };
    let shape = |text: &str| Some(text.to_owned());
    assert_eq!(matmul(&[2, 3, 4], &[4, 5]), shape("f32[2,3,5]"));
    assert_eq!(matmul(&[4], &[2, 4, 5]), shape("f32[2,5]"));
    assert_eq!(matmul(&[2, 3, 4], &[4]), shape("f32[2,3]"));
    assert_eq!(matmul(&[4], &[4]), shape("f32[]"));
}

#[test]
fn gemm_does_without_a_bias() {
    let gemm = Model::opset(11).input("a", &[2, 3]).floats("b", &[4, 3]);
    let y = gemm
        .node("Gemm", &["a", "b"], &["y"], vec![int("transB", 1), real("alpha", 0.5)])
        .output("y");
    check(&y, r#"%1 gemm "y" a=%0 b=f32[4,3] alpha 0.5 beta 1 b' -> f32[2,4]"#);
}

#[test]
fn sums_of_many_become_chains() {
    let x = Model::opset(13).input("a", &[2]).input("b", &[1]).input("c", &[2]);
    let sum = x.node("Sum", &["a", "b", "c"], &["y"], vec![]).output("y");
    let expected = r#"%3 add "y/1" a=%0 b=%1 -> f32[2]
%4 add "y" a=%3 b=%2 -> f32[2]"#;
    check(&sum, expected);
}

#[test]
fn exponents_may_be_integers() {
    let x = Model::opset(13).input("x", &[2]).ints("two", &[2]);
    let pow = x.node("Pow", &["x", "two"], &["y"], vec![]).output("y");
    check(&pow, r#"%1 pow "y" a=%0 b=2 -> f32[2]"#);
}

#[test]
fn casts_round_to_the_digits_that_they_name() {
    let to = |kind: DataType| vec![int("to", i32::from(kind).into())];
    let x = [65504.0, 65520.0, -1e30, 2049.0, 3e-8, 1e-9, 257.0, 0.1];
    let f16 = [65504.0, f32::INFINITY, f32::NEG_INFINITY, 2048.0, 5.960_464_5e-8, 0.0, 257.0];
    let bf16 = [65536.0, 65536.0, -1.000_255_55e30, 2048.0, 3.003_515_3e-8, 9.968_062e-10, 256.0];
    for (kind, rounded, tenth) in [
        (DataType::Float16, f16, 0.099_975_586),
        (DataType::Bfloat16, bf16, 0.100_097_656),
        (DataType::Double, [65504.0, 65520.0, -1e30, 2049.0, 3e-8, 1e-9, 257.0], 0.1),
    ] {
        let expected = Values::F32([rounded.as_slice(), &[tenth]].concat());
        let cast = |model: Model, from| {
            let model = model.node("Cast", &[from], &["h"], to(kind));
            model.node("Cast", &["h"], &["y"], to(DataType::Float)).output("y").read().unwrap()
        };
        let at_run_time = cast(Model::opset(18).input("x", &[8]), "x");
        let array = Array::f32([8], x.to_vec());
        assert_eq!(interp::run(&at_run_time, &[array]).unwrap()[0].values, expected, "{kind:?}");
        let stored = raw_tensor(
            "c",
            DataType::Float,
            &[8],
            x.iter().flat_map(|x| x.to_le_bytes()).collect(),
        );
        let folded = cast(Model::opset(18).tensor(stored), "c");
        assert_eq!(folded.constant(folded.outputs[0].node), Some(&expected), "{kind:?}");
    }
}

#[test]
fn an_input_that_convolutions_in_sixteen_bits_read_keeps_its_digits() {
    let to = |kind: DataType| vec![int("to", i32::from(kind).into())];
    let half = Model::opset(18).floats("w", &[1, 1, 1, 1]).input("x", &[1, 1, 1, 2]);
    let half = half.node("Cast", &["x"], &["h"], to(DataType::Float16));
    let moved = half.clone().node("Transpose", &["h"], &["t"], vec![ints("perm", &[0, 1, 3, 2])]);
    let moved = moved.node("Conv", &["t", "w"], &["y"], vec![]).output("y");
    assert!(moved.text().starts_with(r#"%1 identity "h" x=%0"#), "{}", moved.text());
    let back = half.clone().node("Cast", &["h"], &["f"], to(DataType::Float));
    let back = back.node("Conv", &["f", "w"], &["y"], vec![]).output("y");
    let both = half.node("Conv", &["h", "w"], &["y"], vec![]);
    let both = both.node("Add", &["h", "y"], &["z"], vec![]).output("z");
    for rounded in [back, both] {
        assert!(rounded.text().contains(r#"to_f16 "h" x=%0"#), "{}", rounded.text());
    }
}

#[test]
fn answers_of_sixteen_bits_are_rounded_once() {
    let x = Model::opset(18).input("x", &[2]).node("Relu", &["x"], &["r"], vec![]);
    let to_half = vec![int("to", i32::from(DataType::Float16).into())];
    let cast = x.clone().node("Cast", &["r"], &["y"], to_half).output_of("y", DataType::Float16);
    let expected = r#"%1 clamp "r" x=%0 0.. -> f32[2]
%2 to_f16 "y" x=%1 -> f32[2]
%3 identity "y/f16" x=%2 -> f16[2]"#;
    check(&cast, expected);
    let expected = r#"%1 clamp "r" x=%0 0.. -> f32[2]
%2 to_f16 "r/rounded" x=%1 -> f32[2]
%3 identity "r/f16" x=%2 -> f16[2]"#;
    check(&x.output_of("r", DataType::Float16), expected);
}

#[test]
fn gathering_one_row_is_a_slice() {
    let tensor = raw_tensor("at", DataType::Int64, &[], (-1i64).to_le_bytes().to_vec());
    let x = Model::opset(13).input("x", &[2, 3, 4]).tensor(tensor);
    let y = x.node("Gather", &["x", "at"], &["y"], vec![int("axis", 1)]).output("y");
    let expected = r#"%1 slice "y/part" x=%0 from [0, 2, 0] by [1, 1, 1] -> f32[2,1,4]
%2 reshape "y" x=%1 -> f32[2,4]"#;
    check(&y, expected);
}
