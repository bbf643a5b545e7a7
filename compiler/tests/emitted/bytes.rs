//! Networks on bytes: blocks with odd channels, every operator, and floats between bytes.

use mnv2c::ir::{
    Affine, Blend, Bounds, Conv, Dtype, Graph, NodeId, Op, Output, Pool, PoolKind, QAverage, QConv,
    QDense, QMean, QPair, Quant, Requant, Resize, Scale, Softmax, Tensor, Times, To, Unary, Values,
};

/// Each by its name.
pub(crate) fn networks() -> Vec<(&'static str, Graph)> {
    vec![
        ("blocks", blocks()),
        ("operators", operators()),
        ("islands", islands()),
        ("nearest", nearest()),
        ("planes", planes()),
        ("shares", shares()),
    ]
}

/// A stem, a block that adds its input, a block that halves the picture, a head, a classifier.
fn blocks() -> Graph {
    let mut net = Net::default();
    let x = net.picture([3, 17, 14]);
    let x = net.conv(x, 10, window(3, 2, 1), None);
    let x = net.conv(x, 10, window(3, 1, 10), None);
    let x = net.conv(x, 6, window(1, 1, 1), None);
    let wide = net.conv(x, 36, window(1, 1, 1), None);
    let wide = net.conv(wide, 36, window(3, 1, 36), None);
    let x = net.conv(wide, 6, window(1, 1, 1), Some(x));
    let wide = net.conv(x, 33, window(1, 1, 1), None);
    let wide = net.conv(wide, 33, window(5, 2, 33), None);
    let x = net.conv(wide, 7, window(1, 1, 1), None);
    let x = net.conv(x, 44, window(1, 1, 1), None);
    let mean = QMean { x_zero: ZERO, requant: requant(1, 0.21) };
    let x = net.put(Op::Quant(Quant::Mean(mean)), &[x]);
    let x = net.shaped(Op::Reshape, &[1, 44], &[x]);
    let x = net.dense(x, 19);
    net.answer(x)
}

/// Operators that no block has.
fn operators() -> Graph {
    let mut net = Net::default();
    let x = net.picture([4, 9, 11]);
    let a = net.conv(x, 6, Conv { dilation: [2, 1], ..window(3, 1, 2) }, None);
    let b = net.conv(x, 6, Conv { pads: [1, 0, 0, 2], ..window(3, 1, 1) }, None);
    let pool = Pool {
        kind: PoolKind::AverageWithPads,
        kernel: [3, 3],
        stride: [2, 2],
        dilation: [1, 1],
        pads: [1, 1, 1, 1],
    };
    let [b, early] = [0, 90].map(|early| {
        let average = QAverage { pool: pool.clone(), x: A, y: B, early };
        net.put(Op::Quant(Quant::Average(average)), &[b])
    });
    let a = net.put(Op::Pool(Pool { kind: PoolKind::Max, ..pool }), &[a]);
    let table = Box::new(std::array::from_fn(|at| (at * at / 255) as u8));
    let a = net.put(Op::Quant(Quant::Table(table)), &[a]);
    let product = net.put(Op::Quant(Quant::Mul(PAIR, Times::Reals)), &[a, b]);
    let times = Times::Steps { early: i16::from(ZERO) - 100 };
    let whole = net.put(Op::Quant(Quant::Mul(PAIR, times)), &[a, early]);
    let all = net.put(Op::Concat(1), &[product, whole, a, b]);
    let sum = net.put(Op::Quant(Quant::Add(PAIR)), &[all, all]);
    net.answer(sum)
}

/// Pixels taken by fractions, so that rows stream, and by lists.
fn nearest() -> Graph {
    let mut net = Net::default();
    let x = net.picture([3, 5, 6]);
    let x = net.conv(x, 7, window(3, 1, 1), None);
    let (down, across) = (Scale::new(1, 0, 2), Scale::new(2, 1, 6));
    let larger = Resize { blend: Blend::Nearest, size: [10, 18], down, across };
    let x = net.put(Op::Resize(larger), &[x]);
    let x = net.conv(x, 6, window(3, 1, 1), None);
    let listed = |pixels: [usize; 4]| Scale { listed: pixels.into(), ..Scale::new(10, 0, 4) };
    let (down, across) = (listed([9, 0, 3, 3]), listed([17, 2, 2, 0]));
    let few = Resize { blend: Blend::Nearest, size: [4, 4], down, across };
    let x = net.put(Op::Resize(few), &[x]);
    net.answer(x)
}

/// Floats between bytes.
fn islands() -> Graph {
    let mut net = Net::default();
    let x = net.picture([3, 8, 8]);
    let x = net.conv(x, 20, window(3, 1, 1), None);
    let real = net.put(Op::Quant(Quant::Dequantize(A)), &[x]);
    let real = net.put(Op::Unary(Unary::Sigmoid), &[real]);
    let x = net.put(Op::Quant(Quant::Quantize(Affine { scale: 0.004, zero: ZERO })), &[real]);
    let x = net.conv(x, 5, window(3, 2, 1), None);
    net.answer(x)
}

/// Softmax over channels, over columns, and over all of a row.
fn shares() -> Graph {
    let mut net = Net::default();
    let x = net.picture([3, 9, 7]);
    let x = net.conv(x, 6, window(3, 1, 1), None);
    let a = net.softmax(x, 1, Affine { scale: 1.0 / 256.0, zero: 0 });
    let b = net.softmax(x, 3, Affine { scale: 1.0 / 200.0, zero: ZERO });
    let x = net.put(Op::Concat(1), &[a, b]);
    let x = net.conv(x, 5, window(3, 2, 1), None);
    let x = net.shaped(Op::Reshape, &[1, 100], &[x]);
    let x = net.softmax(x, 1, Affine { scale: 1.0 / 4096.0, zero: ZERO });
    net.answer(x)
}

/// A depthwise convolution of the picture itself.
fn planes() -> Graph {
    let mut net = Net::default();
    let x = net.picture([6, 9, 11]);
    let x = net.conv(x, 6, window(3, 1, 6), None);
    net.answer(x)
}

const ZERO: u8 = 113;
const A: Affine = Affine { scale: 0.03, zero: ZERO };
const B: Affine = Affine { scale: 0.05, zero: 90 };
const PAIR: QPair = QPair { a: A, b: B, y: A, bounds: Bounds { lo: 3, hi: 255 } };

/// A square window over all channels or over groups of them, padded to keep the picture.
fn window(k: usize, stride: usize, group: usize) -> Conv {
    let pads = [k / 2; 4];
    let clamp = mnv2c::ir::Clamp::NONE;
    Conv {
        kernel: [k, k],
        stride: [stride; 2],
        dilation: [1, 1],
        pads,
        group,
        clamp,
        activation: None,
    }
}

fn requant(channels: usize, factor: f32) -> Requant {
    let multipliers = (0..channels).map(|m| f64::from(factor * (1.0 + m as f32 / 31.0))).collect();
    Requant::new(multipliers, To::Bytes { zero: ZERO, bounds: Bounds { lo: 0, hi: 250 } })
}

#[derive(Default)]
struct Net {
    graph: Graph,
}

impl Net {
    /// A picture of floats, quantised.
    fn picture(&mut self, [c, h, w]: [usize; 3]) -> NodeId {
        let x = self.graph.add_input("x", Tensor::f32([1, c, h, w]));
        let scale = Affine { scale: 0.01, zero: ZERO };
        self.put(Op::Quant(Quant::Quantize(scale)), &[x])
    }

    fn conv(&mut self, x: NodeId, m: usize, conv: Conv, residual: Option<NodeId>) -> NodeId {
        let c = self.graph.node(x).out.shape[1] / conv.group;
        let [kh, kw] = conv.kernel;
        let w = self.weights(&[m, c, kh, kw]);
        let bias = (0..m as i32).map(|at| at * 37 % 801 - 400).collect();
        let bias = self.graph.add_const("b", [m], Values::I32(bias));
        let factor = 0.6 / ((c * kh * kw) as f32).sqrt() / 64.0;
        let requant = requant(m, factor);
        let pair = residual.map(|_| QPair { y: B, ..PAIR });
        let op = Op::Quant(Quant::Conv(QConv { conv, x_zero: ZERO, requant, residual: pair }));
        let operands: Vec<NodeId> = [x, w, bias].into_iter().chain(residual).collect();
        self.put(op, &operands)
    }

    fn dense(&mut self, x: NodeId, n: usize) -> NodeId {
        let k = self.graph.node(x).out.shape[1];
        let w = self.weights(&[k, n]);
        let dense = QDense { x_zero: ZERO, requant: requant(n, 0.0013) };
        self.put(Op::Quant(Quant::Dense(dense)), &[x, w])
    }

    /// Shares along an axis, in floats between bytes.
    fn softmax(&mut self, x: NodeId, axis: usize, to: Affine) -> NodeId {
        let reals =
            self.put(Op::Quant(Quant::Dequantize(Affine { scale: 0.02, zero: ZERO })), &[x]);
        let shares = self.put(Op::Softmax(Softmax { axis, log: false }), &[reals]);
        self.put(Op::Quant(Quant::Quantize(to)), &[shares])
    }

    fn weights(&mut self, shape: &[usize]) -> NodeId {
        let len: usize = shape.iter().product();
        let values = (0..len).map(|at| (at * 89 % 255) as u8 as i8).collect();
        self.graph.add_const("w", shape, Values::I8(values))
    }

    fn put(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        let shape = |id: &NodeId| self.graph.node(*id).out.shape.clone();
        let shapes: Vec<Vec<usize>> = operands.iter().map(shape).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let shape = op.shape(&shapes).unwrap().unwrap();
        self.shaped(op, &shape, operands)
    }

    fn shaped(&mut self, op: Op, shape: &[usize], operands: &[NodeId]) -> NodeId {
        let dtype = match &op {
            Op::Quant(Quant::Dequantize(_)) | Op::Unary(_) | Op::Softmax(_) => Dtype::F32,
            _ => Dtype::U8,
        };
        let tensor = Tensor { dtype, ..Tensor::f32(shape) };
        self.graph.add(op.name(), op, tensor, operands)
    }

    /// The graph that gives the reals of `node`.
    fn answer(mut self, node: NodeId) -> Graph {
        let y = self.put(Op::Quant(Quant::Dequantize(A)), &[node]);
        self.graph.outputs.push(Output { name: "y".into(), node: y });
        self.graph
    }
}
