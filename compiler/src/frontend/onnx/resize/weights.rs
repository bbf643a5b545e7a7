//! Weights of the pixels that a pixel of a resized image is a sum of, by the formulas of the specification.
//!
//! Pixels around a position are weighed by their distances from it, which are made smaller where a smaller image is to
//! have no aliases. Weights sum to one; those of pixels outside fall to the edge, or are left out before that.

use crate::ir::Taps;

/// The weight of a distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Filter {
    /// Straight down to 0 at the next pixel.
    Linear,
    /// Two cubics, to 0 at the second pixel; the number is the slope at the first.
    Cubic(f32),
}

/// Where a pixel of the result lies in the operand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// The pixel at or before it.
    pub(super) whole: isize,
    /// The part of the way to the next.
    pub(super) part: f64,
}

/// How pixels are weighed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel {
    /// The weight of a distance.
    pub(super) filter: Filter,
    /// The factor of distances, at most 1.
    pub(super) narrow: f64,
    /// True if pixels outside have no weight.
    pub(super) exclude_outside: bool,
}

impl Filter {
    /// The distance from which on weights are 0.
    fn reach(self) -> f64 {
        match self {
            Self::Linear => 1.0,
            Self::Cubic(_) => 2.0,
        }
    }

    /// Most pixels that have a weight.
    pub(super) fn width(self, narrow: f64) -> usize {
        2 * (self.reach() / narrow).ceil() as usize + 1
    }

    fn weight(self, distance: f64) -> f64 {
        let x = distance.abs();
        match self {
            Self::Linear => (1.0 - x).max(0.0),
            Self::Cubic(a) if x <= 1.0 => {
                let a = f64::from(a);
                ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
            }
            Self::Cubic(a) if x < 2.0 => {
                let a = f64::from(a);
                ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
            }
            Self::Cubic(_) => 0.0,
        }
    }
}

impl Kernel {
    /// The sum that lies at a position of `len` pixels.
    pub(super) fn taps(&self, Position { whole, part }: Position, len: usize) -> Taps {
        let last = len as isize - 1;
        let reach = self.filter.reach() / self.narrow;
        let offsets = (part - reach).floor() as isize..=(part + reach).ceil() as isize;
        let first = (whole + offsets.start()).clamp(0, last);
        let end = (whole + offsets.end()).clamp(0, last);
        let mut weights = vec![0.0; (end - first) as usize + 1];
        for offset in offsets {
            let (pixel, distance) = (whole + offset, (offset as f64 - part) * self.narrow);
            if !self.exclude_outside || (0..=last).contains(&pixel) {
                weights[(pixel.clamp(0, last) - first) as usize] += self.filter.weight(distance);
            }
        }
        trimmed(first as usize, &weights)
    }
}

/// Weights that sum to one, but for those that are 0 at either end; one of 0 if all are.
fn trimmed(first: usize, weights: &[f64]) -> Taps {
    let sum: f64 = weights.iter().sum();
    let sum = if sum == 0.0 { 1.0 } else { sum };
    let weights: Vec<f32> = weights.iter().map(|weight| (weight / sum) as f32).collect();
    let counts = |weight: &f32| *weight != 0.0;
    let start = weights.iter().position(counts).unwrap_or(0);
    let end = weights.iter().rposition(counts).unwrap_or(start) + 1;
    Taps { first: first + start, weights: weights[start..end].to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taps(filter: Filter, narrow: f64, exclude_outside: bool, at: f64, len: usize) -> Taps {
        let position = Position { whole: at.floor() as isize, part: at - at.floor() };
        Kernel { filter, narrow, exclude_outside }.taps(position, len)
    }

    #[test]
    fn pixels_on_pixels_are_those() {
        for filter in [Filter::Linear, Filter::Cubic(-0.75)] {
            assert_eq!(taps(filter, 1.0, false, 3.0, 5), Taps::one(3));
            assert_eq!(taps(filter, 1.0, false, 7.5, 5), Taps::one(4));
        }
    }

    #[test]
    fn weights_outside_fall_to_the_edge_or_are_left_out() {
        let middle = [-0.09375, 0.59375, 0.59375, -0.09375];
        let cubic = Filter::Cubic(-0.75);
        let inner = taps(cubic, 1.0, false, 1.5, 4);
        assert_eq!((inner.first, inner.weights), (0, middle.to_vec()));
        assert_eq!(taps(cubic, 1.0, false, 0.5, 4).weights, [0.5, 0.59375, -0.09375]);
        let sum = 0.59375 * 2.0 - 0.09375;
        let kept = [0.59375 / sum, 0.59375 / sum, -0.09375 / sum];
        assert_eq!(taps(cubic, 1.0, true, 0.5, 4).weights, kept);
    }

    #[test]
    fn a_smaller_picture_is_made_of_wider_sums() {
        let half = taps(Filter::Linear, 0.5, false, 2.5, 8);
        assert_eq!((half.first, half.weights), (1, vec![0.125, 0.375, 0.375, 0.125]));
    }
}
