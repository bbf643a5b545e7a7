//! Stored padding that is not zero: around a picture whose normalisation was folded away, the value that means zero.

use core::ops::Range;

use crate::ring::Rows;

impl Rows {
    /// Writes `border`, a number a channel, wherever [`clear_edges`](Self::clear_edges) writes zeros.
    #[inline(always)]
    pub fn border_edges(&self, x: &mut [f32], border: &[f32]) {
        let columns = self.left + self.width + self.right;
        for slot in 0..self.kept {
            self.fill(x, slot, 0..self.left, border);
            self.fill(x, slot, self.left + self.width..columns, border);
        }
        for slot in 0..self.top {
            self.fill(x, slot, 0..columns, border);
        }
    }

    /// Writes `border` into row `row` of the image, when it lies below the last.
    #[inline(always)]
    pub fn border_row(&self, x: &mut [f32], row: usize, border: &[f32]) {
        let columns = self.left + self.width + self.right;
        self.fill(x, (row + self.top) % self.kept, 0..columns, border);
    }

    #[inline(always)]
    fn fill(&self, x: &mut [f32], slot: usize, columns: Range<usize>, border: &[f32]) {
        let ring = self.ring(0);
        for group in 0..self.groups() {
            let start = group * ring.chunk + slot * ring.row;
            let x = &mut x[start + columns.start * ring.pixel..start + columns.end * ring.pixel];
            for pixel in x.chunks_exact_mut(ring.pixel) {
                for (lane, value) in pixel.iter_mut().enumerate() {
                    *value = border.get(group * ring.pixel + lane).copied().unwrap_or(0.0);
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
    fn a_row_below_the_image_takes_the_slot_of_one_above() {
        let mut ring = [0.0; 3];
        Rows::nhwc(3, 1, 1).padded(1, 0, 0).border_row(&mut ring, 2, &[4.0]);
        assert_eq!(ring, [4.0, 0.0, 0.0]);
    }
}
