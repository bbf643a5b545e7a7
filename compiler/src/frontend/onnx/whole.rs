//! Truth values and integers that are computed at run time: carried as the floats that they are, where those are exact.
//!
//! True is 1 and false 0. What moves them carries on; arithmetic does as long as its results are known to stay below
//! 2^24, up to where every integer is a float. Their type in the file is kept beside the graph, for casts and outputs.

use std::collections::BTreeMap;

use crate::frontend::onnx::fault::Fault;
use crate::frontend::onnx::fold;
use crate::ir::{Dtype, Graph, NodeId, Op, Tensor, Values};
use crate::proto::tensor_proto::DataType;

/// Up to here every integer is a float.
pub(super) const EXACT: i64 = 1 << 24;

/// Type and range of truth values or integers that floats carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// Their type in the file.
    pub(super) kind: DataType,
    /// The greatest magnitude that they may have.
    pub(super) most: i64,
}

/// The values that are carried so.
pub(super) type Wholes = BTreeMap<NodeId, Whole>;

/// Truth values.
pub(super) const TRUTHS: Whole = Whole { kind: DataType::Bool, most: 1 };

/// Floats, and what they carry if they carry integers.
#[derive(Clone, Copy)]
pub(super) struct Exact {
    /// The floats.
    pub(super) id: NodeId,
    /// Type and range of the integers.
    pub(super) whole: Option<Whole>,
}

/// Types of inputs.
pub(super) const TAKEN: &str =
    "float, float16, bool, uint8, int8, uint16, int16, uint32, int32, uint64, int64";

/// The integers or truth values of an input that the caller gives as floats of the same values, by its type in the file.
pub(super) fn taken(elem_type: i32) -> Option<Whole> {
    let kind = DataType::try_from(elem_type).ok()?;
    let most = match kind {
        DataType::Bool => return Some(TRUTHS),
        DataType::Int16 => 1 << 15,
        DataType::Uint16 => (1 << 16) - 1,
        DataType::Int32 | DataType::Uint32 | DataType::Int64 | DataType::Uint64 => EXACT,
        _ => return None,
    };
    Some(Whole { kind, most })
}

/// Types of outputs.
pub(super) const GIVEN: &str = "float, float16, bool, uint8, int8, int32, int64";

/// The integers or truth values that output `name` gives, if `node` carries some or is a constant of them, in the type
/// that the file declares.
pub(super) fn answer(
    graph: &mut Graph,
    wholes: &Wholes,
    node: NodeId,
    name: &str,
    elem_type: i32,
) -> Result<Option<NodeId>, Fault> {
    let constant = graph.constant(node).and_then(|x| Some((kind_of(x.dtype()), fold::ints(x)?)));
    let carried = wholes.get(&node).map(|whole| whole.kind);
    let Some(own) = carried.or(constant.as_ref().map(|(kind, _)| *kind)) else {
        return Ok(None);
    };
    let kind = match DataType::try_from(elem_type) {
        Ok(DataType::Undefined) | Err(_) => own,
        Ok(declared) => declared,
    };
    let dtype = match kind {
        DataType::Bool | DataType::Uint8 => Dtype::U8,
        DataType::Int32 => Dtype::I32,
        DataType::Int64 => Dtype::I64,
        _ => return Ok(None),
    };
    let from = match constant {
        // Bytes are given as they lie.
        Some((DataType::Uint8, _)) if kind == DataType::Uint8 => return Ok(None),
        Some((_, ints)) => {
            let most = ints.iter().map(|int| int.saturating_abs()).max().unwrap_or(0);
            if most > EXACT {
                let what = format!("a constant that holds {most}; supported: up to 2^24");
                return Err(Fault::Unsupported(what));
            }
            let floats = Values::F32(ints.iter().map(|int| *int as f32).collect());
            let shape = graph.node(node).out.shape.clone();
            graph.add_const(format!("{name}/floats"), shape, floats)
        }
        None => node,
    };
    let out = Tensor { dtype, ..graph.node(from).out.clone() };
    Ok(Some(graph.add(format!("{name}/integers"), Op::Integers(dtype), out, &[from])))
}

/// The type of ONNX that values of `dtype` have.
pub(super) fn kind_of(dtype: Dtype) -> DataType {
    match dtype {
        Dtype::F32 | Dtype::F16 | Dtype::Bf16 => DataType::Float,
        Dtype::I8 => DataType::Int8,
        Dtype::U8 => DataType::Uint8,
        Dtype::I32 => DataType::Int32,
        Dtype::I64 => DataType::Int64,
    }
}
