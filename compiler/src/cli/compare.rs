//! The distance of an output from the recorded one.

use std::borrow::Cow;

use half::f16;
use mnv2c::interp::Array;
use mnv2c::ir::{Dtype, Values};

/// The permitted distance of an output from the recorded one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tolerance {
    /// Absolute.
    pub(crate) absolute: f32,
    /// The tolerance relative to the recorded answer's largest magnitude.
    pub(crate) relative: f32,
    /// In steps of the answer's last quantisation, if it has one.
    pub(crate) steps: u32,
}

/// Facts of the model about an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kind {
    /// Its type: of 16-bit floats a neighbour is close too.
    pub(crate) dtype: Dtype,
    /// The step of its last quantisation, if it has one.
    pub(crate) step: Option<f32>,
}

/// The distance of an output from the recorded one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Distance {
    /// The largest difference.
    pub(crate) absolute: f32,
    /// It, over the recorded answer's largest magnitude.
    pub(crate) relative: f32,
    /// It, in steps of the last quantisation, if there is one.
    pub(crate) steps: Option<u32>,
    /// The cosine of the angle between both answers as vectors.
    pub(crate) cosine: f64,
    /// True if it is within the tolerance.
    pub(crate) is_close: bool,
}

impl Distance {
    /// An answer as recorded: where to start looking for the worst.
    pub(crate) const NONE: Self =
        Self { absolute: 0.0, relative: 0.0, steps: None, cosine: 1.0, is_close: true };

    /// The worse of both in every respect.
    pub(crate) fn worse(self, other: Self) -> Self {
        Self {
            absolute: self.absolute.max(other.absolute),
            relative: self.relative.max(other.relative),
            steps: self.steps.max(other.steps),
            cosine: self.cosine.min(other.cosine),
            is_close: self.is_close && other.is_close,
        }
    }
}

/// The distance of `found` from `expected`, an output of a kind; the message says why they cannot be compared.
pub(crate) fn distance(
    expected: &Array,
    found: &Array,
    kind: Kind,
    tolerance: Tolerance,
) -> Result<Distance, String> {
    let expected = &*padded(expected, found);
    if expected.shape != found.shape {
        return Err(format!("answers {:?}, recorded is {:?}", found.shape, expected.shape));
    }
    let (Some(expected), Some(found)) = (floats(&expected.values), floats(&found.values)) else {
        let (found, expected) = (found.values.dtype(), expected.values.dtype());
        return Err(format!(
            "answers {found}, recorded is {expected}; floats and bytes are compared"
        ));
    };
    let (expected, found) = (&*expected, &*found);
    let largest = expected.iter().filter(|x| x.is_finite()).fold(0f32, |most, x| most.max(x.abs()));
    let absolute = expected.iter().zip(found).map(|(e, f)| difference(*e, *f)).fold(0f32, f32::max);
    let relative = if absolute == 0.0 { 0.0 } else { absolute / largest };
    // Integers and truth values are so or not.
    let is_exact = !kind.dtype.is_float() && kind.step.is_none();
    let allowed = if is_exact { 0.0 } else { tolerance.absolute + tolerance.relative * largest };
    let steps = |apart: f32| kind.step.map(|step| (apart / step).round() as u32);
    let is_near = |(e, f): (&f32, &f32)| {
        let apart = difference(*e, *f);
        apart <= allowed
            || steps(apart).is_some_and(|steps| steps <= tolerance.steps)
            || (kind.dtype == Dtype::F16 && are_neighbours(*e, *f))
    };
    let is_close = expected.iter().zip(found).all(is_near);
    let cosine = cosine(expected, found);
    Ok(Distance { absolute, relative, steps: steps(absolute), cosine, is_close })
}

/// `expected` with rows of -1 behind its own, where `found` has more rows of integers and those are such: as many as a
/// detector may find, where the recorded ones are those that it found.
fn padded<'a>(expected: &'a Array, found: &Array) -> Cow<'a, Array> {
    let ([recorded, row @ ..], [rows, same @ ..]) = (&expected.shape[..], &found.shape[..]) else {
        return Cow::Borrowed(expected);
    };
    let (Values::I64(told), Some(given)) = (&expected.values, floats(&found.values)) else {
        return Cow::Borrowed(expected);
    };
    let behind = given.get(told.len()..).unwrap_or_default();
    if recorded >= rows || row != same || behind.iter().any(|x| *x != -1.0) {
        return Cow::Borrowed(expected);
    }
    let mut told = told.clone();
    told.resize(given.len(), -1);
    Cow::Owned(Array { shape: found.shape.clone(), values: Values::I64(told) })
}

/// Floats, or bytes as such.
fn floats(values: &Values) -> Option<Cow<'_, [f32]>> {
    match values {
        Values::F32(floats) => Some(Cow::Borrowed(floats)),
        Values::U8(bytes) => Some(bytes.iter().map(|q| f32::from(*q)).collect()),
        Values::I8(bytes) => Some(bytes.iter().map(|q| f32::from(*q)).collect()),
        Values::I32(integers) => Some(integers.iter().map(|x| *x as f32).collect()),
        Values::I64(integers) => Some(integers.iter().map(|x| *x as f32).collect()),
    }
}

/// True if no 16-bit float lies between both, rounded to it.
fn are_neighbours(a: f32, b: f32) -> bool {
    let rank = |x: f32| {
        let bits = i32::from(f16::from_f32(x).to_bits());
        if bits < SIGN { bits } else { SIGN - bits }
    };
    /// The bit that negative numbers have.
    const SIGN: i32 = 0x8000;
    !a.is_nan() && !b.is_nan() && rank(a).abs_diff(rank(b)) <= 1
}

/// Infinite where one is a number and the other is none.
fn difference(expected: f32, found: f32) -> f32 {
    let is_same = expected == found || (expected.is_nan() && found.is_nan());
    let apart = (expected - found).abs();
    match (is_same, apart.is_nan()) {
        (true, _) => 0.0,
        (false, true) => f32::INFINITY,
        (false, false) => apart,
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms == 0.0 { 1.0 } else { dot(a, b) / norms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_minus_one_may_follow_those_that_were_recorded() {
        let rows = |x: &[i64]| Array { shape: vec![x.len() / 2, 2], values: Values::I64(x.into()) };
        let recorded = rows(&[3, 4]);
        assert_eq!(*padded(&recorded, &rows(&[3, 4, -1, -1])), rows(&[3, 4, -1, -1]));
        assert_eq!(*padded(&recorded, &rows(&[0, 0, -1, -1])), rows(&[3, 4, -1, -1]));
        assert_eq!(*padded(&recorded, &rows(&[3, 4, -1, 0])), recorded);
        assert_eq!(*padded(&rows(&[3, 4, -1, -1]), &recorded), rows(&[3, 4, -1, -1]));
    }

    const TOLERANCE: Tolerance = Tolerance { absolute: 1e-7, relative: 1e-3, steps: 1 };
    const REALS: Kind = Kind { dtype: Dtype::F32, step: None };

    fn far(expected: &[f32], found: &[f32]) -> Distance {
        let array = |values: &[f32]| Array::f32([values.len()], values.to_vec());
        distance(&array(expected), &array(found), REALS, TOLERANCE).expect("shapes agree")
    }

    #[test]
    fn differences_count_beside_the_largest_magnitude() {
        let close = far(&[0.0, -10.0], &[0.009, -10.0]);
        assert!(close.is_close && (close.relative - 9e-4).abs() < 1e-6, "{close:?}");
        assert!(!far(&[0.0, -10.0], &[0.011, -10.0]).is_close);
        assert!(far(&[0.0], &[0.0]).is_close && !far(&[0.0], &[1e-3]).is_close);
    }

    #[test]
    fn neighbours_in_sixteen_bits_are_close_where_they_are_declared() {
        let array = |x: f32| Array::f32([2], vec![1.0, x]);
        let is_close = |a: f32, b: f32, dtype| {
            let tolerance = Tolerance { absolute: 0.0, relative: 0.0, steps: 0 };
            let kind = Kind { dtype, step: None };
            distance(&array(a), &array(b), kind, tolerance).expect("shapes agree").is_close
        };
        let (step, most) = (2f32.powi(-24), 65504.0);
        for (a, b) in [(2048.0, 2050.0), (step, -0.0), (0.0, -step), (-most, f32::NEG_INFINITY)] {
            assert!(is_close(a, b, Dtype::F16) && !is_close(a, b, Dtype::F32), "{a} and {b}");
        }
        for (a, b) in [(2048.0, 2052.0), (step, -step), (f32::NAN, f32::INFINITY)] {
            assert!(!is_close(a, b, Dtype::F16), "{a} and {b}");
        }
    }

    #[test]
    fn steps_of_a_quantised_answer_are_counted_and_may_be_so_many() {
        let array = |x: f32| Array::f32([2], vec![100.0, x]);
        let far = |x: f32, steps| {
            let tolerance = Tolerance { absolute: 0.0, relative: 0.0, steps };
            let kind = Kind { dtype: Dtype::F32, step: Some(0.1) };
            let far = distance(&array(0.3), &array(x), kind, tolerance).expect("shapes agree");
            (far.steps, far.is_close)
        };
        assert_eq!(
            [far(0.3, 0), far(0.4, 0), far(0.4, 1)],
            [(Some(0), true), (Some(1), false), (Some(1), true)]
        );
        assert_eq!([far(0.1, 1), far(0.1, 2)], [(Some(2), false), (Some(2), true)]);
        assert_eq!(far(f32::NAN, 9), (Some(u32::MAX), false));
    }

    #[test]
    fn what_is_no_number_is_close_to_nothing_else() {
        assert!(far(&[f32::NAN, f32::INFINITY], &[f32::NAN, f32::INFINITY]).is_close);
        assert!(!far(&[1.0], &[f32::NAN]).is_close);
        assert!(!far(&[f32::NAN], &[1.0]).is_close);
        assert!(!far(&[f32::INFINITY], &[1.0]).is_close);
    }

    #[test]
    fn other_shapes_are_refused() {
        let (a, b) = (Array::f32([2], vec![0.0; 2]), Array::f32([1, 2], vec![0.0; 2]));
        assert!(distance(&a, &b, REALS, TOLERANCE).is_err());
    }
}
