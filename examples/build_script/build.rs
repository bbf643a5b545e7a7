//! Compiles the network before the crate.

use mnv2c::build::{Compiler, Failed};

fn main() -> Result<(), Failed> {
    Compiler::new("../digits/digits.onnx").emit("digits")
}
