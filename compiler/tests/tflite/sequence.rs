//! Layers on bytes that remember what they saw.

use mnv2c::interp::{self, Array};
use mnv2c::ir::{Graph, Values};
use mnv2c::objective::Memory;
use mnv2c::target::Target;
use mnv2c::{compile, shadow, testing};

use crate::build::{Field, I8, I16, I32, Net, Table};
use crate::{SOFTMAX, SVDF, read};

const QUANTIZE: [i32; 2] = [114, 3];
const SUB: [i32; 2] = [41, 5];
const LSTM: [i32; 2] = [44, 4];

/// Bytes that repeat after 251.
fn ramp(len: u32, by: u32) -> Vec<u8> {
    (0..len).map(|i| ((i * by % 251) as i32 - 125) as u8).collect()
}

/// The whole numbers that calls answer, by the oracle, which the loop program gives too.
fn answers(graph: &Graph, calls: &[Vec<i8>]) -> Vec<Vec<i32>> {
    let shape = graph.node(graph.inputs[0]).out.shape.clone();
    let given = |x: &Vec<i8>| vec![Array { shape: shape.clone(), values: Values::I8(x.clone()) }];
    let given: Vec<Vec<Array>> = calls.iter().map(given).collect();
    let found = interp::calls(graph, &given).expect("the graph runs");
    let whole = |call: &Vec<Array>| -> Vec<i32> {
        match &call[0].values {
            Values::I8(bytes) => bytes.iter().map(|q| i32::from(*q)).collect(),
            Values::I32(numbers) => numbers.clone(),
            Values::F32(numbers) => numbers.iter().map(|x| *x as i32).collect(),
            other => panic!("answers are {}", other.dtype()),
        }
    };
    let found: Vec<Vec<i32>> = found.iter().map(whole).collect();
    let floats = |x: &Vec<i8>| {
        vec![Array::f32(shape.clone(), x.iter().map(|q| f32::from(*q)).collect::<Vec<f32>>())]
    };
    let options = testing::options(Target::GENERIC, Memory::default());
    let net = compile(graph.clone(), &options, |_, _, _| ()).expect("it compiles");
    let given: Vec<Vec<Array>> = calls.iter().map(floats).collect();
    let ran = shadow::execute_calls(&net, &given).expect("the program is sound");
    assert_eq!(ran.iter().map(whole).collect::<Vec<_>>(), found);
    found
}

/// Four filters of three steps, summed up by two; times and state of 16 bits.
fn svdf() -> (Net, i32) {
    let mut net = Net::default();
    let x = net.input(I8, &[1, 3], Some((0.1, -5)));
    let features = net.constant_of(I8, &[4, 3], &[0.02], ramp(12, 91));
    let numbers = (0..12_i16).flat_map(|i| (i.wrapping_mul(5003) ^ 0x2a5a).to_le_bytes()).collect();
    let times = net.constant_of(I16, &[4, 3], &[0.0001], numbers);
    let bias = net.integers(&[2], &[30_000_000, -12_345_678]);
    let state = net.kept(I16, &[1, 12], Some((0.002, 0)));
    let y = net.tensor(I8, &[1, 2], Some((0.3, -128)));
    let options = vec![(0, Field::Int(2)), (1, Field::Byte(1))];
    net.operator(SVDF, &[x, features, times, bias, state], y, options);
    (net, y)
}

/// The answers are those of LiteRT's reference kernels.
#[test]
fn filters_of_bytes_remember_words() {
    let (net, y) = svdf();
    let graph = read(net.file(&[y])).expect("the file is sound");
    assert_eq!((graph.inputs.len(), graph.states.len()), (1, 1));
    let calls = [[100, -100, 50], [-128, 127, 0], [7, 8, 9], [-5, -5, -5], [127, 127, 127]];
    let found = answers(&graph, &calls.map(|call| call.to_vec()));
    assert_eq!(found, [[-128, -86], [-92, -128], [127, -128], [-10, -128], [-128, -128]]);
}

/// The answers are those of LiteRT's reference kernels.
#[test]
fn shares_of_bytes_may_be_words_and_words_may_be_counted() {
    let mut net = Net::default();
    let x = net.input(I8, &[1, 4], Some((0.07, 2)));
    let shares = net.tensor(I16, &[1, 4], Some((1.0 / 65536.0, -32768)));
    net.operator(SOFTMAX, &[x], shares, vec![(0, Field::Float(1.0))]);
    let counts = net.tensor(I32, &[1, 4], Some((1.0 / 32768.0, 0)));
    net.operator(QUANTIZE, &[shares], counts, vec![]);
    let graph = read(net.file(&[counts])).expect("the file is sound");
    let found = answers(&graph, &[vec![5, -3, 20, -128], vec![127, 127, 127, -128]]);
    assert_eq!(found, [[7399, 4226, 21_143, 1], [10_923, 10_923, 10_923, 0]]);
}

/// Two steps of three numbers through two cells.
fn lstm() -> (Net, i32) {
    const NONE: i32 = -1;
    let mut net = Net::default();
    let x = net.input(I8, &[1, 2, 3], Some((0.01, -20)));
    let mut gate = |len: i32, by: u32, scale| {
        net.constant_of(I8, &[2, len], &[scale], ramp(2 * len as u32, by))
    };
    let weights = [(41, 0.004), (67, 0.003), (83, 0.005), (101, 0.004)];
    let of_x = weights.map(|(by, scale)| gate(3, by, scale));
    let of_output = weights.map(|(by, scale)| gate(2, by + 7, scale));
    let biases = [[900, -900], [0, 400], [-3000, 2500], [50, 60]];
    let biases = biases.map(|numbers| net.integers(&[2], &numbers));
    let output = net.kept(I8, &[1, 2], Some((0.008, 3)));
    let cells = net.kept(I16, &[1, 2], Some((1.0 / 2048.0, 0)));
    let y = net.tensor(I8, &[1, 2, 2], Some((0.008, 3)));
    let absent = [NONE; 4];
    let inputs = [
        &[x],
        &of_x[..],
        &of_output,
        &absent[..3],
        &biases,
        &absent[..2],
        &[output, cells],
        &absent,
    ];
    let options: Table = vec![(0, Field::Byte(4)), (1, Field::Float(4.0))];
    net.operator(LSTM, &inputs.concat(), y, options);
    (net, y)
}

#[test]
fn cells_of_words_go_on_where_they_were() {
    let (net, y) = lstm();
    let graph = read(net.file(&[y])).expect("the file is sound");
    assert_eq!((graph.inputs.len(), graph.states.len()), (1, 2));
    let calls = [[100, -100, 50, -20, -20, -20], [-128, 127, 0, 1, 2, 3], [127; 6]];
    let found = answers(&graph, &calls.map(|call| call.to_vec()));
    assert_eq!(found, [[-8, 19, -7, 17], [7, -20, -3, 4], [-6, 19, -7, 23]]);
}

#[test]
fn words_are_taken_away() {
    let mut net = Net::default();
    let x = net.input(I8, &[1, 4], Some((0.5, -7)));
    let words = net.tensor(I16, &[1, 4], Some((0.002, 0)));
    net.operator(QUANTIZE, &[x], words, vec![]);
    let by = net.constant(I16, &[1], Some((0.01, 0)), 300_i16.to_le_bytes().to_vec());
    let y = net.tensor(I16, &[1, 4], Some((0.004, 0)));
    net.operator(SUB, &[words, by], y, vec![(1, Field::Byte(0))]);
    let graph = read(net.file(&[y])).expect("the file is sound");
    let found = answers(&graph, &[vec![-7, 0, 100, -128]]);
    assert_eq!(found, [[-750, 125, 12_625, -15_875]]);
}
