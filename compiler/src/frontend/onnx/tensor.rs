//! Constants as the file stores them: a dozen element types, in raw bytes, in typed fields or in another file.
//!
//! Floats of other widths become f32, small integers the next wider type the IR has, truth values bytes. Nothing is
//! allocated before the stored length is known to agree with the shape.

use bytes::Bytes;
use half::{bf16, f16};

use crate::error::Error;
use crate::frontend::onnx::external;
use crate::frontend::onnx::fault::Fault;
use crate::frontend::onnx::store::{Store, checked_len};
use crate::ir::Values;
use crate::proto::tensor_proto::{DataLocation, DataType};
use crate::proto::{SparseTensorProto, TensorProto};

/// Numbers with their shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    /// Outermost first; empty for a single number.
    pub(super) shape: Vec<usize>,
    /// Row-major.
    pub(super) values: Values,
}

/// The numbers of a stored tensor.
pub(super) fn dense(tensor: TensorProto, store: &mut Store) -> Result<Constant, Fault> {
    let shape = shape(&tensor.name, &tensor.dims)?;
    let len = checked_len(&shape).map_err(|what| malformed(&tensor.name, &what))?;
    let kind = data_type(&tensor)?;
    store.take(len)?;
    let name = tensor.name.clone();
    let values = if tensor.data_location() == DataLocation::External {
        let bytes = external::bytes(&tensor, len * width(kind), &store.base)?;
        raw_values(kind, &bytes)
    } else if tensor.raw_data.is_empty() {
        typed_values(kind, tensor)
    } else {
        let bytes: Bytes = tensor.raw_data;
        check_len(&name, "bytes", len * width(kind), bytes.len())?;
        raw_values(kind, &bytes)
    };
    let values = values.map_err(|what| malformed(&name, &what))?;
    check_len(&name, "numbers", len, values.len())?;
    Ok(Constant { shape, values })
}

/// The numbers of a tensor that is stored without its zeros.
pub(super) fn sparse(tensor: SparseTensorProto, store: &mut Store) -> Result<Constant, Fault> {
    let stored = tensor.values.unwrap_or_default();
    let name = stored.name.clone();
    let shape = shape(&name, &tensor.dims)?;
    let len = checked_len(&shape).map_err(|what| malformed(&name, &what))?;
    let (stored, indices) =
        (dense(stored, store)?, dense(tensor.indices.unwrap_or_default(), store)?);
    let (Values::F32(stored), Values::I64(indices)) = (stored.values, indices.values) else {
        return Err(Fault::Unsupported("sparse tensors other than of floats".into()));
    };
    if stored.is_empty() {
        return Err(Fault::Unsupported("sparse tensors of zeros only".into()));
    }
    store.take(len)?;
    let coordinates = indices.len() / stored.len();
    if coordinates * stored.len() != indices.len() || ![1, shape.len()].contains(&coordinates) {
        return Err(malformed(&name, "its indices and its numbers differ in count"));
    }
    let mut values = vec![0.0; len];
    for (value, index) in stored.into_iter().zip(indices.chunks(coordinates)) {
        let offset = offset(index, &shape).filter(|offset| *offset < len);
        values[offset.ok_or_else(|| malformed(&name, "an index lies outside its shape"))?] = value;
    }
    Ok(Constant { shape, values: Values::F32(values) })
}

/// The name of an ONNX element type in messages.
pub(super) fn type_name(kind: i32) -> String {
    DataType::try_from(kind)
        .map_or_else(|_| format!("number {kind}"), |kind| kind.as_str_name().to_lowercase())
}

fn offset(index: &[i64], shape: &[usize]) -> Option<usize> {
    match index {
        [flat] => usize::try_from(*flat).ok(),
        _ => index.iter().zip(shape).try_fold(0, |offset, (i, dim)| {
            let i = usize::try_from(*i).ok().filter(|i| i < dim)?;
            Some(offset * dim + i)
        }),
    }
}

fn shape(name: &str, dims: &[i64]) -> Result<Vec<usize>, Fault> {
    let negative = |_| malformed(name, &format!("dimensions {dims:?} are not all sizes"));
    dims.iter().map(|dim| usize::try_from(*dim).map_err(negative)).collect()
}

/// The element type, if it is one that is read.
fn data_type(tensor: &TensorProto) -> Result<DataType, Fault> {
    let unsupported =
        || Fault::Unsupported(format!("constants of type {}", type_name(tensor.data_type)));
    let kind = DataType::try_from(tensor.data_type).map_err(|_| unsupported())?;
    if width(kind) == 0 { Err(unsupported()) } else { Ok(kind) }
}

/// Bytes of one stored element; 0 for types that are not read.
fn width(kind: DataType) -> usize {
    use DataType as D;
    match kind {
        D::Bool | D::Uint8 | D::Int8 => 1,
        D::Float16 | D::Bfloat16 | D::Uint16 | D::Int16 => 2,
        D::Float | D::Int32 | D::Uint32 => 4,
        D::Double | D::Int64 | D::Uint64 => 8,
        D::Undefined | D::String | D::Complex64 | D::Complex128 => 0,
        D::Float8e4m3fn | D::Float8e4m3fnuz | D::Float8e5m2 | D::Float8e5m2fnuz => 0,
        D::Uint4 | D::Int4 | D::Float4e2m1 | D::Float8e8m0 | D::Uint2 | D::Int2 => 0,
    }
}

fn raw_values(kind: DataType, raw: &[u8]) -> Result<Values, String> {
    use DataType as D;
    Ok(match kind {
        D::Float => Values::F32(each(raw, f32::from_le_bytes)),
        D::Double => Values::F32(each(raw, |b| f64::from_le_bytes(b) as f32)),
        D::Float16 => Values::F32(each(raw, |b| f16::from_le_bytes(b).to_f32())),
        D::Bfloat16 => Values::F32(each(raw, |b| bf16::from_le_bytes(b).to_f32())),
        D::Int8 => Values::I8(each(raw, i8::from_le_bytes)),
        D::Uint8 => Values::U8(raw.to_vec()),
        D::Bool => Values::U8(raw.iter().map(|b| u8::from(*b != 0)).collect()),
        D::Int16 => Values::I32(each(raw, |b| i16::from_le_bytes(b).into())),
        D::Uint16 => Values::I32(each(raw, |b| u16::from_le_bytes(b).into())),
        D::Int32 => Values::I32(each(raw, i32::from_le_bytes)),
        D::Uint32 => Values::I64(each(raw, |b| u32::from_le_bytes(b).into())),
        D::Int64 => Values::I64(each(raw, i64::from_le_bytes)),
        D::Uint64 => narrowed(each(raw, u64::from_le_bytes)).map(Values::I64)?,
        other => return Err(format!("{} is not read", other.as_str_name())),
    })
}

fn typed_values(kind: DataType, tensor: TensorProto) -> Result<Values, String> {
    use DataType as D;
    let small = tensor.int32_data;
    Ok(match kind {
        D::Float => Values::F32(tensor.float_data),
        D::Double => Values::F32(tensor.double_data.iter().map(|x| *x as f32).collect()),
        D::Float16 => {
            Values::F32(small.iter().map(|bits| f16::from_bits(*bits as u16).to_f32()).collect())
        }
        D::Bfloat16 => {
            Values::F32(small.iter().map(|bits| bf16::from_bits(*bits as u16).to_f32()).collect())
        }
        D::Int8 => Values::I8(narrowed(small)?),
        D::Uint8 => Values::U8(narrowed(small)?),
        D::Bool => Values::U8(small.iter().map(|b| u8::from(*b != 0)).collect()),
        D::Int16 | D::Uint16 | D::Int32 => Values::I32(small),
        D::Int64 => Values::I64(tensor.int64_data),
        D::Uint32 | D::Uint64 => Values::I64(narrowed(tensor.uint64_data)?),
        other => return Err(format!("{} is not read", other.as_str_name())),
    })
}

/// Every `N` bytes as a number; the caller has checked that none are left over.
fn each<const N: usize, T>(raw: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks().0.iter().map(|bytes| number(*bytes)).collect()
}

fn narrowed<A: Copy + std::fmt::Display, B: TryFrom<A>>(wide: Vec<A>) -> Result<Vec<B>, String> {
    let narrow = |x: A| B::try_from(x).map_err(|_| format!("{x} does not fit its type"));
    wide.into_iter().map(narrow).collect()
}

fn check_len(name: &str, unit: &str, needed: usize, found: usize) -> Result<(), Fault> {
    if needed == found {
        return Ok(());
    }
    Err(malformed(name, &format!("{found} {unit} are stored where its shape needs {needed}")))
}

fn malformed(name: &str, what: &str) -> Fault {
    Fault::Error(Error::Malformed { what: format!("constant {name:?}: {what}") })
}
