//! Numbers in memory, of any type, computed as floats: f32, and 16-bit numbers that are widened on the way.

use super::vector::Simd;
use crate::blob::Element;
use crate::brain::Brain;
use crate::half::Half;

/// A number that is stored as itself and computed with as `f32`.
pub trait Number: Element + Default {
    /// Zero.
    const ZERO: Self;
    /// True if numbers are f32 and are not converted.
    const IS_F32: bool;

    /// As it is computed with.
    fn real(self) -> f32;
    /// The nearest to `x`.
    fn of(x: f32) -> Self;

    /// Reads `LANES` numbers at `from`.
    ///
    /// # Safety
    /// They lie inside one allocation.
    unsafe fn load_at<S: Simd>(simd: S, from: *const Self) -> S::F32;
    /// Reads the first `len` numbers, zero in the lanes after.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    unsafe fn load_head_at<S: Simd>(simd: S, from: *const Self, len: usize) -> S::F32;
    /// Writes `LANES` numbers at `into`.
    ///
    /// # Safety
    /// They lie inside one allocation.
    unsafe fn store_at<S: Simd>(simd: S, into: *mut Self, v: S::F32);
    /// Writes the first `len` lanes and nothing after them.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    unsafe fn store_head_at<S: Simd>(simd: S, into: *mut Self, len: usize, v: S::F32);

    /// As many numbers as `from` has, up to `LANES`; zero in the lanes after.
    #[inline(always)]
    fn load_head<S: Simd>(simd: S, from: &[Self]) -> S::F32 {
        if from.len() >= S::LANES {
            // SAFETY: the slice is that long.
            return unsafe { Self::load_at(simd, from.as_ptr()) };
        }
        // SAFETY: the slice has `len` numbers, fewer than `LANES`.
        unsafe { Self::load_head_at(simd, from.as_ptr(), from.len()) }
    }

    /// As many lanes as `into` has numbers, up to `LANES`.
    #[inline(always)]
    fn store_head<S: Simd>(simd: S, into: &mut [Self], v: S::F32) {
        if into.len() >= S::LANES {
            // SAFETY: the slice is that long.
            return unsafe { Self::store_at(simd, into.as_mut_ptr(), v) };
        }
        // SAFETY: the slice has `len` numbers, fewer than `LANES`.
        unsafe { Self::store_head_at(simd, into.as_mut_ptr(), into.len(), v) }
    }
}

/// The vector methods of a number, each by the name that [`Simd`] has for it.
macro_rules! by_vectors {
    ($load:ident $load_head:ident $store:ident $store_head:ident) => {
        #[inline(always)]
        unsafe fn load_at<S: Simd>(simd: S, from: *const Self) -> S::F32 {
            // SAFETY: the caller's promise, word for word; so below.
            unsafe { simd.$load(from) }
        }
        #[inline(always)]
        unsafe fn load_head_at<S: Simd>(simd: S, from: *const Self, len: usize) -> S::F32 {
            // SAFETY: as above.
            unsafe { simd.$load_head(from, len) }
        }
        #[inline(always)]
        unsafe fn store_at<S: Simd>(simd: S, into: *mut Self, v: S::F32) {
            // SAFETY: as above.
            unsafe { simd.$store(into, v) }
        }
        #[inline(always)]
        unsafe fn store_head_at<S: Simd>(simd: S, into: *mut Self, len: usize, v: S::F32) {
            // SAFETY: as above.
            unsafe { simd.$store_head(into, len, v) }
        }
    };
}

impl Number for f32 {
    const ZERO: Self = 0.0;
    const IS_F32: bool = true;

    #[inline(always)]
    fn real(self) -> f32 {
        self
    }
    #[inline(always)]
    fn of(x: f32) -> Self {
        x
    }
    by_vectors!(load_at load_head_at store_at store_head_at);
}

/// Implements a number of 16 bits, by the names of its vector methods.
macro_rules! half_as_wide {
    ($number:ident: $($method:ident)*) => {
        impl Number for $number {
            const ZERO: Self = $number::ZERO;
            const IS_F32: bool = false;

            #[inline(always)]
            fn real(self) -> f32 {
                $number::real(self)
            }
            #[inline(always)]
            fn of(x: f32) -> Self {
                $number::of(x)
            }
            by_vectors!($($method)*);
        }
    };
}

half_as_wide!(Half: load_half_at load_half_head_at store_half_at store_half_head_at);
half_as_wide!(Brain: load_brain_at load_brain_head_at store_brain_at store_brain_head_at);
