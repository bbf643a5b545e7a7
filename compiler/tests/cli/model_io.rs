//! Pictures and answers at both ends of a network.

use mnv2c::interp::Array;
use mnv2c::ir::Values;
use mnv2c::npy;

use crate::place::{Place, TINY};

const FOLDED: &str = "--input-format u8-nhwc --scale raw --mean 100,110,120 --std 50";

fn place() -> Place {
    let place = Place::new();
    place.put("tiny.toml", TINY.as_bytes());
    let bytes: Vec<u8> = (0..192).map(|at| (at * 31 % 256) as u8).collect();
    let mean = [100.0, 110.0, 120.0];
    place.put_array("normalised.npy", &[1, 3, 8, 8], |at| {
        let (channel, pixel) = (at / 64, at % 64);
        (f32::from(bytes[pixel * 3 + channel]) - mean[channel]) / 50.0
    });
    let bytes = Array { shape: vec![1, 8, 8, 3], values: Values::U8(bytes) };
    place.put("bytes.npy", &npy::write(&bytes));
    place
}

#[test]
fn bytes_answer_as_the_numbers_made_of_them_do() {
    let place = place();
    place.mnv2c("run tiny.toml --seed 1 --input normalised.npy --output-dir plain").well();
    place
        .mnv2c(&format!("run tiny.toml --seed 1 --input bytes.npy --output-dir folded {FOLDED}"))
        .well();
    let (plain, folded) = (place.floats("plain/output_0.npy"), place.floats("folded/output_0.npy"));
    let far = plain.iter().zip(&folded).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 1e-5 && plain.iter().any(|value| value.abs() > 1e-3), "{plain:?} {folded:?}");
    let best = plain.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("four classes").0;
    place.put("labels.txt", b"ant\nbee\ncat\ndog\n");
    let line = format!(
        "run tiny.toml --seed 1 --input bytes.npy --labels labels.txt --output argmax {FOLDED}"
    );
    let said = place.mnv2c(&line).well();
    assert!(said.starts_with(["ant", "bee", "cat", "dog"][best]), "{said}");
}

#[test]
fn a_normalisation_that_nothing_folds_is_refused() {
    let place = place();
    place
        .mnv2c("compile tiny.toml --seed 1 -o net.rs --mean 0.5")
        .fails(1, &["are folded into a network whose picture has a format", "--input-format"]);
    for flag in ["--mean 100", "--std 2", "--scale raw", "--scale unit"] {
        place.mnv2c(&format!("run tiny.toml --seed 1 --input normalised.npy {flag}")).fails(
            1,
            &["are done to pictures, and arrays are taken as they are", "--input-format"],
        );
    }
    place.mnv2c("build tiny.toml --seed 1 -o net --bgr").fails(2, &["--input-format"]);
    place
        .mnv2c("compile tiny.toml --seed 1 --output net.rs")
        .fails(2, &["use raw, softmax, argmax or top5", "behind -o"]);
    place
        .mnv2c(&format!("compile tiny.toml --seed 1 -o net.rs {FOLDED} --std 0"))
        .fails(2, &["--std"]);
}

#[test]
fn a_report_is_a_page_with_times_if_there_are_any() {
    let place = place();
    let said = place.mnv2c("report tiny.toml --seed 1 -o tiny.html").well();
    assert!(said.starts_with("tiny.html: tiny with arena "), "{said}");
    let page = || {
        let page = std::fs::read_to_string(place.path("tiny.html")).expect("it is there");
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        page
    };
    assert!(!page().contains("an inference"));
    let times = place.mnv2c("bench tiny.toml --seed 1 --runs 2 --profile --format json").well();
    place.put("times.json", times.as_bytes());
    place.mnv2c("report tiny.toml --seed 1 -o tiny.html --profile times.json").well();
    assert!(page().contains("an inference"));
    place
        .mnv2c("report tiny.toml --seed 1 -o other.html --objective ram --profile bytes.npy")
        .fails(3, &["bytes.npy"]);
    place.put("others.json", br#"{"kernels": [{"us": 1.0}]}"#);
    place
        .mnv2c("report tiny.toml --seed 1 -o other.html --profile others.json")
        .fails(1, &["no time for each of", "--profile --format json"]);
}

#[test]
fn a_recorded_input_that_was_no_picture_says_so() {
    let place = place();
    place
        .mnv2c("run tiny.toml --seed 1 --input bytes.npy")
        .fails(1, &["holds u8, input \"input\" takes f32"]);
}
