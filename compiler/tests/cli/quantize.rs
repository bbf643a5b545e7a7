//! Quantising from the command line: what is written, and what is refused.

use crate::place::{Place, averages};

/// A model, and calibration arrays of the right and of a wrong shape.
fn place() -> Place {
    let place = Place::new();
    place.put("net.onnx", &averages().bytes());
    place.put_array("good/a.npy", &[1, 3, 4, 4], |i| i as f32 * 0.1);
    place.put_array("good/b.npy", &[2, 3, 4, 4], |i| i as f32 * -0.1);
    place.put_array("bad.npy", &[1, 3, 5, 4], |_| 1.0);
    place.put("empty/readme.txt", b"no pictures");
    place
}

#[test]
fn a_written_model_answers_and_is_not_quantised_again() {
    let place = place();
    let said = place.mnv2c("quantize net.onnx --calib good -o q.onnx").well();
    assert!(said.contains("of 3 pictures") && said.contains("q.onnx: "), "{said}");
    let files = "--calib good/a.npy good/b.npy --observer entropy";
    let report = place.mnv2c(&format!("quantize net.onnx {files} -o r.onnx --format json")).json();
    assert_eq!(report["images"], 3);
    let again = place.mnv2c("quantize q.onnx --calib good -o r.onnx");
    again.fails(1, &["is quantised already"]);
}

#[test]
fn pictures_that_teach_nothing_are_refused() {
    let place = place();
    let refused = |words: &str, reason: &str| {
        let said = place.mnv2c(&format!("quantize net.onnx -o q.onnx {words}"));
        assert!(said.code != 0 && said.err.contains(reason), "{said:?}\nlacks {reason}");
    };
    refused("", "there is no picture to calibrate with; pass --calib");
    refused("--calib empty", "empty: there is no picture to calibrate with");
    refused("--calib bad.npy", "has shape 1x3x5x4, input");
    refused(
        "--calib good --observer best",
        "unknown observer \"best\"; use minmax, percentile or entropy",
    );
    refused("--calib good --keep-f32 nothing", "there is no layer \"nothing\" to keep in floats");
    refused("--calib good --keep-f32 Mea", "like it are \"mean\", \"x\", \"y\"; the report");
    refused("--calib good --keep-f32 shape", "there is no layer \"shape\" to keep in floats");
    refused("--calib good --keep f32 nothing", "there is no layer \"nothing\" to keep in floats");
    refused("--calib good --keep f16 y", "layers are kept in f32, not in \"f16\"");
    let normalised = "--scale, --mean and --std are done to pictures";
    refused("--calib good --mean 0.5", normalised);
    refused("--calib good/a.npy --scale unit", normalised);
    refused("--calib good --limit 0", "--limit");
    for flag in [
        "--calib good",
        "--limit 3",
        "--observer minmax",
        "--no-equalize",
        "--no-bias-correction",
        "--keep-f32 y",
    ] {
        let name = flag.split(' ').next().expect("it has a name");
        for verb in ["compile -o n.rs", "build -o n", "check", "run --input good/a.npy", "bench"] {
            let said = place.mnv2c(&format!("{verb} net.onnx {flag}"));
            let told = format!("{name} quantises; pass --dtype int8 with it");
            assert!(said.code == 1 && (said.out + &said.err).contains(&told), "{verb} {flag}");
        }
    }
    let missing = place.mnv2c("compile net.onnx --dtype int8 -o n.rs");
    missing.fails(1, &["there is no picture to calibrate with; pass --calib"]);
}
