//! Pooling over windows, for images whose pixels hold their channels side by side.
//!
//! Windows are clipped to the image, so stored padding is never read: it would win a maximum of negative numbers,
//! and an average counts it or not by its divisor alone. Rows may be rings; each call makes a range of rows.

use core::ops::Range;

use super::reduce::greater;
use crate::ring::Ring;
use crate::simd::Number;

/// Windows along one axis of an image, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Length of the image.
    pub len: usize,
    /// Pixels that a window takes.
    pub taps: usize,
    /// From a window to the next.
    pub stride: usize,
    /// From a window's pixel to its next.
    pub dilation: usize,
    /// Padding before the image.
    pub before: usize,
    /// Padding after the image.
    pub after: usize,
}

impl Window {
    /// Windows of `taps` pixels side by side over `len` pixels without padding, one at each pixel.
    pub const fn over(len: usize, taps: usize) -> Self {
        Self { len, taps, stride: 1, dilation: 1, before: 0, after: 0 }
    }

    /// These windows, so many pixels from one to the next.
    pub const fn strided(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// These windows, whose pixels lie so many apart.
    pub const fn dilated(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// These windows, over the image with padding before and after it.
    pub const fn padded(self, before: usize, after: usize) -> Self {
        Self { before, after, ..self }
    }

    /// The pixel under a tap of window `at`; not below `len` if there is none.
    #[inline(always)]
    pub(super) const fn pixel(&self, at: usize, tap: usize) -> usize {
        (at * self.stride + tap * self.dilation).wrapping_sub(self.before)
    }

    /// Taps of window `at` that lie in the image.
    #[inline(always)]
    pub(super) fn inside(&self, at: usize) -> usize {
        (0..self.taps).filter(|tap| self.pixel(at, *tap) < self.len).count()
    }

    /// Taps of window `at` that lie in the image or in its padding; a rounded-up last window may leave both.
    #[inline(always)]
    pub(super) fn inside_padded(&self, at: usize) -> usize {
        Self { len: self.before + self.len + self.after, before: 0, ..*self }.inside(at)
    }
}

/// The image, its windows and its rows, as every pool over windows needs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Rows read.
    pub from: Ring,
    /// Rows written.
    pub into: Ring,
    /// Channels of a pixel.
    pub channels: usize,
    /// Windows down the image.
    pub down: Window,
    /// Windows across the image.
    pub across: Window,
    /// Length of a row written, in pixels.
    pub width: usize,
}

/// The greatest number of each window and channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool(pub Windows);

impl MaxPool {
    /// Makes `rows` of the result.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, rows: Range<usize>, x: &[X], y: &mut [Y]) {
        self.0.run(rows, x, y, f32::MIN, greater, |_, _| 1.0);
    }
}

/// The mean of each window and channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AveragePool {
    /// Their positions.
    pub windows: Windows,
    /// The divisor of the sums.
    pub divisor: Divisor,
}

/// The divisor of the sum over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divisor {
    /// The window's pixels in the image.
    Inside,
    /// The window's pixels in the image and in its padding: `count_include_pad`.
    Padded,
}

impl AveragePool {
    /// Makes `rows` of the result.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, rows: Range<usize>, x: &[X], y: &mut [Y]) {
        let Windows { down, across, .. } = self.windows;
        let divisor = |row: usize, column: usize| match self.divisor {
            Divisor::Inside => (down.inside(row) * across.inside(column)) as f32,
            Divisor::Padded => (down.inside_padded(row) * across.inside_padded(column)) as f32,
        };
        self.windows.run(rows, x, y, 0.0, |a, b| a + b, divisor);
    }
}

impl Windows {
    #[inline(always)]
    fn run<X: Number, Y: Number>(
        &self,
        rows: Range<usize>,
        x: &[X],
        y: &mut [Y],
        start: f32,
        join: impl Fn(f32, f32) -> f32 + Copy,
        divisor: impl Fn(usize, usize) -> f32,
    ) {
        for row in rows {
            let out = self.into.slot(row + self.into.top);
            for column in 0..self.width {
                let divisor = divisor(row, column);
                let y = &mut y[out + column * self.into.pixel..][..self.channels];
                let (blocks, rest) = y.as_chunks_mut::<LANES>();
                let first = blocks.len() * LANES;
                for (block, y) in blocks.iter_mut().enumerate() {
                    *y = self
                        .window(row, column, block * LANES, x, start, join)
                        .map(|y| Y::of(y / divisor));
                }
                for (channel, y) in rest.iter_mut().enumerate() {
                    let [joined] = self.window(row, column, first + channel, x, start, join);
                    *y = Y::of(joined / divisor);
                }
            }
        }
    }

    /// `L` channels of the pixels of a window, joined.
    #[inline(always)]
    fn window<X: Number, const L: usize>(
        &self,
        row: usize,
        column: usize,
        channel: usize,
        x: &[X],
        start: f32,
        join: impl Fn(f32, f32) -> f32,
    ) -> [f32; L] {
        let mut lanes = [start; L];
        let line_len = (self.across.len - 1) * self.from.pixel + self.channels;
        for i in 0..self.down.taps {
            let row = self.down.pixel(row, i);
            if row >= self.down.len {
                continue;
            }
            let line = &x[self.from.slot(row + self.from.top)..][..line_len];
            for j in 0..self.across.taps {
                let column = self.across.pixel(column, j);
                if column >= self.across.len {
                    continue;
                }
                let at = column * self.from.pixel + channel;
                // The row was just cut to hold every pixel of the image: there always are `L` channels.
                if let Some(x) = line.get(at..at + L) {
                    lanes.iter_mut().zip(x).for_each(|(lane, x)| *lane = join(*lane, x.real()));
                }
            }
        }
        lanes
    }
}

/// Channels that are kept in registers while a window is joined.
const LANES: usize = 16;

/// Joins one pixel into another, channel by channel.
#[inline(always)]
pub(super) fn join_all<X: Number>(y: &mut [f32], x: &[X], join: impl Fn(f32, f32) -> f32) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = join(*y, x.real());
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    use super::*;

    /// A whole tensor of `[height][width][channels]`.
    fn whole(height: usize, width: usize, channels: usize) -> Ring {
        Ring {
            base: 0,
            kept: height,
            top: 0,
            row: width * channels,
            pixel: channels,
            chunk: channels,
        }
    }

    fn outputs(window: Window) -> usize {
        let padded = window.before + window.len + window.after;
        (padded - (window.taps - 1) * window.dilation - 1) / window.stride + 1
    }

    fn a_window() -> impl Strategy<Value = Window> {
        (1..9_usize, 1..4_usize, 1..4_usize, 1..3_usize).prop_flat_map(
            |(len, taps, stride, dilation)| {
                // Padding is less than the window's reach before its last tap, so that no window misses the image.
                let reach = (taps - 1) * dilation;
                let pad = 0..=reach.min((taps - 1) / 2 * dilation);
                let windows =
                    Window::over(len.max(reach + 1), taps).strided(stride).dilated(dilation);
                (pad.clone(), pad).prop_map(move |(before, after)| windows.padded(before, after))
            },
        )
    }

    /// The numbers of one window and channel, and how many of its taps lie in the padded image.
    fn taps(
        pool: &Windows,
        x: &[f32],
        row: usize,
        column: usize,
        channel: usize,
    ) -> (Vec<f32>, usize) {
        let mut found = (vec![], 0);
        for i in 0..pool.down.taps {
            for j in 0..pool.across.taps {
                let r = (row * pool.down.stride + i * pool.down.dilation) as isize
                    - pool.down.before as isize;
                let c = (column * pool.across.stride + j * pool.across.dilation) as isize
                    - pool.across.before as isize;
                let (h, w) = (pool.down.len as isize, pool.across.len as isize);
                if r < h + pool.down.after as isize && c < w + pool.across.after as isize {
                    found.1 += 1;
                }
                if (0..h).contains(&r) && (0..w).contains(&c) {
                    found.0.push(x[(r * w + c) as usize * pool.channels + channel]);
                }
            }
        }
        found
    }

    proptest! {
        #[test]
        fn windows_are_clipped_to_the_image(down in a_window(), across in a_window(), channels in 1..5_usize) {
            let (rows, width) = (outputs(down), outputs(across));
            let (from, into) = (whole(down.len, across.len, channels), whole(rows, width, channels));
            let windows = Windows { from, into, channels, down, across, width };
            let x: Vec<f32> = (0..down.len * across.len * channels).map(|at| (at * 37 % 19) as f32 - 20.0).collect();
            let mut most = vec![0.0; rows * width * channels];
            let [mut inside, mut padded] = [most.clone(), most.clone()];
            MaxPool(windows).run(0..rows, &x, &mut most);
            AveragePool { windows, divisor: Divisor::Inside }.run(0..rows, &x, &mut inside);
            AveragePool { windows, divisor: Divisor::Padded }.run(0..rows, &x, &mut padded);
            for at in 0..most.len() {
                let (pixel, channel) = (at / channels, at % channels);
                let (numbers, in_padded) = taps(&windows, &x, pixel / width, pixel % width, channel);
                let sum: f32 = numbers.iter().sum();
                prop_assert_eq!(most[at], numbers.iter().copied().fold(f32::MIN, f32::max));
                prop_assert_eq!(inside[at], sum / numbers.len() as f32);
                prop_assert_eq!(padded[at], sum / in_padded as f32);
            }
        }
    }

    #[test]
    fn rows_come_from_and_go_to_rings() {
        let (down, across) = (Window::over(4, 2), Window::over(2, 1));
        // Rows 2 and 3 in a ring of three with one zero row on top: slots 0 and 1.
        let from = Ring { base: 1, kept: 3, top: 1, row: 4, pixel: 1, chunk: 1 };
        let into = Ring { base: 0, kept: 2, top: 0, row: 2, pixel: 1, chunk: 1 };
        let pool = Windows { from, into, channels: 1, down, across, width: 2 };
        let x = [0.0, 5.0, 1.0, 0.0, 0.0, 2.0, 6.0, 0.0, 9.0, 9.0, 9.0, 9.0];
        let mut y = [7.0; 4];
        MaxPool(pool).run(2..3, &x, &mut y);
        assert_eq!(y, [5.0, 6.0, 7.0, 7.0]);
    }
}
