//! The messages of an ONNX file.
//!
//! Generated from `proto/onnx.proto`, which documents every message and field;
//! `tests/proto_drift.rs` keeps the two equal. `raw_data` is [`bytes::Bytes`]: decoded
//! from `Bytes` it shares the file's memory instead of copying the weights.

include!("../../proto/onnx.rs");
