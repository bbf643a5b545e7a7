//! Tensors and their descriptions as messages.

use crate::ir::{Dtype, Tensor, Values};
use crate::proto::tensor_proto::DataType;
use crate::proto::tensor_shape_proto::{Dimension, dimension::Value as Dim};
use crate::proto::{TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto};

/// A description of a value.
pub(super) fn value_info(name: &str, tensor: &Tensor) -> ValueInfoProto {
    let dim = |size: &usize| Dimension { value: Some(Dim::DimValue(*size as i64)) };
    let shape = TensorShapeProto { dim: tensor.shape.iter().map(dim).collect() };
    let kind = match tensor.dtype {
        Dtype::F32 => DataType::Float,
        Dtype::F16 => DataType::Float16,
        Dtype::Bf16 => DataType::Bfloat16,
        Dtype::I8 => DataType::Int8,
        Dtype::U8 => DataType::Uint8,
        Dtype::I32 => DataType::Int32,
        Dtype::I64 => DataType::Int64,
    };
    let tensor = type_proto::Tensor { elem_type: kind.into(), shape: Some(shape) };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)) };
    ValueInfoProto { name: name.into(), r#type: Some(kind) }
}

/// Numbers of any type.
pub(super) fn values(name: &str, shape: &[usize], values: &Values) -> TensorProto {
    match values {
        Values::F32(v) => floats(name, shape, v),
        Values::I8(v) => i8s(name, shape, v),
        Values::U8(v) => u8s(name, shape, v),
        Values::I32(v) => i32s(name, shape, v),
        Values::I64(v) => i64s(name, shape, v),
    }
}

pub(super) fn floats(name: &str, shape: &[usize], values: &[f32]) -> TensorProto {
    tensor(name, DataType::Float, shape, values.iter().flat_map(|x| x.to_le_bytes()).collect())
}

pub(super) fn u8s(name: &str, shape: &[usize], values: &[u8]) -> TensorProto {
    tensor(name, DataType::Uint8, shape, values.to_vec())
}

pub(super) fn i8s(name: &str, shape: &[usize], values: &[i8]) -> TensorProto {
    tensor(name, DataType::Int8, shape, values.iter().map(|x| *x as u8).collect())
}

pub(super) fn i32s(name: &str, shape: &[usize], values: &[i32]) -> TensorProto {
    tensor(name, DataType::Int32, shape, values.iter().flat_map(|x| x.to_le_bytes()).collect())
}

pub(super) fn i64s(name: &str, shape: &[usize], values: &[i64]) -> TensorProto {
    tensor(name, DataType::Int64, shape, values.iter().flat_map(|x| x.to_le_bytes()).collect())
}

fn tensor(name: &str, kind: DataType, shape: &[usize], raw: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type: kind.into(),
        dims: shape.iter().map(|size| *size as i64).collect(),
        raw_data: raw.into(),
        ..TensorProto::default()
    }
}
