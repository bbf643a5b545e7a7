//! A model that grows by nodes that are drawn; what the reader refuses is taken back.

use std::collections::BTreeMap;

use mnv2c::ir::{Dtype, Graph, NodeId};
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::proto::{AttributeProto, NodeProto, OperatorSetIdProto};

use crate::build::{Model, fixed, int, int_tensor, raw_tensor};
use crate::random::Random;
use crate::{bytes, constants, elementwise, moves, products, shapes, windows};

/// A model, and what its next node may read.
pub(crate) struct Draw {
    pub(crate) random: Random,
    pub(crate) opset: i64,
    pub(crate) model: Model,
    pub(crate) values: Vec<Value>,
    /// Type of its floats in the file.
    pub(crate) float: DataType,
    /// True if values pass through bytes on their way.
    pub(crate) quantised: bool,
    /// Scale and zero point of values that are bytes.
    scales: BTreeMap<String, [String; 2]>,
    count: usize,
}

/// A value as the reader carries it.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) shape: Vec<i64>,
    pub(crate) dtype: Dtype,
    pub(crate) is_constant: bool,
}

/// A node without its name and results.
pub(crate) struct Drawn {
    pub(crate) inputs: Vec<String>,
    pub(crate) attributes: Vec<AttributeProto>,
    pub(crate) results: usize,
    /// An operator that makes a tensor of the result, and what else it reads.
    pub(crate) then: Option<(&'static str, Vec<String>)>,
}

impl Drawn {
    /// A node of one result.
    pub(crate) fn new(inputs: Vec<String>, attributes: Vec<AttributeProto>) -> Self {
        Self { inputs, attributes, results: 1, then: None }
    }
}

const OPSETS: [i64; 11] = [6, 8, 9, 10, 11, 12, 13, 17, 18, 20, 24];
const SIZES: [i64; 9] = [1, 2, 2, 3, 4, 5, 6, 8, 9];

impl Draw {
    /// An empty model of an operator set that has operator `since`, and inputs for its nodes.
    pub(crate) fn new(seed: u64, since: i64) -> Self {
        let mut random = Random::new(seed);
        let fitting: Vec<i64> = OPSETS.into_iter().filter(|opset| *opset >= since).collect();
        let opset = random.pick(&fitting);
        let float = if random.one_in(8) { DataType::Float16 } else { DataType::Float };
        let quantised = random.one_in(3) && opset >= 10;
        let mut model = Model::opset(opset);
        let domain = "com.microsoft".into();
        model.proto.opset_import.push(OperatorSetIdProto { domain, version: 1 });
        let (values, scales) = (Vec::new(), BTreeMap::new());
        let mut draw = Self { random, opset, model, values, float, quantised, scales, count: 0 };
        for _ in 0..=usize::from(draw.random.one_in(4)) {
            let kind = match draw.random.below(12) {
                0 if opset >= 10 => DataType::Uint8,
                1 if opset >= 10 => DataType::Int8,
                _ => draw.float,
            };
            let shape = draw.shape();
            draw.input(kind, &shape);
        }
        draw
    }

    /// A picture in most cases, or any other small shape.
    fn shape(&mut self) -> Vec<i64> {
        let rank = [4, 4, 4, 4, 2, 3, 1, 5, 0][self.random.below(9)];
        let mut shape: Vec<i64> = (0..rank).map(|_| self.random.pick(&SIZES)).collect();
        if rank >= 3 && !self.random.one_in(6) {
            shape[0] = 1;
        }
        shape
    }

    fn input(&mut self, kind: DataType, shape: &[i64]) {
        let name = self.fresh("x");
        let dims = shape.iter().map(|size| fixed(*size)).collect();
        self.model =
            std::mem::replace(&mut self.model, Model::opset(1)).input_of(&name, kind, dims);
        let dtype = match kind {
            DataType::Uint8 => Dtype::U8,
            DataType::Int8 => Dtype::I8,
            _ => Dtype::F32,
        };
        self.values.push(Value { name, shape: shape.to_vec(), dtype, is_constant: false });
    }

    /// Adds a node of the operator `name`, if there is something for it to read and the reader takes it.
    pub(crate) fn add(&mut self, name: &str) -> bool {
        let (constants, nodes) = self.sizes();
        let Some(drawn) = form(self, name) else { return self.take_back(constants, nodes) };
        let scale = self.scale_made(name, &drawn.inputs);
        let mut results: Vec<String> = (0..drawn.results).map(|_| self.fresh("v")).collect();
        let (domain, op) = name.rsplit_once('.').unwrap_or(("", name));
        let node = self.fresh("n");
        self.model.graph().node.push(NodeProto {
            name: node,
            op_type: op.into(),
            domain: domain.into(),
            input: drawn.inputs,
            output: results.clone(),
            attribute: drawn.attributes,
            ..NodeProto::default()
        });
        if let Some((op, more)) = drawn.then {
            let inputs = results.into_iter().chain(more).collect();
            results = vec![self.made(op, inputs)];
        }
        let Some(values) = self.read(&results) else { return self.take_back(constants, nodes) };
        for value in values.iter().filter(|value| matches!(value.dtype, Dtype::U8 | Dtype::I8)) {
            self.scales.extend(scale.clone().map(|scale| (value.name.clone(), scale)));
        }
        self.values.extend(values);
        true
    }

    /// The result of a node that is added whatever the reader says of it.
    pub(crate) fn made(&mut self, op: &str, input: Vec<String>) -> String {
        let name = self.fresh("v");
        self.model.graph().node.push(NodeProto {
            op_type: op.into(),
            input,
            output: vec![name.clone()],
            ..NodeProto::default()
        });
        name
    }

    /// `x` as another type.
    pub(crate) fn typed(&mut self, op: &str, x: String, kind: DataType) -> String {
        let name = self.made(op, vec![x]);
        let node = self.model.graph().node.last_mut().expect("a node was added");
        node.attribute.push(int("to", kind as i64));
        name
    }

    /// Scale and zero point of the bytes that a node makes: it is told them, or moves its first operand.
    fn scale_made(&self, name: &str, inputs: &[String]) -> Option<[String; 2]> {
        let at = match name.trim_start_matches("com.microsoft.") {
            "QuantizeLinear" => 1,
            "QLinearConv" | "QLinearMatMul" | "QLinearAdd" | "QLinearMul" => 6,
            "QGemm" => 7,
            "QLinearConcat" => 0,
            name if name.starts_with("QLinear") => 3,
            _ => return self.scales.get(inputs.first()?).cloned(),
        };
        Some([inputs.get(at)?.clone(), inputs.get(at + 1)?.clone()])
    }

    /// Values as the reader carries them: possible outputs, or integers of a shape.
    fn read(&self, names: &[String]) -> Option<Vec<Value>> {
        let told = |model: Model, name: &String| model.output_of(name, DataType::Undefined);
        let model = names.iter().fold(self.model.clone(), told);
        if let Ok(graph) = model.read() {
            let outputs = graph.outputs.iter().map(|output| output.node);
            return names.iter().zip(outputs).map(|(name, id)| value(&graph, name, id)).collect();
        }
        let [name] = names else { return None };
        let cast = self.model.clone().node("Cast", &[name], &["float"], vec![int("to", 1)]);
        let graph = cast.output("float").read().ok()?;
        let cast = value(&graph, name, graph.outputs[0].node)?;
        cast.is_constant.then_some(vec![Value { dtype: Dtype::I64, ..cast }])
    }

    fn sizes(&mut self) -> (usize, usize) {
        (self.model.graph().initializer.len(), self.model.graph().node.len())
    }

    fn take_back(&mut self, constants: usize, nodes: usize) -> bool {
        self.model.graph().initializer.truncate(constants);
        self.model.graph().node.truncate(nodes);
        let graph = self.model.proto.graph.as_ref().expect("a model has a graph");
        let made = |value: &Value| {
            graph.input.iter().any(|input| input.name == value.name)
                || graph.node.iter().any(|node| node.output.contains(&value.name))
        };
        self.values.retain(made);
        false
    }

    /// The model, which answers with what nobody reads and maybe with more.
    pub(crate) fn finish(mut self) -> Model {
        let nodes = self.model.graph().node.clone();
        let is_read = |name: &String| nodes.iter().any(|node| node.input.contains(name));
        let inputs: Vec<String> =
            self.model.graph().input.iter().map(|input| input.name.clone()).collect();
        let mut outputs = Vec::new();
        for value in &self.values {
            let is_leaf = !is_read(&value.name) && !inputs.contains(&value.name);
            if value.dtype != Dtype::I64 && (is_leaf || self.random.one_in(12)) {
                outputs.push(value.name.clone());
            }
        }
        if outputs.is_empty() {
            outputs.extend(self.values.last().map(|value| value.name.clone()));
        }
        outputs
            .into_iter()
            .take(6)
            .fold(self.model, |model, name| model.output_of(&name, DataType::Undefined))
    }

    /// A value that fits, one made lately in most cases.
    pub(crate) fn value(&mut self, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        let fitting: Vec<Value> = self.values.iter().filter(|value| fits(value)).cloned().collect();
        let newest = fitting.len().checked_sub(1)?;
        let at = if self.random.one_in(3) { self.random.below(newest + 1) } else { newest };
        Some(fitting[at].clone())
    }

    /// A computed float.
    pub(crate) fn number(&mut self) -> Option<Value> {
        self.value(|value| value.dtype.is_float())
    }

    /// A computed float of a rank from `least` to `most`.
    pub(crate) fn ranked(&mut self, least: usize, most: usize) -> Option<Value> {
        self.value(|value| value.dtype.is_float() && (least..=most).contains(&value.shape.len()))
    }

    /// A picture or, rarely, a signal.
    pub(crate) fn picture(&mut self) -> Option<Value> {
        let rank = if self.random.one_in(5) { 3 } else { 4 };
        self.ranked(rank, rank).or_else(|| self.ranked(3, 4))
    }

    pub(crate) fn fresh(&mut self, stem: &str) -> String {
        self.count += 1;
        format!("{stem}{}", self.count)
    }

    /// Constant floats of a shape.
    pub(crate) fn floats(&mut self, shape: &[i64], lo: f32, hi: f32) -> String {
        let len: i64 = shape.iter().product();
        let values = self.random.uniforms(len as usize, lo, hi);
        self.reals(shape, &values)
    }

    /// Constants of the model's type of floats.
    pub(crate) fn reals(&mut self, shape: &[i64], values: &[f32]) -> String {
        let raw = match self.float {
            DataType::Float16 => {
                values.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect()
            }
            _ => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        };
        self.constant(self.float, shape, raw)
    }

    /// One constant of 32 bits.
    pub(crate) fn single(&mut self, value: f32) -> String {
        self.constant(DataType::Float, &[], value.to_le_bytes().to_vec())
    }

    pub(crate) fn ints(&mut self, values: &[i64]) -> String {
        let name = self.fresh("i");
        self.model.graph().initializer.push(int_tensor(&name, values));
        name
    }

    /// Constant bytes.
    pub(crate) fn bytes(&mut self, kind: DataType, shape: &[i64]) -> String {
        let len: i64 = shape.iter().product();
        let raw = (0..len).map(|_| self.random.below(256) as u8).collect();
        self.constant(kind, shape, raw)
    }

    pub(crate) fn constant(&mut self, kind: DataType, shape: &[i64], raw: Vec<u8>) -> String {
        let name = self.fresh("c");
        self.model.graph().initializer.push(raw_tensor(&name, kind, shape, raw));
        name
    }

    /// Weights: constants or, in a quantised model, integers with a scale, or one for each index of an axis.
    pub(crate) fn weights(&mut self, shape: &[i64], axis: usize) -> String {
        if !self.quantised || self.random.one_in(4) {
            return self.floats(shape, -1.0, 1.0);
        }
        let count = if self.random.one_in(2) { vec![] } else { vec![shape[axis]] };
        let len = count.iter().product::<i64>() as usize;
        let integers = self.bytes(DataType::Int8, shape);
        let scales = self.floats(&count, 0.001, 0.02);
        let zeros = self.constant(DataType::Int8, &count, vec![0; len]);
        let name = self.fresh("w");
        self.model.graph().node.push(NodeProto {
            op_type: "DequantizeLinear".into(),
            input: vec![integers, scales, zeros],
            output: vec![name.clone()],
            attribute: if count.is_empty() { vec![] } else { vec![int("axis", axis as i64)] },
            ..NodeProto::default()
        });
        name
    }

    /// Scale and zero point of a value that is bytes: those it was made with, if it was made by one that has them.
    pub(crate) fn scale_of(&mut self, value: &Value) -> [String; 2] {
        if let Some(known) = self.scales.get(&value.name) {
            return known.clone();
        }
        let scale = self.scale(value.dtype);
        self.scales.insert(value.name.clone(), scale.clone());
        scale
    }

    /// A scale and a zero point of a type of bytes.
    pub(crate) fn scale(&mut self, dtype: Dtype) -> [String; 2] {
        let scale = self.random.pick(&[0.02, 0.05, 0.5, 1.0]);
        let kind = kind_of(dtype);
        [self.single(scale), self.bytes(kind, &[])]
    }

    /// An axis of a shape, counted from either end.
    pub(crate) fn axis(&mut self, rank: usize) -> i64 {
        let axis = self.random.below(rank.max(1)) as i64;
        if self.random.one_in(3) { axis - rank as i64 } else { axis }
    }
}

/// A value of a graph, if it is small.
fn value(graph: &Graph, name: &str, id: NodeId) -> Option<Value> {
    let out = &graph.node(id).out;
    let shape: Vec<i64> = graph.outer_shape(id).iter().map(|size| *size as i64).collect();
    let fits = out.len() <= 4096 && shape.len() <= 6;
    let is_constant = graph.constant(id).is_some();
    fits.then(|| Value { name: name.into(), shape, dtype: out.dtype, is_constant })
}

/// The type of bytes in the file.
pub(crate) fn kind_of(dtype: Dtype) -> DataType {
    if dtype == Dtype::I8 { DataType::Int8 } else { DataType::Uint8 }
}

/// One of the forms of an operator, on values that are there.
fn form(draw: &mut Draw, name: &str) -> Option<Drawn> {
    let forms =
        [bytes::form, windows::form, products::form, moves::form, shapes::form, constants::form];
    let forms =
        forms.into_iter().chain([elementwise::form as fn(&mut Draw, &str) -> Option<Drawn>]);
    forms.into_iter().find_map(|form| form(draw, name))
}
