//! What is supported: one answer, whatever is wished of the memory and whoever asks.

use mnv2c::Options;
use mnv2c::error::Result;
use mnv2c::objective::{Memory, Objective};

use crate::build::Model;

#[test]
fn every_objective_refuses_what_no_kernel_does_in_the_same_words() {
    let square = Model::opset(13).input("x", &[1, 4, 4]);
    let square = square.node("MatMul", &["x", "x"], &["square"], vec![]).output("square");
    let objectives = [Objective::Speed, Objective::Ram, Objective::Within(64)];
    for objective in objectives {
        let error = compiled(&square, Memory { objective, ..Memory::default() });
        let error = error.expect_err("no kernel multiplies what is computed").to_string();
        assert_eq!(
            error,
            "this is unsupported:\n  matmul \"square\": a product of two computed matrices, or of a \
             stack of them; the second has to be one constant matrix"
        );
    }
}

/// Compiles `model` for any machine.
fn compiled(model: &Model, memory: Memory) -> Result<String> {
    let options = Options {
        target: "generic".parse().expect("a target is called so"),
        name: "net".into(),
        sha256: String::new(),
        blob_name: "net.bin".into(),
        memory,
        layers: false,
        ends: mnv2c::ends::Ends::default(),
    };
    mnv2c::compile(model.read()?, &options, |_, _, _| ()).map(|artifact| artifact.rust)
}
