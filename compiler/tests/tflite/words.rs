//! Activations of 16 bits beside weights of bytes.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::objective::{Memory, Objective};
use mnv2c::target::Target;
use mnv2c::{compile, shadow, testing};

use crate::build::{F32, Field, I8, I16, I64, Net, Table};
use crate::{SAME, read};

/// Bytes that repeat after 255.
fn ramp(len: u32) -> Vec<u8> {
    (0..len).map(|i| ((i * 37 % 255) as i32 - 127) as u8).collect()
}

fn longs(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Strides of 1, and no function fused at a field.
fn window(fused: usize) -> Table {
    vec![(0, SAME), (1, Field::Int(1)), (2, Field::Int(1)), (fused, Field::Byte(0))]
}

/// Each operator once.
fn net() -> (Net, Vec<i32>) {
    let mut net = Net::default();
    let image = [1, 2, 3, 2];
    let word = |net: &mut Net, shape: &[i32], scale| net.tensor(I16, shape, Some((scale, 0)));
    let x = net.input(I16, &image, Some((0.01, 0)));
    let w = net.constant_of(I8, &[2, 2, 2, 2], &[0.02, 0.013], ramp(16));
    let b = net.constant(I64, &[2], None, longs(&[70_000, -90_000]));
    let conv = word(&mut net, &image, 0.5);
    net.operator([3, 4], &[x, w, b], conv, window(3));
    let w = net.constant_of(I8, &[1, 2, 2, 4], &[0.01, 0.02, 0.03, 0.004], ramp(16));
    let b = net.constant(I64, &[4], None, longs(&[1, -2, 3000, -40_000]));
    let depthwise = word(&mut net, &[1, 2, 3, 4], 0.7);
    net.operator([4, 5], &[x, w, b], depthwise, window(4));
    let sum = word(&mut net, &image, 0.6);
    net.operator([0, 4], &[conv, x], sum, vec![(1, Field::Byte(0))]);
    let by = [123_i16, -31_000].iter().flat_map(|x| x.to_le_bytes()).collect();
    let by = net.constant(I16, &[2], Some((0.001, 0)), by);
    let product = word(&mut net, &image, 0.8);
    net.operator([18, 4], &[sum, by], product, vec![]);
    let mean = word(&mut net, &image, 0.8);
    let size = vec![(3, Field::Int(2)), (4, Field::Int(2))];
    net.operator([1, 3], &[product], mean, [window(5), size].concat());
    let flat = word(&mut net, &[1, 12], 0.8);
    let shape = net.integers(&[2], &[1, 12]);
    net.operator([22, 1], &[mean, shape], flat, vec![]);
    let w = net.constant_of(I8, &[3, 12], &[0.011], ramp(36));
    let b = net.constant(I64, &[3], None, longs(&[12_345, -678_910, 0]));
    let dense = word(&mut net, &[1, 3], 1.5);
    net.operator([9, 7], &[flat, w, b], dense, vec![]);
    let leaky = word(&mut net, &[1, 3], 1.1);
    net.operator([98, 2], &[dense], leaky, vec![(0, Field::Float(0.25))]);
    let bounded = word(&mut net, &image, 0.0007);
    net.operator([21, 3], &[sum], bounded, vec![]);
    (net, vec![conv, depthwise, sum, product, mean, dense, leaky, bounded])
}

/// The answers are those of LiteRT's reference kernels.
#[test]
fn words_are_those_of_the_reference_kernels() {
    let (net, outputs) = net();
    let graph = read(net.file(&outputs)).expect("the file is sound");
    let x = [1000, -2000, 32767, -32768, 5, -6, 77, 12345, -12345, 300, -1, 0];
    let inputs = [Array::f32([1, 2, 3, 2], x.map(|x: i32| x as f32).to_vec())];
    let expected: [&[i16]; 8] = [
        &[-633, 359, -554, -530, 28, -23, -161, -142, 644, 249, 28, -23],
        &[
            -30, 167, -1366, 246, -443, -670, 744, 28, 0, 0, 1, -2, -38, -207, -267, -16, 224, 317,
            -6, -3, 0, 0, 1, -2,
        ],
        &[-511, 266, 84, -988, 23, -19, -133, 87, 331, 213, 23, -19],
        &[-47, -6185, 8, 22971, 2, 442, -12, -2023, 31, -4952, 2, 442],
        &[-5, 2453, 11, 4726, 2, 442, 10, -3488, 17, -2255, 2, 442],
        &[1711, -4787, 1999],
        &[2333, -1632, 2726],
        &[0, 8571, 8571, 0, 8571, 0, 0, 8571, 8571, 8571, 8571, 0],
    ];
    let as_words = |answers: Vec<Array>| -> Vec<Vec<i16>> {
        let words = |it: &Array| match &it.values {
            Values::F32(words) => words.iter().map(|x| *x as i16).collect(),
            other => panic!("answers are {}", other.dtype()),
        };
        answers.iter().map(words).collect()
    };
    let answers = interp::run(&graph, &inputs).expect("the graph runs");
    assert_eq!(as_words(answers), expected);
    for objective in [Objective::Speed, Objective::Ram] {
        let memory = Memory { objective, ..Memory::default() };
        let options = testing::options(Target::GENERIC, memory);
        let net = compile(graph.clone(), &options, |_, _, _| ()).expect("it compiles");
        let answers = shadow::execute(&net, &inputs).expect("the program is sound");
        assert_eq!(as_words(answers), expected);
    }
}

#[test]
fn reals_become_words_and_words_reals() {
    let mut net = Net::default();
    let x = net.input(F32, &[6], None);
    let words = net.tensor(I16, &[6], Some((0.5, 0)));
    net.operator([114, 3], &[x], words, vec![]);
    let y = net.tensor(F32, &[6], None);
    net.operator([6, 5], &[words], y, vec![]);
    let graph = read(net.file(&[words, y])).expect("the file is sound");
    let inputs = [Array::f32([6], vec![0.25, -0.75, 0.2, 1e9, -1e9, 3.0])];
    let answers = interp::run(&graph, &inputs).expect("the graph runs");
    let steps = [1.0, -2.0, 0.0, 32767.0, -32768.0, 6.0];
    assert_eq!(answers[0].values, Values::F32(steps.to_vec()));
    assert_eq!(answers[1].values, Values::F32(steps.map(|x| x * 0.5).to_vec()));
    assert!(graph.notes.iter().any(|note| note.contains("of int16 is floats of the same values")));
}

#[test]
fn what_is_not_exact_on_words_is_refused_by_name() {
    let refused = |number: i32, version: i32, scales: [(f32, i64); 2], options: Table| {
        let mut net = Net::default();
        let x = net.input(I16, &[1, 4], Some(scales[0]));
        let y = net.tensor(I16, &[1, 4], Some(scales[1]));
        let inputs = if number == 0 { vec![x, x] } else { vec![x] };
        net.operator([number, version], &inputs, y, options);
        read(net.file(&[y])).expect_err("it is not exact").to_string()
    };
    let same = [(0.5, 0), (0.5, 0)];
    let said = refused(14, 2, same, vec![]);
    assert!(
        said.contains("LOGISTIC (version 2): reads \"tensor_0\" of type I16 as reals"),
        "{said}"
    );
    assert!(refused(0, 4, same, vec![(0, Field::Byte(0))]).contains("adds int16 by shifts"));
    assert!(refused(19, 3, [(0.5, 3), (0.5, 0)], vec![]).contains("has a zero point"));
}
