//! Casts of a model's inputs to 16 bits, where convolutions in 16 bits are all that reads them.
//!
//! Such a model multiplies and adds in 16 bits too, where mnv2c computes in f32: with more digits than the file asks for.
//! Operands are part of that. Rounding them would keep a copy of the whole image, for digits that the sums lose anyway.

use crate::ir::{Graph, NodeId, Op, Unary};

/// Leaves such casts out.
pub(super) fn widen_operands(graph: &mut Graph) {
    for id in graph.ids() {
        let is_cast = matches!(graph.node(id).op, Op::Unary(Unary::ToF16 | Unary::ToBf16));
        let of_input = || graph.operand(id, 0).is_some_and(|x| graph.inputs.contains(&x));
        if is_cast && of_input() && feeds_convolutions(graph, id) {
            graph.node_mut(id).op = Op::Identity;
        }
    }
}

/// True if convolutions read the value, moved perhaps, and nothing else does. A cast back is an identity.
fn feeds_convolutions(graph: &Graph, id: NodeId) -> bool {
    let reads = |reader: NodeId| match &graph.node(reader).op {
        Op::Conv(_) => true,
        Op::Identity => false,
        op => op.moves() && feeds_convolutions(graph, reader),
    };
    let mut readers = graph.readers(id).into_iter();
    !graph.is_output(id) && readers.all(|(reader, _)| reads(reader))
}
