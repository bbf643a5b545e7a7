//! A chosen model as standard ONNX: operators on floats, with QuantizeLinear and DequantizeLinear around what is bytes.

mod nodes;
mod tensors;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use crate::error::{Error, Result};
use crate::ir::{Affine, Bounds, Clamp, Dtype, Graph, NodeId, Op};
use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto};
use crate::quantize::choose::{Choice, Layer};

/// The operator set that is written, and the file version that goes with it.
const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// The suffix of a layer's own result where its bounds follow as an operator.
pub(super) const LINEAR: &str = "/linear";
/// The suffix of a value's quantised form.
pub(super) const BYTES: &str = "/quantized";

/// The bytes of the file.
pub(super) fn onnx(graph: &Graph, choice: &Choice) -> Result<Vec<u8>> {
    let mut writer = Writer::new(graph, choice);
    for id in graph.order().expect("verified graphs are acyclic") {
        if graph.constant(id).is_none() || graph.is_output(id) {
            writer.node(id)?;
        }
    }
    writer.outputs();
    let domain = String::new();
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "mnv2c".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        opset_import: vec![OperatorSetIdProto { domain, version: OPSET }],
        graph: Some(writer.file),
        ..ModelProto::default()
    };
    Ok(model.encode_to_vec())
}

/// A file that grows.
struct Writer<'a> {
    graph: &'a Graph,
    choice: &'a Choice,
    file: GraphProto,
    /// The name under which each written value is read.
    read_as: BTreeMap<NodeId, String>,
    taken: BTreeSet<String>,
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph, choice: &'a Choice) -> Self {
        let outputs = graph.outputs.iter().map(|output| output.name.clone());
        let name = if graph.name.is_empty() { "quantized".into() } else { graph.name.clone() };
        Self {
            graph,
            choice,
            file: GraphProto { name, ..GraphProto::default() },
            read_as: BTreeMap::new(),
            taken: outputs.collect(),
        }
    }

    /// Writes an operator, its bounds, and what makes its result bytes.
    fn node(&mut self, id: NodeId) -> Result<()> {
        let node = self.graph.node(id);
        let value = self.fresh(&node.name);
        if let Op::Input = node.op {
            self.file.input.push(tensors::value_info(&value, &node.out));
        } else {
            let bounds = self.bounds(id);
            let own = if bounds.is_some() {
                self.fresh(&format!("{}{LINEAR}", node.name))
            } else {
                value.clone()
            };
            self.operator(id, &own)?;
            if let Some(clamp) = bounds {
                self.clip(clamp, &own, &value);
            }
        }
        let read_as = match self.choice.bytes.get(&id) {
            Some(affine) => self.through_bytes(&node.name, &value, *affine),
            None => value,
        };
        self.read_as.insert(id, read_as);
        Ok(())
    }

    /// The bounds that have to follow a layer: none, if its bytes hold nothing beyond them.
    fn bounds(&self, id: NodeId) -> Option<Clamp> {
        let clamp = match &self.graph.node(id).op {
            Op::Conv(conv) => conv.clamp,
            Op::Dense(dense) => dense.clamp,
            // Only layers hold bounds.
            _ => Clamp::NONE,
        };
        let implied = |affine: &Affine| {
            let bounds = Bounds { lo: affine.quantize(clamp.lo), hi: affine.quantize(clamp.hi) };
            bounds == Bounds::ALL
        };
        let needed = clamp != Clamp::NONE && !self.choice.bytes.get(&id).is_some_and(implied);
        needed.then_some(clamp)
    }

    /// Rounds `value` to bytes and back; the name of the reals.
    fn through_bytes(&mut self, name: &str, value: &str, affine: Affine) -> String {
        let [scale, zero] =
            ["/scale", "/zero_point"].map(|part| self.fresh(&format!("{name}{part}")));
        let [bytes, reals] =
            [BYTES, "/dequantized"].map(|part| self.fresh(&format!("{name}{part}")));
        self.file.initializer.push(tensors::floats(&scale, &[], &[affine.scale]));
        self.file.initializer.push(tensors::u8s(&zero, &[], &[affine.zero]));
        self.push("QuantizeLinear", &[value, &scale, &zero], &bytes, vec![]);
        self.push("DequantizeLinear", &[&bytes, &scale, &zero], &reals, vec![]);
        reals
    }

    /// Writes the integers of a layer; the names under which its weights and its bias are read.
    fn integers(&mut self, id: NodeId, layer: &Layer, x: Affine) -> [String; 2] {
        let graph = self.graph;
        let (name, weights) = (&graph.node(id).name, graph.operand(id, 1));
        let shape = weights.map(|w| graph.node(w).out.shape.clone()).unwrap_or_default();
        let axis = if matches!(graph.node(id).op, Op::Conv(_)) { 0 } else { 1 };
        let channels = [layer.scales.len()];
        let [w, b] = ["/weights", "/bias"].map(|part| self.fresh(&format!("{name}{part}")));
        let units: Vec<f32> = layer.scales.iter().map(|scale| x.scale * scale).collect();
        let steps = |(bias, unit): (&f64, &f32)| (bias / f64::from(*unit)).round_ties_even() as i32;
        let bias: Vec<i32> = layer.bias.iter().zip(&units).map(steps).collect();
        let zeros = vec![0i8; channels[0]];
        let weights = tensors::i8s(&format!("{w}/integers"), &shape, &layer.weights);
        let zero = tensors::i8s(&format!("{w}/zero_point"), &channels, &zeros);
        self.constant_reals(&w, weights, &layer.scales, zero, axis);
        let bias = tensors::i32s(&format!("{b}/integers"), &channels, &bias);
        let zero = tensors::i32s(&format!("{b}/zero_point"), &channels, &vec![0; channels[0]]);
        self.constant_reals(&b, bias, &units, zero, 0);
        [w, b]
    }

    fn constant_reals(
        &mut self,
        name: &str,
        integers: crate::proto::TensorProto,
        scales: &[f32],
        zero: crate::proto::TensorProto,
        axis: i64,
    ) {
        let scale = format!("{name}/scale");
        let operands = [integers.name.clone(), scale.clone(), zero.name.clone()];
        let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
        self.push("DequantizeLinear", &operands, name, vec![int("axis", axis)]);
        let scales = tensors::floats(&scale, &[scales.len()], scales);
        self.file.initializer.extend([integers, scales, zero]);
    }

    fn clip(&mut self, clamp: Clamp, from: &str, to: &str) {
        if clamp == Clamp::RELU {
            return self.push("Relu", &[from], to, vec![]);
        }
        let bound = |writer: &mut Self, part: &str, value: f32| {
            if value.is_infinite() {
                return String::new();
            }
            let name = writer.fresh(&format!("{to}/{part}"));
            writer.file.initializer.push(tensors::floats(&name, &[], &[value]));
            name
        };
        let (lo, hi) = (bound(self, "least", clamp.lo), bound(self, "most", clamp.hi));
        self.push("Clip", &[from, &lo, &hi], to, vec![]);
    }

    /// Gives the model's answers the names they had.
    fn outputs(&mut self) {
        for output in &self.graph.outputs {
            let out = &self.graph.node(output.node).out;
            let from = self.read_as[&output.node].clone();
            self.push("Identity", &[&from], &output.name, vec![]);
            self.file.output.push(tensors::value_info(&output.name, out));
        }
    }

    /// The name under which the operand at `port` is read; constants are written now.
    fn operand(&mut self, id: NodeId, port: usize) -> Result<String> {
        let graph = self.graph;
        let missing = || self.fault(id, format!("has no operand {port}"));
        let operand = graph.operand(id, port).ok_or_else(missing)?;
        if let Some(name) = self.read_as.get(&operand) {
            return Ok(name.clone());
        }
        let values = graph
            .constant(operand)
            .ok_or_else(|| self.fault(id, "reads what is not written".into()))?;
        let node = graph.node(operand);
        let name = self.fresh(&node.name);
        self.file.initializer.push(tensors::values(&name, &node.out.shape, values));
        self.read_as.insert(operand, name.clone());
        Ok(name)
    }

    fn push(&mut self, op: &str, operands: &[&str], result: &str, attribute: Vec<AttributeProto>) {
        let mut input: Vec<String> = operands.iter().map(|name| (*name).to_owned()).collect();
        while input.last().is_some_and(String::is_empty) {
            input.pop();
        }
        self.file.node.push(NodeProto {
            name: format!("{op}:{result}"),
            op_type: op.into(),
            input,
            output: vec![result.to_owned()],
            attribute,
            ..NodeProto::default()
        });
    }

    fn fresh(&mut self, wanted: &str) -> String {
        let numbered = (1..).map(|n| format!("{wanted}_{n}"));
        let mut candidates = std::iter::once(wanted.to_owned()).chain(numbered);
        let free = candidates.find(|name| !self.taken.contains(name));
        let name = free.expect("there are more numbers than values");
        self.taken.insert(name.clone());
        name
    }

    fn fault(&self, id: NodeId, what: String) -> Error {
        let node = self.graph.node(id);
        Error::Node { name: node.name.clone(), op: node.op.name().into(), what }
    }

    /// True if the result of `id` has its operand's type.
    fn keeps_type(&self, id: NodeId) -> bool {
        let dtype = |id: NodeId| self.graph.node(id).out.dtype;
        self.graph.operand(id, 0).is_some_and(|x| dtype(x) == dtype(id))
    }

    /// True if the result of `id` is 16-bit floats, which casts make.
    fn is_half(&self, id: NodeId) -> bool {
        self.graph.node(id).out.dtype == Dtype::F16
    }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Int.into(),
        i,
        ..AttributeProto::default()
    }
}

fn ints(name: &str, ints: impl IntoIterator<Item = usize>) -> AttributeProto {
    let ints = ints.into_iter().map(|int| int as i64).collect();
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints.into(),
        ints,
        ..AttributeProto::default()
    }
}

fn real(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Float.into(),
        f,
        ..AttributeProto::default()
    }
}

fn text(name: &str, s: &str) -> AttributeProto {
    let s = s.as_bytes().to_vec();
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::String.into(),
        s,
        ..AttributeProto::default()
    }
}
