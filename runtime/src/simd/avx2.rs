//! 256-bit vectors of x86-64 with fused multiply-add.

use super::vector::Simd;
use super::vector::Task;
use crate::brain::Brain;
use crate::half::Half;
use core::arch::x86_64::*;

macro_rules! op {
    ($name:ident $(::<$lane:tt>)? ($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name $(::<$lane>)? ($($arg),*) }
    };
}

/// Proof of AVX2, FMA and F16C.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// The token, in a build that has the features everywhere.
    #[cfg(all(target_feature = "avx2", target_feature = "fma", target_feature = "f16c"))]
    #[expect(
        clippy::new_without_default,
        reason = "tokens are minted by name, alike on every instruction set"
    )]
    #[inline(always)]
    pub const fn new() -> Self {
        Avx2(())
    }

    /// The token, at the top of a `#[target_feature(enable = "avx2,fma,f16c")]` function.
    ///
    /// # Safety
    /// The machine has AVX2, FMA and F16C.
    #[inline(always)]
    pub const unsafe fn assume() -> Self {
        Avx2(())
    }
}

// SAFETY: eight floats.
unsafe impl Simd for Avx2 {
    const LANES: usize = 8;
    const BY_LANE: bool = false;
    type F32 = __m256;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        op!(_mm256_set1_ps(x))
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_min_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_max_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        op!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn mul_add_lane<const I: i32>(self, x: __m256, w: __m256, c: __m256) -> __m256 {
        self.mul_add(op!(_mm256_permutevar8x32_ps(x, _mm256_set1_epi32(I))), w, c)
    }

    #[cfg(debug_assertions)]
    #[inline(always)]
    fn apart(self, task: impl Task<Self>) {
        self.framed(task);
    }
    #[inline(always)]
    fn framed(self, task: impl Task<Self>) {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn frame(simd: Avx2, task: impl Task<Avx2>) {
            task.run(simd);
        }
        op!(frame(self, task));
    }
    #[inline(always)]
    fn load_after(self, v: __m256) {
        let v = op!(_mm256_castps256_ps128(v));
        // SAFETY: there is no instruction.
        unsafe { core::arch::asm!("/* {} */", in(xmm_reg) v, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> __m256 {
        op!(_mm256_loadu_ps(from))
    }
    #[inline(always)]
    unsafe fn load_head_at(self, from: *const f32, len: usize) -> __m256 {
        op!(_mm256_maskload_ps(from, head(len)))
    }
    #[inline(always)]
    unsafe fn store_at(self, into: *mut f32, v: __m256) {
        op!(_mm256_storeu_ps(into, v))
    }
    #[inline(always)]
    unsafe fn store_head_at(self, into: *mut f32, len: usize, v: __m256) {
        op!(_mm256_maskstore_ps(into, head(len), v))
    }
    #[inline(always)]
    unsafe fn load_half_at(self, from: *const Half) -> __m256 {
        let halves = op!(_mm_loadu_si128(from.cast()));
        op!(_mm256_cvtph_ps(halves))
    }
    #[inline(always)]
    unsafe fn store_half_at(self, into: *mut Half, v: __m256) {
        let v = op!(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v));
        op!(_mm_storeu_si128(into.cast(), v))
    }
    #[inline(always)]
    unsafe fn load_brain_at(self, from: *const Brain) -> __m256 {
        let brains = op!(_mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast())));
        op!(_mm256_castsi256_ps(_mm256_slli_epi32::<16>(brains)))
    }
    #[inline(always)]
    unsafe fn store_brain_at(self, into: *mut Brain, v: __m256) {
        let brains = shortened(v);
        op!(_mm_storeu_si128(into.cast(), brains))
    }
}

/// The nearest brain floats, ties to even; in the words of [`Brain::of`].
#[inline(always)]
fn shortened(v: __m256) -> __m128i {
    let int = |x: u32| op!(_mm256_set1_epi32(x.cast_signed()));
    let either = |mask, a, b| op!(_mm256_blendv_epi8(b, a, mask));
    let bits = op!(_mm256_castps_si256(v));
    let magnitude = op!(_mm256_and_si256(bits, int(0x7fff_ffff)));
    let odd = op!(_mm256_and_si256(_mm256_srli_epi32::<16>(bits), int(1)));
    let up = op!(_mm256_add_epi32(_mm256_add_epi32(bits, int(0x7fff)), odd));
    let zero = op!(_mm256_and_si256(bits, int(0x8000_0000)));
    let up = either(op!(_mm256_cmpgt_epi32(int(0x0080_0000), magnitude)), zero, up);
    let nan = op!(_mm256_or_si256(bits, int(0x0040_0000)));
    let up = either(op!(_mm256_cmpgt_epi32(magnitude, int(0x7f80_0000))), nan, up);
    // Packing saturates 32 bits with a sign, beyond which none of these are.
    let up = op!(_mm256_srai_epi32::<16>(up));
    op!(_mm_packs_epi32(_mm256_castsi256_si128(up), _mm256_extracti128_si256::<1>(up)))
}

/// Lanes below `len`, as the sign bits that masked loads and stores look at.
#[inline(always)]
fn head(len: usize) -> __m256i {
    op!(_mm256_cmpgt_epi32(
        _mm256_set1_epi32(len as i32),
        _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)
    ))
}
