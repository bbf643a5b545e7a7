//! Recorded answers: what passes, what fails, and how it is told.

use mnv2c::proto::TensorProto;
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::proto::tensor_shape_proto::dimension::Value as Dim;
use prost::Message;

use crate::build::{Model, ints, raw_tensor};
use crate::padded;
use crate::place::{Place, averages};

/// Two directories: `good`, whose record is right, and `bad`, whose record is not.
fn suites() -> Place {
    let place = Place::new();
    for (dir, answer) in [("good", 1.0), ("bad", 1.1)] {
        place.put(&format!("{dir}/model.onnx"), &averages().bytes());
        place.put_array(&format!("{dir}/input_0.npy"), &[1, 3, 4, 4], |_| 1.0);
        place.put_array(&format!("{dir}/output_0.npy"), &[1, 3], |_| answer);
    }
    place
}

#[test]
fn right_records_pass_and_wrong_ones_fail() {
    let place = suites();
    let good = place.mnv2c("verify good").well();
    assert!(good.contains("pass") && good.ends_with("1 of 1 pass\n"), "{good}");
    let both = place.mnv2c("verify good bad --target generic --target host");
    assert_eq!(both.code, 1, "{both:?}");
    assert!(both.out.contains("2 of 4 pass; FAIL bad"), "{both:?}");
    place.mnv2c("verify bad --rtol 0.1 --against emitted").well();
    place.mnv2c("verify bad --atol 0.2 --rtol 0 --against interp").well();
}

/// Only the emitted program needs rustc; the loop program answers for machines that are not here.
#[test]
fn each_who_answers_is_held_against_the_record() {
    let place = suites();
    for side in ["oracle", "program", "emitted", "all"] {
        let flags = format!("--against {side} --objective ram --feed arena");
        place.mnv2c(&format!("verify good {flags}")).well();
        let bad = place.mnv2c(&format!("verify bad {flags}"));
        assert_eq!(bad.code, 1, "{side}: {bad:?}");
    }
    let elsewhere = place.mnv2c("verify good --target armv8 --threads 2").well();
    assert!(elsewhere.contains("armv8 x2"), "{elsewhere}");
    for side in ["oracle", "program"] {
        let said = place.mnv2c(&format!("verify good --against {side} --runner qemu-aarch64"));
        said.fails(1, &["--runner runs emitted programs", "--against names none"]);
    }
}

#[test]
fn records_of_outputs_that_are_cut_off_are_left_out() {
    let place = Place::new();
    let two = averages().output("mean");
    place.put("two/model.onnx", &two.bytes());
    place.put_array("two/input_0.npy", &[1, 3, 4, 4], |_| 1.0);
    place.put_array("two/output_0.npy", &[1, 3], |_| 7.0);
    place.put_array("two/output_1.npy", &[1, 3, 1, 1], |_| 1.0);
    assert_eq!(place.mnv2c("verify two").code, 1);
    place.mnv2c("verify two --outputs mean").well();
    assert_eq!(place.mnv2c("verify two --outputs y").code, 1);
    place.mnv2c("verify two --outputs y,mean --rtol 9 --against oracle").well();
    let unknown = place.mnv2c("verify two --outputs median");
    assert!(unknown.out.contains("--outputs: no node makes a value \"median\""), "{unknown:?}");
    let said = place.mnv2c("inspect two/model.onnx --outputs mean").well();
    assert!(said.contains("output   mean") && !said.contains("output   y"), "{said}");
}

#[test]
fn values_stored_as_halves_pass_where_they_round_to_the_record() {
    let said = suites().mnv2c("verify good --dtype f16 --target generic --target host").well();
    assert!(said.ends_with("2 of 2 pass\n"), "{said}");
    assert_eq!(suites().mnv2c("verify bad --dtype f16").code, 1);
}

#[test]
fn brain_floats_may_be_eight_times_as_far_off() {
    let said = suites().mnv2c("verify good bad --dtype bf16 --target generic --target host").well();
    assert!(said.ends_with("4 of 4 pass\n"), "{said}");
    assert_eq!(suites().mnv2c("verify bad --dtype bf16 --rtol 3e-2").code, 1);
}

#[test]
fn reports_for_programs_have_the_figures() {
    let place = suites();
    let said = place.mnv2c("verify bad good --against interp --format json");
    let reports: serde_json::Value = serde_json::from_str(&said.out).expect("it is JSON");
    assert_eq!((&reports[0]["pass"], &reports[1]["pass"]), (&false.into(), &true.into()));
    assert!((reports[0]["max_abs"].as_f64().expect("a number") - 0.1).abs() < 1e-6, "{reports}");
    assert_eq!(said.code, 1);
}

#[test]
fn open_dimensions_are_those_of_the_recorded_inputs() {
    let place = Place::new();
    let dims = vec![Some(Dim::DimParam("n".into())), Some(Dim::DimParam("m".into()))];
    let model = Model::opset(13)
        .input_of("x", DataType::Float, dims)
        .node("Relu", &["x"], &["y"], vec![])
        .output("y");
    place.put("relu/model.onnx", &model.bytes());
    let tensor = |values: &[f32]| TensorProto {
        dims: vec![1, values.len() as i64],
        data_type: DataType::Float.into(),
        float_data: values.to_vec(),
        ..TensorProto::default()
    };
    for (set, x, y) in [(0, [-1.0, 2.0].as_slice(), [0.0, 2.0].as_slice()), (1, &[3.0], &[3.0])] {
        place.put(&format!("relu/test_data_set_{set}/input_0.pb"), &tensor(x).encode_to_vec());
        place.put(&format!("relu/test_data_set_{set}/output_0.pb"), &tensor(y).encode_to_vec());
    }
    place.mnv2c("verify relu").well();
    place.put("relu/test_data_set_1/output_0.pb", &tensor(&[4.0]).encode_to_vec());
    assert_eq!(place.mnv2c("verify relu").code, 1);
}

#[test]
fn an_answer_of_sixteen_bits_may_be_the_next_one() {
    let place = Place::new();
    let dims = vec![Some(Dim::DimValue(2))];
    let model = Model::opset(13)
        .input_of("x", DataType::Float, dims)
        .node("Relu", &["x"], &["y"], vec![])
        .output_of("y", DataType::Float16);
    place.put("half/model.onnx", &model.bytes());
    place.put_array("half/input_0.npy", &[2], |at| [2049.0, 70000.0][at]);
    for (answer, code) in [([2048.0, f32::INFINITY], 0), ([2050.0, 65504.0], 0), ([2052.0, 1.0], 1)]
    {
        place.put_array("half/output_0.npy", &[2], |at| answer[at]);
        assert_eq!(place.mnv2c("verify half --rtol 0").code, code, "{answer:?}");
    }
}

#[test]
fn programs_pad_bytes_as_onnxruntime_does() {
    let place = Place::new();
    for (dir, kind) in [("unsigned", DataType::Uint8), ("signed", DataType::Int8)] {
        place.put(&format!("{dir}/model.onnx"), &padded::network(kind).bytes());
        let record = |name: &str, shape: &[i64], bytes: &[u8]| {
            let tensor = raw_tensor("", kind, shape, padded::raw(kind, bytes));
            place.put(&format!("{dir}/test_data_set_0/{name}.pb"), &tensor.encode_to_vec());
        };
        record("input_0", &[1, 2, 4, 4], &padded::X);
        let shapes = padded::network(kind).read().expect("it is sound");
        for (at, answer) in padded::answers().iter().enumerate() {
            let shape = &shapes.node(shapes.outputs[at].node).out.shape;
            let shape: Vec<i64> = shape.iter().map(|size| *size as i64).collect();
            record(&format!("output_{at}"), &shape, answer);
        }
    }
    let said =
        place.mnv2c("verify unsigned signed --target host --target generic --atol 0 --rtol 0");
    assert!(said.out.ends_with("4 of 4 pass\n"), "{said:?}");
}

/// A directory `steps`: bytes of scale 1/2 as they are, whose record is so many steps off, and its answer without
/// optimisations two more.
fn steps_off(steps: usize) -> Place {
    let place = Place::new();
    let model = Model::opset(13)
        .input("x", &[1, 4])
        .scalar("s", 0.5)
        .node("QuantizeLinear", &["x", "s"], &["q"], vec![])
        .node("DequantizeLinear", &["q", "s"], &["y"], vec![])
        .output("y");
    place.put("steps/model.onnx", &model.bytes());
    place.put_array("steps/input_0.npy", &[1, 4], |at| at as f32);
    for (name, more) in [("output_0", 0), ("output_0_noopt", 2)] {
        let answer =
            |at: usize| if at == 3 { 3.0 + (steps + more) as f32 * 0.5 } else { at as f32 };
        place.put_array(&format!("steps/{name}.npy"), &[1, 4], answer);
    }
    place
}

#[test]
fn a_quantised_output_may_be_one_step_off_unless_more_are_allowed() {
    let said = steps_off(1).mnv2c("verify steps").well();
    assert!(said.contains("steps 1 (record 2 off itself, by optimisations)"), "{said}");
    let json = steps_off(1).mnv2c("verify steps --format json").json();
    assert_eq!((&json[0]["steps"]["0"], &json[0]["record_steps"]["0"]), (&1.into(), &2.into()));
    for (steps, flags, code) in [
        (1, "--rtol 0", 1),
        (1, "--rtol 0 --steps 1", 0),
        (2, "", 1),
        (2, "--steps 2", 0),
        (0, "--case noopt", 1),
        (0, "--case noopt --steps 2", 0),
    ] {
        let said = steps_off(steps).mnv2c(&format!("verify steps {flags}"));
        assert_eq!(said.code, code, "{steps} {flags}: {said:?}");
    }
    let said = steps_off(2).mnv2c("verify steps");
    assert!(said.out.contains("FAIL steps (max rel") && said.out.contains("steps 2"), "{said:?}");
}

#[test]
fn every_objective_is_verified_with_every_feed() {
    let place = Place::new();
    place.put("tiny/model.onnx", &strided().bytes());
    place.put_array("tiny/input_0.npy", &[1, 1, 4, 4], |_| 1.0);
    place.put_array("tiny/output_0.npy", &[1, 1, 2, 2], |_| 6.0);
    let line =
        "verify tiny --objective speed --objective ram --feed caller --feed arena --feed rows";
    let said = place.mnv2c(&format!("{line} --threads 1 --threads 2 --target generic")).well();
    for plan in ["generic  ", "generic arena", "generic ram rows", "generic x2 ram arena"] {
        assert!(said.contains(plan), "{plan} in {said}");
    }
    assert!(said.ends_with("12 of 12 pass\n"), "{said}");
}

/// A convolution of 2x2 pixels, with weights 0 to 3, that takes every other one.
fn strided() -> Model {
    let strides = ints("strides", &[2, 2]);
    let model = Model::opset(13).input("x", &[1, 1, 4, 4]).floats("w", &[1, 1, 2, 2]);
    model.node("Conv", &["x", "w"], &["y"], vec![strides]).output("y")
}

#[test]
fn directories_without_records_fail_by_name() {
    let place = suites();
    place.put("empty/readme", b"");
    place.put("silent/model.onnx", &averages().bytes());
    for (dir, part) in [
        ("empty", "has no model.onnx"),
        ("silent", "has no input_0.npy"),
        ("nowhere", "cannot be listed"),
        ("good --case b3", "has no output_0_b3.npy with input_0_b3.npy or input_0.npy"),
    ] {
        let said = place.mnv2c(&format!("verify {dir}"));
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.out.contains(part), "{part} in {said:?}");
    }
}

/// A sum over all calls: h and x in, y and hn out.
fn summing() -> Model {
    let model = Model::opset(13).input("x", &[1, 2]).input("h", &[1, 2]);
    let model = model.node("Add", &["x", "h"], &["hn"], vec![]);
    model.node("Neg", &["hn"], &["y"], vec![]).output("y").output("hn")
}

#[test]
fn calls_of_a_model_that_keeps_state_are_recorded_one_after_another() {
    let place = Place::new();
    place.put("sum/model.onnx", &summing().bytes());
    place.put_array("sum/input_0.npy", &[4, 1, 2], |_| 1.0);
    place.put_array("sum/output_0.npy", &[4, 1, 2], |at| -((at / 2 + 1) as f32));
    for side in ["oracle", "program", "emitted"] {
        place.mnv2c(&format!("verify sum --state h=hn --against {side} --threads 2")).well();
    }
    place.put_array("sum/output_0.npy", &[4, 1, 2], |_| -1.0);
    assert_eq!(place.mnv2c("verify sum --state h=hn").code, 1);
    place.mnv2c("run sum/model.onnx --state h=hn --input sum/input_0.npy --output-dir out").well();
    let said = place.mnv2c("plan sum/model.onnx --state h=hn").well();
    assert!(said.contains("kept between calls                 8 bytes of it"), "{said}");
    let said = place.mnv2c("inspect sum/model.onnx --state h=hn").well();
    assert!(said.contains("  state    h: f32[1,2]") && !said.contains("hn"), "{said}");
    place.mnv2c("inspect sum/model.onnx --state h").fails(2, &["names no input and output"]);
}
