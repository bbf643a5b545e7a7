//! 512-bit vectors with VNNI: sixteen sums of four products in one instruction.

use crate::affine::Levels;
use crate::simd::Avx512Vnni;
use crate::simd::dots::{Dots, Quads, Shares, Terms};
use crate::simd::wide::{self, Wide};
use core::arch::x86_64::*;

macro_rules! op {
    ($name:ident $(::<$of:literal>)? ($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name $(::<$of>)? ($($arg),*) }
    };
}

// SAFETY: sixteen integers; their weights are the bytes of one vector.
unsafe impl Dots for Avx512Vnni {
    const QUADS: Quads = Quads::Bytes;
    type Quad = __m512i;
    type Column = __m512i;
    type Taps = __m512i;
    const SATURATES: bool = true;
    type I32 = __m512i;

    #[inline(always)]
    fn splat_i32(self, x: i32) -> __m512i {
        op!(_mm512_set1_epi32(x))
    }
    #[inline(always)]
    fn add_i32(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_add_epi32(a, b))
    }
    #[inline(always)]
    fn to_f32(self, x: __m512i) -> __m512 {
        op!(_mm512_cvtepi32_ps(x))
    }
    #[inline(always)]
    fn to_i32(self, x: __m512) -> __m512i {
        op!(_mm512_cvtps_epi32(x))
    }
    #[inline(always)]
    unsafe fn i32s_at(self, from: *const u8) -> __m512i {
        op!(_mm512_loadu_si512(from.cast()))
    }
    #[inline(always)]
    unsafe fn bytes_at(self, from: *const u8) -> __m512i {
        op!(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast())))
    }
    #[inline(always)]
    unsafe fn store_bytes_at(self, into: *mut u8, v: __m512i) {
        op!(_mm_storeu_si128(into.cast(), _mm512_cvtusepi32_epi8(v)))
    }
    #[inline(always)]
    unsafe fn store_triples_at(self, into: *mut u8, [a, b, c]: [__m512i; 3]) {
        let b = op!(_mm512_slli_epi32::<8>(b));
        let c = op!(_mm512_slli_epi32::<16>(c));
        let all = op!(_mm512_or_si512(_mm512_or_si512(a, b), c));
        let first = op!(_mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
        let all = op!(_mm512_shuffle_epi8(all, _mm512_broadcast_i32x4(first)));
        op!(_mm_storeu_si128(into.cast(), _mm512_castsi512_si128(all)));
        op!(_mm_storeu_si128(into.add(12).cast(), _mm512_extracti32x4_epi32::<1>(all)));
        op!(_mm_storeu_si128(into.add(24).cast(), _mm512_extracti32x4_epi32::<2>(all)));
        let last = op!(_mm512_extracti32x4_epi32::<3>(all));
        op!(_mm_mask_storeu_epi8(into.add(36).cast(), head(12), last));
    }
    #[inline(always)]
    unsafe fn bytes_head_at(self, from: *const u8, len: usize) -> __m512i {
        op!(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(head(len), from.cast())))
    }
    #[inline(always)]
    unsafe fn store_bytes_head_at(self, into: *mut u8, len: usize, v: __m512i) {
        op!(_mm_mask_storeu_epi8(into.cast(), head(len), _mm512_cvtusepi32_epi8(v)))
    }

    #[inline(always)]
    fn whole_of_sums(self, levels: Levels, sums: __m512i, factors: __m512i) -> __m512i {
        wide::of_sums(self, levels, sums, factors)
    }
    #[inline(always)]
    fn whole_sum(self, terms: Terms, bytes: [__m512i; 2]) -> __m512i {
        wide::sum(self, terms, bytes)
    }
    #[inline(always)]
    fn whole_product(self, terms: Terms, bytes: [__m512i; 2]) -> __m512i {
        wide::product(self, terms, bytes)
    }
    #[inline(always)]
    fn twice_of_sums(self, levels: Levels, sums: __m512i, by: [__m512i; 2]) -> __m512i {
        wide::twice_of_sums(self, levels, sums, by)
    }
    #[inline(always)]
    fn once_of_sums(self, levels: Levels, sums: __m512i, by: [__m512i; 2]) -> __m512i {
        wide::once_of_sums(self, levels, sums, by)
    }
    #[inline(always)]
    fn twice_sum(self, shares: Shares, bytes: [__m512i; 2]) -> __m512i {
        wide::twice_sum(self, shares, bytes)
    }
    #[inline(always)]
    fn twice_product(self, shares: Shares, bytes: [__m512i; 2]) -> __m512i {
        wide::twice_product(self, shares, bytes)
    }

    #[inline(always)]
    fn quad(self, x: u32) -> __m512i {
        op!(_mm512_set1_epi32(x.cast_signed()))
    }
    #[inline(always)]
    fn dot(self, x: __m512i, w: __m512i, sum: __m512i) -> __m512i {
        op!(_mm512_dpbusd_epi32(sum, x, w))
    }
    #[inline(always)]
    fn dot_column(self, x: __m512i, w: __m512i, sum: __m512i) -> __m512i {
        self.dot(x, w, sum)
    }
    #[inline(always)]
    unsafe fn taps_at(self, from: *const u8) -> __m512i {
        op!(_mm512_loadu_si512(from.cast()))
    }
    #[inline(always)]
    unsafe fn column_at<const N: usize>(self, rows: [*const u8; 4]) -> __m512i {
        let mut all = lanes(rows[0]);
        if N > 1 {
            all = op!(_mm512_or_si512(all, _mm512_slli_epi32::<8>(lanes(rows[1]))));
        }
        if N > 2 {
            all = op!(_mm512_or_si512(all, _mm512_slli_epi32::<16>(lanes(rows[2]))));
        }
        if N > 3 {
            all = op!(_mm512_or_si512(all, _mm512_slli_epi32::<24>(lanes(rows[3]))));
        }
        all
    }
}

impl Wide for Avx512Vnni {
    #[inline(always)]
    fn sub_i32(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_sub_epi32(a, b))
    }
    #[inline(always)]
    fn and_i32(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_and_si512(a, b))
    }
    #[inline(always)]
    fn min_i32(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_min_epi32(a, b))
    }
    #[inline(always)]
    fn max_i32(self, a: __m512i, b: __m512i) -> __m512i {
        op!(_mm512_max_epi32(a, b))
    }
    #[inline(always)]
    fn up(self, x: __m512i, by: __m512i) -> __m512i {
        op!(_mm512_sllv_epi32(x, by))
    }
    #[inline(always)]
    fn down(self, x: __m512i, by: __m512i) -> __m512i {
        op!(_mm512_srav_epi32(x, by))
    }
    #[inline(always)]
    fn high(self, a: __m512i, b: __m512i) -> __m512i {
        let even = op!(_mm512_mul_epi32(a, b));
        upper(even, op!(_mm512_mul_epi32(odd(a), odd(b))))
    }
    #[inline(always)]
    fn high_twice(self, a: __m512i, b: __m512i) -> __m512i {
        let even = doubled(op!(_mm512_mul_epi32(a, b)));
        upper(even, doubled(op!(_mm512_mul_epi32(odd(a), odd(b)))))
    }
    #[inline(always)]
    fn high_sum(self, [a, c]: [__m512i; 2], [b, d]: [__m512i; 2]) -> __m512i {
        let even = op!(_mm512_add_epi64(_mm512_mul_epi32(a, b), _mm512_mul_epi32(c, d)));
        let [b, d] = [odd(b), odd(d)];
        upper(even, op!(_mm512_add_epi64(_mm512_mul_epi32(odd(a), b), _mm512_mul_epi32(odd(c), d))))
    }
}

/// The odd lanes at the places of the even ones.
#[inline(always)]
fn odd(x: __m512i) -> __m512i {
    op!(_mm512_srli_epi64::<32>(x))
}

/// Products twice, with what rounds their upper halves.
#[inline(always)]
fn doubled(x: __m512i) -> __m512i {
    op!(_mm512_slli_epi64::<1>(_mm512_add_epi64(x, _mm512_set1_epi64(1 << 30))))
}

/// The upper halves of products of even lanes and of odd ones, each in its lane.
#[inline(always)]
fn upper(even: __m512i, odds: __m512i) -> __m512i {
    op!(_mm512_mask_blend_epi32(0xaaaa, odd(even), odds))
}

/// Sixteen bytes, each in a lane.
#[inline(always)]
fn lanes(from: *const u8) -> __m512i {
    op!(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast())))
}

/// Lanes below `len`, at most 16.
#[inline(always)]
const fn head(len: usize) -> __mmask16 {
    ((1_u32 << len) - 1) as __mmask16
}
