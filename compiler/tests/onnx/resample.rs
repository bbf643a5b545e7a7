//! Resize by weighted sums, by the formulas of ONNX written out, in the oracle and in the program that is emitted.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::proto::AttributeProto;
use mnv2c::proto::attribute_proto::AttributeType;
use mnv2c::proto::tensor_proto::DataType;
use mnv2c::{Options, compile, shadow};

use crate::build::{Model, int, ints, raw_tensor, text};

/// Images, channels, rows and columns.
const SHAPE: [usize; 4] = [1, 2, 5, 7];

/// The resize that a test asks for.
#[derive(Clone, Copy)]
struct Form {
    /// Cubic, with this slope, or linear.
    cubic: Option<f64>,
    coordinates: &'static str,
    size: [usize; 2],
    antialias: bool,
    exclude_outside: bool,
    /// The first and the last row and column of a crop, as parts of the picture.
    crop: Option<[[f32; 2]; 2]>,
}

/// A pixel of a line resized to `size`, as the specification says it: position, weights of the pixels around, and the
/// edge repeated or left out. `axis` is of the two of a picture.
fn formula(form: &Form, axis: usize, line: &[f64], i: usize) -> f64 {
    let (len, size, at) = (line.len() as f64, form.size[axis] as f64, i as f64);
    let scale = size / len;
    let half = (at + 0.5) / scale - 0.5;
    let position = match (form.coordinates, form.crop) {
        ("asymmetric", _) => at / scale,
        ("align_corners", _) if size == 1.0 => 0.0,
        ("align_corners", _) => at * (len - 1.0) / (size - 1.0),
        ("pytorch_half_pixel", _) if size == 1.0 => 0.0,
        ("tf_half_pixel_for_nn", _) => (at + 0.5) / scale,
        ("tf_crop_and_resize", Some(crop)) => {
            let [from, to] = crop[axis].map(f64::from);
            (len - 1.0) * (from + at * (to - from) / (size - 1.0))
        }
        _ => half,
    };
    if form.crop.is_some() && !(0.0..=len - 1.0).contains(&position) {
        return f64::NAN;
    }
    let narrow = if form.antialias { scale.min(1.0) } else { 1.0 };
    let weight = |distance: f64| {
        let x = (distance * narrow).abs();
        match form.cubic {
            None => (1.0 - x).max(0.0),
            Some(a) if x <= 1.0 => (a + 2.0) * x.powi(3) - (a + 3.0) * x.powi(2) + 1.0,
            Some(a) if x < 2.0 => a * x.powi(3) - 5.0 * a * x.powi(2) + 8.0 * a * x - 4.0 * a,
            Some(_) => 0.0,
        }
    };
    let last = line.len() as isize - 1;
    let (mut sum, mut weights) = (0.0, 0.0);
    for pixel in -40..line.len() as isize + 40 {
        if form.exclude_outside && !(0..=last).contains(&pixel) {
            continue;
        }
        let weight = weight(pixel as f64 - position);
        sum += weight * line[pixel.clamp(0, last) as usize];
        weights += weight;
    }
    sum / weights
}

/// Columns resized first, and then rows; what lies outside is 7.
fn expected(form: &Form, x: &[f32]) -> Vec<f32> {
    let [_, _, h, w] = SHAPE;
    let [rows, columns] = form.size;
    let mut y = Vec::new();
    for plane in x.chunks(h * w) {
        let lines: Vec<Vec<f64>> = plane
            .chunks(w)
            .map(|line| line.iter().copied().map(f64::from).collect::<Vec<_>>())
            .map(|line| (0..columns).map(|i| formula(form, 1, &line, i)).collect())
            .collect();
        for row in 0..rows {
            for column in 0..columns {
                let line: Vec<f64> = lines.iter().map(|line| line[column]).collect();
                let made = formula(form, 0, &line, row);
                y.push(if made.is_nan() { 7.0 } else { made as f32 });
            }
        }
    }
    y
}

fn real(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Float.into(),
        f: value,
        ..AttributeProto::default()
    }
}

pub(crate) fn reals(model: Model, name: &str, values: &[f32]) -> Model {
    let raw = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    model.tensor(raw_tensor(name, DataType::Float, &[values.len() as i64], raw))
}

fn model(form: &Form) -> Model {
    let sizes = [1, 2, form.size[0] as i64, form.size[1] as i64];
    let mut model = Model::opset(19).input("x", &SHAPE.map(|dim| dim as i64)).ints("sizes", &sizes);
    let mut attributes = vec![
        text("mode", if form.cubic.is_some() { "cubic" } else { "linear" }),
        text("coordinate_transformation_mode", form.coordinates),
        int("antialias", form.antialias.into()),
        int("exclude_outside", form.exclude_outside.into()),
        real("extrapolation_value", 7.0),
    ];
    attributes.extend(form.cubic.map(|a| real("cubic_coeff_a", a as f32)));
    let mut operands = ["x", "", "", "sizes"];
    if let Some([down, across]) = form.crop {
        let roi = [0.0, 0.0, down[0], across[0], 1.0, 1.0, down[1], across[1]];
        model = reals(model, "roi", &roi);
        operands[1] = "roi";
    }
    model.node("Resize", &operands, &["y"], attributes).output("y")
}

fn options() -> Options {
    mnv2c::testing::options("generic".parse().unwrap(), mnv2c::objective::Memory::default())
}

/// Results of the oracle and the program for `x`; programs take and give floats for signed bytes.
pub(crate) fn arrays(model: &Model, x: Array) -> [Array; 2] {
    let (graph, x) = (model.read().unwrap(), [x]);
    let oracle = interp::run(&graph, &x).unwrap().remove(0);
    let net = compile(graph, &options(), |_, _, _| ()).unwrap();
    let x = x.map(widened);
    [widened(oracle), shadow::execute(&net, &x).unwrap().remove(0)]
}

fn widened(array: Array) -> Array {
    let values = match array.values {
        Values::I8(bytes) => Values::F32(bytes.into_iter().map(f32::from).collect()),
        values => values,
    };
    Array { values, ..array }
}

/// The shape of what they make of a picture, and the numbers.
fn answers(model: &Model, x: &[f32]) -> [(Vec<usize>, Vec<f32>); 2] {
    let made = arrays(model, Array::f32(SHAPE, x.to_vec()));
    made.map(|y| (y.shape, y.values.as_f32().unwrap().to_vec()))
}

fn picture() -> Vec<f32> {
    (0..70).map(|at| (at * 37 % 71) as f32 * 0.125 - 4.0).collect()
}

fn check(form: Form) {
    let x = picture();
    let expected = expected(&form, &x);
    for (_, y) in answers(&model(&form), &x) {
        let close = y.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4);
        let place = format!("{} {:?} cubic {:?}", form.coordinates, form.size, form.cubic);
        assert!(close && y.len() == expected.len(), "{place}\n{y:?}\n{expected:?}");
    }
}

const CUBIC: Form = Form {
    cubic: Some(-0.75),
    coordinates: "half_pixel",
    size: [10, 14],
    antialias: false,
    exclude_outside: false,
    crop: None,
};

#[test]
fn cubics_follow_the_formula_in_every_sense() {
    let senses = [
        "half_pixel",
        "asymmetric",
        "align_corners",
        "pytorch_half_pixel",
        "half_pixel_symmetric",
        "tf_half_pixel_for_nn",
    ];
    for coordinates in senses {
        for size in [[10, 14], [11, 3], [4, 9], [1, 8]] {
            check(Form { coordinates, size, ..CUBIC });
        }
    }
    check(Form { cubic: Some(-0.5), exclude_outside: true, size: [15, 4], ..CUBIC });
}

#[test]
fn a_smaller_picture_without_aliases_is_made_of_all_pixels() {
    for cubic in [None, Some(-0.75), Some(-0.5)] {
        for size in [[2, 3], [5, 2], [10, 3], [1, 1]] {
            for exclude_outside in [false, true] {
                check(Form { cubic, size, exclude_outside, antialias: true, ..CUBIC });
            }
        }
    }
}

#[test]
fn a_crop_holds_the_value_outside() {
    let crop = Some([[0.25, 0.8], [-0.3, 1.1]]);
    for cubic in [None, Some(-0.75)] {
        for size in [[4, 9], [5, 7]] {
            check(Form { cubic, size, crop, coordinates: "tf_crop_and_resize", ..CUBIC });
        }
    }
}

#[test]
fn nearest_crops_hold_the_value_outside() {
    let model = Model::opset(13).input("x", &SHAPE.map(|dim| dim as i64));
    let model = reals(model, "roi", &[0.0, 0.0, 0.5, -0.5, 1.0, 1.0, 1.0, 0.5]);
    let attributes = vec![
        text("coordinate_transformation_mode", "tf_crop_and_resize"),
        real("extrapolation_value", 7.0),
    ];
    let model = model.ints("sizes", &[1, 2, 3, 3]);
    let model = model.node("Resize", &["x", "roi", "", "sizes"], &["y"], attributes).output("y");
    let x = picture();
    let row =
        |plane: usize, row: usize| [7.0, x[plane * 35 + row * 7], x[plane * 35 + row * 7 + 3]];
    let rows = [(0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4)].map(|(plane, at)| row(plane, at));
    for (_, y) in answers(&model, &x) {
        assert_eq!(y, rows.concat());
    }
}

#[test]
fn the_aspect_ratio_is_kept_by_one_scale() {
    let shape_of = |policy: &str, sizes: &[i64]| {
        let model = Model::opset(18).input("x", &SHAPE.map(|dim| dim as i64)).ints("sizes", sizes);
        let attributes = vec![
            text("mode", "linear"),
            ints("axes", &[2, 3]),
            text("keep_aspect_ratio_policy", policy),
        ];
        let model = model.node("Resize", &["x", "", "", "sizes"], &["y"], attributes);
        answers(&model.output("y"), &picture())
    };
    // 10 of 5 rows and 10 of 7 columns: scales of 2 and 10/7.
    let [(larger, y), (_, program)] = shape_of("not_larger", &[10, 10]);
    assert_eq!((larger.as_slice(), y.len()), (&[1, 2, 7, 10][..], program.len()));
    // Rows are scaled by 10/7 too, not by the 7/5 that their numbers are.
    let (x, row) = (picture(), 1.5_f32 * 0.7 - 0.5);
    assert!((y[10] - (x[0] + (x[7] - x[0]) * row)).abs() < 1e-5, "{y:?}");
    assert_eq!(shape_of("not_smaller", &[10, 10])[0].0, [1, 2, 10, 14]);
    assert_eq!(shape_of("stretch", &[10, 10])[0].0, [1, 2, 10, 10]);
}
