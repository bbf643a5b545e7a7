//! 128-bit vectors of aarch64 with products of bytes: four sums of four products in one instruction.
//!
//! Both factors are signed: 128 is taken off every input, and the biases make up for it. The instruction has a function
//! in newer releases of Rust only.

use crate::affine::Levels;
use crate::simd::dots::{Dots, Quads, Shares, Terms};
use crate::simd::{Neon, NeonDot, wide};
use core::arch::aarch64::*;

macro_rules! op {
    ($name:ident $(::<$of:literal>)? ($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name $(::<$of>)? ($($arg),*) }
    };
}

// SAFETY: four integers; their weights are the bytes of one vector.
unsafe impl Dots for NeonDot {
    const QUADS: Quads = Quads::Bytes;
    const LIFT: u8 = 128;
    type I32 = int32x4_t;
    type Quad = int8x16_t;
    type Column = int8x16_t;
    type Taps = int8x16_t;

    #[inline(always)]
    fn quad(self, x: u32) -> int8x16_t {
        op!(vreinterpretq_s8_u32(vdupq_n_u32(x ^ 0x8080_8080)))
    }
    #[inline(always)]
    fn dot(self, x: int8x16_t, w: int8x16_t, sum: int32x4_t) -> int32x4_t {
        let mut sum = sum;
        // SAFETY: a token proves the feature.
        unsafe {
            core::arch::asm!(
                ".arch_extension dotprod",
                "sdot {0:v}.4s, {1:v}.16b, {2:v}.16b",
                inout(vreg) sum, in(vreg) w, in(vreg) x,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        sum
    }
    #[inline(always)]
    fn dot_column(self, x: int8x16_t, w: int8x16_t, sum: int32x4_t) -> int32x4_t {
        self.dot(x, w, sum)
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> int32x4_t {
        plain().splat_i32(x)
    }
    #[inline(always)]
    fn add_i32(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        plain().add_i32(a, b)
    }
    #[inline(always)]
    fn to_f32(self, x: int32x4_t) -> float32x4_t {
        plain().to_f32(x)
    }
    #[inline(always)]
    fn to_i32(self, x: float32x4_t) -> int32x4_t {
        plain().to_i32(x)
    }
    #[inline(always)]
    fn at_least(self, x: float32x4_t, least: float32x4_t) -> float32x4_t {
        plain().at_least(x, least)
    }

    #[inline(always)]
    fn whole_of_sums(self, levels: Levels, sums: int32x4_t, factors: int32x4_t) -> int32x4_t {
        wide::of_sums(plain(), levels, sums, factors)
    }
    #[inline(always)]
    fn whole_sum(self, terms: Terms, bytes: [int32x4_t; 2]) -> int32x4_t {
        wide::sum(plain(), terms, bytes)
    }
    #[inline(always)]
    fn whole_product(self, terms: Terms, bytes: [int32x4_t; 2]) -> int32x4_t {
        wide::product(plain(), terms, bytes)
    }
    #[inline(always)]
    fn twice_of_sums(self, levels: Levels, sums: int32x4_t, by: [int32x4_t; 2]) -> int32x4_t {
        wide::twice_of_sums(plain(), levels, sums, by)
    }
    #[inline(always)]
    fn once_of_sums(self, levels: Levels, sums: int32x4_t, by: [int32x4_t; 2]) -> int32x4_t {
        wide::once_of_sums(plain(), levels, sums, by)
    }
    #[inline(always)]
    fn twice_sum(self, shares: Shares, bytes: [int32x4_t; 2]) -> int32x4_t {
        wide::twice_sum(plain(), shares, bytes)
    }
    #[inline(always)]
    fn twice_product(self, shares: Shares, bytes: [int32x4_t; 2]) -> int32x4_t {
        wide::twice_product(plain(), shares, bytes)
    }

    #[inline(always)]
    unsafe fn taps_at(self, from: *const u8) -> int8x16_t {
        op!(vld1q_s8(from.cast()))
    }
    #[inline(always)]
    unsafe fn column_at<const N: usize>(self, rows: [*const u8; 4]) -> int8x16_t {
        let mut all = op!(vdupq_n_u32(0));
        // SAFETY: the caller's four bytes of each of `N` rows.
        unsafe {
            all = vsetq_lane_u32::<0>(rows[0].cast::<u32>().read_unaligned(), all);
            if N > 1 {
                all = vsetq_lane_u32::<1>(rows[1].cast::<u32>().read_unaligned(), all);
            }
            if N > 2 {
                all = vsetq_lane_u32::<2>(rows[2].cast::<u32>().read_unaligned(), all);
            }
            if N > 3 {
                all = vsetq_lane_u32::<3>(rows[3].cast::<u32>().read_unaligned(), all);
            }
        }
        const BY_LANE: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
        let by_lane = op!(vqtbl1q_u8(vreinterpretq_u8_u32(all), vld1q_u8(BY_LANE.as_ptr())));
        op!(vreinterpretq_s8_u8(veorq_u8(by_lane, vdupq_n_u8(128))))
    }
    #[inline(always)]
    unsafe fn i32s_at(self, from: *const u8) -> int32x4_t {
        // SAFETY: the caller's.
        unsafe { plain().i32s_at(from) }
    }
    #[inline(always)]
    unsafe fn bytes_at(self, from: *const u8) -> int32x4_t {
        // SAFETY: the caller's.
        unsafe { plain().bytes_at(from) }
    }
    #[inline(always)]
    unsafe fn store_bytes_at(self, into: *mut u8, v: int32x4_t) {
        // SAFETY: the caller's.
        unsafe { plain().store_bytes_at(into, v) }
    }
}

/// The instruction set for all but products.
#[inline(always)]
fn plain() -> Neon {
    // SAFETY: whoever holds the token of products has NEON.
    unsafe { Neon::assume() }
}
