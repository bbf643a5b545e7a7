//! Networks of dense convolutions that are large enough for threads to share: edges, strides, residuals, odd sizes.

use mnv2c::ir::{Clamp, Conv, Graph, NodeId, Op, Output, Tensor, Values};

/// A convolution of so many channels, and how.
#[derive(Clone, Copy)]
pub(crate) struct Layer {
    channels: usize,
    kernel: usize,
    stride: usize,
    pads: [usize; 4],
}

/// Forty channels of every pixel and its neighbours.
pub(crate) const SAME: Layer = Layer { channels: 40, kernel: 3, stride: 1, pads: [1; 4] };

/// The networks, by name.
pub(crate) fn networks() -> Vec<(&'static str, Graph)> {
    let chain = |name, image, layers: &[Layer]| (name, network(image, layers, None));
    vec![
        chain("same", [24, 21, 19], &[SAME, Layer { channels: 50, ..SAME }]),
        chain("small", [96, 7, 7], &[Layer { channels: 160, ..SAME }, SAME]),
        chain("valid", [16, 23, 30], &[Layer { pads: [0; 4], ..SAME }, SAME]),
        chain("uneven", [9, 26, 17], &[Layer { pads: [1, 0, 0, 1], channels: 65, ..SAME }]),
        chain("halved", [32, 31, 28], &[Layer { stride: 2, ..SAME }, SAME]),
        chain("stem", [3, 47, 40], &[Layer { kernel: 5, stride: 2, pads: [2; 4], ..SAME }, SAME]),
        chain("mixed", [48, 20, 20], &[Layer { kernel: 1, pads: [0; 4], ..SAME }, SAME, SAME]),
        ("skipped", network([40, 14, 18], &[SAME, SAME, SAME], Some(0))),
        ("added", network([40, 25, 14], &[SAME, SAME], Some(1))),
    ]
}

/// Layers one after the other; to the last one's result that of layer `skip` is added, 0 being the image.
pub(crate) fn network([c, h, w]: [usize; 3], layers: &[Layer], skip: Option<usize>) -> Graph {
    let mut graph = Graph::default();
    let mut values = vec![graph.add_input("x", Tensor::f32([1, c, h, w]))];
    for (at, layer) in layers.iter().enumerate() {
        let residual = skip.filter(|_| at + 1 == layers.len()).map(|skip| values[skip]);
        let x = values[at];
        values.push(convolution(&mut graph, (at, layer), x, residual));
    }
    graph.outputs =
        [Output { name: "y".to_owned(), node: values[layers.len()] }].into_iter().collect();
    graph
}

fn convolution(
    graph: &mut Graph,
    (at, layer): (usize, &Layer),
    x: NodeId,
    residual: Option<NodeId>,
) -> NodeId {
    let Layer { channels, kernel, stride, pads } = *layer;
    let c_in = graph.node(x).out.shape[1];
    let conv = Conv {
        kernel: [kernel; 2],
        stride: [stride; 2],
        dilation: [1, 1],
        pads,
        group: 1,
        clamp: Clamp::RELU,
        activation: None,
    };
    let len = channels * c_in * kernel * kernel;
    let seed = at as u64;
    let w = graph.add_const(format!("w{at}"), [channels, c_in, kernel, kernel], numbers(len, seed));
    let bias = graph.add_const(format!("b{at}"), [channels], numbers(channels, 99 + seed));
    let op = Op::Conv(conv);
    let operands: Vec<NodeId> = [x, w, bias].into_iter().chain(residual).collect();
    let shapes: Vec<Vec<usize>> =
        operands.iter().map(|x| graph.node(*x).out.shape.clone()).collect();
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let shape = op.shape(&shapes).unwrap().unwrap();
    graph.add(format!("conv{at}"), op, Tensor::f32(shape), &operands)
}

/// Numbers about zero, whose products with as many others about one add up to about one.
fn numbers(len: usize, seed: u64) -> Values {
    let mut state = seed + 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    Values::F32((0..len).map(|_| next() / 16.0).collect())
}
