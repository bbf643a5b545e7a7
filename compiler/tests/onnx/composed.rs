//! Operators that are read as a few others, against their definitions in plain loops.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::proto::AttributeProto;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int, ints, raw_tensor, real, text};

/// Numbers between -2 and 2 without pattern.
fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 37 + 11) % 101) as f32 / 25.0 - 2.0).collect()
}

fn floats(model: Model, name: &str, shape: &[i64], values: &[f32]) -> Model {
    let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    model.tensor(raw_tensor(name, DataType::Float, shape, raw))
}

/// The result of `model` for its input `x`.
fn answer(model: &Model, shape: &[usize], x: &[f32]) -> (Vec<usize>, Vec<f32>) {
    let graph = model.read().unwrap();
    let x = Array { shape: shape.to_vec(), values: Values::F32(x.to_vec()) };
    let y = interp::run(&graph, &[x]).unwrap().remove(0);
    let values = y.values.as_f32().unwrap().to_vec();
    (y.shape, values)
}

#[track_caller]
fn check(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= 2e-6 * expected.abs().max(1.0), "{found} is not {expected}");
    }
}

#[test]
fn functions_of_one_element_are_what_they_are_called() {
    type Case<'a> = (&'a str, Vec<AttributeProto>, &'a dyn Fn(f64) -> f64);
    let x = [-100.0, -3.5, -1.0, -0.0, 0.5, 2.0, 30.0, 100.0];
    let softplus = |x: f64| if x > 30.0 { x } else { x.exp().ln_1p() };
    let elu = |x: f64, alpha: f64| if x < 0.0 { alpha * x.exp_m1() } else { x };
    let cases: [Case<'_>; 5] = [
        ("Softplus", vec![], &softplus),
        ("Softsign", vec![], &|x| x / (1.0 + x.abs())),
        ("Mish", vec![], &|x| x * softplus(x).tanh()),
        ("Selu", vec![], &|x| 1.050_700_987 * elu(x, 1.673_263_242)),
        ("Celu", vec![real("alpha", 2.0)], &|x| 2.0 * elu(x / 2.0, 1.0)),
    ];
    for (op, attributes, f) in cases {
        let (_, found) = answer(&Model::of(18, &[8], op, attributes), &[8], &x);
        check(&found, &x.map(|x| f(f64::from(x))));
    }
}

#[test]
fn norms_reduce_the_axes_that_they_name() {
    let x = numbers(6);
    let rows = |f: &dyn Fn(&mut dyn Iterator<Item = f64>) -> f64| -> Vec<f64> {
        x.chunks(3).map(|row| f(&mut row.iter().map(|x| f64::from(*x)))).collect()
    };
    let cases = [
        ("ReduceL1", rows(&|row| row.map(f64::abs).sum())),
        ("ReduceL2", rows(&|row| row.map(|x| x * x).sum::<f64>().sqrt())),
        ("ReduceSumSquare", rows(&|row| row.map(|x| x * x).sum())),
        ("ReduceLogSumExp", rows(&|row| row.map(f64::exp).sum::<f64>().ln())),
    ];
    for (op, expected) in cases {
        let axes = vec![ints("axes", &[-1]), int("keepdims", 0)];
        let (shape, found) = answer(&Model::of(13, &[2, 3], op, axes), &[2, 3], &x);
        assert_eq!(shape, [2]);
        check(&found, &expected);
    }
    let large = Model::of(13, &[2], "ReduceLogSumExp", vec![]);
    check(&answer(&large, &[2], &[200.0, 200.0]).1, &[200.0 + 2_f64.ln()]);
}

#[test]
fn a_slice_of_zeros_has_no_norm_and_stays() {
    for p in [1, 2] {
        let model = Model::of(13, &[2, 2], "LpNormalization", vec![int("axis", 1), int("p", p)]);
        let norm = if p == 1 { 7.0 } else { 5.0 };
        let (_, found) = answer(&model, &[2, 2], &[0.0, 0.0, 3.0, -4.0]);
        check(&found, &[0.0, 0.0, 3.0 / norm, -4.0 / norm]);
    }
}

/// Each of `slices` less its mean, over its deviation.
fn normal(slices: &[f32]) -> Vec<f64> {
    let len = slices.len() as f64;
    let mean = slices.iter().map(|x| f64::from(*x)).sum::<f64>() / len;
    let variance = slices.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / len;
    slices.iter().map(|x| (f64::from(*x) - mean) / (variance + 1e-5).sqrt()).collect()
}

#[test]
fn normalisations_take_the_slices_that_they_name() {
    let x = numbers(24);
    let (scale, bias) = ([2.0, -1.0, 0.5, 3.0], [0.25, 1.0, -2.0, 0.0]);
    let norm = |opset, op, attributes, len: usize| {
        let model = Model::opset(opset).input("x", &[1, 4, 2, 3]);
        let model = floats(model, "s", &[len as i64], &scale[..len]);
        let model = floats(model, "b", &[len as i64], &bias[..len]);
        let model = model.node(op, &["x", "s", "b"], &["y"], attributes).output("y");
        answer(&model, &[1, 4, 2, 3], &x).1
    };
    let expected = |slice: usize, by: &dyn Fn(usize) -> usize| -> Vec<f64> {
        let normal = x.chunks(slice).flat_map(normal).enumerate();
        let affine = |(at, x): (usize, f64)| x * f64::from(scale[by(at)]) + f64::from(bias[by(at)]);
        normal.map(affine).collect()
    };
    let channel = |at: usize| at / 6;
    check(&norm(13, "InstanceNormalization", vec![], 4), &expected(6, &channel));
    let groups = || vec![int("num_groups", 2)];
    check(&norm(21, "GroupNormalization", groups(), 4), &expected(12, &channel));
    check(&norm(18, "GroupNormalization", groups(), 2), &expected(12, &|at| at / 12));
    check(&norm(17, "LayerNormalization", vec![], 3), &expected(3, &|at| at % 3));
}

#[test]
fn a_response_is_normalised_by_the_channels_around_it() {
    let (channels, pixels, size) = (5, 6, 4);
    let x = numbers(channels * pixels);
    let attributes =
        vec![int("size", size), real("alpha", 0.5), real("beta", 0.75), real("bias", 2.0)];
    let model = Model::of(13, &[1, 5, 2, 3], "LRN", attributes);
    let around = |channel: usize| channel.saturating_sub(1)..(channel + 3).min(channels);
    let expected: Vec<f64> = (0..x.len())
        .map(|at| {
            let (channel, pixel) = (at / pixels, at % pixels);
            let squares = around(channel).map(|c| f64::from(x[c * pixels + pixel]).powi(2));
            f64::from(x[at]) / (2.0 + 0.5 / size as f64 * squares.sum::<f64>()).powf(0.75)
        })
        .collect();
    check(&answer(&model, &[1, 5, 2, 3], &x).1, &expected);
}

#[test]
fn depth_becomes_space_and_space_depth() {
    let x: Vec<f32> = (0..16).map(|at| at as f32).collect();
    let spread = |mode| {
        let attributes = vec![int("blocksize", 2), text("mode", mode)];
        answer(&Model::of(13, &[1, 8, 1, 2], "DepthToSpace", attributes), &[1, 8, 1, 2], &x)
    };
    let channels_inside = [0., 4., 1., 5., 8., 12., 9., 13., 2., 6., 3., 7., 10., 14., 11., 15.];
    assert_eq!(spread("DCR"), (vec![1, 2, 2, 4], channels_inside.to_vec()));
    let pixels_inside = [0., 2., 1., 3., 4., 6., 5., 7., 8., 10., 9., 11., 12., 14., 13., 15.];
    assert_eq!(spread("CRD"), (vec![1, 2, 2, 4], pixels_inside.to_vec()));
    let back = Model::of(13, &[1, 2, 2, 4], "SpaceToDepth", vec![int("blocksize", 2)]);
    assert_eq!(answer(&back, &[1, 2, 2, 4], &channels_inside), (vec![1, 8, 1, 2], x));
}

/// The change of each side of an image by a transposed convolution.
#[derive(Clone, Copy)]
struct Sides {
    group: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
    extra: usize,
}

/// Every product added where it belongs: 4 channels of 3 x 4 pixels into `2 * group` channels.
fn transposed(sides: Sides, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f64> {
    let Sides { group, kernel, stride, dilation, before, after, extra } = sides;
    let size =
        |from: usize| (from - 1) * stride + (kernel - 1) * dilation + 1 + extra - before - after;
    let (rows, columns, read) = (size(3), size(4), 4 / group);
    let plane = rows * columns;
    let mut y: Vec<f64> =
        bias.iter().flat_map(|bias| std::iter::repeat_n(f64::from(*bias), plane)).collect();
    for at in 0..4 * 12 * 2 * kernel * kernel {
        let (column, rest) = (at % kernel, at / kernel);
        let (row, rest) = (rest % kernel, rest / kernel);
        let (output, rest) = (rest % 2, rest / 2);
        let (pixel, input) = (rest % 12, rest / 12);
        let to = |from: usize, tap: usize| (from * stride + tap * dilation).checked_sub(before);
        let (Some(to_row), Some(to_column)) = (to(pixel / 4, row), to(pixel % 4, column)) else {
            continue;
        };
        if to_row < rows && to_column < columns {
            let channel = input / read * 2 + output;
            let weight = w[((input * 2 + output) * kernel + row) * kernel + column];
            y[channel * plane + to_row * columns + to_column] +=
                f64::from(x[input * 12 + pixel]) * f64::from(weight);
        }
    }
    y
}

#[test]
fn a_transposed_convolution_adds_every_product_where_it_belongs() {
    let plain =
        Sides { group: 1, kernel: 3, stride: 2, dilation: 1, before: 0, after: 0, extra: 0 };
    let cases = [
        plain,
        Sides { before: 1, after: 1, extra: 1, ..plain },
        Sides { kernel: 2, ..plain },
        Sides { kernel: 4, before: 1, after: 1, group: 2, ..plain },
        Sides { kernel: 1, stride: 3, extra: 2, ..plain },
        Sides { kernel: 5, stride: 3, before: 2, after: 4, ..plain },
        Sides { stride: 1, dilation: 2, group: 4, ..plain },
        Sides { stride: 1, after: 3, ..plain },
    ];
    for sides in cases {
        let Sides { group, kernel, stride, dilation, before, after, extra } = sides;
        let (outputs, k) = (2 * group, kernel as i64);
        let (x, w) = (numbers(48), numbers(8 * kernel * kernel));
        let bias = numbers(outputs);
        let model = Model::opset(13).input("x", &[1, 4, 3, 4]);
        let model = floats(model, "w", &[4, 2, k, k], &w);
        let model = floats(model, "b", &[outputs as i64], &bias);
        let both = |name, n: usize| ints(name, &[n as i64; 2]);
        let [before_, after_] = [before as i64, after as i64];
        let attributes = vec![
            int("group", group as i64),
            both("strides", stride),
            both("dilations", dilation),
            both("output_padding", extra),
            ints("pads", &[before_, before_, after_, after_]),
        ];
        let model = model.node("ConvTranspose", &["x", "w", "b"], &["y"], attributes).output("y");
        let (_, found) = answer(&model, &[1, 4, 3, 4], &x);
        check(&found, &transposed(sides, &x, &w, &bias));
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let transposed = |shape: &[i64], attributes| {
        let model = Model::opset(13).input("x", &[1, 4, 3, 4]).floats("w", shape);
        model.node("ConvTranspose", &["x", "w"], &["y"], attributes).output("y").text()
    };
    let pads = transposed(&[4, 2, 3, 3], vec![ints("pads", &[9, 0, 9, 0])]);
    assert_eq!(pads, r#"ConvTranspose "y": pads [9, 0, 9, 0] cut all of [5, 6] off"#);
    let weights = transposed(&[3, 2, 3, 3], vec![]);
    assert!(weights.contains("weights [3, 2, 3, 3] in its groups for 4 channels"), "{weights}");
    let huge = transposed(&[4, 2, 3, 3], vec![ints("output_shape", &[i64::from(i32::MAX); 2])]);
    assert!(huge.starts_with(r#"ConvTranspose "y""#), "{huge}");
    let far = transposed(&[4, 2, 3, 3], vec![ints("strides", &[1 << 20, 1])]);
    assert!(far.contains("strides of [1048576, 1], which make 25165824 weights of 72"), "{far}");
    let odd = Model::of(13, &[1, 6, 2, 2], "DepthToSpace", vec![int("blocksize", 2)]).text();
    assert_eq!(odd, r#"DepthToSpace "y": 6 channels are no squares of 2 pixels"#);
    let groups = Model::opset(18).input("x", &[1, 4, 2]).floats("s", &[3]);
    let groups =
        groups.node("GroupNormalization", &["x", "s", "s"], &["y"], vec![int("num_groups", 3)]);
    let groups = groups.output("y").text();
    assert!(groups.contains("num_groups does not divide the channels of [1, 4, 2]"), "{groups}");
    let scales = Model::opset(18).input("x", &[1, 4, 2]).floats("s", &[3]);
    let scales =
        scales.node("GroupNormalization", &["x", "s", "s"], &["y"], vec![int("num_groups", 2)]);
    let scales = scales.output("y").text();
    let words = r#"GroupNormalization "y": operand 1 is [3]; [2] belongs there"#;
    assert_eq!(scales, words);
}
