//! Numbers with a shape: what the oracle takes, computes and answers with.

use crate::ir::Values;

/// Numbers with a shape, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// The numbers, as many as the shape has elements.
    pub values: Values,
}

impl Array {
    /// Floats of the given shape.
    pub fn f32(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        let shape = shape.into();
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Self { shape, values: Values::F32(values) }
    }

    /// Bytes as floats; other numbers as they are.
    pub(crate) fn widened(&self) -> Self {
        match &self.values {
            Values::U8(bytes) => {
                Self::f32(self.shape.clone(), bytes.iter().copied().map(f32::from).collect())
            }
            Values::F32(_) | Values::I8(_) | Values::I32(_) | Values::I64(_) => self.clone(),
        }
    }
}
