//! 128-bit vectors of aarch64.

use super::vector::Simd;
use crate::brain::Brain;
use crate::half::Half;
use core::arch::aarch64::*;

macro_rules! op {
    ($name:ident $(::<$lane:tt>)? ($($arg:expr),*)) => {
        // SAFETY: a token proves the features; of addresses the trait's callers promise the rest.
        unsafe { $name $(::<$lane>)? ($($arg),*) }
    };
}

/// Proof of NEON.
pub type Neon = Q<false>;
/// NEON with products of bytes.
pub type NeonDot = Q<true>;

/// 128-bit vectors, with or without products of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Q<const DOT: bool>(());

impl Neon {
    /// The token, in a build that has the feature everywhere.
    #[cfg(target_feature = "neon")]
    #[inline(always)]
    pub const fn new() -> Self {
        Q(())
    }
}

impl<const DOT: bool> Q<DOT> {
    /// The token, at the top of a `#[target_feature(enable = "neon")]` function, and `dotprod` if it says so.
    ///
    /// # Safety
    /// The machine has these features.
    #[inline(always)]
    pub const unsafe fn assume() -> Self {
        Q(())
    }
}

// SAFETY: four floats.
unsafe impl<const DOT: bool> Simd for Q<DOT> {
    const LANES: usize = 4;
    const BY_LANE: bool = true;
    type F32 = float32x4_t;

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        op!(vdupq_n_f32(x))
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vaddq_f32(a, b))
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vsubq_f32(a, b))
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vmulq_f32(a, b))
    }
    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vdivq_f32(a, b))
    }
    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vminq_f32(a, b))
    }
    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vmaxq_f32(a, b))
    }
    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        op!(vfmaq_f32(c, a, b))
    }
    #[inline(always)]
    fn mul_add_lane<const I: i32>(
        self,
        x: float32x4_t,
        w: float32x4_t,
        c: float32x4_t,
    ) -> float32x4_t {
        op!(vfmaq_laneq_f32::<I>(c, w, x))
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> float32x4_t {
        op!(vld1q_f32(from))
    }
    #[inline(always)]
    unsafe fn load_head_at(self, from: *const f32, len: usize) -> float32x4_t {
        let mut lanes = [0.0; 4];
        for (i, lane) in lanes.iter_mut().enumerate().take(len) {
            // SAFETY: one of the caller's `len` floats.
            *lane = unsafe { from.add(i).read() };
        }
        op!(vld1q_f32(lanes.as_ptr()))
    }
    #[inline(always)]
    unsafe fn store_at(self, into: *mut f32, v: float32x4_t) {
        op!(vst1q_f32(into, v))
    }
    #[inline(always)]
    unsafe fn store_head_at(self, into: *mut f32, len: usize, v: float32x4_t) {
        let mut lanes = [0.0; 4];
        op!(vst1q_f32(lanes.as_mut_ptr(), v));
        for (i, lane) in lanes.iter().enumerate().take(len) {
            // SAFETY: one of the caller's `len` floats.
            unsafe { into.add(i).write(*lane) }
        }
    }
    #[inline(always)]
    unsafe fn load_half_at(self, from: *const Half) -> float32x4_t {
        let halves = op!(vld1_u16(from.cast()));
        let wide: float32x4_t;
        // SAFETY: a token proves the feature. The instruction has a function in newer releases of Rust only.
        unsafe {
            core::arch::asm!(
                "fcvtl {0:v}.4s, {1:v}.4h", out(vreg) wide, in(vreg) halves,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        wide
    }
    #[inline(always)]
    unsafe fn store_half_at(self, into: *mut Half, v: float32x4_t) {
        let halves: uint16x4_t;
        // SAFETY: as for `load_half_at`; the rounding mode of Rust programs is to nearest, ties to even.
        unsafe {
            core::arch::asm!(
                "fcvtn {0:v}.4h, {1:v}.4s", out(vreg) halves, in(vreg) v,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        op!(vst1_u16(into.cast(), halves))
    }
    #[inline(always)]
    unsafe fn load_brain_at(self, from: *const Brain) -> float32x4_t {
        let brains = op!(vld1_u16(from.cast()));
        op!(vreinterpretq_f32_u32(vshll_n_u16::<16>(brains)))
    }
    #[inline(always)]
    unsafe fn store_brain_at(self, into: *mut Brain, v: float32x4_t) {
        let brains = shortened(v);
        op!(vst1_u16(into.cast(), brains))
    }
}

/// The nearest brain floats, ties to even; in the words of [`Brain::of`].
#[inline(always)]
fn shortened(v: float32x4_t) -> uint16x4_t {
    let int = |x: u32| op!(vdupq_n_u32(x));
    let bits = op!(vreinterpretq_u32_f32(v));
    let magnitude = op!(vandq_u32(bits, int(0x7fff_ffff)));
    let odd = op!(vandq_u32(vshrq_n_u32::<16>(bits), int(1)));
    let up = op!(vaddq_u32(vaddq_u32(bits, int(0x7fff)), odd));
    let zero = op!(vandq_u32(bits, int(0x8000_0000)));
    let up = op!(vbslq_u32(vcltq_u32(magnitude, int(0x0080_0000)), zero, up));
    let nan = op!(vorrq_u32(bits, int(0x0040_0000)));
    let up = op!(vbslq_u32(vcgtq_u32(magnitude, int(0x7f80_0000)), nan, up));
    op!(vshrn_n_u32::<16>(up))
}
