//! Random networks through which rows can flow: images of some height, and parts whose branches meet.
//!
//! Every part keeps or halves height and width, so that two branches of a part always fit each other.

use crate::ir::{Binary, Blend, Conv, NodeId, Op, Pool, PoolKind, Resize, Scale, Tensor, Unary};
use crate::testing::build::{Builder, pointwise};

/// A part: what it makes of an image.
type Part = fn(&mut Builder, NodeId) -> NodeId;

const PARTS: &[Part] =
    &[window, pool, activation, scaled, shuffled, sum, joined, unit, cell, enlarged];

/// An image tall enough for rings.
pub(super) fn input(b: &mut Builder) -> NodeId {
    let c = b.random.pick(&[3, 4, 8]);
    let (h, w) = (12 + b.random.below(9), 7 + b.random.below(6));
    let x = b.graph.add_input("input", Tensor::f32([1, c, h, w]));
    let m = b.random.pick(&[8, 12, 16, 18]);
    let stride = b.random.pick(&[1, 1, 2]);
    same_window(b, x, m, 3, stride)
}

/// A few parts of an image.
pub(super) fn parts(b: &mut Builder, mut x: NodeId) -> NodeId {
    for _ in 0..2 + b.random.below(4) {
        x = b.random.pick(PARTS)(b, x);
    }
    x
}

/// A convolution whose result is as large as its operand, or half as large.
fn same_window(b: &mut Builder, x: NodeId, m: usize, k: usize, stride: usize) -> NodeId {
    let conv = Conv { kernel: [k, k], stride: [stride; 2], pads: [k / 2; 4], ..pointwise() };
    b.conv(x, m, conv)
}

fn stride(b: &mut Builder, x: NodeId) -> usize {
    let [_, _, h, w] = b.picture(x);
    if h.min(w) < 6 { 1 } else { b.random.pick(&[1, 1, 2]) }
}

fn window(b: &mut Builder, x: NodeId) -> NodeId {
    let (m, k) = (b.random.pick(&[8, 12, 16]), b.random.pick(&[1, 3, 5]));
    let stride = stride(b, x);
    same_window(b, x, m, k, stride)
}

fn depthwise(b: &mut Builder, x: NodeId, k: usize, stride: usize) -> NodeId {
    let group = b.picture(x)[1];
    let conv = Conv { kernel: [k, k], stride: [stride; 2], pads: [k / 2; 4], group, ..pointwise() };
    b.conv(x, group, conv)
}

fn pool(b: &mut Builder, x: NodeId) -> NodeId {
    let stride = stride(b, x);
    pooled(b, x, stride)
}

fn pooled(b: &mut Builder, x: NodeId, stride: usize) -> NodeId {
    let kind = b.random.pick(&[PoolKind::Max, PoolKind::Average, PoolKind::AverageWithPads]);
    let pool = Pool { kind, kernel: [3, 3], stride: [stride; 2], dilation: [1, 1], pads: [1; 4] };
    b.node(Op::Pool(pool), &[x])
}

fn activation(b: &mut Builder, x: NodeId) -> NodeId {
    let functions = [Unary::HardSwish, Unary::Silu, Unary::LeakyRelu(0.1), Unary::Sigmoid];
    match b.random.below(3) {
        0 => {
            let c = b.picture(x)[1];
            let slope = b.numbers(&[c, 1, 1], 0.0, 0.5);
            b.node(Op::PRelu, &[x, slope])
        }
        1 => b.activation(x),
        _ => {
            let function = b.random.pick(&functions);
            b.node(Op::Unary(function), &[x])
        }
    }
}

/// A sum or product with a number a channel, or with one number.
fn scaled(b: &mut Builder, x: NodeId) -> NodeId {
    let c = b.picture(x)[1];
    let shape = b.random.pick(&[[c, 1, 1], [1, 1, 1]]);
    let factors = b.numbers(&shape, 0.5, 1.5);
    let function = b.random.pick(&[Binary::Mul, Binary::Add, Binary::Sub, Binary::Max]);
    b.node(Op::Binary(function), &[x, factors])
}

fn shuffled(b: &mut Builder, x: NodeId) -> NodeId {
    let [n, c, h, w] = b.picture(x);
    let groups = if c.is_multiple_of(3) { 3 } else { 2 };
    if !c.is_multiple_of(groups) {
        return b.activation(x);
    }
    let mixed = b.conv(x, c, Conv { group: groups, ..pointwise() });
    let pairs = b.shaped(Op::Reshape, vec![n, groups, c / groups, h, w], &[mixed]);
    let turned = b.node(Op::Transpose(vec![0, 2, 1, 3, 4]), &[pairs]);
    let y = b.shaped(Op::Reshape, vec![n, c, h, w], &[turned]);
    depthwise(b, y, 3, 1)
}

/// Two branches of one image.
fn branches(b: &mut Builder, x: NodeId, m: [usize; 2]) -> [NodeId; 2] {
    let stride = stride(b, x);
    let kernels = [b.random.pick(&[1, 3, 5]), b.random.pick(&[3, 5])];
    let left = same_window(b, x, m[0], kernels[0], stride);
    let right = depthwise(b, x, kernels[1], stride);
    let right = activation(b, right);
    [left, b.conv(right, m[1], pointwise())]
}

/// A sum that no convolution takes in.
fn sum(b: &mut Builder, x: NodeId) -> NodeId {
    let c = b.picture(x)[1];
    let [left, right] = branches(b, x, [c, c]);
    let right = b.node(Op::Unary(Unary::Tanh), &[right]);
    let function = b.random.pick(&[Binary::Add, Binary::Add, Binary::Mul, Binary::Sub]);
    let y = b.node(Op::Binary(function), &[left, right]);
    if b.random.one_in(2) { activation(b, y) } else { y }
}

fn joined(b: &mut Builder, x: NodeId) -> NodeId {
    let m = [b.random.pick(&[4, 6, 8]), b.random.pick(&[4, 8, 16])];
    let [left, right] = branches(b, x, m);
    let y = b.node(Op::Concat(1), &[left, right]);
    if b.random.one_in(2) { activation(b, y) } else { y }
}

/// A unit that halves the image: pooled channels beside worked ones.
fn unit(b: &mut Builder, x: NodeId) -> NodeId {
    let stride = stride(b, x);
    let beside = pooled(b, x, stride);
    let worked = b.conv(x, 12, pointwise());
    let worked = depthwise(b, worked, 3, stride);
    let worked = b.conv(worked, 8, pointwise());
    let y = b.node(Op::Concat(1), &[beside, worked]);
    b.activation(y)
}

/// Values with several readers: the first goes into every other, and into the answer itself.
fn cell(b: &mut Builder, x: NodeId) -> NodeId {
    let first = b.conv(x, 8, pointwise());
    let wide = depthwise(b, first, 5, 1);
    let a = b.commuted(Binary::Add, wide, first);
    let smooth = pooled(b, first, 1);
    let c = b.commuted(Binary::Add, smooth, a);
    b.node(Op::Concat(1), &[first, a, c])
}

/// An image at half its size beside a worked one, or just twice as large.
fn enlarged(b: &mut Builder, x: NodeId) -> NodeId {
    let [_, _, h, w] = b.picture(x);
    let twice = b.random.pick(&[
        (Blend::Nearest, (1, 0, 2)),
        (Blend::Linear, (2, -1, 4)),
        (Blend::Linear, (1, 0, 2)),
    ]);
    let small = if h.max(w) > 10 { pooled(b, x, 2) } else { x };
    let [_, _, h, w] = b.picture(small);
    let (blend, (step, shift, per)) = twice;
    let scale = Scale::new(step, shift, per);
    let resize = Resize { blend, size: [2 * h, 2 * w], down: scale.clone(), across: scale };
    let large = b.node(Op::Resize(resize), &[small]);
    window(b, large)
}
