//! Summary of an ONNX file, before anything is understood: for `inspect`, and to bind open dimensions.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::Message;

use crate::content;
use crate::error::{Error, Result};
use crate::frontend::onnx::fault::Fault;
use crate::frontend::onnx::inputs::declared;
use crate::frontend::onnx::operators::qualified;
use crate::frontend::onnx::store::Store;
use crate::frontend::onnx::{decode, tensor};
use crate::interp::Array;
use crate::proto::tensor_proto::DataType;
use crate::proto::{GraphProto, TensorProto, ValueInfoProto};

/// The file's own account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Version of the file format.
    pub ir_version: i64,
    /// The tool that wrote the file, with its version; may be empty.
    pub producer: String,
    /// Operator sets by domain; "ai.onnx" is the standard one.
    pub opsets: BTreeMap<String, i64>,
    /// How often each operator occurs.
    pub operators: BTreeMap<String, usize>,
    /// Names of the inputs that the caller passes, in order.
    pub inputs: Vec<String>,
    /// Shapes of those inputs, as far as the file says; empty where it gives none.
    pub shapes: Vec<Vec<Option<usize>>>,
    /// True if the file itself says what is kept between calls.
    pub keeps: bool,
    /// Names of the outputs, in order.
    pub outputs: Vec<String>,
    /// True if any weights are 16-bit floats.
    pub has_half_weights: bool,
    /// Files that hold weights, relative to the model's.
    pub weight_files: BTreeSet<String>,
    /// Notes of tools in the file, by key.
    pub metadata: BTreeMap<String, String>,
}

/// The summary of the file.
pub fn summary(file: impl Into<Bytes>) -> Result<Summary> {
    let model = decode(file.into())?;
    let domain = |domain: &str| if domain.is_empty() { "ai.onnx" } else { domain }.to_owned();
    let opsets = model.opset_import.iter().map(|set| (domain(&set.domain), set.version)).collect();
    let metadata = model.metadata_props.into_iter().map(|entry| (entry.key, entry.value)).collect();
    let graph = model.graph.unwrap_or_default();
    let mut operators = BTreeMap::new();
    for node in &graph.node {
        *operators.entry(qualified(node)).or_default() += 1;
    }
    let producer = format!("{} {}", model.producer_name, model.producer_version);
    Ok(Summary {
        ir_version: model.ir_version,
        producer: producer.trim().to_owned(),
        opsets,
        operators,
        shapes: taken(&graph)
            .map(|input| declared(input.r#type.as_ref()).unwrap_or_default())
            .collect(),
        keeps: false,
        inputs: taken(&graph).map(|input| input.name.clone()).collect(),
        outputs: graph.output.iter().map(|output| output.name.clone()).collect(),
        has_half_weights: has_half_weights(&graph),
        weight_files: weight_files(&graph),
        metadata,
    })
}

/// The array in a file that holds one tensor, as ONNX test data does.
pub fn read_tensor(file: impl Into<Bytes>) -> Result<Array> {
    let malformed = |what: String| Error::Malformed { what: format!("tensor: {what}") };
    let file = file.into();
    let proto = TensorProto::decode(file.clone()).map_err(|error| {
        malformed(
            content::instead(&file).map_or_else(|| error.to_string(), |it| format!("is {it}")),
        )
    })?;
    let constant = tensor::dense(proto, &mut Store::new(".".as_ref()));
    let constant = constant.map_err(|fault| match fault {
        Fault::Unsupported(what) => Error::unsupported(vec![format!("tensor: {what}")]),
        Fault::Misfit(what) => malformed(what),
        Fault::Error(error) => error,
    })?;
    Ok(Array { shape: constant.shape, values: constant.values })
}

/// The inputs that the caller passes.
fn taken(graph: &GraphProto) -> impl Iterator<Item = &ValueInfoProto> {
    let constants: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    graph.input.iter().filter(move |input| !constants.contains(input.name.as_str()))
}

fn has_half_weights(graph: &GraphProto) -> bool {
    tensors(graph).any(|t| t.data_type == DataType::Float16 as i32 && !t.dims.is_empty())
}

fn weight_files(graph: &GraphProto) -> BTreeSet<String> {
    let entries = tensors(graph).flat_map(|tensor| &tensor.external_data);
    entries.filter(|entry| entry.key == "location").map(|entry| entry.value.clone()).collect()
}

/// Every constant of the main graph.
fn tensors(graph: &GraphProto) -> impl Iterator<Item = &TensorProto> {
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    graph.initializer.iter().chain(attributes.filter_map(|attribute| attribute.t.as_ref()))
}
