//! Reads TFLite files.
//!
//! A file's graph is said again in ONNX's operators, with the scales of quantised tensors between them, and then read as
//! an ONNX file is: images stay as the file has them, `[n,h,w,c]`, and convolutions stand between transposes. Offsets of
//! the file are checked where they are followed. [`OPERATORS`] lists what is understood; all that is not is reported
//! together. Any bytes give a graph or an [`Error`], never a panic.

mod model;
mod operators;
mod read;
mod schema;
mod translate;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::frontend::onnx::{self, Options, Summary};
use crate::ir::{Arithmetic, Graph};
use crate::proto::ModelProto;
use model::Model;

pub use operators::{OPERATORS, Operator};

/// The identifier of the format, behind the first four bytes.
const IDENTIFIER: &[u8] = b"TFL3";

/// True if `file` says that it is a TFLite file.
pub fn is_tflite(file: &[u8]) -> bool {
    file.get(4..8) == Some(IDENTIFIER)
}

/// The graph of a TFLite file.
pub fn read(file: &Bytes, options: &Options) -> Result<Graph> {
    let mut graph = onnx::read_model(in_onnx(file)?, Path::new(""), options)?;
    graph.arithmetic = Arithmetic::Tflite;
    Ok(graph)
}

/// The summary of a TFLite file: its own operators, and the inputs and outputs of its graph.
pub fn summary(file: &Bytes) -> Result<Summary> {
    let model = Model::parse(file).map_err(malformed)?;
    let name = |tensor: &usize| model.tensors[*tensor].name.clone();
    let mut counts = BTreeMap::new();
    for operator in &model.operators {
        *counts.entry(operators::name(operator)).or_default() += 1;
    }
    Ok(Summary {
        producer: model.description.clone(),
        operators: counts,
        inputs: model.inputs.iter().map(name).collect(),
        outputs: model.outputs.iter().map(name).collect(),
        ..Summary::default()
    })
}

/// The file's graph in ONNX's operators.
fn in_onnx(file: &Bytes) -> Result<ModelProto> {
    let model = Model::parse(file).map_err(malformed)?;
    translate::model(&model)
}

fn malformed(what: String) -> Error {
    Error::Malformed {
        what: format!(
            "this TFLite file is damaged or truncated ({what}); fetch or convert it again"
        ),
    }
}
