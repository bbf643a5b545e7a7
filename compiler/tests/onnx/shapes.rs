//! Open dimensions, shape arithmetic, and the order and reach of nodes.

use mnv2c::frontend::onnx::Options;
use mnv2c::options::Door;
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::proto::tensor_shape_proto::dimension::Value as Dim;

use crate::build::{Model, fixed, int, int_tensor, named, tensor};

fn relu_of(dims: Vec<Option<Dim>>) -> Model {
    Model::opset(13)
        .input_of("x", DataType::Float, dims)
        .node("Relu", &["x"], &["y"], vec![])
        .output("y")
}

fn dims(dims: &[(&str, usize)]) -> Options {
    Options {
        dims: dims.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect(),
        ..Options::default()
    }
}

fn shape(name: &str, shape: &[usize]) -> Options {
    Options { input_shapes: [(name.to_owned(), shape.to_vec())].into(), ..Options::default() }
}

/// The shape of "y", or the error.
fn out(model: &Model, options: &Options) -> String {
    match model.read_with(options) {
        Ok(graph) => graph.node(graph.outputs[0].node).out.to_string(),
        Err(error) => Door::CommandLine.told(&error),
    }
}

#[test]
fn an_open_batch_is_one_and_noted() {
    let model = relu_of(vec![named("N"), fixed(3)]);
    let graph = model.read().expect("the batch is assumed");
    assert_eq!(graph.notes, ["input \"x\": its leading dimension is open and taken as 1"]);
    assert_eq!(out(&model, &Options::default()), "f32[1,3]");
    assert_eq!(out(&model, &dims(&[("N", 4)])), "f32[4,3]");
    assert_eq!(model.read_with(&dims(&[("N", 4)])).map(|graph| graph.notes), Ok(vec![]));
    assert_eq!(out(&relu_of(vec![None, fixed(3)]), &Options::default()), "f32[1,3]");
}

#[test]
fn other_open_dimensions_are_the_users_to_say() {
    let model = relu_of(vec![fixed(1), fixed(3), named("height"), None]);
    let asked = out(&model, &dims(&[("height", 8)]));
    let words = "input \"x\": dimension 3 (without a name) is open; pass, with your sizes: \
                 --input-shape x=1x3x8x224";
    assert_eq!(asked, words);
    let error = model.read_with(&dims(&[("height", 8)])).expect_err("it is open");
    assert!(Door::Builder.told(&error).ends_with("`.input_shape(\"x\", &[1, 3, 8, 224])`"));
    assert!(Door::Macro.told(&error).ends_with("`input_shapes { x = [1, 3, 8, 224] }`"));
    assert_eq!(out(&model, &shape("x", &[2, 3, 8, 9])), "f32[2,3,8,9]");
}

#[test]
fn all_open_dimensions_are_named_at_once_with_a_line_for_a_shell() {
    let sized = |name: &str| vec![named("batch"), fixed(3), named("h"), named(name)];
    let model = Model::opset(13)
        .input_of("x", DataType::Float, sized("floor(w/2)"))
        .input_of("it's", DataType::Float, vec![fixed(4), None])
        .node("Relu", &["x"], &["y"], vec![])
        .output("y");
    let words = r#"input "x": dimensions 0 ("batch"), 2 ("h"), 3 ("floor(w/2)") are open; input "it's": dimension 1 (without a name) is open; pass, with your sizes: --dim batch=1 --dim h=224 --dim 'floor(w/2)=224' --input-shape 'it'\''s=4x1'"#;
    assert_eq!(out(&model, &Options::default()), words);
    let mut given = dims(&[("h", 8), ("floor(w/2)", 9)]);
    given.input_shapes.insert("it's".into(), vec![4, 1]);
    assert_eq!(out(&model, &given), "f32[1,3,8,9]");
}

#[test]
fn flags_that_fit_no_input_are_faults() {
    let model = relu_of(vec![named("N"), fixed(3)]);
    assert_eq!(
        out(&model, &dims(&[("M", 4)])),
        r#"--dim "M": the model has no such dimension; open are "N""#
    );
    assert_eq!(
        out(&relu_of(vec![fixed(1), fixed(3)]), &dims(&[("M", 4)])),
        r#"--dim "M": the model has no such dimension; none is open, so leave --dim out"#
    );
    assert_eq!(
        out(&model, &shape("z", &[1])),
        r#"--input-shape "z": the model has no such input; it has "x""#
    );
    let rank = out(&model, &shape("x", &[1]));
    assert!(rank.contains("shape [1] is given, but the model's has 2 dimensions"), "{rank}");
    assert!(out(&model, &dims(&[("N", 0)])).contains("sizes start at 1"));
}

#[test]
fn shape_arithmetic_folds_away() {
    let model = Model::opset(13)
        .input_of("x", DataType::Float, vec![named("N"), fixed(3), fixed(4)])
        .ints("zero", &[0])
        .ints("rest", &[-1])
        .node("Shape", &["x"], &["dims"], vec![])
        .node("Gather", &["dims", "zero"], &["batch"], vec![int("axis", 0)])
        .node("Mul", &["batch", "two"], &["double"], vec![])
        .node("Constant", &[], &["two"], vec![tensor("value", int_tensor("", &[2]))])
        .node("Concat", &["double", "rest"], &["target"], vec![int("axis", 0)])
        .node("Reshape", &["x", "target"], &["y"], vec![])
        .output("y");
    let graph = model.read_with(&dims(&[("N", 5)])).expect("shapes are known");
    assert_eq!(graph.len(), 2, "only the input and its view are left:\n{graph}");
    assert_eq!(out(&model, &dims(&[("N", 5)])), "f32[10,6]");
}

#[test]
fn the_expand_idiom_folds_away() {
    let model = Model::opset(13)
        .input("x", &[1, 3, 1])
        .ints("wanted", &[2, -1, 4])
        .ints("three", &[3])
        .ints("minus", &[-1])
        .node("ConstantOfShape", &["three"], &["ones"], vec![tensor("value", int_tensor("", &[1]))])
        .node("Mul", &["ones", "minus"], &["open"], vec![])
        .node("Equal", &["wanted", "open"], &["is_open"], vec![])
        .node("Where", &["is_open", "ones", "wanted"], &["target"], vec![])
        .node("Expand", &["x", "target"], &["y"], vec![])
        .output("y");
    assert_eq!(model.text(), r#"%1 expand "y" x=%0 -> f32[2,3,4]"#);
}

#[test]
fn ranges_and_sizes_fold_away() {
    let model = Model::opset(13)
        .input("x", &[2, 3])
        .ints("start", &[7])
        .ints("step", &[-2])
        .node("Size", &["x"], &["end"], vec![])
        .node("Div", &["end", "step"], &["limit"], vec![])
        .node("Range", &["start", "limit", "step"], &["target"], vec![])
        .node("Gather", &["target", "last"], &["shape"], vec![])
        .ints("last", &[-2, -4])
        .node("Reshape", &["x", "shape"], &["y"], vec![])
        .output("y");
    // 7, 5, 3, 1, -1: the second and fourth from the end are 1 and 5.
    assert!(model.text().contains("[2, 3] cannot be reshaped to [1, 5]"), "{}", model.text());
}

#[test]
fn reshape_copies_and_infers_dimensions() {
    let reshaped = |to: &[i64], allow: i64| {
        let x = Model::opset(14).input("x", &[2, 3, 4]).ints("to", to);
        out(
            &x.node("Reshape", &["x", "to"], &["y"], vec![int("allowzero", allow)]).output("y"),
            &Options::default(),
        )
    };
    assert_eq!(reshaped(&[0, -1], 0), "f32[2,12]");
    assert_eq!(reshaped(&[-1], 0), "f32[24]");
    for (to, allow) in
        [(&[0, -1][..], 1), (&[-1, -1], 0), (&[5, -1], 0), (&[0, 0, 0, 0], 0), (&[-2, 12], 0)]
    {
        assert!(reshaped(to, allow).contains("cannot be reshaped"), "{to:?}");
    }
}

#[test]
fn nodes_may_stand_in_any_order() {
    let model = Model::opset(13)
        .input("x", &[2])
        .node("Tanh", &["a"], &["b"], vec![])
        .node("Exp", &["b"], &["y"], vec![])
        .node("Relu", &["x"], &["a"], vec![])
        .output("y");
    let expected = r#"%1 clamp "a" x=%0 0.. -> f32[2]
%2 tanh "b" x=%1 -> f32[2]
%3 exp "y" x=%2 -> f32[2]"#;
    assert_eq!(model.text(), expected);
}

#[test]
fn nodes_that_feed_no_output_are_left_out() {
    let relu = Model::of(13, &[2], "Relu", vec![]);
    let model = relu.node("NonMaxSuppression", &["x"], &["boxes"], vec![]);
    let graph = model.read().expect("what is unsupported is not needed");
    assert_eq!(graph.notes, ["nodes that feed no output and are left out: 1"]);
}

#[test]
fn initializers_may_be_listed_as_inputs() {
    let model = Model::opset(7).input("x", &[1, 2]).input("w", &[2, 2]).floats("w", &[2, 2]);
    let graph = model.node("MatMul", &["x", "w"], &["y"], vec![]).output("y").read();
    assert_eq!(graph.map(|graph| graph.inputs.len()), Ok(1));
}

#[test]
fn an_output_of_another_shape_than_declared_is_noted() {
    let mut model = relu_of(vec![fixed(1), fixed(3)]);
    model.graph().output[0] =
        crate::build::value_info("y", DataType::Float, vec![fixed(1), fixed(4)]);
    let notes = model.read().map(|graph| graph.notes);
    assert_eq!(
        notes,
        Ok(vec!["output \"y\" is [1, 3]; the file declares another shape".to_owned()])
    );
}
