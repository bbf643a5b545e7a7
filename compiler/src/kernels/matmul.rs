//! Products of two matrices that lie in rows, neither of which is packed, and of stacks of them.

use crate::error::Result;
use crate::ir::Op;
use crate::kernels::host::Host;
use crate::kernels::site::{Operand, Site};
use crate::kernels::spec::{Extent, Flow, Spec, Work};
use crate::kernels::value::{Constant, Invocation, Value};

/// The product of each left matrix of a stack and its right one, all of which lie in rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatMul {
    /// Rows of left matrices and of products.
    pub rows: usize,
    /// Columns of left matrices, which are the rows of right ones.
    pub depth: usize,
    /// Columns of right matrices and of products.
    pub columns: usize,
    /// Products along each axis of the stack, outermost first.
    pub stack: Vec<usize>,
    /// Elements from one left matrix to the next along each axis; 0 where it is the same.
    pub left: Vec<usize>,
    /// Elements from one right matrix to the next.
    pub right: Vec<usize>,
}

impl Spec for MatMul {
    fn constants(&self, _: &Site) -> Vec<Constant> {
        let fields = [
            ("stack", Value::sizes(&self.stack)),
            ("left", Value::sizes(&self.left)),
            ("right", Value::sizes(&self.right)),
            ("rows", Value::size(self.rows)),
            ("depth", Value::size(self.depth)),
            ("columns", Value::size(self.columns)),
        ];
        vec![Constant::of_fields("kernel::matmul::MatMul", [self.stack.len()], fields)]
    }

    fn call(&self, _: &Site, _: Extent) -> Invocation {
        let arguments = [Value::Token, Value::First, Value::Second, Value::Result];
        Invocation::method("run", arguments)
    }

    fn takes_token(&self, _: &Site) -> bool {
        true
    }

    fn work(&self, _: &Operand) -> Work {
        let count = self.stack.iter().product();
        Work::Matrices { count, sizes: [self.rows, self.depth, self.columns] }
    }

    fn compute(&self, host: &mut dyn Host) -> Result<()> {
        let operands = [0, 1].map(|port| (port, host.whole(port)));
        let y = host.oracle(Op::MatMul, host.shape(), &operands)?;
        host.put_along(&y);
        Ok(())
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }

    /// The sizes of the matrices, and how many there are: `8 of 50x32 by 32x50`.
    fn about(&self) -> Option<String> {
        let Self { rows, depth, columns, stack, .. } = self;
        let count = match stack.iter().product() {
            1 => String::new(),
            count => format!("{count} of "),
        };
        Some(format!("{count}{rows}x{depth} by {depth}x{columns}"))
    }
}
