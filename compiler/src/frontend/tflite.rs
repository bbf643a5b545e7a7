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
mod variables;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::frontend::onnx::{self, Options, Summary};
use crate::ir::{Arithmetic, Dtype, Graph, Values};
use model::{Kind, Model};
use variables::Variable;

pub use operators::{OPERATORS, Operator, Words};

/// The identifier of the format, behind the first four bytes.
const IDENTIFIER: &[u8] = b"TFL3";

/// True if `file` says that it is a TFLite file.
pub fn is_tflite(file: &[u8]) -> bool {
    file.get(4..8) == Some(IDENTIFIER)
}

/// The table of operators in the docs, as Markdown.
pub fn table() -> String {
    let row = |it: &Operator| {
        let words = match it.words {
            Words::Refused => "",
            Words::Moved => "moved",
            Words::Computed => "computed",
        };
        format!("| {} | {} | 1-{} | {words} |\n", it.name, it.number, it.version)
    };
    let rows: String = OPERATORS.iter().map(row).collect();
    format!("| operator | number | versions | int16 |\n|---|---|---|---|\n{rows}")
}

/// The graph of a TFLite file.
pub fn read(file: &Bytes, options: &Options) -> Result<Graph> {
    let model = Model::parse(file).map_err(malformed)?;
    let notes = words(&model);
    let (model, variables) = translate::model(&model)?;
    let mut options = options.clone();
    if !options.outputs.is_empty() {
        options.outputs.extend(variables.iter().map(|variable| variable.output.clone()));
    }
    let mut graph = onnx::read_model(model, Path::new(""), &options)?;
    graph.arithmetic = Arithmetic::Tflite;
    graph.notes.extend(notes);
    variables.into_iter().for_each(|variable| keep(&mut graph, variable));
    Ok(graph)
}

/// The summary of a TFLite file: its own operators, and the inputs and outputs of its graph.
pub fn summary(file: &Bytes) -> Result<Summary> {
    let model = Model::parse(file).map_err(malformed)?;
    let name = |tensor: &usize| model.tensors[*tensor].name.clone();
    let shape = |tensor: &usize| model.shape(*tensor).iter().copied().map(Some).collect();
    let mut counts = BTreeMap::new();
    for operator in &model.operators {
        *counts.entry(operators::name(operator)).or_default() += 1;
    }
    Ok(Summary {
        producer: model.description.clone(),
        operators: counts,
        inputs: model.inputs.iter().map(name).collect(),
        shapes: model.inputs.iter().map(shape).collect(),
        keeps: variables::any(&model),
        outputs: model.outputs.iter().map(name).collect(),
        ..Summary::default()
    })
}

/// Notes on inputs and outputs that are integers of 16 bits.
fn words(model: &Model<'_>) -> Vec<String> {
    let note = |kind: &'static str| {
        move |tensor: &usize| {
            let it = &model.tensors[*tensor];
            let (is_word, name) = (it.kind == Kind::I16, &it.name);
            is_word.then(|| format!("{kind} {name:?} of int16 is floats of the same values"))
        }
    };
    let inputs = model.inputs.iter().filter_map(note("input"));
    inputs.chain(model.outputs.iter().filter_map(note("output"))).collect()
}

/// Makes what is written as an input and an output a value that the network keeps.
fn keep(graph: &mut Graph, variable: Variable) {
    let place = graph.outputs.iter().position(|output| output.name == variable.output);
    let input = graph.inputs.iter().find(|id| graph.node(**id).name == variable.input).copied();
    let (Some(place), Some(input)) = (place, input) else { return };
    let next = graph.outputs.take(place);
    let bytes = &variable.start;
    let start = match graph.node(input).out.dtype {
        Dtype::U8 => Values::U8(bytes.to_vec()),
        Dtype::I8 => Values::I8(bytes.iter().map(|byte| byte.cast_signed()).collect()),
        _ => Values::F32(bytes.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x)).collect()),
    };
    graph.keep(input, variable.input, next.node, start);
}

fn malformed(what: String) -> Error {
    Error::Malformed {
        what: format!(
            "this TFLite file is damaged or truncated ({what}); fetch or convert it again"
        ),
    }
}
