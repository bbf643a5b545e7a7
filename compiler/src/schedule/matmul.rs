//! Products of two matrices of which the right one is no single constant, and of stacks of them.

use crate::error::Result;
use crate::ir::NodeId;
use crate::kernels::MatMul;
use crate::schedule::Stage;
use crate::schedule::place::Lowering;

/// A product of whole values that lie in rows.
pub(super) fn matmul(lowering: &mut Lowering<'_>, id: NodeId) -> Result<Vec<Stage>> {
    let graph = lowering.graph;
    let shape = |port: usize| {
        let operand = graph.operand(id, port).expect("verified nodes have their operands");
        graph.node(operand).out.shape.as_slice()
    };
    let kernel = of_shapes(shape(0), shape(1), &graph.node(id).out.shape);
    let from = vec![lowering.operand(id, 0)?, lowering.operand(id, 1)?];
    let into = lowering.place_result(id)?;
    Ok(vec![Stage::new(id, kernel, from, into)])
}

/// The product of two shapes, in as few axes as it can be.
fn of_shapes(a: &[usize], b: &[usize], out: &[usize]) -> MatMul {
    let (stack, matrix) = out.split_at(out.len() - 2);
    let depth = a[a.len() - 1];
    let (left, right) = (steps(a, stack.len()), steps(b, stack.len()));
    let mut product = MatMul {
        rows: matrix[0],
        depth,
        columns: matrix[1],
        stack: Vec::new(),
        left: Vec::new(),
        right: Vec::new(),
    };
    for axis in (0..stack.len()).filter(|axis| stack[*axis] != 1) {
        product.push(stack[axis], left[axis], right[axis]);
    }
    product.join_rows();
    product
}

/// Elements from one matrix to the next along each axis of a stack; 0 where it is repeated.
fn steps(shape: &[usize], axes: usize) -> Vec<usize> {
    let mut steps = vec![0; axes];
    let (own, matrix) = shape.split_at(shape.len() - 2);
    let mut step: usize = matrix.iter().product();
    for (into, len) in steps.iter_mut().rev().zip(own.iter().rev()) {
        if *len != 1 {
            *into = step;
        }
        step *= len;
    }
    steps
}

impl MatMul {
    /// Adds an axis inside of the others, as one with the last if it continues that.
    fn push(&mut self, len: usize, left: usize, right: usize) {
        let continues = |steps: &[usize], step: usize| steps.last() == Some(&(step * len));
        if continues(&self.left, left) && continues(&self.right, right) {
            let outer = self.stack.len() - 1;
            self.stack[outer] *= len;
            (self.left[outer], self.right[outer]) = (left, right);
            return;
        }
        self.stack.push(len);
        self.left.push(left);
        self.right.push(right);
    }

    /// Sees left matrices that follow one another, all with one right matrix, as one.
    fn join_rows(&mut self) {
        if self.left.last() == Some(&(self.rows * self.depth)) && self.right.last() == Some(&0) {
            self.rows *= self.stack.pop().unwrap_or(1);
            self.left.pop();
            self.right.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &[usize], b: &[usize], out: &[usize], expected: &str) {
        let MatMul { rows, depth, columns, stack, left, right } = of_shapes(a, b, out);
        let found = format!("{rows}x{depth}x{columns} {stack:?} {left:?} {right:?}");
        assert_eq!(found, expected);
    }

    #[test]
    fn axes_that_continue_each_other_are_one() {
        check(&[2, 3, 4, 5], &[2, 3, 5, 6], &[2, 3, 4, 6], "4x5x6 [6] [20] [30]");
        check(&[4, 5], &[5, 6], &[4, 6], "4x5x6 [] [] []");
        check(&[1, 3, 4, 5], &[3, 5, 6], &[1, 3, 4, 6], "4x5x6 [3] [20] [30]");
    }

    #[test]
    fn repeated_matrices_stand_still() {
        check(&[3, 4, 5], &[2, 1, 5, 6], &[2, 3, 4, 6], "12x5x6 [2] [0] [30]");
        check(&[4, 5], &[2, 3, 5, 6], &[2, 3, 4, 6], "4x5x6 [6] [0] [30]");
        check(&[2, 1, 4, 5], &[2, 3, 5, 6], &[2, 3, 4, 6], "4x5x6 [2, 3] [20, 0] [90, 30]");
    }

    #[test]
    fn a_stack_by_one_matrix_is_one_product() {
        check(&[2, 3, 4, 5], &[5, 6], &[2, 3, 4, 6], "24x5x6 [] [] []");
    }
}
