//! 512-bit vectors of x86-64, and thirty-two registers of them.

use super::vector::Task;
use super::{avx2::Avx2, vector::Simd, weight::Pairs};
use crate::brain::Brain;
use crate::half::Half;
use core::arch::x86_64::*;

macro_rules! op {
    ($name:ident $(::<$lane:tt>)? ($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name $(::<$lane>)? ($($arg),*) }
    };
}

/// Proof of AVX-512 F, BW, DQ and VL, AVX2 and FMA.
pub type Avx512 = Zmm<ALONE>;
/// AVX-512 with VNNI, which multiplies bytes.
pub type Avx512Vnni = Zmm<VNNI>;
/// AVX-512 with VNNI and BF16, which multiplies pairs of bf16.
pub type Avx512Bf16 = Zmm<VNNI_AND_BF16>;

const ALONE: u8 = 0;
const VNNI: u8 = 1;
const VNNI_AND_BF16: u8 = 2;

/// 512-bit vectors, with or without products of smaller numbers.
#[derive(Clone, Copy, Debug)]
pub struct Zmm<const PRODUCTS: u8>(());

impl Avx512 {
    /// The token, in a build that has the features everywhere.
    #[cfg(all(
        target_feature = "avx512f",
        target_feature = "avx512bw",
        target_feature = "avx512dq",
        target_feature = "avx512vl",
        target_feature = "avx2",
        target_feature = "fma"
    ))]
    #[inline(always)]
    pub const fn new() -> Self {
        Zmm(())
    }
}

impl<const PRODUCTS: u8> Zmm<PRODUCTS> {
    /// The token, at the top of a function with
    /// `#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]`, `avx512vnni` and `avx512bf16` if it
    /// says so.
    ///
    /// # Safety
    /// The machine has these features.
    #[inline(always)]
    pub const unsafe fn assume() -> Self {
        Zmm(())
    }

    /// Vectors of eight, in as many registers.
    #[inline(always)]
    pub const fn halves(self) -> Avx2 {
        // SAFETY: this token proves AVX2 and FMA too.
        unsafe { Avx2::assume() }
    }
}

// SAFETY: sixteen floats.
unsafe impl<const PRODUCTS: u8> Simd for Zmm<PRODUCTS> {
    const LANES: usize = 16;
    const BY_LANE: bool = false;
    type F32 = __m512;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        op!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_min_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        op!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn mul_add_lane<const I: i32>(self, x: __m512, w: __m512, c: __m512) -> __m512 {
        self.mul_add(op!(_mm512_permutexvar_ps(_mm512_set1_epi32(I), x)), w, c)
    }

    #[cfg(debug_assertions)]
    #[inline(always)]
    fn apart(self, task: impl Task<Self>) {
        self.framed(task);
    }
    #[inline(always)]
    fn framed(self, task: impl Task<Self>) {
        macro_rules! frame {
            ($features:literal) => {{
                #[target_feature(enable = $features)]
                fn frame<const PRODUCTS: u8>(simd: Zmm<PRODUCTS>, task: impl Task<Zmm<PRODUCTS>>) {
                    task.run(simd);
                }
                op!(frame(self, task))
            }};
        }
        match PRODUCTS {
            ALONE => frame!("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"),
            VNNI => frame!("avx512vnni,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"),
            _ => frame!("avx512bf16,avx512vnni,avx512vl,avx512bw,avx512dq,avx2,fma"),
        }
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> __m512 {
        op!(_mm512_loadu_ps(from))
    }
    #[inline(always)]
    unsafe fn load_head_at(self, from: *const f32, len: usize) -> __m512 {
        op!(_mm512_maskz_loadu_ps(head(len), from))
    }
    #[inline(always)]
    unsafe fn store_at(self, into: *mut f32, v: __m512) {
        op!(_mm512_storeu_ps(into, v))
    }
    #[inline(always)]
    unsafe fn store_head_at(self, into: *mut f32, len: usize, v: __m512) {
        op!(_mm512_mask_storeu_ps(into, head(len), v))
    }
    #[inline(always)]
    unsafe fn load_half_at(self, from: *const Half) -> __m512 {
        let halves = op!(_mm256_loadu_si256(from.cast()));
        op!(_mm512_cvtph_ps(halves))
    }
    #[inline(always)]
    unsafe fn load_half_head_at(self, from: *const Half, len: usize) -> __m512 {
        let halves = op!(_mm256_maskz_loadu_epi16(head(len), from.cast()));
        op!(_mm512_cvtph_ps(halves))
    }
    #[inline(always)]
    unsafe fn store_half_at(self, into: *mut Half, v: __m512) {
        op!(_mm256_storeu_si256(into.cast(), rounded(v)))
    }
    #[inline(always)]
    unsafe fn store_half_head_at(self, into: *mut Half, len: usize, v: __m512) {
        op!(_mm256_mask_storeu_epi16(into.cast(), head(len), rounded(v)))
    }
    #[inline(always)]
    unsafe fn load_brain_at(self, from: *const Brain) -> __m512 {
        widened(op!(_mm256_loadu_si256(from.cast())))
    }
    #[inline(always)]
    unsafe fn load_brain_head_at(self, from: *const Brain, len: usize) -> __m512 {
        widened(op!(_mm256_maskz_loadu_epi16(head(len), from.cast())))
    }
    #[inline(always)]
    unsafe fn store_brain_at(self, into: *mut Brain, v: __m512) {
        op!(_mm256_storeu_si256(into.cast(), self.shortened(v)))
    }
    #[inline(always)]
    unsafe fn store_brain_head_at(self, into: *mut Brain, len: usize, v: __m512) {
        op!(_mm256_mask_storeu_epi16(into.cast(), head(len), self.shortened(v)))
    }
}

impl Pairs for Avx512Bf16 {
    #[inline(always)]
    fn add_products(self, x: u32, w: __m512, sum: __m512) -> __m512 {
        // SAFETY: 512 bits by another name.
        let pairs = |v: __m512i| unsafe { core::mem::transmute::<__m512i, __m512bh>(v) };
        let x = pairs(op!(_mm512_set1_epi32(x.cast_signed())));
        let w = pairs(op!(_mm512_castps_si512(w)));
        op!(_mm512_dpbf16_ps(sum, w, x))
    }
}

impl<const PRODUCTS: u8> Zmm<PRODUCTS> {
    /// The nearest brain floats; in the words of [`Brain::of`] where no instruction makes them.
    // Unoptimised, in a frame of its own, lest the vectors of all calls add up.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn shortened(self, v: __m512) -> __m256i {
        if PRODUCTS == VNNI_AND_BF16 {
            let brains = op!(_mm512_cvtneps_pbh(v));
            // SAFETY: 256 bits by another name.
            return unsafe { core::mem::transmute::<__m256bh, __m256i>(brains) };
        }
        let int = |x: u32| op!(_mm512_set1_epi32(x.cast_signed()));
        let bits = op!(_mm512_castps_si512(v));
        let odd = op!(_mm512_and_si512(_mm512_srli_epi32::<16>(bits), int(1)));
        let up = op!(_mm512_add_epi32(_mm512_add_epi32(bits, int(0x7fff)), odd));
        let magnitude = op!(_mm512_and_si512(bits, int(0x7fff_ffff)));
        let is_small = op!(_mm512_cmplt_epu32_mask(magnitude, int(0x0080_0000)));
        let is_nan = op!(_mm512_cmpgt_epu32_mask(magnitude, int(0x7f80_0000)));
        let up = op!(_mm512_mask_and_epi32(up, is_small, bits, int(0x8000_0000)));
        let up = op!(_mm512_mask_or_epi32(up, is_nan, bits, int(0x0040_0000)));
        op!(_mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(up)))
    }
}

/// Brain floats as floats: each goes to the upper half of its lane, in one instruction.
#[cfg_attr(not(debug_assertions), inline(always))]
fn widened(brains: __m256i) -> __m512 {
    const UPPER: __mmask32 = 0xaaaa_aaaa;
    const FROM: [u16; 32] = {
        let (mut from, mut lane) = ([0; 32], 0);
        while lane < 16 {
            from[2 * lane + 1] = lane as u16;
            lane += 1;
        }
        from
    };
    let from = op!(_mm512_loadu_si512(FROM.as_ptr().cast()));
    let all = op!(_mm512_castsi256_si512(brains));
    op!(_mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(UPPER, from, all)))
}

/// The nearest halves, ties to even.
#[inline(always)]
fn rounded(v: __m512) -> __m256i {
    op!(_mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v))
}

/// Lanes below `len`.
#[inline(always)]
const fn head(len: usize) -> __mmask16 {
    ((1_u32 << len) - 1) as __mmask16
}
