//! Readers of models: each turns what the user has into a [`crate::ir::Graph`] that says the same, nothing cleverer.

pub mod onnx;
pub mod spec;
pub mod tflite;
