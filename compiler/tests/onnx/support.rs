//! Support of networks: one answer, whatever the memory options and whoever asks.

use mnv2c::error::Result;
use mnv2c::objective::{Feed, Memory, Objective, Storage};
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::quantize::{self, Settings};
use mnv2c::report::{self, table3};
use mnv2c::target::Target;

use crate::build::{Model, int, ints};

const UNSUPPORTED: &str = "this is unsupported:\n  conv \"square\": its weights or bias are computed at run time; \
     make them constants";

/// An image convolved with itself.
fn square() -> Model {
    let x = Model::opset(13).input("x", &[1, 1, 4, 4]);
    x.node("Conv", &["x", "x"], &["square"], vec![]).output("square")
}

#[test]
fn every_objective_refuses_what_no_kernel_does_in_the_same_words() {
    for objective in [Objective::Speed, Objective::Ram, Objective::Within(64)] {
        let error = compiled(&square(), Memory { objective, ..Memory::default() });
        assert_eq!(error.expect_err("no kernel convolves so"), UNSUPPORTED);
    }
}

#[test]
fn products_run_whichever_operand_is_constant_or_computed() {
    for [a, b] in [["x", "m"], ["m", "x"], ["x", "stack"], ["stack", "x"], ["x", "x"]] {
        let model = Model::opset(13).input("x", &[2, 4, 4]).floats("m", &[4, 4]);
        let model = model.floats("stack", &[2, 4, 4]).input("lo", &[]);
        let model = model.node("MatMul", &[a, b], &["y"], vec![]).output("y");
        assert_eq!(compiled(&model, Memory::default()), Ok(()), "{a} x {b}");
    }
}

#[test]
fn what_is_made_of_constants_is_not_said_to_be_computed_at_run_time() {
    // A product of constants is a node until passes fold it.
    let bound = |from: &str| {
        Model::opset(13)
            .input("x", &[2])
            .floats("w", &[2])
            .node("MatMul", &[from, from], &["hi"], vec![])
            .ints("widths", &[0, 1])
            .node("Pad", &["x", "widths", "hi"], &["y"], vec![])
            .output("y")
            .text()
    };
    assert!(bound("x").contains("computed at run time"), "{}", bound("x"));
    let fixed = bound("w");
    assert!(
        fixed.contains("made of constants by operators") && fixed.contains("onnxsim"),
        "{fixed}"
    );
}

#[test]
fn every_verb_refuses_what_no_kernel_does_in_the_same_words() {
    let graph = || square().read().expect("it is read");
    let image = mnv2c::interp::Array::f32([1, 1, 4, 4], vec![0.5; 16]);
    for storage in [Storage::F32, Storage::F16] {
        let memory = Memory { storage, feed: Feed::Rows, ..Memory::default() };
        assert_eq!(compiled(&square(), memory).expect_err("no kernel convolves so"), UNSUPPORTED);
        let plan = report::report(graph(), &target(), memory).map(drop);
        assert_eq!(plan.expect_err("no kernel convolves so").to_string(), UNSUPPORTED);
    }
    let table = table3::entries(graph()).expect_err("no kernel convolves so").to_string();
    assert_eq!(table, UNSUPPORTED);
    let quantized = quantize::quantize(graph(), &[image], &Settings::default(), |_| ());
    assert_eq!(quantized.map(drop).expect_err("no kernel convolves so").to_string(), UNSUPPORTED);
}

#[test]
fn what_takes_and_gives_signed_bytes_is_planned_as_it_is_compiled() {
    let model = Model::opset(13)
        .bytes_input(DataType::Int8, &[1, 8])
        .scalar("s", 0.5)
        .i8s("z", &[], &[3])
        .microsoft("QLinearMul", &["x", "s", "z", "x", "s", "z", "s", "z"], &["y"], vec![])
        .output_of("y", DataType::Int8);
    assert_eq!(compiled(&model, Memory::default()), Ok(()));
    let plan = report::report(model.read().expect("it is read"), &target(), Memory::default());
    assert_eq!(plan.map(drop), Ok(()));
}

#[test]
fn what_is_stored_in_halves_is_planned_as_it_is_compiled() {
    // No byte is left once the constant is folded.
    let model = Model::opset(13)
        .input("x", &[1, 2])
        .scale("w", 0.5, 3)
        .u8s("w", &[1, 2], &[7, 9])
        .dequantize("w", "w", "factor")
        .node("Mul", &["x", "factor"], &["y"], vec![])
        .output("y");
    let memory = Memory { storage: Storage::F16, ..Memory::default() };
    assert_eq!(compiled(&model, memory), Ok(()));
    let plan = report::report(model.read().expect("it is read"), &target(), memory);
    assert_eq!(plan.map(drop), Ok(()));
}

#[test]
fn a_feed_that_does_not_fit_is_refused_in_the_same_words_by_every_verb() {
    let sum = Model::opset(13).input("x", &[1, 2, 4, 4]).node("Add", &["x", "x"], &["y"], vec![]);
    let batch = Model::opset(13).input("x", &[2, 2, 4, 4]).floats("w", &[2, 2, 1, 1]);
    let batch = batch.node("Conv", &["x", "w"], &["y"], vec![]).output("y");
    let cases = [
        (
            sum.output("y"),
            Feed::Rows,
            "more than the image of one convolution; compile with feed arena",
        ),
        (batch.clone(), Feed::Rows, "a batch of 2; compile for one at a time, or with feed caller"),
        (batch, Feed::Arena, "a batch of 2; compile for one at a time, or with feed caller"),
    ];
    for (model, feed, words) in cases {
        for objective in [Objective::Speed, Objective::Ram] {
            let memory = Memory { feed, objective, ..Memory::default() };
            let error = compiled(&model, memory).expect_err("it cannot be fed so");
            assert!(
                error.contains(&format!("feed {feed}: \"x\"")) && error.contains(words),
                "{error}"
            );
            let plan = report::report(model.read().expect("it is read"), &target(), memory);
            assert_eq!(plan.map(drop).expect_err("it cannot be fed so").to_string(), error);
        }
    }
}

#[test]
fn what_has_no_element_is_left_out_of_a_sum_of_parts_or_else_named() {
    let parts = |outputs: &[&str]| {
        let model = Model::opset(13)
            .input("x", &[1, 2, 4, 4])
            .floats("w", &[3, 2, 1, 1])
            .ints("sizes", &[3, 0])
            .node("Conv", &["x", "w"], &["c"], vec![])
            .node("Split", &["c", "sizes"], &["all", "nothing"], vec![int("axis", 1)])
            .node("Concat", &["nothing", "all"], &["y"], vec![int("axis", 1)]);
        outputs.iter().fold(model, |model, name| model.output(name))
    };
    for objective in [Objective::Speed, Objective::Ram] {
        let memory = Memory { objective, ..Memory::default() };
        assert_eq!(compiled(&parts(&["y"]), memory), Ok(()));
        let error = compiled(&parts(&["y", "nothing"]), memory).expect_err("it has no element");
        assert_eq!(
            error,
            "this is unsupported:\n  slice \"nothing\": f32[1,0,4,4] has no element; leave it out of \
             the model"
        );
    }
}

#[test]
fn a_product_by_no_columns_is_named_though_its_constant_is_not() {
    let model = Model::opset(13)
        .input("x", &[1, 2, 4, 8])
        .floats("w", &[8, 0])
        .node("Relu", &["x"], &["r"], vec![])
        .node("MatMul", &["r", "w"], &["y"], vec![])
        .output("y");
    let error = compiled(&model, Memory::default()).expect_err("it has no element");
    assert!(error.contains("matmul \"y\": f32[1,2,4,0] has no element"), "{error}");
}

#[test]
fn an_identity_of_bytes_is_still_one_when_the_model_is_quantised() {
    let model = Model::opset(13)
        .bytes_input(DataType::Uint8, &[1, 2, 3, 3])
        .node("MaxPool", &["x"], &["pool"], vec![ints("kernel_shape", &[2, 2])])
        .node("Identity", &["pool"], &["y"], vec![])
        .output_of("y", DataType::Uint8);
    let values = mnv2c::ir::Values::U8((0..18).collect());
    let image = mnv2c::interp::Array { shape: vec![1, 2, 3, 3], values };
    let graph = model.read().expect("it is read");
    let quantized = quantize::quantize(graph, &[image], &Settings::default(), |_| ());
    assert_eq!(quantized.map(drop), Ok(()));
}

#[test]
fn a_mean_of_several_pictures_of_bytes_stays_in_floats() {
    let model = Model::opset(13)
        .input("x", &[1, 2, 2, 5])
        .scale("a", 0.5, 3)
        .node("Transpose", &["x"], &["several"], vec![ints("perm", &[1, 2, 0, 3])])
        .quantize("several", "a", "q")
        .dequantize("q", "a", "d")
        .node("ReduceMean", &["d"], &["mean"], vec![ints("axes", &[2, 3])])
        .quantize("mean", "a", "qm")
        .dequantize("qm", "a", "y")
        .output("y");
    for objective in [Objective::Speed, Objective::Ram] {
        assert_eq!(compiled(&model, Memory { objective, ..Memory::default() }), Ok(()));
    }
}

#[test]
fn a_max_pool_over_a_whole_picture_of_bytes_is_planned_and_compiled() {
    let model = Model::opset(13)
        .input("x", &[1, 2, 4, 4])
        .scale("a", 0.5, 3)
        .quantize("x", "a", "q")
        .dequantize("q", "a", "d")
        .node("MaxPool", &["d"], &["pool"], vec![ints("kernel_shape", &[4, 4])])
        .quantize("pool", "a", "qp")
        .dequantize("qp", "a", "y")
        .output("y");
    for objective in [Objective::Speed, Objective::Ram] {
        assert_eq!(compiled(&model, Memory { objective, ..Memory::default() }), Ok(()));
    }
}

fn target() -> Target {
    "generic".parse().expect("a target is called so")
}

/// Compiles `model` for any machine; the words in which it is refused.
fn compiled(model: &Model, memory: Memory) -> std::result::Result<(), String> {
    let options = mnv2c::testing::options(target(), memory);
    let artifact: Result<_> =
        model.read().and_then(|graph| mnv2c::compile(graph, &options, |_, _, _| ()));
    artifact.map(drop).map_err(|error| error.to_string())
}
