//! Models that are wrong, and what the user is told.

use std::path::Path;

use mnv2c::error::Error;
use mnv2c::frontend::onnx::{self, OPERATORS, OPSETS, Options};
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::proto::{AttributeProto, ModelProto, TensorProto};
use prost::Message;

use crate::build::{Model, fixed, int, int_tensor, ints, raw_tensor, real, tensor, text};

fn message(bytes: Vec<u8>) -> String {
    match onnx::read(bytes, Path::new(""), &Options::default()) {
        Ok(graph) => format!("was read:\n{graph}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn bytes_that_are_no_model_are_told_apart() {
    assert!(message(vec![]).contains("no graph"));
    assert!(message(ModelProto::default().encode_to_vec()).contains("no graph"));
    for (bytes, words) in [
        (b"PK\x03\x04 a zip file, say".as_slice(), "a zip archive; unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>Not found</html>", "a web page and not the file itself"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "gunzip"),
        (b"\x1c\0\0\0TFL3\0\0\0\0", "a TFLite file; mnv2c reads it where a model is named"),
        (b"ir_version: 8", "text, which begins \"ir_version: 8\""),
    ] {
        let told = message(bytes.to_vec());
        assert!(told.starts_with("not a model: this is ") && told.contains(words), "{told}");
        assert!(!told.contains("Protobuf"), "{told}");
    }
    let mut bytes = Model::of(13, &[2], "Relu", vec![]).bytes();
    bytes.pop();
    assert!(message(bytes).contains("or a truncated one"));
    let mut model = Model::of(13, &[2], "Relu", vec![]);
    model.proto.opset_import.clear();
    assert!(message(model.bytes()).contains("imports no version of the standard operator set"));
}

#[test]
fn wrong_wiring_names_the_nodes() {
    let x = || Model::opset(13).input("x", &[2]);
    let mut named = x().node("Add", &["x", "lost"], &["y"], vec![]).output("y");
    named.graph().node[0].name = "sum".into();
    let wired = [
        (
            named,
            r#"Add "sum" reads "lost", which no node makes and which is neither an input nor an initializer"#,
        ),
        (x().output("y"), r#"the model answers with "y", which no node makes"#),
        (
            x().node("Add", &["x", "b"], &["a"], vec![])
                .node("Relu", &["a"], &["b"], vec![])
                .output("a"),
            r#"nodes wait for each other: Relu "b", Add "a""#,
        ),
        (
            x().node("Relu", &["x"], &["y"], vec![])
                .node("Tanh", &["x"], &["y"], vec![])
                .output("y"),
            r#"Tanh "y": "y" is made twice; values have one maker"#,
        ),
        (x().node("Relu", &["x"], &["x"], vec![]).output("x"), r#"Relu "x": "x" is made twice"#),
    ];
    for (model, expected) in wired {
        let error = model.read().map(|_| ()).expect_err(expected);
        assert!(matches!(error, Error::Wiring(_)), "{error:?}");
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn everything_unsupported_is_reported_at_once() {
    let mut model = Model::opset(13).input("x", &[1, 3, 8, 8]);
    let mut last = "x".to_owned();
    for i in 0..7 {
        let next = format!("up{i}");
        model = model.node("GridSample", &[&last], &[&next], vec![]);
        last = next;
    }
    let mut model = model
        .node("Pad", &["x", "widths"], &["a"], vec![text("mode", "mirror")])
        .ints("widths", &[0; 8])
        .node("Conv", &["a", "w"], &["b"], vec![])
        .floats("w", &[4, 3, 1, 1])
        .node("Relu", &["x"], &["c"], vec![int("speed", 9)])
        .node("FusedConv", &["b"], &["d"], vec![])
        .output(&last)
        .output("c")
        .output("d");
    model.graph().node.last_mut().expect("it has nodes").domain = "com.microsoft".into();
    let expected = r#"these are unsupported:
  GridSample: the operator is not supported (at "up0", "up1", "up2", "up3", "up4" and 2 more)
  Pad: mode=mirror; supported: constant, reflect, edge, wrap (at "a")
  Relu: attribute "speed" (at "c")
  com.microsoft.FusedConv: the operator is not supported: onnxruntime made it when it optimised the model for itself; use the original, from before that (at "d")"#;
    assert_eq!(model.text(), expected);
}

#[test]
fn what_a_tool_made_for_itself_is_told_with_where_it_comes_from() {
    let of = |domain: &str, op: &str| {
        let mut model = Model::of(13, &[2], op, vec![]);
        model.graph().node[0].domain = domain.into();
        model.text()
    };
    for (domain, op) in [
        ("com.microsoft.nchwc", "Conv"),
        ("com.microsoft.nchwc", "ReorderInput"),
        ("com.ms.internal.nhwc", "Conv"),
        ("com.microsoft", "FusedMatMul"),
        ("com.microsoft", "NhwcMaxPool"),
        ("", "SimplifiedLayerNormalization"),
    ] {
        let text = of(domain, op);
        assert!(text.contains("onnxruntime made it when it optimised the model"), "{text}");
    }
    assert!(of("", "EfficientNMS_TRT").contains("only TensorRT has it"));
    assert!(of("com.example", "FusedConv").contains("the operator is not supported (at"));
}

#[test]
fn each_thing_that_is_unsupported_has_its_reason() {
    let six = [1, 1, 4, 4, 4, 4];
    let spaced = vec![ints("dilations", &[1 << 22, 1]), text("auto_pad", "SAME_LOWER")];
    let padded = Model::opset(13).input("x", &[1, 1, 8, 8]).floats("w", &[1, 1, 4, 3]);
    let conv4d = Model::opset(13).input("x", &six).floats("w", &[1; 6]);
    let strings = TensorProto {
        string_data: vec![b"a".to_vec()],
        ..raw_tensor("w", DataType::String, &[1], vec![])
    };
    let open = Model::opset(13).input("x", &[2]).input("lo", &[]);
    let typed = |kind| {
        Model::opset(13).input_of("x", kind, vec![fixed(2)]).node("Relu", &["x"], &["y"], vec![])
    };
    let unsupported = [
        (
            Model::of(29, &[2], "Relu", vec![]),
            "operator set: version 29; export the model with one of 6 to 28",
        ),
        (
            Model::of(5, &[2], "Relu", vec![]),
            "operator set: version 5; export the model with one of 6 to 28",
        ),
        (
            padded.node("Conv", &["x", "w"], &["y"], spaced).output("y"),
            "Conv: pads [6291456, 1, 6291456, 1] of a window with dilation [4194304, 1]; up to 65536",
        ),
        (
            conv4d.node("Conv", &["x", "w"], &["y"], vec![]).output("y"),
            "Conv: an input of rank 6; supported: 3, 4 and 5",
        ),
        (
            open.node("Tile", &["x", "lo"], &["y"], vec![]).output("y"),
            "Tile: operand 1 that is computed at run time",
        ),
        (typed(DataType::Double).output("y"), "input: type double; supported: float, float16"),
        (
            typed(DataType::Float).output_of("y", DataType::Double),
            "output: type double; supported: float, float16",
        ),
        (
            Model::opset(13).tensor(strings).node("Identity", &["w"], &["y"], vec![]).output("y"),
            "Identity: constants of type string",
        ),
        (
            Model::opset(13)
                .tensor(raw_tensor("w", DataType::Float8e5m2, &[1], vec![0]))
                .output("w"),
            "output: constants of type float8e5m2",
        ),
        (Model::of(13, &[2], "Shape", vec![]), "output: type i64; supported: float, float16"),
        (Model::of(13, &[2], "Cast", vec![int("to", 5)]), "Cast: a cast to int16"),
    ];
    for (model, expected) in unsupported {
        let error = model.read().map(|_| ()).expect_err(expected);
        assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}\nlacks {expected}");
    }
}

#[test]
fn nodes_that_contradict_themselves_say_how() {
    let conv = |attributes| {
        let x = Model::opset(13).input("x", &[1, 32, 8, 8]).floats("w", &[8, 32, 3, 3]);
        x.node("Conv", &["x", "w"], &["y"], attributes).output("y")
    };
    let two = |op: &str, a: &[i64], b: &[i64]| {
        Model::opset(13)
            .input("x", a)
            .input("b", b)
            .node(op, &["x", "b"], &["y"], vec![])
            .output("y")
    };
    let filled = |dims: &[i64]| {
        let model = Model::opset(13).ints("dims", dims);
        model.node("ConstantOfShape", &["dims"], &["y"], vec![]).output("y")
    };
    let clip = vec![real("min", f32::NAN), real("max", 0.0)];
    let wrong = [
        (conv(vec![int("group", 3)]), "group 3 with 32 input channels and weights [8, 32, 3, 3]"),
        (conv(vec![int("group", -1)]), "group -1; it counts groups"),
        (
            conv(vec![ints("kernel_shape", &[5, 5])]),
            "kernel_shape is [5, 5] but the weights are [8, 32, 3, 3]",
        ),
        (conv(vec![ints("strides", &[0, 1])]), "of stride [0, 1]"),
        (conv(vec![ints("strides", &[1])]), "strides [1] for 2 dimensions"),
        (conv(vec![ints("pads", &[-1, 0, 0, 0])]), "pads [-1, 0, 0, 0] are not all sizes"),
        (conv(vec![ints("dilations", &[9, 9])]), "does not fit [8, 8]"),
        (conv(vec![real("group", 1.0)]), "attribute \"group\" is FLOAT; INT belongs there"),
        (two("Add", &[2, 3], &[4]), "shapes [2, 3] and [4] do not broadcast"),
        (two("MatMul", &[2, 3], &[4, 5]), "matmul multiplies depth 3 by depth 4"),
        (two("PRelu", &[3], &[2, 3]), "slopes [2, 3] do not broadcast to [3]"),
        (Model::of(13, &[2], "Add", vec![]), "operand 1 is missing"),
        (
            Model::of(13, &[2], "Transpose", vec![ints("perm", &[0, 1])]),
            "dimension 1 of a tensor that has 1",
        ),
        (Model::of(9, &[2], "Clip", clip), "its bounds NaN..0 are not numbers"),
        (Model::of(13, &[1, 2, 8, 8], "MaxPool", vec![]), "kernel_shape is missing"),
        (
            Model::of(13, &[2], "Gelu", vec![]),
            "came with operator set 20, but the model imports 13",
        ),
        (filled(&[1 << 40]), "has more than 2^31 elements"),
        (filled(&[1 << 40, 1 << 40, 0]), "has more than 2^31 elements"),
        (filled(&[-1]), "[-1] is no shape"),
        (filled(&[1; 33]), "a tensor of 33 dimensions; 32 is the most"),
        (
            Model::of(11, &[2], "Unsqueeze", vec![ints("axes", &[0; 99])]),
            "a tensor of 100 dimensions",
        ),
    ];
    for (model, expected) in wrong {
        let error = model.read().map(|_| ()).expect_err(expected);
        assert!(matches!(error, Error::Node { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}\nlacks {expected}");
    }
}

#[test]
fn numbers_a_channel_that_are_not_as_many_as_channels_are_refused() {
    let norm = |opset, op: &str, lens: &[i64], attributes: Vec<AttributeProto>| {
        let mut model = Model::opset(opset).input("x", &[1, 4, 6, 6]);
        let names: Vec<String> = (0..lens.len()).map(|at| format!("p{at}")).collect();
        for (name, len) in names.iter().zip(lens) {
            model = model.floats(name, &[*len]);
        }
        let operands: Vec<&str> =
            [&["x"], names.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat();
        model.node(op, &operands, &["y"], attributes).output("y")
    };
    let biased = |op: &str, bias: i64| {
        let model = Model::opset(13).input("x", &[1, 4, 6, 6]).floats("w", &[4, 4, 1, 1]);
        model.floats("b", &[bias]).node(op, &["x", "w", "b"], &["y"], vec![]).output("y")
    };
    let groups = || vec![int("num_groups", 2)];
    let wrong = [
        norm(13, "InstanceNormalization", &[3, 4], vec![]),
        norm(13, "InstanceNormalization", &[4, 1], vec![]),
        norm(18, "GroupNormalization", &[1, 2], groups()),
        norm(18, "GroupNormalization", &[2, 4], groups()),
        norm(21, "GroupNormalization", &[2, 4], groups()),
        norm(21, "GroupNormalization", &[4, 2], groups()),
        norm(17, "LayerNormalization", &[5, 6], vec![]),
        norm(17, "LayerNormalization", &[6, 4], vec![]),
        norm(15, "BatchNormalization", &[3, 4, 4, 4], vec![]),
        norm(15, "BatchNormalization", &[4, 1, 4, 4], vec![]),
        norm(15, "BatchNormalization", &[4, 4, 5, 4], vec![]),
        norm(15, "BatchNormalization", &[4, 4, 4, 6], vec![]),
        norm(13, "PRelu", &[4], vec![]),
        norm(13, "PRelu", &[5], vec![]),
        biased("Conv", 1),
        biased("Conv", 5),
        biased("ConvTranspose", 3),
    ];
    for model in wrong {
        let error = model.read().expect_err("some operand is too short or too long");
        assert!(matches!(error, Error::Node { .. }), "{error:?}");
        assert!(error.to_string().contains('['), "{error}");
    }
    for model in [
        norm(18, "GroupNormalization", &[2, 2], groups()),
        norm(21, "GroupNormalization", &[4, 4], groups()),
        norm(15, "BatchNormalization", &[4; 4], vec![]),
        norm(13, "InstanceNormalization", &[4, 4], vec![]),
        biased("Conv", 4),
    ] {
        assert!(model.read().is_ok(), "{}", model.text());
    }
}

#[test]
fn a_name_of_any_length_makes_a_message_that_can_be_read() {
    let long = "n".repeat(200_000);
    let node = |op: &str, operand: &str| {
        Model::opset(13)
            .input("x", &[2, 3])
            .node(op, &["x", operand], &[&long], vec![])
            .output(&long)
    };
    for model in [node("Add", "nobody"), node("Add", ""), node("Bend", ""), node("Add", &long)] {
        let message = message(model.bytes());
        assert!(message.len() < 1000 && message.contains("nnn…nnn"), "{message:.2000}");
    }
    let open = Model::opset(13).input_of(&long, DataType::Float, vec![fixed(1), None]);
    let open = open.node("Relu", &[&long], &["y"], vec![]).output("y").bytes();
    let open = message(open);
    assert!(open.contains("nnn…nnn") && open.contains("is open"), "{open:.2000}");
}

#[test]
fn sizes_beyond_reason_are_faults_before_they_are_memory() {
    let x = Model::of(13, &[1 << 40], "Relu", vec![]);
    assert!(x.text().contains("has more than 2^31 elements"), "{}", x.text());
    let weights = raw_tensor("w", DataType::Float, &[1 << 40], vec![0; 8]);
    let model = Model::opset(13).tensor(weights).output("w");
    assert!(model.text().contains("has more than 2^31 elements"), "{}", model.text());
    let short = Model::opset(13)
        .tensor(raw_tensor("w", DataType::Float, &[1 << 20], vec![0; 8]))
        .output("w");
    assert!(
        short.text().contains("8 bytes are stored where its shape needs 4194304"),
        "{}",
        short.text()
    );
    let filled = Model::opset(13).ints("dims", &[1 << 30]);
    let filled = filled.node("ConstantOfShape", &["dims"], &["y"], vec![]).output("y");
    assert!(filled.text().contains("more than 2^29 elements of constants"), "{}", filled.text());
    let one = tensor("value", int_tensor("", &[1]));
    let counted = Model::opset(13).ints("dims", &[1 << 25]);
    let counted = counted.node("ConstantOfShape", &["dims"], &["y"], vec![one]).output("y");
    assert!(
        counted.text().contains("a computed constant of 33554432 elements of i64"),
        "{}",
        counted.text()
    );
}

#[test]
fn a_constant_that_cannot_be_read_is_blamed_once() {
    let model = Model::opset(13).tensor(raw_tensor("w", DataType::Float8e5m2, &[1], vec![0]));
    let model = model.node("Relu", &["w"], &["y"], vec![]).node("Tanh", &["w"], &["z"], vec![]);
    let expected = "this is unsupported:\n  Relu: constants of type float8e5m2 (at \"y\")";
    assert_eq!(model.output("y").output("z").text(), expected);
}

#[test]
fn integer_overflow_in_shapes_is_a_fault() {
    let arithmetic = |op: &str, a: i64, b: i64| {
        let model = Model::opset(13).ints("a", &[a]).ints("b", &[b]);
        model.node(op, &["a", "b"], &["y"], vec![]).output("y").text()
    };
    assert!(
        arithmetic("Mul", i64::MAX, 2)
            .contains("mul of 9223372036854775807 and 2 has no 64-bit result")
    );
    assert!(arithmetic("Div", i64::MIN, -1).contains("has no 64-bit result"));
    assert!(arithmetic("Div", 1, 0).contains("has no 64-bit result"));
}

#[test]
fn a_model_that_answers_nothing_is_refused() {
    let mut model = Model::of(13, &[2], "Relu", vec![]);
    model.graph().output.clear();
    assert!(model.text().contains("the graph names no output"), "{}", model.text());
}

#[test]
fn too_many_nodes_are_refused() {
    let mut model = Model::of(13, &[2], "Relu", vec![]);
    let node = model.graph().node[0].clone();
    model.graph().node = vec![node; (1 << 20) + 1];
    assert!(model.text().contains("1048576 is the most that is read"), "{}", model.text());
}

#[test]
fn floods_of_empty_messages_are_refused_before_they_are_decoded() {
    let field = |tag: u8, message: &[u8]| {
        let mut field = vec![tag << 3 | 2];
        prost::encoding::encode_varint(message.len() as u64, &mut field);
        field.extend(message);
        field
    };
    for (tag, len) in [(1, 1 << 22), (5, 1 << 22), (11, 1 << 24)] {
        let flood = message(field(7, &field(tag, &[]).repeat(len)));
        assert!(flood.contains("take more than 1024 MiB of memory"), "{flood}");
    }
    let attributes = message(field(7, &field(1, &field(5, &[]).repeat(1 << 22))));
    assert!(attributes.contains("take more than 1024 MiB of memory"), "{attributes}");
}

#[test]
fn the_operator_table_is_sorted_and_within_range() {
    assert!(OPERATORS.is_sorted_by(|a, b| a.name < b.name));
    for operator in OPERATORS {
        assert!(operator.since <= *OPSETS.end(), "{operator:?}");
        assert!(operator.attributes.is_sorted(), "{operator:?}");
    }
}
