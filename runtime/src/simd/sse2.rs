//! 128-bit vectors, which every x86-64 has; `mul_add` rounds twice, as plain floats do.

use super::Simd;
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
}
