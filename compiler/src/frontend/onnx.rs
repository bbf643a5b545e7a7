//! Reads ONNX files.
//!
//! The result is the file's f32 inference graph with every shape known: open dimensions are bound, shape arithmetic is
//! folded away, old and new forms of an operator read alike. [`OPERATORS`] lists what is understood, and the reader
//! itself consults it. All unsupported things are reported together. Weights stay in the file's memory until they are
//! read; a file of f32 weights peaks at twice its size. Any bytes give a graph or an [`Error`], never a panic.

mod arithmetic;
mod attention;
mod batch_norm;
mod body;
mod call;
mod cast;
mod census;
mod composed;
mod constant;
mod control;
mod convolution;
mod cut;
mod einsum;
mod empty;
mod evaluate;
mod external;
mod fault;
mod fold;
mod function;
mod gather;
mod indexed;
mod inputs;
mod matrix;
mod narrow;
mod operators;
mod quantized;
mod ranked;
mod recurrent;
mod reduce;
mod repeat;
mod reshape;
mod resize;
mod scope;
mod sequence;
mod slice;
mod space;
mod store;
mod summary;
mod suppression;
mod tensor;
mod threshold;
mod truths;
mod unsupported;
mod volume;
mod whole;
mod window;
mod wiring;
pub(in crate::frontend) mod words;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use bytes::Bytes;
use prost::Message;

pub use operators::{OPERATORS, Operator, Types};
pub use summary::{Summary, read_tensor, summary};

use crate::content;
use crate::error::{Error, Result};
use crate::ir::Graph;
use crate::proto::{GraphProto, ModelProto, OperatorSetIdProto};
use function::Functions;
use scope::Scope;

/// Versions of the standard operator set that are understood.
pub const OPSETS: RangeInclusive<i64> = 6..=28;

/// Most nodes a file may have.
const MAX_NODES: usize = 1 << 20;

/// The user's choices of sizes that the file leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Sizes of named dimensions, such as `batch`.
    pub dims: BTreeMap<String, usize>,
    /// Whole shapes of inputs, by name; these win over the file and over `dims`.
    pub input_shapes: BTreeMap<String, Vec<usize>>,
    /// Values that become the outputs, in this order, in place of the file's; those where there are none.
    pub outputs: Vec<String>,
}

/// The graph of an ONNX file; weights that lie in files of their own are looked for in `base`.
///
/// A `Vec<u8>` or `Bytes` is taken without a copy.
pub fn read(file: impl Into<Bytes>, base: &Path, options: &Options) -> Result<Graph> {
    read_model(decode(file.into())?, base, options)
}

/// The graph of a model that has been decoded.
pub(in crate::frontend) fn read_model(
    mut model: ModelProto,
    base: &Path,
    options: &Options,
) -> Result<Graph> {
    let opset = opset(&model.opset_import)?;
    let functions = Functions::new(std::mem::take(&mut model.functions));
    let mut proto = graph_of(model)?;
    cut::at(&mut proto, &options.outputs)?;
    let order = wiring::order(&proto, &|_| false)?;
    let inputs = inputs::bind(&proto, options, &cut::needed(&proto, &order, &options.outputs))?;

    let mut scope = Scope::new(&mut proto, opset, base, functions);
    scope.check_opset();
    scope.add_inputs(inputs);
    scope.note_left_out(proto.node.len() - order.len());
    for index in order {
        scope.read(&proto.node[index]);
    }
    scope.finish(&proto)
}

fn decode(file: Bytes) -> Result<ModelProto> {
    census::check(&file)?;
    let model = ModelProto::decode(file.clone());
    let instead = |what: String| Error::Malformed { what: format!("this is {what}") };
    match model {
        Ok(model) if model.graph.is_some() => Ok(model),
        Ok(_) => Err(content::instead(&file).map_or_else(no_graph, instead)),
        Err(error) => Err(content::instead(&file).map_or_else(|| undecoded(&error), instead)),
    }
}

fn undecoded(error: &prost::DecodeError) -> Error {
    let what = "these bytes are no ONNX file, or a truncated one; fetch or export it again";
    Error::Malformed { what: format!("{what} ({error})") }
}

/// The version of the standard operator set that the model imports.
fn opset(imports: &[OperatorSetIdProto]) -> Result<i64> {
    match standard_version(imports) {
        Some(version) => Ok(version),
        None => Err(Error::Malformed {
            what: "the file imports no version of the standard operator set".into(),
        }),
    }
}

fn standard_version(imports: &[OperatorSetIdProto]) -> Option<i64> {
    let standard = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    imports.iter().find(|import| standard(&import.domain)).map(|import| import.version)
}

fn graph_of(model: ModelProto) -> Result<GraphProto> {
    let graph = model.graph.ok_or_else(no_graph)?;
    let nodes = graph.node.len();
    if nodes > MAX_NODES {
        return Err(Error::Malformed {
            what: format!("the graph has {nodes} nodes; {MAX_NODES} is the most that is read"),
        });
    }
    Ok(graph)
}

fn no_graph() -> Error {
    Error::Malformed { what: "the bytes hold no graph; is this an ONNX file?".into() }
}
