//! Networks that keep state between calls: windows that slide, delays, sums that decay, bytes, and starts that are not zero.

use mnv2c::ir::state::zeros;
use mnv2c::ir::{
    Binary, Clamp, Conv, Dtype, Graph, NodeId, Op, Output, Slice, Tensor, Unary, Values,
};

/// Each by its name.
pub(crate) fn networks() -> Vec<(&'static str, Graph)> {
    vec![
        ("window", window()),
        ("delays", delays()),
        ("recurrent", recurrent()),
        ("bytes", bytes()),
        ("held", held()),
    ]
}

/// A graph that is built up, and its states with what they become.
#[derive(Default)]
struct Net {
    graph: Graph,
    kept: Vec<(NodeId, NodeId, Values)>,
}

impl Net {
    fn input(&mut self, name: &str, tensor: &Tensor) -> NodeId {
        self.graph.add_input(name, tensor.clone())
    }

    /// A state that starts as zeros.
    fn state(&mut self, name: &str, tensor: &Tensor) -> NodeId {
        self.graph.add_input(name, tensor.clone())
    }

    fn numbers(&mut self, shape: &[usize]) -> NodeId {
        let len: usize = shape.iter().product();
        let values = (0..len).map(|at| (at * 7 % 11) as f32 / 22.0 - 0.2).collect();
        self.graph.add_const("c", shape, Values::F32(values))
    }

    fn put(&mut self, op: Op, out: &Tensor, operands: &[NodeId]) -> NodeId {
        self.graph.add(op.name(), op, out.clone(), operands)
    }

    fn becomes(&mut self, state: NodeId, next: NodeId) {
        let start = zeros(&self.graph.node(state).out);
        self.kept.push((state, next, start));
    }

    fn answer(mut self, nodes: &[NodeId]) -> Graph {
        let outputs = nodes.iter().map(|node| Output { name: "y".into(), node: *node });
        self.graph.outputs.extend(outputs);
        for (state, next, start) in self.kept {
            let name = format!("{}/next", self.graph.node(state).name);
            self.graph.keep(state, name, next, start);
        }
        self.graph
    }
}

/// A convolution over the last three rows of an image that comes row by row.
fn window() -> Graph {
    let mut net = Net::default();
    let x = net.input("x", &Tensor::f32([1, 3, 1, 8]));
    let rows = net.state("rows", &Tensor::f32([1, 3, 2, 8]));
    let all = net.put(Op::Concat(2), &Tensor::f32([1, 3, 3, 8]), &[rows, x]);
    let slice = Slice { starts: vec![0, 0, 1, 0], steps: vec![1; 4] };
    let next = net.put(Op::Slice(slice), &Tensor::f32([1, 3, 2, 8]), &[all]);
    let conv = Conv {
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [0, 1, 0, 1],
        group: 1,
        clamp: Clamp::RELU,
        activation: None,
    };
    let w = net.numbers(&[5, 3, 3, 3]);
    let y = net.put(Op::Conv(conv), &Tensor::f32([1, 5, 1, 8]), &[all, w]);
    net.becomes(rows, next);
    net.answer(&[y])
}

/// Values of the last calls, two of which change places; one is an output by itself.
fn delays() -> Graph {
    let mut net = Net::default();
    let tensor = Tensor::f32([1, 6]);
    let x = net.input("x", &tensor);
    let [one, two, left, right] =
        ["one", "two", "left", "right"].map(|name| net.state(name, &tensor));
    let sum = net.put(Op::Binary(Binary::Add), &tensor, &[two, left]);
    net.becomes(one, x);
    net.becomes(two, one);
    net.becomes(left, right);
    net.becomes(right, left);
    net.kept[2].2 = Values::F32(vec![0.5, 1.5, -2.0, 3.25, 0.0, 7.0]);
    net.answer(&[sum, one])
}

/// A sum that decays through a matrix, which is an output and is kept in two shapes.
fn recurrent() -> Graph {
    let mut net = Net::default();
    let tensor = Tensor::f32([1, 6]);
    let x = net.input("x", &tensor);
    let (h, flat) = (net.state("h", &tensor), net.state("flat", &Tensor::f32([6])));
    let w = net.numbers(&[6, 6]);
    let product = net.put(Op::MatMul, &tensor, &[h, w]);
    let sum = net.put(Op::Binary(Binary::Add), &tensor, &[product, x]);
    let next = net.put(Op::Unary(Unary::Tanh), &tensor, &[sum]);
    let view = net.put(Op::Reshape, &Tensor::f32([6]), &[next]);
    let row = net.put(Op::Reshape, &tensor, &[flat]);
    let apart = net.put(Op::Binary(Binary::Sub), &tensor, &[row, h]);
    net.becomes(h, next);
    net.becomes(flat, view);
    net.answer(&[next, apart])
}

/// The last bytes of three, kept as bytes.
fn bytes() -> Graph {
    let mut net = Net::default();
    let of = |shape: [usize; 2]| Tensor { dtype: Dtype::U8, ..Tensor::f32(shape) };
    let x = net.input("x", &of([1, 4]));
    let last = net.state("last", &of([1, 8]));
    let all = net.put(Op::Concat(1), &of([1, 12]), &[last, x]);
    let slice = Slice { starts: vec![0, 4], steps: vec![1; 2] };
    let next = net.put(Op::Slice(slice), &of([1, 8]), &[all]);
    let y = net.put(Op::Identity, &Tensor::f32([1, 12]), &[all]);
    net.becomes(last, next);
    net.kept[0].2 = Values::U8(vec![9; 8]);
    net.answer(&[y])
}

/// A state that never changes, and one that nobody reads.
fn held() -> Graph {
    let mut net = Net::default();
    let tensor = Tensor::f32([1, 5]);
    let x = net.input("x", &tensor);
    let (same, unread) = (net.state("same", &tensor), net.state("unread", &tensor));
    let y = net.put(Op::Binary(Binary::Mul), &tensor, &[x, same]);
    let more = net.put(Op::Unary(Unary::Exp), &tensor, &[y]);
    net.becomes(same, same);
    net.becomes(unread, more);
    net.kept[0].2 = Values::F32(vec![2.0; 5]);
    net.answer(&[y])
}
