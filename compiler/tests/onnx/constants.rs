//! Operators on constants alone: gone once the model is read, with the numbers that onnxruntime 1.32 answers.

use mnv2c::interp::{self, Array};
use mnv2c::ir::{Op, Values};
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::proto::{AttributeProto, TensorProto};

use crate::build::{Model, int, int_tensor, raw_tensor, text};

/// Constant floats.
fn f(shape: &[i64], values: &[f32]) -> TensorProto {
    let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    raw_tensor("", DataType::Float, shape, raw)
}

/// Constant integers.
fn i(shape: &[i64], values: &[i64]) -> TensorProto {
    TensorProto { dims: shape.to_vec(), ..int_tensor("", values) }
}

/// A model that adds result `index` of an operator on constants to its input, a single number.
fn of(
    opset: i64,
    op: &str,
    operands: &[TensorProto],
    attributes: Vec<AttributeProto>,
    index: usize,
) -> Model {
    let names: Vec<String> = (0..operands.len()).map(|port| format!("c{port}")).collect();
    let mut model = Model::opset(opset).input("x", &[]);
    for (name, operand) in names.iter().zip(operands) {
        model = model.tensor(TensorProto { name: name.clone(), ..operand.clone() });
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let results = ["r0", "r1"];
    model
        .node(op, &names, &results[..=index], attributes)
        .node("Cast", &[results[index]], &["floats"], vec![int("to", 1)])
        .node("Add", &["floats", "x"], &["y"], vec![int("broadcast", 1)])
        .output("y")
}

/// The folded result, of which no node is left.
#[track_caller]
fn check(model: &Model, shape: &[usize], expected: &[f32]) {
    let graph = model.read().unwrap();
    let is_left = |op: &Op| !matches!(op, Op::Input | Op::Const(_) | Op::Reshape);
    let left = graph.ids().into_iter().filter(|id| is_left(&graph.node(*id).op)).count();
    assert_eq!(left, 1, "only the sum is left:\n{graph}");
    let x = Array { shape: vec![], values: Values::F32(vec![0.0]) };
    let y = interp::run(&graph, &[x]).unwrap().remove(0);
    assert_eq!(y.shape, shape);
    let found = y.values.as_f32().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let near = (found - expected).abs() <= 1e-6 * expected.abs().max(1.0);
        assert!(near || found == expected, "{found} is not {expected}");
    }
}

#[test]
fn comparisons_and_logic_are_folded() {
    let a = f(&[2, 2], &[0.5, -1.0, 0.0, f32::NAN]);
    let b = f(&[2], &[0.0, -1.0]);
    for (op, expected) in [
        ("Less", [0., 0., 0., 0.]),
        ("LessOrEqual", [0., 1., 1., 0.]),
        ("Greater", [1., 0., 0., 0.]),
        ("GreaterOrEqual", [1., 1., 1., 0.]),
        ("Equal", [0., 1., 1., 0.]),
    ] {
        check(&of(13, op, &[a.clone(), b.clone()], vec![], 0), &[2, 2], &expected);
    }
    let truths = |values: [u8; 4]| raw_tensor("", DataType::Bool, &[4], values.to_vec());
    let (a, b) = (truths([0, 0, 1, 1]), truths([0, 1, 0, 1]));
    for (op, expected) in
        [("And", [0., 0., 0., 1.]), ("Or", [0., 1., 1., 1.]), ("Xor", [0., 1., 1., 0.])]
    {
        check(&of(13, op, &[a.clone(), b.clone()], vec![], 0), &[4], &expected);
    }
    check(&of(13, "Not", &[a], vec![], 0), &[4], &[1., 1., 0., 0.]);
}

#[test]
fn old_comparisons_broadcast_as_attributes_say() {
    let operands = [f(&[2, 2], &[1., 2., 3., 4.]), f(&[2], &[2.0, 3.0])];
    let along = vec![int("broadcast", 1), int("axis", 0)];
    check(&of(6, "Less", &operands, along, 0), &[2, 2], &[1., 0., 0., 0.]);
    let refused = of(6, "Less", &operands, vec![], 0).text();
    assert!(refused.contains("differ, and broadcast is not set"), "{refused}");
}

#[test]
fn remainders_take_the_sign_that_is_asked_for() {
    let integers = [i(&[4], &[-7, 7, -7, 7]), i(&[4], &[3, -3, -3, 3])];
    check(&of(13, "Mod", &integers, vec![], 0), &[4], &[2., -2., -1., 1.]);
    let as_c = || vec![int("fmod", 1)];
    check(&of(13, "Mod", &integers, as_c(), 0), &[4], &[-1., 1., -1., 1.]);
    let floats = [f(&[2], &[-7.25, 7.25]), f(&[], &[3.0])];
    check(&of(13, "Mod", &floats, as_c(), 0), &[2], &[-1.25, 1.25]);
    assert!(of(13, "Mod", &floats, vec![], 0).text().contains("floats without fmod=1"));
    let zero = [i(&[1], &[1]), i(&[1], &[0])];
    assert!(of(13, "Mod", &zero, vec![], 0).text().contains("a divisor is 0"));
}

#[test]
fn functions_of_one_number_are_folded() {
    let x = 0.625_f64;
    let cases: [(&str, f64); 11] = [
        ("Sin", x.sin()),
        ("Cos", x.cos()),
        ("Tan", x.tan()),
        ("Asin", x.asin()),
        ("Acos", x.acos()),
        ("Atan", x.atan()),
        ("Sinh", x.sinh()),
        ("Cosh", x.cosh()),
        ("Asinh", x.asinh()),
        ("Atanh", x.atanh()),
        ("Exp", x.exp()),
    ];
    for (op, expected) in cases {
        check(&of(13, op, &[f(&[1], &[x as f32])], vec![], 0), &[1], &[expected as f32]);
    }
    check(&of(13, "Acosh", &[f(&[1], &[1.5])], vec![], 0), &[1], &[1.5_f32.acosh()]);
    let odd = f(&[4], &[f32::INFINITY, f32::NEG_INFINITY, 1.0, f32::NAN]);
    check(&of(13, "IsInf", std::slice::from_ref(&odd), vec![], 0), &[4], &[1., 1., 0., 0.]);
    let above = vec![int("detect_negative", 0)];
    check(&of(13, "IsInf", std::slice::from_ref(&odd), above, 0), &[4], &[1., 0., 0., 0.]);
    check(&of(13, "IsNaN", &[odd], vec![], 0), &[4], &[0., 0., 0., 1.]);
}

#[test]
fn elements_are_picked_by_place() {
    let x = || f(&[2, 3], &[0., 1., 2., 3., 4., 5.]);
    let rows = i(&[1, 3], &[1, 0, -1]);
    check(&of(13, "GatherElements", &[x(), rows], vec![], 0), &[1, 3], &[3., 1., 5.]);
    let cube = f(&[2, 2, 2], &[0., 1., 2., 3., 4., 5., 6., 7.]);
    let batch = vec![int("batch_dims", 1)];
    let places = i(&[2, 1], &[1, 0]);
    check(&of(13, "GatherND", &[cube.clone(), places], batch, 0), &[2, 2], &[2., 3., 4., 5.]);
    let one = i(&[1, 3], &[1, 0, -1]);
    check(&of(13, "GatherND", &[cube, one], vec![], 0), &[1], &[5.]);
    let zeros = f(&[2, 2], &[0., 3., -1., 0.]);
    check(&of(13, "NonZero", &[zeros], vec![], 0), &[2, 2], &[0., 1., 1., 0.]);
    let triangle = of(14, "Trilu", &[x(), i(&[], &[-1])], vec![int("upper", 0)], 0);
    check(&triangle, &[2, 3], &[0., 0., 0., 3., 0., 0.]);
    check(&of(14, "Trilu", &[x()], vec![], 0), &[2, 3], &[0., 1., 2., 0., 4., 5.]);
    let eye = of(13, "EyeLike", &[f(&[2, 4], &[9.0; 8])], vec![int("k", -1)], 0);
    check(&eye, &[2, 4], &[0., 0., 0., 0., 1., 0., 0., 0.]);
}

#[test]
fn one_hot_leaves_out_what_lies_beyond_its_depth() {
    let operands = [i(&[4], &[0, -1, 5, 2]), i(&[], &[4]), f(&[2], &[2.0, 9.0])];
    let expected = [9., 2., 2., 2., 2., 2., 2., 2., 2., 2., 2., 9., 2., 9., 2., 2.];
    check(&of(13, "OneHot", &operands, vec![int("axis", 0)], 0), &[4, 4], &expected);
    let huge = [i(&[4], &[0; 4]), i(&[], &[1 << 40]), f(&[2], &[0.0, 1.0])];
    assert!(of(13, "OneHot", &huge, vec![], 0).text().starts_with("OneHot \"r0\""));
}

#[test]
fn updates_go_where_their_indices_say() {
    let line = f(&[4], &[0., 1., 2., 3.]);
    let twice = [line, i(&[2, 1], &[1, -3]), f(&[2], &[9., 10.])];
    check(&of(18, "ScatterND", &twice, vec![], 0), &[4], &[0., 10., 2., 3.]);
    let add = vec![text("reduction", "add")];
    check(&of(18, "ScatterND", &twice, add, 0), &[4], &[0., 20., 2., 3.]);
    let x = f(&[2, 3], &[0., 1., 2., 3., 4., 5.]);
    let operands = [x, i(&[1, 3], &[1, 0, -1]), f(&[1, 3], &[7., 8., 9.])];
    let along = vec![int("axis", 1)];
    let expected = [8., 7., 9., 3., 4., 5.];
    check(&of(18, "ScatterElements", &operands, along, 0), &[2, 3], &expected);
    let outside = [f(&[2], &[0.; 2]), i(&[1, 1], &[2]), f(&[1], &[1.])];
    let outside = of(18, "ScatterND", &outside, vec![], 0).text();
    assert!(outside.contains("dimension 2 of a tensor that has 2"), "{outside}");
}

#[test]
fn the_greatest_come_first_and_of_equals_the_first() {
    let x = f(&[5], &[3., 1., 3., 2., 5.]);
    let operands = [x.clone(), i(&[1], &[3])];
    check(&of(13, "TopK", &operands, vec![], 0), &[3], &[5., 3., 3.]);
    check(&of(13, "TopK", &operands, vec![], 1), &[3], &[4., 0., 2.]);
    check(&of(13, "TopK", &operands, vec![int("largest", 0)], 1), &[3], &[1., 3., 0.]);
    let x = f(&[4], &[3., 1., 3., 2.]);
    check(&of(13, "ArgMax", std::slice::from_ref(&x), vec![int("keepdims", 0)], 0), &[], &[0.]);
    let last = vec![int("select_last_index", 1)];
    check(&of(13, "ArgMax", std::slice::from_ref(&x), last, 0), &[1], &[2.]);
    check(&of(13, "ArgMin", &[x], vec![], 0), &[1], &[1.]);
    let columns = f(&[2, 2], &[1., 4., 3., 2.]);
    check(&of(13, "ArgMax", &[columns], vec![int("axis", 0)], 0), &[1, 2], &[1., 0.]);
}

#[test]
fn sums_run_along_their_dimension() {
    let x = || f(&[2, 2], &[1., 2., 3., 4.]);
    let sums = |axis, attributes| of(13, "CumSum", &[x(), i(&[], &[axis])], attributes, 0);
    check(&sums(1, vec![]), &[2, 2], &[1., 3., 3., 7.]);
    check(&sums(0, vec![int("reverse", 1)]), &[2, 2], &[4., 6., 3., 4.]);
    let both = vec![int("exclusive", 1), int("reverse", 1)];
    check(&sums(-1, both), &[2, 2], &[2., 0., 4., 0.]);
    let integers = [i(&[2, 2], &[-1, -2, 3, 4])];
    let rows = || vec![crate::build::ints("axes", &[1])];
    check(&of(13, "ReduceMean", &integers, rows(), 0), &[2, 1], &[-1., 3.]);
    check(&of(13, "ReduceMax", &integers, rows(), 0), &[2, 1], &[-1., 4.]);
    let floats = [f(&[2, 2], &[-1., -2., 3., 4.])];
    check(&of(13, "ReduceMean", &floats, rows(), 0), &[2, 1], &[-1.5, 3.5]);
}

#[test]
fn ranges_of_floats_add_step_by_step() {
    let range = |bounds: [f32; 3]| of(13, "Range", &bounds.map(|x| f(&[], &[x])), vec![], 0);
    check(&range([1.0, 2.0, 0.3]), &[4], &[1.0, 1.3, 1.6, 1.9]);
    check(&range([0.0, -2.0, -1.0]), &[2], &[0.0, -1.0]);
    assert!(range([0.0, 1.0, 0.0]).text().contains("steps of 0 from 0 to 1"));
    let long = range([0.0, 1e9, 0.5]).text();
    assert!(long.contains("a computed constant of 2000000000 elements of f32"), "{long}");
}

#[test]
fn tiles_of_constants_are_constants() {
    let tile = |counts: &[i64]| {
        of(13, "Tile", &[f(&[1, 2], &[1., 2.]), i(&[counts.len() as i64], counts)], vec![], 0)
    };
    check(&tile(&[2, 2]), &[2, 4], &[1., 2., 1., 2., 1., 2., 1., 2.]);
    check(&tile(&[1, 1]), &[1, 2], &[1., 2.]);
    assert!(tile(&[2]).text().contains("counts [2] for the dimensions of [1, 2]"));
    assert!(tile(&[-1, 2]).text().contains("[-1, 2] are not all sizes"));
    assert!(tile(&[0, 2]).text().contains("which leave nothing"));
    assert!(tile(&[i64::MAX, 1]).text().contains("2^31 elements"));
    assert!(tile(&[1, i64::MAX]).text().contains("2^31 elements"));
}

#[test]
fn what_is_computed_at_run_time_is_not_compared() {
    let model = Model::of(13, &[2], "Sin", vec![]).text();
    let words = "Sin: operand 0 that is computed at run time; supported: constants (at \"y\")";
    assert!(model.contains(words), "{model}");
}
