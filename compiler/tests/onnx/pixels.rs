//! Resize of bytes, and of dimensions that are no rows and columns behind images and channels.

use mnv2c::interp::Array;
use mnv2c::ir::Values;
use mnv2c::proto::AttributeProto;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, ints, text};
use crate::resample::{arrays, reals};

/// Elements of a tensor in which dimension `axis` is `times` as long, by what `make` makes of a line of it.
fn along(
    (shape, x): &(Vec<usize>, Vec<f32>),
    axis: usize,
    make: impl Fn(&[f32]) -> Vec<f32>,
) -> (Vec<usize>, Vec<f32>) {
    let (len, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    let outer = x.len() / (len * inner);
    let line = |at: usize| -> Vec<f32> {
        let (block, column) = (at / inner, at % inner);
        make(&(0..len).map(|i| x[(block * len + i) * inner + column]).collect::<Vec<f32>>())
    };
    let lines: Vec<Vec<f32>> = (0..outer * inner).map(line).collect();
    let size = lines[0].len();
    let element = |at: usize| lines[at / (size * inner) * inner + at % inner][at / inner % size];
    let made = (0..outer * size * inner).map(element).collect();
    (shape.iter().enumerate().map(|(i, len)| if i == axis { size } else { *len }).collect(), made)
}

/// Each pixel twice.
fn twice(line: &[f32]) -> Vec<f32> {
    line.iter().flat_map(|x| [*x, *x]).collect()
}

/// Half-pixel positions: three quarters of the nearest pixel and a quarter of the next.
fn blended(line: &[f32]) -> Vec<f32> {
    let at = |i: usize, by: isize| {
        line[i.saturating_add_signed(by).min(line.len() - 1)] * 0.25 + line[i] * 0.75
    };
    (0..line.len()).flat_map(|i| [at(i, -1), at(i, 1)]).collect()
}

/// A resize of `shape` to twice the size along `axes`, by scales for all dimensions.
fn doubled(kind: DataType, shape: &[usize], axes: &[usize], mode: &str) -> Model {
    let scale = |axis: usize| if axes.contains(&axis) { 2.0 } else { 1.0 };
    let scales: Vec<f32> = (0..shape.len()).map(scale).collect();
    let dims: Vec<i64> = shape.iter().map(|dim| *dim as i64).collect();
    let model = match kind {
        DataType::Float => Model::opset(13).input("x", &dims),
        _ => Model::opset(13).bytes_input(kind, &dims),
    };
    let model = reals(model, "scales", &scales);
    model
        .node("Resize", &["x", "", "scales"], &["y"], vec![text("mode", mode)])
        .output_of("y", kind)
}

#[test]
fn any_two_dimensions_are_rows_and_columns() {
    let forms: [(&[usize], &[usize]); 11] = [
        (&[1, 4, 5, 3], &[1, 2]),
        (&[2, 4, 5, 3], &[1, 2]),
        (&[1, 4, 5, 3], &[1]),
        (&[1, 3, 4, 5], &[1, 3]),
        (&[2, 4, 5], &[2]),
        (&[2, 4, 5], &[1]),
        (&[2, 4, 5], &[1, 2]),
        (&[4, 5], &[0, 1]),
        (&[5], &[0]),
        (&[1, 2, 3, 4, 5], &[3, 4]),
        (&[1, 2, 3, 4, 5], &[2]),
    ];
    for (shape, axes) in forms {
        let len = shape.iter().product::<usize>();
        let x: Vec<f32> = (0..len).map(|at| (at * 37 % 61) as f32 - 30.0).collect();
        for (mode, make) in [("nearest", twice as fn(&[f32]) -> Vec<f32>), ("linear", blended)] {
            let start = (shape.to_vec(), x.clone());
            let (sizes, expected) =
                axes.iter().fold(start, |tensor, axis| along(&tensor, *axis, make));
            let model = doubled(DataType::Float, shape, axes, mode);
            let x = Array { shape: shape.to_vec(), values: Values::F32(x.clone()) };
            for y in arrays(&model, x) {
                assert_eq!(
                    (&y.shape, &y.values),
                    (&sizes, &Values::F32(expected.clone())),
                    "{mode}"
                );
            }
        }
    }
}

#[test]
fn axes_may_be_named_in_any_order() {
    let model = reals(Model::opset(18).input("x", &[1, 2, 3, 2]), "scales", &[2.0, 1.0]);
    let attributes = vec![ints("axes", &[2, 1])];
    let model = model.node("Resize", &["x", "", "scales"], &["y"], attributes).output("y");
    let x = Array::f32([1, 2, 3, 2], (0..12).map(|x| x as f32).collect());
    let expected = along(&(x.shape.clone(), x.values.as_f32().unwrap().to_vec()), 2, twice);
    for y in arrays(&model, x) {
        assert_eq!((y.shape, y.values), (expected.0.clone(), Values::F32(expected.1.clone())));
    }
}

#[test]
fn three_dimensions_are_refused() {
    let volume = doubled(DataType::Float, &[1, 1, 2, 2, 2], &[2, 3, 4], "nearest").text();
    assert!(volume.contains("3 dimensions resized; supported: 2"), "{volume}");
}

#[test]
fn bytes_are_taken_as_they_are() {
    for (shape, axes) in [(vec![1, 3, 4, 5], [2, 3]), (vec![1, 4, 5, 3], [1, 2])] {
        let x: Vec<u8> = (0..60).map(|at| (at * 89 % 256) as u8).collect();
        let floats = (shape.clone(), x.iter().copied().map(f32::from).collect());
        let (sizes, expected) =
            axes.iter().fold(floats, |tensor, axis| along(&tensor, *axis, twice));
        let bytes: Vec<u8> = expected.iter().map(|x| *x as u8).collect();
        let reals = Values::F32(bytes.iter().map(|x| f32::from(*x as i8)).collect());
        let signed = Values::I8(x.iter().map(|x| *x as i8).collect());
        let cases =
            [(DataType::Uint8, Values::U8(x), Values::U8(bytes)), (DataType::Int8, signed, reals)];
        for (kind, values, expected) in cases {
            let model = doubled(kind, &shape, &axes, "nearest");
            for y in arrays(&model, Array { shape: shape.clone(), values }) {
                assert_eq!((&y.shape, &y.values), (&sizes, &expected), "{kind:?}");
            }
        }
    }
    let sums = doubled(DataType::Uint8, &[1, 1, 4, 4], &[2, 3], "linear").text();
    assert!(sums.contains("sums of bytes; supported: nearest pixels of them"), "{sums}");
}

#[test]
fn bytes_are_moved_between_reals_of_one_scale() {
    let nearest = |attributes: Vec<AttributeProto>| {
        let model = Model::opset(13).input("x", &[1, 2, 4, 4]).scale("s", 0.5, 120);
        let model = reals(model, "scales", &[1.0, 1.0, 2.0, 1.5]);
        model
            .node("QuantizeLinear", &["x", "s_s", "s_z"], &["q"], vec![])
            .node("DequantizeLinear", &["q", "s_s", "s_z"], &["reals"], vec![])
            .node("Resize", &["reals", "", "scales"], &["larger"], attributes)
            .node("QuantizeLinear", &["larger", "s_s", "s_z"], &["bytes"], vec![])
            .node("DequantizeLinear", &["bytes", "s_s", "s_z"], &["y"], vec![])
            .output("y")
            .settled()
            .to_string()
    };
    let moved = nearest(vec![]);
    let bytes = "%2 resize \"larger\" x=%1 nearest at (4i+1)/8 (8i+3)/12 -> u8[1,2,8,6]";
    assert!(moved.contains(bytes), "{moved}");
    let summed = nearest(vec![text("mode", "cubic")]);
    assert!(summed.contains("sums of 4x4 -> f32[1,2,8,6]"), "{summed}");
}
