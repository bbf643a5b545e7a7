//! Fuses clamps (Relu, Relu6, Clip) into the layer before them.
//!
//! ```text
//! max(x, 0), prelu(x, 0)  ->  clamp(x, 0..)
//! clamp(clamp(x))         ->  clamp(x)
//! clamp(conv(x))          ->  conv(x) with the clamp
//! ```

use crate::error::Result;
use crate::ir::{Clamp, Graph, NodeId, Op};
use crate::pass::bounds::as_clamp;
use crate::pass::edit::{replace, retire, sole_reader, x};
use crate::pass::layer;
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Fuses clamps; the number of nodes fused or rewritten as clamps.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, |graph, id| {
        if let Op::Clamp(clamp) = graph.node(id).op {
            fuse(graph, id, clamp)
        } else {
            Ok(to_clamp(graph, id))
        }
    }))
}

/// Turns an operator that only bounds into a clamp.
fn to_clamp(graph: &mut Graph, id: NodeId) -> bool {
    let Some((source, clamp)) = as_clamp(graph, id) else {
        return false;
    };
    let operands = graph.operands(id);
    operands.iter().for_each(|(port, _)| graph.disconnect(id, *port));
    graph.connect(source, id, crate::ir::Port(0));
    graph.node_mut(id).op = Op::Clamp(clamp);
    operands.into_iter().for_each(|(_, operand)| retire(graph, operand));
    true
}

/// Hands the bounds to the clamp, convolution or dense layer that makes `x`.
fn fuse(graph: &mut Graph, id: NodeId, clamp: Clamp) -> Attempt {
    let before = x(graph, id);
    let inner = match &graph.node(before).op {
        Op::Clamp(inner) => Some(*inner),
        op => layer::clamp(op),
    };
    let Some(inner) = inner else {
        return Err(Skip::new(graph, id, "there is no conv or dense before it"));
    };
    sole_reader(graph, before)?;
    if !is_ordered(inner) || !is_ordered(clamp) {
        return Err(Skip::new(graph, id, "its least value exceeds its greatest"));
    }
    match &mut graph.node_mut(before).op {
        Op::Clamp(inner) => *inner = inner.then(clamp),
        Op::Conv(conv) => conv.clamp = inner.then(clamp),
        Op::Dense(dense) => dense.clamp = inner.then(clamp),
        // Only layers and clamps hold bounds.
        _ => return Ok(false),
    }
    replace(graph, id, before);
    Ok(true)
}

/// True if the bounds are numbers, the least before the greatest.
fn is_ordered(clamp: Clamp) -> bool {
    clamp.lo <= clamp.hi
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Binary, Unary};
    use crate::pass::fixture::{Net, golden, left, refusals, rewrite, same};

    #[test]
    fn relu6_in_pieces_goes_into_the_conv() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let conv = net.conv(x, 3, same(3));
        let (six, zero) = (net.floats(&[], &[6.0]), net.floats(&[1], &[0.0]));
        let relu = net.put(Op::Binary(Binary::Max), &[zero, conv]);
        let y = net.put(Op::Binary(Binary::Min), &[relu, six]);
        golden("fuse_clamp", run, net.answer(&[y]));
    }

    #[test]
    fn slopes_of_zero_are_relus() {
        let mut net = Net::default();
        let (x, zero) = (net.input(&[1, 2, 4, 4]), net.floats(&[2, 1, 1], &[0.0, 0.0]));
        let relu = net.put(Op::PRelu, &[x, zero]);
        let y = net.put(Op::Unary(Unary::LeakyRelu(0.0)), &[relu]);
        assert_eq!(left(run, net.answer(&[y])), "input clamp");
    }

    #[test]
    fn disjoint_bounds_leave_one_value() {
        let mut net = Net::default();
        let x = net.input(&[3]);
        let low = net.clamp(x, Clamp { lo: -1.0, hi: 0.0 });
        let y = net.clamp(low, Clamp { lo: 2.0, hi: 3.0 });
        let (after, _) = rewrite(run, net.answer(&[y]));
        let op = &after.node(after.outputs[0].node).op;
        assert_eq!(*op, Op::Clamp(Clamp { lo: 2.0, hi: 2.0 }));
    }

    #[test]
    fn bounds_per_channel_and_of_nan_stay() {
        for bounds in [vec![0.0, 1.0], vec![f32::NAN; 2]] {
            let mut net = Net::default();
            let x = net.input(&[1, 2]);
            let bounds = net.floats(&[2], &bounds);
            let y = net.put(Op::Binary(Binary::Max), &[x, bounds]);
            let graph = net.answer(&[y]);
            assert!(as_clamp(&graph, y).is_none());
        }
    }

    #[test]
    fn a_conv_that_others_read_unclamped_keeps_its_clamp_apart() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let conv = net.conv(x, 3, same(3));
        let bounded = net.clamp(conv, Clamp::RELU);
        let y = net.add(bounded, conv);
        assert_eq!(refusals(run, net.answer(&[y])), ["conv has 2 readers"]);
    }

    #[test]
    fn crossed_bounds_and_lone_clamps_stay() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let conv = net.conv(x, 3, same(3));
        let y = net.clamp(conv, Clamp { lo: 2.0, hi: 1.0 });
        let z = net.clamp(x, Clamp::RELU);
        let reasons = refusals(run, net.answer(&[y, z]));
        assert_eq!(
            reasons,
            ["its least value exceeds its greatest", "there is no conv or dense before it"]
        );
    }
}
