//! 128-bit vectors of aarch64: four sums, widening multiply-adds of 16 bits.

use crate::affine::Levels;
use crate::simd::Neon;
use crate::simd::dots::{Dots, Quads, Shares, Terms};
use crate::simd::wide::{self, Wide};
use core::arch::aarch64::*;

macro_rules! op {
    ($name:ident $(::<$of:literal>)? ($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name $(::<$of>)? ($($arg),*) }
    };
}

// SAFETY: four integers; their weights are the 16-bit numbers of four half vectors.
unsafe impl Dots for Neon {
    const QUADS: Quads = Quads::Lanes;
    type I32 = int32x4_t;
    type Quad = int16x4_t;
    type Column = [int16x4_t; 4];
    type Taps = [int16x4_t; 4];

    #[inline(always)]
    fn quad(self, x: u32) -> int16x4_t {
        wide(x)
    }
    #[inline(always)]
    fn dot(self, x: int16x4_t, w: [int16x4_t; 4], sum: int32x4_t) -> int32x4_t {
        let sum = op!(vmlal_lane_s16::<0>(sum, w[0], x));
        let sum = op!(vmlal_lane_s16::<1>(sum, w[1], x));
        let sum = op!(vmlal_lane_s16::<2>(sum, w[2], x));
        op!(vmlal_lane_s16::<3>(sum, w[3], x))
    }
    #[inline(always)]
    fn dot_column(self, x: [int16x4_t; 4], w: [int16x4_t; 4], sum: int32x4_t) -> int32x4_t {
        let sum = op!(vmlal_s16(sum, w[0], x[0]));
        let sum = op!(vmlal_s16(sum, w[1], x[1]));
        let sum = op!(vmlal_s16(sum, w[2], x[2]));
        op!(vmlal_s16(sum, w[3], x[3]))
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> int32x4_t {
        op!(vdupq_n_s32(x))
    }
    #[inline(always)]
    fn add_i32(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        op!(vaddq_s32(a, b))
    }
    #[inline(always)]
    fn to_f32(self, x: int32x4_t) -> float32x4_t {
        op!(vcvtq_f32_s32(x))
    }
    #[inline(always)]
    fn to_i32(self, x: float32x4_t) -> int32x4_t {
        op!(vcvtnq_s32_f32(x))
    }
    #[inline(always)]
    fn at_least(self, x: float32x4_t, least: float32x4_t) -> float32x4_t {
        op!(vmaxnmq_f32(x, least))
    }

    #[inline(always)]
    fn whole_of_sums(self, levels: Levels, sums: int32x4_t, factors: int32x4_t) -> int32x4_t {
        wide::of_sums(self, levels, sums, factors)
    }
    #[inline(always)]
    fn whole_sum(self, terms: Terms, bytes: [int32x4_t; 2]) -> int32x4_t {
        wide::sum(self, terms, bytes)
    }
    #[inline(always)]
    fn whole_product(self, terms: Terms, bytes: [int32x4_t; 2]) -> int32x4_t {
        wide::product(self, terms, bytes)
    }
    #[inline(always)]
    fn twice_of_sums(self, levels: Levels, sums: int32x4_t, by: [int32x4_t; 2]) -> int32x4_t {
        wide::twice_of_sums(self, levels, sums, by)
    }
    #[inline(always)]
    fn once_of_sums(self, levels: Levels, sums: int32x4_t, by: [int32x4_t; 2]) -> int32x4_t {
        wide::once_of_sums(self, levels, sums, by)
    }
    #[inline(always)]
    fn twice_sum(self, shares: Shares, bytes: [int32x4_t; 2]) -> int32x4_t {
        wide::twice_sum(self, shares, bytes)
    }
    #[inline(always)]
    fn twice_product(self, shares: Shares, bytes: [int32x4_t; 2]) -> int32x4_t {
        wide::twice_product(self, shares, bytes)
    }

    #[inline(always)]
    unsafe fn taps_at(self, from: *const u8) -> [int16x4_t; 4] {
        let [a, b] = [op!(vld1_s16(from.cast())), op!(vld1_s16(from.add(8).cast()))];
        [a, b, op!(vld1_s16(from.add(16).cast())), op!(vld1_s16(from.add(24).cast()))]
    }
    #[inline(always)]
    unsafe fn column_at<const N: usize>(self, rows: [*const u8; 4]) -> [int16x4_t; 4] {
        // SAFETY: the caller's four bytes of each of `N` rows.
        unsafe {
            let a = rows[0].cast::<u32>().read_unaligned();
            let b = if N > 1 { rows[1].cast::<u32>().read_unaligned() } else { 0 };
            let c = if N > 2 { rows[2].cast::<u32>().read_unaligned() } else { 0 };
            let d = if N > 3 { rows[3].cast::<u32>().read_unaligned() } else { 0 };
            [wide(a), wide(b), wide(c), wide(d)]
        }
    }
    #[inline(always)]
    unsafe fn i32s_at(self, from: *const u8) -> int32x4_t {
        op!(vreinterpretq_s32_u8(vld1q_u8(from)))
    }
    #[inline(always)]
    unsafe fn bytes_at(self, from: *const u8) -> int32x4_t {
        // SAFETY: the caller's four bytes.
        let bytes = unsafe { from.cast::<u32>().read_unaligned() };
        op!(vmovl_s16(wide(bytes)))
    }
    #[inline(always)]
    unsafe fn store_bytes_at(self, into: *mut u8, v: int32x4_t) {
        let words = op!(vmovn_s32(v));
        let bytes = op!(vmovn_u16(vreinterpretq_u16_s16(vcombine_s16(words, words))));
        let bytes = op!(vget_lane_u32::<0>(vreinterpret_u32_u8(bytes)));
        // SAFETY: the caller's four bytes.
        unsafe { into.cast::<u32>().write_unaligned(bytes) }
    }
}

impl Wide for Neon {
    #[inline(always)]
    fn sub_i32(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        op!(vsubq_s32(a, b))
    }
    #[inline(always)]
    fn and_i32(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        op!(vandq_s32(a, b))
    }
    #[inline(always)]
    fn min_i32(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        op!(vminq_s32(a, b))
    }
    #[inline(always)]
    fn max_i32(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        op!(vmaxq_s32(a, b))
    }
    #[inline(always)]
    fn up(self, x: int32x4_t, by: int32x4_t) -> int32x4_t {
        op!(vshlq_s32(x, by))
    }
    #[inline(always)]
    fn down(self, x: int32x4_t, by: int32x4_t) -> int32x4_t {
        op!(vshlq_s32(x, vnegq_s32(by)))
    }
    #[inline(always)]
    fn high(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        upper(op!(vmull_s32(vget_low_s32(a), vget_low_s32(b))), op!(vmull_high_s32(a, b)))
    }
    #[inline(always)]
    fn high_twice(self, a: int32x4_t, b: int32x4_t) -> int32x4_t {
        op!(vqrdmulhq_s32(a, b))
    }
    #[inline(always)]
    fn high_sum(self, [a, c]: [int32x4_t; 2], [b, d]: [int32x4_t; 2]) -> int32x4_t {
        let low = op!(vmull_s32(vget_low_s32(a), vget_low_s32(b)));
        let low = op!(vmlal_s32(low, vget_low_s32(c), vget_low_s32(d)));
        upper(low, op!(vmlal_high_s32(vmull_high_s32(a, b), c, d)))
    }
}

/// The upper halves of products of the low lanes and of the high ones.
#[inline(always)]
fn upper(low: int64x2_t, high: int64x2_t) -> int32x4_t {
    op!(vuzp2q_s32(vreinterpretq_s32_s64(low), vreinterpretq_s32_s64(high)))
}

/// Four bytes as 16-bit numbers, lowest first.
#[inline(always)]
fn wide(x: u32) -> int16x4_t {
    op!(vget_low_s16(vreinterpretq_s16_u16(vmovl_u8(vcreate_u8(u64::from(x))))))
}
