//! Small graphs for the tests of passes, and what every rewrite is held to: the invariants, the oracle, and rest.

use crate::error::Result;
use crate::interp::{self, Array};
use crate::ir::verify::verify;
use crate::ir::{
    BatchNorm, Binary, Clamp, Conv, Dtype, Graph, NodeId, Op, Output, Port, Tensor, Values,
};
use crate::pass::Skips;
use crate::testing::random_inputs;

type Run = fn(&mut Graph, &mut Skips) -> Result<usize>;

/// A graph under construction.
#[derive(Default)]
pub(crate) struct Net {
    graph: Graph,
}

impl Net {
    pub(crate) fn input(&mut self, shape: &[usize]) -> NodeId {
        self.graph.add_input("x", Tensor::f32(shape))
    }

    /// An input of u8.
    pub(crate) fn bytes(&mut self, shape: &[usize]) -> NodeId {
        self.graph.add_input("x", Tensor { dtype: Dtype::U8, ..Tensor::f32(shape) })
    }

    /// `op` of `operands`, whose shapes say what it makes.
    pub(crate) fn put(&mut self, op: Op, operands: &[NodeId]) -> NodeId {
        let shapes: Vec<&[usize]> =
            operands.iter().map(|id| &self.graph.node(*id).out.shape[..]).collect();
        let shape = op.shape(&shapes).expect("operands fit").expect("shape is implied");
        self.shaped(op, &shape, operands)
    }

    /// `op` of `operands`, which makes `shape`.
    pub(crate) fn shaped(&mut self, op: Op, shape: &[usize], operands: &[NodeId]) -> NodeId {
        self.graph.add(op.name(), op, Tensor::f32(shape), operands)
    }

    /// `op` of `operands`, which makes elements of type `dtype`.
    pub(crate) fn typed(&mut self, op: Op, dtype: Dtype, operands: &[NodeId]) -> NodeId {
        let id = self.put(op, operands);
        self.graph.node_mut(id).out.dtype = dtype;
        id
    }

    pub(crate) fn constant(&mut self, shape: &[usize], values: Values) -> NodeId {
        self.graph.add_const("c", shape, values)
    }

    pub(crate) fn floats(&mut self, shape: &[usize], values: &[f32]) -> NodeId {
        self.graph.add_const("c", shape, Values::F32(values.to_vec()))
    }

    /// Constants that differ from each other, about one.
    pub(crate) fn ramp(&mut self, shape: &[usize]) -> NodeId {
        let len = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..len).map(|i| 0.5 + i as f32 / len as f32).collect();
        self.floats(shape, &values)
    }

    /// A convolution to `m` channels with a bias.
    pub(crate) fn conv(&mut self, x: NodeId, m: usize, conv: Conv) -> NodeId {
        let channels = self.graph.node(x).out.shape[1];
        let w = self.ramp(&[m, channels / conv.group, conv.kernel[0], conv.kernel[1]]);
        let bias = self.ramp(&[m]);
        self.put(Op::Conv(conv), &[x, w, bias])
    }

    pub(crate) fn batch_norm(&mut self, x: NodeId) -> NodeId {
        let c = self.graph.node(x).out.shape[1];
        let [scale, bias, mean, variance] = [(); 4].map(|()| self.ramp(&[c]));
        let norm = Op::BatchNorm(BatchNorm { epsilon: 1e-3 });
        self.put(norm, &[x, scale, bias, mean, variance])
    }

    pub(crate) fn clamp(&mut self, x: NodeId, clamp: Clamp) -> NodeId {
        self.put(Op::Clamp(clamp), &[x])
    }

    pub(crate) fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.put(Op::Binary(Binary::Add), &[a, b])
    }

    /// Makes `reader` read `operand` at `port`.
    pub(crate) fn connect(&mut self, operand: NodeId, reader: NodeId, port: usize) {
        self.graph.connect(operand, reader, Port(port));
    }

    pub(crate) fn answer(mut self, nodes: &[NodeId]) -> Graph {
        let outputs = nodes.iter().map(|node| Output { name: "y".into(), node: *node });
        self.graph.outputs.extend(outputs);
        self.graph
    }
}

/// A convolution of a `k` x `k` window that keeps the size.
pub(crate) fn same(k: usize) -> Conv {
    Conv {
        kernel: [k, k],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [k / 2; 4],
        group: 1,
        clamp: Clamp::NONE,
        activation: None,
    }
}

/// Snapshots what `run` makes of `graph`, and what it refuses.
pub(crate) fn golden(name: &str, run: Run, graph: Graph) {
    let before = graph.to_string();
    let (after, skips) = rewrite(run, graph);
    let skips: String = skips.iter().map(|skip| format!("kept {skip}\n")).collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../snapshots/ir");
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, format!("{before}->\n{after}{skips}")));
}

/// The reasons that `run` gives for leaving `graph` as it is.
pub(crate) fn refusals(run: Run, graph: Graph) -> Vec<String> {
    let before = graph.to_string();
    let (after, skips) = rewrite(run, graph);
    assert_eq!(after.to_string(), before);
    skips.into_iter().map(|skip| skip.reason).collect()
}

/// The operators that are left, in order of execution.
pub(crate) fn left(run: Run, graph: Graph) -> String {
    let (after, _) = rewrite(run, graph);
    let order = after.order().expect("the graph keeps its invariants");
    let names = order.into_iter().map(|id| after.node(id).op.name());
    names.filter(|name| *name != "const").collect::<Vec<_>>().join(" ")
}

/// Runs a pass, and holds it to its promises.
pub(crate) fn rewrite(run: Run, mut graph: Graph) -> (Graph, Skips) {
    let expected = answers(&graph, 1);
    let mut skips = Skips::new();
    let count = run(&mut graph, &mut skips).expect("the graph is sound");
    assert_eq!(verify(&graph), [], "\n{graph}");
    assert!(count == 0 || is_close(&expected, &answers(&graph, 1)), "\n{graph}");
    assert_eq!(run(&mut graph, &mut Skips::new()), Ok(0), "\n{graph}");
    (graph, skips)
}

/// Outputs of `graph` for the random inputs of `seed`.
pub(crate) fn answers(graph: &Graph, seed: u64) -> Vec<f32> {
    let answers = interp::run(graph, &random_inputs(graph, seed)).expect("the graph can be run");
    let floats = |answer: &Array| answer.values.as_f32().map(<[f32]>::to_vec);
    answers.iter().flat_map(|answer| floats(answer).expect("answers are floats")).collect()
}

/// Within 1e-4 of the greatest magnitude.
pub(crate) fn is_close(expected: &[f32], found: &[f32]) -> bool {
    let greatest = expected.iter().fold(1e-3f32, |most, x| most.max(x.abs()));
    let mut pairs = expected.iter().zip(found);
    expected.len() == found.len() && pairs.all(|(x, y)| (x - y).abs() <= 1e-4 * greatest)
}
