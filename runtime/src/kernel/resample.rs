//! Images whose rows and columns are weighted sums of a few of the operand's. Rows may be rings; pixels hold their
//! channels side by side.

use core::ops::Range;

use crate::ring::Ring;
use crate::simd::Number;

/// Channels that are summed at once.
const BLOCK: usize = 16;

/// Weighted sums of pixels along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Samples {
    /// The first pixel of the operand in the sum of each of the result.
    pub first: &'static [u32],
    /// The index of each sum's list of factors.
    pub which: &'static [u32],
    /// Factors of neighbouring pixels; an empty list is that of pixels outside of the operand.
    pub weights: &'static [&'static [f32]],
}

impl Samples {
    /// The first pixel of a sum, and the factors from it on.
    #[inline(always)]
    fn at(&self, i: usize) -> (usize, &'static [f32]) {
        (self.first[i] as usize, self.weights[self.which[i] as usize])
    }
}

/// A resize of an image by weighted sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resample {
    /// Rows read.
    pub from: Ring,
    /// Rows written.
    pub into: Ring,
    /// Channels of a pixel.
    pub channels: usize,
    /// Sums that rows are made of.
    pub down: Samples,
    /// Sums that columns are made of.
    pub across: Samples,
    /// The value of pixels outside.
    pub outside: f32,
}

impl Resample {
    /// Makes `rows` of the result; each line is summed before lines are.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, rows: Range<usize>, x: &[X], y: &mut [Y]) {
        for row in rows {
            let down = self.down.at(row);
            let y = &mut y[self.into.slot(row + self.into.top)..];
            for column in 0..self.across.first.len() {
                let across = self.across.at(column);
                let y = &mut y[column * self.into.pixel..][..self.channels];
                if down.1.is_empty() || across.1.is_empty() {
                    y.fill(Y::of(self.outside));
                    continue;
                }
                for (block, y) in y.chunks_mut(BLOCK).enumerate() {
                    self.block(down, across, block * BLOCK, x, y);
                }
            }
        }
    }

    /// Some channels of a pixel.
    #[inline(always)]
    fn block<X: Number, Y: Number>(
        &self,
        (above, down): (usize, &[f32]),
        (left, across): (usize, &[f32]),
        channel: usize,
        x: &[X],
        y: &mut [Y],
    ) {
        let mut sums = [0.0; BLOCK];
        for (row, by) in down.iter().enumerate() {
            let x = &x[self.from.slot(above + row + self.from.top)..];
            let mut line = [0.0; BLOCK];
            for (column, by) in across.iter().enumerate() {
                let x = &x[(left + column) * self.from.pixel + channel..][..y.len()];
                line.iter_mut().zip(x).for_each(|(sum, x)| *sum += x.real() * by);
            }
            sums.iter_mut().zip(line).for_each(|(sum, line)| *sum += line * by);
        }
        y.iter_mut().zip(sums).for_each(|(y, sum)| *y = Y::of(sum));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_then_rows_are_summed_by_their_factors() {
        let from = Ring { base: 0, kept: 2, top: 0, row: 4, pixel: 2, chunk: 1 };
        let into = Ring { base: 0, kept: 3, top: 0, row: 6, pixel: 2, chunk: 1 };
        let weights: &[&[f32]] = &[&[1.0], &[0.5, 0.25], &[]];
        let down = Samples { first: &[1, 0, 0], which: &[0, 1, 2], weights };
        let across = Samples { first: &[0, 1, 0], which: &[1, 0, 2], weights };
        let resample = Resample { from, into, channels: 2, down, across, outside: 9.0 };
        let (x, mut y) = ([0.0, 8.0, 4.0, 16.0, 8.0, 32.0, 12.0, 64.0], [0.0; 18]);
        resample.run(0..3, &x, &mut y);
        assert_eq!(y[..6], [7.0, 32.0, 12.0, 64.0, 9.0, 9.0]);
        assert_eq!(y[6..12], [2.25, 12.0, 5.0, 24.0, 9.0, 9.0]);
        assert_eq!(y[12..], [9.0; 6]);
    }
}
