//! The parts random graphs are made of: each takes an image and makes an image, but for the classifier.

use crate::ir::{
    Binary, Conv, Gemm, NodeId, Op, Pad, PadMode, Pool, PoolKind, Reduce, Reducer, Slice, Softmax,
    Unary,
};
use crate::testing::build::{Builder, pointwise};
use crate::testing::functions::spelled;

/// A part: what it makes of an image.
pub(super) type Stage = fn(&mut Builder, NodeId) -> NodeId;

/// Every part; what networks of this family have most of stands more than once.
pub(super) const STAGES: &[Stage] = &[
    any_conv,
    any_conv,
    depthwise,
    normalised,
    normalised,
    padded_conv,
    scaled,
    |b, x| b.activation(x),
    inverted_residual,
    inverted_residual,
    inverted_residual,
    residual,
    squeeze_excite,
    pool,
    transposed,
    branches,
    halves,
    every_second,
    function,
    bent,
    |b, x| b.node(Op::Identity, &[x]),
];

/// Scores of classes, maybe bent, maybe as probabilities.
pub(super) fn classifier(b: &mut Builder, x: NodeId) -> NodeId {
    let scores = scores(b, x);
    let scores = if b.random.one_in(4) { spelled(b, scores) } else { scores };
    if b.random.one_in(3) {
        let log = b.random.one_in(4);
        return b.node(Op::Softmax(Softmax { axis: 1, log }), &[scores]);
    }
    scores
}

/// Channels to class scores, in the ways exporters write it.
pub(super) fn scores(b: &mut Builder, x: NodeId) -> NodeId {
    let features = flattened(b, x);
    let (c, classes) = (b.shape(features)[1], b.random.pick(&[2, 10, 17]));
    match b.random.below(3) {
        0 => gemm(b, features, c, classes),
        1 => {
            let w = b.weights(&[c, classes], c);
            b.node(Op::MatMul, &[features, w])
        }
        _ => {
            let (w, bias) = (b.weights(&[c, classes], c), b.numbers(&[classes], -0.5, 0.5));
            let product = b.node(Op::MatMul, &[features, w]);
            b.commuted(Binary::Add, product, bias)
        }
    }
}

fn gemm(b: &mut Builder, x: NodeId, c: usize, classes: usize) -> NodeId {
    let transpose_b = !b.random.one_in(4);
    let shape = if transpose_b { [classes, c] } else { [c, classes] };
    let (w, bias) = (b.weights(&shape, c), b.numbers(&[classes], -0.5, 0.5));
    let gemm = Gemm {
        alpha: b.random.pick(&[1.0, 1.0, 0.5]),
        beta: b.random.pick(&[1.0, 1.0, 2.0]),
        transpose_a: false,
        transpose_b,
    };
    let operands = [x, w, bias];
    let count = if b.random.one_in(4) { 2 } else { 3 };
    b.node(Op::Gemm(gemm), &operands[..count])
}

/// `[1, features]` from an image: its mean per channel, or all of it.
fn flattened(b: &mut Builder, x: NodeId) -> NodeId {
    let [n, c, h, w] = b.picture(x);
    let x = match b.random.below(4) {
        0 => mean(b, x, vec![n, c]),
        1 => mean(b, x, vec![n, c, 1, 1]),
        2 => {
            let whole = Pool {
                kind: PoolKind::Average,
                kernel: [h, w],
                stride: [1, 1],
                dilation: [1, 1],
                pads: [0; 4],
            };
            b.node(Op::Pool(whole), &[x])
        }
        _ => x,
    };
    let len = b.shape(x).iter().product();
    if b.shape(x).len() == 2 { x } else { b.shaped(Op::Reshape, vec![n, len], &[x]) }
}

fn mean(b: &mut Builder, x: NodeId, shape: Vec<usize>) -> NodeId {
    let reduce = Reduce { kind: Reducer::Mean, axes: vec![2, 3] };
    b.shaped(Op::Reduce(reduce), shape, &[x])
}

fn any_conv(b: &mut Builder, x: NodeId) -> NodeId {
    let c = b.picture(x)[1];
    let groups: Vec<usize> = (1..=c).filter(|group| c.is_multiple_of(*group)).collect();
    let group = if b.random.one_in(2) { 1 } else { b.random.pick(&groups) };
    let m: usize = b.random.pick(&[4, 8, 12, 16, 24]);
    let m = if m.is_multiple_of(group) { m } else { group * (1 + b.random.below(2)) };
    let kernel = b.random.pick(&[[1, 1], [1, 1], [3, 3], [3, 3], [5, 5], [1, 3], [3, 1], [2, 2]]);
    let conv = Conv {
        kernel,
        stride: b.random.pick(&[[1, 1], [1, 1], [2, 2], [2, 1]]),
        dilation: b.random.pick(&[[1, 1], [1, 1], [1, 1], [2, 2], [1, 2]]),
        pads: pads(b, kernel),
        group,
        ..pointwise()
    };
    b.conv(x, m, conv)
}

fn depthwise(b: &mut Builder, x: NodeId) -> NodeId {
    let stride = b.random.pick(&[1, 1, 1, 2, 2, 4]);
    let multiplier = b.random.pick(&[1, 1, 1, 2]);
    depthwise_conv(b, x, stride, multiplier)
}

fn depthwise_conv(b: &mut Builder, x: NodeId, stride: usize, multiplier: usize) -> NodeId {
    let c = b.picture(x)[1];
    let k = b.random.pick(&[3, 3, 3, 5]);
    let conv = Conv {
        kernel: [k, k],
        stride: [stride, stride],
        pads: if stride == 1 { [k / 2; 4] } else { pads(b, [k, k]) },
        group: c,
        ..pointwise()
    };
    b.conv(x, c * multiplier, conv)
}

/// Both sides alike, only the far side (as TensorFlow pads a stride of 2), anything, or none.
fn pads(b: &mut Builder, [kh, kw]: [usize; 2]) -> [usize; 4] {
    match b.random.below(4) {
        0 | 1 => [kh / 2, kw / 2, kh / 2, kw / 2],
        2 => [0, 0, kh - 1, kw - 1],
        _ => [kh, kw, kh, kw].map(|k| b.random.below(k)),
    }
}

fn normalised(b: &mut Builder, x: NodeId) -> NodeId {
    let x = any_conv(b, x);
    let x = b.batch_norm(x);
    b.activation(x)
}

/// A layer, and a function of its sums.
fn bent(b: &mut Builder, x: NodeId) -> NodeId {
    let sums = match b.random.below(3) {
        0 => any_conv(b, x),
        1 => depthwise(b, x),
        _ => b.conv(x, 12, pointwise()),
    };
    spelled(b, sums)
}

fn padded_conv(b: &mut Builder, x: NodeId) -> NodeId {
    let mode = b.random.pick(&[
        PadMode::Constant(0.0),
        PadMode::Constant(0.0),
        PadMode::Reflect,
        PadMode::Edge,
    ]);
    let mut side = || vec![0, 0, b.random.below(3) as isize, b.random.below(3) as isize];
    let (before, after) = (side(), side());
    let [_, _, h, w] = b.picture(x);
    let mode = if h < 3 || w < 3 { PadMode::Edge } else { mode };
    let x = b.node(Op::Pad(Pad { before, after, mode }), &[x]);
    any_conv(b, x)
}

/// A sum or product with constants per channel, as folded normalisations leave them.
fn scaled(b: &mut Builder, x: NodeId) -> NodeId {
    let c = b.picture(x)[1];
    let shape = b.random.pick(&[[1, c, 1, 1], [1, 1, 1, 1]]);
    let rank = b.random.pick(&[3, 4]);
    let constants = b.numbers(&shape[4 - rank..], 0.5, 1.5);
    match b.random.below(4) {
        0 => b.commuted(Binary::Mul, x, constants),
        1 => b.commuted(Binary::Add, x, constants),
        2 => b.node(Op::Binary(Binary::Sub), &[x, constants]),
        _ => b.node(Op::Binary(Binary::Div), &[x, constants]),
    }
}

/// The paper's block; normalised or with biases, with or without expansion and residual.
fn inverted_residual(b: &mut Builder, x: NodeId) -> NodeId {
    let c = b.picture(x)[1];
    let (stride, m) = (b.random.pick(&[1, 1, 1, 2, 2, 4]), b.random.pick(&[c, c, 8, 16]));
    let t = b.random.pick(&[1, 2, 6]);
    let norm = b.random.one_in(2);
    let normalise = |b: &mut Builder, x| if norm { b.batch_norm(x) } else { x };
    let mut wide = x;
    if t > 1 && c * t <= 96 {
        wide = b.conv(x, c * t, pointwise());
        wide = normalise(b, wide);
        wide = b.node(Op::Clamp(crate::ir::Clamp::RELU6), &[wide]);
    }
    wide = depthwise_conv(b, wide, stride, 1);
    wide = normalise(b, wide);
    wide = b.activation(wide);
    let narrow = b.conv(wide, m, pointwise());
    let narrow = normalise(b, narrow);
    if b.shape(narrow) == b.shape(x) {
        return b.commuted(Binary::Add, x, narrow);
    }
    narrow
}

fn residual(b: &mut Builder, x: NodeId) -> NodeId {
    let c = b.picture(x)[1];
    let conv = b.conv(x, c, pointwise());
    let sum = b.commuted(Binary::Add, x, conv);
    if b.random.one_in(2) { b.activation(sum) } else { sum }
}

fn squeeze_excite(b: &mut Builder, x: NodeId) -> NodeId {
    let [n, c, ..] = b.picture(x);
    let squeezed = mean(b, x, vec![n, c, 1, 1]);
    let excited = b.conv(squeezed, c, pointwise());
    let gate = b.random.pick(&[Unary::Sigmoid, Unary::HardSigmoid(1.0 / 6.0, 0.5)]);
    let gate = b.node(Op::Unary(gate), &[excited]);
    b.commuted(Binary::Mul, x, gate)
}

fn pool(b: &mut Builder, x: NodeId) -> NodeId {
    let [_, _, h, w] = b.picture(x);
    let k = b.random.pick(&[2, 3]).min(h).min(w);
    let stride = b.random.pick(&[1, 1, 2, 2, 5]);
    let pool = Pool {
        kind: b.random.pick(&[PoolKind::Max, PoolKind::Average, PoolKind::AverageWithPads]),
        kernel: [k, k],
        stride: [stride, stride],
        dilation: [1, 1],
        pads: [0; 4].map(|_| b.random.below(k)),
    };
    b.node(Op::Pool(pool), &[x])
}

/// There and back again, with work between or none.
fn transposed(b: &mut Builder, x: NodeId) -> NodeId {
    let nhwc = b.node(Op::Transpose(vec![0, 2, 3, 1]), &[x]);
    let worked = if b.random.one_in(2) { b.activation(nhwc) } else { nhwc };
    b.node(Op::Transpose(vec![0, 3, 1, 2]), &[worked])
}

fn branches(b: &mut Builder, x: NodeId) -> NodeId {
    let left = b.conv(x, 4, pointwise());
    let right = b.conv(x, 8, pointwise());
    let right = b.activation(right);
    b.node(Op::Concat(1), &[left, right])
}

/// The channels in two halves, one worked on, and shuffled together.
fn halves(b: &mut Builder, x: NodeId) -> NodeId {
    let [n, c, h, w] = b.picture(x);
    if !c.is_multiple_of(2) {
        return b.activation(x);
    }
    let half = |b: &mut Builder, first: usize| {
        let slice = Slice { starts: vec![0, first, 0, 0], steps: vec![1; 4] };
        b.shaped(Op::Slice(slice), vec![n, c / 2, h, w], &[x])
    };
    let (kept, worked) = (half(b, 0), half(b, c / 2));
    let worked = b.conv(worked, c / 2, pointwise());
    let joined = b.node(Op::Concat(1), &[kept, worked]);
    let pairs = b.shaped(Op::Reshape, vec![n, 2, c / 2, h * w], &[joined]);
    let mixed = b.node(Op::Transpose(vec![0, 2, 1, 3]), &[pairs]);
    b.shaped(Op::Reshape, vec![n, c, h, w], &[mixed])
}

fn every_second(b: &mut Builder, x: NodeId) -> NodeId {
    let [n, c, h, w] = b.picture(x);
    let slice = Slice { starts: vec![0, 0, h - 1, 0], steps: vec![1, 1, -1, 2] };
    b.shaped(Op::Slice(slice), vec![n, c, h, w.div_ceil(2)], &[x])
}

/// A function of each element other than a clamp.
fn function(b: &mut Builder, x: NodeId) -> NodeId {
    let [n, c, h, w] = b.picture(x);
    let f = b.random.pick(&[
        Unary::LeakyRelu(0.1),
        Unary::Elu(1.0),
        Unary::Sigmoid,
        Unary::HardSwish,
        Unary::Silu,
        Unary::Tanh,
        Unary::Gelu,
        Unary::Neg,
        Unary::Abs,
    ]);
    match b.random.below(4) {
        0 => {
            let slope = b.numbers(&[c, 1, 1], 0.0, 0.5);
            b.node(Op::PRelu, &[x, slope])
        }
        1 => {
            let row = b.numbers(&[1, 1, 1, w], -0.5, 0.5);
            let plane = b.shaped(Op::Expand, vec![n, c, h, w], &[row]);
            b.commuted(Binary::Add, x, plane)
        }
        _ => b.node(Op::Unary(f), &[x]),
    }
}
