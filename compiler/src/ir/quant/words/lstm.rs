//! LSTM on bytes: gates and cells are integers of 16 bits.
//!
//! ```text
//! a gate      g = word(scaled(x' * w + b, f)), then word(g + scaled(h' * r + c, f')); 12 bits behind the point
//! a cell      c = within(word(nearest(sigmoid(kept) * c / 2^15) + nearest(sigmoid(in) * tanh(made) / 2^(30-s))))
//! an output   h = byte(scaled(sigmoid(out) * tanh(c), hidden) + zero)
//! ```
//! `word` and `byte` hold what they are given within 16 and 8 bits; s bits of a cell stand behind its point; zero points of
//! inputs and outputs are part of the biases. Sigmoid and tanh have 15 bits behind the point, of products of 16 bits:
//! `high(a, b)` is the integer nearest to `a * b / 2^15`, halves away from zero.
//!
//! ```text
//! power(x)    exp(x), x <= 0: a polynomial about -1/8 for what is over whole quarters, less a quarter, then a factor for each
//!             bit of the quarters, from exp(-1/4) on; 1 - 2^-15 if x = 0
//! over(a)     2 / (1 + a): y = 48/17 - 32/17 h, h = (1 + a) / 2, then y + y * (1 - h * y) three times; 13 bits
//! sigmoid(x)  over(power(-|x|)) / 2 of x > 0, one less that of x < 0, 1/2 of 0
//! tanh(x)     (over(power(-2|x|)) - 1) with the sign of x
//! ```

use crate::ir::op::reads::Floats;
use crate::ir::quant::tflite::Twice;
use crate::ir::quant::words::{CHANNEL, Span, bias, factor};

/// Attributes of a layer of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordLstm {
    /// Bits behind the point of a cell: 0 to 15.
    pub fraction: usize,
    /// The factor of an output gate times the tanh of its cell.
    pub hidden: Twice,
    /// The zero point of outputs.
    pub zero: i32,
    /// The greatest magnitude of a cell.
    pub most: i32,
}

/// Gates of a cell, in the order in which their weights lie: what is let in, kept, made and let out.
const GATES: usize = 4;

impl WordLstm {
    pub(super) fn shape(&self, operands: &[&[usize]]) -> Result<Vec<usize>, String> {
        match operands {
            [[steps, k], [twice], [rows, row], ..]
                if twice % 2 == 0
                    && *rows == twice / 2 * GATES
                    && *row == k + twice / 2 + 2 * CHANNEL
                    && self.fraction <= 15 =>
            {
                Ok(vec![(steps + 1) * twice / 2])
            }
            _ => Err(format!("reads {operands:?}")),
        }
    }

    /// The outputs of all steps, then the cells.
    pub(super) fn outputs(&self, x: Floats<'_>, state: Floats<'_>, gates: &[u8]) -> Vec<f32> {
        let (inputs, count) = (x.shape[1], state.values.len() / 2);
        let (last, cells) = state.values.split_at(count);
        let (mut last, mut cells) = (last.to_vec(), cells.to_vec());
        let mut outputs = Vec::new();
        for x in x.values.chunks(inputs.max(1)) {
            let rows = gates.chunks(GATES * (inputs + count + 2 * CHANNEL));
            let told = rows.zip(&mut cells).map(|(rows, cell)| self.told(x, &last, rows, cell));
            last = told.collect();
            outputs.extend_from_slice(&last);
        }
        outputs.extend(cells);
        outputs
    }

    /// The output of a cell, which it changes.
    fn told(&self, x: &[f32], last: &[f32], rows: &[u8], cell: &mut f32) -> f32 {
        let row = x.len() + last.len() + 2 * CHANNEL;
        let gate = |at: usize| gate(x, last, &rows[at * row..][..row]);
        let product = |a: i32, b: i32, by: usize| nearest(i64::from(a) * i64::from(b), by);
        let kept = product(sigmoid(gate(1)), *cell as i32, 15);
        let new = product(sigmoid(gate(0)), tanh(gate(2), 3), 30 - self.fraction);
        let sum = word((kept + new).into()).clamp(-self.most, self.most);
        *cell = sum as f32;
        let told = sigmoid(gate(3)) * tanh(sum, 15 - self.fraction as u32);
        let byte = Span { lo: -128, hi: 127 };
        byte.hold(i64::from(self.hidden.scaled(told)) + i64::from(self.zero))
    }
}

/// The sum of a gate.
fn gate(x: &[f32], last: &[f32], row: &[u8]) -> i32 {
    let sum = |x: &[f32], weights: &[u8], at: usize| {
        let numbers = &row[row.len() - 2 * CHANNEL..];
        let products = x.iter().zip(weights).map(|(x, w)| *x as i64 * (i64::from(*w) - 128));
        factor(numbers, at).scaled((bias(numbers, at) + products.sum::<i64>()) as i32)
    };
    let first = word(sum(x, row, 0).into());
    word(i64::from(first) + i64::from(sum(last, &row[x.len()..], 1)))
}

/// `x` within 16 bits.
fn word(x: i64) -> i32 {
    x.clamp(-32768, 32767) as i32
}

/// The integer nearest to `x / 2^by`, halves away from zero.
fn nearest(x: i64, by: usize) -> i32 {
    let magnitude = (x.abs() + (1_i64 << by) / 2) >> by;
    (magnitude * x.signum()) as i32
}

/// The integer nearest to `a * b / 2^15`, halves away from zero.
fn high(a: i32, b: i32) -> i32 {
    nearest(i64::from(a) * i64::from(b), 15).min(32767)
}

/// The sigmoid of `x * 2^-12`, with 15 bits behind the point.
fn sigmoid(x: i32) -> i32 {
    let of_magnitude = |x: i32| word(i64::from(over(power(-x.abs(), 3))) << 1);
    match x.signum() {
        1 => of_magnitude(x),
        0 => 1 << 14,
        _ => 32767 - of_magnitude(x),
    }
}

/// The tanh of `x * 2^(bits-15)`, with 15 bits behind the point.
fn tanh(x: i32, bits: u32) -> i32 {
    let of_magnitude = word(i64::from(over(power(-x.abs(), bits + 1)) - (1 << 13)) << 2);
    of_magnitude * x.signum()
}

/// `exp(x * 2^(bits-15))`, with 15 bits behind the point.
fn power(x: i32, bits: u32) -> i32 {
    if x == 0 {
        return 32767;
    }
    let quarter = (1_i32 << 15 >> bits) / 4;
    let less = (x & (quarter - 1)) - quarter;
    let quarters = (less - x).checked_div(quarter).unwrap_or(0);
    let all = [25520, 19875, 12055, 4435, 600, 11, 0].into_iter().enumerate();
    all.take(bits as usize + 2)
        .filter(|(bit, _)| quarters >> bit & 1 == 1)
        .fold(below_quarter(word(i64::from(less) << bits)), |power, (_, factor)| {
            high(power, factor)
        })
}

/// `exp(x * 2^-15)`, where x is from -1/4 to 0.
fn below_quarter(x: i32) -> i32 {
    let x = x + (1 << 12);
    let square = high(x, x);
    let (cube, fourth) = (high(square, x), high(square, square));
    let third = high(nearest(fourth.into(), 2) + cube, 10923);
    word(i64::from(28918 + high(28918, x + nearest(i64::from(third + square), 1))))
}

/// Twice the reciprocal of `1 + a * 2^-15`, with 13 bits behind the point.
fn over(a: i32) -> i32 {
    let half = (a + 32768) / 2;
    let line = 23130 + high(half, -15420);
    (0..3).fold(line, |y, _| y + word(i64::from(high(y, (1 << 13) - high(half, y))) << 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_gates_are_near_those_of_reals() {
        for x in -32768..=32767 {
            let real = f64::from(x) / 4096.0;
            let near = |y: i32, of: f64| (f64::from(y) - of * 32768.0).abs() < 32.0;
            assert!(near(sigmoid(x), 1.0 / (1.0 + (-real).exp())), "{x}");
            assert!(near(tanh(x, 3), real.tanh()), "{x}");
        }
    }
}
