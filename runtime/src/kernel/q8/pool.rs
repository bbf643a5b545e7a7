//! Quantised means: of whole images in exact sums, of windows in f32 or in exact sums.

use core::ops::Range;

use crate::affine::{Affine, Factor, Levels};
use crate::blob::wide_mut;
use crate::kernel::pool::{Divisor, Windows};
use crate::ring::Ring;
use crate::simd::dots::Dots;
use crate::simd::requant::{Factors, Steps};

/// The mean of each channel of an image of bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QMean {
    /// Rows read: pixels with their channels side by side.
    pub from: Ring,
    /// Channels of a pixel.
    pub channels: usize,
    /// Rows of the image.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// The zero point of the image.
    pub zero: u8,
    /// The multiplier of a sum.
    pub factor: Factor,
    /// The output quantisation.
    pub levels: Levels,
}

impl QMean {
    /// The means of an image that lies whole.
    #[inline(always)]
    pub fn run<S: Dots>(&self, simd: S, x: &[u8], y: &mut [u8]) {
        let levels = self.levels;
        let (steps, by) = (Steps::of(simd, levels), Factors::splat(simd, levels, self.factor));
        for (v, y) in y[..self.channels].chunks_mut(S::LANES).enumerate() {
            let sums = self.sums(simd, x, v * S::LANES);
            simd.store_bytes(y, steps.of_stored_sums(simd, levels, sums, by));
        }
    }

    /// The means of an image that lies whole, as reals.
    #[inline(always)]
    pub fn run_floats<S: Dots>(&self, simd: S, x: &[u8], y: &mut [f32]) {
        for (v, y) in y[..self.channels].chunks_mut(S::LANES).enumerate() {
            let sums = simd.to_f32(self.sums(simd, x, v * S::LANES));
            simd.store_head(y, simd.mul(sums, simd.splat(self.factor.real())));
        }
    }

    /// Takes `rows` into 32-bit sums, which lie in bytes; row 0 starts them.
    #[inline(always)]
    pub fn take(&self, rows: Range<usize>, x: &[u8], sums: &mut [u8]) {
        let sums = &mut wide_mut::<i32>(sums)[..self.channels];
        if rows.start == 0 {
            sums.fill(-((self.height * self.width) as i32 * i32::from(self.zero)));
        }
        let line_len = (self.width - 1) * self.from.pixel + self.channels;
        for row in rows {
            let line = &x[self.from.slot(row + self.from.top)..][..line_len];
            for column in 0..self.width {
                let pixel = &line[column * self.from.pixel..][..self.channels];
                sums.iter_mut().zip(pixel).for_each(|(sum, x)| *sum += i32::from(*x));
            }
        }
    }

    /// Turns the sums of so many channels into means, which lie where the sums begin.
    #[inline(always)]
    pub fn finish(&self, channels: usize, y: &mut [u8]) {
        for channel in 0..channels {
            let sum = wide_mut::<i32>(y)[channel];
            y[channel] = self.levels.of_sum(sum, self.factor);
        }
    }

    /// The sums of a vector of channels from `at` on.
    #[inline(always)]
    fn sums<S: Dots>(&self, simd: S, x: &[u8], at: usize) -> S::I32 {
        let end = self.channels.min(at + S::LANES);
        let line_len = (self.width - 1) * self.from.pixel + self.channels;
        let mut sum = simd.splat_i32(-((self.height * self.width) as i32 * i32::from(self.zero)));
        for row in 0..self.height {
            let line = &x[self.from.slot(row + self.from.top)..][..line_len];
            for column in 0..self.width {
                let pixel = &line[column * self.from.pixel..];
                sum = simd.add_i32(sum, simd.bytes(&pixel[at..end]));
            }
        }
        sum
    }
}

/// The greatest byte of each window and channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QMaxPool(pub Windows);

impl QMaxPool {
    /// Makes `rows` of the result.
    #[inline(always)]
    pub fn run(&self, rows: Range<usize>, x: &[u8], y: &mut [u8]) {
        each_window(&self.0, rows, y, |at| {
            let mut greatest = 0;
            each_byte(&self.0, at, x, |q| greatest = q.max(greatest));
            greatest
        });
    }
}

/// The mean of each window and channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QAverage {
    /// The windows.
    pub windows: Windows,
    /// The divisor of the sums.
    pub divisor: Divisor,
    /// Scales and zero points.
    pub scales: Averaged,
}

/// Arithmetic of averages over windows of bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Averaged {
    /// The f32 sum of reals, row by row, over their f32 count.
    Float {
        /// Of the image.
        x: Affine,
        /// Of the result, whose zero is what is added to rounded steps.
        y: Affine,
        /// Added to the steps before they are rounded.
        early: f32,
    },
    /// The exact sum of `q - zero`, times the factor, over the count, rounded once.
    Fixed {
        /// The byte of zero in the image.
        zero: u8,
        /// Steps of the image over those of the result.
        factor: Factor,
        /// Bytes of the result.
        levels: Levels,
    },
    /// The exact sum of `q - zero`, over the count, halves away from zero; image and result have one scale.
    Twice {
        /// Bytes of both, counted from zero as signed bytes are, which is not the byte of the real zero.
        levels: Levels,
    },
}

impl QAverage {
    /// Makes `rows` of the result.
    #[inline(always)]
    pub fn run(&self, rows: Range<usize>, x: &[u8], y: &mut [u8]) {
        each_window(&self.windows, rows, y, |at| match self.scales {
            Averaged::Float { x: affine, y, early } => {
                let mut sum = 0.0;
                each_byte(&self.windows, at, x, |q| sum += affine.real(q));
                y.levels().byte(sum / self.count(at) as f32 / y.scale + early)
            }
            Averaged::Fixed { zero, factor, levels } => {
                let mut sum = 0;
                each_byte(&self.windows, at, x, |q| sum += i32::from(q) - i32::from(zero));
                levels.whole(factor.mean(sum, self.count(at)))
            }
            Averaged::Twice { levels } => {
                let mut sum = 0;
                each_byte(&self.windows, at, x, |q| sum += i32::from(q) - i32::from(levels.zero));
                levels.whole(away(sum, self.count(at)))
            }
        });
    }

    /// Takes `rows` of an image that is one window into 32-bit sums, which lie in bytes; row 0 starts them.
    #[inline(always)]
    pub fn take(&self, rows: Range<usize>, x: &[u8], sums: &mut [u8]) {
        match self.scales {
            Averaged::Float { x: affine, .. } => {
                let sums = &mut wide_mut::<f32>(sums)[..self.windows.channels];
                self.add_rows(rows, x, sums, |sum, q| sum + affine.real(q));
            }
            Averaged::Fixed { zero, .. } | Averaged::Twice { levels: Levels { zero, .. } } => {
                let sums = &mut wide_mut::<i32>(sums)[..self.windows.channels];
                self.add_rows(rows, x, sums, |sum, q| sum + i32::from(q) - i32::from(zero));
            }
        }
    }

    /// Turns the sums of so many channels into means, which lie where the sums begin.
    #[inline(always)]
    pub fn finish(&self, channels: usize, y: &mut [u8]) {
        let count = self.count([0, 0, 0]);
        for channel in 0..channels {
            y[channel] = match self.scales {
                Averaged::Float { y: affine, early, .. } => {
                    let sum = wide_mut::<f32>(y)[channel];
                    affine.levels().byte(sum / count as f32 / affine.scale + early)
                }
                Averaged::Fixed { factor, levels, .. } => {
                    let sum = wide_mut::<i32>(y)[channel];
                    levels.whole(factor.mean(sum, count))
                }
                Averaged::Twice { levels } => {
                    let sum = wide_mut::<i32>(y)[channel];
                    levels.whole(away(sum, count))
                }
            };
        }
    }

    /// Adds each byte of `rows` to the sum of its channel.
    #[inline(always)]
    fn add_rows<T: Copy + Default>(
        &self,
        rows: Range<usize>,
        x: &[u8],
        sums: &mut [T],
        add: impl Fn(T, u8) -> T,
    ) {
        let Windows { from, across, .. } = self.windows;
        if rows.start == 0 {
            sums.fill(T::default());
        }
        for row in rows {
            let line = &x[from.slot(row + from.top)..];
            for column in 0..across.len {
                let pixel = &line[column * from.pixel..][..sums.len()];
                sums.iter_mut().zip(pixel).for_each(|(sum, q)| *sum = add(*sum, *q));
            }
        }
    }

    #[inline(always)]
    fn count(&self, [row, column, _]: [usize; 3]) -> usize {
        let Windows { down, across, .. } = self.windows;
        match self.divisor {
            Divisor::Inside => down.inside(row) * across.inside(column),
            Divisor::Padded => down.inside_padded(row) * across.inside_padded(column),
        }
    }
}

/// The mean of so many numbers, halves away from zero; of none, the least.
#[inline(always)]
const fn away(sum: i32, count: usize) -> i64 {
    let (sum, count) = (sum as i64, count as i64);
    let half = if sum > 0 { count / 2 } else { -(count / 2) };
    if count == 0 { i32::MIN as i64 } else { (sum + half) / count }
}

/// Writes what `byte` makes of each window of some rows, by its row, column and channel.
#[inline(always)]
fn each_window(pool: &Windows, rows: Range<usize>, y: &mut [u8], byte: impl Fn([usize; 3]) -> u8) {
    for row in rows {
        let out = pool.into.slot(row + pool.into.top);
        for column in 0..pool.width {
            let y = &mut y[out + column * pool.into.pixel..][..pool.channels];
            for (channel, y) in y.iter_mut().enumerate() {
                *y = byte([row, column, channel]);
            }
        }
    }
}

/// The bytes under a window, row by row.
#[inline(always)]
fn each_byte(pool: &Windows, [row, column, channel]: [usize; 3], x: &[u8], mut f: impl FnMut(u8)) {
    let Windows { from, down, across, .. } = *pool;
    for row in (0..down.taps).map(|tap| down.pixel(row, tap)).filter(|row| *row < down.len) {
        let line = &x[from.slot(row + from.top)..];
        for column in (0..across.taps).map(|tap| across.pixel(column, tap)) {
            if column < across.len {
                f(line[column * from.pixel + channel]);
            }
        }
    }
}
