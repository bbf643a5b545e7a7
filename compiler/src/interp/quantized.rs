//! Tests of quantised operators, each in a verified graph.

use crate::interp::{Array, run};
use crate::ir::verify::verify;
use crate::ir::{
    Affine, Bounds, Clamp, Conv, Dtype, Graph, Layout, NodeId, Op, Output, Pool, PoolKind,
    QAverage, QConv, QDense, QMean, QPair, Quant, Requant, Tensor, Times, To, Unpack, Values,
};

const POINT: Conv = Conv {
    kernel: [1, 1],
    stride: [1, 1],
    dilation: [1, 1],
    pads: [0; 4],
    group: 1,
    clamp: Clamp::NONE,
    activation: None,
};

fn bytes(shape: &[usize]) -> Tensor {
    Tensor { shape: shape.to_vec(), dtype: Dtype::U8, layout: Layout::RowMajor }
}

fn to(zero: u8, bounds: Bounds) -> To {
    To::Bytes { zero, bounds }
}

/// The lawful graph's answer to bytes.
fn answer(mut graph: Graph, node: NodeId, x: &[u8]) -> Values {
    graph.outputs.push(Output { name: "y".into(), node });
    assert_eq!(verify(&graph), [], "{graph}");
    let shape = graph.node(graph.inputs[0]).out.shape.clone();
    let x = Array { shape, values: Values::U8(x.to_vec()) };
    run(&graph, &[x]).unwrap().remove(0).values
}

#[test]
fn a_convolution_pads_with_its_zero_point_and_adds_a_residual_last() {
    let conv = Conv { kernel: [1, 3], pads: [0, 1, 0, 1], ..POINT };
    let affine = |scale, zero| Affine { scale, zero };
    let residual =
        QPair { a: affine(0.5, 100), b: affine(1.0, 0), y: affine(1.0, 0), bounds: Bounds::ALL };
    let expected = [[104, 98, 94], [5, 10, 19]];
    for (residual, expected) in [None, Some(residual)].into_iter().zip(expected) {
        let mut graph = Graph::default();
        let x = graph.add_input("x", bytes(&[1, 1, 1, 3]));
        let w = graph.add_const("w", [1, 1, 1, 3], Values::I8(vec![1, -2, 1]));
        let b = graph.add_const("b", [1], Values::I32(vec![-6]));
        let requant = Requant::new(vec![0.5], to(100, Bounds { lo: 94, hi: 255 }));
        let op = QConv { conv: conv.clone(), x_zero: 10, requant, residual };
        let y = graph.add("y", Op::Quant(Quant::Conv(op)), bytes(&[1, 1, 1, 3]), &[x, w, b]);
        if residual.is_some() {
            graph.connect(x, y, crate::ir::Port(3));
        }
        // About 10, x is (-7, 1, 12); the sums are 9, -3 and -29.
        assert_eq!(answer(graph, y, &[3, 11, 22]), Values::U8(expected.to_vec()));
    }
}

#[test]
fn a_dense_layer_may_answer_in_floats() {
    let mut graph = Graph::default();
    let x = graph.add_input("x", bytes(&[1, 2]));
    let w = graph.add_const("w", [2, 2], Values::I8(vec![1, -128, 2, 127]));
    let requant = Requant::new(vec![0.5, 0.25], To::Floats);
    let op = Op::Quant(Quant::Dense(QDense { x_zero: 128, requant }));
    let y = graph.add("y", op, Tensor::f32([1, 2]), &[x, w]);
    assert_eq!(answer(graph, y, &[0, 255]), Values::F32(vec![63.0, 8128.25]));
}

#[test]
fn means_are_of_exact_sums() {
    let mut graph = Graph::default();
    let x = graph.add_input("x", bytes(&[1, 2, 1, 2]));
    let requant = Requant::new(vec![0.5], to(1, Bounds::ALL));
    let op = Op::Quant(Quant::Mean(QMean { x_zero: 5, requant }));
    let y = graph.add("y", op, bytes(&[1, 2, 1, 1]), &[x]);
    assert_eq!(answer(graph, y, &[5, 6, 255, 255]), Values::U8(vec![1, 251]));
}

#[test]
fn averages_are_of_the_elements_inside() {
    let pool =
        |kind| Pool { kind, kernel: [1, 2], stride: [1, 2], dilation: [1, 1], pads: [0, 1, 0, 0] };
    let affine = Affine { scale: 0.5, zero: 4 };
    for (kind, expected) in [(PoolKind::Average, [8, 16]), (PoolKind::AverageWithPads, [6, 16])] {
        let mut graph = Graph::default();
        let x = graph.add_input("x", bytes(&[1, 1, 1, 3]));
        let op = QAverage { pool: pool(kind), x: affine, y: affine, early: 0 };
        let y = graph.add("y", Op::Quant(Quant::Average(op)), bytes(&[1, 1, 1, 2]), &[x]);
        assert_eq!(answer(graph, y, &[8, 12, 20]), Values::U8(expected.to_vec()));
    }
}

#[test]
fn signed_bytes_are_flipped_into_unsigned_ones_and_looked_up() {
    let mut graph = Graph::default();
    let x = graph.add_input("x", bytes(&[3]));
    let signed = Tensor { dtype: Dtype::I8, ..bytes(&[3]) };
    let there = graph.add("there", Op::Quant(Quant::Flip), signed, &[x]);
    let back = graph.add("back", Op::Quant(Quant::Flip), bytes(&[3]), &[there]);
    let table = Box::new(std::array::from_fn(|q| 255 - q as u8));
    let y = graph.add("y", Op::Quant(Quant::Table(table)), bytes(&[3]), &[back]);
    let same = answer(graph.clone(), y, &[0, 127, 255]);
    assert_eq!(same, Values::U8(vec![255, 128, 0]));
    assert_eq!(answer(graph, there, &[0, 127, 255]), Values::I8(vec![-128, -1, 127]));
}

#[test]
fn sums_of_two_scales_are_rounded_once() {
    let affine = |scale, zero| Affine { scale, zero };
    let bounds = Bounds { lo: 0, hi: 200 };
    let pair = QPair { a: affine(0.5, 2), b: affine(0.25, 1), y: affine(0.5, 3), bounds };
    let mut graph = Graph::default();
    let x = graph.add_input("x", bytes(&[3]));
    let c = graph.add_const("c", [1], Values::U8(vec![3]));
    let sum = graph.add("sum", Op::Quant(Quant::Add(pair)), bytes(&[3]), &[x, c]);
    let product =
        graph.add("product", Op::Quant(Quant::Mul(pair, Times::Reals)), bytes(&[3]), &[x, c]);
    assert_eq!(answer(graph.clone(), sum, &[2, 7, 250]), Values::U8(vec![4, 9, 200]));
    assert_eq!(answer(graph, product, &[0, 5, 255]), Values::U8(vec![2, 5, 129]));
}

#[test]
fn constants_unpack_along_their_axis() {
    let mut graph = Graph::default();
    let w = graph.add_const("w", [2, 2], Values::I8(vec![1, 2, -3, -4]));
    let op = Unpack { axis: 1, scales: vec![1.0, 0.5], zeros: vec![0, 2] };
    let y = graph.add("y", Op::Quant(Quant::Unpack(op)), Tensor::f32([2, 2]), &[w]);
    graph.outputs.push(Output { name: "y".into(), node: y });
    assert_eq!(verify(&graph), []);
    let floats = run(&graph, &[]).unwrap().remove(0);
    assert_eq!(floats, Array::f32([2, 2], vec![1.0, 0.0, -3.0, -3.0]));
}
