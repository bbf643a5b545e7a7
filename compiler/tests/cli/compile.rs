//! Output files, which are written whole or not at all.

use crate::build::Model;
use crate::place::{Place, TINY};

fn tiny() -> Place {
    let place = Place::new();
    place.put("tiny.toml", TINY.as_bytes());
    place
}

#[test]
fn compiling_writes_the_same_two_files_each_time() {
    let place = tiny();
    let said = place.mnv2c("compile tiny.toml --seed 7 -o net.rs --target generic").well();
    assert!(said.contains("1 block found") && said.contains("arena"), "{said}");
    assert_eq!(place.names(), ["net.bin", "net.rs", "tiny.toml"]);
    assert_eq!(
        place.mnv2c("compile tiny.toml --seed 7 -o net.rs --target generic --check").code,
        0
    );
    place
        .mnv2c("compile tiny.toml --seed 8 -o net.rs --target generic --check")
        .fails(1, &["net."]);
    place.mnv2c("compile tiny.toml -o other.rs --check").fails(3, &["other"]);
}

#[test]
fn a_summary_for_programs_has_the_sizes() {
    let summary =
        tiny().mnv2c("compile tiny.toml --seed 7 -o net.rs --name Tiny --format json").json();
    assert_eq!(summary["name"], "Tiny");
    assert!(
        summary["arena_bytes"].as_u64() > Some(0) && summary["weights_bytes"].as_u64() > Some(0)
    );
    assert_eq!(summary["model_sha256"].as_str().map(str::len), Some(64));
}

#[test]
fn a_standalone_file_needs_plain_rustc_alone() {
    let place = tiny();
    place.mnv2c("compile tiny.toml --seed 7 -o net.rs --standalone").well();
    assert_eq!(place.names(), ["net.rs", "tiny.toml"]);
    for edition in ["2015", "2018", "2021", "2024"] {
        let line = format!("--edition {edition} -O -D warnings --crate-type lib net.rs");
        place.run("rustc", &line).well();
    }
}

#[test]
#[cfg(not(target_arch = "aarch64"))]
fn a_build_for_other_machines_says_what_is_wrong() {
    let place = tiny();
    place.mnv2c("compile tiny.toml --seed 7 -o net.rs --standalone --target armv8").well();
    let line = "--edition 2024 -O --crate-type lib net.rs";
    let said = place.run("rustc", line);
    let first = "error: this network is for armv8; give it another target";
    assert!(said.code == 1 && said.err.starts_with(first), "{said:?}");
}

#[test]
fn graphs_are_printed_after_the_pass_that_is_asked_for() {
    let place = tiny();
    let one = place.mnv2c("compile tiny.toml --seed 7 --dump-ir fold_bn").well();
    assert!(one.starts_with("== fold_bn: 4\n") && one.matches("== ").count() == 1, "{one}");
    let all = place.mnv2c("compile tiny.toml --seed 7 --dump-ir all").well();
    assert!(all.starts_with("== import") && all.contains("== find_blocks: 1"), "{all}");
    place.mnv2c("compile tiny.toml --dump-ir fold_nothing").fails(2, &["fold_nothing", "fold_bn"]);
    assert_eq!(place.names(), ["tiny.toml"]);
}

#[test]
fn flags_that_mean_nothing_are_wrong_usage() {
    let place = tiny();
    place.mnv2c("compile tiny.toml -o net.rs --target z80").fails(2, &["z80", "x86-64-v3"]);
    place.mnv2c("compile tiny.toml -o net.rs --dim batch").fails(2, &["batch=1"]);
    place
        .mnv2c("compile tiny.toml -o net.rs --input-shape x=1x0")
        .fails(2, &["give a number from 1"]);
    place.mnv2c("compile tiny.toml").fails(2, &["-o <FILE.rs>"]);
    for flag in ["--standalone", "--layers", "--name net", "--weights extern"] {
        let line = format!("compile tiny.toml --dump-ir import {flag}");
        place.mnv2c(&line).fails(2, &["-o <FILE.rs>"]);
    }
    for rest in ["--dump-ir import", "-o net.rs --check"] {
        let line = format!("compile tiny.toml --format json {rest}");
        place.mnv2c(&line).fails(1, &["--format", "nothing is written; leave it out"]);
    }
    for flag in ["--threads 2", "--objective ram", "--ram 1M", "--feed rows", "--dtype f16"] {
        place.mnv2c(&format!("plan tiny.toml --table3 {flag}")).fails(2, &["--table3"]);
    }
    place.mnv2c("report tiny.toml -o net.html --runner qemu").fails(2, &["--bench"]);
    place.mnv2c("verify . --against interp --runner qemu").fails(1, &["--runner", "names none"]);
    place.mnv2c("compile").fails(2, &["MODEL"]);
    place.mnv2c("melt tiny.toml").fails(2, &["melt"]);
    place.mnv2c("compile tiny.toml -o net.rs --dim batch=2").fails(1, &["--dim", "ONNX"]);
    assert_eq!(place.names(), ["tiny.toml"]);
}

#[test]
fn leave_to_compute_more_is_told_to_gain_nothing_where_speed_is_wanted() {
    let note = "note: --recompute saves memory, and the plan is chosen for speed";
    let told = |line: &str| tiny().mnv2c(line).err.matches(note).count();
    assert_eq!(told("plan tiny.toml --seed 1 --recompute 2"), 1);
    assert_eq!(told("plan tiny.toml --seed 1 --recompute 2 --objective ram"), 0);
    assert_eq!(told("plan tiny.toml --seed 1 --recompute 2 --ram 1M"), 0);
}

#[test]
fn models_that_are_none_leave_no_files() {
    let place = tiny();
    place.put("noise.onnx", b"\x93\x00\xff noise");
    let bytes = Model::of(13, &[2], "Relu", vec![]).bytes();
    place.put("short.onnx", &bytes[..bytes.len() - 3]);
    place.put("empty.onnx", b"");
    place.put("zero.toml", TINY.replace("channels = 3", "channels = 0").as_bytes());
    place.put("prose.txt", b"Once upon a time.");
    place.put("pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    let before = place.names();
    for (model, part) in [
        ("noise.onnx", "no ONNX file"),
        ("short.onnx", "truncated"),
        ("empty.onnx", "no graph"),
        ("zero.toml", "channels is 0"),
        ("prose.txt", "network spec"),
        ("pointer", "git lfs pull"),
    ] {
        place.mnv2c(&format!("compile {model} -o net.rs")).fails(1, &[part]);
    }
    place.mnv2c("compile missing.onnx -o net.rs").fails(3, &["missing.onnx", "check the path"]);
    place.mnv2c("compile tiny.toml --weights-file tiny.toml -o net.rs").fails(1, &["safetensors"]);
    assert_eq!(place.names(), before);
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let place = tiny();
    let nowhere = place.mnv2c("compile tiny.toml --seed 7 -o no/where/net.rs");
    nowhere.fails(3, &["no/where/net", "make its directory first"]);
    std::fs::create_dir(place.path("net.rs")).expect("it can be made");
    place.mnv2c("compile tiny.toml --seed 7 -o net.rs").fails(3, &["net.rs", "is a directory"]);
    place.mnv2c("build tiny.toml --seed 7 -o no/where/net").fails(3, &["no/where/net"]);
    assert_eq!(place.names(), ["net.rs", "tiny.toml"]);
}
