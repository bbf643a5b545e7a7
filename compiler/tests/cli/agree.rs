//! One network before all verbs: what one of them refuses, all refuse, and in the same words.

use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, fixed, int};
use crate::place::Place;

/// A model that passes `x` of a type through an operator.
fn through(op: &str, from: DataType, to: DataType) -> Model {
    let dims = vec![fixed(1), fixed(3), fixed(4), fixed(4)];
    let attributes = if op == "Cast" { vec![int("to", to as i64)] } else { vec![] };
    let model = Model::opset(13).input_of("x", from, dims);
    model.node(op, &["x"], &["y"], attributes).output_of("y", to)
}

/// Networks of every kind of input and output, and what is wrong with them, if anything is.
fn networks() -> Vec<(Model, Option<&'static str>)> {
    use DataType::{Bool, Double, Float, Float16, Int8, Int32, Int64, Uint8};
    let relu = || through("Relu", Float, Float);
    let bytes = through("Cast", Uint8, Float).input_of("z", Float, vec![fixed(4)]);
    vec![
        (through("Identity", Int64, Int64), None),
        (through("Identity", Int32, Int32), None),
        (through("Relu", Double, Double), Some("type double; supported")),
        (through("Not", Bool, Bool), None),
        (through("Cast", Float, Int64), None),
        (through("Cast", Float, Bool), None),
        (through("ArgMax", Float, Int64), None),
        (relu().ints("c", &[1]).output_of("c", Int64), None),
        (relu().node("Shape", &["x"], &["s"], vec![]).output_of("s", Int64), None),
        (through("Relu", Float16, Float16), None),
        (through("Identity", Int8, Int8), None),
        (through("Identity", Uint8, Uint8), None),
        (relu().output("x"), None),
        (relu().floats("c", &[2]).output("c"), None),
        (relu().input("unread", &[2]), None),
        (bytes.node("Add", &["y", "z"], &["sum"], vec![]).output("sum"), None),
        (Model::opset(13).input("x", &[1, 3, 4, 4]).output("x"), None),
    ]
}

#[test]
fn all_verbs_give_one_answer_about_every_kind_of_input_and_output() {
    let place = Place::new();
    place.put_array("net/input_0.npy", &[1, 3, 4, 4], |at| at as f32);
    place.put_array("net/output_0.npy", &[1, 3, 4, 4], |at| at as f32);
    for (model, reason) in networks() {
        place.put("net/model.onnx", &model.bytes());
        for line in [
            "check net/model.onnx",
            "check net/model.onnx --objective ram",
            "plan net/model.onnx",
            "plan net/model.onnx --objective ram --dtype int8",
            "compile net/model.onnx -o net.rs",
            "compile net/model.onnx -o net.rs --feed arena",
            "report net/model.onnx -o net.html",
        ] {
            let said = place.mnv2c(line);
            let told = said.out.clone() + &said.err;
            let agrees =
                reason.map_or(said.code == 0, |words| said.code == 1 && told.contains(words));
            assert!(agrees, "{line}: {told}\n{}", model.text());
        }
        let Some(reason) = reason else { continue };
        for line in [
            "quantize net/model.onnx --calib net/input_0.npy -o q.onnx",
            "run net/model.onnx --input net/input_0.npy",
            "verify net",
        ] {
            let said = place.mnv2c(line);
            assert!(
                said.code == 1 && (said.out.clone() + &said.err).contains(reason),
                "{line}: {said:?}"
            );
        }
    }
}
