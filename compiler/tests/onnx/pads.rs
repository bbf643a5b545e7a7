//! Padding of bytes, which the layers that read it take.

use mnv2c::ir::{Graph, Values};
use mnv2c::pass::{Skips, fold_pad};

use crate::build::{Model, int, ints};
use crate::bytes::{answer, operators};
use crate::quantized::constants;

#[test]
fn a_convolution_takes_padding_that_is_quantised_by_itself() {
    let model = constants(Model::opset(13).input("x", &[1, 2, 4, 4]))
        .quantize("x", "in", "q")
        .dequantize("q", "in", "fx")
        .dequantize("w1", "w1", "fw1")
        .dequantize("b1", "b1", "fb1");
    let padded = model
        .clone()
        .ints("frame", &[0, 0, 1, 0, 0, 0, 1, 1])
        .node("Pad", &["fx", "frame", "zero"], &["px"], vec![])
        .quantize("px", "in", "qp")
        .dequantize("qp", "in", "fp");
    let expected = over(model, "fx", &[1, 0, 1, 1]);
    assert_eq!(operators(&expected), "quantize qconv dequantize", "{expected}");
    for pads in [[0; 4], [1, 1, 0, 0]] {
        let folded = over(padded.clone(), "fp", &pads);
        assert_eq!(operators(&folded), operators(&expected), "{folded}");
    }
    let folded = over(padded, "fp", &[0; 4]);
    let x = Values::F32((0..32).map(|i| (i * 29 % 101) as f32 * 0.05 - 2.5).collect());
    assert_eq!(answer(&folded, x.clone()), answer(&expected, x));
}

/// A depthwise convolution of what lies at `x` behind `model`, its padding folded.
fn over(model: Model, x: &str, pads: &[i64]) -> Graph {
    let model = model
        .node("Conv", &[x, "fw1", "fb1"], &["ca"], vec![int("group", 2), ints("pads", pads)])
        .quantize("ca", "a", "qa")
        .dequantize("qa", "a", "y");
    let mut graph = model.output("y").settled();
    fold_pad::run(&mut graph, &mut Skips::new()).expect("the graph is sound");
    graph
}
