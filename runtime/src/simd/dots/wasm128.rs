//! 128-bit vectors of WebAssembly: four sums of pairs of 16 bits.

use crate::simd::Wasm128;
use crate::simd::dots::{Dots, Quads};
use core::arch::wasm32::*;

// SAFETY: four integers; their weights are the 16-bit numbers of two vectors.
unsafe impl Dots for Wasm128 {
    const QUADS: Quads = Quads::Pairs;
    type I32 = v128;
    type Quad = [v128; 2];
    type Column = [v128; 2];
    type Taps = [v128; 2];

    #[inline(always)]
    fn quad(self, x: u32) -> [v128; 2] {
        let x = u32x4_splat(x);
        [v128_and(x, u32x4_splat(0x00ff_00ff)), u16x8_shr(x, 8)]
    }
    #[inline(always)]
    fn dot(self, x: [v128; 2], w: [v128; 2], sum: v128) -> v128 {
        let sum = i32x4_add(sum, i32x4_dot_i16x8(x[0], w[0]));
        i32x4_add(sum, i32x4_dot_i16x8(x[1], w[1]))
    }
    #[inline(always)]
    fn dot_column(self, x: [v128; 2], w: [v128; 2], sum: v128) -> v128 {
        self.dot(x, w, sum)
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> v128 {
        i32x4_splat(x)
    }
    #[inline(always)]
    fn add_i32(self, a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }
    #[inline(always)]
    fn to_f32(self, x: v128) -> v128 {
        f32x4_convert_i32x4(x)
    }
    #[inline(always)]
    fn to_i32(self, x: v128) -> v128 {
        i32x4_trunc_sat_f32x4(f32x4_nearest(x))
    }

    #[inline(always)]
    unsafe fn taps_at(self, from: *const u8) -> [v128; 2] {
        // SAFETY: the caller's two vectors.
        unsafe { [v128_load(from.cast()), v128_load(from.add(16).cast())] }
    }
    #[inline(always)]
    unsafe fn column_at<const N: usize>(self, rows: [*const u8; 4]) -> [v128; 2] {
        // SAFETY: the caller's four bytes of each of `N` rows.
        unsafe {
            let a = rows[0].cast::<u32>().read_unaligned();
            let b = if N > 1 { rows[1].cast::<u32>().read_unaligned() } else { 0 };
            let c = if N > 2 { rows[2].cast::<u32>().read_unaligned() } else { 0 };
            let d = if N > 3 { rows[3].cast::<u32>().read_unaligned() } else { 0 };
            let even = v128_or(four(a), i32x4_shl(four(c), 16));
            [even, v128_or(four(b), i32x4_shl(four(d), 16))]
        }
    }
    #[inline(always)]
    unsafe fn i32s_at(self, from: *const u8) -> v128 {
        // SAFETY: the caller's vector.
        unsafe { v128_load(from.cast()) }
    }
    #[inline(always)]
    unsafe fn bytes_at(self, from: *const u8) -> v128 {
        // SAFETY: the caller's four bytes.
        four(unsafe { from.cast::<u32>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store_bytes_at(self, into: *mut u8, v: v128) {
        let words = i16x8_narrow_i32x4(v, v);
        let bytes = i32x4_extract_lane::<0>(u8x16_narrow_i16x8(words, words));
        // SAFETY: the caller's four bytes.
        unsafe { into.cast::<i32>().write_unaligned(bytes) }
    }
}

/// Four bytes, each to a lane.
#[inline(always)]
fn four(x: u32) -> v128 {
    u32x4_extend_low_u16x8(u16x8_extend_low_u8x16(u32x4_splat(x)))
}
