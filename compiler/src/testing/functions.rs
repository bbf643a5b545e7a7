//! Activations behind layers, as exporters write them: by name, or in a few primitive operators.

use std::f32::consts::SQRT_2;

use crate::ir::{Binary, Clamp, Conv, NodeId, Op, Unary};
use crate::testing::build::{Builder, pointwise};

/// A function of a random kind.
pub(super) fn spelled(b: &mut Builder, x: NodeId) -> NodeId {
    match b.random.below(6) {
        0 => silu(b, x),
        1 => hard_swish(b, x),
        2 => hard_swish_of_share(b, x),
        3 => gelu(b, x),
        _ => {
            let function = b.random.pick(&[
                Unary::LeakyRelu(0.1),
                Unary::Elu(1.0),
                Unary::Sigmoid,
                Unary::HardSigmoid(0.2, 0.5),
                Unary::Tanh,
            ]);
            b.node(Op::Unary(function), &[x])
        }
    }
}

/// Every kind of layer in a row, each with a function behind it: with a square window, depthwise and unrolled, depthwise
/// of any window, of one pixel with a residual. Functions of sums between them go into no layer.
pub(super) fn tour(b: &mut Builder, x: NodeId) -> NodeId {
    let c = b.random.pick(&[5, 8, 16, 20]);
    let first = b.conv(x, c, Conv { kernel: [3, 3], pads: [1; 4], ..pointwise() });
    let first = spelled(b, first);
    let group = Conv { group: c, ..pointwise() };
    let square = b.conv(first, c, Conv { kernel: [3, 3], pads: [1; 4], ..group.clone() });
    let square = spelled(b, square);
    let oblong = b.conv(square, c, Conv { kernel: [2, 3], pads: [1, 1, 0, 1], ..group });
    let oblong = spelled(b, oblong);
    let point = b.conv(oblong, c, pointwise());
    let sum = b.commuted(Binary::Add, first, point);
    spelled(b, sum)
}

/// `x * sigmoid(x)`.
fn silu(b: &mut Builder, x: NodeId) -> NodeId {
    let share = b.node(Op::Unary(Unary::Sigmoid), &[x]);
    b.commuted(Binary::Mul, x, share)
}

/// `x * clamp(x + 3, 0..6) / 6`, divided where some exporter does.
fn hard_swish(b: &mut Builder, x: NodeId) -> NodeId {
    let (three, six) = (b.number(3.0, x), b.number(6.0, x));
    let above = b.commuted(Binary::Add, x, three);
    let share = b.node(Op::Clamp(Clamp::RELU6), &[above]);
    match b.random.below(3) {
        0 => {
            let share = b.node(Op::Binary(Binary::Div), &[share, six]);
            b.commuted(Binary::Mul, x, share)
        }
        1 => {
            let product = b.commuted(Binary::Mul, x, share);
            b.node(Op::Binary(Binary::Div), &[product, six])
        }
        _ => {
            let (product, sixth) = (b.commuted(Binary::Mul, x, share), b.number(1.0 / 6.0, x));
            b.commuted(Binary::Mul, product, sixth)
        }
    }
}

/// `x * hard_sigmoid(x)`.
fn hard_swish_of_share(b: &mut Builder, x: NodeId) -> NodeId {
    let share = b.node(Op::Unary(Unary::HardSigmoid(1.0 / 6.0, 0.5)), &[x]);
    b.commuted(Binary::Mul, x, share)
}

/// `x * (1 + erf(x / sqrt 2)) / 2`, halved first or last.
fn gelu(b: &mut Builder, x: NodeId) -> NodeId {
    let (root, one, half) = (b.number(SQRT_2, x), b.number(1.0, x), b.number(0.5, x));
    let scaled = b.node(Op::Binary(Binary::Div), &[x, root]);
    let erf = b.node(Op::Unary(Unary::Erf), &[scaled]);
    let share = b.commuted(Binary::Add, erf, one);
    if b.random.one_in(2) {
        let halved = b.commuted(Binary::Mul, x, half);
        return b.commuted(Binary::Mul, halved, share);
    }
    let twice = b.commuted(Binary::Mul, x, share);
    b.commuted(Binary::Mul, twice, half)
}
