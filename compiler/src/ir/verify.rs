//! Invariants of the IR, which every graph between two passes keeps. A breach is a bug of ours, not an error of the user.

use std::fmt;

use crate::ir::op::definition::{Origin, Ports, Rest};
use crate::ir::op::site::{Operand, Site};
use crate::ir::{Dtype, Graph, Layout, NodeId, Op};

/// A breach of an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The node's name.
    pub node: String,
    /// The description of the breach.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.node, self.what)
    }
}

/// Every breach, in node order: the graph is acyclic, each operator has the operands it needs, and its result has the
/// shape those give; bytes are read as bytes; constants have as many numbers as their shape; a layer has bounds or a
/// function; only rank-4 tensors lie in NHWC.
pub fn verify(graph: &Graph) -> Vec<Violation> {
    let mut violations: Vec<Violation> =
        graph.ids().into_iter().filter_map(|id| breach(graph, id)).collect();
    if let Err(id) = graph.order() {
        violations.push(violation(graph, id, "lies on a cycle".into()));
    }
    let dangling = graph.outputs.all().iter().filter(|output| !graph.contains(output.node));
    violations.extend(
        dangling.map(|output| Violation { node: output.name.clone(), what: "is gone".into() }),
    );
    violations
}

fn breach(graph: &Graph, id: NodeId) -> Option<Violation> {
    let node = graph.node(id);
    let site = graph.site(id);
    let own = || node.op.define(|op| op.breach(&site));
    let what = arity(&node.op, &site)
        .or_else(|| shape_breach(graph, id, &site))
        .or_else(own)
        .or_else(|| type_breach(&node.op, &site))
        .or_else(|| {
            (node.out.layout == Layout::Nhwc && node.out.shape.len() != 4)
                .then(|| format!("{} cannot lie in nhwc", node.out))
        });
    what.map(|what| violation(graph, id, what))
}

fn arity(op: &Op, site: &Site<'_>) -> Option<String> {
    let Ports { required, listed, rest } = op.ports();
    let missing = (0..required).find(|port| site.operand(*port).is_none());
    let surplus = site.operands.iter().find(|operand| operand.port >= required.max(listed.len()));
    match (missing, surplus) {
        (Some(port), _) => Some(format!("{} has no operand {port}", op.name())),
        (None, Some(operand)) if rest == Rest::None => {
            Some(format!("{} has an operand {} too many", op.name(), operand.port))
        }
        (None, _) => None,
    }
}

fn shape_breach(graph: &Graph, id: NodeId, site: &Site<'_>) -> Option<String> {
    if let Some(values) = graph.constant(id) {
        return site.other_len("holds", values.len());
    }
    match graph.node(id).op.shape(&site.shapes()) {
        Err(what) => Some(what),
        Ok(Some(shape)) if shape != site.out.shape => {
            Some(format!("is {} but its operands make {shape:?}", site.out))
        }
        Ok(_) => None,
    }
}

/// The breach of the element types of operands and result.
fn type_breach(op: &Op, site: &Site<'_>) -> Option<String> {
    match site.operand(0).and_then(|x| op.dtype(x.tensor.dtype)) {
        Some(dtype) => {
            let fits = dtype == site.out.dtype && site.operands.iter().all(|x| is_listed(op, x));
            (!fits).then(|| site.mistyped())
        }
        None => unmoved(op, site),
    }
}

/// True if an operand has the type and origin that its operator lists.
fn is_listed(op: &Op, operand: &Operand<'_>) -> bool {
    op.ports().listed.get(operand.port).is_none_or(|spec| {
        let typed = spec.dtype.is_none_or(|dtype| dtype == operand.tensor.dtype);
        typed && (spec.origin == Origin::Any || operand.constant.is_some())
    })
}

/// Bytes that an operator on floats reads, or makes: those that only move take any type, and the bytes of an image
/// become floats in a convolution or where nothing else is done.
fn unmoved(op: &Op, site: &Site<'_>) -> Option<String> {
    let is_byte = |dtype| matches!(dtype, Dtype::U8 | Dtype::I8);
    let (out, traits) = (site.out.dtype, op.traits());
    let wrong = site.operands.iter().find(|operand| {
        let dtype = operand.tensor.dtype;
        let same = dtype == out && traits.moves();
        let widens = traits.widens() && operand.port == 0;
        let image = widens && (dtype, out) == (Dtype::U8, Dtype::F32);
        (is_byte(dtype) || is_byte(out)) && !same && !image
    });
    wrong.map(|operand| format!("{} makes {out} of {}", op.name(), operand.tensor.dtype))
}

fn violation(graph: &Graph, id: NodeId, what: String) -> Violation {
    Violation { node: graph.node(id).name.clone(), what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Clamp, Dense, Tensor, Unary, Values};

    #[test]
    fn a_layer_has_no_bounds_before_its_function() {
        let breaches = |clamp| {
            let mut graph = Graph::default();
            let x = graph.add_input("x", Tensor::f32([1, 2]));
            let w = graph.add_const("w", [2, 3], Values::F32(vec![1.0; 6]));
            let b = graph.add_const("b", [3], Values::F32(vec![1.0; 3]));
            let dense = Dense { clamp, activation: Some(Unary::Silu) };
            graph.add("dense", Op::Dense(dense), Tensor::f32([1, 3]), &[x, w, b]);
            verify(&graph).iter().map(Violation::to_string).collect::<Vec<_>>()
        };
        assert_eq!(breaches(Clamp::NONE), [""; 0]);
        assert_eq!(breaches(Clamp::RELU6), ["dense: clamps to 0..6 before its silu"]);
    }
}
