//! 128-bit vectors of WebAssembly; `mul_add` rounds twice, as plain floats do.

use super::vector::Simd;
use core::arch::wasm32::*;

macro_rules! op {
    ($name:ident($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name($($arg),*) }
    };
}

/// Proof of simd128.
#[derive(Clone, Copy, Debug)]
pub struct Wasm128(());

impl Wasm128 {
    /// The token, in a build that has the feature everywhere.
    #[cfg(target_feature = "simd128")]
    #[expect(
        clippy::new_without_default,
        reason = "tokens are minted by name, alike on every instruction set"
    )]
    #[inline(always)]
    pub const fn new() -> Self {
        Wasm128(())
    }

    /// The token, at the top of a `#[target_feature(enable = "simd128")]` function.
    ///
    /// # Safety
    /// The machine has simd128.
    #[inline(always)]
    pub const unsafe fn assume() -> Self {
        Wasm128(())
    }
}

// SAFETY: four floats.
unsafe impl Simd for Wasm128 {
    const LANES: usize = 4;
    const BY_LANE: bool = false;
    type F32 = v128;

    #[inline(always)]
    fn splat(self, x: f32) -> v128 {
        f32x4_splat(x)
    }
    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        f32x4_add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: v128, b: v128) -> v128 {
        f32x4_sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }
    #[inline(always)]
    fn div(self, a: v128, b: v128) -> v128 {
        f32x4_div(a, b)
    }
    #[inline(always)]
    fn min(self, a: v128, b: v128) -> v128 {
        f32x4_pmin(b, a)
    }
    #[inline(always)]
    fn max(self, a: v128, b: v128) -> v128 {
        f32x4_pmax(b, a)
    }
    #[inline(always)]
    fn mul_add(self, a: v128, b: v128, c: v128) -> v128 {
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn mul_add_lane<const I: i32>(self, x: v128, w: v128, c: v128) -> v128 {
        // SAFETY: four floats either way.
        let lanes = unsafe { core::mem::transmute::<v128, [f32; 4]>(x) };
        self.mul_add(self.splat(lanes[I as usize]), w, c)
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> v128 {
        op!(v128_load(from.cast()))
    }
    #[inline(always)]
    unsafe fn load_head_at(self, from: *const f32, len: usize) -> v128 {
        let mut lanes = [0.0; 4];
        for (i, lane) in lanes.iter_mut().enumerate().take(len) {
            // SAFETY: one of the caller's `len` floats.
            *lane = unsafe { from.add(i).read() };
        }
        op!(v128_load(lanes.as_ptr().cast()))
    }
    #[inline(always)]
    unsafe fn store_at(self, into: *mut f32, v: v128) {
        op!(v128_store(into.cast(), v))
    }
    #[inline(always)]
    unsafe fn store_head_at(self, into: *mut f32, len: usize, v: v128) {
        let mut lanes = [0.0; 4];
        op!(v128_store(lanes.as_mut_ptr().cast(), v));
        for (i, lane) in lanes.iter().enumerate().take(len) {
            // SAFETY: one of the caller's `len` floats.
            unsafe { into.add(i).write(*lane) }
        }
    }
}
