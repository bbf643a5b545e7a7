//! Pooling of a whole image into one pixel, for images whose pixels hold their channels side by side.

use core::ops::Range;

use super::pool::join_all;
use super::reduce::greater;
use crate::ring::Ring;
use crate::simd::Number;

/// The image and its rows. They are pooled as they arrive; the result is there with the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalPool {
    /// Rows read.
    pub from: Ring,
    /// Channels of a pixel.
    pub channels: usize,
    /// Rows of the image.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
}

impl GlobalPool {
    /// Takes `rows` into the means `y`, one a channel; row 0 starts them.
    #[inline(always)]
    pub fn average<X: Number>(&self, rows: Range<usize>, x: &[X], y: &mut [f32]) {
        let is_last = rows.end == self.height;
        self.take(rows, x, y, 0.0, |a, b| a + b);
        if is_last {
            let pixels = (self.height * self.width) as f32;
            y[..self.channels].iter_mut().for_each(|y| *y /= pixels);
        }
    }

    /// Takes `rows` into the greatest numbers `y`, one a channel; row 0 starts them.
    #[inline(always)]
    pub fn max<X: Number>(&self, rows: Range<usize>, x: &[X], y: &mut [f32]) {
        self.take(rows, x, y, f32::NEG_INFINITY, greater);
    }

    #[inline(always)]
    fn take<X: Number>(
        &self,
        rows: Range<usize>,
        x: &[X],
        y: &mut [f32],
        start: f32,
        join: impl Fn(f32, f32) -> f32,
    ) {
        let y = &mut y[..self.channels];
        if rows.start == 0 {
            y.fill(start);
        }
        let line_len = (self.width - 1) * self.from.pixel + self.channels;
        for row in rows {
            let line = &x[self.from.slot(row + self.from.top)..][..line_len];
            for column in 0..self.width {
                join_all(y, &line[column * self.from.pixel..][..self.channels], &join);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_pool_takes_rows_in_parts() {
        let from = Ring { base: 0, kept: 3, top: 0, row: 4, pixel: 2, chunk: 2 };
        let pool = GlobalPool { from, channels: 2, height: 3, width: 2 };
        let x = [1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0, 5.0, -5.0, 9.0, -9.0];
        let [mut mean, mut most] = [[f32::NAN; 2]; 2];
        for rows in [0..1, 1..3] {
            pool.average(rows.clone(), &x, &mut mean);
            pool.max(rows, &x, &mut most);
        }
        assert_eq!(mean, [4.0, -4.0]);
        assert_eq!(most, [9.0, -1.0]);
    }
}
