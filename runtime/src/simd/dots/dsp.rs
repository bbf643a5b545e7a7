//! Integers, one at a time, and words of four bytes.

use crate::affine::Levels;
use crate::simd::Dsp;
use crate::simd::dots::{Dots, End, Planes, Product, Quads};
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
use crate::simd::dsp;

/// Added to a float that is within 2^22 of zero and taken off again, it leaves an integer: halves go to even.
const MAGIC: f32 = 12_582_912.0;

// SAFETY: one integer; its weights are four bytes.
unsafe impl Dots for Dsp {
    const QUADS: Quads = Quads::Bytes;
    type I32 = i32;
    type Quad = [u8; 4];
    type Column = [u8; 4];
    type Taps = [i8; 4];

    #[inline(always)]
    fn quad(self, x: u32) -> [u8; 4] {
        x.to_le_bytes()
    }
    #[inline(always)]
    fn dot(self, x: [u8; 4], w: [i8; 4], sum: i32) -> i32 {
        let product = |at: usize| i32::from(x[at]) * i32::from(w[at]);
        sum.wrapping_add(product(0) + product(1) + product(2) + product(3))
    }
    #[inline(always)]
    fn dot_column(self, x: [u8; 4], w: [i8; 4], sum: i32) -> i32 {
        self.dot(x, w, sum)
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> i32 {
        x
    }
    #[inline(always)]
    fn add_i32(self, a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn to_f32(self, x: i32) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn to_i32(self, x: f32) -> i32 {
        ((x + MAGIC) - MAGIC) as i32
    }

    #[inline(always)]
    unsafe fn product(self, product: &Product, end: &End) -> bool {
        #[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
        {
            let Product { tile: [mr, nv], window, .. } = *product;
            let few = window.rows * window.taps <= dsp::product::RUNS;
            // Inputs that are too few for a word are left to plain loops.
            if mr <= 3 && nv == 2 && window.depth >= 4 && window.tail == 0 && few {
                let of_points = dsp::tiles::of_points(mr, window.pixel_step);
                // SAFETY: the caller's promise.
                unsafe {
                    if !dsp::product::points(product, end, of_points) {
                        dsp::product::product(product, end, of_points);
                    }
                }
                return true;
            }
        }
        let _ = (product, end);
        false
    }

    #[inline(always)]
    unsafe fn stencil(self, planes: &Planes, levels: Levels, y: *mut u8) -> bool {
        #[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
        if levels.is_float() {
            // SAFETY: the caller's promise.
            unsafe { dsp::stencil::stencil(planes, levels, y) };
            return true;
        }
        let _ = (planes, levels, y);
        false
    }

    #[inline(always)]
    unsafe fn taps_at(self, from: *const u8) -> [i8; 4] {
        // SAFETY: the caller's four bytes.
        unsafe { from.cast::<[i8; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn column_at<const N: usize>(self, rows: [*const u8; 4]) -> [u8; 4] {
        // SAFETY: the caller's byte of each of `N` rows.
        let row = |at: usize| if at < N { unsafe { rows[at].read() } } else { 0 };
        [row(0), row(1), row(2), row(3)]
    }
    #[inline(always)]
    unsafe fn i32s_at(self, from: *const u8) -> i32 {
        // SAFETY: the caller's integer.
        unsafe { from.cast::<i32>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn bytes_at(self, from: *const u8) -> i32 {
        // SAFETY: the caller's byte.
        unsafe { from.read() }.into()
    }
    #[inline(always)]
    unsafe fn store_bytes_at(self, into: *mut u8, v: i32) {
        // SAFETY: the caller's byte.
        unsafe { into.write(v as u8) }
    }
    #[inline(always)]
    unsafe fn f32s_at(self, from: *const u8) -> f32 {
        // SAFETY: the caller's float.
        unsafe { from.cast::<f32>().read_unaligned() }
    }
}
