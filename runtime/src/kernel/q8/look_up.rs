//! Bytes of an image looked up, channel by channel, on their way into the rows that the first convolution reads.
//!
//! `tables` hold 256 bytes for each channel; shorter ones panic.

use core::ops::Range;

use crate::ring::Ring;

/// Copies rows of pixels, each byte through the table of its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookUp {
    /// Rows read: pixels with their channels side by side.
    pub from: Ring,
    /// Rows written: the same.
    pub into: Ring,
    /// Pixels of a row.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
}

impl LookUp {
    /// Makes `rows` of the result; stored padding is left alone.
    #[inline(always)]
    pub fn run(&self, rows: Range<usize>, tables: &[u8], x: &[u8], y: &mut [u8]) {
        let len = self.width * self.channels;
        for row in rows {
            let x = &x[self.from.slot(row + self.from.top)..][..len];
            let y = &mut y[self.into.slot(row + self.into.top)..][..len];
            for (channel, table) in
                tables[..256 * self.channels].as_chunks::<256>().0.iter().enumerate()
            {
                let pixels = x[channel..].iter().step_by(self.channels);
                for (y, x) in y[channel..].iter_mut().step_by(self.channels).zip(pixels) {
                    *y = table[usize::from(*x)];
                }
            }
        }
    }
}

/// Asks for a row of bytes, and looks it up where it lies.
#[inline(always)]
pub fn fetch(
    next_row: &mut impl FnMut(usize, &mut [u8]),
    row: usize,
    tables: &[u8],
    into: &mut [u8],
) {
    next_row(row, into);
    let (tables, _) = tables.as_chunks::<256>();
    for (channel, table) in tables.iter().enumerate() {
        for byte in into[channel..].iter_mut().step_by(tables.len()) {
            *byte = table[usize::from(*byte)];
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::ring::Rows;

    fn tables() -> Vec<u8> {
        (0..512_usize).map(|at| if at < 256 { 255 - at as u8 } else { (at / 2) as u8 }).collect()
    }

    #[test]
    fn each_channel_has_its_table_and_padding_is_left_alone() {
        let rows = Rows::nhwc(3, 2, 2).padded(1, 1, 0);
        let from = Rows::nhwc(2, 2, 2).ring(1);
        let look_up = LookUp { from, into: rows.ring(1), width: 2, channels: 2 };
        let mut y = [9; 18];
        look_up.run(0..2, &tables(), &[0, 0, 1, 2, 3, 4, 255, 255], &mut y);
        assert_eq!(y[6..12], [9, 9, 255, 128, 254, 129]);
        assert_eq!(y[12..], [9, 9, 252, 130, 0, 255]);
        assert_eq!(y[..6], [9; 6]);
    }

    #[test]
    fn a_row_that_is_asked_for_is_looked_up() {
        let mut row = [0; 4];
        let mut next_row = |at: usize, bytes: &mut [u8]| {
            bytes.copy_from_slice(&[at as u8, 0, 255, 255]);
        };
        fetch(&mut next_row, 5, &tables(), &mut row);
        assert_eq!(row, [250, 128, 0, 255]);
    }
}
