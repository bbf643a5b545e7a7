//! Fuses the addition of a residual into the convolution that ends a block.
//!
//! ```text
//! add(conv(x), y)   ->  conv(x, residual y)
//! qadd(qconv(x), y) ->  qconv(x, residual y, with the scales of the sum)
//! ```
//! The residual comes before the clamp, so a convolution that clamps already cannot take one; on bytes, the sum keeps its
//! own bounds behind those of the convolution.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::ir::{Binary, Dtype, Graph, NodeId, Op, Port, QConv, QPair, Quant};
use crate::pass::edit::{replace, sole_reader};
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Fuses additions; the number fused.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    let order = graph.order().expect("verified graphs are acyclic");
    let places: BTreeMap<NodeId, usize> = order.into_iter().zip(0..).collect();
    Ok(fixpoint(graph, skips, |graph, id| fuse(graph, id, &places)))
}

/// Fuses one; of two convolutions the one that is executed later takes the other.
fn fuse(graph: &mut Graph, id: NodeId, places: &BTreeMap<NodeId, usize>) -> Attempt {
    let Some([a, b]) = summands(graph, id) else {
        return Ok(false);
    };
    let (conv, residual) = match (takes_residual(graph, a), takes_residual(graph, b)) {
        (Ok(()), Ok(())) if places[&a] > places[&b] => (a, b),
        (_, Ok(())) => (b, a),
        (Ok(()), Err(_)) => (a, b),
        (Err(skip), Err(_)) => return Err(skip),
    };
    graph.connect(residual, conv, Port(3));
    if let (Op::Quant(Quant::Add(pair)), is_first) = (&graph.node(id).op, conv == a) {
        let pair = if is_first { *pair } else { QPair { a: pair.b, b: pair.a, ..*pair } };
        if let Op::Quant(Quant::Conv(conv)) = &mut graph.node_mut(conv).op {
            conv.residual = Some(pair);
        }
    }
    replace(graph, id, conv);
    Ok(true)
}

/// The operands of an addition of two computed tensors of one shape.
fn summands(graph: &Graph, id: NodeId) -> Option<[NodeId; 2]> {
    if !matches!(graph.node(id).op, Op::Binary(Binary::Add) | Op::Quant(Quant::Add(_))) {
        return None;
    }
    let out = &graph.node(id).out;
    let pair = [graph.operand(id, 0)?, graph.operand(id, 1)?];
    let fits = |id: NodeId| graph.node(id).out.shape == out.shape && graph.constant(id).is_none();
    (matches!(out.dtype, Dtype::F32 | Dtype::U8) && pair.into_iter().all(fits)).then_some(pair)
}

/// Refuses `id` if it is no convolution that can add one more tensor. That only the addition reads it rules out cycles.
fn takes_residual(graph: &Graph, id: NodeId) -> Attempt<()> {
    let refused = |reason: &str| Err(Skip::new(graph, id, reason));
    match &graph.node(id).op {
        Op::Conv(conv) if !conv.ends_linear() => refused("conv bends its sums before the addition"),
        Op::Conv(_) | Op::Quant(Quant::Conv(_)) if graph.operand(id, 3).is_some() => {
            refused("conv adds a residual already")
        }
        Op::Conv(conv) | Op::Quant(Quant::Conv(QConv { conv, .. }))
            if conv.group > 1 && conv.group == graph.node(id).out.shape[1] =>
        {
            refused("a conv of one channel each sums no residual")
        }
        Op::Conv(_) | Op::Quant(Quant::Conv(_)) => sole_reader(graph, id).map(|_| ()),
        op => refused(&format!("{} can add nothing to its result", op.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Affine, Bounds, Requant, To, Values};
    use crate::ir::{Clamp, Conv};
    use crate::pass::fixture::{Net, golden, left, refusals, rewrite, same};

    #[test]
    fn the_residual_goes_into_the_conv_that_ends_the_block() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 4]);
        let stem = net.conv(x, 3, same(1));
        let end = net.conv(stem, 3, same(3));
        let sum = net.add(end, stem);
        let y = net.clamp(sum, Clamp::RELU);
        golden("fuse_add", run, net.answer(&[y]));
    }

    #[test]
    fn of_two_convs_the_later_adds() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 4]);
        let late = net.conv(x, 3, same(3));
        let early = net.conv(x, 3, same(1));
        let late = net.conv(late, 3, same(3));
        let y = net.add(late, early);
        let (after, _) = rewrite(run, net.answer(&[y]));
        assert_eq!(after.operand(late, 3), Some(early));
    }

    #[test]
    fn a_second_residual_finds_the_other_conv() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 4]);
        let (a, b) = (net.conv(x, 3, same(3)), net.conv(x, 3, same(1)));
        let (sum, c) = (net.add(a, b), net.clamp(x, Clamp::RELU));
        let y = net.add(sum, c);
        let (_, skips) = rewrite(run, net.answer(&[y]));
        assert_eq!(skips[0].reason, "conv adds a residual already");
    }

    #[test]
    fn what_adds_nothing_says_why() {
        let sum = |prepare: fn(&mut Net, NodeId) -> [NodeId; 2]| {
            let mut net = Net::default();
            let x = net.input(&[1, 3, 4, 4]);
            let [a, b] = prepare(&mut net, x);
            let y = net.add(a, b);
            refusals(run, net.answer(&[y]))
        };
        let clamped = sum(|net, x| [net.conv(x, 3, Conv { clamp: Clamp::RELU, ..same(3) }), x]);
        assert_eq!(clamped, ["conv bends its sums before the addition"]);
        let doubled = sum(|net, x| [net.conv(x, 3, same(3)); 2]);
        assert_eq!(doubled, ["conv has 2 readers"]);
        let depthwise = sum(|net, x| {
            let w = net.ramp(&[3, 1, 3, 3]);
            let conv = Op::Conv(Conv { group: 3, ..same(3) });
            [net.put(conv, &[x, w]), x]
        });
        assert_eq!(depthwise, ["a conv of one channel each sums no residual"]);
        let none = sum(|net, x| [net.clamp(x, Clamp::RELU), x]);
        assert_eq!(none, ["clamp can add nothing to its result"]);
    }

    #[test]
    fn a_sum_of_bytes_keeps_its_scales_whichever_operand_the_conv_is() {
        let affine = |scale, zero| Affine { scale, zero };
        let (from, mid, to) = (affine(0.5, 3), affine(0.25, 7), affine(1.0, 9));
        for conv_first in [true, false] {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 4, 4]);
            let x = net.typed(Op::Quant(Quant::Quantize(from)), Dtype::U8, &[x]);
            let w = net.constant(&[2, 2, 1, 1], Values::I8(vec![1, -2, 3, 4]));
            let to_mid = To::Bytes { zero: mid.zero, bounds: Bounds { lo: 5, hi: 99 } };
            let requant = Requant::new(vec![0.5, 0.125], to_mid);
            let conv = QConv { conv: same(1), x_zero: from.zero, requant, residual: None };
            let conv = net.typed(Op::Quant(Quant::Conv(conv)), Dtype::U8, &[x, w]);
            let pair = QPair { a: mid, b: from, y: to, bounds: Bounds::ALL };
            let swapped = QPair { a: from, b: mid, ..pair };
            let sum = match conv_first {
                true => net.typed(Op::Quant(Quant::Add(pair)), Dtype::U8, &[conv, x]),
                false => net.typed(Op::Quant(Quant::Add(swapped)), Dtype::U8, &[x, conv]),
            };
            let y = net.put(Op::Quant(Quant::Dequantize(to)), &[sum]);
            let (after, _) = rewrite(run, net.answer(&[y]));
            assert_eq!(after.operand(conv, 3), Some(x));
            let Op::Quant(Quant::Conv(QConv { residual, .. })) = &after.node(conv).op else {
                panic!("the conv is gone: {after}");
            };
            assert_eq!(*residual, Some(pair));
        }
    }

    #[test]
    fn a_depthwise_conv_of_bytes_takes_no_residual() {
        let scale = Affine { scale: 0.5, zero: 3 };
        let mut net = Net::default();
        let x = net.bytes(&[1, 2, 4, 4]);
        let w = net.constant(&[2, 1, 1, 1], Values::I8(vec![1, -2]));
        let requant = Requant::new(vec![0.5; 2], To::Bytes { zero: 3, bounds: Bounds::ALL });
        let conv = Conv { group: 2, ..same(1) };
        let conv = Quant::Conv(QConv { conv, x_zero: 3, requant, residual: None });
        let conv = net.typed(Op::Quant(conv), Dtype::U8, &[x, w]);
        let pair = QPair { a: scale, b: scale, y: scale, bounds: Bounds::ALL };
        let sum = net.typed(Op::Quant(Quant::Add(pair)), Dtype::U8, &[conv, x]);
        let y = net.put(Op::Quant(Quant::Dequantize(scale)), &[sum]);
        let reasons = refusals(run, net.answer(&[y]));
        assert_eq!(reasons, ["a conv of one channel each sums no residual"]);
    }

    #[test]
    fn a_sum_that_broadcasts_is_no_residual() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 4]);
        let (conv, row) = (net.conv(x, 3, same(3)), net.input(&[1, 1, 1, 4]));
        let y = net.add(conv, row);
        assert_eq!(left(run, net.answer(&[y])), "input conv input add");
    }
}
