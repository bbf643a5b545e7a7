//! 512-bit vectors of x86-64, and thirty-two registers of them.

#[cfg(debug_assertions)]
use super::Task;
use super::{Avx2, Simd};
use crate::half::Half;
use core::arch::x86_64::*;

macro_rules! op {
    ($name:ident $(::<$lane:ident>)? ($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name $(::<$lane>)? ($($arg),*) }
    };
}

/// Proof of AVX-512 F, BW, DQ and VL, AVX2 and FMA.
pub type Avx512 = Zmm<false>;
/// The same, and of VNNI, which multiplies bytes.
pub type Avx512Vnni = Zmm<true>;

/// 512-bit vectors, with or without VNNI.
#[derive(Clone, Copy, Debug)]
pub struct Zmm<const VNNI: bool>(());

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
    #[expect(
        clippy::new_without_default,
        reason = "tokens are minted by name, alike on every instruction set"
    )]
    #[inline(always)]
    pub const fn new() -> Self {
        Zmm(())
    }
}

impl<const VNNI: bool> Zmm<VNNI> {
    /// The token, at the top of a function with
    /// `#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]`, and `avx512vnni` if it says so.
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
unsafe impl<const VNNI: bool> Simd for Zmm<VNNI> {
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
        #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
        fn frame<const VNNI: bool>(simd: Zmm<VNNI>, task: impl Task<Zmm<VNNI>>) {
            task.run(simd);
        }
        #[target_feature(enable = "avx512vnni,avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
        fn frame_with_vnni<const VNNI: bool>(simd: Zmm<VNNI>, task: impl Task<Zmm<VNNI>>) {
            task.run(simd);
        }
        if VNNI {
            op!(frame_with_vnni(self, task));
        } else {
            op!(frame(self, task));
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
