//! Description of a value: shape, element type and layout. Holds no numbers.

use std::fmt;

use half::{bf16, f16};

/// Description of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Logical dimensions, outermost first; an image is `[n, c, h, w]` whatever its layout.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: Dtype,
    /// The order of the elements in memory.
    pub layout: Layout,
}

/// Element types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dtype {
    /// 32-bit float.
    F32,
    /// 16-bit float: stored as one, computed in f32.
    F16,
    /// bfloat16: the upper half of an f32.
    Bf16,
    /// Signed byte.
    I8,
    /// Unsigned byte.
    U8,
    /// 32-bit integer.
    I32,
    /// 64-bit integer: shapes and indices.
    I64,
}

/// The order in which elements lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The last logical dimension varies fastest (an image is NCHW).
    RowMajor,
    /// A rank-4 tensor `[n, c, h, w]` stored with its channels innermost.
    Nhwc,
}

impl Tensor {
    /// A row-major f32 tensor.
    pub fn f32(shape: impl Into<Vec<usize>>) -> Self {
        Self { shape: shape.into(), dtype: Dtype::F32, layout: Layout::RowMajor }
    }

    /// Elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True if there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes when stored without padding.
    pub fn bytes(&self) -> usize {
        self.len() * self.dtype.bytes()
    }

    /// Elements outside, along and inside an axis, as they lie in memory.
    pub fn along(&self, axis: usize) -> [usize; 3] {
        let stored: Vec<usize> = match self.layout {
            Layout::RowMajor => (0..self.shape.len()).collect(),
            Layout::Nhwc => vec![0, 2, 3, 1],
        };
        let at = stored.iter().position(|it| *it == axis).expect("the axis is one of the tensor");
        let size = |axes: &[usize]| axes.iter().map(|axis| self.shape[*axis]).product();
        [size(&stored[..at]), self.shape[axis], size(&stored[at + 1..])]
    }

    /// Elements between neighbours along each logical dimension.
    pub fn strides(&self) -> Vec<usize> {
        let rank = self.shape.len();
        let outermost_first: Vec<usize> = match (self.layout, rank) {
            (Layout::Nhwc, 4) => vec![0, 2, 3, 1],
            (Layout::Nhwc | Layout::RowMajor, _) => (0..rank).collect(),
        };
        let mut strides = vec![1; rank];
        let mut stride = 1;
        for axis in outermost_first.into_iter().rev() {
            strides[axis] = stride;
            stride *= self.shape[axis];
        }
        strides
    }

    /// Length and stride of every dimension that has more than one index.
    pub fn steps(&self) -> Vec<(usize, usize)> {
        let steps = self.shape.iter().copied().zip(self.strides());
        steps.filter(|(dim, _)| *dim != 1).collect()
    }

    /// True if the elements lie in row-major order of the logical shape, whatever the layout is called.
    pub fn lies_in_rows(&self) -> bool {
        let rows = Self { layout: Layout::RowMajor, ..self.clone() };
        self.steps() == rows.steps()
    }

    /// True if `other` has the same type with its elements at the same places.
    pub fn lies_like(&self, other: &Self) -> bool {
        self.dtype == other.dtype && self.steps() == other.steps()
    }

    /// `[n, c, h, w]` of a rank-4 tensor.
    pub fn nchw(&self) -> Option<[usize; 4]> {
        self.shape.as_slice().try_into().ok()
    }
}

impl Dtype {
    /// True for a float of any width.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16)
    }

    /// The float nearest to `x` that the type holds, ties to even; of bf16 zero, of its sign, where `x` is subnormal.
    pub fn rounded(self, x: f32) -> f32 {
        match self {
            Self::F16 => f16::from_f32(x).to_f32(),
            Self::Bf16 if x.is_subnormal() => 0_f32.copysign(x),
            Self::Bf16 => bf16::from_f32(x).to_f32(),
            Self::F32 | Self::I8 | Self::U8 | Self::I32 | Self::I64 => x,
        }
    }

    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::I64 => 8,
        }
    }

    /// Bytes of one element while a network runs.
    pub fn stored_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::I64 => 8,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I32 => "i32",
            Self::I64 => "i64",
        })
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        write!(f, "{}[{}]", self.dtype, dims.join(","))?;
        match self.layout {
            Layout::RowMajor => Ok(()),
            Layout::Nhwc => f.write_str(" nhwc"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_innermost_in_nhwc() {
        let rows = Tensor::f32([2, 3, 4, 5]);
        assert_eq!(rows.strides(), [60, 20, 5, 1]);
        assert_eq!(Tensor { layout: Layout::Nhwc, ..rows }.strides(), [60, 1, 15, 3]);
    }
}
