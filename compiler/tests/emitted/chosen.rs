//! Small networks that choose and count: running sums, one of two values, the greatest and where they are, and what lies
//! where numbers say.

use mnv2c::ir::op::{Change, CumSum, Gather, Indexing, NonMaxSuppression, Scatter, TopK};
use mnv2c::ir::{Binary, Dtype, Graph, Op, Pool, PoolKind, Slice, Tensor, Unary};

use super::{Net, POINT};

pub(super) fn running() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let y = net.conv(x, 8, POINT);
    let sums = [(1, false, true), (2, true, false), (3, true, true)];
    let sums = sums.map(|(axis, exclusive, reverse)| {
        net.put(Op::CumSum(CumSum { axis, exclusive, reverse }), &[y])
    });
    let again = net.conv(sums[0], 4, POINT);
    let of_input = net.put(Op::CumSum(CumSum { axis: 1, exclusive: false, reverse: false }), &[x]);
    net.answer(&[again, sums[1], sums[2], of_input])
}

pub(super) fn one_of_two() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let [a, b] = [0, 1].map(|_| net.conv(x, 8, POINT));
    let peaks = net.put(
        Op::Pool(Pool {
            kind: PoolKind::Max,
            kernel: [3, 3],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [1; 4],
        }),
        &[a],
    );
    let is_peak = net.put(Op::Binary(Binary::Equal), &[a, peaks]);
    let root = net.put(Op::Unary(Unary::Log), &[b]);
    let then = net.put(Op::Binary(Binary::Then), &[is_peak, a]);
    let otherwise = net.put(Op::Binary(Binary::Else), &[is_peak, b]);
    let chosen = net.put(Op::Binary(Binary::Add), &[then, otherwise]);
    let is_number = net.put(Op::Binary(Binary::GreaterOrEqual), &[root, root]);
    let known = net.put(Op::Binary(Binary::Then), &[is_number, root]);
    let fewer = net.put(Op::Binary(Binary::Less), &[a, b]);
    let other = net.put(Op::Binary(Binary::NotEqual), &[fewer, is_peak]);
    let whole = net.put(Op::Unary(Unary::Trunc), &[chosen]);
    net.answer(&[chosen, known, other, whole])
}

pub(super) fn ranked() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let y = net.conv(x, 8, POINT);
    let class = TopK { axis: 1, count: 1, least: false, last: false, places: true };
    let place = net.put(Op::TopK(class), &[y]);
    let best = net.put(Op::TopK(TopK { count: 3, places: false, ..class }), &[y]);
    let least = net.put(Op::TopK(TopK { axis: 3, count: 4, least: true, ..class }), &[y]);
    let of_input = net.put(Op::TopK(TopK { axis: 2, last: true, ..class }), &[x]);
    let typed = |net: &mut Net, dtype, x| {
        let out = Tensor { dtype, ..net.graph.node(x).out.clone() };
        net.graph.add("", Op::Integers(dtype), out, &[x])
    };
    let again = net.conv(best, 4, POINT);
    let class = typed(&mut net, Dtype::I64, place);
    let twice = typed(&mut net, Dtype::I64, place);
    let row = typed(&mut net, Dtype::I32, of_input);
    net.answer(&[again, class, least, row, twice])
}

/// Detectors by corners and by centres, whose boxes are computed.
pub(super) fn detected() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let [boxes, scores] = [4, 2].map(|channels| net.conv(x, channels, POINT));
    let boxes = net.shaped(Op::Reshape, &[1, 30, 4], &[boxes]);
    let scores = net.shaped(Op::Reshape, &[1, 2, 30], &[scores]);
    let few = NonMaxSuppression { count: 3, centred: false, overlap: 0.1, score: None };
    let some = NonMaxSuppression { count: 9, centred: true, overlap: 0.3, score: Some(0.2) };
    let rows = [few, some].map(|suppression| {
        let rows = net.put(Op::NonMaxSuppression(suppression), &[boxes, scores]);
        let out = Tensor { dtype: Dtype::I64, ..net.graph.node(rows).out.clone() };
        net.graph.add("", Op::Integers(Dtype::I64), out, &[rows])
    });
    net.answer(&rows)
}

/// Elements that are taken and changed where computed indices say, some of which lie outside.
pub(super) fn indexed() -> Graph {
    let mut net = Net::default();
    let x = net.input(&[1, 3, 5, 6]);
    let [y, far, updates] = [4, 3, 3].map(|channels| net.conv(x, channels, POINT));
    let numbers = net.numbers(&[1]);
    let far = net.put(Op::Binary(Binary::Div), &[far, numbers]);
    let far = net.put(Op::Unary(Unary::Trunc), &[far]);
    let mut answers = vec![net.put(Op::Gather(Gather(Indexing::Elements(1))), &[y, far])];
    let [few, places] = [(&[4][..], 4), (&[3, 2], 6)].map(|(shape, len)| {
        let row = net.shaped(Op::Reshape, &[90], &[far]);
        let slice = Slice { starts: vec![7], steps: vec![9] };
        let some = net.shaped(Op::Slice(slice), &[len], &[row]);
        net.shaped(Op::Reshape, shape, &[some])
    });
    let pixels = net.shaped(Op::Reshape, &[4, 30], &[y]);
    answers.push(net.put(Op::Gather(Gather(Indexing::Axis(1))), &[pixels, few]));
    answers.push(net.put(Op::Gather(Gather(Indexing::Rows { batch: 0 })), &[pixels, places]));
    let changes = [Change::Replace, Change::Add, Change::Mul, Change::Min, Change::Max];
    for (axis, change) in [1, 2, 3, 1, 2].into_iter().zip(changes) {
        let by = Indexing::Elements(axis);
        answers.push(net.put(Op::Scatter(Scatter { by, change }), &[y, far, updates]));
    }
    net.answer(&answers)
}
