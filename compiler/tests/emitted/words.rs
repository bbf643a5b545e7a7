//! A network on integers of 16 bits: a convolution in groups, a sum, a product, means and a function.

use mnv2c::ir::quant::tflite::Twice;
use mnv2c::ir::quant::words::{CHANNEL, Span, WordAverage, WordConv, WordScale, Words};
use mnv2c::ir::{Graph, NodeId, Op, Output, Tensor, Values};

/// Every operator, of an image whose numbers become integers first.
pub(crate) fn network() -> Graph {
    let mut graph = Graph::default();
    let put = |graph: &mut Graph, words: Words, shape: &[usize], operands: &[NodeId]| {
        let op = Op::Words(words);
        graph.add(op.name(), op, Tensor::f32(shape), operands)
    };
    let factor = |real: f64| Twice::of(real);
    let x = graph.add_input("x", Tensor::f32([1, 5, 6, 4]));
    let x = put(&mut graph, Words::Quantize(0.0003), &[1, 5, 6, 4], &[x]);
    let conv = WordConv {
        into: [3, 3],
        stride: [2, 2],
        dilation: [1, 2],
        pads: [1, 1],
        group: 2,
        span: Span { lo: -20_000, hi: 32_767 },
    };
    let weights = (0..6 * 3 * 2 * 2_u32).map(|i| (i * 67 % 256) as u8).collect();
    let w = graph.add_const("w", [6, 3, 2, 2], Values::U8(weights));
    let numbers = (0..6_i32).flat_map(|channel| {
        let bias = (i64::from(channel) - 3) * 1_000_003;
        let Twice { mantissa, exponent } = factor(0.0021 * f64::from(channel + 1));
        [&bias.to_le_bytes()[..], &mantissa.to_le_bytes(), &exponent.to_le_bytes()].concat()
    });
    let channels = graph.add_const("channels", [6, CHANNEL], Values::U8(numbers.collect()));
    let y = put(&mut graph, Words::Conv(conv), &[1, 3, 3, 6], &[x, w, channels]);
    let scale = WordScale {
        up: factor(1.3),
        down: factor(0.27),
        zeros: [5, -7],
        span: Span { lo: -30_000, hi: 30_000 },
    };
    let bent = put(&mut graph, Words::Scale(scale), &[1, 3, 3, 6], &[y]);
    let shares = [factor(0.31), factor(0.5), factor(1.7 / f64::from(1 << 15))];
    let sum = put(&mut graph, Words::Add(shares, Span::ALL), &[1, 3, 3, 6], &[y, bent]);
    let product =
        put(&mut graph, Words::Mul(factor(0.00007), Span::ALL), &[1, 3, 3, 6], &[sum, bent]);
    let average =
        WordAverage { into: [2, 3], kernel: [2, 3], stride: [2, 1], pads: [0, 1], span: Span::ALL };
    let mean = put(&mut graph, Words::Average(average), &[1, 2, 3, 6], &[product]);
    for (name, node) in [("bent", bent), ("sum", sum), ("product", product), ("mean", mean)] {
        graph.outputs.push(Output { name: name.into(), node });
    }
    graph
}
