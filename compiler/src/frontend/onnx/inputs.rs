//! The model's inputs, with every dimension bound to a number.
//!
//! A whole shape from the user wins over the file; a named dimension takes the user's number; an open leading
//! dimension, the batch, is 1 unless told otherwise. Anything else that is open is the user's to say.

mod open;

use std::collections::{BTreeMap, BTreeSet};

use crate::error::mention::option;
use crate::error::{Error, Result};
use crate::frontend::onnx::Options;
use crate::frontend::onnx::store::checked_len;
use crate::proto::tensor_shape_proto::Dimension;
use crate::proto::tensor_shape_proto::dimension::Value as Dim;
use crate::proto::type_proto::Value as Kind;
use crate::proto::{GraphProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto};

/// An input that the caller passes.
pub(super) struct Input {
    /// Its name.
    pub(super) name: String,
    /// Its ONNX element type.
    pub(super) elem_type: i32,
    /// Its shape.
    pub(super) shape: Vec<usize>,
    /// The assumption about it, if any.
    pub(super) note: Option<String>,
}

/// Inputs in the model's order, without those that are initializers' names or are not `needed`.
pub(super) fn bind(
    graph: &GraphProto,
    options: &Options,
    needed: &BTreeSet<&str>,
) -> Result<Vec<Input>> {
    let constants: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let mut inputs: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|i| !constants.contains(i.name.as_str())).collect();
    check_names(&inputs, options)?;
    inputs.retain(|input| needed.contains(input.name.as_str()));
    let mut sizes = options.dims.clone();
    for input in &inputs {
        assume_batch(input, options, &mut sizes);
    }
    open::check(&inputs, options, &sizes)?;
    inputs.into_iter().map(|input| bound(input, options, &sizes)).collect()
}

/// A shape as the file declares it, as far as it is known.
pub(super) fn declared(kind: Option<&TypeProto>) -> Option<Vec<Option<usize>>> {
    let shape = tensor_type(kind)?.shape.as_ref()?;
    Some(shape.dim.iter().map(|dim| known(dim.value.as_ref())).collect())
}

/// The element type that the file declares; 0 if it declares none.
pub(super) fn elem_type(kind: Option<&TypeProto>) -> i32 {
    tensor_type(kind).map_or(0, |tensor| tensor.elem_type)
}

fn tensor_type(kind: Option<&TypeProto>) -> Option<&type_proto::Tensor> {
    let Kind::TensorType(tensor) = kind?.value.as_ref()?;
    Some(tensor)
}

fn known(dim: Option<&Dim>) -> Option<usize> {
    match dim {
        Some(Dim::DimValue(size)) => usize::try_from(*size).ok().filter(|size| *size > 0),
        Some(Dim::DimParam(_)) | None => None,
    }
}

/// Faults of flags that name what the model does not have.
fn check_names(inputs: &[&ValueInfoProto], options: &Options) -> Result<()> {
    let names: BTreeSet<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    if let Some(name) = options.input_shapes.keys().find(|name| !names.contains(name.as_str())) {
        let option = option("input_shapes");
        let there = listed(&names);
        return Err(Error::Spec(format!(
            "{option} {name:?}: the model has no such input; it has {there}"
        )));
    }
    let dims: BTreeSet<&str> = inputs.iter().flat_map(|input| params(input)).collect();
    if let Some(name) = options.dims.keys().find(|name| !dims.contains(name.as_str())) {
        let there = match dims.len() {
            0 => format!("none is open, so leave {} out", option("dims")),
            _ => format!("open are {}", listed(&dims)),
        };
        return Err(Error::Spec(format!(
            "{} {name:?}: the model has no such dimension; {there}",
            option("dims")
        )));
    }
    Ok(())
}

fn listed(names: &BTreeSet<&str>) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Names of the input's open dimensions.
fn params<'a>(input: &'a ValueInfoProto) -> Vec<&'a str> {
    let shape = shape_of(input);
    let dims = shape.into_iter().flat_map(|shape| &shape.dim);
    let param = |dim: &'a Dimension| match dim.value.as_ref()? {
        Dim::DimParam(name) => Some(name.as_str()),
        Dim::DimValue(_) => None,
    };
    dims.filter_map(param).collect()
}

/// Binds a named leading dimension that the user does not mention to 1, wherever the name stands.
fn assume_batch(input: &ValueInfoProto, options: &Options, sizes: &mut BTreeMap<String, usize>) {
    let shape = shape_of(input);
    let leading = shape.and_then(|shape| shape.dim.first()?.value.as_ref());
    if let Some(Dim::DimParam(name)) = leading
        && !options.input_shapes.contains_key(&input.name)
    {
        sizes.entry(name.clone()).or_insert(1);
    }
}

fn bound(
    input: &ValueInfoProto,
    options: &Options,
    sizes: &BTreeMap<String, usize>,
) -> Result<Input> {
    let kind = input.r#type.as_ref();
    let mut note = None;
    let shape = match options.input_shapes.get(&input.name) {
        Some(given) => overriding(input, given)?,
        None => {
            let shape = sized(input, sizes)?;
            note = batch_note(input, options);
            shape
        }
    };
    if shape.contains(&0) {
        return Err(fault(input, format!("shape {shape:?} holds no element; sizes start at 1")));
    }
    checked_len(&shape).map_err(|what| fault(input, what))?;
    Ok(Input { name: input.name.clone(), elem_type: elem_type(kind), shape, note })
}

/// The user's shape, if its rank is the file's.
fn overriding(input: &ValueInfoProto, given: &[usize]) -> Result<Vec<usize>> {
    match declared(input.r#type.as_ref()) {
        Some(shape) if shape.len() != given.len() => {
            let rank = shape.len();
            Err(fault(
                input,
                format!("shape {given:?} is given, but the model's has {rank} dimensions"),
            ))
        }
        _ => Ok(given.to_vec()),
    }
}

fn sized(input: &ValueInfoProto, sizes: &BTreeMap<String, usize>) -> Result<Vec<usize>> {
    let shape = shape_of(input);
    let shape = shape.ok_or_else(|| fault(input, "the file gives no shape".into()))?;
    let dims = shape.dim.iter().map(|dim| dim.value.as_ref()).enumerate();
    Ok(dims.map(|(at, dim)| size(at, dim, sizes).unwrap_or(1)).collect())
}

/// The size of dimension `at`, from the file or the user; an open leading one is 1.
fn size(at: usize, dim: Option<&Dim>, sizes: &BTreeMap<String, usize>) -> Option<usize> {
    let named = || match dim {
        Some(Dim::DimParam(name)) => sizes.get(name).copied(),
        Some(Dim::DimValue(_)) | None => None,
    };
    let unnamed = !matches!(dim, Some(Dim::DimParam(name)) if !name.is_empty());
    known(dim).or_else(named).or((at == 0 && unnamed).then_some(1))
}

/// The note for the user if the leading dimension was open and they did not bind it.
fn batch_note(input: &ValueInfoProto, options: &Options) -> Option<String> {
    let leading = shape_of(input)?.dim.first()?.value.as_ref();
    let given = matches!(leading, Some(Dim::DimParam(name)) if options.dims.contains_key(name));
    let open = known(leading).is_none() && !given;
    open.then(|| format!("input {:?}: its leading dimension is open and taken as 1", input.name))
}

/// The shape that the file gives an input, if it does.
fn shape_of(input: &ValueInfoProto) -> Option<&TensorShapeProto> {
    tensor_type(input.r#type.as_ref())?.shape.as_ref()
}

fn fault(input: &ValueInfoProto, what: String) -> Error {
    Error::DynamicDim { input: input.name.clone(), what }
}
