//! Plain floats, four at a time: every machine has them, and the optimiser may still find vectors in them.

use super::vector::Simd;

/// Plain floats.
#[derive(Clone, Copy, Debug)]
pub struct Plain(());

impl Plain {
    /// The token; every machine has floats.
    #[expect(
        clippy::new_without_default,
        reason = "tokens are minted by name, alike on every instruction set"
    )]
    #[inline(always)]
    pub const fn new() -> Self {
        Plain(())
    }

    /// The token, alike on every instruction set.
    ///
    /// # Safety
    /// Always safe.
    #[inline(always)]
    pub const unsafe fn assume() -> Self {
        Plain(())
    }
}

/// One expression over the four lanes.
macro_rules! lanes {
    ($i:ident => $lane:expr) => {
        [
            {
                let $i = 0;
                $lane
            },
            {
                let $i = 1;
                $lane
            },
            {
                let $i = 2;
                $lane
            },
            {
                let $i = 3;
                $lane
            },
        ]
    };
}

// SAFETY: four floats.
unsafe impl Simd for Plain {
    const LANES: usize = 4;
    const BY_LANE: bool = false;
    type F32 = [f32; 4];

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x, x, x, x]
    }
    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(i => a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(i => a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(i => a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(i => a[i] / b[i])
    }
    #[inline(always)]
    fn min(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(i => if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(i => if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        lanes!(i => a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn mul_add_lane<const I: i32>(self, x: [f32; 4], w: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        self.mul_add(self.splat(x[I as usize]), w, c)
    }

    #[inline(always)]
    unsafe fn load_at(self, from: *const f32) -> [f32; 4] {
        // SAFETY: the caller's four floats; float arrays need no more than a float's alignment.
        unsafe { from.cast::<[f32; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn load_head_at(self, from: *const f32, len: usize) -> [f32; 4] {
        // SAFETY: only the first `len` lanes are read.
        lanes!(i => if i < len { unsafe { from.add(i).read() } } else { 0.0 })
    }
    #[inline(always)]
    unsafe fn store_at(self, into: *mut f32, v: [f32; 4]) {
        // SAFETY: the caller's four floats.
        unsafe { into.cast::<[f32; 4]>().write(v) }
    }
    #[inline(always)]
    unsafe fn store_head_at(self, into: *mut f32, len: usize, v: [f32; 4]) {
        for (i, lane) in v.iter().enumerate().take(len) {
            // SAFETY: one of the caller's `len` floats.
            unsafe { into.add(i).write(*lane) }
        }
    }
}
