//! The constant numbers of a model, before they are packed for kernels.

use crate::ir::Dtype;

/// Every constant of a graph, each owned by one `Op::Const` node.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    entries: Vec<Values>,
}

/// Names one constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WeightsId(usize);

/// Numbers in row-major order of their tensor's logical shape. 16-bit floats are widened when read.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// Signed bytes.
    I8(Vec<i8>),
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// 64-bit integers.
    I64(Vec<i64>),
}

impl Weights {
    /// Keeps `values`.
    pub fn add(&mut self, values: Values) -> WeightsId {
        self.entries.push(values);
        WeightsId(self.entries.len() - 1)
    }

    /// The numbers of `id`.
    pub fn get(&self, id: WeightsId) -> &Values {
        &self.entries[id.0]
    }

    /// Forgets the numbers of a constant that no node owns any more.
    pub fn release(&mut self, id: WeightsId) {
        self.entries[id.0] = Values::F32(Vec::new());
    }
}

impl Values {
    /// Elements.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I64(v) => v.len(),
        }
    }

    /// True if there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their element type.
    pub fn dtype(&self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::I8(_) => Dtype::I8,
            Self::U8(_) => Dtype::U8,
            Self::I32(_) => Dtype::I32,
            Self::I64(_) => Dtype::I64,
        }
    }

    /// The floats, if that is what they are.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match self {
            Self::F32(v) => Some(v),
            Self::I8(_) | Self::U8(_) | Self::I32(_) | Self::I64(_) => None,
        }
    }

    /// The unsigned bytes, if that is what they are.
    pub fn as_u8(&self) -> Option<&[u8]> {
        match self {
            Self::U8(v) => Some(v),
            Self::F32(_) | Self::I8(_) | Self::I32(_) | Self::I64(_) => None,
        }
    }

    /// The signed bytes, if that is what they are.
    pub fn as_i8(&self) -> Option<&[i8]> {
        match self {
            Self::I8(v) => Some(v),
            Self::F32(_) | Self::U8(_) | Self::I32(_) | Self::I64(_) => None,
        }
    }

    /// The 32-bit integers, if that is what they are.
    pub fn as_i32(&self) -> Option<&[i32]> {
        match self {
            Self::I32(v) => Some(v),
            Self::F32(_) | Self::I8(_) | Self::U8(_) | Self::I64(_) => None,
        }
    }
}
