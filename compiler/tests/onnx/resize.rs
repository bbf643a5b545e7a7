//! Resize and Upsample, against the answers that the ONNX specification gives as examples.

use mnv2c::interp::{self, Array};
use mnv2c::ir::Values;
use mnv2c::proto::AttributeProto;
use mnv2c::proto::attribute_proto::AttributeType;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, raw_tensor, text};

/// The first row of what `model` makes of a picture that counts up from 1.
fn first_row(model: &Model, [h, w]: [usize; 2]) -> Vec<f32> {
    let graph = model.read().unwrap();
    let values = Values::F32((1..=h * w).map(|x| x as f32).collect());
    let answers = interp::run(&graph, &[Array { shape: vec![1, 1, h, w], values }]).unwrap();
    let columns = answers[0].shape[3];
    answers[0].values.as_f32().unwrap()[..columns].to_vec()
}

fn scales(model: Model, down: f32, across: f32) -> Model {
    let raw = [1.0, 1.0, down, across].iter().flat_map(|x: &f32| x.to_le_bytes()).collect();
    model.tensor(raw_tensor("scales", DataType::Float, &[4], raw))
}

/// A resize of `[h, w]` to twice its size, or as `sizes` say.
fn resized(size: [usize; 2], sizes: &[i64], attributes: Vec<AttributeProto>) -> Vec<f32> {
    let x = Model::opset(19).input("x", &[1, 1, size[0] as i64, size[1] as i64]);
    let x = scales(x.ints("sizes", &[&[1, 1], sizes].concat()), 2.0, 2.0);
    let operands = if sizes.is_empty() { ["x", "", "scales", ""] } else { ["x", "", "", "sizes"] };
    first_row(&x.node("Resize", &operands, &["y"], attributes).output("y"), size)
}

#[test]
fn the_nearest_pixel_is_taken_in_every_sense() {
    let nearest = |coordinates: &str, rounding: &str| {
        let attributes = vec![
            text("coordinate_transformation_mode", coordinates),
            text("nearest_mode", rounding),
        ];
        resized([4, 4], &[8, 8], attributes)
    };
    let early = [1., 1., 2., 2., 3., 3., 4., 4.];
    let late = [1., 2., 2., 3., 3., 4., 4., 4.];
    assert_eq!(nearest("align_corners", "floor"), [1., 1., 1., 2., 2., 3., 3., 4.]);
    assert_eq!(nearest("half_pixel", "ceil"), late);
    assert_eq!(nearest("asymmetric", "round_prefer_ceil"), late);
    assert_eq!(nearest("asymmetric", "floor"), early);
    assert_eq!(resized([4, 4], &[], vec![]), early);
}

#[test]
fn a_picture_beyond_all_limits_is_refused_before_its_pixels_are_listed() {
    let start = std::time::Instant::now();
    let refusal = |shape: &[i64], sizes: &[i64]| {
        let model = Model::opset(13).input("x", shape).ints("sizes", sizes);
        let model = model.node("Resize", &["x", "", "", "sizes"], &["y"], vec![]).output("y");
        model.read().expect_err("it is too large").to_string()
    };
    let error = refusal(&[1, 1, 8, 3], &[1, 1, 16, 1 << 30]);
    assert!(error.contains("[1, 1, 16, 1073741824] has more than 2^31 elements"), "{error}");
    let error = refusal(&[1, 1, 1, 3], &[1, 1, 1, 1 << 30]);
    assert!(error.contains("a computed constant of 1073741824 elements"), "{error}");
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

/// The pixels that a nearest resize of a row of `len` takes.
fn taken(opset: i64, modes: [&str; 2], len: usize, scaled: Scaled) -> Vec<usize> {
    let x = Model::opset(opset).input("x", &[1, 1, 1, len as i64]);
    let (x, operands) = match scaled {
        Scaled::To(size) => (x.ints("sizes", &[1, 1, 1, size]), vec!["x", "", "", "sizes"]),
        Scaled::By(scale) if opset < 11 => (scales(x, 1.0, scale), vec!["x", "scales"]),
        Scaled::By(scale) => (scales(x, 1.0, scale), vec!["x", "", "scales"]),
    };
    let [coordinates, rounding] = modes;
    let modes =
        vec![text("coordinate_transformation_mode", coordinates), text("nearest_mode", rounding)];
    let attributes = if opset < 11 { vec![] } else { modes };
    let model = x.node("Resize", &operands, &["y"], attributes).output("y");
    first_row(&model, [1, len]).iter().map(|x| *x as usize - 1).collect()
}

enum Scaled {
    To(i64),
    By(f32),
}

/// Answers of onnxruntime 1.32, at ratios where positions in f32 fall on another side than exact ones.
#[test]
fn the_nearest_pixel_is_that_of_onnxruntime_where_positions_are_rounded() {
    let to = |coordinates, rounding, len, size| {
        taken(19, [coordinates, rounding], len, Scaled::To(size))
    };
    let early = [0, 0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13];
    assert_eq!(to("asymmetric", "floor", 14, 16), early);
    let late = [0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12, 13, 13];
    assert_eq!(to("asymmetric", "ceil", 14, 16), late);
    let up = [0, 1, 1, 2, 3, 4, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12, 12, 13];
    assert_eq!(to("half_pixel", "round_prefer_floor", 14, 19), up);
    assert_eq!(to("half_pixel", "round_prefer_ceil", 14, 1), [7]);
    assert_eq!(to("asymmetric", "round_prefer_ceil", 7, 2), [0, 4]);
    assert_eq!(to("pytorch_half_pixel", "floor", 20, 6), [1, 4, 7, 11, 14, 17]);
    assert_eq!(to("align_corners", "ceil", 13, 8), [0, 2, 4, 6, 7, 9, 11, 12]);
    let middle = [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6];
    assert_eq!(to("tf_half_pixel_for_nn", "floor", 7, 19), middle);
    assert_eq!(to("half_pixel_symmetric", "floor", 3, 1), [0]);
}

#[test]
fn scales_that_are_no_fraction_take_the_pixels_of_onnxruntime() {
    let by = |modes, scale| taken(19, modes, 10, Scaled::By(scale));
    let ceil = by(["half_pixel", "ceil"], 1.3421);
    assert_eq!(ceil, [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9]);
    let symmetric = by(["half_pixel_symmetric", "round_prefer_floor"], 1.3421);
    assert_eq!(symmetric, [0, 1, 2, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9]);
    let old = |scale| taken(10, ["", ""], 10, Scaled::By(scale));
    assert_eq!(old(0.6), [0, 2, 4, 5, 7, 9]);
    assert_eq!(old(1.3421), [0, 0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8]);
}

#[test]
fn a_scale_that_leaves_the_size_unchanged_copies() {
    let same: Vec<usize> = (0..7).collect();
    assert_eq!(taken(19, ["asymmetric", "floor"], 7, Scaled::By(1.05)), same);
    assert_eq!(taken(19, ["half_pixel", "ceil"], 7, Scaled::By(1.1)), same);
}

#[test]
fn two_pixels_are_blended_by_their_nearness() {
    let linear = |coordinates: &str| {
        let mode = text("coordinate_transformation_mode", coordinates);
        resized([2, 2], &[4, 4], vec![text("mode", "linear"), mode])
    };
    assert_eq!(linear("half_pixel"), [1.0, 1.25, 1.75, 2.0]);
    assert_eq!(linear("pytorch_half_pixel"), [1.0, 1.25, 1.75, 2.0]);
    assert_eq!(linear("asymmetric"), [1.0, 1.5, 2.0, 2.0]);
    let corners = linear("align_corners");
    let expected = [1.0, 4.0 / 3.0, 5.0 / 3.0, 2.0];
    assert!(corners.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{corners:?}");
}

#[test]
fn pictures_become_smaller_too() {
    let x = scales(Model::opset(13).input("x", &[1, 1, 2, 4]), 0.6, 0.6);
    let y = x.node("Resize", &["x", "", "scales"], &["y"], vec![text("mode", "linear")]);
    let row = first_row(&y.output("y"), [2, 4]);
    let expected = [2.666_666_5, 4.333_333];
    assert_eq!(row.len(), 2);
    assert!(row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{row:?}");
}

#[test]
fn old_forms_round_down() {
    let early = [1., 1., 2., 2.];
    let x = Model::opset(10).input("x", &[1, 1, 2, 2]);
    let y = scales(x, 2.0, 2.0).node("Resize", &["x", "scales"], &["y"], vec![]);
    assert_eq!(first_row(&y.output("y"), [2, 2]), early);
    let x = Model::opset(9).input("x", &[1, 1, 2, 2]);
    let y = scales(x, 2.0, 2.0).node("Upsample", &["x", "scales"], &["y"], vec![]);
    assert_eq!(first_row(&y.output("y"), [2, 2]), early);
    let floats = AttributeProto {
        name: "scales".into(),
        r#type: AttributeType::Floats.into(),
        floats: vec![1.0, 1.0, 2.0, 2.0],
        ..AttributeProto::default()
    };
    assert_eq!(first_row(&Model::of(7, &[1, 1, 2, 2], "Upsample", vec![floats]), [2, 2]), early);
}

#[test]
fn what_is_not_resized_says_why() {
    let x = scales(Model::opset(13).input("x", &[1, 1, 2, 2]), 2.0, 2.0);
    let area = x.clone().node("Resize", &["x", "", "scales"], &["y"], vec![text("mode", "area")]);
    let words = area.output("y").text();
    assert!(words.contains("supported: \"nearest\", \"linear\", \"cubic\""), "{words}");
    let crop = vec![text("coordinate_transformation_mode", "tf_crop_and_resize")];
    let crop = x.clone().node("Resize", &["x", "", "scales"], &["y"], crop).output("y").text();
    assert!(crop.contains("tf_crop_and_resize without a region"), "{crop}");
    let unknown = vec![text("mode", "cubic"), text("coordinate_transformation_mode", "corners")];
    let unknown = x.clone().node("Resize", &["x", "", "scales"], &["y"], unknown);
    let unknown = unknown.output("y").text();
    assert!(unknown.contains("supported: asymmetric, half_pixel"), "{unknown}");
    let corners =
        vec![text("mode", "linear"), text("coordinate_transformation_mode", "align_corners")];
    let corners = |scale| {
        let model = scales(Model::opset(13).input("x", &[1, 1, 4, 4]), scale, scale);
        let model = model.node("Resize", &["x", "", "scales"], &["y"], corners.clone());
        model.output("y").text()
    };
    let part = corners(0.8);
    assert!(part.contains("a scale of 0.8, which makes no whole number of 4 pixels"), "{part}");
    assert!(!corners(0.75).contains("whole number"));
    let neither = x.node("Resize", &["x"], &["y"], vec![]).output("y").text();
    assert!(neither.contains("neither scales nor sizes"), "{neither}");
}
