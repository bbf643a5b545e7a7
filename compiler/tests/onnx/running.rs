//! Running sums answer by the formula of ONNX, in the oracle and in the program that is emitted.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::{Options, compile, shadow};

use crate::build::{Model, int, int_tensor};

/// Dimensions of the operand.
const SHAPE: [usize; 3] = [2, 3, 4];

/// CumSum over `axis` as the specification says it: `y[i] = sum of x[j]` for `j <= i`, or `j < i` where it is exclusive,
/// or with the order turned where it is reverse.
fn formula(x: &[f32], axis: usize, exclusive: bool, reverse: bool) -> Vec<f32> {
    let inner: usize = SHAPE[axis + 1..].iter().product();
    let sum = |at: usize| {
        let (place, first) = (at / inner % SHAPE[axis], at - at / inner % SHAPE[axis] * inner);
        let counts = |other: &usize| match (reverse, exclusive) {
            (false, false) => *other <= place,
            (false, true) => *other < place,
            (true, false) => *other >= place,
            (true, true) => *other > place,
        };
        (0..SHAPE[axis]).filter(counts).map(|other| x[first + other * inner]).sum()
    };
    (0..x.len()).map(sum).collect()
}

fn model(axis: i64, exclusive: bool, reverse: bool) -> Model {
    let mut model = Model::opset(14).input("x", &SHAPE.map(|dim| dim as i64));
    model.graph().initializer.push(int_tensor("axis", &[axis]));
    let ways = vec![int("exclusive", exclusive.into()), int("reverse", reverse.into())];
    model.node("CumSum", &["x", "axis"], &["y"], ways).output("y")
}

fn options() -> Options {
    mnv2c::testing::options("generic".parse().unwrap(), mnv2c::objective::Memory::default())
}

#[test]
fn sums_run_by_the_formula_along_every_axis_both_ways() {
    // Quarters of small integers: every order of summing them is exact.
    let x: Vec<f32> = (0..24).map(|at| (at * 7 % 23) as f32 * 0.25 - 2.0).collect();
    let ways = [(false, false), (false, true), (true, false), (true, true)];
    for ((exclusive, reverse), axis) in
        ways.into_iter().flat_map(|way| [(way, 0), (way, 1), (way, 2)])
    {
        let expected = Values::F32(formula(&x, axis, exclusive, reverse));
        for given in [axis as i64, axis as i64 - 3] {
            let graph = model(given, exclusive, reverse).read().unwrap();
            let x = [Array::f32(SHAPE, x.clone())];
            assert_eq!(interp::run(&graph, &x).unwrap()[0].values, expected);
            let net = compile(graph, &options(), |_, _, _| ()).unwrap();
            assert_eq!(shadow::execute(&net, &x).unwrap()[0].values, expected);
        }
    }
}

#[test]
fn an_axis_has_to_be_constant_and_there() {
    assert!(model(3, false, false).text().contains("CumSum \"y\""));
    let computed = Model::opset(14).input("x", &[2, 3]).input("axis", &[1]);
    let computed = computed.node("CumSum", &["x", "axis"], &["y"], vec![]).output("y").text();
    let words = "CumSum: operand 1 that is computed at run time; supported: constants";
    assert!(computed.contains(words), "{computed}");
}

#[test]
fn attributes_are_shown() {
    let text = model(-1, true, true).text();
    assert_eq!(text, r#"%1 cum_sum "y" x=%0 axis 2 exclusive reverse -> f32[2,3,4]"#);
}
