//! Images whose rows and columns are weighted sums of a few of the operand's, which neither a fraction nor a list of
//! pixels expresses.

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Layouts, Streams, Traits};

/// Attributes of a resampling.
#[derive(Clone, Debug, PartialEq)]
pub struct Resample {
    /// Sums that rows are made of.
    pub down: Samples,
    /// Sums that columns are made of.
    pub across: Samples,
    /// The value of pixels without taps.
    pub outside: f32,
}

/// Weighted sums of pixels along an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Pixels of the operand.
    pub len: usize,
    /// The sum that each pixel of the result is.
    pub taps: Vec<Taps>,
}

/// Neighbouring pixels of the operand and what each is multiplied with; none of a pixel that lies outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Taps {
    /// The first pixel.
    pub first: usize,
    /// The factors from it on.
    pub weights: Vec<f32>,
}

impl Definition for Resample {
    fn name(&self) -> &'static str {
        "resample"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        let streams = if self.down.growth().is_some() { Streams::Rows } else { Streams::No };
        Traits::new(Layouts::Pixels, streams)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        self.shape_of(first(operands, self.name())?).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(Values::F32(self.resampled(reads.floats(0)?)))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        let (down, across) = (self.down.most(), self.across.most());
        let outside = match self.outside {
            0.0 => String::new(),
            outside => format!(" outside {outside}"),
        };
        format!(" sums of {down}x{across}{outside}")
    }

    fn work(&self, _: &[&[usize]]) -> usize {
        self.down.most() * (self.across.most() + 1)
    }
}

impl Resample {
    /// A pixel of the result, of an image whose pixels `at` says; rows are summed first.
    pub fn pixel(&self, [row, column]: [usize; 2], at: impl Fn(usize, usize) -> f32 + Copy) -> f32 {
        let (down, across) = (&self.down.taps[row], &self.across.taps[column]);
        if down.weights.is_empty() || across.weights.is_empty() {
            return self.outside;
        }
        down.sum(|row| across.sum(|column| at(row, column)))
    }

    fn shape_of(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let &[n, c, h, w] = x else {
            return Err(format!("resample needs a rank-4 input, has {x:?}"));
        };
        let (rows, columns) = (self.down.taps.len(), self.across.taps.len());
        let sizes = [h, w] == [self.down.len, self.across.len];
        if sizes && self.down.fits() && self.across.fits() {
            Ok(vec![n, c, rows, columns])
        } else {
            Err(format!("a resampling of {x:?} to {rows}x{columns}"))
        }
    }

    fn resampled(&self, x: Floats<'_>) -> Vec<f32> {
        let (height, width) = (self.down.len, self.across.len);
        let (rows, columns) = (self.down.taps.len(), self.across.taps.len());
        let pixels = || (0..rows).flat_map(|row| (0..columns).map(move |column| [row, column]));
        let planes = x.values.chunks_exact(height * width);
        planes
            .flat_map(|plane| {
                pixels().map(|pixel| self.pixel(pixel, |row, column| plane[row * width + column]))
            })
            .collect()
    }
}

impl Samples {
    /// The factor by which the result has more pixels, if it is a whole number.
    pub fn growth(&self) -> Option<usize> {
        let size = self.taps.len();
        (self.len > 0 && size.is_multiple_of(self.len)).then(|| size / self.len)
    }

    /// Pixels of the longest sum.
    pub fn most(&self) -> usize {
        self.taps.iter().map(|taps| taps.weights.len()).max().unwrap_or(0)
    }

    fn fits(&self) -> bool {
        let inside = |taps: &Taps| taps.first + taps.weights.len() <= self.len;
        self.len > 0 && !self.taps.is_empty() && self.taps.iter().all(inside)
    }
}

impl Taps {
    /// One pixel as it is.
    pub fn one(pixel: usize) -> Self {
        Self { first: pixel, weights: vec![1.0] }
    }

    /// The sum, of pixels that `at` says.
    fn sum(&self, at: impl Fn(usize) -> f32) -> f32 {
        let terms = self.weights.iter().zip(self.first..);
        terms.fold(0.0, |sum, (weight, pixel)| sum + at(pixel) * weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_weighted_sums_or_lie_outside() {
        let halves = Taps { first: 0, weights: vec![0.5, 0.5] };
        let none = Taps { first: 0, weights: vec![] };
        let down = Samples { len: 2, taps: vec![Taps::one(1), halves.clone()] };
        let across = Samples { len: 2, taps: vec![halves, Taps::one(0), none] };
        let resample = Resample { down, across, outside: 9.0 };
        assert_eq!(resample.shape_of(&[1, 1, 2, 2]), Ok(vec![1, 1, 2, 3]));
        assert!(resample.shape_of(&[1, 1, 3, 2]).is_err());
        let x = Floats { shape: &[1, 1, 2, 2], values: &[1.0, 3.0, 5.0, 7.0] };
        assert_eq!(resample.resampled(x), [6.0, 5.0, 9.0, 4.0, 3.0, 9.0]);
    }
}
