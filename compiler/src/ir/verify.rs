//! The law of the IR: what every graph between two passes keeps. A breach is a fault of ours, not of the user.

mod quant;

use std::fmt;

use crate::ir::{Clamp, Conv, Dense, Dtype, Graph, Layout, NodeId, Op, Port, Quant, infer};

/// A breach of the law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The node's name.
    pub node: String,
    /// What is wrong.
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
    let dangling = graph.outputs.iter().filter(|output| !graph.contains(output.node));
    violations.extend(
        dangling.map(|output| Violation { node: output.name.clone(), what: "is gone".into() }),
    );
    violations
}

fn breach(graph: &Graph, id: NodeId) -> Option<Violation> {
    let node = graph.node(id);
    let operands = graph.operands(id);
    let what = arity(&node.op, &operands).or_else(|| shape_breach(graph, id));
    let what = what.or_else(|| bend_breach(&node.op));
    let what = what.or_else(|| quant::breach(graph, id)).or_else(|| {
        (node.out.layout == Layout::Nhwc && node.out.shape.len() != 4)
            .then(|| format!("{} cannot lie in nhwc", node.out))
    });
    what.map(|what| violation(graph, id, what))
}

fn arity(op: &Op, operands: &[(Port, NodeId)]) -> Option<String> {
    let required = match op {
        Op::Input | Op::Const(_) => 0,
        Op::Conv(_) | Op::Gemm(_) | Op::MatMul | Op::Binary(_) | Op::PRelu => 2,
        Op::Dense(_) => 3,
        Op::BatchNorm(_) => 5,
        Op::Clamp(_) | Op::Unary(_) | Op::Pool(_) | Op::Reduce(_) | Op::Softmax(_) => 1,
        Op::Reshape | Op::Transpose(_) | Op::Relayout | Op::Concat(_) => 1,
        Op::Slice(_) | Op::Pad(_) | Op::Expand | Op::Identity | Op::Resize(_) => 1,
        Op::Quant(quant) => quant.arity(),
    };
    let optional: &[Port] = match op {
        Op::Conv(_) => &[Port(2), Port(3), Port(4)],
        Op::Quant(Quant::Conv(_)) => &[Port(2), Port(3), Port(4)],
        Op::Gemm(_) | Op::Quant(Quant::Dense(_)) => &[Port(2)],
        _ => &[],
    };
    let missing = (0..required).find(|port| operands.iter().all(|(p, _)| p.0 != *port));
    let surplus = operands.iter().find(|(p, _)| p.0 >= required && !optional.contains(p));
    match (missing, surplus, op) {
        (Some(port), _, _) => Some(format!("{} has no operand {port}", op.name())),
        (None, Some(_), Op::Concat(_)) | (None, None, _) => None,
        (None, Some((port, _)), _) => {
            Some(format!("{} has an operand {} too many", op.name(), port.0))
        }
    }
}

fn shape_breach(graph: &Graph, id: NodeId) -> Option<String> {
    let node = graph.node(id);
    let operands: Vec<&[usize]> = graph
        .operands(id)
        .iter()
        .map(|(_, operand)| graph.node(*operand).out.shape.as_slice())
        .collect();
    let same_len = |what: &str, from: usize| {
        (from != node.out.len()).then(|| format!("{what} {from} elements as {}", node.out))
    };
    match &node.op {
        Op::Const(weights) => same_len("holds", graph.weights.get(*weights).len()),
        Op::Reshape => same_len("views", operands[0].iter().product()),
        Op::Reduce(reduce) => {
            let kept = operands[0].iter().enumerate().filter(|(i, _)| !reduce.axes.contains(i));
            same_len("reduces to", kept.map(|(_, dim)| dim).product())
        }
        op => match infer::shape(op, &operands) {
            Err(what) => Some(what),
            Ok(Some(shape)) if shape != node.out.shape => {
                Some(format!("is {} but its operands make {shape:?}", node.out))
            }
            Ok(_) => residual_breach(graph, id).or_else(|| border_breach(graph, id)),
        },
    }
}

fn bend_breach(op: &Op) -> Option<String> {
    let (Op::Conv(Conv { clamp, then, .. }) | Op::Dense(Dense { clamp, then })) = op else {
        return None;
    };
    let then = then.filter(|_| *clamp != Clamp::NONE)?;
    Some(format!("clamps to {clamp} before its {}", then.name()))
}

fn residual_breach(graph: &Graph, id: NodeId) -> Option<String> {
    let (out, residual) = (&graph.node(id).out, graph.operand(id, 3)?);
    if !matches!(graph.node(id).op, Op::Conv(_) | Op::Quant(Quant::Conv(_))) {
        return None;
    }
    let residual = &graph.node(residual).out;
    (residual.shape != out.shape || residual.dtype == Dtype::I64)
        .then(|| format!("adds a residual {residual} to {out}"))
}

fn border_breach(graph: &Graph, id: NodeId) -> Option<String> {
    let conv = matches!(graph.node(id).op, Op::Conv(_));
    let border = graph.operand(id, 4).filter(|_| conv)?;
    let channels = graph.operand(id, 0).and_then(|x| graph.node(x).out.shape.get(1).copied());
    let (len, fits) = (graph.node(border).out.len(), graph.constant_operand(id, 4).is_some());
    (!fits || channels != Some(len)).then(|| format!("has a border of {len} numbers"))
}

fn violation(graph: &Graph, id: NodeId, what: String) -> Violation {
    Violation { node: graph.node(id).name.clone(), what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Tensor, Unary, Values};

    #[test]
    fn a_layer_has_no_bounds_before_its_function() {
        let breaches = |clamp| {
            let mut graph = Graph::default();
            let x = graph.add_input("x", Tensor::f32([1, 2]));
            let w = graph.add_const("w", [2, 3], Values::F32(vec![1.0; 6]));
            let b = graph.add_const("b", [3], Values::F32(vec![1.0; 3]));
            let dense = Dense { clamp, then: Some(Unary::Silu) };
            graph.add("dense", Op::Dense(dense), Tensor::f32([1, 3]), &[x, w, b]);
            verify(&graph).iter().map(Violation::to_string).collect::<Vec<_>>()
        };
        assert_eq!(breaches(Clamp::NONE), [""; 0]);
        assert_eq!(breaches(Clamp::RELU6), ["dense: clamps to 0..6 before its silu"]);
    }
}
