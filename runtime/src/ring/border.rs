//! Stored padding that is not zero: around an image whose normalisation was folded away, the value that means zero.

use core::ops::Range;

use crate::ring::Rows;
use crate::simd::Number;

impl Rows {
    /// Writes `border`, a number a channel, wherever [`clear_edges`](Self::clear_edges) writes zeros.
    #[inline(always)]
    pub fn border_edges<E: Number, B: Number>(&self, x: &mut [E], border: &[B]) {
        let columns = self.left + self.width + self.right;
        for slot in 0..self.kept {
            self.put(x, slot, 0..self.left, border);
            self.put(x, slot, self.left + self.width..columns, border);
        }
        for slot in 0..self.top {
            self.put(x, slot, 0..columns, border);
        }
    }

    /// Writes `border` wherever [`clear_around`](Self::clear_around) writes zeros.
    #[inline(always)]
    pub fn border_around<E: Number, B: Number>(&self, x: &mut [E], height: usize, border: &[B]) {
        let columns = self.left + self.width + self.right;
        self.border_edges(x, border);
        for slot in self.top + height..self.kept {
            self.put(x, slot, 0..columns, border);
        }
    }

    /// Writes `border` into row `row` of the image, when it lies below the last.
    #[inline(always)]
    pub fn border_row<E: Number, B: Number>(&self, x: &mut [E], row: usize, border: &[B]) {
        let columns = self.left + self.width + self.right;
        self.put(x, (row + self.top) % self.kept, 0..columns, border);
    }

    #[inline(always)]
    fn put<E: Number, B: Number>(
        &self,
        x: &mut [E],
        slot: usize,
        columns: Range<usize>,
        border: &[B],
    ) {
        let ring = self.ring(0);
        for group in 0..self.groups() {
            let start = group * ring.chunk + slot * ring.row;
            let x = &mut x[start + columns.start * ring.pixel..start + columns.end * ring.pixel];
            for pixel in x.chunks_exact_mut(ring.pixel) {
                for (lane, value) in pixel.iter_mut().enumerate() {
                    let number = border.get(group * ring.pixel + lane);
                    *value = number.map_or(E::ZERO, |number| E::of(number.real()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_bordered_by_channel() {
        let border = [5.0, 7.0];
        let mut pixels = [0.0; 12];
        let rows = Rows::nhwc(2, 1, 2).padded(1, 1, 1);
        rows.border_edges(&mut pixels, &border);
        assert_eq!(pixels, [5., 7., 5., 7., 5., 7., 5., 7., 0., 0., 5., 7.]);
        let mut planes = [0.0; 8];
        Rows::planes(2, 1, 2).padded(1, 0, 1).border_edges(&mut planes, &border);
        assert_eq!(planes, [5., 5., 0., 5., 7., 7., 0., 7.]);
        let mut chunks = [0.0; 8];
        Rows::chunks(1, 1, 2, 4).padded(0, 0, 1).border_edges(&mut chunks, &border);
        assert_eq!(chunks, [0., 0., 0., 0., 5., 7., 0., 0.]);
    }

    #[test]
    fn an_image_is_bordered_above_and_below() {
        let rows = Rows::nhwc(4, 1, 1).padded(1, 1, 0);
        let (mut zeros, mut borders) = ([9.0; 8], [9.0; 8]);
        rows.clear_around(&mut zeros, 2);
        rows.border_around(&mut borders, 2, &[5.0]);
        assert_eq!(zeros, [0., 0., 0., 9., 0., 9., 0., 0.]);
        assert_eq!(borders, [5., 5., 5., 9., 5., 9., 5., 5.]);
    }

    #[test]
    fn a_row_below_the_image_takes_the_slot_of_one_above() {
        let mut ring = [0.0; 3];
        Rows::nhwc(3, 1, 1).padded(1, 0, 0).border_row(&mut ring, 2, &[4.0]);
        assert_eq!(ring, [4.0, 0.0, 0.0]);
    }
}
