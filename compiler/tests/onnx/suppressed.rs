//! NonMaxSuppression: the boxes that are left are those of the definition, in the oracle and in the program.

use mnv2c::interp::Array;
use mnv2c::ir::Values;
use mnv2c::proto::tensor_proto::DataType;

use crate::build::{Model, int};
use crate::truths::answers;

/// Boxes of two images, as corners `y, x`: a square, one that shares two thirds of their union, one far off.
const BOXES: [f32; 24] = [
    0.0, 0.0, 10.0, 10.0, 0.0, 2.0, 10.0, 12.0, 50.0, 50.0, 40.0, 40.0, 0.0, 0.0, 10.0, 10.0, 0.0,
    2.0, 10.0, 12.0, 50.0, 50.0, 40.0, 40.0,
];

/// Scores of two classes in each image.
const SCORES: [f32; 12] = [0.9, 0.8, 0.7, 0.1, 0.2, 0.3, 0.5, 0.5, 0.5, 0.3, 0.9, f32::NAN];

fn model(count: i64, overlap: f32, score: f32, centred: i64) -> Model {
    Model::opset(11)
        .input("boxes", &[2, 3, 4])
        .input("scores", &[2, 2, 3])
        .ints("count", &[count])
        .reals("overlap", &[overlap])
        .reals("score", &[score])
        .node(
            "NonMaxSuppression",
            &["boxes", "scores", "count", "overlap", "score"],
            &["y"],
            vec![int("center_point_box", centred)],
        )
        .output_of("y", DataType::Int64)
}

fn given(boxes: [f32; 24]) -> [Array; 2] {
    [Array::f32([2, 3, 4], boxes.to_vec()), Array::f32([2, 2, 3], SCORES.to_vec())]
}

/// Rows that are told, and the ones behind them that hold -1.
fn rows(told: &[[i64; 3]], all: usize) -> [Values; 1] {
    let mut rows: Vec<i64> = told.as_flattened().to_vec();
    rows.resize(all * 3, -1);
    [Values::I64(rows)]
}

#[test]
fn boxes_that_overlap_a_better_one_are_left_out() {
    // Every class by itself, the best first, of equals the first, and what is no number not at all.
    let told = [[0, 0, 0], [0, 0, 2], [0, 1, 2], [0, 1, 1], [1, 0, 0], [1, 0, 2], [1, 1, 1]];
    assert_eq!(answers(&model(3, 0.6, 0.0, 0), &given(BOXES)), rows(&told, 12));
    // The two squares share as much as they may.
    let told = [
        [0, 0, 0],
        [0, 0, 1],
        [0, 0, 2],
        [0, 1, 2],
        [0, 1, 1],
        [0, 1, 0],
        [1, 0, 0],
        [1, 0, 1],
        [1, 0, 2],
        [1, 1, 1],
        [1, 1, 0],
    ];
    let share = 80.0 / (100.0 + 100.0 - 80.0);
    assert_eq!(answers(&model(9, share, 0.0, 0), &given(BOXES)), rows(&told, 12));
}

#[test]
fn counts_and_scores_bound_what_is_told() {
    let told = [[0, 0, 0], [0, 1, 2], [1, 0, 0], [1, 1, 1]];
    assert_eq!(answers(&model(1, 0.6, 0.0, 0), &given(BOXES)), rows(&told, 4));
    // Scores are greater than the bound.
    let told = [[0, 0, 0], [0, 0, 2], [1, 1, 1]];
    assert_eq!(answers(&model(2, 0.6, 0.5, 0), &given(BOXES)), rows(&told, 8));
}

#[test]
fn boxes_are_told_by_their_centres() {
    let mut boxes = [0.0; 24];
    for (made, corners) in boxes.chunks_exact_mut(4).zip(BOXES.chunks_exact(4)) {
        let &[top, left, bottom, right] = corners else { unreachable!("boxes have four numbers") };
        let (width, height) = ((right - left).abs(), (bottom - top).abs());
        let centre = [(left + right) / 2.0, (top + bottom) / 2.0];
        made.copy_from_slice(&[centre[0], centre[1], width, height]);
    }
    let by_corners = answers(&model(3, 0.6, 0.0, 0), &given(BOXES));
    assert_eq!(answers(&model(3, 0.6, 0.0, 1), &given(boxes)), by_corners);
}

#[test]
fn thresholds_that_cannot_be_meant_are_refused() {
    let words = |model: Model| model.read().unwrap_err().to_string();
    let none = words(model(0, 0.5, 0.0, 0));
    assert!(none.contains("max_output_boxes_per_class 0, which selects no box"), "{none}");
    let above = words(model(1, 1.5, 0.0, 0));
    assert!(above.contains("iou_threshold 1.5; it lies between 0 and 1"), "{above}");
}
