//! Quantised softmax without floats: a table of powers, one division a row, and a product for each byte.
//!
//! Where it is rounded as TensorFlow Lite does, Newton's steps take the place of the division.

use crate::affine::{Factor, Levels, rounded};
use crate::simd::Number;

/// A tensor of `outer` blocks of `axis` rows of `inner` bytes; bytes of a block at the same place in their rows compete
/// for a sum of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QSoftmax {
    /// Blocks.
    pub outer: usize,
    /// Bytes that compete.
    pub axis: usize,
    /// Distance between them; 1 for the last axis.
    pub inner: usize,
    /// Steps of the result in one.
    pub factor: Factor,
    /// Bytes of the result.
    pub levels: Levels,
}

/// Bits by which the factor is moved up before it is divided by a sum.
const ROOM: u32 = 37;
/// So great a shift leaves less than half a step of every share.
const MOST_SHIFT: u32 = 62;

impl QSoftmax {
    /// `y = exp(x) / sum(exp(x))`, where entry `d` of the table, of four bytes, is the power of a byte that is `d` steps
    /// below the greatest, times 2^30.
    #[inline(always)]
    pub fn run(&self, table: &[u8], x: &[u8], y: &mut [u8]) {
        assert!(x.len() == y.len(), "operand and result are equally long");
        y.copy_from_slice(x);
        self.run_assign(table, y);
    }

    /// The softmax of each row, in place.
    #[inline(always)]
    pub fn run_assign(&self, table: &[u8], y: &mut [u8]) {
        let table = &table[..1024];
        let shift = MOST_SHIFT.min(self.factor.shift() + ROOM);
        for block in y.chunks_exact_mut(self.axis * self.inner) {
            for first in 0..self.inner {
                let row = || block.iter().skip(first).step_by(self.inner);
                let most = row().fold(0, |most: u8, q| most.max(*q));
                let sum: u64 = row().map(|q| power(table, most - q)).sum();
                // The greatest byte alone makes it 2^30.
                let by = (u64::from(self.factor.mantissa()) << ROOM) / sum.max(1);
                for q in block.iter_mut().skip(first).step_by(self.inner) {
                    let steps = (power(table, most - *q) * by + (1 << (shift - 1))) >> shift;
                    *q = self.levels.whole(steps as i64);
                }
            }
        }
    }
}

/// The same in the integers of TensorFlow Lite, of which the result has 256 steps in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QSoftmaxTwice {
    /// Blocks.
    pub outer: usize,
    /// Bytes that compete.
    pub axis: usize,
    /// Distance between them; 1 for the last axis.
    pub inner: usize,
}

/// Bits of a power that its place in the sum has no room for.
const BEYOND_SUM: u32 = 12;
/// The shift from 31 bits behind the point to 8 of a sum that begins with no zero.
const MOST_STEPS: u32 = 35;

impl QSoftmaxTwice {
    /// `y = exp(x) / sum(exp(x))`, where entry `d` of the table, of four bytes, is the power of a byte that is `d` steps
    /// below the greatest, times 2^31.
    #[inline(always)]
    pub fn run(&self, table: &[u8], x: &[u8], y: &mut [u8]) {
        assert!(x.len() == y.len(), "operand and result are equally long");
        y.copy_from_slice(x);
        self.run_assign(table, y);
    }

    /// The softmax of each row, in place.
    #[inline(always)]
    pub fn run_assign(&self, table: &[u8], y: &mut [u8]) {
        let table = &table[..1024];
        let signed = |down: u8| power(table, down) as i32;
        for block in y.chunks_exact_mut(self.axis * self.inner) {
            for first in 0..self.inner {
                let row = || block.iter().skip(first).step_by(self.inner);
                let most = row().fold(0, |most: u8, q| most.max(*q));
                let parts = row().map(|q| rounded(signed(most - q).into(), BEYOND_SUM));
                let sum = parts.map(i64::from).sum::<i64>().clamp(1, i32::MAX.into()) as i32;
                let (by, shift) = (reciprocal(sum), MOST_STEPS - sum.leading_zeros());
                for q in block.iter_mut().skip(first).step_by(self.inner) {
                    let share = rounded(high(by, signed(most - *q)).into(), shift);
                    *q = share.clamp(0, 255) as u8;
                }
            }
        }
    }
}

/// Softmax along rows of signed bytes, which are floats of whole values; the result has 2^16 steps in one, from -32,768 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftmaxWords {
    /// Numbers of a row.
    pub axis: usize,
}

/// The shift from 31 bits behind the point to 16 of a sum that begins with no zero.
const MOST_WORD_STEPS: u32 = 27;

impl SoftmaxWords {
    /// The softmax of each row of `x`, by powers as [`QSoftmaxTwice`] has them.
    #[inline(always)]
    pub fn run<X: Number, Y: Number>(&self, x: &[X], powers: &[u8], y: &mut [Y]) {
        let table = &powers[..1024];
        let byte = |x: &X| (x.real() + 128.0) as u8;
        let signed = |down: u8| power(table, down) as i32;
        let rows = x.chunks_exact(self.axis.max(1)).zip(y.chunks_exact_mut(self.axis.max(1)));
        for (x, y) in rows {
            let most = x.iter().fold(0, |most: u8, x| most.max(byte(x)));
            let parts = x.iter().map(|x| rounded(signed(most - byte(x)).into(), BEYOND_SUM));
            let sum = parts.map(i64::from).sum::<i64>().clamp(1, i32::MAX.into()) as i32;
            let (by, shift) = (reciprocal(sum), MOST_WORD_STEPS - sum.leading_zeros());
            for (y, x) in y.iter_mut().zip(x) {
                let share = i64::from(rounded(high(by, signed(most - byte(x))).into(), shift));
                *y = Y::of((share - 32768).clamp(-32768, 32767) as f32);
            }
        }
    }
}

/// The reciprocal of a positive number that is taken from 1 to 2, times 2^31, by three of Newton's steps.
#[inline(always)]
const fn reciprocal(x: i32) -> i32 {
    // With 29 bits behind the point: 48/17 and -32/17, with which the first guess is a line, and 1.
    const OFFSET: i32 = 1_515_870_810;
    const SLOPE: i32 = -1_010_580_540;
    const ONE: i32 = 1 << 29;
    let half = (((x as i64) << x.leading_zeros()) / 2) as i32;
    let mut y = OFFSET + high(half, SLOPE);
    let mut steps = 0;
    while steps < 3 {
        let step = up(high(y, ONE - high(half, y)), 2);
        y = y.wrapping_add(step);
        steps += 1;
    }
    up(y, 1)
}

/// The upper half of `2 * a * b`, rounded, halves up.
#[inline(always)]
const fn high(a: i32, b: i32) -> i32 {
    Factor::twice(b.cast_unsigned(), 0).scaled(a)
}

/// `x * 2^by` within 32 bits.
#[inline(always)]
const fn up(x: i32, by: u32) -> i32 {
    let x = (x as i64) << by;
    if x > i32::MAX as i64 {
        i32::MAX
    } else if x < i32::MIN as i64 {
        i32::MIN
    } else {
        x as i32
    }
}

#[inline(always)]
fn power(table: &[u8], down: u8) -> u64 {
    let at = 4 * usize::from(down);
    u32::from_le_bytes([table[at], table[at + 1], table[at + 2], table[at + 3]]).into()
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::affine::Arithmetic;

    const LEVELS: Levels = Levels { zero: 3, lo: 0, hi: 255, arithmetic: Arithmetic::Fixed };

    #[test]
    fn bytes_compete_along_the_axis() {
        // Powers of two; a step of the result is a 64th.
        let table: Vec<u8> =
            (0..256).flat_map(|d| ((1_u32 << 30) >> d.min(31_u32)).to_le_bytes()).collect();
        let factor = Factor::fixed(1 << 23, 17);
        let kernel = QSoftmax { outer: 1, axis: 3, inner: 2, factor, levels: LEVELS };
        let mut y = [0; 6];
        kernel.run(&table, &[200, 9, 201, 9, 201, 0], &mut y);
        // 0.2, 0.4, 0.4 and 0.4995, 0.4995, 0.001 of 64.
        assert_eq!(y, [16, 35, 29, 35, 29, 3]);
    }

    #[test]
    fn bytes_compete_for_256_steps() {
        let table: Vec<u8> =
            (0..256).flat_map(|d| (i32::MAX >> d.min(31_u32)).to_le_bytes()).collect();
        let kernel = QSoftmaxTwice { outer: 1, axis: 3, inner: 2 };
        let mut y = [0; 6];
        kernel.run(&table, &[200, 9, 201, 9, 201, 0], &mut y);
        // 0.2, 0.4, 0.4 and 0.4995, 0.4995, 0.001 of 256.
        assert_eq!(y, [51, 128, 102, 128, 102, 0]);
        let one = QSoftmaxTwice { outer: 1, axis: 1, inner: 1 };
        let mut y = [7];
        one.run_assign(&table, &mut y);
        assert_eq!(y, [255]);
    }
}
