//! Recognises activations that exporters write out in primitive operators.
//!
//! ```text
//! x * sigmoid(x)                           ->  silu(x)
//! clamp(x + 3, 0..6) / 6, and x times that  ->  hard_sigmoid(x), hard_swish(x)
//! x * (1 + erf(x / sqrt 2)) / 2             ->  gelu(x)
//! ```

use std::f32::consts::FRAC_1_SQRT_2;

use crate::error::Result;
use crate::ir::{Binary, Clamp, Graph, NodeId, Op, Port, Unary};
use crate::pass::bounds::{bounded, with_scalar};
use crate::pass::constant::scalar;
use crate::pass::edit::{retire, x};
use crate::pass::{Skips, fixpoint};

/// Makes each activation that is written out one operator; the number of them.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, |graph, id| match graph.node(id).op {
        Op::Binary(Binary::Mul | Binary::Div) => Ok(recognize(graph, id)),
        // The functions that are recognised end in a product.
        _ => Ok(false),
    }))
}

/// Replaces a product that is an activation of one value by that activation.
fn recognize(graph: &mut Graph, id: NodeId) -> bool {
    let Some((source, function)) = function(graph, id) else {
        return false;
    };
    let operands = graph.operands(id);
    operands.iter().for_each(|(port, _)| graph.disconnect(id, *port));
    graph.connect(source, id, Port(0));
    graph.node_mut(id).op = Op::Unary(function);
    operands.into_iter().for_each(|(_, operand)| retire(graph, operand));
    true
}

/// The operand and the activation, if `id` computes nothing else.
fn function(graph: &Graph, id: NodeId) -> Option<(NodeId, Unary)> {
    let product = Product::of(graph, id)?;
    let (source, function) = match *product.factors.as_slice() {
        [share] if is_near(product.scale, 1.0 / 6.0) => {
            (hinge(graph, share)?, Unary::HardSigmoid(1.0 / 6.0, 0.5))
        }
        [a, b] => {
            gated(graph, a, b, product.scale).or_else(|| gated(graph, b, a, product.scale))?
        }
        _ => return None,
    };
    (graph.node(source).out == graph.node(id).out).then_some((source, function))
}

/// `scale * source * share`, if the share is a function of the source.
fn gated(graph: &Graph, source: NodeId, share: NodeId, scale: f32) -> Option<(NodeId, Unary)> {
    let of_source = |id: NodeId| x(graph, id) == source;
    let function = match graph.node(share).op {
        Op::Unary(Unary::Sigmoid) if scale == 1.0 && of_source(share) => Unary::Silu,
        Op::Unary(Unary::HardSigmoid(alpha, beta)) if scale == 1.0 && of_source(share) => {
            (is_near(alpha, 1.0 / 6.0) && beta == 0.5).then_some(Unary::HardSwish)?
        }
        Op::Clamp(_) | Op::Binary(Binary::Min | Binary::Max) if is_near(scale, 1.0 / 6.0) => {
            (hinge(graph, share) == Some(source)).then_some(Unary::HardSwish)?
        }
        Op::Binary(Binary::Add) if is_near(scale, 0.5) => {
            let erf = shifted(graph, share, 1.0)?;
            let Op::Unary(Unary::Erf) = graph.node(erf).op else { return None };
            let inner = Product::of(graph, x(graph, erf))?;
            let plain = inner.factors == [source] && is_near(inner.scale, FRAC_1_SQRT_2);
            plain.then_some(Unary::Gelu)?
        }
        // No other share makes a function that has a name.
        _ => return None,
    };
    Some((source, function))
}

/// `x` of `clamp(x + 3, 0..6)`.
fn hinge(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let (mut from, mut bounds) = bounded(graph, id)?;
    if bounds != Clamp::RELU6 && bounds.lo <= bounds.hi {
        let (source, inner) = bounded(graph, from)?;
        (from, bounds) = (source, inner.then(bounds));
    }
    (bounds == Clamp::RELU6).then(|| shifted(graph, from, 3.0))?
}

/// `x` of `x + by`.
fn shifted(graph: &Graph, id: NodeId, by: f32) -> Option<NodeId> {
    let Op::Binary(Binary::Add) = graph.node(id).op else { return None };
    with_scalar(graph, id).filter(|(_, number)| *number == by).map(|(source, _)| source)
}

/// Most factors of a product that is looked through.
const FACTORS: usize = 4;

/// A product of values and one number.
struct Product {
    scale: f32,
    factors: Vec<NodeId>,
}

impl Product {
    /// The product that `id` is, seen through products without other readers.
    fn of(graph: &Graph, id: NodeId) -> Option<Self> {
        let mut product = Self { scale: 1.0, factors: Vec::new() };
        product.take(graph, id, true)?;
        Some(product)
    }

    fn take(&mut self, graph: &Graph, id: NodeId, is_last: bool) -> Option<()> {
        let node = graph.node(id);
        let number = |c| scalar(graph, c, &node.out.shape);
        let inner = is_last || graph.only_reader(id).is_some();
        let pair = || Some((graph.operand(id, 0)?, graph.operand(id, 1)?));
        match (&node.op, pair()) {
            (Op::Binary(Binary::Mul), Some((a, b))) if inner => {
                for factor in [a, b] {
                    match number(factor) {
                        Some(c) => self.scale *= c,
                        None => self.take(graph, factor, false)?,
                    }
                }
            }
            (Op::Binary(Binary::Div), Some((a, b))) if inner && number(b).is_some() => {
                self.scale /= number(b)?;
                self.take(graph, a, false)?;
            }
            // What is no product is a factor.
            _ => self.factors.push(id),
        }
        (self.factors.len() <= FACTORS).then_some(())
    }
}

/// True if two numbers are equal but for their rounding.
fn is_near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-6 * b.abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::fixture::{Net, golden, left, rewrite};

    fn product(net: &mut Net, a: NodeId, b: NodeId) -> NodeId {
        net.put(Op::Binary(Binary::Mul), &[a, b])
    }

    #[test]
    fn a_swish_is_one_function() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let share = net.put(Op::Unary(Unary::Sigmoid), &[x]);
        let y = product(&mut net, share, x);
        golden("recognize_activation", run, net.answer(&[y]));
    }

    #[test]
    fn functions_are_known_in_pieces() {
        let recognized = |build: fn(&mut Net, NodeId) -> NodeId| {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 4, 4]);
            let y = build(&mut net, x);
            left(run, net.answer(&[y]))
        };
        assert_eq!(
            recognized(|net, x| {
                let three = net.floats(&[], &[3.0]);
                let (above, six) = (net.add(x, three), net.floats(&[1], &[6.0]));
                let share = net.clamp(above, Clamp::RELU6);
                let swish = product(net, x, share);
                net.put(Op::Binary(Binary::Div), &[swish, six])
            }),
            "input hard_swish"
        );
        assert_eq!(
            recognized(|net, x| {
                let (three, six) = (net.floats(&[], &[3.0]), net.floats(&[], &[6.0]));
                let above = net.add(three, x);
                let share = net.clamp(above, Clamp::RELU6);
                net.put(Op::Binary(Binary::Div), &[share, six])
            }),
            "input hard_sigmoid"
        );
        assert_eq!(
            recognized(|net, x| {
                let [three, zero, six] = [3.0, 0.0, 6.0].map(|number| net.floats(&[], &[number]));
                let above = net.add(x, three);
                let positive = net.put(Op::Binary(Binary::Max), &[zero, above]);
                let six_times = net.put(Op::Binary(Binary::Min), &[positive, six]);
                let share = net.put(Op::Binary(Binary::Div), &[six_times, six]);
                product(net, share, x)
            }),
            "input hard_swish"
        );
        assert_eq!(
            recognized(|net, x| {
                let (three, six) = (net.floats(&[], &[3.0]), net.floats(&[], &[6.0]));
                let above = net.add(x, three);
                let backwards = net.clamp(above, Clamp { lo: 6.0, hi: 0.0 });
                net.put(Op::Binary(Binary::Div), &[backwards, six])
            }),
            "input add clamp div"
        );
        assert_eq!(
            recognized(|net, x| {
                let share = net.put(Op::Unary(Unary::HardSigmoid(1.0 / 6.0, 0.5)), &[x]);
                product(net, x, share)
            }),
            "input hard_swish"
        );
        assert_eq!(
            recognized(|net, x| {
                let [root, one, half] =
                    [2_f32.sqrt(), 1.0, 0.5].map(|number| net.floats(&[], &[number]));
                let scaled = net.put(Op::Binary(Binary::Div), &[x, root]);
                let erf = net.put(Op::Unary(Unary::Erf), &[scaled]);
                let share = net.add(erf, one);
                let twice = product(net, x, share);
                product(net, twice, half)
            }),
            "input gelu"
        );
    }

    #[test]
    fn other_products_stay() {
        let mut net = Net::default();
        let (x, two) = (net.input(&[1, 2, 4, 4]), net.floats(&[], &[2.0]));
        let share = net.put(Op::Unary(Unary::Sigmoid), &[x]);
        let gate = net.put(Op::Unary(Unary::Tanh), &[x]);
        let (other, double) = (product(&mut net, gate, share), product(&mut net, x, two));
        let y = product(&mut net, double, other);
        let (graph, _) = rewrite(run, net.answer(&[y]));
        assert!(graph.ids().into_iter().all(|id| graph.node(id).op != Op::Unary(Unary::Silu)));
    }
}
