//! A network on integers of 16 bits: convolutions in groups, sums, a product, means, functions, shares and cells.

use mnv2c::ir::quant::tflite::Twice;
use mnv2c::ir::quant::tflite::softmax::powers;
use mnv2c::ir::quant::words::{CHANNEL, Span, WordAverage, WordConv, WordLstm, WordScale, Words};
use mnv2c::ir::{Graph, NodeId, Op, Output, Tensor, Values};

/// Bias and factor of each channel.
fn numbers(channels: i32, scale: f64) -> Vec<u8> {
    let of = |channel: i32| {
        let bias = (i64::from(channel) - 3) * 1_000_003;
        let Twice { mantissa, exponent } = Twice::of(scale * f64::from(channel + 1));
        [&bias.to_le_bytes()[..], &mantissa.to_le_bytes(), &exponent.to_le_bytes()].concat()
    };
    (0..channels).flat_map(of).collect()
}

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
        bytes: 1,
        twice: false,
        zeros: [0, 0],
        span: Span { lo: -20_000, hi: 32_767 },
    };
    let weights = (0..6 * 3 * 2 * 2_u32).map(|i| (i * 67 % 256) as u8).collect();
    let w = graph.add_const("w", [6, 3, 2, 2], Values::U8(weights));
    let channels = graph.add_const("channels", [6, CHANNEL], Values::U8(numbers(6, 0.0021)));
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
    let difference = put(&mut graph, Words::Sub(shares, Span::ALL), &[1, 3, 3, 6], &[y, bent]);
    let steps = graph.add_input("steps", Tensor::f32([3, 4]));
    let steps = put(&mut graph, Words::Quantize(0.01), &[3, 4], &[steps]);
    let byte = WordScale {
        up: factor(1.0),
        down: factor(1.0),
        zeros: [0, 0],
        span: Span { lo: -128, hi: 127 },
    };
    let bytes = put(&mut graph, Words::Scale(byte), &[3, 4], &[steps]);
    let powers = powers(0.05).into_iter().flat_map(u32::to_le_bytes).collect();
    let powers = graph.add_const("powers", [1024], Values::U8(powers));
    let told = put(&mut graph, Words::Softmax, &[3, 4], &[bytes, powers]);
    let wide = (0..2 * 4 * 2_u32).map(|i| (i * 91 % 256) as u8).collect();
    let wide = graph.add_const("wide", [4, 1, 1, 4], Values::U8(wide));
    let filter = WordConv {
        into: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [0, 0],
        group: 2,
        bytes: 2,
        twice: true,
        zeros: [-3, 4],
        span: Span { lo: -128, hi: 127 },
    };
    let pixels = graph.add("pixels", Op::Reshape, Tensor::f32([3, 1, 1, 4]), &[bytes]);
    let few = numbers(4, 0.0000021);
    let few = graph.add_const("few", [4, CHANNEL], Values::U8(few));
    let filtered = put(&mut graph, Words::Conv(filter), &[3, 1, 1, 4], &[pixels, wide, few]);
    let gates = (0..8).flat_map(|row: u32| {
        let weights = (0..6).map(move |i| ((row * 6 + i) * 73 % 256) as u8);
        let Twice { mantissa, exponent } = factor(0.25);
        let bias = (i64::from(row) * 97 % 13 - 6) * 3000;
        let one =
            [&bias.to_le_bytes()[..], &mantissa.to_le_bytes(), &exponent.to_le_bytes()].concat();
        weights.chain(one.repeat(2))
    });
    let gates = graph.add_const("gates", [8, 6 + 2 * CHANNEL], Values::U8(gates.collect()));
    let state = graph.add_const("state", [4], Values::F32(vec![5.0, -9.0, 700.0, -12_000.0]));
    let lstm = WordLstm { fraction: 11, hidden: factor(0.00000012), zero: -2, most: 20_000 };
    let outputs = put(&mut graph, Words::Lstm(lstm), &[8], &[bytes, state, gates]);
    let more = [("difference", difference), ("told", told), ("filtered", filtered)];
    let more = [more.as_slice(), &[("outputs", outputs)]].concat();
    let first = [("bent", bent), ("sum", sum), ("product", product), ("mean", mean)];
    for (name, node) in first.into_iter().chain(more) {
        graph.outputs.push(Output { name: name.into(), node });
    }
    graph
}
