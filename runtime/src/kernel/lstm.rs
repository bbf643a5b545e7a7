//! A layer of LSTM cells on bytes, as TensorFlow Lite's reference kernel computes it: gates and cells are integers of 16 bits.
//!
//! Numbers are floats of whole values, as in [`words`](crate::kernel::words); plain loops over single elements.

use crate::kernel::words::{CHANNEL, Factor, Range, numbers_of, whole};
use crate::simd::Number;

/// The steps of a sequence through cells that have no projection and no peepholes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lstm {
    /// Numbers of an input.
    pub inputs: usize,
    /// Cells, and numbers of an output.
    pub cells: usize,
    /// Bits behind the point of a cell: 0 to 15.
    pub fraction: usize,
    /// The factor of an output gate times the tanh of its cell.
    pub hidden: Factor,
    /// Added to an output.
    pub zero: isize,
    /// The greatest magnitude of a cell.
    pub most: isize,
}

/// Gates of a cell, in the order in which their weights lie: what is let in, kept, made and let out.
const GATES: usize = 4;
/// Bounds of gates and cells.
const WORD: Range = Range { lo: -32768, hi: 32767 };
/// Bounds of an output.
const BYTE: Range = Range { lo: -128, hi: 127 };

impl Lstm {
    /// The outputs of the steps of `x`, one behind another, and then the last cells. `state` is the last output and the
    /// cells; `gates` has a row for each gate of each cell: weights of the input, weights of the last output, 128 more than
    /// they are, then the bias and the factor of either sum.
    #[inline(always)]
    pub fn run<X: Number, S: Number, Y: Number>(
        &self,
        x: &[X],
        state: &[S],
        gates: &[u8],
        y: &mut [Y],
    ) {
        let split = y.len().saturating_sub(self.cells);
        let (outputs, cells) = y.split_at_mut(split);
        let (last, before) = state.split_at(self.cells.min(state.len()));
        for (cell, before) in cells.iter_mut().zip(before) {
            *cell = Y::of(before.real());
        }
        let steps = x.chunks_exact(self.inputs.max(1));
        for (step, x) in steps.enumerate() {
            let (done, rest) = outputs.split_at_mut((step * self.cells).min(split));
            match done.len().checked_sub(self.cells) {
                Some(start) if step > 0 => self.step(x, &done[start..], cells, gates, rest),
                _ => self.step(x, last, cells, gates, rest),
            }
        }
    }

    /// One step.
    #[inline(always)]
    fn step<X: Number, H: Number, Y: Number>(
        &self,
        x: &[X],
        last: &[H],
        cells: &mut [Y],
        gates: &[u8],
        y: &mut [Y],
    ) {
        let row = self.inputs + self.cells + 2 * CHANNEL;
        for ((y, cell), rows) in y.iter_mut().zip(cells).zip(gates.chunks_exact(GATES * row)) {
            let mut sums = [0; GATES];
            for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(row)) {
                *sum = self.gate(x, last, row);
            }
            let [let_in, keep, made, let_out] = sums;
            let kept = rounded(i64::from(sigmoid(keep)) * whole(cell), 15);
            let by = 30_u32.saturating_sub(self.fraction as u32);
            let new = rounded(i64::from(sigmoid(let_in)) * i64::from(tanh(made, 3)), by);
            let most = self.most as i64;
            let sum = word(kept + new).clamp(-most, most);
            *cell = WORD.hold(sum);
            let bits = 15_usize.saturating_sub(self.fraction);
            let told = i64::from(sigmoid(let_out)) * i64::from(tanh(sum as i16, bits as u32));
            *y = BYTE.hold(self.hidden.of(told) + self.zero as i64);
        }
    }

    /// The sum of a gate, with 12 bits behind the point.
    #[inline(always)]
    fn gate<X: Number, H: Number>(&self, x: &[X], last: &[H], row: &[u8]) -> i16 {
        let (weights, numbers) = row.split_at(self.inputs + self.cells);
        let (of_x, of_last) = weights.split_at(self.inputs);
        let (one, other) = numbers.split_at(CHANNEL);
        let (bias, factor) = numbers_of(one);
        let sum = word(factor.of(bias.wrapping_add(product(x, of_x))));
        let (bias, factor) = numbers_of(other);
        word(sum + factor.of(bias.wrapping_add(product(last, of_last)))) as i16
    }
}

#[inline(always)]
fn product<X: Number>(x: &[X], weights: &[u8]) -> i64 {
    x.iter().zip(weights).map(|(x, w)| whole(x) * (i64::from(*w) - 128)).sum()
}

/// `x` within the bounds of 16 bits.
#[inline(always)]
fn word(x: i64) -> i64 {
    x.clamp(-32768, 32767)
}

/// The integer nearest to `x * 2^-by`, halves away from zero.
#[inline(always)]
fn rounded(x: i64, by: u32) -> i64 {
    let half = (1_i64 << by) / 2;
    (x + half - i64::from(x < 0 && by > 0)) >> by
}

/// The upper half of twice a product, halves away from zero.
const fn high(a: i16, b: i16) -> i16 {
    let product = a as i32 * b as i32;
    let nudge = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
    let nearest = (product + nudge) / (1 << 15);
    if nearest > 32767 { 32767 } else { nearest as i16 }
}

/// `x * 2^by` within the bounds of 16 bits.
fn up(x: i16, by: u32) -> i16 {
    word(i64::from(x) << by) as i16
}

/// The sigmoid of `x * 2^-12`, with 15 bits behind the point.
#[inline(never)]
pub fn sigmoid(x: i16) -> i16 {
    if x == 0 {
        return 1 << 14;
    }
    let of_magnitude = up(over_one_plus(power(if x > 0 { x.wrapping_neg() } else { x }, 3)), 1);
    if x > 0 { of_magnitude } else { i16::MAX - of_magnitude }
}

/// The tanh of `x * 2^(bits-15)`, with 15 bits behind the point.
#[inline(never)]
pub fn tanh(x: i16, bits: u32) -> i16 {
    if x == 0 {
        return 0;
    }
    let twice = over_one_plus(power(if x > 0 { -x } else { x }, bits + 1));
    let of_magnitude = up(twice.wrapping_sub(1 << 13), 2);
    if x > 0 { of_magnitude } else { of_magnitude.wrapping_neg() }
}

/// `exp(x * 2^(bits-15))` of what is not above zero, with 15 bits behind the point.
fn power(x: i16, bits: u32) -> i16 {
    /// exp(-2^(i - 2)).
    const QUARTERS: [i16; 7] = [25520, 19875, 12055, 4435, 600, 11, 0];
    if x == 0 {
        return i16::MAX;
    }
    let fraction = 15_u32.saturating_sub(bits);
    let quarter = 1_i32 << fraction >> 2;
    let less = (i32::from(x) & (quarter - 1)) - quarter;
    let quarters = (less - i32::from(x)) >> fraction.saturating_sub(2);
    let mut power = below_quarter(up(less as i16, bits));
    for (bit, factor) in QUARTERS.iter().enumerate().take(bits as usize + 2) {
        if quarters >> bit & 1 == 1 {
            power = high(power, *factor);
        }
    }
    power
}

/// `exp(x * 2^-15)`, where x is from -1/4 to 0.
fn below_quarter(x: i16) -> i16 {
    /// exp(-1/8) and 1/3.
    const MIDDLE: i16 = 28918;
    const THIRD: i16 = 10923;
    let x = x + (1 << 12);
    let square = high(x, x);
    let (cube, fourth) = (high(square, x), high(square, square));
    let less = |x: i16, by| rounded(x.into(), by) as i16;
    let rest = less(high(less(fourth, 2) + cube, THIRD) + square, 1);
    MIDDLE.saturating_add(high(MIDDLE, x + rest))
}

/// Twice the reciprocal of `1 + a * 2^-15`, with 13 bits behind the point.
fn over_one_plus(a: i16) -> i16 {
    /// 48/17, -32/17 and 1 with 13 bits behind the point.
    const OFFSET: i16 = 23130;
    const SLOPE: i16 = -15420;
    const ONE: i16 = 1 << 13;
    let half = ((i32::from(a) + i32::from(i16::MAX) + 1) / 2) as i16;
    let mut x = OFFSET.wrapping_add(high(half, SLOPE));
    for _ in 0..3 {
        let less = ONE.wrapping_sub(high(half, x));
        x = x.wrapping_add(up(high(x, less), 2));
    }
    x
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn functions_of_gates_are_near_those_of_reals() {
        for x in i16::MIN..=i16::MAX {
            let real = f64::from(x) / 4096.0;
            let near = |y: i16, of: f64| (f64::from(y) - of * 32768.0).abs() < 32.0;
            assert!(near(sigmoid(x), 1.0 / (1.0 + (-real).exp())), "{x}");
            assert!(near(tanh(x, 3), real.tanh()), "{x}");
        }
    }

    #[test]
    fn a_cell_keeps_what_its_gates_let() {
        let lstm = Lstm {
            inputs: 1,
            cells: 1,
            fraction: 11,
            hidden: Factor { mantissa: 1 << 30, exponent: -22 },
            zero: 3,
            most: 32767,
        };
        // Factors of 16 in both sums: gates of 0 but for what is made, which is 1 for an input of 2.
        let row = |weight: u8| {
            let mut row = [128; 2 + 2 * CHANNEL];
            row[0] = weight;
            for numbers in row[2..].chunks_exact_mut(CHANNEL) {
                numbers.fill(0);
                numbers[8..12].copy_from_slice(&(1_i32 << 30).to_le_bytes());
                numbers[12..].copy_from_slice(&5_i32.to_le_bytes());
            }
            row
        };
        let rows = [128, 128, 255, 128].map(row);
        let mut y = [0.0; 3];
        lstm.run(&[2.0, 2.0], &[0.0, 0.0], rows.as_flattened(), &mut y);
        let made = f64::from(tanh(2 * 127 * 16, 3)) / 32768.0;
        let cell = f64::from(y[2]) / 2048.0;
        assert!((cell - 0.75 * made).abs() < 0.002, "{cell} of {made}");
        assert!(y[0] > 3.0 && y[1] > y[0], "{y:?}");
    }
}
