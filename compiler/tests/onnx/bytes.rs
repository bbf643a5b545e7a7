//! Models of bytes in a few lines, and what they answer.

use mnv2c::interp::{self, Array};
use mnv2c::ir::{Graph, Values};
use mnv2c::pass::{Skips, legalize_quant};
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::proto::{AttributeProto, OperatorSetIdProto};

use crate::build::{Model, fixed, int, raw_tensor};

impl Model {
    pub(crate) fn microsoft(
        mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> Self {
        self = self.node(op, inputs, outputs, attributes);
        let domain = "com.microsoft".to_owned();
        self.graph().node.last_mut().expect("added above").domain.clone_from(&domain);
        self.proto.opset_import.push(OperatorSetIdProto { domain, version: 1 });
        self
    }

    pub(crate) fn bytes_input(self, kind: DataType, shape: &[i64]) -> Self {
        self.input_of("x", kind, shape.iter().map(|size| fixed(*size)).collect())
    }

    pub(crate) fn u8s(self, name: &str, shape: &[i64], values: &[u8]) -> Self {
        self.tensor(raw_tensor(name, DataType::Uint8, shape, values.to_vec()))
    }

    pub(crate) fn i8s(self, name: &str, shape: &[i64], values: &[i8]) -> Self {
        let raw = values.iter().map(|x| *x as u8).collect();
        self.tensor(raw_tensor(name, DataType::Int8, shape, raw))
    }

    pub(crate) fn i32s(self, name: &str, shape: &[i64], values: &[i32]) -> Self {
        let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.tensor(raw_tensor(name, DataType::Int32, shape, raw))
    }

    pub(crate) fn reals(self, name: &str, values: &[f32]) -> Self {
        let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.tensor(raw_tensor(name, DataType::Float, &[values.len() as i64], raw))
    }

    /// A scale `NAME_s` and an unsigned zero point `NAME_z`.
    pub(crate) fn scale(self, name: &str, scale: f32, zero: u8) -> Self {
        self.scalar(&format!("{name}_s"), scale).u8s(&format!("{name}_z"), &[], &[zero])
    }

    /// The bytes of `from` as reals `NAME`.
    pub(crate) fn dequantize(self, from: &str, scale: &str, to: &str) -> Self {
        let [s, z] = ["s", "z"].map(|part| format!("{scale}_{part}"));
        self.node("DequantizeLinear", &[from, &s, &z], &[to], vec![int("axis", 0)])
    }

    pub(crate) fn quantize(self, from: &str, scale: &str, to: &str) -> Self {
        let [s, z] = ["s", "z"].map(|part| format!("{scale}_{part}"));
        self.node("QuantizeLinear", &[from, &s, &z], &[to], vec![])
    }

    /// The graph, computing on bytes where it can.
    pub(crate) fn settled(&self) -> Graph {
        let mut graph = self.read().expect("the model is sound");
        legalize_quant::run(&mut graph, &mut Skips::new()).expect("the graph is sound");
        assert_eq!(mnv2c::ir::verify::verify(&graph), [], "{graph}");
        graph
    }

    pub(crate) fn answer(&self, x: Values) -> Values {
        answer(&self.settled(), x)
    }

    pub(crate) fn refusal(&self) -> String {
        self.read().expect_err("the model is refused").to_string()
    }
}

pub(crate) fn answer(graph: &Graph, values: Values) -> Values {
    let shape = graph.node(graph.inputs[0]).out.shape.clone();
    let answers = interp::run(graph, &[Array { shape, values }]);
    answers.expect("the graph can be run").remove(0).values
}

/// Operators that are left, without inputs and constants.
pub(crate) fn operators(graph: &Graph) -> String {
    let order = graph.order().expect("the graph keeps its invariants").into_iter();
    let names = order.map(|id| graph.node(id).op.name());
    names.filter(|name| !["input", "const"].contains(name)).collect::<Vec<_>>().join(" ")
}
