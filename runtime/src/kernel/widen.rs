//! Bytes of an image as floats, on their way into the padded rows that the first convolution reads.

use core::ops::Range;

use crate::blob::view_mut;
use crate::ring::Ring;
use crate::simd::Number;

/// Bytes that are widened at a time where they share memory with their floats.
const RUN: usize = 64;

/// Copies rows of bytes, dense and channels innermost, into rows of floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widen {
    /// Rows written; their pixels lie one after the other.
    pub into: Ring,
    /// Numbers in a row.
    pub len: usize,
}

impl Widen {
    /// Widens image rows; stored padding is left alone.
    #[inline(always)]
    pub fn run<Y: Number>(&self, rows: Range<usize>, x: &[u8], y: &mut [Y]) {
        for row in rows {
            let x = &x[row * self.len..][..self.len];
            let y = &mut y[self.into.slot(row + self.into.top)..][..self.len];
            for (y, x) in y.iter_mut().zip(x) {
                *y = Y::of(f32::from(*x));
            }
        }
    }
}

/// Asks for a row of bytes, and widens it where it lies: the end of the row is lent for it.
#[inline(always)]
pub fn fetch<Y: Number>(next_row: &mut impl FnMut(usize, &mut [u8]), row: usize, into: &mut [Y]) {
    let len = into.len();
    let start = (size_of::<Y>() - 1) * len;
    next_row(row, &mut view_mut::<Y, u8>(into)[start..]);
    // A number ends at or before the byte after the one it is made of, so none covers a byte that is still to be read.
    let mut at = 0;
    while at < len {
        let run = RUN.min(len - at);
        let mut bytes = [0; RUN];
        bytes[..run].copy_from_slice(&view_mut::<Y, u8>(into)[start + at..][..run]);
        for (y, x) in into[at..at + run].iter_mut().zip(&bytes) {
            *y = Y::of(f32::from(*x));
        }
        at += run;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;

    use super::*;
    use crate::ring::Rows;

    #[test]
    fn bytes_become_floats_between_the_padding() {
        let rows = Rows::nhwc(3, 2, 1).padded(1, 1, 0);
        let mut y = [9.0; 9];
        Widen { into: rows.ring(1), len: 2 }.run(0..2, &[1, 2, 3, 255], &mut y);
        assert_eq!(y, [9., 9., 9., 9., 1., 2., 9., 3., 255.]);
    }

    #[test]
    fn a_row_is_widened_in_its_own_memory_whatever_its_length() {
        for len in 1..200 {
            let mut row = vec![f32::NAN; len];
            let mut asked = None;
            let mut next_row = |at: usize, bytes: &mut [u8]| {
                asked = Some(at);
                bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at * 7) as u8);
            };
            fetch(&mut next_row, 5, &mut row);
            assert_eq!(asked, Some(5));
            let expected = (0..len).map(|at| f32::from((at * 7) as u8));
            assert!(expected.eq(row.iter().copied()), "{len}: {row:?}");
        }
    }
}
