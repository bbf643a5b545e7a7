//! The vocabulary: a token of one instruction set, what its vectors do, and what is done with them on one call.

use super::lanes::{self, MOST_LANES};
use crate::brain::Brain;
use crate::half::Half;

/// A token of one instruction set, and what its vectors do.
///
/// # Safety
/// `F32` holds `LANES` floats, at most 16, and nothing else: all bits zero is a valid value of it. Where `BY_LANE`, they
/// are four. Methods read and write what they are promised and nothing else.
pub unsafe trait Simd: Copy {
    /// Floats in a vector.
    const LANES: usize;
    /// True if `mul_add_lane` is one instruction: then inputs are loaded by the vector, not splat one by one.
    const BY_LANE: bool;
    /// A vector.
    type F32: Copy;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::F32;
    /// `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a / b`.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The smaller one, lane by lane; NaN where `b` is.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The larger one, lane by lane; NaN where `b` is.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b + c`, rounded once where the machine can, else twice.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// `x[I] * w + c`: lane `I`, below 4, of `x` times every lane of `w`.
    fn mul_add_lane<const I: i32>(self, x: Self::F32, w: Self::F32, c: Self::F32) -> Self::F32;

    /// Does `task`: in place, so that constants of the caller fold. In a debug build in a function of its own: there
    /// every vector has a place on the stack, and those of all kernels of one caller would add up.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn apart(self, task: impl Task<Self>) {
        task.run(self);
    }

    /// Runs a task in a function that has the instructions: where none around this one does, as on another thread.
    #[inline(always)]
    fn framed(self, task: impl Task<Self>) {
        task.run(self);
    }

    /// Nothing after this is loaded before `v` is known. No instruction: it only stops the optimiser from loading ahead
    /// where every register is taken.
    #[inline(always)]
    fn load_after(self, _v: Self::F32) {}

    /// Reads `LANES` floats at `from`.
    ///
    /// # Safety
    /// They lie inside one allocation.
    unsafe fn load_at(self, from: *const f32) -> Self::F32;
    /// Reads the first `len` floats, zero in the lanes after.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    unsafe fn load_head_at(self, from: *const f32, len: usize) -> Self::F32;
    /// Writes `LANES` floats at `into`.
    ///
    /// # Safety
    /// They lie inside one allocation.
    unsafe fn store_at(self, into: *mut f32, v: Self::F32);
    /// Writes the first `len` lanes and nothing after them.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    unsafe fn store_head_at(self, into: *mut f32, len: usize, v: Self::F32);

    /// Reads `LANES` halves at `from` and widens them.
    ///
    /// # Safety
    /// They lie inside one allocation.
    #[inline(always)]
    unsafe fn load_half_at(self, from: *const Half) -> Self::F32 {
        // SAFETY: the caller's promise, word for word, and arrays that are long enough; so below.
        unsafe { self.load_at(lanes::read(from, Self::LANES, 0.0, Half::real).as_ptr()) }
    }
    /// Reads and widens the first `len` halves, zero in the lanes after.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    unsafe fn load_half_head_at(self, from: *const Half, len: usize) -> Self::F32 {
        // SAFETY: as above.
        unsafe { self.load_half_at(lanes::read(from, len, Half::ZERO, |x| x).as_ptr()) }
    }
    /// Rounds every lane as [`Half::of`] does and writes them at `into`.
    ///
    /// # Safety
    /// They lie inside one allocation.
    #[inline(always)]
    unsafe fn store_half_at(self, into: *mut Half, v: Self::F32) {
        let mut lanes = [0.0; MOST_LANES];
        // SAFETY: as above.
        unsafe {
            self.store_at(lanes.as_mut_ptr(), v);
            lanes::write(into, Self::LANES, &lanes, Half::of);
        }
    }
    /// Rounds and writes the first `len` lanes and nothing after them.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    unsafe fn store_half_head_at(self, into: *mut Half, len: usize, v: Self::F32) {
        let mut lanes = [Half::ZERO; MOST_LANES];
        // SAFETY: as above.
        unsafe {
            self.store_half_at(lanes.as_mut_ptr(), v);
            lanes::write(into, len, &lanes, |x| x);
        }
    }

    /// Reads `LANES` bf16 at `from` and widens them.
    ///
    /// # Safety
    /// They lie inside one allocation.
    #[inline(always)]
    unsafe fn load_brain_at(self, from: *const Brain) -> Self::F32 {
        // SAFETY: the caller's promise, word for word, and arrays that are long enough; so below.
        unsafe { self.load_at(lanes::read(from, Self::LANES, 0.0, Brain::real).as_ptr()) }
    }
    /// Reads and widens the first `len` bf16, zero in the lanes after.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    unsafe fn load_brain_head_at(self, from: *const Brain, len: usize) -> Self::F32 {
        // SAFETY: as above.
        unsafe { self.load_brain_at(lanes::read(from, len, Brain::ZERO, |x| x).as_ptr()) }
    }
    /// Rounds every lane as [`Brain::of`] does and writes them at `into`.
    ///
    /// # Safety
    /// They lie inside one allocation.
    #[inline(always)]
    unsafe fn store_brain_at(self, into: *mut Brain, v: Self::F32) {
        let mut lanes = [0.0; MOST_LANES];
        // SAFETY: as above.
        unsafe {
            self.store_at(lanes.as_mut_ptr(), v);
            lanes::write(into, Self::LANES, &lanes, Brain::of);
        }
    }
    /// Rounds and writes the first `len` lanes and nothing after them.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    unsafe fn store_brain_head_at(self, into: *mut Brain, len: usize, v: Self::F32) {
        let mut lanes = [Brain::ZERO; MOST_LANES];
        // SAFETY: as above.
        unsafe {
            self.store_brain_at(lanes.as_mut_ptr(), v);
            lanes::write(into, len, &lanes, |x| x);
        }
    }

    /// The first `LANES` floats of `from`; panics on fewer.
    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::F32 {
        assert!(from.len() >= Self::LANES);
        // SAFETY: the slice is that long.
        unsafe { self.load_at(from.as_ptr()) }
    }

    /// As many floats as `from` has, up to `LANES`; zero in the lanes after.
    #[inline(always)]
    fn load_head(self, from: &[f32]) -> Self::F32 {
        if from.len() >= Self::LANES {
            return self.load(from);
        }
        // SAFETY: the slice has `len` floats, fewer than `LANES`.
        unsafe { self.load_head_at(from.as_ptr(), from.len()) }
    }

    /// All lanes to the first `LANES` floats of `into`; panics on fewer.
    #[inline(always)]
    fn store(self, into: &mut [f32], v: Self::F32) {
        assert!(into.len() >= Self::LANES);
        // SAFETY: the slice is that long.
        unsafe { self.store_at(into.as_mut_ptr(), v) }
    }

    /// As many lanes as `into` has floats, up to `LANES`.
    #[inline(always)]
    fn store_head(self, into: &mut [f32], v: Self::F32) {
        if into.len() >= Self::LANES {
            return self.store(into, v);
        }
        // SAFETY: the slice has `len` floats, fewer than `LANES`.
        unsafe { self.store_head_at(into.as_mut_ptr(), into.len(), v) }
    }
}

/// The work of a kernel on one call: see [`Simd::apart`].
pub trait Task<S> {
    /// Does it; to be inlined always, into a function that has the instructions.
    fn run(self, simd: S);
}
