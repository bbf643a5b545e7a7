//! Programs that are built, and what they answer.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::time::SystemTime;

use image::{ImageFormat, Rgb, RgbImage};
use mnv2c::target::Target;

use crate::place::Place;

/// Numbers whose averages over the channels of 4x4 are 0, 1 and 2.
fn channel(i: usize) -> f32 {
    (i / 16) as f32
}

#[test]
fn a_built_program_answers_times_itself_and_refuses() {
    let place = Place::with_averages();
    place.put_array("x.npy", &[1, 3, 4, 4], channel);
    place.mnv2c("build model.onnx -o net").well();
    let net = place.path("net");
    place.run(&net, "--input x.npy --output-dir out").well();
    assert_eq!(place.floats("out/output_0.npy"), [0.0, 1.0, 2.0]);
    let times = place.run(&net, "--bench 3 --threads 1").json();
    for key in ["min_ms", "median_ms", "arena_bytes", "weights_bytes"] {
        assert!(times[key].is_number(), "{key} in {times}");
    }
    place.put_array("flat.npy", &[48], channel);
    place.put("text.npy", b"no numbers");
    let refusals = [
        ("--input flat.npy --output-dir out", 1, "takes [1, 3, 4, 4]"),
        ("--input text.npy --output-dir out", 1, "is no .npy file"),
        ("--input none.npy --output-dir out", 1, "none.npy"),
        ("--input x.npy --input x.npy --output-dir out", 1, "takes 1"),
        ("--input x.npy", 2, "--output-dir"),
        ("--bench 0", 2, "number from 1"),
        ("--bench", 2, "needs a value"),
    ];
    for (line, code, part) in refusals {
        place.run(&net, line).fails(code, &[part]);
    }
}

#[test]
fn running_prints_answers_and_builds_once() {
    let place = Place::with_averages();
    place.put_array("x.npy", &[1, 3, 4, 4], channel);
    let said = place.mnv2c("run model.onnx --input x.npy --output-dir out").well();
    assert!(said.contains("y: 1x3, largest 2 at 2"), "{said}");
    assert_eq!(place.floats("out/output_0.npy"), [0.0, 1.0, 2.0]);
    let json = place.mnv2c("run model.onnx --input x.npy --format json").json();
    assert_eq!(json["outputs"][0]["values"][1], 1.0);
    let cache = place.path("cache");
    let run = |rustc: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mnv2c"));
        command.args(["run", "model.onnx", "--input", "x.npy"]).env("MNV2C_CACHE", &cache);
        command.env("RUSTC", rustc).current_dir(place.path("."));
        command.output().expect("it starts").status.code()
    };
    assert_eq!((run("no-such-compiler"), run("rustc")), (Some(3), Some(0)));
    let kept = || -> Vec<(PathBuf, SystemTime)> {
        let entries =
            fs::read_dir(&cache).expect("it exists").map(|entry| entry.expect("it lists"));
        let time = |entry: &fs::DirEntry| entry.metadata().and_then(|it| it.modified());
        entries.map(|entry| (entry.path(), time(&entry).expect("files have times"))).collect()
    };
    let built = kept();
    assert_eq!((built.len(), run("rustc"), kept()), (2, Some(0), built), "a program and its hash");
}

#[test]
fn a_picture_is_resized_normalised_and_named() {
    let place = Place::with_averages();
    let mut png = Cursor::new(Vec::new());
    let red = RgbImage::from_pixel(9, 7, Rgb([255, 0, 0]));
    red.write_to(&mut png, ImageFormat::Png).expect("it encodes");
    place.put("red.png", png.get_ref());
    place.put("labels.txt", b"red\ngreen\nblue\n");
    let said = place.mnv2c("run model.onnx --input red.png --labels labels.txt").well();
    assert_eq!(said.lines().next(), Some("100.0 %  red"));
    place
        .mnv2c("run model.onnx --input red.png --scale raw --mean 5,0,-1 --std 2 --output-dir out")
        .well();
    let answers = place.floats("out/output_0.npy");
    assert!(
        answers.iter().zip([125.0, 0.0, 0.5]).all(|(y, is)| (y - is).abs() < 1e-4),
        "{answers:?}"
    );
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let place = Place::with_averages();
    place.put("broken.png", b"\x89PNG\r\n\x1a\n and then nothing");
    place.put("text.txt", b"hello");
    place.put_array("flat.npy", &[48], channel);
    let refusals = [
        ("broken.png", 1, "broken.png: ends before its picture does"),
        ("text.txt", 1, "is no .npy, .pb, .png or .jpg"),
        ("flat.npy", 1, "has shape 48, input \"x\" takes 1x3x4x4"),
        ("none.npy", 3, "check the path"),
        ("flat.npy --input flat.npy", 1, "2 inputs are given"),
        ("broken.png --std 0", 2, "no number to divide by"),
        ("broken.png --mean 1,2", 1, "mean has 2 numbers"),
        ("flat.npy --labels none.txt", 3, "none.txt"),
    ];
    for (input, code, part) in refusals {
        place.mnv2c(&format!("run model.onnx --input {input}")).fails(code, &[part]);
    }
}

#[test]
fn a_runner_starts_the_program() {
    let place = Place::with_averages();
    place.put_array("x.npy", &[1, 3, 4, 4], channel);
    let run = |runner: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mnv2c"));
        command.args(["run", "model.onnx", "--input", "x.npy", "--runner", runner]);
        command.env("MNV2C_CACHE", place.path("../cache")).current_dir(place.path("."));
        command.output().expect("it starts").status.code()
    };
    assert_eq!(run("env A=1"), Some(0));
    assert_eq!(run("false"), Some(1));
}

#[test]
fn bench_prints_times() {
    let place = Place::with_averages();
    assert!(place.mnv2c("bench model.onnx --runs 2").well().contains("median of 2 runs"));
    assert_eq!(place.mnv2c("bench model.onnx --runs 2 --format json").json()["runs"], 2);
    place.mnv2c("bench model.onnx --runs 0").fails(2, &["--runs"]);
}

#[test]
fn tiles_are_timed_once() {
    let place = Place::new();
    place.put("digits.onnx", include_bytes!("../../../examples/digits/digits.onnx"));
    let tune = |target: &str| {
        let model = "compile digits.onnx --tune tiles.json -o net.rs --target";
        place.mnv2c(&format!("{model} {target}"))
    };
    let files =
        || ["tiles.json", "net.rs"].map(|name| fs::read_to_string(place.path(name)).unwrap());
    tune("host").well();
    let first = files();
    assert!(first[0].contains("\"tile\""), "{}", first[0]);
    tune("host").well();
    assert_eq!(files(), first);
    if Target::host().name != "generic" {
        tune("generic").fails(1, &["tiles.json", "not for scalar", "--tune"]);
    }
    place.put("tiles.json", b"{}");
    tune("host").fails(1, &["tiles.json", "no timed tiles"]);
}

#[test]
fn a_damaged_program_is_built_again() {
    let place = Place::with_averages();
    place.put_array("x.npy", &[1, 3, 4, 4], channel);
    let run = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mnv2c"));
        command.args(["run", "model.onnx", "--input", "x.npy", "--output-dir", "out"]);
        command.env("MNV2C_CACHE", place.path("cache")).current_dir(place.path("."));
        let said = command.output().expect("it starts");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        assert_eq!(place.floats("out/output_0.npy"), [0.0, 1.0, 2.0]);
    };
    run();
    let kept = fs::read_dir(place.path("cache")).expect("the cache is there");
    let mut kept: Vec<_> = kept.map(|entry| entry.expect("it lists").path()).collect();
    kept.sort();
    let [program, sum] = kept.as_slice() else { panic!("a program and its hash, not {kept:?}") };
    let bytes = fs::read(program).expect("the program is there");
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    for damaged in [&bytes[..bytes.len() / 2], &changed, &[]] {
        fs::write(program, damaged).expect("the program can be damaged");
        run();
        assert_ne!(fs::read(program).expect("the program is back"), damaged);
    }
    fs::remove_file(sum).expect("the hash is there");
    run();
    assert!(sum.is_file(), "the hash is back");
}
