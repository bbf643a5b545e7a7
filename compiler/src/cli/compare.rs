//! How far an answer is from the one recorded.

use std::borrow::Cow;

use mnv2c::interp::Array;
use mnv2c::ir::Values;

/// How far an answer may be from the one recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tolerance {
    /// Absolute.
    pub(crate) absolute: f32,
    /// Of the recorded answer's largest magnitude.
    pub(crate) relative: f32,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Distance {
    /// The largest difference.
    pub(crate) absolute: f32,
    /// It, over the recorded answer's largest magnitude.
    pub(crate) relative: f32,
    /// Of the angle between both answers as vectors.
    pub(crate) cosine: f64,
    /// The share of numbers that are not those recorded.
    pub(crate) differing: f64,
    /// Whether it is within the tolerance.
    pub(crate) is_close: bool,
}

impl Distance {
    /// An answer as recorded: where to start looking for the worst.
    pub(crate) const NONE: Self =
        Self { absolute: 0.0, relative: 0.0, cosine: 1.0, differing: 0.0, is_close: true };

    /// The worse of both in every respect.
    pub(crate) fn worse(self, other: Self) -> Self {
        Self {
            absolute: self.absolute.max(other.absolute),
            relative: self.relative.max(other.relative),
            cosine: self.cosine.min(other.cosine),
            differing: self.differing.max(other.differing),
            is_close: self.is_close && other.is_close,
        }
    }
}

/// How far `found` is from `expected`; the message says why they cannot be compared.
pub(crate) fn distance(
    expected: &Array,
    found: &Array,
    tolerance: Tolerance,
) -> Result<Distance, String> {
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
    let is_close = absolute <= tolerance.absolute + tolerance.relative * largest;
    let pairs = expected.iter().zip(found);
    let unlike = pairs.filter(|(e, f)| difference(**e, **f) != 0.0).count();
    let differing = unlike as f64 / expected.len().max(1) as f64;
    Ok(Distance { absolute, relative, cosine: cosine(expected, found), differing, is_close })
}

/// Floats, or bytes as such.
fn floats(values: &Values) -> Option<Cow<'_, [f32]>> {
    match values {
        Values::F32(floats) => Some(Cow::Borrowed(floats)),
        Values::U8(bytes) => Some(bytes.iter().map(|q| f32::from(*q)).collect()),
        Values::I8(bytes) => Some(bytes.iter().map(|q| f32::from(*q)).collect()),
        Values::I32(_) | Values::I64(_) => None,
    }
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

    const TOLERANCE: Tolerance = Tolerance { absolute: 1e-7, relative: 1e-3 };

    fn far(expected: &[f32], found: &[f32]) -> Distance {
        let array = |values: &[f32]| Array::f32([values.len()], values.to_vec());
        distance(&array(expected), &array(found), TOLERANCE).expect("shapes agree")
    }

    #[test]
    fn differences_count_beside_the_largest_magnitude() {
        let close = far(&[0.0, -10.0], &[0.009, -10.0]);
        assert!(close.is_close && (close.relative - 9e-4).abs() < 1e-6, "{close:?}");
        assert!(!far(&[0.0, -10.0], &[0.011, -10.0]).is_close);
        assert!(far(&[0.0], &[0.0]).is_close && !far(&[0.0], &[1e-3]).is_close);
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
        assert!(distance(&a, &b, TOLERANCE).is_err());
    }
}
