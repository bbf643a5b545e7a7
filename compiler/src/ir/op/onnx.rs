//! An operator as one node of ONNX, for graphs that are written to files.

/// A node that reads what its operator reads.
pub struct OnnxNode {
    /// The operator's name.
    pub op: &'static str,
    /// Its attributes.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// The name and the integers of a constant operand behind the others.
    pub operand: Option<(&'static str, Vec<i64>)>,
}

/// The value of an attribute.
pub enum Attribute {
    /// An integer, or 1 for what is the case.
    Int(i64),
    /// Integers.
    Ints(Vec<usize>),
    /// A float.
    Real(f32),
}

impl OnnxNode {
    /// A node without operands of its own.
    pub fn new(op: &'static str, attributes: Vec<(&'static str, Attribute)>) -> Self {
        Self { op, attributes, operand: None }
    }
}

impl From<usize> for Attribute {
    fn from(int: usize) -> Self {
        Self::Int(int as i64)
    }
}

impl From<bool> for Attribute {
    fn from(is: bool) -> Self {
        Self::Int(is.into())
    }
}

impl From<f32> for Attribute {
    fn from(real: f32) -> Self {
        Self::Real(real)
    }
}

impl From<&[usize]> for Attribute {
    fn from(ints: &[usize]) -> Self {
        Self::Ints(ints.to_vec())
    }
}
