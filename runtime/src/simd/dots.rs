//! Products of bytes in whole numbers: what integer networks need of a vector beside floats.
//!
//! Four inputs, unsigned bytes, meet four weights, signed ones, in each lane of 32 bits, and every sum is exact. How
//! the four weights of a lane lie is each instruction set's own [`Quads`]. What rounds is f32, one operation at a time,
//! so every machine makes the same bytes.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dsp;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_dot;
mod plain;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm128;

use super::window::Window;
use super::{Simd, whole};
use crate::affine::{Levels, Pair};
use crate::ring::Ring;

pub use super::whole::{Shares, Terms};

/// The layout of weights for four inputs, for a vector of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quads {
    /// Four bytes a lane, for instructions that multiply bytes.
    Bytes,
    /// Pairs of 16 bits: inputs 0 and 2 of every lane, then inputs 1 and 3.
    Pairs,
    /// 16 bits: input 0 of every lane, then input 1 and so on.
    Lanes,
}

impl Quads {
    /// Bytes of the weights of `lanes` channels for four inputs.
    #[inline(always)]
    pub const fn len(self, lanes: usize) -> usize {
        match self {
            Self::Bytes => 4 * lanes,
            Self::Pairs | Self::Lanes => 8 * lanes,
        }
    }

    /// Writes the weight of one lane for input `at` of four into the bytes of a vector of `lanes` channels.
    pub fn put(self, into: &mut [u8], lanes: usize, lane: usize, at: usize, weight: i8) {
        let wide = i16::from(weight).to_le_bytes();
        match self {
            Self::Bytes => into[4 * lane + at] = weight.cast_unsigned(),
            Self::Pairs => {
                let start = 4 * lanes * (at % 2) + 4 * lane + at / 2 * 2;
                into[start..start + 2].copy_from_slice(&wide);
            }
            Self::Lanes => {
                let start = 2 * (lanes * at + lane);
                into[start..start + 2].copy_from_slice(&wide);
            }
        }
    }
}

/// A part of a product of bytes, all of whose extents were checked.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Pixels and vectors of a tile.
    pub tile: [usize; 2],
    /// Inputs of one output pixel.
    pub window: Window,
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// Output channels.
    pub channels: usize,
    /// Bytes of a panel of weights.
    pub panel_len: usize,
    /// The first row, and the one after the last; so below.
    pub rows: [usize; 2],
    /// Pixels.
    pub pixels: [usize; 2],
    /// Panels.
    pub panels: [usize; 2],
    /// The first panel.
    pub w: *const u8,
    /// The input.
    pub x: *const u8,
}

/// A part of a depthwise convolution of three by three bytes over planes, all of whose extents were checked.
#[derive(Clone, Copy, Debug)]
pub struct Planes {
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// Input rows, and columns, from an output to the next: 1 or 2.
    pub stride: usize,
    /// Input rows above, columns left of the image where the first window begins.
    pub pad: [usize; 2],
    /// Bytes of a channel's weights.
    pub panel_len: usize,
    /// The first row, and the one after the last; so below.
    pub rows: [usize; 2],
    /// Pixels, at least two.
    pub pixels: [usize; 2],
    /// Channels.
    pub channels: [usize; 2],
    /// The weights of the first channel.
    pub w: *const u8,
    /// The input.
    pub x: *const u8,
}

/// The output of a product: bytes or reals, and where it lies.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// Bytes.
    Bytes {
        /// The output.
        y: *mut u8,
        /// The bytes of sums.
        levels: Levels,
        /// What is added to them, where it lies, and how.
        added: Option<(*const u8, Ring, Pair)>,
    },
    /// The reals that sums stand for.
    Reals {
        /// The output.
        y: *mut f32,
    },
}

/// Vectors of 32-bit integers, and sums of products of bytes in them.
///
/// # Safety
/// `I32` holds `LANES` integers and `Taps` weights and nothing else: all bits zero is a valid value of both. `QUAD_LEN` is
/// what `QUADS` says. Methods read and write what they are promised and nothing else.
pub unsafe trait Dots: Simd {
    /// The layout of weights.
    const QUADS: Quads;
    /// The number that products take off every input, for which biases make up.
    const LIFT: u8 = 0;
    /// Bytes of the weights of a vector for four inputs.
    const QUAD_LEN: usize = Self::QUADS.len(Self::LANES);
    /// True if storing bytes saturates at 255: all from 256 on, and the conversion of an overflow.
    const SATURATES: bool = false;
    /// True if it saturates at 0: all below, and the conversion of a negative overflow and NaN.
    const ENDS_AT_ZERO: bool = false;
    /// `LANES` integers.
    type I32: Copy;
    /// Four inputs, the same in every lane.
    type Quad: Copy;
    /// An input of each of four rows, lane by lane.
    type Column: Copy;
    /// Weights for four inputs.
    type Taps: Copy;

    /// The bytes of `x`, lowest first, as inputs of every lane.
    fn quad(self, x: u32) -> Self::Quad;
    /// `sum` and the four products of each lane.
    fn dot(self, x: Self::Quad, w: Self::Taps, sum: Self::I32) -> Self::I32;
    /// `sum` and the four products of each lane of a column.
    fn dot_column(self, x: Self::Column, w: Self::Taps, sum: Self::I32) -> Self::I32;
    /// `x` in every lane.
    fn splat_i32(self, x: i32) -> Self::I32;
    /// `a + b`.
    fn add_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The nearest float.
    fn to_f32(self, x: Self::I32) -> Self::F32;
    /// The nearest integer, halves to even, of a float that is within 2^22 of zero (where it is not, see `SATURATES`).
    fn to_i32(self, x: Self::F32) -> Self::I32;
    /// The larger one, lane by lane; `least` where `x` is NaN.
    #[inline(always)]
    fn at_least(self, x: Self::F32, least: Self::F32) -> Self::F32 {
        self.max(x, least)
    }

    /// The bytes of sums times fixed factors: see [`Levels::of_sum`].
    #[inline(always)]
    fn whole_of_sums(self, levels: Levels, mut sums: Self::I32, mut by: Self::I32) -> Self::I32 {
        whole::round_each(levels, Self::lanes(&mut sums), Self::lanes(&mut by));
        sums
    }
    /// The bytes of sums of two fixed terms: see [`Pair::add`](crate::affine::Pair::add).
    #[inline(always)]
    fn whole_sum(self, terms: Terms, sums: [Self::I32; 2]) -> Self::I32 {
        let [mut x, mut y] = sums;
        whole::add_each(terms, Self::lanes(&mut x), Self::lanes(&mut y));
        x
    }

    /// The bytes of products of two fixed terms: see [`Pair::mul`](crate::affine::Pair::mul).
    #[inline(always)]
    fn whole_product(self, terms: Terms, factors: [Self::I32; 2]) -> Self::I32 {
        let [mut x, mut y] = factors;
        whole::mul_each(terms, Self::lanes(&mut x), Self::lanes(&mut y));
        x
    }

    /// The bytes of sums times mantissas and exponents: see [`Levels::of_sum`].
    #[inline(always)]
    fn twice_of_sums(self, levels: Levels, mut sums: Self::I32, by: [Self::I32; 2]) -> Self::I32 {
        let [mut mantissas, mut exponents] = by;
        let by = [&*Self::lanes(&mut mantissas), &*Self::lanes(&mut exponents)];
        whole::round_each_twice(levels, Self::lanes(&mut sums), by);
        sums
    }

    /// The bytes of sums times mantissas and exponents, rounded once: see [`Levels::of_sum`].
    #[inline(always)]
    fn once_of_sums(self, levels: Levels, mut sums: Self::I32, by: [Self::I32; 2]) -> Self::I32 {
        let [mut mantissas, mut exponents] = by;
        let by = [&*Self::lanes(&mut mantissas), &*Self::lanes(&mut exponents)];
        whole::round_each_once(levels, Self::lanes(&mut sums), by);
        sums
    }

    /// The bytes of sums that are rounded twice: see [`Pair::add`](crate::affine::Pair::add).
    #[inline(always)]
    fn twice_sum(self, shares: Shares, sums: [Self::I32; 2]) -> Self::I32 {
        let [mut x, mut y] = sums;
        whole::add_each_twice(shares, Self::lanes(&mut x), Self::lanes(&mut y));
        x
    }

    /// The bytes of products that are rounded twice: see [`Pair::mul`](crate::affine::Pair::mul).
    #[inline(always)]
    fn twice_product(self, shares: Shares, factors: [Self::I32; 2]) -> Self::I32 {
        let [mut x, mut y] = factors;
        whole::mul_each_twice(shares, Self::lanes(&mut x), Self::lanes(&mut y));
        x
    }

    /// Computes a part of a product in loops of this instruction set's own, if it has any; says if it did.
    ///
    /// # Safety
    /// What the part reads and writes lies inside its slices, and nobody else reads or writes that until this returns.
    #[inline(always)]
    unsafe fn product(self, _product: &Product, _end: &End) -> bool {
        false
    }

    /// Computes a part of a depthwise convolution in loops of this instruction set's own, if it has any; says if it did.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    unsafe fn stencil(self, _planes: &Planes, _levels: Levels, _y: *mut u8) -> bool {
        false
    }

    /// The lanes as numbers.
    #[inline(always)]
    fn lanes(x: &mut Self::I32) -> &mut [i32] {
        // SAFETY: `I32` holds `LANES` integers.
        unsafe { core::slice::from_raw_parts_mut((&raw mut *x).cast(), Self::LANES) }
    }

    /// Reads weights for four inputs.
    ///
    /// # Safety
    /// `QUAD_LEN` bytes lie inside one allocation.
    unsafe fn taps_at(self, from: *const u8) -> Self::Taps;
    /// Reads `LANES` bytes of each of the first `N` rows, at most four; zeros stand for the others.
    ///
    /// # Safety
    /// They lie inside one allocation each.
    unsafe fn column_at<const N: usize>(self, rows: [*const u8; 4]) -> Self::Column;
    /// Reads `LANES` integers, little endian.
    ///
    /// # Safety
    /// Their bytes lie inside one allocation.
    unsafe fn i32s_at(self, from: *const u8) -> Self::I32;
    /// Reads `LANES` bytes, each to a lane.
    ///
    /// # Safety
    /// They lie inside one allocation.
    unsafe fn bytes_at(self, from: *const u8) -> Self::I32;
    /// Writes a byte for each lane, all of them from 0 to 255.
    ///
    /// # Safety
    /// They lie inside one allocation.
    unsafe fn store_bytes_at(self, into: *mut u8, v: Self::I32);

    /// Writes three bytes for each lane, one of each vector, all of them from 0 to 255.
    ///
    /// # Safety
    /// Three times `LANES` bytes lie inside one allocation.
    #[inline(always)]
    unsafe fn store_triples_at(self, into: *mut u8, all: [Self::I32; 3]) {
        let mut bytes = [[0_u8; 16]; 3];
        // SAFETY: there is room for 16 lanes; the caller's bytes.
        unsafe {
            self.store_bytes_at(bytes[0].as_mut_ptr(), all[0]);
            self.store_bytes_at(bytes[1].as_mut_ptr(), all[1]);
            self.store_bytes_at(bytes[2].as_mut_ptr(), all[2]);
            for lane in 0..Self::LANES {
                for (at, bytes) in bytes.iter().enumerate() {
                    into.add(3 * lane + at).write(bytes[lane]);
                }
            }
        }
    }
    /// Reads the first `len` bytes, zero in the lanes after.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len <= LANES`.
    #[inline(always)]
    unsafe fn bytes_head_at(self, from: *const u8, len: usize) -> Self::I32 {
        let mut bytes = [0_u8; 16];
        // SAFETY: the caller's bytes; there is room for 16 lanes.
        unsafe {
            core::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), len);
            self.bytes_at(bytes.as_ptr())
        }
    }
    /// Writes the bytes of the first `len` lanes and nothing after them.
    ///
    /// # Safety
    /// They lie inside one allocation, and `len <= LANES`.
    #[inline(always)]
    unsafe fn store_bytes_head_at(self, into: *mut u8, len: usize, v: Self::I32) {
        let mut bytes = [0_u8; 16];
        // SAFETY: the caller's bytes; there is room for 16 lanes.
        unsafe {
            self.store_bytes_at(bytes.as_mut_ptr(), v);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), into, len);
        }
    }
    /// Reads `LANES` floats from bytes.
    ///
    /// # Safety
    /// Their bytes lie inside one allocation.
    #[inline(always)]
    unsafe fn f32s_at(self, from: *const u8) -> Self::F32 {
        // SAFETY: vectors are read from any address.
        unsafe { self.load_at(from.cast()) }
    }

    /// As many bytes as `from` has, up to `LANES`; zero in the lanes after.
    #[inline(always)]
    fn bytes(self, from: &[u8]) -> Self::I32 {
        // SAFETY: the slice has as many bytes.
        unsafe {
            if from.len() >= Self::LANES {
                self.bytes_at(from.as_ptr())
            } else {
                self.bytes_head_at(from.as_ptr(), from.len())
            }
        }
    }

    /// As many lanes as `into` has bytes, up to `LANES`; all of them are from 0 to 255.
    #[inline(always)]
    fn store_bytes(self, into: &mut [u8], v: Self::I32) {
        // SAFETY: the slice has as many bytes.
        unsafe {
            if into.len() >= Self::LANES {
                self.store_bytes_at(into.as_mut_ptr(), v);
            } else {
                self.store_bytes_head_at(into.as_mut_ptr(), into.len(), v);
            }
        }
    }

    /// Three bytes for each lane, one of each vector; panics on fewer.
    #[inline(always)]
    fn store_triples(self, into: &mut [u8], all: [Self::I32; 3]) {
        assert!(into.len() >= 3 * Self::LANES);
        // SAFETY: the slice is that long.
        unsafe { self.store_triples_at(into.as_mut_ptr(), all) }
    }
}

#[cfg(feature = "sources")]
crate::listed::listed! {
    "simd/dots/", "dots/":
    "avx2" "avx512" "dsp" "neon" "neon_dot" "plain" "sse2" "wasm128"
}
