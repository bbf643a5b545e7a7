//! Resizing of images whose pixels hold their channels side by side. Rows may be rings.

use core::ops::Range;

use crate::ring::Ring;
use crate::simd::Number;

/// Positions of the result's pixels along one axis: `(i * step + shift) / per`, or the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Pixels of the operand.
    pub len: usize,
    /// Numerator of the distance between neighbours.
    pub step: usize,
    /// Numerator of the first position.
    pub shift: isize,
    /// Denominator.
    pub per: usize,
}

impl Scale {
    /// The pixel at or before pixel `i`, the next one, and the part of the way between them.
    #[inline(always)]
    fn at(&self, i: usize) -> (usize, usize, f32) {
        let position = (i * self.step).saturating_add_signed(self.shift);
        let position = position.min((self.len - 1) * self.per);
        let at = position.checked_div(self.per).unwrap_or(0);
        let next = if at + 1 < self.len { at + 1 } else { at };
        (at, next, (position - at * self.per) as f32 / self.per as f32)
    }
}

/// A resize of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// Rows read.
    pub from: Ring,
    /// Rows written.
    pub into: Ring,
    /// Channels of a pixel.
    pub channels: usize,
    /// Positions of rows.
    pub down: Scale,
    /// Positions of columns.
    pub across: Scale,
    /// Pixels of a row of the result.
    pub width: usize,
}

impl Resize {
    /// Makes `rows` of the result, each pixel that of the operand at its place.
    #[inline(always)]
    pub fn nearest<X: Number, Y: Number>(&self, rows: Range<usize>, x: &[X], y: &mut [Y]) {
        self.taken(rows, x, y, |x| Y::of(x.real()));
    }

    /// Makes `rows` of the result, of bytes of any scale.
    #[inline(always)]
    pub fn bytes(&self, rows: Range<usize>, x: &[u8], y: &mut [u8]) {
        self.taken(rows, x, y, |x| x);
    }

    #[inline(always)]
    fn taken<X: Copy, Y>(
        &self,
        rows: Range<usize>,
        x: &[X],
        y: &mut [Y],
        stored: impl Fn(X) -> Y + Copy,
    ) {
        for row in rows {
            let (i, _, _) = self.down.at(row);
            let (x, y) = (self.line(x, i), self.line_mut(y, row));
            for column in 0..self.width {
                let (j, _, _) = self.across.at(column);
                let pixel = self.pixel_mut(y, column).iter_mut().zip(self.pixel(x, j));
                pixel.for_each(|(y, x)| *y = stored(*x));
            }
        }
    }

    /// Makes `rows` of the result, each pixel blended of the four around its place.
    #[inline(always)]
    pub fn linear<X: Number, Y: Number>(&self, rows: Range<usize>, x: &[X], y: &mut [Y]) {
        for row in rows {
            let (above, below, down) = self.down.at(row);
            let (above, below) = (self.line(x, above), self.line(x, below));
            let y = self.line_mut(y, row);
            for column in 0..self.width {
                let (left, right, across) = self.across.at(column);
                let upper = self.pixel(above, left).iter().zip(self.pixel(above, right));
                let lower = self.pixel(below, left).iter().zip(self.pixel(below, right));
                let y = self.pixel_mut(y, column).iter_mut();
                for (y, ((a, b), (c, d))) in y.zip(upper.zip(lower)) {
                    let [a, b, c, d] = [a.real(), b.real(), c.real(), d.real()];
                    let (a, c) = (a + (b - a) * across, c + (d - c) * across);
                    *y = Y::of(a + (c - a) * down);
                }
            }
        }
    }

    #[inline(always)]
    fn line<'a, E>(&self, x: &'a [E], row: usize) -> &'a [E] {
        let len = (self.across.len - 1) * self.from.pixel + self.channels;
        &x[self.from.slot(row + self.from.top)..][..len]
    }

    #[inline(always)]
    fn line_mut<'a, E>(&self, y: &'a mut [E], row: usize) -> &'a mut [E] {
        let len = (self.width - 1) * self.into.pixel + self.channels;
        &mut y[self.into.slot(row + self.into.top)..][..len]
    }

    #[inline(always)]
    fn pixel<'a, E>(&self, line: &'a [E], column: usize) -> &'a [E] {
        &line[column * self.from.pixel..][..self.channels]
    }

    #[inline(always)]
    fn pixel_mut<'a, E>(&self, line: &'a mut [E], column: usize) -> &'a mut [E] {
        &mut line[column * self.into.pixel..][..self.channels]
    }
}

/// A resize of an image whose pixels are listed, because no fraction says which are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Rows read.
    pub from: Ring,
    /// Rows written.
    pub into: Ring,
    /// Channels of a pixel.
    pub channels: usize,
    /// The row of the operand for each of the result.
    pub down: &'static [u32],
    /// The pixel of such a row for each of a row of the result.
    pub across: &'static [u32],
}

impl Pick {
    /// Makes `rows` of the result.
    #[inline(always)]
    pub fn nearest<X: Number, Y: Number>(&self, rows: Range<usize>, x: &[X], y: &mut [Y]) {
        self.taken(rows, x, y, |x| Y::of(x.real()));
    }

    /// Makes `rows` of the result, of bytes of any scale.
    #[inline(always)]
    pub fn bytes(&self, rows: Range<usize>, x: &[u8], y: &mut [u8]) {
        self.taken(rows, x, y, |x| x);
    }

    #[inline(always)]
    fn taken<X: Copy, Y>(
        &self,
        rows: Range<usize>,
        x: &[X],
        y: &mut [Y],
        stored: impl Fn(X) -> Y + Copy,
    ) {
        for row in rows {
            let above = self.down[row] as usize;
            let x = &x[self.from.slot(above + self.from.top)..];
            let y = &mut y[self.into.slot(row + self.into.top)..];
            for (column, left) in self.across.iter().enumerate() {
                let x = &x[*left as usize * self.from.pixel..][..self.channels];
                let y = &mut y[column * self.into.pixel..][..self.channels];
                y.iter_mut().zip(x).for_each(|(y, x)| *y = stored(*x));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Ring = Ring { base: 0, kept: 1, top: 0, row: 3, pixel: 1, chunk: 1 };
    const TALL: Scale = Scale { len: 1, step: 1, shift: 0, per: 1 };

    #[test]
    fn a_doubled_line_is_blended_by_nearness() {
        // Half-pixel coordinates: (2 i + 1) / 4 - 1 / 2.
        let across = Scale { len: 3, step: 2, shift: -1, per: 4 };
        let into = Ring { row: 6, ..LINE };
        let twice = Resize { from: LINE, into, channels: 1, down: TALL, across, width: 6 };
        let (x, mut y) = ([0.0, 4.0, 8.0], [0.0; 6]);
        twice.linear(0..1, &x, &mut y);
        assert_eq!(y, [0.0, 1.0, 3.0, 5.0, 7.0, 8.0]);
        let floor = Scale { len: 3, step: 1, shift: 0, per: 2 };
        let nearest = Resize { across: floor, ..twice };
        nearest.nearest(0..1, &x, &mut y);
        assert_eq!(y, [0.0, 0.0, 4.0, 4.0, 8.0, 8.0]);
        let mut bytes = [0; 6];
        nearest.bytes(0..1, &[7, 255, 128], &mut bytes);
        assert_eq!(bytes, [7, 7, 255, 255, 128, 128]);
    }

    #[test]
    fn listed_pixels_are_taken_from_their_rows() {
        let from = Ring { base: 0, kept: 2, top: 0, row: 3, pixel: 1, chunk: 1 };
        let into = Ring { base: 0, kept: 3, top: 0, row: 2, pixel: 1, chunk: 1 };
        let pick = Pick { from, into, channels: 1, down: &[1, 0, 0], across: &[2, 1] };
        let (x, mut y) = ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [9.0; 6]);
        pick.nearest(0..3, &x, &mut y);
        assert_eq!(y, [5.0, 4.0, 2.0, 1.0, 2.0, 1.0]);
        let mut bytes = [0; 6];
        pick.bytes(0..3, &[0, 1, 2, 3, 4, 255], &mut bytes);
        assert_eq!(bytes, [255, 4, 2, 1, 2, 1]);
    }
}
