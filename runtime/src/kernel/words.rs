//! Layers on integers of 16 bits beside weights of bytes, as TensorFlow Lite's reference kernels compute them.
//!
//! Numbers are floats of whole values, which hold such integers exactly; sums are integers of 64 bits, so that every
//! instruction set gives the same. Plain loops over single elements: exact before fast.

use crate::simd::Number;

/// Bytes of the numbers that a channel has: its bias of 64 bits, then mantissa and exponent of its factor, of 32 each.
pub const CHANNEL: usize = 16;

/// Bounds of results, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub lo: isize,
    /// The greatest.
    pub hi: isize,
}

/// A factor as `mantissa * 2^(exponent - 31)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Below 2^31.
    pub mantissa: usize,
    /// From -31 to 30.
    pub exponent: isize,
}

/// A convolution of images that lie as rows of pixels: weights `[m,kh,kw,c/groups]`, 128 more than they are; or 32,768
/// more, two bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Rows, columns and channels of x.
    pub from: [usize; 3],
    /// Rows, columns and channels of the result.
    pub into: [usize; 3],
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
    /// Rows and columns from one tap to the next.
    pub dilation: [usize; 2],
    /// Zeros above and left of x.
    pub pads: [usize; 2],
    /// Groups of channels.
    pub groups: usize,
    /// Bytes of a weight: 1 or 2.
    pub bytes: usize,
    /// True if sums are rounded twice, as those of bytes are; else once, by 15 bits of the factor.
    pub twice: bool,
    /// Subtracted from what is read.
    pub from_zero: isize,
    /// Added to what is made.
    pub into_zero: isize,
    /// Bounds of the result.
    pub range: Range,
}

/// A sum of two tensors of one length, whose integers are moved up by 15 bits first; or their product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The factors of both operands of a sum.
    pub of: [Factor; 2],
    /// The factor of the sum or the product.
    pub whole: Factor,
    /// Bounds of the result.
    pub range: Range,
}

/// A factor for integers from 0 on, and one for those below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The factor from 0 on.
    pub up: Factor,
    /// The factor below 0.
    pub down: Factor,
    /// Subtracted before.
    pub from_zero: isize,
    /// Added behind.
    pub into_zero: isize,
    /// Bounds of the result.
    pub range: Range,
}

/// Means of windows over images that lie as rows of pixels; what lies outside is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Average {
    /// Rows, columns and channels of x.
    pub from: [usize; 3],
    /// Rows and columns of the result.
    pub into: [usize; 2],
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Rows and columns from one window to the next.
    pub stride: [usize; 2],
    /// Rows and columns outside, above and left of x.
    pub pads: [usize; 2],
    /// Bounds of the result.
    pub range: Range,
}

/// The integers nearest to numbers over a scale, halves away from zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantize {
    /// What an integer is worth.
    pub scale: f32,
}

impl Range {
    /// `x` within the bounds.
    #[inline(always)]
    pub(super) fn hold<Y: Number>(self, x: i64) -> Y {
        Y::of(x.max(self.lo as i64).min(self.hi as i64) as f32)
    }
}

impl Factor {
    /// `sum` times the factor, of whose mantissa 15 bits are taken, halves up.
    #[inline(always)]
    fn of_sum(self, sum: i64) -> i64 {
        let mantissa = self.mantissa as i64;
        let short = if mantissa < 0x7fff_0000 { (mantissa + (1 << 15)) >> 16 } else { 0x7fff };
        let by = (15 - self.exponent).clamp(1, 62) as u32;
        let product = sum.wrapping_mul(short).wrapping_add(1 << (by - 1)) >> by;
        i64::from(product as i32)
    }

    /// `x` times the factor, rounded twice: halves up, and then away from zero.
    #[inline(always)]
    pub(super) fn of(self, x: i64) -> i64 {
        let moved = (x as i32).wrapping_shl(self.exponent.max(0) as u32);
        let high = (i64::from(moved) * self.mantissa as i64 + (1 << 30)) >> 31;
        let by = self.exponent.min(0).unsigned_abs() as u32;
        let less = i64::from(by > 0 && high < 0);
        (high + (1_i64 << by) / 2 - less) >> by
    }
}

/// The whole number that an element is.
#[inline(always)]
pub(super) fn whole<X: Number>(x: &X) -> i64 {
    i64::from(x.real() as i32)
}

impl Conv {
    /// Convolves the images of `x`; `channels` are the numbers of each channel of the result.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, x: &[X], weights: &[u8], channels: &[u8], y: &mut [Y]) {
        let [from, into] = [self.from, self.into].map(|[h, w, c]| (h * w * c).max(1));
        for (x, y) in x.chunks_exact(from).zip(y.chunks_exact_mut(into)) {
            self.image(x, weights, channels, y);
        }
    }

    /// Convolves one image.
    #[inline(always)]
    fn image<X: Number, Y: Number>(&self, x: &[X], weights: &[u8], channels: &[u8], y: &mut [Y]) {
        let [_, width, m] = self.into;
        let each = self.from[2] / self.groups.max(1) * self.bytes;
        let taps = self.kernel[0] * self.kernel[1] * each;
        for (at, y) in y.chunks_exact_mut(m.max(1)).enumerate() {
            let place = [at / width.max(1), at % width.max(1)];
            let of_channels = channels.chunks_exact(CHANNEL).zip(weights.chunks_exact(taps.max(1)));
            for (channel, (y, (numbers, weights))) in y.iter_mut().zip(of_channels).enumerate() {
                let (bias, factor) = numbers_of(numbers);
                let sum = bias.wrapping_add(self.sum(x, weights, place, channel));
                let steps = if self.twice { factor.of(sum) } else { factor.of_sum(sum) };
                *y = self.range.hold(steps + self.into_zero as i64);
            }
        }
    }

    /// The sum of a window for a channel of the result.
    #[inline(always)]
    fn sum<X: Number>(&self, x: &[X], weights: &[u8], place: [usize; 2], channel: usize) -> i64 {
        let [h, w, c] = self.from;
        let each = c / self.groups.max(1);
        let first = channel / (self.into[2] / self.groups.max(1)).max(1) * each;
        let mut sum = 0;
        for (tap, weights) in weights.chunks_exact((each * self.bytes).max(1)).enumerate() {
            let tap = [tap / self.kernel[1].max(1), tap % self.kernel[1].max(1)];
            let at = |axis: usize| {
                let behind = place[axis] * self.stride[axis] + tap[axis] * self.dilation[axis];
                behind.checked_sub(self.pads[axis])
            };
            let (Some(row), Some(column)) = (at(0), at(1)) else { continue };
            if row >= h || column >= w {
                continue;
            }
            let pixel = x.get((row * w + column) * c + first..).unwrap_or_default();
            let pixel = pixel.iter().map(|x| whole(x) - self.from_zero as i64);
            let products = pixel.zip(weights.chunks_exact(self.bytes.max(1)));
            sum += products.map(|(x, w)| x * weight(w)).sum::<i64>();
        }
        sum
    }
}

/// The weight of one byte or two.
#[inline(always)]
fn weight(bytes: &[u8]) -> i64 {
    match *bytes {
        [low, high] => i64::from(u16::from_le_bytes([low, high])) - 32768,
        [byte] => i64::from(byte) - 128,
        _ => 0,
    }
}

/// The bias and the factor of a channel.
#[inline(always)]
pub(super) fn numbers_of(numbers: &[u8]) -> (i64, Factor) {
    let word = |at: usize| {
        let bytes = numbers.get(at..at + 4).and_then(|four| four.first_chunk::<4>());
        bytes.map_or(0, |four| i32::from_le_bytes(*four))
    };
    let bias = numbers.first_chunk::<8>().map_or(0, |eight| i64::from_le_bytes(*eight));
    (bias, Factor { mantissa: word(8) as usize, exponent: word(12) as isize })
}

impl Pair {
    /// Bits by which operands of a sum are moved up.
    const LIFT: u32 = 15;

    /// The sum of `a` and `b`.
    #[inline(always)]
    pub fn add<A: Number, B: Number, Y: Number>(&self, a: &[A], b: &[B], y: &mut [Y]) {
        for (y, (a, b)) in y.iter_mut().zip(a.iter().zip(b)) {
            let a = self.of[0].of(whole(a) << Self::LIFT);
            let b = self.of[1].of(whole(b) << Self::LIFT);
            *y = self.range.hold(self.whole.of(a + b));
        }
    }

    /// The difference of `a` and `b`.
    #[inline(always)]
    pub fn sub<A: Number, B: Number, Y: Number>(&self, a: &[A], b: &[B], y: &mut [Y]) {
        for (y, (a, b)) in y.iter_mut().zip(a.iter().zip(b)) {
            let a = self.of[0].of(whole(a) << Self::LIFT);
            let b = self.of[1].of(whole(b) << Self::LIFT);
            *y = self.range.hold(self.whole.of(a - b));
        }
    }

    /// The product of `a` and `b`.
    #[inline(always)]
    pub fn mul<A: Number, B: Number, Y: Number>(&self, a: &[A], b: &[B], y: &mut [Y]) {
        for (y, (a, b)) in y.iter_mut().zip(a.iter().zip(b)) {
            *y = self.range.hold(self.whole.of(whole(a) * whole(b)));
        }
    }
}

impl Scale {
    /// Each integer of `x` times its factor.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, x: &[X], y: &mut [Y]) {
        for (y, x) in y.iter_mut().zip(x) {
            let x = whole(x) - self.from_zero as i64;
            let factor = if x < 0 { self.down } else { self.up };
            *y = self.range.hold(factor.of(x) + self.into_zero as i64);
        }
    }
}

impl Average {
    /// The mean of each window of the images of `x`, halves away from zero.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, x: &[X], y: &mut [Y]) {
        let ([h, w, c], [rows, columns]) = (self.from, self.into);
        let (from, into) = ((h * w * c).max(1), (rows * columns * c).max(1));
        for (x, y) in x.chunks_exact(from).zip(y.chunks_exact_mut(into)) {
            self.image(x, y);
        }
    }

    /// The mean of each window of one image.
    #[inline(always)]
    fn image<X: Number, Y: Number>(&self, x: &[X], y: &mut [Y]) {
        let [_, across, c] = self.from;
        for (at, y) in y.chunks_exact_mut(c.max(1)).enumerate() {
            let width = self.into[1].max(1);
            let [rows, columns] =
                [(0, at / width), (1, at % width)].map(|(axis, at)| self.inside(axis, at));
            let count = (rows.len() * columns.len()) as i64;
            for (channel, y) in y.iter_mut().enumerate() {
                let mut sum = 0;
                for row in rows.clone() {
                    for column in columns.clone() {
                        sum += x.get((row * across + column) * c + channel).map_or(0, whole);
                    }
                }
                let half = if sum > 0 { count / 2 } else { -(count / 2) };
                *y = self.range.hold((sum + half).checked_div(count).unwrap_or(0));
            }
        }
    }

    /// The rows or columns of x that a window holds.
    #[inline(always)]
    fn inside(&self, axis: usize, at: usize) -> core::ops::Range<usize> {
        let (start, pad) = (at * self.stride[axis], self.pads[axis]);
        let end = (start + self.kernel[axis]).saturating_sub(pad).min(self.from[axis]);
        start.saturating_sub(pad).min(end)..end
    }
}

impl Quantize {
    /// The integer of each number of `x`.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, x: &[X], y: &mut [Y]) {
        for (y, x) in y.iter_mut().zip(x) {
            let steps = x.real() / self.scale;
            let kept = steps.clamp(-32768.0, 32767.0);
            let below = kept as i32 as f32;
            let apart = kept - below;
            let nearest = if apart >= 0.5 {
                below + 1.0
            } else if apart <= -0.5 {
                below - 1.0
            } else {
                below
            };
            *y = Y::of(nearest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Range = Range { lo: -32768, hi: 32767 };
    const HALF: Factor = Factor { mantissa: 1 << 30, exponent: 0 };

    #[test]
    fn factors_of_sums_have_fifteen_bits_and_round_halves_up() {
        assert_eq!([3, -3, 1 << 40].map(|sum| HALF.of_sum(sum)), [2, -1, 0]);
        let most = Factor { mantissa: (1 << 31) - 1, exponent: 0 };
        assert_eq!(most.of_sum(1 << 15), 0x7fff);
    }

    #[test]
    fn factors_of_integers_round_twice() {
        let eighth = Factor { mantissa: 1 << 30, exponent: -2 };
        assert_eq!([4, -4, 3, -3].map(|x| eighth.of(x)), [1, -1, 1, 0]);
    }

    #[test]
    fn a_window_over_the_edge_reads_what_lies_inside() {
        let conv = Conv {
            from: [2, 2, 1],
            into: [2, 2, 1],
            kernel: [2, 2],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [0, 0],
            groups: 1,
            bytes: 1,
            twice: false,
            from_zero: 0,
            into_zero: 0,
            range: ALL,
        };
        let mut channels = [0; CHANNEL];
        channels[..8].copy_from_slice(&10_i64.to_le_bytes());
        channels[8..12].copy_from_slice(&(1_i32 << 30).to_le_bytes());
        channels[12..].copy_from_slice(&1_i32.to_le_bytes());
        let mut y = [0.0; 4];
        conv.run(&[1.0, -2.0, 300.0, 4.0], &[129, 130, 127, 128], &channels, &mut y);
        assert_eq!(y, [-293.0, 4.0, 318.0, 14.0]);
    }

    #[test]
    fn means_and_steps_go_away_from_zero() {
        let average = Average {
            from: [1, 3, 1],
            into: [1, 2],
            kernel: [1, 2],
            stride: [1, 2],
            pads: [0, 0],
            range: ALL,
        };
        let mut y = [0.0; 2];
        average.run(&[-1.0, -2.0, 5.0], &mut y);
        assert_eq!(y, [-2.0, 5.0]);
        Quantize { scale: 0.5 }.run(&[0.25, -0.75], &mut y);
        assert_eq!(y, [1.0, -2.0]);
        Quantize { scale: 0.5 }.run(&[1e9, -1e9], &mut y);
        assert_eq!(y, [32767.0, -32768.0]);
    }
}
