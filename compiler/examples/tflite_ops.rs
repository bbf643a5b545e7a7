//! Prints the page about operators of TFLite files: `cargo run -p mnv2c --example tflite_ops > compiler/docs/tflite.md`.

use mnv2c::frontend::tflite;

fn main() {
    print!(
        "# Operators of TFLite files\n\n\
         Everything that is read, by its number in the format, with the versions that are and what is done with activations of\n\
         16 bits. Made by `cargo run -p mnv2c --example tflite_ops > compiler/docs/tflite.md`.\n\n{}",
        tflite::table()
    );
}
