//! Truth values that are computed at run time: comparisons, logic, choices and casts answer by the formulas of ONNX, in
//! the oracle and in the program that is emitted.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::{Options, compile, shadow};

use crate::build::{Model, int, raw_tensor};

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;

/// Operands that meet in every way that numbers compare.
const A: [f32; 8] = [1.0, 2.0, 2.0, -0.0, NAN, NAN, INF, -INF];
const B: [f32; 8] = [2.0, 1.0, 2.0, 0.0, NAN, 1.0, INF, INF];

pub(crate) fn options() -> Options {
    mnv2c::testing::options("generic".parse().unwrap(), mnv2c::objective::Memory::default())
}

/// The outputs of the oracle and of the program.
fn both(model: &Model, inputs: &[Array]) -> [Vec<Array>; 2] {
    let graph = model.read().unwrap();
    let oracle = interp::run(&graph, inputs).unwrap();
    let net = compile(graph, &options(), |_, _, _| ()).unwrap();
    [oracle, shadow::execute(&net, inputs).unwrap()]
}

/// The output of the oracle and the program, which are equal.
pub(crate) fn answers(model: &Model, inputs: &[Array]) -> Vec<Values> {
    let [oracle, program] = both(model, inputs);
    let bits = |array: &Array| match &array.values {
        Values::F32(floats) => Values::I64(floats.iter().map(|x| i64::from(x.to_bits())).collect()),
        other => other.clone(),
    };
    assert!(oracle.iter().map(bits).eq(program.iter().map(bits)), "{oracle:?} {program:?}");
    oracle.into_iter().map(|array| array.values).collect()
}

/// Holds the outputs of the oracle and of the program to recorded floats.
pub(crate) fn near(model: &Model, input: Array, expected: &[&[f32]]) {
    for found in both(model, &[input]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let found = found.values.as_f32().unwrap();
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6;
            let equal = found.len() == expected.len() && found.iter().zip(*expected).all(close);
            assert!(equal, "{found:?}, recorded is {expected:?}");
        }
    }
}

fn floats(model: &Model, inputs: &[Array]) -> Vec<f32> {
    answers(model, inputs)[0].as_f32().unwrap().to_vec()
}

/// A model of inputs "a" and "b", whose answer is the truth value "t" as floats.
fn as_floats(model: Model) -> Model {
    model.node("Cast", &["t"], &["y"], vec![int("to", 1)]).output("y")
}

fn pair() -> Model {
    Model::opset(16).input("a", &[8]).input("b", &[8])
}

fn arrays() -> [Array; 2] {
    [Array::f32([8], A.to_vec()), Array::f32([8], B.to_vec())]
}

fn each(f: impl Fn(f32, f32) -> bool) -> Vec<f32> {
    A.iter().zip(B).map(|(a, b)| f32::from(u8::from(f(*a, b)))).collect()
}

#[test]
fn numbers_are_compared_as_ieee_compares_them() {
    type Holds = fn(f32, f32) -> bool;
    let cases: [(&str, Holds); 5] = [
        ("Equal", |a, b| a == b),
        ("Less", |a, b| a < b),
        ("LessOrEqual", |a, b| a <= b),
        ("Greater", |a, b| a > b),
        ("GreaterOrEqual", |a, b| a >= b),
    ];
    for (op, f) in cases {
        let model = as_floats(pair().node(op, &["a", "b"], &["t"], vec![]));
        assert_eq!(floats(&model, &arrays()), each(f), "{op}");
    }
}

#[test]
fn comparisons_broadcast_both_ways() {
    let model = Model::opset(13).input("a", &[2, 3]).input("b", &[3, 1, 1]);
    let model = as_floats(model.node("Less", &["a", "b"], &["t"], vec![]));
    let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let b = [2.0, 4.0, 9.0];
    let expected: Vec<f32> =
        b.iter().flat_map(|b| a.map(|a| f32::from(u8::from(a < *b)))).collect();
    let inputs = [Array::f32([2, 3], a.to_vec()), Array::f32([3, 1, 1], b.to_vec())];
    assert_eq!(floats(&model, &inputs), expected);
}

#[test]
fn truth_values_are_joined_and_turned() {
    let both = || {
        let model = pair().scalar("one", 1.5).node("Less", &["a", "one"], &["p"], vec![]);
        model.node("Greater", &["b", "one"], &["q"], vec![])
    };
    type Joins = fn(bool, bool) -> bool;
    let cases: [(&str, Joins); 3] =
        [("And", |p, q| p && q), ("Or", |p, q| p || q), ("Xor", |p, q| p != q)];
    for (op, f) in cases {
        let model = as_floats(both().node(op, &["p", "q"], &["t"], vec![]));
        assert_eq!(floats(&model, &arrays()), each(|a, b| f(a < 1.5, b > 1.5)), "{op}");
    }
    let model = as_floats(both().node("Not", &["p"], &["t"], vec![]));
    assert_eq!(floats(&model, &arrays()), each(|a, _| a >= 1.5 || a.is_nan()));
    let truths = raw_tensor("m", DataType::Bool, &[8], vec![1, 0, 1, 0, 1, 0, 1, 0]);
    let model = as_floats(both().tensor(truths).node("Xor", &["q", "m"], &["t"], vec![]));
    let turned = each(|_, b| b > 1.5).into_iter().enumerate();
    let expected: Vec<f32> = turned.map(|(at, q)| if at % 2 == 0 { 1.0 - q } else { q }).collect();
    assert_eq!(floats(&model, &arrays()), expected);
}

#[test]
fn of_the_branch_that_is_not_taken_nothing_shows() {
    let model = pair().input("c", &[8]).scalar("zero", 0.0);
    let model = model.node("Less", &["c", "zero"], &["t"], vec![]);
    let model = model.node("Where", &["t", "a", "b"], &["y"], vec![]).output("y");
    let which = [-1.0, 1.0, -1.0, -1.0, 1.0, 1.0, 1.0, -1.0];
    let [a, b] = arrays();
    let found = floats(&model, &[a, b, Array::f32([8], which.to_vec())]);
    for (at, found) in found.into_iter().enumerate() {
        let expected = if which[at] < 0.0 { A[at] } else { B[at] };
        let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
        assert!(same, "{at}: {found}, not {expected}");
    }
}

#[test]
fn a_quotient_by_zero_is_left_out() {
    let model = Model::opset(13).input("x", &[2, 3]).scalar("zero", 0.0);
    let ways = vec![crate::build::ints("axes", &[1]), int("keepdims", 1)];
    let model = model.node("ReduceMax", &["x"], &["m"], ways);
    let model = model.node("Equal", &["m", "zero"], &["t"], vec![]);
    let model = model.node("Div", &["x", "m"], &["d"], vec![]);
    let model = model.node("Where", &["t", "zero", "d"], &["y"], vec![]).output("y");
    let x = Array::f32([2, 3], vec![0.0, -1.0, -2.0, 1.0, 2.0, 4.0]);
    assert_eq!(floats(&model, &[x]), [0.0, 0.0, 0.0, 0.25, 0.5, 1.0]);
}

#[test]
fn casts_cut_what_is_behind_the_point() {
    let x = [1.9, -1.9, 0.0, -0.4, 1e6, 3.0, 250.7, -3.0];
    let through = |to: i64| {
        let model = Model::opset(16).input("a", &[8]);
        let model = as_floats(model.node("Cast", &["a"], &["t"], vec![int("to", to)]));
        floats(&model, &[Array::f32([8], x.to_vec())])
    };
    for to in [6, 7] {
        assert_eq!(through(to), [1.0, -1.0, 0.0, 0.0, 1e6, 3.0, 250.0, -3.0]);
    }
    assert_eq!(through(9), [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    let like = Model::opset(16).input("a", &[8]).ints("n", &[3]);
    let like = as_floats(like.node("CastLike", &["a", "n"], &["t"], vec![]));
    let found = floats(&like, &[Array::f32([8], x.to_vec())]);
    assert_eq!(found, [1.0, -1.0, 0.0, 0.0, 1e6, 3.0, 250.0, -3.0]);
}

#[test]
fn what_is_no_number_and_what_is_infinite_is_found() {
    let found = |op: &str, ways| {
        let model = pair().node(op, &["a"], &["t"], ways);
        floats(&as_floats(model), &arrays())
    };
    assert_eq!(found("IsNaN", vec![]), each(|a, _| a.is_nan()));
    assert_eq!(found("IsInf", vec![]), each(|a, _| a.is_infinite()));
    assert_eq!(found("IsInf", vec![int("detect_negative", 0)]), each(|a, _| a == INF));
    assert_eq!(found("IsInf", vec![int("detect_positive", 0)]), each(|a, _| a == -INF));
}

#[test]
fn counts_are_computed_as_long_as_they_stay_exact() {
    let counted = |then: &str, with: &[i64]| {
        let model = pair().node("Equal", &["a", "b"], &["t"], vec![]);
        let model = model.node("Cast", &["t"], &["n"], vec![int("to", 7)]).ints("k", with);
        let model = model.node(then, &["n", "k"], &["m"], vec![]);
        model.node("Cast", &["m"], &["y"], vec![int("to", 1)]).output("y")
    };
    let sums = each(|a, b| a == b).into_iter().map(|t| t + 5.0);
    assert_eq!(floats(&counted("Add", &[5]), &arrays()), sums.collect::<Vec<_>>());
    let refused = |model: Model| model.read().unwrap_err().to_string();
    let words = refused(counted("Mul", &[1 << 40]));
    assert!(words.contains("operand 1 holds 1099511627776"), "{words}");
    let words = refused(counted("Add", &[1 << 24]));
    assert!(words.contains("Add: arithmetic on int64 at run time beyond 2^24"), "{words}");
    let words = refused(counted("Div", &[2]));
    assert!(words.contains("Div: arithmetic on int64 at run time; supported: f32"), "{words}");
}

#[test]
fn truth_values_are_no_floats() {
    let model = pair().node("Less", &["a", "b"], &["t"], vec![]);
    let add = model.clone().node("Add", &["t", "a"], &["y"], vec![]).output("y");
    let words = add.read().unwrap_err().to_string();
    assert!(words.contains("Add: bool mixed with floats at run time"), "{words}");
    let relu = model.node("Relu", &["t"], &["y"], vec![]).output("y");
    let words = relu.read().unwrap_err().to_string();
    assert!(words.contains("Relu: arithmetic on bool at run time; supported: f32"), "{words}");
    let and = pair().node("And", &["a", "b"], &["y"], vec![]).output("y");
    let words = and.read().unwrap_err().to_string();
    assert!(words.contains("operand 0 holds no truth values"), "{words}");
}
