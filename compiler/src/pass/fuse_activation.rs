//! Fuses activations into the convolution or dense layer before them, as clamps are.
//!
//! ```text
//! silu(conv(x))  ->  conv(x) then silu
//! ```

use crate::error::Result;
use crate::ir::{Clamp, Graph, NodeId, Op, Unary};
use crate::pass::edit::{replace, sole_reader, x};
use crate::pass::{Attempt, Skip, Skips, fixpoint, layer};

/// Fuses activations; the number fused.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, |graph, id| match graph.node(id).op {
        Op::Unary(function) => fuse(graph, id, function),
        // The pass is about functions alone.
        _ => Ok(false),
    }))
}

/// Moves the activation into the convolution or dense layer that makes its operand.
fn fuse(graph: &mut Graph, id: NodeId, function: Unary) -> Attempt {
    let mut before = x(graph, id);
    while graph.node(before).op == Op::Reshape && graph.only_reader(before).is_some() {
        before = x(graph, before);
    }
    match layer::clamp(&graph.node(before).op) {
        Some(Clamp::NONE) => {}
        Some(_) => return Err(Skip::new(graph, id, "the layer before it clamps")),
        None => {
            return Err(Skip::new(
                graph,
                id,
                "there is no conv or dense without a function before it",
            ));
        }
    }
    sole_reader(graph, before)?;
    match &mut graph.node_mut(before).op {
        Op::Conv(conv) => conv.activation = Some(function),
        Op::Dense(dense) => dense.activation = Some(function),
        // Only layers apply a function to their sums.
        _ => return Ok(false),
    }
    replace(graph, id, x(graph, id));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::fixture::{Net, golden, refusals, same};

    #[test]
    fn a_swish_goes_into_the_conv() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let conv = net.conv(x, 3, same(3));
        let y = net.put(Op::Unary(Unary::Silu), &[conv]);
        golden("fuse_activation", run, net.answer(&[y]));
    }

    #[test]
    fn a_layer_that_clamps_or_is_read_twice_stays() {
        let refused = |clamp, twice: bool| {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 4, 4]);
            let conv = net.conv(x, 3, crate::ir::Conv { clamp, ..same(3) });
            let y = net.put(Op::Unary(Unary::Tanh), &[conv]);
            let outputs = if twice { vec![y, conv] } else { vec![y] };
            refusals(run, net.answer(&outputs)).concat()
        };
        assert!(refused(Clamp::RELU, false).contains("the layer before it clamps"));
        assert!(refused(Clamp::NONE, true).contains("is an output of the model"));
    }
}
