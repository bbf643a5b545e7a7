//! Variables: what a file keeps between calls.

use mnv2c::interp::{self, Array};
use mnv2c::ir::{Graph, Values};
use mnv2c::objective::Memory;
use mnv2c::target::Target;
use mnv2c::{compile, shadow, testing};

use crate::build::{ASSIGN_VARIABLE, F32, Field, I8, Net, READ_VARIABLE, Table};
use crate::read;

const ADD: [i32; 2] = [0, 1];
const CONCATENATION: [i32; 2] = [2, 2];
const STRIDED_SLICE: [i32; 2] = [45, 2];

/// Answers to calls by the oracle, which the loop program gives too.
fn answers(graph: &Graph, calls: &[Vec<Array>]) -> Vec<Vec<Array>> {
    let answers = interp::calls(graph, calls).expect("the graph runs");
    let options = testing::options(Target::GENERIC, Memory::default());
    let net = compile(graph.clone(), &options, |_, _, _| ()).expect("it compiles");
    let widened = |call: &Vec<Array>| call.iter().map(widened).collect();
    let given: Vec<Vec<Array>> = calls.iter().map(widened).collect();
    let found = shadow::execute_calls(&net, &given).expect("the program is sound");
    assert_eq!(found, answers.iter().map(widened).collect::<Vec<Vec<Array>>>());
    answers
}

/// Floats in the place of signed bytes, as programs have them.
fn widened(array: &Array) -> Array {
    match &array.values {
        Values::I8(bytes) => {
            Array::f32(array.shape.clone(), bytes.iter().map(|q| f32::from(*q)).collect())
        }
        _ => array.clone(),
    }
}

#[test]
fn a_variable_is_what_was_assigned_last_and_lives_on() {
    let mut net = Net::default();
    let x = net.input(F32, &[2], None);
    let start = net.floats(&[2], &[1.0, 2.0]);
    let v = net.variable("v", Some(start));
    let [before, sum, after, twice] = [(); 4].map(|()| net.tensor(F32, &[2], None));
    net.operator(READ_VARIABLE, &[v], before, vec![]);
    net.operator(ADD, &[before, x], sum, vec![]);
    net.effect(ASSIGN_VARIABLE, &[v, sum], vec![]);
    net.operator(READ_VARIABLE, &[v], after, vec![]);
    net.operator(ADD, &[after, after], twice, vec![]);
    net.effect(ASSIGN_VARIABLE, &[v, twice], vec![]);
    let graph = read(net.file(&[before, after])).expect("the file is sound");
    assert_eq!(graph.inputs.len(), 1);
    let call = |x: [f32; 2]| vec![Array::f32([2], x.to_vec())];
    let found = answers(&graph, &[call([10.0, 20.0]), call([-2.0, 1.0]), call([0.0, 0.0])]);
    let expected =
        [[[1.0, 2.0], [11.0, 22.0]], [[22.0, 44.0], [20.0, 45.0]], [[40.0, 90.0], [40.0, 90.0]]];
    for (found, expected) in found.iter().zip(expected) {
        let found: Vec<&[f32]> = found.iter().filter_map(|it| it.values.as_f32()).collect();
        assert_eq!(found, expected);
    }
}

/// A window of bytes that slides: the file's first three calls, by the meaning of the format.
#[test]
fn a_window_of_bytes_is_kept_as_bytes() {
    let mut net = Net::default();
    let scale = Some((0.5, -7));
    let x = net.input(I8, &[1, 2], scale);
    let start = net.constant(I8, &[1, 3], scale, vec![0xf9; 3]);
    let v = net.variable("window", Some(start));
    let was = net.tensor(I8, &[1, 3], scale);
    net.operator(READ_VARIABLE, &[v], was, vec![]);
    let all = net.tensor(I8, &[1, 5], scale);
    net.operator(CONCATENATION, &[was, x], all, vec![(0, Field::Int(1))]);
    let [begin, end, stride] = [[0, 2], [0, 0], [1, 1]].map(|values| net.integers(&[2], &values));
    let next = net.tensor(I8, &[1, 3], scale);
    let masks: Table = vec![(0, Field::Int(1)), (1, Field::Int(3))];
    net.operator(STRIDED_SLICE, &[all, begin, end, stride], next, masks);
    net.effect(ASSIGN_VARIABLE, &[v, next], vec![]);
    let graph = read(net.file(&[all])).expect("the file is sound");
    let call = |x: [i8; 2]| vec![Array { shape: vec![1, 2], values: Values::I8(x.to_vec()) }];
    let found = answers(&graph, &[call([1, 2]), call([-128, 127]), call([5, 6])]);
    let expected = [[-7, -7, -7, 1, 2], [-7, 1, 2, -128, 127], [2, -128, 127, 5, 6]];
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found[0].values, Values::I8(expected.to_vec()));
    }
    let mut kept = graph.states.iter().map(|state| graph.node(state.input).out.to_string());
    assert_eq!(kept.next().as_deref(), Some("i8[1,3]"));
}

#[test]
fn a_variable_without_a_start_is_zero_and_one_that_is_not_read_is_left_out() {
    let mut net = Net::default();
    let x = net.input(F32, &[1], None);
    let (v, unread) = (net.variable("v", None), net.variable("unread", None));
    let [before, sum] = [(); 2].map(|()| net.tensor(F32, &[1], None));
    net.operator(READ_VARIABLE, &[v], before, vec![]);
    net.operator(ADD, &[before, x], sum, vec![]);
    net.effect(ASSIGN_VARIABLE, &[v, sum], vec![]);
    net.effect(ASSIGN_VARIABLE, &[unread, sum], vec![]);
    let graph = read(net.file(&[sum])).expect("the file is sound");
    assert_eq!(graph.states.len(), 1);
    let calls = [3.0, 4.0].map(|x| vec![Array::f32([1], vec![x])]);
    let sums: Vec<f32> = answers(&graph, &calls)
        .iter()
        .map(|call| call[0].values.as_f32().expect("floats")[0])
        .collect();
    assert_eq!(sums, [3.0, 7.0]);
}

#[test]
fn a_start_that_is_computed_is_refused_by_name() {
    let mut net = Net::default();
    let x = net.input(F32, &[1], None);
    let v = net.variable("v", Some(x));
    let y = net.tensor(F32, &[1], None);
    net.operator(READ_VARIABLE, &[v], y, vec![]);
    let error = read(net.file(&[y])).expect_err("it is computed").to_string();
    assert!(
        error.contains("CALL_ONCE (version 1): starts a variable as something that is computed"),
        "{error}"
    );
}
