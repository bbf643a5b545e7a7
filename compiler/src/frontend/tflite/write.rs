//! A TFLite graph in ONNX's operators.
//!
//! Each tensor keeps its name. What is quantised is bytes under that name, and floats under another behind a
//! DequantizeLinear, which are what operators compute with: bytes -> floats -> operator -> bytes, as QDQ files have it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::frontend::tflite::model::{Kind, Model, Scales, Tensor};
use crate::frontend::tflite::schema::Read;
use crate::frontend::tflite::variables::{Variable, Variables};
use crate::printed::quoted;
use crate::proto::attribute_proto::AttributeType;
use crate::proto::tensor_proto::DataType;
use crate::proto::tensor_shape_proto::{Dimension, dimension};
use crate::proto::type_proto::{self, Value as Typed};
use crate::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto,
};

/// The version of ONNX's operators that are written.
const OPSET: i64 = 17;

/// Why an operator is not read: a reason that follows its name.
pub(super) type Written<T = ()> = std::result::Result<T, String>;

/// A graph that is being written.
pub(super) struct Writer<'m> {
    pub(super) model: &'m Model<'m>,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// Tensors of the file that are written as constants.
    stored: BTreeSet<usize>,
    /// Floats of quantised tensors, and images with their channels outside, by the value that they are made of.
    made: BTreeMap<(String, &'static str), String>,
    /// Names that are taken.
    names: BTreeSet<String>,
    /// The tensor whose operator is being written.
    current: String,
    /// Bytes of weights that were copied.
    copied: usize,
    /// What is kept between calls.
    pub(super) variables: Variables,
    /// True while an operator is written that only moves integers of 16 bits.
    moves: bool,
}

/// Bytes of a name that names of nodes begin with.
const LONG_NAME: usize = 1 << 10;
/// Most bytes of weights that are copied to be turned: many times those of any file that does not read them over and over.
const MOST_COPIED: usize = 1 << 30;

impl<'m> Writer<'m> {
    /// A graph without nodes.
    pub(super) fn new(model: &'m Model<'m>) -> Self {
        Self {
            model,
            nodes: Vec::new(),
            constants: Vec::new(),
            stored: BTreeSet::new(),
            made: BTreeMap::new(),
            names: model.tensors.iter().map(|tensor| tensor.name.clone()).collect(),
            current: String::new(),
            copied: 0,
            variables: Variables::default(),
            moves: false,
        }
    }

    /// Counts bytes of weights that are copied.
    pub(super) fn copy(&mut self, bytes: usize) -> Written {
        self.copied = self.copied.saturating_add(bytes);
        let fits = self.copied <= MOST_COPIED;
        fits.then_some(())
            .ok_or_else(|| format!("its weights take more than {} MiB", MOST_COPIED >> 20))
    }

    /// Calls what is made from now on after `tensor`.
    pub(super) fn begin(&mut self, tensor: usize) {
        let name = &self.model.tensors[tensor].name;
        self.current =
            if name.len() <= LONG_NAME { name.clone() } else { format!("tensor_{tensor}") };
    }

    /// The model of ONNX, and what it keeps between calls.
    pub(super) fn finish(mut self) -> Result<(ModelProto, Vec<Variable>)> {
        let model = self.model;
        let named = |tensor: &usize| value_info(&model.tensors[*tensor]);
        let mut input = model.inputs.iter().map(named).collect::<Result<Vec<_>>>()?;
        for output in model.outputs.iter().filter(|output| model.tensors[**output].data.is_some()) {
            self.constant(*output).map_err(|what| Error::unsupported(vec![what]))?;
        }
        let mut output = model.outputs.iter().map(named).collect::<Result<Vec<_>>>()?;
        let kept = std::mem::take(&mut self.variables.kept);
        for (key, variable, like) in &kept {
            let info = |name: &String| {
                value_info(&model.tensors[*like])
                    .map(|info| ValueInfoProto { name: name.clone(), ..info })
            };
            input.push(info(&variable.input)?);
            output.push(info(&variable.output)?);
            let last = self.variables.last(key).cloned().unwrap_or_default();
            self.node_as("Identity", &[&last], vec![], &variable.output);
        }
        let graph = GraphProto {
            node: self.nodes,
            initializer: self.constants,
            input,
            output,
            ..GraphProto::default()
        };
        let opset = OperatorSetIdProto { domain: String::new(), version: OPSET };
        let model =
            ModelProto { graph: Some(graph), opset_import: vec![opset], ..ModelProto::default() };
        Ok((model, kept.into_iter().map(|(_, variable, _)| variable).collect()))
    }

    /// A name that nothing has.
    pub(super) fn fresh(&mut self, what: &str) -> String {
        let name = format!("{}/{what}", self.current);
        self.unique(&name)
    }

    /// Lets the name of a tensor that is no value be another's.
    pub(super) fn release(&mut self, tensor: usize) {
        self.names.remove(&self.model.tensors[tensor].name);
    }

    /// A name as it is, or longer if something has it.
    pub(super) fn unique(&mut self, name: &str) -> String {
        let mut name = name.to_owned();
        while !self.names.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// Adds a node that makes `output`.
    pub(super) fn node_as(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
        output: &str,
    ) {
        self.node_of_many("", op, inputs, attributes, &[output]);
    }

    /// Adds a node of a domain that makes `outputs`.
    pub(super) fn node_of_many(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
        outputs: &[&str],
    ) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.nodes.push(NodeProto {
            domain: domain.into(),
            op_type: op.into(),
            name: outputs.first().copied().unwrap_or_default().into(),
            input: owned(inputs),
            output: owned(outputs),
            attribute: attributes,
            ..NodeProto::default()
        });
    }

    /// Adds a node; what it makes.
    pub(super) fn node(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let name = self.fresh(&op.to_lowercase());
        self.node_as(op, inputs, attributes, &name);
        name
    }

    /// Adds a node of another domain; what it makes.
    pub(super) fn node_of(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let name = self.fresh(&op.to_lowercase());
        self.node_of_many(domain, op, inputs, attributes, &[&name]);
        name
    }

    /// Writes what only moves elements: integers of 16 bits are then read and made as they are.
    pub(super) fn moving(&mut self, write: impl FnOnce(&mut Self) -> Written) -> Written {
        self.moves = true;
        let written = write(self);
        self.moves = false;
        written
    }

    /// A constant of ONNX's own.
    pub(super) fn integers(&mut self, what: &str, values: &[i64]) -> String {
        let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        self.store(what, DataType::Int64, &[values.len()], raw.into())
    }

    /// A constant number.
    pub(super) fn number(&mut self, what: &str, value: f32) -> String {
        self.store(what, DataType::Float, &[], value.to_le_bytes().to_vec().into())
    }

    /// Constants of a type.
    pub(super) fn store(
        &mut self,
        what: &str,
        kind: DataType,
        shape: &[usize],
        raw: Bytes,
    ) -> String {
        let name = self.fresh(what);
        self.store_as(name.clone(), kind, shape, raw);
        name
    }

    fn store_as(&mut self, name: String, kind: DataType, shape: &[usize], raw: Bytes) {
        self.constants.push(TensorProto {
            dims: shape.iter().map(|dim| number_of(*dim)).collect(),
            data_type: kind as i32,
            raw_data: raw,
            name,
            ..TensorProto::default()
        });
    }

    /// The value of a tensor as the file has it: bytes, if it is quantised.
    pub(super) fn plain(&mut self, tensor: usize) -> Written<String> {
        if self.model.tensors[tensor].data.is_some() {
            self.constant(tensor)?;
        }
        Ok(self.model.tensors[tensor].name.clone())
    }

    fn constant(&mut self, tensor: usize) -> Written {
        let it = &self.model.tensors[tensor];
        let kind = onnx_type(it.kind)
            .ok_or_else(|| format!("reads {} of a type that is not supported", quoted(&it.name)))?;
        if it.is_sparse {
            return Err(format!(
                "reads {}, which is sparse; convert it without sparsity",
                quoted(&it.name)
            ));
        }
        if self.stored.insert(tensor) {
            let data = it.data.clone().unwrap_or_default();
            let data = if it.kind == Kind::I16 { floats_of_words(&data) } else { data };
            self.store_as(it.name.clone(), kind, &it.shape, data);
        }
        Ok(())
    }

    /// The floats of a tensor: those behind its scales, if it is quantised.
    pub(super) fn real(&mut self, tensor: usize) -> Written<String> {
        let it = &self.model.tensors[tensor];
        let bytes = self.plain(tensor)?;
        match (&it.scales, it.kind) {
            (_, Kind::F32 | Kind::I32 | Kind::I64 | Kind::Bool) if it.data.is_none() => Ok(bytes),
            (_, Kind::F32) => Ok(bytes),
            (_, Kind::F16) => Ok(self.once(&bytes, "real", |writer| {
                writer.node("Cast", &[&bytes], vec![int("to", DataType::Float as i64)])
            })),
            (Some(scales), Kind::I8 | Kind::U8) => self.dequantized(&bytes, it.kind, scales),
            (_, Kind::I16) if self.moves => Ok(bytes),
            (_, kind) => Err(format!("reads {} of type {kind:?} as reals", quoted(&it.name))),
        }
    }

    fn dequantized(&mut self, bytes: &str, kind: Kind, scales: &Scales) -> Written<String> {
        let [scale, zero] = self.scales(kind, scales)?;
        let axis = vec![int("axis", number_of(scales.axis))];
        Ok(self.once(bytes, "real", |writer| {
            writer.node("DequantizeLinear", &[bytes, &scale, &zero], axis)
        }))
    }

    /// Constants of scales and zero points.
    fn scales(&mut self, kind: Kind, scales: &Scales) -> Written<[String; 2]> {
        let shape: Vec<usize> = match scales.scales.len() {
            1 => vec![],
            len => vec![len],
        };
        let raw = scales.scales.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let scale = self.store("scale", DataType::Float, &shape, raw.into());
        let zero = |zero: &i64| match kind {
            Kind::U8 => u8::try_from(*zero).ok(),
            _ => i8::try_from(*zero).ok().map(i8::cast_unsigned),
        };
        let raw: Option<Vec<u8>> = scales.zeros.iter().map(zero).collect();
        let raw = raw.ok_or("has a zero point that is no byte")?;
        let kind = if kind == Kind::U8 { DataType::Uint8 } else { DataType::Int8 };
        let zero = self.store("zero_point", kind, &shape, raw.into());
        Ok([scale, zero])
    }

    /// The value that `make` makes of `value`, made at its first use.
    pub(super) fn once(
        &mut self,
        value: &str,
        how: &'static str,
        make: impl FnOnce(&mut Self) -> String,
    ) -> String {
        let key = (value.to_owned(), how);
        if let Some(made) = self.made.get(&key) {
            return made.clone();
        }
        let made = make(self);
        self.made.insert(key, made.clone());
        made
    }

    /// Gives tensor `to` the value of the floats `real`: as bytes, if it is quantised.
    pub(super) fn answer(&mut self, real: &str, to: usize) -> Written {
        let it = &self.model.tensors[to];
        let name = it.name.clone();
        match (&it.scales, it.kind) {
            (Some(scales), Kind::I8 | Kind::U8) => {
                let [scale, zero] = self.scales(it.kind, scales)?;
                let axis = vec![int("axis", number_of(scales.axis))];
                self.node_as("QuantizeLinear", &[real, &scale, &zero], axis, &name);
            }
            (_, Kind::F32 | Kind::I32 | Kind::I64 | Kind::Bool) => {
                self.node_as("Identity", &[real], vec![], &name);
            }
            (_, Kind::I16) if self.moves => self.node_as("Identity", &[real], vec![], &name),
            (_, kind) => {
                return Err(format!(
                    "makes numbers of type {kind:?}; supported: float32, int8, uint8"
                ));
            }
        }
        Ok(())
    }

    /// The floats of constant `tensor` after its elements were moved to `data`, of `shape`: dimension `i` was `perm[i]`.
    pub(super) fn constant_like(
        &mut self,
        tensor: usize,
        shape: &[usize],
        data: Bytes,
        perm: &[usize],
    ) -> Written<String> {
        let it = &self.model.tensors[tensor];
        let unread = || format!("has weights of type {:?}", it.kind);
        let kind = onnx_type(it.kind).ok_or_else(unread)?;
        let name = self.store("weights", kind, shape, data);
        match (it.kind, &it.scales) {
            (Kind::F32, _) => Ok(name),
            (Kind::F16, _) => {
                Ok(self.node("Cast", &[&name], vec![int("to", DataType::Float as i64)]))
            }
            (Kind::I8 | Kind::U8, Some(scales)) => {
                let axis = perm.iter().position(|axis| *axis == scales.axis).unwrap_or(0);
                let scales = Scales { axis, ..scales.clone() };
                let [scale, zero] = self.scales(it.kind, &scales)?;
                let axis = vec![int("axis", number_of(axis))];
                Ok(self.node("DequantizeLinear", &[&name, &scale, &zero], axis))
            }
            (Kind::I8 | Kind::U8, None) => Err("has weights of bytes without scales".into()),
            (_, _) => Err(unread()),
        }
    }

    /// The floats of a constant of i32 in units of `scales`.
    pub(super) fn integers_in_units(&mut self, tensor: usize, scales: &Scales) -> Written<String> {
        let it = &self.model.tensors[tensor];
        let data = it.data.clone().unwrap_or_default();
        let name = self.store("bias", DataType::Int32, &it.shape, data);
        let shape: Vec<usize> = if scales.scales.len() == 1 { vec![] } else { it.shape.clone() };
        let raw = scales.scales.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let scale = self.store("unit", DataType::Float, &shape, raw.into());
        Ok(self.node("DequantizeLinear", &[&name, &scale], vec![int("axis", 0)]))
    }

    /// Gives tensor `to` the value of the floats `real`, in the shape `shape`.
    pub(super) fn reshaped(&mut self, real: &str, shape: &[usize], to: usize) -> Written {
        let shape: Vec<i64> = shape.iter().map(|dim| number_of(*dim)).collect();
        let shape = self.integers("shape", &shape);
        let scales = self.model.tensors[to].scales.clone();
        let kind = self.model.tensors[to].kind;
        let mut real = real.to_owned();
        if let (Some(scales), Kind::I8 | Kind::U8) = (scales, kind) {
            // Requantised where it is made, so that the layer ends in bytes; the move is one of bytes.
            let [scale, zero] = self.scales(kind, &scales)?;
            let bytes = self.node("QuantizeLinear", &[&real, &scale, &zero], vec![]);
            real = self.node("DequantizeLinear", &[&bytes, &scale, &zero], vec![]);
        }
        let moved = self.node("Reshape", &[&real, &shape], vec![]);
        self.answer(&moved, to)
    }

    /// The whole numbers of a constant.
    pub(super) fn whole(&self, tensor: usize) -> Written<Vec<i64>> {
        let it = &self.model.tensors[tensor];
        let computed =
            || format!("reads {}, which is computed; a constant belongs there", quoted(&it.name));
        let data = it.data.as_ref().ok_or_else(computed)?;
        let word = |four: &[u8]| i32::from_le_bytes(four.try_into().unwrap_or_default()).into();
        let long = |eight: &[u8]| i64::from_le_bytes(eight.try_into().unwrap_or_default());
        match it.kind {
            Kind::I32 => Ok(data.chunks_exact(4).map(word).collect()),
            Kind::I64 => Ok(data.chunks_exact(8).map(long).collect()),
            kind => Err(format!(
                "reads {} of type {kind:?}; whole numbers belong there",
                quoted(&it.name)
            )),
        }
    }
}

/// Integers of 16 bits as floats of the same values.
pub(super) fn floats_of_words(data: &Bytes) -> Bytes {
    let words = data.as_chunks().0.iter().map(|two| f32::from(i16::from_le_bytes(*two)));
    words.flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>().into()
}

/// A dimension or an index as ONNX has it.
pub(super) fn number_of(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

/// ONNX's number for an element type.
pub(super) fn onnx_type(kind: Kind) -> Option<DataType> {
    match kind {
        Kind::F32 => Some(DataType::Float),
        Kind::F16 => Some(DataType::Float16),
        Kind::I32 => Some(DataType::Int32),
        Kind::U8 => Some(DataType::Uint8),
        Kind::I64 => Some(DataType::Int64),
        Kind::Bool => Some(DataType::Bool),
        Kind::I8 => Some(DataType::Int8),
        // Floats of the same values.
        Kind::I16 => Some(DataType::Float),
        Kind::Other(_) => None,
    }
}

fn value_info(tensor: &Tensor) -> Result<ValueInfoProto> {
    let unsupported = || {
        let what = format!("type {:?}; supported: float32, int8, uint8", tensor.kind);
        Error::unsupported(vec![format!("input or output {}: {what}", quoted(&tensor.name))])
    };
    let elem_type = onnx_type(tensor.kind).ok_or_else(unsupported)? as i32;
    let dim = |dim: &usize| Dimension { value: Some(dimension::Value::DimValue(number_of(*dim))) };
    let shape = TensorShapeProto { dim: tensor.shape.iter().map(dim).collect() };
    let kind = type_proto::Tensor { elem_type, shape: Some(shape) };
    let kind = TypeProto { value: Some(Typed::TensorType(kind)) };
    Ok(ValueInfoProto { name: tensor.name.clone(), r#type: Some(kind) })
}

/// An attribute that is a whole number.
pub(super) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { i, ..attribute(name, AttributeType::Int) }
}

/// An attribute that is a real number.
pub(super) fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { f, ..attribute(name, AttributeType::Float) }
}

/// An attribute that is a list of whole numbers.
pub(super) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { ints: ints.to_vec(), ..attribute(name, AttributeType::Ints) }
}

/// An attribute that is a text.
pub(super) fn text(name: &str, text: &str) -> AttributeProto {
    AttributeProto { s: text.as_bytes().to_vec(), ..attribute(name, AttributeType::String) }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: kind as i32, ..AttributeProto::default() }
}

/// An error of the file as a reason.
pub(super) fn read<T>(field: Read<T>) -> Written<T> {
    field.map_err(|what| format!("is damaged ({what})"))
}
