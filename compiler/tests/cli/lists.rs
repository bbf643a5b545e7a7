//! Verbs that print what is known, of models and of the compiler.

use crate::build::Model;
use crate::place::{Place, TINY};

#[test]
fn the_papers_network_has_the_papers_count() {
    let inspect = |form: &str| Place::new().mnv2c(&format!("inspect mobilenet_v2:1.0@224{form}"));
    let json = inspect(" --format json").json();
    assert_eq!(json["madds"], 300_774_272);
    assert_eq!(json["inputs"][0]["shape"], serde_json::json!([1, 3, 224, 224]));
    assert!(inspect("").well().contains("300.8 M MAdds"));
}

#[test]
fn inspecting_a_file_tells_what_it_says_of_itself() {
    let place = Place::with_averages();
    let text = place.mnv2c("inspect model.onnx").well();
    for part in ["x: f32[1,3,4,4]", "y: f32[1,3]", "ai.onnx 13", "1 GlobalAveragePool, 1 Reshape"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(place.mnv2c("inspect model.onnx --format json").json()["opsets"]["ai.onnx"], 13);
}

#[test]
fn all_that_is_unsupported_is_told_at_once() {
    let place = Place::with_averages();
    assert!(place.mnv2c("check model.onnx").well().contains("supported"));
    let model = Model::opset(13)
        .input("x", &[1, 2])
        .node("NonZero", &["x"], &["a"], vec![])
        .node("Det", &["x"], &["b"], vec![])
        .output("a")
        .output("b");
    place.put("odd.onnx", &model.bytes());
    let said = place.mnv2c("check odd.onnx");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("NonZero") && said.out.contains("Det"), "{said:?}");
    let said = place.mnv2c("check odd.onnx --format json");
    assert!(said.out.contains("\"supported\": false"), "{said:?}");
    place.mnv2c("check none.onnx").fails(3, &["none.onnx"]);
}

#[test]
fn a_check_heeds_the_flags_that_compiling_would() {
    let place = Place::with_averages();
    for flags in ["--feed rows", "--dtype f16 --feed rows", "--objective ram --feed rows"] {
        let said = place.mnv2c(&format!("check model.onnx {flags}"));
        assert!(said.code == 1 && said.out.contains("compile with --feed arena"), "{said:?}");
        let compiled = place.mnv2c(&format!("compile model.onnx -o net.rs {flags}"));
        compiled.fails(1, &["compile with --feed arena"]);
    }
    for flags in ["--feed arena", "--dtype bf16", "--ram 1M --output softmax"] {
        place.mnv2c(&format!("check model.onnx {flags}")).well();
        place.mnv2c(&format!("compile model.onnx -o net.rs {flags}")).well();
    }
}

#[test]
fn targets_and_operators_are_listed() {
    let place = Place::new();
    assert!(place.mnv2c("targets").well().contains("this machine"));
    assert!(place.mnv2c("targets --format json").json().as_array().is_some_and(|it| it.len() > 3));
    assert!(place.mnv2c("ops").well().lines().any(|line| line.starts_with("Conv ")));
    let ops = place.mnv2c("ops --format json").json();
    assert!(ops.as_array().is_some_and(|ops| ops.iter().any(|op| op["name"] == "Gemm")), "{ops}");
}

#[test]
fn a_printed_spec_is_read_again() {
    let place = Place::with_averages();
    place.put("tiny.toml", TINY.as_bytes());
    let printed = place.mnv2c("spec tiny.toml").well();
    place.put("again.toml", printed.as_bytes());
    assert_eq!(place.mnv2c("spec again.toml").well(), printed);
    place.mnv2c("spec model.onnx").fails(1, &["is a model; spec prints specs"]);
    place.mnv2c("spec mobilenet_v2:0@224").fails(1, &["width is 0"]);
}

#[test]
fn every_verb_helps_with_an_example() {
    let place = Place::new();
    let verbs = "compile build run verify inspect check bench targets ops spec alloc";
    for verb in verbs.split(' ') {
        let help = place.mnv2c(&format!("{verb} --help")).well();
        assert!(help.contains("Example") && help.contains(&format!("mnv2c {verb} ")), "{help}");
    }
}

#[test]
fn offsets_are_assigned_within_the_capacity() {
    let place = Place::new();
    place.put("t.csv", b"id,lower,upper,size\na,0,2,8\nb,1,3,8\nc,2,4,8\n");
    let table = place.mnv2c("alloc t.csv --capacity 16").well();
    assert!(table.starts_with("id,lower,upper,size,offset\n"), "{table}");
    assert_eq!(table.lines().count(), 4);
    place.mnv2c("alloc t.csv --capacity 15").fails(1, &["t.csv"]);
    place.mnv2c("alloc none.csv --capacity 15").fails(3, &["none.csv"]);
}
