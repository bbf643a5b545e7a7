//! Plans as they are printed.

use std::time::{Duration, Instant};

use crate::build::Model;
use crate::place::Place;

const KEYS: [&str; 8] = [
    "arena_bytes",
    "m_g_bytes",
    "lower_bound_bytes",
    "optimal",
    "madds",
    "params",
    "recompute",
    "steps",
];

#[test]
fn a_name_of_any_length_is_printed() {
    let place = Place::new();
    place.put("long.onnx", &called(&"n".repeat(200_000)).bytes());
    for verb in ["plan long.onnx", "inspect long.onnx"] {
        let out = place.mnv2c(verb).well();
        assert!(out.len() < 5_000 && out.contains("nnn…nnn"), "{out:.5000}");
    }
    for (verb, file) in FILES {
        place.mnv2c(&format!("{verb} {file}").replace("MODEL", "long.onnx")).well();
        let len = place.text(file).len();
        assert!(len < 500_000, "{file} of {len} bytes");
    }
}

#[test]
fn a_name_of_any_letters_leaves_tables_pages_and_code_whole() {
    let place = Place::new();
    for name in [
        "a\rb\r\nc\nd",
        "\0\u{1b}[2J\u{7f}\u{85}\t",
        "line\u{2028}paragraph\u{2029}mark\u{feff}\u{202e}",
        "`code` `` ``` \\` */ /* //! {x} {{}} [link](y) <b>&amp; \"quoted\" 'single' \\",
        "…äö漢字🙂",
    ] {
        place.put("odd.onnx", &called(name).bytes());
        for verb in ["plan odd.onnx", "inspect odd.onnx"] {
            whole(&place.mnv2c(verb).well());
        }
        for (verb, file) in FILES {
            place.mnv2c(&format!("{verb} {file}").replace("MODEL", "odd.onnx")).well();
            let text = place.text(file);
            whole(&text);
            if file.ends_with(".rs") {
                syn::parse_file(&text).unwrap_or_else(|error| panic!("{error} for {name:?}"));
            }
        }
    }
}

/// The command that writes each kind of file.
const FILES: [(&str, &str); 5] = [
    ("compile MODEL --target generic --layers -o", "net.rs"),
    ("compile MODEL --target generic --feed arena -o", "arena.rs"),
    ("compile MODEL --target generic --input-format u8-nhwc -o", "ends.rs"),
    ("plan MODEL --svg", "plan.svg"),
    ("report MODEL --target generic -o", "page.html"),
];

/// A convolution and what bends it, both answers, everything called `name` with a letter before.
fn called(name: &str) -> Model {
    let [x, w, y, v] = ["x", "w", "y", "v"].map(|letter| format!("{letter}{name}"));
    let mut model = Model::opset(13)
        .input(&x, &[1, 3, 4, 4])
        .floats(&w, &[2, 3, 1, 1])
        .node("Conv", &[&x, &w], &[&v], vec![])
        .node("Relu", &[&v], &[&y], vec![])
        .output(&y)
        .output(&v);
    model.graph().name = name.into();
    model.proto.producer_name = name.into();
    model
}

/// Checks that no letter of `text` ends or turns a line but the ends of its lines.
fn whole(text: &str) {
    let stray = text.chars().find(|letter| {
        letter.is_control() && *letter != '\n'
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202e}' | '\u{feff}')
    });
    assert_eq!(stray, None, "{text:.2000}");
}

#[test]
fn a_plan_says_what_each_step_computes_anew() {
    let place = Place::new();
    let plan = |more: &str| {
        let line = "plan mobilenet_v2:0.35@96 --seed 1 --objective ram --dtype int8 --feed rows";
        place.mnv2c(&format!("{line} --format json {more}")).json()
    };
    let [once, repeated] = [plan(""), plan("--recompute 1.05")];
    for key in KEYS {
        assert!(once.get(key).is_some(), "{key} in {once}");
    }
    assert_eq!(once["recompute"], 1.0);
    assert!(
        once["steps"][0]["recompute"] == 1.0
            && repeated["steps"][0]["recompute"].as_f64() > Some(1.0)
    );
    let factor = repeated["recompute"].as_f64().expect("a factor");
    assert!(1.0 < factor && factor <= 1.05, "{factor}");
    let [most, least] = [&once, &repeated].map(|it| it["arena_bytes"].as_u64().expect("bytes"));
    assert!(least * 4 < most * 3, "{least} is not much less than {most}");
}

#[test]
fn halves_take_half_of_the_memory_and_are_planned_as_they_are_compiled() {
    let place = Place::new();
    let wishes = "mobilenet_v2:0.35@96 --seed 1 --objective ram --feed arena";
    let plan = |dtype: &str| {
        let plan = place.mnv2c(&format!("plan {wishes} --dtype {dtype} --format json")).json();
        plan["arena_bytes"].as_u64().expect("bytes")
    };
    let [floats, halves, brains] = [plan("f32"), plan("f16"), plan("bf16")];
    assert_eq!(halves, brains);
    assert!(halves * 200 <= floats * 101, "{halves} of {floats}");
    let compile = |dtype: &str| {
        place.mnv2c(&format!("compile {wishes} --dtype {dtype} -o {dtype}.rs --format json")).json()
    };
    let [wide, narrow] = [compile("f32"), compile("f16")];
    assert_eq!(narrow["arena_bytes"], halves);
    let weights = |json: &serde_json::Value| json["weights_bytes"].as_u64().expect("bytes");
    assert!(weights(&narrow) * 200 <= weights(&wide) * 102, "{narrow} of {wide}");
}

#[test]
fn several_rows_flow_at_once_where_there_is_room() {
    let line = "plan mobilenet_v2:1.0@224 --seed 1 --target x86-64-v4 --ram 500K --format json";
    let plan = Place::new().mnv2c(line).json();
    let rows = |step: &serde_json::Value| step["row_batch"].as_str().unwrap_or("").parse::<usize>();
    let steps = plan["steps"].as_array().expect("steps");
    assert!(steps.iter().any(|step| rows(step).is_ok_and(|rows| rows > 1)), "{plan}");
}

#[test]
fn a_limit_that_nothing_keeps_is_refused_at_once_with_what_would_do() {
    let start = Instant::now();
    let said = Place::new().mnv2c("plan mobilenet_v2:1.0@224 --seed 1 --ram 1K");
    said.fails(1, &["no plan fits 1024 bytes", "--recompute 1.", "nothing takes less", "--ram "]);
    // Ten times what an optimised build may take.
    assert!(start.elapsed() < Duration::from_secs(10));
    let said = Place::new().mnv2c("plan mobilenet_v2:0.35@96 --seed 1 --ram 250K --recompute x");
    said.fails(2, &["1.05 allows 5 % more"]);
}

#[test]
fn a_limit_that_some_more_work_keeps_is_refused_with_its_price() {
    let line = "plan mobilenet_v2:0.35@96 --seed 1 --dtype int8 --feed rows --ram 10K";
    let said = Place::new().mnv2c(line);
    said.fails(1, &["no plan fits 10240 bytes", "allow that"]);
    let price = said.err.split("--recompute ").nth(1).and_then(|it| it.split(' ').next());
    let price = price.expect("a price is named");
    Place::new().mnv2c(&format!("{line} --recompute {price}")).well();
}
