//! Floats that a layer quantises as they come, because its weights are bytes.
//!
//! A convolution takes the least and the greatest of all its inputs, zero among them, as the ends of 256 steps; a dense
//! layer takes 127 steps on both sides of zero, up to the greatest magnitude of each row, or, where its options say so, as a
//! convolution does. What is multiplied is the whole number of steps; the sums are then scaled by the step.

use crate::frontend::tflite::model::Kind;
use crate::frontend::tflite::write::{Writer, int, ints};

/// The smallest step: where all inputs are zero, none is divided by zero.
const LEAST_STEP: f32 = 1e-30;

/// Inputs in whole steps from zero, and the length of a step.
pub(super) struct Steps {
    pub(super) whole: String,
    pub(super) step: String,
}

/// True if inputs of such numbers are quantised for such weights.
pub(super) fn is_hybrid(x: Kind, w: Kind) -> bool {
    x == Kind::F32 && w == Kind::I8
}

/// `x` in 256 steps between its least and greatest number over `axes`, each of which is at the right side of zero.
pub(super) fn between_ends(writer: &mut Writer<'_>, x: &str, axes: &[i64]) -> Steps {
    let zero = writer.number("zero", 0.0);
    let [least, most] = [("ReduceMin", "Min"), ("ReduceMax", "Max")].map(|(reduce, bound)| {
        let end = writer.node(reduce, &[x], vec![ints("axes", axes), int("keepdims", 1)]);
        writer.node(bound, &[&end, &zero], vec![])
    });
    let range = writer.node("Sub", &[&most, &least], vec![]);
    let step = step_of(writer, &range, 255.0);
    let below = writer.node("Div", &[&least, &step], vec![]);
    let below = writer.node("Round", &[&below], vec![]);
    let steps = writer.node("Div", &[x, &step], vec![]);
    // Steps are counted from the least, whose end is a whole number of steps from zero.
    let from_least = writer.node("Sub", &[&steps, &below], vec![]);
    let rounded = writer.node("Round", &[&from_least], vec![]);
    let (lo, hi) = (writer.number("lo", 0.0), writer.number("hi", 255.0));
    let bounded = writer.node("Clip", &[&rounded, &lo, &hi], vec![]);
    let whole = writer.node("Add", &[&bounded, &below], vec![]);
    Steps { whole, step }
}

/// `x` in 127 steps on both sides of zero, up to the greatest magnitude over `axes`.
pub(super) fn around_zero(writer: &mut Writer<'_>, x: &str, axes: &[i64]) -> Steps {
    let magnitudes = writer.node("Abs", &[x], vec![]);
    let most =
        writer.node("ReduceMax", &[&magnitudes], vec![ints("axes", axes), int("keepdims", 1)]);
    let step = step_of(writer, &most, 127.0);
    let steps = writer.node("Div", &[x, &step], vec![]);
    let whole = writer.node("Round", &[&steps], vec![]);
    Steps { whole, step }
}

fn step_of(writer: &mut Writer<'_>, range: &str, steps: f32) -> String {
    let (steps, least) = (writer.number("steps", steps), writer.number("least", LEAST_STEP));
    let step = writer.node("Div", &[range, &steps], vec![]);
    writer.node("Max", &[&step, &least], vec![])
}
