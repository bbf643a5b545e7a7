//! 128-bit vectors, which every x86-64 has; `mul_add` rounds twice, as plain floats do.

use super::vector::Simd;
use crate::brain::Brain;
use crate::half::Half;
use core::arch::x86_64::*;

macro_rules! op {
    ($name:ident($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name($($arg),*) }
    };
}

/// Proof of SSE2.
#[derive(Clone, Copy, Debug)]
pub struct Sse2(());

impl Sse2 {
    /// The token; every x86-64 has the feature.
    #[expect(
        clippy::new_without_default,
        reason = "tokens are minted by name, alike on every instruction set"
    )]
    #[inline(always)]
    pub const fn new() -> Self {
        Sse2(())
    }

    /// The token, alike on every instruction set.
    ///
    /// # Safety
    /// Always safe.
    #[inline(always)]
    pub const unsafe fn assume() -> Self {
        Sse2(())
    }
}

// SAFETY: four floats.
unsafe impl Simd for Sse2 {
    const LANES: usize = 4;
    const BY_LANE: bool = false;
    type F32 = __m128;

    #[inline(always)]
    fn splat(self, x: f32) -> __m128 {
        op!(_mm_set1_ps(x))
    }
    #[inline(always)]
    fn add(self, a: __m128, b: __m128) -> __m128 {
        op!(_mm_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m128, b: __m128) -> __m128 {
        op!(_mm_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m128, b: __m128) -> __m128 {
        op!(_mm_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m128, b: __m128) -> __m128 {
        op!(_mm_div_ps(a, b))
    }
    #[inline(always)]
    fn min(self, a: __m128, b: __m128) -> __m128 {
        op!(_mm_min_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m128, b: __m128) -> __m128 {
        op!(_mm_max_ps(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: __m128, b: __m128, c: __m128) -> __m128 {
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn mul_add_lane<const I: i32>(self, x: __m128, w: __m128, c: __m128) -> __m128 {
        // SAFETY: four floats either way.
        let lanes = unsafe { core::mem::transmute::<__m128, [f32; 4]>(x) };
        self.mul_add(self.splat(lanes[I as usize]), w, c)
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> __m128 {
        op!(_mm_loadu_ps(from))
    }
    #[inline(always)]
    unsafe fn load_head_at(self, from: *const f32, len: usize) -> __m128 {
        let mut lanes = [0.0; 4];
        for (i, lane) in lanes.iter_mut().enumerate().take(len) {
            // SAFETY: one of the caller's `len` floats.
            *lane = unsafe { from.add(i).read() };
        }
        op!(_mm_loadu_ps(lanes.as_ptr()))
    }
    #[inline(always)]
    unsafe fn store_at(self, into: *mut f32, v: __m128) {
        op!(_mm_storeu_ps(into, v))
    }
    #[inline(always)]
    unsafe fn store_head_at(self, into: *mut f32, len: usize, v: __m128) {
        let mut lanes = [0.0; 4];
        op!(_mm_storeu_ps(lanes.as_mut_ptr(), v));
        for (i, lane) in lanes.iter().enumerate().take(len) {
            // SAFETY: one of the caller's `len` floats.
            unsafe { into.add(i).write(*lane) }
        }
    }
    #[inline(always)]
    unsafe fn load_half_at(self, from: *const Half) -> __m128 {
        wide(op!(_mm_loadl_epi64(from.cast())))
    }
    #[inline(always)]
    unsafe fn store_half_at(self, into: *mut Half, v: __m128) {
        let halves = rounded(v);
        op!(_mm_storel_epi64(into.cast(), halves))
    }
    #[inline(always)]
    unsafe fn load_brain_at(self, from: *const Brain) -> __m128 {
        let brains = op!(_mm_loadl_epi64(from.cast()));
        op!(_mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), brains)))
    }
    #[inline(always)]
    unsafe fn store_brain_at(self, into: *mut Brain, v: __m128) {
        let brains = shortened(v);
        op!(_mm_storel_epi64(into.cast(), brains))
    }
}

/// The nearest brain floats, ties to even, in the lower four of eight places; in the words of [`Brain::of`].
#[inline(always)]
fn shortened(v: __m128) -> __m128i {
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        let int = |x: u32| _mm_set1_epi32(x.cast_signed());
        let either = |mask: __m128i, a: __m128i, b: __m128i| {
            _mm_or_si128(_mm_and_si128(mask, a), _mm_andnot_si128(mask, b))
        };
        let bits = _mm_castps_si128(v);
        let magnitude = _mm_and_si128(bits, int(0x7fff_ffff));
        let odd = _mm_and_si128(_mm_srli_epi32::<16>(bits), int(1));
        let up = _mm_add_epi32(_mm_add_epi32(bits, int(0x7fff)), odd);
        let zero = _mm_and_si128(bits, int(0x8000_0000));
        let up = either(_mm_cmplt_epi32(magnitude, int(0x0080_0000)), zero, up);
        let nan = _mm_or_si128(bits, int(0x0040_0000));
        let up = either(_mm_cmpgt_epi32(magnitude, int(0x7f80_0000)), nan, up);
        // Packing saturates 32 bits with a sign, beyond which none of these are.
        let up = _mm_srai_epi32::<16>(up);
        _mm_packs_epi32(up, up)
    }
}

/// The first four halves as floats: sign, exponent and digits where a float has them, then 112 powers of two more.
#[inline(always)]
fn wide(halves: __m128i) -> __m128 {
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        let int = |x: i32| _mm_set1_epi32(x);
        let bits = _mm_srai_epi32::<3>(_mm_unpacklo_epi16(int(0), halves));
        let bits = _mm_and_si128(bits, int(!0x7000_0000));
        // Exponents of infinity and NaN are the greatest of a float too.
        let magnitude = _mm_and_si128(bits, int(0x7fff_ffff));
        let is_endless = _mm_cmpgt_epi32(magnitude, int((31 << 23) - 1));
        let bits = _mm_or_si128(bits, _mm_and_si128(is_endless, int(0x7f80_0000)));
        _mm_mul_ps(_mm_castsi128_ps(bits), _mm_castsi128_ps(int((127 + 112) << 23)))
    }
}

/// The nearest halves, ties to even, in the lower four of eight places; in the words of [`Half::of`].
#[inline(always)]
fn rounded(v: __m128) -> __m128i {
    // SAFETY: every x86-64 has SSE2.
    unsafe {
        let int = |x: i32| _mm_set1_epi32(x);
        let either = |mask: __m128i, a: __m128i, b: __m128i| {
            _mm_or_si128(_mm_and_si128(mask, a), _mm_andnot_si128(mask, b))
        };
        let all = _mm_castps_si128(v);
        let bits = _mm_and_si128(all, int(0x7fff_ffff));
        let sign = _mm_xor_si128(all, bits);
        let digits = _mm_srli_epi32::<13>(bits);
        let odd = _mm_and_si128(digits, int(1));
        let up = _mm_add_epi32(bits, int(0xfff - (112 << 23)));
        let normal = _mm_srli_epi32::<13>(_mm_add_epi32(up, odd));
        let half = _mm_set1_ps(0.5);
        let sum = _mm_castps_si128(_mm_add_ps(_mm_castsi128_ps(bits), half));
        let subnormal = _mm_sub_epi32(sum, _mm_castps_si128(half));
        let finite = either(_mm_cmplt_epi32(bits, int(113 << 23)), subnormal, normal);
        let nan = _mm_or_si128(_mm_and_si128(digits, int(0x3ff)), int(0x7e00));
        let endless = either(_mm_cmpgt_epi32(bits, int(0x7f80_0000)), nan, int(0x7c00));
        let is_finite = _mm_cmplt_epi32(bits, int(143 << 23));
        let magnitude = either(is_finite, finite, endless);
        // Packing saturates 32 bits with a sign: what has one in 16 bits is given it in 32.
        let lanes = _mm_or_si128(_mm_slli_epi32::<16>(magnitude), sign);
        let lanes = _mm_srai_epi32::<16>(lanes);
        _mm_packs_epi32(lanes, lanes)
    }
}
