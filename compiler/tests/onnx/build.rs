//! ONNX models in a few lines.

use std::path::Path;

use mnv2c::error::Result;
use mnv2c::frontend::onnx::{self, Options};
use mnv2c::ir::Graph;
use mnv2c::ir::verify::verify;
use mnv2c::proto::attribute_proto::AttributeType;
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::proto::tensor_shape_proto::Dimension;
use mnv2c::proto::tensor_shape_proto::dimension::Value as Dim;
use mnv2c::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};
use prost::Message;

/// A model that grows.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) proto: ModelProto,
}

impl Model {
    /// An empty model of an operator set.
    pub(crate) fn opset(version: i64) -> Self {
        let opset = OperatorSetIdProto { domain: String::new(), version };
        let graph = Some(GraphProto::default());
        Self {
            proto: ModelProto {
                ir_version: 8,
                opset_import: vec![opset],
                graph,
                ..ModelProto::default()
            },
        }
    }

    /// A model of one node that reads input "x" and makes output "y".
    pub(crate) fn of(opset: i64, shape: &[i64], op: &str, attributes: Vec<AttributeProto>) -> Self {
        Self::opset(opset).input("x", shape).node(op, &["x"], &["y"], attributes).output("y")
    }

    pub(crate) fn graph(&mut self) -> &mut GraphProto {
        self.proto.graph.as_mut().expect("opset() makes one")
    }

    pub(crate) fn input(self, name: &str, shape: &[i64]) -> Self {
        let dims = shape.iter().map(|dim| Some(Dim::DimValue(*dim))).collect();
        self.input_of(name, DataType::Float, dims)
    }

    pub(crate) fn input_of(mut self, name: &str, kind: DataType, dims: Vec<Option<Dim>>) -> Self {
        self.graph().input.push(value_info(name, kind, dims));
        self
    }

    pub(crate) fn output(self, name: &str) -> Self {
        self.output_of(name, DataType::Float)
    }

    pub(crate) fn output_of(mut self, name: &str, kind: DataType) -> Self {
        let mut output = value_info(name, kind, vec![]);
        if let Some(type_proto::Value::TensorType(tensor)) =
            &mut output.r#type.as_mut().expect("set").value
        {
            tensor.shape = None;
        }
        self.graph().output.push(output);
        self
    }

    pub(crate) fn tensor(mut self, tensor: TensorProto) -> Self {
        self.graph().initializer.push(tensor);
        self
    }

    /// Weights of a shape; their numbers count up from 0.
    pub(crate) fn floats(self, name: &str, shape: &[i64]) -> Self {
        let len: i64 = shape.iter().product();
        let raw: Vec<u8> = (0..len).flat_map(|i| (i as f32).to_le_bytes()).collect();
        self.tensor(raw_tensor(name, DataType::Float, shape, raw))
    }

    pub(crate) fn scalar(self, name: &str, value: f32) -> Self {
        self.tensor(raw_tensor(name, DataType::Float, &[], value.to_le_bytes().to_vec()))
    }

    pub(crate) fn ints(self, name: &str, values: &[i64]) -> Self {
        self.tensor(int_tensor(name, values))
    }

    pub(crate) fn node(
        mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.graph().node.push(NodeProto {
            op_type: op.into(),
            input: names(inputs),
            output: names(outputs),
            attribute,
            ..NodeProto::default()
        });
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.proto.encode_to_vec()
    }

    pub(crate) fn read(&self) -> Result<Graph> {
        self.read_with(&Options::default())
    }

    /// The graph, which keeps the IR's invariants.
    pub(crate) fn read_with(&self, options: &Options) -> Result<Graph> {
        let graph = onnx::read(self.bytes(), Path::new(""), options)?;
        assert_eq!(verify(&graph), []);
        Ok(graph)
    }

    /// The lines of the graph that show nodes other than inputs; or the error.
    pub(crate) fn text(&self) -> String {
        let graph =
            self.read().map(|graph| graph.to_string()).unwrap_or_else(|error| error.to_string());
        let nodes =
            graph.lines().filter(|line| !line.contains(" input ") && !line.starts_with("output "));
        nodes.collect::<Vec<_>>().join("\n")
    }
}

pub(crate) fn value_info(name: &str, kind: DataType, dims: Vec<Option<Dim>>) -> ValueInfoProto {
    let dim = dims.into_iter().map(|value| Dimension { value }).collect();
    let tensor =
        type_proto::Tensor { elem_type: kind.into(), shape: Some(TensorShapeProto { dim }) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)) };
    ValueInfoProto { name: name.into(), r#type: Some(kind) }
}

pub(crate) fn named(name: &str) -> Option<Dim> {
    Some(Dim::DimParam(name.into()))
}

pub(crate) fn fixed(size: i64) -> Option<Dim> {
    Some(Dim::DimValue(size))
}

pub(crate) fn raw_tensor(name: &str, kind: DataType, dims: &[i64], raw: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type: kind.into(),
        dims: dims.to_vec(),
        raw_data: raw.into(),
        ..TensorProto::default()
    }
}

pub(crate) fn int_tensor(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type: DataType::Int64.into(),
        dims: vec![values.len() as i64],
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub(crate) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Int.into(),
        i,
        ..AttributeProto::default()
    }
}

pub(crate) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    let ints = ints.to_vec();
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints.into(),
        ints,
        ..AttributeProto::default()
    }
}

pub(crate) fn reals(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Floats.into(),
        floats: floats.to_vec(),
        ..AttributeProto::default()
    }
}

pub(crate) fn texts(name: &str, strings: &[&str]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Strings.into(),
        strings: strings.iter().map(|s| s.as_bytes().to_vec()).collect(),
        ..AttributeProto::default()
    }
}

/// Eighths from -5 to 5, an order for each seed.
pub(crate) fn numbers(name: &str, shape: &[usize], seed: usize) -> TensorProto {
    let len = shape.iter().product();
    TensorProto {
        name: name.into(),
        data_type: DataType::Float.into(),
        dims: shape.iter().map(|dim| *dim as i64).collect(),
        float_data: (0..len).map(|i: usize| ((i * 7 + seed) % 11) as f32 / 8.0 - 0.625).collect(),
        ..TensorProto::default()
    }
}

pub(crate) fn real(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Float.into(),
        f,
        ..AttributeProto::default()
    }
}

pub(crate) fn text(name: &str, s: &str) -> AttributeProto {
    let s = s.as_bytes().to_vec();
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::String.into(),
        s,
        ..AttributeProto::default()
    }
}

pub(crate) fn tensor(name: &str, t: TensorProto) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Tensor.into(),
        t: Some(t),
        ..AttributeProto::default()
    }
}
