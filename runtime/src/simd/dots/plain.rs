//! Plain integers, four at a time.

use crate::simd::Plain;
use crate::simd::dots::{Dots, Quads};

/// Added to a float that is within 2^22 of zero and taken off again, it leaves an integer: halves go to even.
const MAGIC: f32 = 12_582_912.0;

// SAFETY: four integers; their weights are sixteen 16-bit numbers.
unsafe impl Dots for Plain {
    const QUADS: Quads = Quads::Pairs;
    type I32 = [i32; 4];
    type Quad = [u8; 4];
    type Column = [[u8; 4]; 4];
    type Taps = [[[i16; 2]; 4]; 2];

    #[inline(always)]
    fn quad(self, x: u32) -> [u8; 4] {
        x.to_le_bytes()
    }
    #[inline(always)]
    fn dot(self, x: [u8; 4], w: Self::Taps, sum: [i32; 4]) -> [i32; 4] {
        self.dot_column([[x[0]; 4], [x[1]; 4], [x[2]; 4], [x[3]; 4]], w, sum)
    }
    #[inline(always)]
    fn dot_column(self, x: [[u8; 4]; 4], w: Self::Taps, sum: [i32; 4]) -> [i32; 4] {
        let product = |row: usize, lane: usize| {
            i32::from(x[row][lane]) * i32::from(w[row % 2][lane][row / 2])
        };
        let all =
            |lane: usize| product(0, lane) + product(1, lane) + product(2, lane) + product(3, lane);
        self.add_i32(sum, [all(0), all(1), all(2), all(3)])
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> [i32; 4] {
        [x; 4]
    }
    #[inline(always)]
    fn add_i32(self, a: [i32; 4], b: [i32; 4]) -> [i32; 4] {
        let sum = |i: usize| a[i].wrapping_add(b[i]);
        [sum(0), sum(1), sum(2), sum(3)]
    }
    #[inline(always)]
    fn to_f32(self, x: [i32; 4]) -> [f32; 4] {
        x.map(|x| x as f32)
    }
    #[inline(always)]
    fn to_i32(self, x: [f32; 4]) -> [i32; 4] {
        x.map(|x| ((x + MAGIC) - MAGIC) as i32)
    }

    #[inline(always)]
    unsafe fn taps_at(self, from: *const u8) -> Self::Taps {
        // SAFETY: the caller's sixteen numbers.
        unsafe { from.cast::<Self::Taps>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn column_at<const N: usize>(self, rows: [*const u8; 4]) -> [[u8; 4]; 4] {
        let row = |at: usize| {
            // SAFETY: the caller's four bytes of each of `N` rows.
            if at < N { unsafe { rows[at].cast::<[u8; 4]>().read() } } else { [0; 4] }
        };
        [row(0), row(1), row(2), row(3)]
    }
    #[inline(always)]
    unsafe fn i32s_at(self, from: *const u8) -> [i32; 4] {
        // SAFETY: the caller's four integers.
        unsafe { from.cast::<[i32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn bytes_at(self, from: *const u8) -> [i32; 4] {
        // SAFETY: the caller's four bytes.
        unsafe { from.cast::<[u8; 4]>().read() }.map(i32::from)
    }
    #[inline(always)]
    unsafe fn store_bytes_at(self, into: *mut u8, v: [i32; 4]) {
        // SAFETY: the caller's four bytes.
        unsafe { into.cast::<[u8; 4]>().write(v.map(|x| x as u8)) }
    }
    #[inline(always)]
    unsafe fn f32s_at(self, from: *const u8) -> [f32; 4] {
        // SAFETY: the caller's four floats.
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }
}
