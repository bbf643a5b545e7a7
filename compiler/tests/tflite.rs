//! TFLite files: what is read, in the meaning that the format gives it, and what is refused.

#[path = "tflite/build.rs"]
mod build;
#[path = "tflite/sequence.rs"]
mod sequence;
#[path = "tflite/variables.rs"]
mod variables;
#[path = "tflite/words.rs"]
mod words;

use build::{F32, Field, I8, I32, Net};
use bytes::Bytes;
use mnv2c::frontend::onnx::Options;
use mnv2c::frontend::tflite;
use mnv2c::interp::{self, Array};
use mnv2c::ir::{Graph, Values};

const CONV_2D: [i32; 2] = [3, 1];
const DEPTHWISE_CONV_2D: [i32; 2] = [4, 1];
const FULLY_CONNECTED: [i32; 2] = [9, 1];
const AVERAGE_POOL_2D: [i32; 2] = [1, 1];
const STRIDED_SLICE: [i32; 2] = [45, 1];
const SVDF: [i32; 2] = [27, 1];
const MIRROR_PAD: [i32; 2] = [100, 1];
const LSTM: [i32; 2] = [16, 4];
const SOFTMAX: [i32; 2] = [25, 2];
const LOGISTIC: [i32; 2] = [14, 2];
const TANH: [i32; 2] = [28, 2];
const HARD_SWISH: [i32; 2] = [117, 1];

/// Paddings and fused functions by the numbers of the format.
const SAME: Field = Field::Byte(0);
const RELU: Field = Field::Byte(1);
const RELU6: Field = Field::Byte(3);

fn read(file: Vec<u8>) -> mnv2c::error::Result<Graph> {
    tflite::read(&Bytes::from(file), &Options::default())
}

/// The answer of the network with one input of floats.
fn answer(net: &Net, output: i32, x: &[f32]) -> Vec<f32> {
    let graph = read(net.file(&[output])).expect("the file is sound");
    let shape = graph.node(graph.inputs[0]).out.shape.clone();
    let inputs = [Array { shape, values: Values::F32(x.to_vec()) }];
    let answers = interp::run(&graph, &inputs).expect("the graph runs");
    answers[0].values.as_f32().expect("answers are floats").to_vec()
}

/// Options of a convolution: SAME padding, strides, and what is fused.
fn strided(stride: i32, fused: usize, function: Field) -> build::Table {
    vec![(0, SAME), (1, Field::Int(stride)), (2, Field::Int(stride)), (fused, function)]
}

#[test]
fn a_convolution_pads_behind_first_and_ends_in_its_bounds() {
    let mut net = Net::default();
    let x = net.input(F32, &[1, 3, 3, 1], None);
    let w = net.floats(&[1, 2, 2, 1], &[1.0, 10.0, 100.0, 1000.0]);
    let b = net.floats(&[1], &[0.5]);
    let y = net.tensor(F32, &[1, 3, 3, 1], None);
    net.operator(CONV_2D, &[x, w, b], y, strided(1, 3, RELU));
    let found = answer(&net, y, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, -9.0]);
    let expected = [5421.5, 6532.5, 603.5, 8754.5, 0.0, 0.0, 87.5, 0.0, 0.0];
    assert_eq!(found, expected);
}

#[test]
fn channels_have_windows_of_their_own_and_weights_as_the_file_lists_them() {
    let mut net = Net::default();
    let x = net.input(F32, &[1, 1, 2, 2], None);
    // Two outputs a channel, of a window of one row and two columns: [1,kh,kw,m].
    let w = net.floats(&[1, 1, 2, 4], &[1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0]);
    let y = net.tensor(F32, &[1, 1, 2, 4], None);
    net.operator(DEPTHWISE_CONV_2D, &[x, w], y, strided(1, 4, RELU6));
    let found = answer(&net, y, &[0.125, 0.0625, 0.0, 0.125]);
    assert_eq!(found, [0.125, 0.25, 3.9375, 5.25, 0.0, 0.0, 0.375, 0.5]);
}

#[test]
fn means_of_windows_count_no_padding() {
    let mut net = Net::default();
    let x = net.input(F32, &[1, 3, 3, 1], None);
    let y = net.tensor(F32, &[1, 2, 2, 1], None);
    let size = vec![(3, Field::Int(2)), (4, Field::Int(2))];
    net.operator(AVERAGE_POOL_2D, &[x], y, [strided(2, 5, Field::Byte(0)), size].concat());
    let found = answer(&net, y, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    assert_eq!(found, [3.0, 4.5, 7.5, 9.0]);
}

#[test]
fn rows_are_multiplied_by_a_matrix_of_outputs() {
    let mut net = Net::default();
    let x = net.input(F32, &[1, 2, 1, 1], None);
    let w = net.floats(&[3, 2], &[1.0, 2.0, 3.0, 4.0, -5.0, -6.0]);
    let y = net.tensor(F32, &[1, 3], None);
    net.operator(FULLY_CONNECTED, &[x, w], y, vec![(0, RELU)]);
    assert_eq!(answer(&net, y, &[1.0, 10.0]), [21.0, 43.0, 0.0]);
}

/// Constants of bytes under floats.
fn weights(net: &mut Net, shape: &[i32], scales: &[f32], values: &[i8]) -> i32 {
    net.constant_of(I8, shape, scales, values.iter().map(|w| w.cast_unsigned()).collect())
}

#[test]
fn floats_meet_weights_of_bytes_in_whole_steps_around_zero() {
    let mut net = Net::default();
    let x = net.input(F32, &[1, 2], None);
    let w = weights(&mut net, &[1, 2], &[0.01], &[127, 64]);
    let y = net.tensor(F32, &[1, 1], None);
    net.operator([9, 3], &[x, w], y, vec![]);
    // 127 steps to 2: 1 is 64 of them, and -2 is -127. Floats would sum up to -0.01.
    assert!(answer(&net, y, &[1.0, -2.0])[0].abs() < 1e-6);
}

#[test]
fn floats_meet_weights_of_bytes_in_whole_steps_between_their_ends() {
    let mut net = Net::default();
    let x = net.input(F32, &[1, 1, 1, 2], None);
    let w = weights(&mut net, &[2, 1, 1, 2], &[0.01, 0.02], &[100, -100, 0, 50]);
    let y = net.tensor(F32, &[1, 1, 1, 2], None);
    net.operator([3, 2], &[x, w], y, strided(1, 3, Field::Byte(0)));
    // 255 steps to 1, of which 0.101 is 26 and not 25.8.
    let found = answer(&net, y, &[1.0, 0.101]);
    let expected = [(255.0 - 26.0) / 255.0, 26.0 / 255.0];
    assert!(
        found.iter().zip(expected).all(|(y, e): (&f32, f32)| (y - e).abs() < 1e-6),
        "{found:?}"
    );
}

#[test]
fn masks_leave_bounds_of_slices_out() {
    let mut net = Net::default();
    let x = net.input(F32, &[1, 3, 4], None);
    let [begin, end, stride] =
        [[0, -2, 7], [0, 0, 0], [1, 1, -2]].map(|values| net.integers(&[3], &values));
    let y = net.tensor(F32, &[2, 2], None);
    // The first dimension is taken at one index; of the last the end is left out, of the second too.
    let masks = vec![(0, Field::Int(0)), (1, Field::Int(6)), (4, Field::Int(1))];
    net.operator(STRIDED_SLICE, &[x, begin, end, stride], y, masks);
    let x: Vec<f32> = (0..12_u8).map(f32::from).collect();
    assert_eq!(answer(&net, y, &x), [7.0, 5.0, 11.0, 9.0]);
}

#[test]
fn what_is_not_read_is_named_with_its_version_and_its_place() {
    let mut net = Net::default();
    let x = net.input(F32, &[1, 4], None);
    let y = net.tensor(F32, &[1, 4], None);
    net.operator(LSTM, &[x], y, vec![]);
    let z = net.tensor(F32, &[1, 4], None);
    net.operator([0, 9], &[y, y], z, vec![]);
    let error = read(net.file(&[z])).expect_err("no such operator is read").to_string();
    assert!(error.contains("LSTM (version 4): is not supported (at \"tensor_1\")"), "{error}");
    assert!(error.contains("ADD (version 9): versions up to 5 are supported"), "{error}");
}

/// A network of bytes: a convolution, a sum, a dense layer, and each function of bytes behind it. What it answers.
fn of_bytes() -> (Net, Vec<i32>) {
    let mut net = Net::default();
    let scale = Some((0.5, -3));
    let x = net.input(I8, &[1, 2, 2, 2], scale);
    let w = net.constant(I8, &[2, 1, 1, 2], Some((0.25, 0)), vec![1, 2, 0xfd, 4]);
    let b = net.constant(I32, &[2], Some((0.125, 0)), words(&[7, -8]));
    let y = net.tensor(I8, &[1, 2, 2, 2], scale);
    net.operator([3, 3], &[x, w, b], y, strided(1, 3, RELU));
    let sum = net.tensor(I8, &[1, 2, 2, 2], Some((1.0, 4)));
    net.operator([0, 2], &[x, y], sum, vec![]);
    let w = (0..24).map(|i: i16| (i * 7 % 19 - 9) as u8).collect();
    let w = net.constant(I8, &[3, 8], Some((0.0123, 0)), w);
    let b = net.constant(I32, &[3], Some((0.0123, 0)), words(&[100, -50, 3]));
    let dense = net.tensor(I8, &[1, 3], Some((0.11, 5)));
    net.operator([9, 4], &[sum, w, b], dense, vec![]);
    let mut outputs = vec![sum, dense];
    for (operator, scale) in [
        (SOFTMAX, (1.0 / 256.0, -128)),
        (LOGISTIC, (1.0 / 256.0, -128)),
        (TANH, (1.0 / 128.0, 0)),
        (HARD_SWISH, (0.09, -7)),
    ] {
        let y = net.tensor(I8, &[1, 3], Some(scale));
        net.operator(operator, &[dense], y, vec![(0, Field::Float(1.0))]);
        outputs.push(y);
    }
    (net, outputs)
}

/// Integers as they lie in a file.
fn words(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// The answers are those of LiteRT's reference kernels.
#[test]
fn bytes_are_those_of_the_reference_kernels() {
    let (net, outputs) = of_bytes();
    let graph = read(net.file(&outputs)).expect("the file is sound");
    let x = Values::I8(vec![5, -128, 127, 0, 33, -77, -3, 90]);
    let inputs = [Array { shape: vec![1, 2, 2, 2], values: x }];
    let expected: [&[i8]; 6] = [
        &[8, -59, 87, 6, 22, -33, 29, 96],
        &[49, 27, 19],
        &[99, -108, -120],
        &[126, 107, 83],
        &[127, 126, 117],
        &[47, 17, 6],
    ];
    let mut legal = graph.clone();
    mnv2c::pass::run_all(&mut legal, |_, _, _| ()).expect("the graph is sound");
    let answers = interp::run(&legal, &inputs).expect("the graph runs");
    let answers: Vec<&[i8]> =
        answers.iter().map(|it| it.values.as_i8().expect("answers are bytes")).collect();
    assert_eq!(answers, expected);
}

#[test]
fn bytes_stay_bytes() {
    let (net, outputs) = of_bytes();
    let mut graph = read(net.file(&outputs)).expect("the file is sound");
    mnv2c::pass::run_all(&mut graph, |_, _, _| ()).expect("the graph is sound");
    let text = graph.to_string();
    assert!(text.contains("qconv") && !text.contains(" dequantize"), "{text}");
}

#[test]
fn damaged_files_are_refused() {
    let (net, outputs) = of_bytes();
    let file = net.file(&outputs);
    for len in 0..file.len() {
        assert!(read(file[..len].to_vec()).is_err() || len > file.len() / 2, "{len} bytes");
    }
    for at in 0..file.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = file.clone();
            damaged[at] = byte;
            // Whatever this is now, it is read or refused.
            if let Ok(graph) = read(damaged) {
                assert_eq!(mnv2c::ir::verify::verify(&graph), [], "byte {at} is {byte}");
            }
        }
    }
}

#[test]
fn the_docs_list_what_is_read() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tflite.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let made = "cargo run -p mnv2c --example tflite_ops > compiler/docs/tflite.md";
    assert!(page.contains(made) && page.ends_with(&tflite::table()), "make the page again: {made}");
}

#[test]
fn a_mirror_may_show_the_first_and_last_elements_twice() {
    let mut net = Net::default();
    let x = net.input(F32, &[2, 3], None);
    let pads = net.integers(&[2, 2], &[1, 0, 2, 3]);
    let y = net.tensor(F32, &[3, 8], None);
    net.operator(MIRROR_PAD, &[x, pads], y, vec![(0, Field::Byte(1))]);
    let row = |x: [f32; 3]| [x[1], x[0], x[0], x[1], x[2], x[2], x[1], x[0]];
    let (first, last) = (row([1.0, 2.0, 3.0]), row([4.0, 5.0, 6.0]));
    let found = answer(&net, y, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(found, [first, first, last].concat());
}

/// Calls of a layer that remembers two steps: two features, of which each output adds one rank's up.
#[test]
fn a_filter_of_rank_two_remembers_features() {
    let mut net = Net::default();
    let x = net.input(F32, &[1, 2], None);
    let features = net.floats(&[2, 2], &[1.0, 2.0, -1.0, 0.5]);
    let times = net.floats(&[2, 2], &[10.0, 1.0, 100.0, 3.0]);
    let bias = net.floats(&[1], &[0.25]);
    let state = net.kept(F32, &[1, 4], None);
    let y = net.tensor(F32, &[1, 1], None);
    let inputs = [x, features, times, bias, state];
    net.operator(SVDF, &inputs, y, vec![(0, Field::Int(2)), (1, Field::Byte(0))]);
    let graph = read(net.file(&[y])).expect("the file is sound");
    assert_eq!((graph.inputs.len(), graph.states.len()), (1, 1));
    let calls = [[1.0, 2.0], [0.0, 1.0], [-1.0, 0.0]];
    let calls = calls.map(|x| vec![Array { shape: vec![1, 2], values: Values::F32(x.to_vec()) }]);
    let answers = interp::calls(&graph, &calls).expect("the graph runs");
    let answers: Vec<f32> =
        answers.iter().filter_map(|call| call[0].values.as_f32().map(|y| y[0])).collect();
    // Features are 5 and 0, then 2 and 0.5, then -1 and 1.
    assert_eq!(answers, [5.25, 50.0 + 2.0 + 1.5 + 0.25, 20.0 - 1.0 + 50.0 + 3.0 + 0.25]);
}
