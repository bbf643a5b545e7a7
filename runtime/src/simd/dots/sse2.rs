//! 128-bit vectors of any x86-64: four sums of pairs of 16 bits.

use crate::simd::Sse2;
use crate::simd::dots::{Dots, Quads};
use core::arch::x86_64::*;

macro_rules! op {
    ($name:ident $(::<$of:literal>)? ($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name $(::<$of>)? ($($arg),*) }
    };
}

// SAFETY: four integers; their weights are the 16-bit numbers of two vectors.
unsafe impl Dots for Sse2 {
    const QUADS: Quads = Quads::Pairs;
    const ENDS_AT_ZERO: bool = true;
    type I32 = __m128i;
    type Quad = [__m128i; 2];
    type Column = [__m128i; 2];
    type Taps = [__m128i; 2];

    #[inline(always)]
    fn quad(self, x: u32) -> [__m128i; 2] {
        let x = op!(_mm_set1_epi32(x.cast_signed()));
        let low = op!(_mm_and_si128(x, _mm_set1_epi32(0x00ff_00ff)));
        [low, op!(_mm_srli_epi16::<8>(x))]
    }
    #[inline(always)]
    fn dot(self, x: [__m128i; 2], w: [__m128i; 2], sum: __m128i) -> __m128i {
        let sum = self.add_i32(sum, op!(_mm_madd_epi16(x[0], w[0])));
        self.add_i32(sum, op!(_mm_madd_epi16(x[1], w[1])))
    }
    #[inline(always)]
    fn dot_column(self, x: [__m128i; 2], w: [__m128i; 2], sum: __m128i) -> __m128i {
        self.dot(x, w, sum)
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> __m128i {
        op!(_mm_set1_epi32(x))
    }
    #[inline(always)]
    fn add_i32(self, a: __m128i, b: __m128i) -> __m128i {
        op!(_mm_add_epi32(a, b))
    }
    #[inline(always)]
    fn to_f32(self, x: __m128i) -> __m128 {
        op!(_mm_cvtepi32_ps(x))
    }
    #[inline(always)]
    fn to_i32(self, x: __m128) -> __m128i {
        op!(_mm_cvtps_epi32(x))
    }

    #[inline(always)]
    unsafe fn taps_at(self, from: *const u8) -> [__m128i; 2] {
        let from: *const __m128i = from.cast();
        [op!(_mm_loadu_si128(from)), op!(_mm_loadu_si128(from.add(1)))]
    }
    #[inline(always)]
    unsafe fn column_at<const N: usize>(self, rows: [*const u8; 4]) -> [__m128i; 2] {
        let zero = op!(_mm_setzero_si128());
        let b = if N > 1 { four(rows[1]) } else { zero };
        let c = if N > 2 { four(rows[2]) } else { zero };
        let d = if N > 3 { four(rows[3]) } else { zero };
        let even = op!(_mm_unpacklo_epi8(_mm_unpacklo_epi8(four(rows[0]), c), zero));
        [even, op!(_mm_unpacklo_epi8(_mm_unpacklo_epi8(b, d), zero))]
    }
    #[inline(always)]
    unsafe fn i32s_at(self, from: *const u8) -> __m128i {
        op!(_mm_loadu_si128(from.cast()))
    }
    #[inline(always)]
    unsafe fn bytes_at(self, from: *const u8) -> __m128i {
        let zero = op!(_mm_setzero_si128());
        op!(_mm_unpacklo_epi16(_mm_unpacklo_epi8(four(from), zero), zero))
    }
    #[inline(always)]
    unsafe fn store_bytes_at(self, into: *mut u8, v: __m128i) {
        let words = op!(_mm_packs_epi32(v, v));
        let bytes = op!(_mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
        // SAFETY: the caller's four bytes.
        unsafe { into.cast::<i32>().write_unaligned(bytes) }
    }
}

/// Four bytes in the lowest lane.
#[inline(always)]
fn four(from: *const u8) -> __m128i {
    // SAFETY: the callers' four bytes.
    unsafe { _mm_cvtsi32_si128(from.cast::<i32>().read_unaligned()) }
}
