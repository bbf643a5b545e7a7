//! Transpose: dimensions in another order.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::gather::gather;
use crate::ir::op::index::{offsets, strides};
use crate::ir::op::onnx::OnnxNode;
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::{Array, Tensor, Values};

/// Output dimension `i` is input dimension `self.0[i]`.
pub(super) struct Transpose<'a>(pub &'a [usize]);

impl Definition for Transpose<'_> {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        Traits::moved(Layouts::Permuted, Streams::Shuffled)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        permuted(self.0, first(operands, self.name())?).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(transposed(self.0, reads.array(0)?))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        self.0.first() == Some(&0)
    }

    fn attributes(&self) -> String {
        format!(" {:?}", self.0)
    }

    fn unchanged(&self, _: &Site<'_>) -> Option<usize> {
        self.0.iter().copied().eq(0..self.0.len()).then_some(0)
    }

    fn is_view(&self, from: &Tensor, to: &Tensor) -> bool {
        let from_strides = from.strides();
        let moved = self.0.iter().map(|axis| from_strides[*axis]);
        let mut pairs = moved.zip(to.strides()).zip(&to.shape);
        pairs.all(|((before, after), dim)| *dim == 1 || before == after)
    }

    fn in_onnx(&self) -> Option<OnnxNode> {
        Some(OnnxNode::new("Transpose", vec![("perm", self.0.into())]))
    }
}

fn permuted(perm: &[usize], x: &[usize]) -> Result<Vec<usize>, String> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..x.len()) {
        return Err(format!("{perm:?} is no permutation of the {} dimensions of {x:?}", x.len()));
    }
    Ok(perm.iter().map(|&i| x[i]).collect())
}

fn transposed(perm: &[usize], x: &Array) -> Values {
    let own = strides(&x.shape);
    let turned: Vec<isize> = perm.iter().map(|&dim| own[dim]).collect();
    let shape: Vec<usize> = perm.iter().map(|&dim| x.shape[dim]).collect();
    gather(&x.values, offsets(&shape, 0, &turned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_turn_into_columns() {
        let matrix = Array { shape: vec![2, 3], values: Values::I64(vec![1, 2, 3, 4, 5, 6]) };
        assert_eq!(transposed(&[1, 0], &matrix), Values::I64(vec![1, 4, 2, 5, 3, 6]));
    }
}
