//! Integers that a network computes are given as integers: places of the greatest, counts and truth values, by the
//! formulas of ONNX, in the oracle and in the program that is emitted.

use mnv2c::interp::Array;
use mnv2c::ir::Values;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int};
use crate::truths::answers;

/// Dimensions of the operand.
const SHAPE: [usize; 3] = [2, 3, 4];

/// Numbers of which some are equal.
fn numbers() -> Vec<f32> {
    (0..24).map(|at| (at * 7 % 5) as f32 - 2.0).collect()
}

/// Elements along `axis`, for each place outside and inside of it.
fn lines(axis: usize) -> Vec<Vec<f32>> {
    let inner: usize = SHAPE[axis + 1..].iter().product();
    let (x, len) = (&numbers(), SHAPE[axis]);
    let line =
        |at: usize| (0..len).map(move |i| x[at / inner * inner * len + at % inner + i * inner]);
    (0..24 / len).map(|at| line(at).collect()).collect()
}

/// Places along a line, the greatest element's first, or the least's; of equals the first.
fn ranking(line: &[f32], least: bool) -> Vec<usize> {
    let mut places: Vec<usize> = (0..line.len()).collect();
    let order = |a: &usize, b: &usize| line[*a].partial_cmp(&line[*b]).unwrap();
    places.sort_by(|a, b| if least { order(a, b) } else { order(b, a) });
    places
}

fn input() -> Model {
    Model::opset(13).input("x", &SHAPE.map(|dim| dim as i64))
}

fn given() -> [Array; 1] {
    [Array::f32(SHAPE, numbers())]
}

#[test]
fn the_place_of_the_greatest_and_of_the_least_is_told() {
    for (op, least) in [("ArgMax", false), ("ArgMin", true)] {
        for (axis, keep, last) in (0..3)
            .flat_map(|axis| [(axis, 0, false), (axis, 1, false), (axis, 0, true), (axis, 1, true)])
        {
            let ways = vec![
                int("axis", axis as i64 - if keep == 0 { 3 } else { 0 }),
                int("keepdims", keep),
                int("select_last_index", last.into()),
            ];
            let model = input().node(op, &["x"], &["y"], ways).output_of("y", DataType::Int64);
            let place = |line: &Vec<f32>| {
                let first = ranking(line, least)[0];
                let equal = |at: &usize| line[*at] == line[first];
                let place = if last { (0..line.len()).rfind(equal).unwrap() } else { first };
                place as i64
            };
            let expected = lines(axis).iter().map(place).collect();
            assert_eq!(answers(&model, &given()), [Values::I64(expected)], "{op} {axis} {last}");
            let mut shape = SHAPE.to_vec();
            if keep == 1 {
                shape[axis] = 1;
            } else {
                shape.remove(axis);
            }
            let graph = model.read().unwrap();
            assert_eq!(graph.node(graph.outputs[0].node).out.shape, shape);
        }
    }
}

#[test]
fn the_first_few_are_told_with_their_places() {
    for (axis, count, least) in [(2, 1, false), (2, 4, true), (1, 2, false), (0, 2, true)] {
        let ways = vec![int("axis", axis as i64), int("largest", i64::from(!least))];
        let model = input().ints("k", &[count as i64]);
        let model = model.node("TopK", &["x", "k"], &["v", "i"], ways);
        let model = model.output("v").output_of("i", DataType::Int64);
        let inner: usize = SHAPE[axis + 1..].iter().product();
        let (mut values, mut places) = (vec![0.0; 24 / SHAPE[axis] * count], vec![]);
        places.resize(values.len(), 0);
        for (at, line) in lines(axis).iter().enumerate() {
            for (rank, place) in ranking(line, least).into_iter().take(count).enumerate() {
                let into = (at / inner * count + rank) * inner + at % inner;
                (values[into], places[into]) = (line[place], place as i64);
            }
        }
        let found = answers(&model, &given());
        assert_eq!(found, [Values::F32(values), Values::I64(places)], "{axis} {count} {least}");
    }
}

#[test]
fn integers_and_truth_values_are_given_as_such() {
    let model = input().scalar("zero", 0.0).node("Less", &["x", "zero"], &["t"], vec![]);
    let model = model.node("Cast", &["x"], &["n"], vec![int("to", 6)]);
    let model = model.node("Where", &["t", "n", "one"], &["w"], vec![]);
    let one = [1_i32].iter().flat_map(|x| x.to_le_bytes()).collect();
    let model = model.tensor(crate::build::raw_tensor("one", DataType::Int32, &[], one));
    let model = model.output_of("t", DataType::Bool).output_of("n", DataType::Int32);
    let model = model.output_of("w", DataType::Int32).output_of("k", DataType::Int64);
    let model = model.ints("k", &[-3, 1 << 24]);
    let x = numbers();
    let expected = [
        Values::U8(x.iter().map(|x| u8::from(*x < 0.0)).collect()),
        Values::I32(x.iter().map(|x| *x as i32).collect()),
        Values::I32(x.iter().map(|x| if *x < 0.0 { *x as i32 } else { 1 }).collect()),
        Values::I64(vec![-3, 1 << 24]),
    ];
    assert_eq!(answers(&model, &given()), expected);
}

#[test]
fn a_constant_beyond_exact_floats_is_refused() {
    let model = input().node("Relu", &["x"], &["y"], vec![]).output("y");
    let model = model.ints("k", &[(1 << 24) + 1]).output_of("k", DataType::Int64);
    let words = model.read().unwrap_err().to_string();
    assert!(words.contains("a constant that holds 16777217; supported: up to 2^24"), "{words}");
}

#[test]
fn a_count_is_constant_and_not_beyond_its_axis() {
    let model = |count: i64| {
        let model = input().ints("k", &[count]);
        model.node("TopK", &["x", "k"], &["v", "i"], vec![]).output("v").text()
    };
    assert!(model(5).contains("its count is not within 4"));
    assert!(model(2).contains("top_k \"v\" x=%0 axis 2 count 2 -> f32[2,3,2]"), "{}", model(2));
}
