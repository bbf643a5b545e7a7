//! Gathers and scatters by indices computed at run time answer as the examples in ONNX's specification say, in the oracle
//! and in the program; indices that name no element neither panic nor write.

use mnv2c::interp::Array;
use mnv2c::ir::{Dtype, Values};
use mnv2c::proto::AttributeProto;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int, text};
use crate::truths::answers;

/// An operand: its shape and numbers.
type Operand<'a> = (&'a [usize], &'a [f32]);

fn dims(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|dim| *dim as i64).collect()
}

/// A model of one node that reads run-time floats "x", indices that are cast of floats, and maybe updates.
fn model(op: &str, operands: &[Operand<'_>], attributes: Vec<AttributeProto>) -> Model {
    let mut model = Model::opset(18);
    for (name, (shape, _)) in ["x", "at", "updates"].into_iter().zip(operands) {
        model = model.input(name, &dims(shape));
    }
    let cast = vec![int("to", DataType::Int64 as i64)];
    let inputs = &["x", "indices", "updates"][..operands.len()];
    model.node("Cast", &["at"], &["indices"], cast).node(op, inputs, &["y"], attributes).output("y")
}

fn arrays(operands: &[Operand<'_>]) -> Vec<Array> {
    operands.iter().map(|(shape, values)| Array::f32(shape.to_vec(), values.to_vec())).collect()
}

fn check(op: &str, operands: &[Operand<'_>], attributes: Vec<AttributeProto>, expected: &[f32]) {
    let found = answers(&model(op, operands, attributes), &arrays(operands));
    assert_eq!(found, [Values::F32(expected.to_vec())], "{op}");
}

fn along(axis: i64) -> Vec<AttributeProto> {
    vec![int("axis", axis)]
}

/// 1, 2, 3 and so on.
fn count(len: usize) -> Vec<f32> {
    (1..=len).map(|x| x as f32).collect()
}

#[test]
fn elements_are_gathered_along_an_axis() {
    let x: Operand<'_> = (&[2, 2], &[1., 2., 3., 4.]);
    check("GatherElements", &[x, (&[2, 2], &[0., 0., 1., 0.])], along(1), &[1., 1., 4., 3.]);
    let nine = count(9);
    let x: Operand<'_> = (&[3, 3], &nine);
    let expected = [4., 8., 3., 7., 2., 3.];
    check("GatherElements", &[x, (&[2, 3], &[1., 2., 0., 2., 0., 0.])], along(0), &expected);
    let expected = [7., 5., 3., 4., 2., 3.];
    check("GatherElements", &[x, (&[2, 3], &[-1., -2., 0., -2., 0., 0.])], along(0), &expected);
}

#[test]
fn whole_slices_are_gathered_along_an_axis() {
    let x: Operand<'_> = (&[3, 2], &[1.0, 1.2, 2.3, 3.4, 4.5, 5.7]);
    let expected = [1.0, 1.2, 2.3, 3.4, 2.3, 3.4, 4.5, 5.7];
    check("Gather", &[x, (&[2, 2], &[0., 1., 1., 2.])], along(0), &expected);
    let x: Operand<'_> = (&[3, 3], &[1.0, 1.2, 1.9, 2.3, 3.4, 3.9, 4.5, 5.7, 5.9]);
    let expected = [1.0, 1.9, 2.3, 3.9, 4.5, 5.9];
    check("Gather", &[x, (&[1, 2], &[0., 2.])], along(1), &expected);
    let expected = [1.9, 3.9, 5.9];
    check("Gather", &[x, (&[1], &[-1.])], along(1), &expected);
}

#[test]
fn rows_of_indices_gather_what_is_left() {
    let square: Operand<'_> = (&[2, 2], &[0., 1., 2., 3.]);
    check("GatherND", &[square, (&[2, 2], &[0., 0., 1., 1.])], vec![], &[0., 3.]);
    check("GatherND", &[square, (&[2, 1], &[1., 0.])], vec![], &[2., 3., 0., 1.]);
    let cube: Operand<'_> = (&[2, 2, 2], &[0., 1., 2., 3., 4., 5., 6., 7.]);
    check("GatherND", &[cube, (&[2, 2], &[0., 1., 1., 0.])], vec![], &[2., 3., 4., 5.]);
    check("GatherND", &[cube, (&[2, 1, 2], &[0., 1., 1., 0.])], vec![], &[2., 3., 4., 5.]);
    let batch = vec![int("batch_dims", 1)];
    check("GatherND", &[cube, (&[2, 1], &[1., 0.])], batch, &[2., 3., 4., 5.]);
    let both = vec![int("batch_dims", 2)];
    check("GatherND", &[cube, (&[2, 2, 1], &[-1., 0., 1., -2.])], both, &[1., 2., 5., 6.]);
}

#[test]
fn elements_are_scattered_along_an_axis() {
    let zeros: Operand<'_> = (&[3, 3], &[0.; 9]);
    let (at, updates) = ([1., 0., 2., 0., 2., 1.], [1.0, 1.1, 1.2, 2.0, 2.1, 2.2]);
    let expected = [2.0, 1.1, 0.0, 1.0, 0.0, 2.2, 0.0, 2.1, 1.2];
    let operands = [zeros, (&[2, 3], &at), (&[2, 3], &updates)];
    check("ScatterElements", &operands, along(0), &expected);
    let five = count(5);
    let of = |at: &[f32; 2], reduction: &str, expected: &[f32]| {
        let operands: [Operand<'_>; 3] = [(&[1, 5], &five), (&[1, 2], at), (&[1, 2], &[1.1, 2.1])];
        let attributes = [along(1), vec![text("reduction", reduction)]].concat();
        check("ScatterElements", &operands, attributes, expected);
    };
    of(&[1., 3.], "none", &[1.0, 1.1, 3.0, 2.1, 5.0]);
    of(&[1., -3.], "none", &[1.0, 1.1, 2.1, 4.0, 5.0]);
    of(&[1., 1.], "add", &[1.0, 5.2, 3.0, 4.0, 5.0]);
    of(&[1., 1.], "mul", &[1.0, 2.0 * 1.1 * 2.1, 3.0, 4.0, 5.0]);
    of(&[1., 1.], "max", &[1.0, 2.1, 3.0, 4.0, 5.0]);
    of(&[1., 1.], "min", &[1.0, 1.1, 3.0, 4.0, 5.0]);
}

#[test]
fn rows_of_indices_scatter_numbers_and_slices() {
    let eight = count(8);
    let operands: [Operand<'_>; 3] =
        [(&[8], &eight), (&[4, 1], &[4., 3., 1., 7.]), (&[4], &[9., 10., 11., 12.])];
    check("ScatterND", &operands, vec![], &[1., 11., 3., 10., 9., 6., 7., 12.]);
    let up = [1., 2., 3., 4., 5., 6., 7., 8.];
    let down = [8., 7., 6., 5., 4., 3., 2., 1.];
    let first: Vec<f32> = [up, down].concat();
    let x: Vec<f32> =
        [first.clone(), first.clone(), [down, up].concat(), [down, up].concat()].concat();
    let updates: Vec<f32> =
        [5., 6., 7., 8., 1., 2., 3., 4.].into_iter().flat_map(|x| [x; 4]).collect();
    let of = |reduction: &str, expected: [f32; 16]| {
        let operands: [Operand<'_>; 3] =
            [(&[4, 4, 4], &x), (&[2, 1], &[0., 0.]), (&[2, 4, 4], &updates)];
        let expected = [&expected[..], &x[16..]].concat();
        check("ScatterND", &operands, vec![text("reduction", reduction)], &expected);
    };
    of("none", [1., 1., 1., 1., 2., 2., 2., 2., 3., 3., 3., 3., 4., 4., 4., 4.]);
    of("add", [7., 8., 9., 10., 13., 14., 15., 16., 18., 17., 16., 15., 16., 15., 14., 13.]);
    let products =
        [5., 10., 15., 20., 60., 72., 84., 96., 168., 147., 126., 105., 128., 96., 64., 32.];
    of("mul", products);
    of("max", [5., 5., 5., 5., 6., 6., 7., 8., 8., 7., 7., 7., 8., 8., 8., 8.]);
    of("min", [1., 1., 1., 1., 2., 2., 2., 2., 3., 3., 3., 3., 4., 3., 2., 1.]);
}

#[test]
fn indices_that_name_no_element_change_nothing() {
    let x: Operand<'_> = (&[2, 2], &[1., 2., 3., 4.]);
    let far: Operand<'_> = (&[2, 2], &[2., -3., f32::NAN, 1e30]);
    check("GatherElements", &[x, far], along(1), &[2., 1., 3., 4.]);
    check("Gather", &[x, (&[2], &[-1e30, 7.])], along(0), &[1., 2., 3., 4.]);
    let updates: Operand<'_> = (&[2, 2], &[10., 20., 30., 40.]);
    check("ScatterElements", &[x, far, updates], along(1), &[1., 2., 30., 4.]);
    let outside: Operand<'_> = (&[2, 1], &[2., -3.]);
    check("ScatterND", &[x, outside, updates], vec![], &[1., 2., 3., 4.]);
}

#[test]
fn one_is_hot_where_computed_indices_say() {
    let hot = |shape: &[usize], at: &[f32], axis: i64, depth: usize, axis_len: [usize; 2]| {
        let model = Model::opset(11)
            .input("at", &dims(shape))
            .ints("depth", &[depth as i64])
            .floats("pair", &[2])
            .node("OneHot", &["at", "depth", "pair"], &["y"], along(axis))
            .output("y");
        let [outer, inner] = axis_len;
        let mut expected = Vec::new();
        for block in at.chunks(inner).take(outer) {
            for place in 0..depth {
                let is_hot = |at: &f32| [*at, *at + depth as f32].contains(&(place as f32));
                expected.extend(block.iter().map(|at| f32::from(u8::from(is_hot(at)))));
            }
        }
        let given = [Array::f32(shape.to_vec(), at.to_vec())];
        assert_eq!(answers(&model, &given), [Values::F32(expected)]);
    };
    hot(&[2, 2], &[1., 9., 2., 4.], 1, 10, [2, 2]);
    hot(&[2, 2], &[1., 9., 2., 4.], -2, 10, [2, 2]);
    hot(&[3], &[0., -7., -8.], 0, 10, [1, 3]);
    hot(&[3], &[0., 7., 8.], -1, 12, [3, 1]);
    // Those beyond the depth are nowhere hot.
    hot(&[4], &[11., 12., -12., -13.], -1, 12, [4, 1]);
}

#[test]
fn bytes_and_integers_are_gathered_as_what_they_are() {
    let cast = |kind: DataType| vec![int("to", kind as i64)];
    let shape = vec![crate::build::fixed(4)];
    let model = Model::opset(18)
        .input_of("x", DataType::Uint8, shape)
        .input("at", &[3])
        .node("Cast", &["at"], &["indices"], cast(DataType::Int32))
        .node("Gather", &["x", "indices"], &["y"], vec![])
        .output_of("y", DataType::Uint8);
    let x = Array { shape: vec![4], values: Values::U8(vec![128, 255, 0, 127]) };
    let at = Array::f32([3], vec![3., 0., -2.]);
    assert_eq!(answers(&model, &[x, at]), [Values::U8(vec![127, 128, 0])]);
    // The places of the greatest, counted: how often each is.
    let model = Model::opset(18)
        .input("x", &[4, 3])
        .node("ArgMax", &["x"], &["place"], vec![int("axis", 1)])
        .ints("zeros", &[0; 3])
        .ints("ones", &[1; 4])
        .node("ScatterND", &["zeros", "place", "ones"], &["y"], vec![text("reduction", "add")])
        .output_of("y", DataType::Int64);
    let x = Array::f32([4, 3], vec![0., 1., 0., 0., 0., 1., 0., 2., 1., 1., 0., 0.]);
    assert_eq!(answers(&model, &[x]), [Values::I64(vec![1, 2, 1])]);
}

#[test]
fn integers_that_the_caller_gives_are_floats_of_the_same_values() {
    let of = |kind, name, shape: &[i64]| {
        let dims = shape.iter().map(|dim| crate::build::fixed(*dim)).collect();
        Model::opset(18).input("x", &[3]).input_of(name, kind, dims)
    };
    let x = Array::f32([3], vec![1., 2., 3.]);
    let gathered = of(DataType::Int64, "at", &[2]).node("Gather", &["x", "at"], &["y"], vec![]);
    let at = Array::f32([2], vec![-1., 1.]);
    assert_eq!(answers(&gathered.output("y"), &[x.clone(), at]), [Values::F32(vec![3., 2.])]);
    let chosen = of(DataType::Bool, "is", &[3]).scalar("none", 0.0);
    let chosen = chosen.node("Where", &["is", "x", "none"], &["y"], vec![]).output("y");
    let is = Array::f32([3], vec![1., 0., 1.]);
    assert_eq!(answers(&chosen, &[x.clone(), is]), [Values::F32(vec![1., 0., 3.])]);
    let sum = of(DataType::Int32, "a", &[3]).node("Add", &["a", "a"], &["y"], vec![]);
    let words = sum.output_of("y", DataType::Int32).text();
    assert!(words.contains("arithmetic on int32 at run time beyond 2^24"), "{words}");
}

#[test]
fn integers_that_no_float_is_are_refused() {
    let given = |values| mnv2c::input::taken(Array { shape: vec![1], values }, Dtype::F32);
    assert_eq!(given(Values::I64(vec![-(1 << 24)])), Ok(Array::f32([1], vec![-16_777_216.0])));
    let words = given(Values::I64(vec![(1 << 24) + 1])).unwrap_err();
    assert_eq!(words, "holds 16777217; integers are taken up to 2^24");
}

#[test]
fn constant_indices_into_computed_values_lie_inside() {
    let of = |at: &[i64]| {
        let model = Model::opset(18).input("x", &[3]).ints("at", at);
        model.node("GatherElements", &["x", "at"], &["y"], vec![]).output("y")
    };
    let given = [Array::f32([3], vec![1., 2., 3.])];
    assert_eq!(answers(&of(&[2, -3]), &given), [Values::F32(vec![3., 1.])]);
    let words = of(&[3]).read().unwrap_err().to_string();
    assert!(words.contains("dimension 3 of a tensor that has 3"), "{words}");
    let words = model("GatherND", &[(&[2], &[]), (&[2, 2], &[])], vec![]).read().unwrap_err();
    assert!(words.to_string().contains("indices [2, 2] into [2]"), "{words}");
}
