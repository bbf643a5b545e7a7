//! Grows a random graph node by node; shapes are inferred, so what it builds keeps the invariants.

use crate::ir::{BatchNorm, Binary, Clamp, Conv, Graph, NodeId, Op, Tensor, Values};
use crate::random::Random;

/// A graph that grows.
pub(super) struct Builder {
    /// So far.
    pub(super) graph: Graph,
    /// The source of decisions.
    pub(super) random: Random,
}

impl Builder {
    pub(super) fn new(random: Random) -> Self {
        let graph = Graph::default();
        Self { graph, random }
    }

    /// A small image.
    pub(super) fn input(&mut self) -> NodeId {
        let c = self.random.pick(&[1, 3, 3, 4, 8]);
        let (h, w) = (4 + self.random.below(13), 4 + self.random.below(13));
        self.graph.add_input("input", Tensor::f32([1, c, h, w]))
    }

    /// `op` of `operands`, whose shapes say what it makes.
    pub(super) fn node(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        let shapes: Vec<&[usize]> = operands.iter().map(|id| self.shape(*id)).collect();
        let shape = op.shape(&shapes).expect("stages give operands that fit");
        self.shaped(op, shape.expect("stages give the shape of such operators"), operands)
    }

    /// `op` of `operands`, which makes `shape`.
    pub(super) fn shaped(&mut self, op: Op, shape: Vec<usize>, operands: &[NodeId]) -> NodeId {
        self.graph.add(op.name(), op, Tensor::f32(shape), operands)
    }

    pub(super) fn shape(&self, id: NodeId) -> &[usize] {
        &self.graph.node(id).out.shape
    }

    /// `[n, c, h, w]` of an image.
    pub(super) fn picture(&self, id: NodeId) -> [usize; 4] {
        self.graph.node(id).out.nchw().expect("stages pass pictures on")
    }

    /// Constants at least `lo` and below `hi`.
    pub(super) fn numbers(&mut self, shape: &[usize], lo: f32, hi: f32) -> NodeId {
        let values = self.random.uniforms(shape.iter().product(), lo, hi);
        self.graph.add_const("constant", shape, Values::F32(values))
    }

    /// One constant, as a scalar or as one element of some rank, at most that of `x`.
    pub(super) fn number(&mut self, value: f32, x: NodeId) -> NodeId {
        let shape = vec![1; self.random.pick(&[0, 0, 1, self.shape(x).len()])];
        self.graph.add_const("constant", shape, Values::F32(vec![value]))
    }

    /// Weights that keep the size of what they multiply.
    pub(super) fn weights(&mut self, shape: &[usize], fan_in: usize) -> NodeId {
        let bound = (3.0 / fan_in as f32).sqrt();
        self.numbers(shape, -bound, bound)
    }

    /// A convolution to `m` channels; a window that does not fit becomes 1x1.
    pub(super) fn conv(&mut self, x: NodeId, m: usize, mut conv: Conv) -> NodeId {
        let [n, c, ..] = self.picture(x);
        let per_group = c / conv.group;
        let shape = |conv: &Conv| [m, per_group, conv.kernel[0], conv.kernel[1]];
        let op = Op::Conv(conv.clone());
        if op.shape(&[self.shape(x), &shape(&conv)]).is_err() {
            (conv.kernel, conv.pads) = ([1, 1], [0; 4]);
        }
        let w = self.weights(&shape(&conv), per_group * conv.kernel[0] * conv.kernel[1]);
        let y = self.node(Op::Conv(conv), &[x, w]);
        debug_assert_eq!(self.picture(y)[..2], [n, m]);
        if self.random.one_in(2) {
            let bias = self.numbers(&[m], -0.5, 0.5);
            self.graph.connect(bias, y, crate::ir::Port(2));
        }
        y
    }

    pub(super) fn batch_norm(&mut self, x: NodeId) -> NodeId {
        let c = self.picture(x)[1];
        let scale = self.numbers(&[c], 0.5, 1.5);
        let bias = self.numbers(&[c], -0.5, 0.5);
        let mean = self.numbers(&[c], -0.5, 0.5);
        let variance = self.numbers(&[c], 0.5, 1.5);
        let norm = Op::BatchNorm(BatchNorm { epsilon: 1e-5 });
        self.node(norm, &[x, scale, bias, mean, variance])
    }

    /// Relu6, Relu or another clamp, as one node or as the minimum and maximum that some exporters write.
    pub(super) fn activation(&mut self, x: NodeId) -> NodeId {
        let clamp = self.random.pick(&[
            Clamp::RELU6,
            Clamp::RELU6,
            Clamp::RELU,
            Clamp { lo: -1.0, hi: 1.0 },
        ]);
        if self.random.one_in(2) {
            return self.node(Op::Clamp(clamp), &[x]);
        }
        let x = self.bound(x, Binary::Max, clamp.lo);
        if clamp.hi.is_finite() { self.bound(x, Binary::Min, clamp.hi) } else { x }
    }

    fn bound(&mut self, x: NodeId, f: Binary, bound: f32) -> NodeId {
        let bound = self.number(bound, x);
        self.commuted(f, x, bound)
    }

    /// `f(a, b)` or `f(b, a)`.
    pub(super) fn commuted(&mut self, f: Binary, a: NodeId, b: NodeId) -> NodeId {
        let operands = if self.random.one_in(2) { [b, a] } else { [a, b] };
        self.node(Op::Binary(f), &operands)
    }
}

/// A 1x1 convolution.
pub(super) fn pointwise() -> Conv {
    Conv {
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [0; 4],
        group: 1,
        clamp: Clamp::NONE,
        activation: None,
    }
}
