//! Numbers that the oracle computes while a file is read: of operators on constants that move or combine nothing exactly.
//!
//! Products, windows and what grows far beyond its operands stay operators, for passes to fold if it pays. So do bytes
//! with their scales, which passes look for; a reader that needs their numbers asks for them here.

use std::borrow::Cow;

use crate::error::Result;
use crate::frontend::onnx::fold::Operand;
use crate::interp::{self, Array};
use crate::ir::op::traits::Early;
use crate::ir::{Dtype, Graph, Layout, NodeId, Op, Quant, Tensor, Values};

/// Elements that a result may have, however few its operands have.
const SMALL_LEN: usize = 1 << 12;

/// Views that may lie between bytes with their scales and a reader that needs numbers.
const MAX_DEPTH: usize = 8;

/// The floats of shape `shape` that `op` makes of constant floats; `None` if it stays an operator.
pub(super) fn values(op: &Op, operands: &[Operand<'_>], shape: &[usize]) -> Result<Option<Values>> {
    let is_small = match op.traits().early {
        Early::Always => true,
        Early::IfSmall => {
            let len = operands.iter().map(|(_, x)| x.len()).sum();
            shape.iter().product::<usize>() <= SMALL_LEN.max(len)
        }
        Early::Later => false,
    };
    let has_floats = |(_, x): &Operand<'_>| x.as_f32().is_some_and(|x| !x.is_empty());
    if !is_small || !operands.iter().all(has_floats) || shape.contains(&0) {
        return Ok(None);
    }
    let arrays =
        operands.iter().map(|(shape, x)| Array { shape: shape.to_vec(), values: (*x).clone() });
    evaluated(op.clone(), arrays.collect(), shape).map(Some)
}

/// The result of `op` for `operands`, in a graph of its own.
fn evaluated(op: Op, operands: Vec<Array>, shape: &[usize]) -> Result<Values> {
    let mut graph = Graph::default();
    let tensor = |x: &Array| Tensor {
        shape: x.shape.clone(),
        dtype: x.values.dtype(),
        layout: Layout::RowMajor,
    };
    let inputs: Vec<NodeId> = operands.iter().map(|x| graph.add_input("", tensor(x))).collect();
    let out = Tensor { shape: shape.to_vec(), dtype: Dtype::F32, layout: Layout::RowMajor };
    let id = graph.add("", op, out, &inputs);
    interp::eval(&graph, id, &operands.iter().collect::<Vec<_>>()).map(|array| array.values)
}

/// The numbers of a constant, or of views of bytes with their scales; `None` of any other value.
pub(super) fn numbers(graph: &Graph, id: NodeId) -> Option<Cow<'_, Values>> {
    numbers_within(graph, id, MAX_DEPTH)
}

fn numbers_within(graph: &Graph, id: NodeId, depth: usize) -> Option<Cow<'_, Values>> {
    if let Some(values) = graph.constant(id) {
        return Some(Cow::Borrowed(values));
    }
    let node = graph.node(id);
    let is_view = matches!(
        node.op,
        Op::Quant(Quant::Unpack(_)) | Op::Reshape | Op::Transpose(_) | Op::Identity
    );
    let operand = graph.operand(id, 0).filter(|_| is_view && depth > 0)?;
    let values = numbers_within(graph, operand, depth - 1)?.into_owned();
    let x = Array { shape: graph.node(operand).out.shape.clone(), values };
    interp::eval(graph, id, &[&x]).ok().map(|array| Cow::Owned(array.values))
}
