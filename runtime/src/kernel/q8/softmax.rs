//! Quantised softmax without floats: a table of powers, one division a row, and a product for each byte.

use crate::affine::{Factor, Levels};

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
}
