//! 256-bit vectors: eight sums of pairs of 16 bits, exact for all bytes.

use crate::affine::Levels;
use crate::simd::Avx2;
use crate::simd::dots::{Dots, Quads, Shares, Terms};
use crate::simd::wide::{self, Wide};
use core::arch::x86_64::*;

macro_rules! op {
    ($name:ident $(::<$of:literal>)? ($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name $(::<$of>)? ($($arg),*) }
    };
}

// SAFETY: eight integers; their weights are the 16-bit numbers of two vectors.
unsafe impl Dots for Avx2 {
    const QUADS: Quads = Quads::Pairs;
    const ENDS_AT_ZERO: bool = true;
    type I32 = __m256i;
    type Quad = [__m256i; 2];
    type Column = [__m256i; 2];
    type Taps = [__m256i; 2];

    #[inline(always)]
    fn quad(self, x: u32) -> [__m256i; 2] {
        let x = op!(_mm256_set1_epi32(x.cast_signed()));
        let low = op!(_mm256_and_si256(x, _mm256_set1_epi32(0x00ff_00ff)));
        [low, op!(_mm256_srli_epi16::<8>(x))]
    }
    #[inline(always)]
    fn dot(self, x: [__m256i; 2], w: [__m256i; 2], sum: __m256i) -> __m256i {
        let sum = self.add_i32(sum, op!(_mm256_madd_epi16(x[0], w[0])));
        self.add_i32(sum, op!(_mm256_madd_epi16(x[1], w[1])))
    }
    #[inline(always)]
    fn dot_column(self, x: [__m256i; 2], w: [__m256i; 2], sum: __m256i) -> __m256i {
        self.dot(x, w, sum)
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> __m256i {
        op!(_mm256_set1_epi32(x))
    }
    #[inline(always)]
    fn add_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_add_epi32(a, b))
    }
    #[inline(always)]
    fn to_f32(self, x: __m256i) -> __m256 {
        op!(_mm256_cvtepi32_ps(x))
    }
    #[inline(always)]
    fn to_i32(self, x: __m256) -> __m256i {
        op!(_mm256_cvtps_epi32(x))
    }

    #[inline(always)]
    fn whole_of_sums(self, levels: Levels, sums: __m256i, factors: __m256i) -> __m256i {
        wide::of_sums(self, levels, sums, factors)
    }
    #[inline(always)]
    fn whole_sum(self, terms: Terms, bytes: [__m256i; 2]) -> __m256i {
        wide::sum(self, terms, bytes)
    }
    #[inline(always)]
    fn whole_product(self, terms: Terms, bytes: [__m256i; 2]) -> __m256i {
        wide::product(self, terms, bytes)
    }
    #[inline(always)]
    fn twice_of_sums(self, levels: Levels, sums: __m256i, by: [__m256i; 2]) -> __m256i {
        wide::twice_of_sums(self, levels, sums, by)
    }
    #[inline(always)]
    fn once_of_sums(self, levels: Levels, sums: __m256i, by: [__m256i; 2]) -> __m256i {
        wide::once_of_sums(self, levels, sums, by)
    }
    #[inline(always)]
    fn twice_sum(self, shares: Shares, bytes: [__m256i; 2]) -> __m256i {
        wide::twice_sum(self, shares, bytes)
    }
    #[inline(always)]
    fn twice_product(self, shares: Shares, bytes: [__m256i; 2]) -> __m256i {
        wide::twice_product(self, shares, bytes)
    }

    #[inline(always)]
    unsafe fn taps_at(self, from: *const u8) -> [__m256i; 2] {
        let from: *const __m256i = from.cast();
        [op!(_mm256_loadu_si256(from)), op!(_mm256_loadu_si256(from.add(1)))]
    }
    #[inline(always)]
    unsafe fn column_at<const N: usize>(self, rows: [*const u8; 4]) -> [__m256i; 2] {
        let even = if N > 2 { pairs(rows[0], rows[2]) } else { lanes(rows[0]) };
        let odd = match N {
            0 | 1 => op!(_mm256_setzero_si256()),
            2 | 3 => lanes(rows[1]),
            _ => pairs(rows[1], rows[3]),
        };
        [even, odd]
    }
    #[inline(always)]
    unsafe fn store_triples_at(self, into: *mut u8, [a, b, c]: [__m256i; 3]) {
        let (b, c) = (op!(_mm256_slli_epi32::<8>(b)), op!(_mm256_slli_epi32::<16>(c)));
        let all = op!(_mm256_or_si256(_mm256_or_si256(a, b), c));
        let first = op!(_mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
        let all = op!(_mm256_shuffle_epi8(all, _mm256_broadcastsi128_si256(first)));
        let last = op!(_mm256_extracti128_si256::<1>(all));
        op!(_mm_storeu_si128(into.cast(), _mm256_castsi256_si128(all)));
        op!(_mm_storel_epi64(into.add(12).cast(), last));
        // SAFETY: the caller's last four bytes.
        unsafe { into.add(20).cast::<i32>().write_unaligned(_mm_extract_epi32::<2>(last)) }
    }
    #[inline(always)]
    unsafe fn i32s_at(self, from: *const u8) -> __m256i {
        op!(_mm256_loadu_si256(from.cast()))
    }
    #[inline(always)]
    unsafe fn bytes_at(self, from: *const u8) -> __m256i {
        op!(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast())))
    }
    #[inline(always)]
    unsafe fn store_bytes_at(self, into: *mut u8, v: __m256i) {
        let (low, high) = (op!(_mm256_castsi256_si128(v)), op!(_mm256_extracti128_si256::<1>(v)));
        let words = op!(_mm_packs_epi32(low, high));
        op!(_mm_storel_epi64(into.cast(), _mm_packus_epi16(words, words)))
    }
}

impl Wide for Avx2 {
    #[inline(always)]
    fn sub_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_sub_epi32(a, b))
    }
    #[inline(always)]
    fn and_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_and_si256(a, b))
    }
    #[inline(always)]
    fn min_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_min_epi32(a, b))
    }
    #[inline(always)]
    fn max_i32(self, a: __m256i, b: __m256i) -> __m256i {
        op!(_mm256_max_epi32(a, b))
    }
    #[inline(always)]
    fn up(self, x: __m256i, by: __m256i) -> __m256i {
        op!(_mm256_sllv_epi32(x, by))
    }
    #[inline(always)]
    fn down(self, x: __m256i, by: __m256i) -> __m256i {
        op!(_mm256_srav_epi32(x, by))
    }
    #[inline(always)]
    fn high(self, a: __m256i, b: __m256i) -> __m256i {
        let even = op!(_mm256_mul_epi32(a, b));
        upper(even, op!(_mm256_mul_epi32(odd(a), odd(b))))
    }
    #[inline(always)]
    fn high_twice(self, a: __m256i, b: __m256i) -> __m256i {
        let even = doubled(op!(_mm256_mul_epi32(a, b)));
        upper(even, doubled(op!(_mm256_mul_epi32(odd(a), odd(b)))))
    }
    #[inline(always)]
    fn high_sum(self, [a, c]: [__m256i; 2], [b, d]: [__m256i; 2]) -> __m256i {
        let even = op!(_mm256_add_epi64(_mm256_mul_epi32(a, b), _mm256_mul_epi32(c, d)));
        let [b, d] = [odd(b), odd(d)];
        upper(even, op!(_mm256_add_epi64(_mm256_mul_epi32(odd(a), b), _mm256_mul_epi32(odd(c), d))))
    }
}

/// The odd lanes at the places of the even ones.
#[inline(always)]
fn odd(x: __m256i) -> __m256i {
    op!(_mm256_srli_epi64::<32>(x))
}

/// Products twice, with what rounds their upper halves.
#[inline(always)]
fn doubled(x: __m256i) -> __m256i {
    op!(_mm256_slli_epi64::<1>(_mm256_add_epi64(x, _mm256_set1_epi64x(1 << 30))))
}

/// The upper halves of products of even lanes and of odd ones, each in its lane.
#[inline(always)]
fn upper(even: __m256i, odds: __m256i) -> __m256i {
    op!(_mm256_blend_epi32::<0xaa>(odd(even), odds))
}

/// Eight bytes, each in a lane.
#[inline(always)]
fn lanes(from: *const u8) -> __m256i {
    op!(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast())))
}

/// Eight bytes of each of two rows, side by side, as 16-bit numbers.
#[inline(always)]
fn pairs(a: *const u8, b: *const u8) -> __m256i {
    let (a, b) = (op!(_mm_loadl_epi64(a.cast())), op!(_mm_loadl_epi64(b.cast())));
    op!(_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)))
}
