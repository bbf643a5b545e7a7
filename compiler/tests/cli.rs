//! The program `mnv2c` as a user meets it: verbs, files, messages and exit codes, on models of a few nodes.

#[path = "cli/agree.rs"]
mod agree;
#[path = "onnx/build.rs"]
#[expect(dead_code, reason = "the reader's tests use the rest")]
mod build;
#[path = "cli/compile.rs"]
mod compile;
#[path = "cli/emulated.rs"]
mod emulated;
#[path = "cli/lists.rs"]
mod lists;
#[path = "cli/model_io.rs"]
mod model_io;
#[path = "onnx/padded.rs"]
mod padded;
#[path = "cli/pictures.rs"]
mod pictures;
#[path = "cli/place.rs"]
mod place;
#[path = "cli/places.rs"]
mod places;
#[path = "cli/plan.rs"]
mod plan;
#[path = "cli/programs.rs"]
mod programs;
#[path = "cli/quantize.rs"]
mod quantize;
#[path = "cli/verify.rs"]
mod verify;
