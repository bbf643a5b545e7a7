//! The checked-in bindings are what the schema generates.
//!
//! `UPDATE_PROTO=1 cargo test -p mnv2c --test proto_drift` writes them again. No protoc
//! is needed, neither here nor for building the compiler.

use std::path::{Path, PathBuf};

#[test]
fn bindings_match_the_schema() {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto");
    let (made, kept) = (generated(&proto), proto.join("onnx.rs"));
    if std::env::var_os("UPDATE_PROTO").is_some() {
        std::fs::write(&kept, &made).expect("proto/onnx.rs can be written");
    }
    let kept = std::fs::read_to_string(&kept).unwrap_or_default();
    if let Some(line) = first_difference(&kept, &made) {
        panic!(
            "proto/onnx.rs differs from proto/onnx.proto from line {line} on; \
             run `UPDATE_PROTO=1 cargo test -p mnv2c --test proto_drift` and commit it"
        );
    }
}

/// The bindings as prost generates them today.
fn generated(proto: &Path) -> String {
    let schema = protox::compile(["onnx.proto"], [proto]).expect("the schema is valid");
    let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    prost_build::Config::new()
        .bytes([".onnx.TensorProto.raw_data"])
        .boxed(".onnx.AttributeProto.g")
        .out_dir(&out)
        .compile_fds(schema)
        .expect("the schema has bindings");
    std::fs::read_to_string(out.join("onnx.rs")).expect("prost writes one file per package")
}

/// The number of the first line in which the texts differ, if they do.
fn first_difference(kept: &str, made: &str) -> Option<usize> {
    let same = kept.lines().zip(made.lines()).take_while(|(a, b)| a == b);
    (kept != made).then(|| same.count() + 1)
}
