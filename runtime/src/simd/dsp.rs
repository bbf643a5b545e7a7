//! Cores with the DSP extension of Armv7E-M and Armv8-M (Cortex-M4, M7, M33): one float at a time, and words of bytes.
//!
//! Products and windows of bytes are loops of its instructions, in the files beside; on other machines they are
//! plain loops to the same bytes.

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
mod kept;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub(crate) mod product;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub(crate) mod stencil;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub(crate) mod tiles;

use super::vector::Simd;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
use crate::affine::Levels;

/// Single floats.
#[derive(Clone, Copy, Debug)]
pub struct Dsp(());

impl Dsp {
    /// The token; on Arm for builds that only machines with the extension run.
    #[expect(
        clippy::new_without_default,
        reason = "tokens are minted by name, alike on every instruction set"
    )]
    #[inline(always)]
    pub const fn new() -> Self {
        Dsp(())
    }

    /// The token, alike on every instruction set.
    ///
    /// # Safety
    /// Always safe.
    #[inline(always)]
    pub const unsafe fn assume() -> Self {
        Dsp(())
    }
}

// SAFETY: one float.
unsafe impl Simd for Dsp {
    const LANES: usize = 1;
    const BY_LANE: bool = false;
    type F32 = f32;

    #[inline(always)]
    fn splat(self, x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }
    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }
    #[inline(always)]
    fn max(self, a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
    #[inline(always)]
    fn mul_add_lane<const I: i32>(self, x: f32, w: f32, c: f32) -> f32 {
        self.mul_add(x, w, c)
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> f32 {
        // SAFETY: the caller's float.
        unsafe { from.read() }
    }
    #[inline(always)]
    unsafe fn load_head_at(self, _: *const f32, _: usize) -> f32 {
        0.0 // no lane is asked for
    }
    #[inline(always)]
    unsafe fn store_at(self, into: *mut f32, v: f32) {
        // SAFETY: the caller's float.
        unsafe { into.write(v) }
    }
    #[inline(always)]
    unsafe fn store_head_at(self, _: *mut f32, _: usize, _: f32) {}
}

/// Bounds of steps, in the order in which loops load them.
#[repr(C)]
#[derive(Clone, Copy)]
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
struct Limits {
    zero: i32,
    /// 1 if some bytes are not used.
    are_some: i32,
    lo: i32,
    hi: i32,
}

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
impl Limits {
    #[inline(always)]
    fn of(levels: Levels) -> Self {
        let Levels { zero, lo, hi, .. } = levels;
        let [zero, lo, hi] = [zero, lo, hi].map(i32::from);
        Self { zero, are_some: i32::from((lo, hi) != (0, 255)), lo, hi }
    }

    /// True if some bytes are not used.
    #[inline(always)]
    fn are_some(&self) -> bool {
        self.are_some != 0
    }

    /// Where they lie, or null where steps are bytes.
    #[inline(always)]
    fn unless_none(&self) -> *const Self {
        if self.zero == 0 && !self.are_some() { core::ptr::null() } else { self }
    }
}

#[cfg(feature = "sources")]
crate::listed::listed! {
    "simd/dsp/", "dsp/":
    "kept" "product" "stencil" "tiles"
}
