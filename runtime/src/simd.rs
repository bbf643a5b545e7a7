//! Vectors of floats: one vocabulary for every instruction set.
//!
//! A token (`Scalar`, `Avx2`, `Avx512`, `Neon`) proves that this machine has the instructions. Tokens are minted by
//! `new()`, which exists where the whole build has the feature, and by `unsafe fn assume()`, at the top of a
//! `#[target_feature]` function. Every method is inlined into that function, and only there becomes one instruction.
//! Kernels here hold all raw addresses of the crate; `kernel/` sees slices.

/// Repeats a block with a counter for each literal below `$n`, a constant: straight-line code at every opt-level.
#[cfg(not(debug_assertions))]
macro_rules! unroll {
    ($i:ident in $n:expr, $body:block) => {
        unroll!(@ $i $n, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13)
    };
    (@ $i:ident $n:expr, $body:block, $($at:literal)*) => {
        $(if const { $at < $n } {
            let $i: usize = $at;
            $body
        })*
    };
}

/// Repeats a block with a counter below `$n`, a constant. Unoptimised, each vector named in straight-line code takes
/// stack of its own; here the repetitions share it.
#[cfg(debug_assertions)]
macro_rules! unroll {
    ($i:ident in $n:expr, $body:block) => {
        let mut next = 0;
        while next < $n {
            let $i: usize = next;
            $body
            next += 1;
        }
    };
}

mod added;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod cpu;
pub mod dots;
pub mod gemm;
#[cfg(feature = "std")]
pub(crate) mod lent;
mod near;
#[cfg(target_arch = "aarch64")]
mod neon;
mod number;
mod plain;
pub mod qgemm;
pub mod qstencil;
pub(crate) mod requant;
#[cfg(target_arch = "x86_64")]
mod sse2;
pub mod stencil;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm128;
mod weight;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod wide;
pub mod window;

#[cfg(target_arch = "x86_64")]
pub use self::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use self::avx512::{Avx512, Avx512Bf16, Avx512Vnni};
#[cfg(target_arch = "aarch64")]
pub use self::neon::{Neon, NeonDot};
pub use self::number::Number;
pub use self::plain::Plain;
#[cfg(target_arch = "x86_64")]
pub use self::sse2::Sse2;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use self::wasm128::Wasm128;
pub use self::weight::{Pairs, Weight};

/// What every machine of an architecture has: always four lanes, and a `mul_add` that rounds twice.
#[cfg(target_arch = "x86_64")]
pub type Scalar = Sse2;
/// What every machine of an architecture has: always four lanes, and a `mul_add` that rounds twice.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub type Scalar = Wasm128;
/// What every machine of an architecture has: always four lanes, and a `mul_add` that rounds twice.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
pub type Scalar = Plain;

use crate::brain::Brain;
use crate::clamp::Clamp;
use crate::half::Half;
use crate::ring::Ring;

/// A token of one instruction set, and what its vectors do.
///
/// # Safety
/// `F32` holds `LANES` floats, at most 16, and nothing else: all bits zero is a valid value of it. Where `BY_LANE`, they
/// are four. Methods read and write what they are promised and nothing else.
pub unsafe trait Simd: Copy {
    /// Floats in a vector.
    const LANES: usize;
    /// Whether `mul_add_lane` is one instruction: then inputs are loaded by the vector, not splat one by one.
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
        // SAFETY: the caller's promise, word for word; so below.
        unsafe { number::load_each(self, from) }
    }
    /// Reads and widens the first `len` halves, zero in the lanes after.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    unsafe fn load_half_head_at(self, from: *const Half, len: usize) -> Self::F32 {
        // SAFETY: as above.
        unsafe { number::load_head_of(self, from, len) }
    }
    /// Rounds every lane as [`Half::of`] does and writes them at `into`.
    ///
    /// # Safety
    /// They lie inside one allocation.
    #[inline(always)]
    unsafe fn store_half_at(self, into: *mut Half, v: Self::F32) {
        // SAFETY: as above.
        unsafe { number::store_each(self, into, v) }
    }
    /// Rounds and writes the first `len` lanes and nothing after them.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    unsafe fn store_half_head_at(self, into: *mut Half, len: usize, v: Self::F32) {
        // SAFETY: as above.
        unsafe { number::store_head_of(self, into, len, v) }
    }

    /// Reads `LANES` brain floats at `from` and widens them.
    ///
    /// # Safety
    /// They lie inside one allocation.
    #[inline(always)]
    unsafe fn load_brain_at(self, from: *const Brain) -> Self::F32 {
        // SAFETY: the caller's promise, word for word; so below.
        unsafe { number::load_each(self, from) }
    }
    /// Reads and widens the first `len` brain floats, zero in the lanes after.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    unsafe fn load_brain_head_at(self, from: *const Brain, len: usize) -> Self::F32 {
        // SAFETY: as above.
        unsafe { number::load_head_of(self, from, len) }
    }
    /// Rounds every lane as [`Brain::of`] does and writes them at `into`.
    ///
    /// # Safety
    /// They lie inside one allocation.
    #[inline(always)]
    unsafe fn store_brain_at(self, into: *mut Brain, v: Self::F32) {
        // SAFETY: as above.
        unsafe { number::store_each(self, into, v) }
    }
    /// Rounds and writes the first `len` lanes and nothing after them.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len < LANES`.
    #[inline(always)]
    unsafe fn store_brain_head_at(self, into: *mut Brain, len: usize, v: Self::F32) {
        // SAFETY: as above.
        unsafe { number::store_head_of(self, into, len, v) }
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

/// What a kernel does on one call: see [`Simd::apart`].
pub trait Task<S> {
    /// Does it; to be inlined always, into a function that has the instructions.
    fn run(self, simd: S);
}

/// `NV` vectors, one after the other in memory.
///
/// # Safety
/// They lie inside one allocation.
#[inline(always)]
unsafe fn vectors<S: Simd, E: Number, const NV: usize>(simd: S, from: *const E) -> [S::F32; NV] {
    // SAFETY: the caller's `NV` vectors.
    unsafe {
        let mut all = zeros::<[S::F32; NV]>();
        unroll!(j in NV, { all[j] = E::load_at(simd, from.add(j * S::LANES)); });
        all
    }
}

/// A register array to be filled: unlike `[v; N]` it is no loop, so no optimiser keeps it in memory.
///
/// # Safety
/// `T` is made of `Simd::F32` alone.
#[inline(always)]
unsafe fn zeros<T: Copy>() -> T {
    // SAFETY: all bits zero is a valid value of `Simd::F32`.
    unsafe { core::mem::zeroed() }
}

/// Vectors as the numbers in them.
#[inline(always)]
fn numbers<S: Simd>(vectors: &mut [S::F32]) -> &mut [f32] {
    let len = vectors.len() * S::LANES;
    // SAFETY: a vector is its lanes, one after the other.
    unsafe { core::slice::from_raw_parts_mut(vectors.as_mut_ptr().cast(), len) }
}

/// Splats of a clamp's bounds, for one tile.
#[derive(Clone, Copy)]
struct Bounds<S: Simd> {
    lo: S::F32,
    hi: S::F32,
}

impl<S: Simd> Bounds<S> {
    #[inline(always)]
    fn of(simd: S, clamp: Clamp) -> Self {
        Bounds { lo: simd.splat(here(clamp.lo)), hi: simd.splat(here(clamp.hi)) }
    }

    /// `v` between the bounds, or NaN; nothing is done about an infinite one.
    #[inline(always)]
    fn keep(&self, simd: S, clamp: Clamp, v: S::F32) -> S::F32 {
        let v = if clamp.lo == f32::NEG_INFINITY { v } else { simd.max(self.lo, v) };
        if clamp.hi == f32::INFINITY { v } else { simd.min(self.hi, v) }
    }
}

/// `x`, if a constant in memory, in such a way that it is not kept in a register through the loops of other tiles:
/// where kernels follow each other in one function, two such registers are two sums spilled in the innermost loop.
#[inline(always)]
fn here(x: f32) -> f32 {
    if x == 0.0 || x.is_infinite() {
        return x;
    }
    // SAFETY: a float on the stack.
    unsafe { (&raw const x).read_volatile() }
}

/// One past the last element of any slot of a ring whose rows reach `in_row` beyond image column 0.
#[inline(always)]
const fn reach(ring: &Ring, in_row: usize) -> usize {
    if ring.kept == 0 {
        return usize::MAX;
    }
    let slots = (ring.kept - 1).saturating_mul(ring.row);
    ring.base.saturating_add(slots).saturating_add(in_row)
}
