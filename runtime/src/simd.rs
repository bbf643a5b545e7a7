//! Vectors of floats: one vocabulary for every instruction set.
//!
//! A token (`Scalar`, `Avx2`, `Avx512`, `Neon`) proves that this machine has the instructions. Tokens are minted by
//! `new()`, which exists where the whole build has the feature, and by `unsafe fn assume()`, at the top of a
//! `#[target_feature]` function. Every method is inlined into that function, and only there becomes one instruction.
//! Kernels here hold all raw addresses of the crate; `kernel/` sees slices.

/// Repeats a block with a counter for each literal below `$n`, a constant: straight-line code at every opt-level.
#[cfg(not(debug_assertions))]
macro_rules! unroll {
    ($i:ident in $n:expr, at most 6, $body:block) => {
        unroll!(@ $i $n, $body, 0 1 2 3 4 5)
    };
    ($i:ident in $n:expr, at most 4, $body:block) => {
        unroll!(@ $i $n, $body, 0 1 2 3)
    };
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
    ($i:ident in $n:expr, at most $most:literal, $body:block) => {
        unroll!($i in $n, $body);
    };
    ($i:ident in $n:expr, $body:block) => {
        let mut next = 0;
        while next < $n {
            let $i: usize = next;
            $body
            next += 1;
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod cpu;
pub mod dots;
pub(crate) mod dsp;
pub mod epilogue;
pub mod gemm;
mod lanes;
#[cfg(feature = "std")]
pub(crate) mod lent;
mod near;
#[cfg(target_arch = "aarch64")]
mod neon;
mod number;
mod plain;
pub(crate) mod product;
pub mod quads;
mod registers;
pub(crate) mod requant;
pub mod residual;
#[cfg(feature = "std")]
pub mod shared;
#[cfg(target_arch = "x86_64")]
mod sse2;
pub mod stencil;
mod vector;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm128;
mod weight;
mod whole;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod wide;
pub mod window;
pub mod winograd;

#[cfg(target_arch = "x86_64")]
pub use self::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use self::avx512::{Avx512, Avx512Bf16, Avx512Vnni};
pub use self::dsp::Dsp;
#[cfg(target_arch = "aarch64")]
pub use self::neon::{Neon, NeonDot};
pub use self::number::Number;
pub use self::plain::Plain;
#[cfg(target_arch = "x86_64")]
pub use self::sse2::Sse2;
pub use self::vector::{Simd, Task};
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

#[cfg(feature = "sources")]
crate::listed::listed! {
    "simd/", "simd/":
    "avx2" "avx512" "cpu" "dots" "dsp" "epilogue" "gemm" "lanes" "lent" "near" "neon" "number" "plain" "product"
    "quads" "registers" "requant" "residual" "shared" "sse2" "stencil" "vector" "wasm128" "weight" "whole" "wide" "window" "winograd"
}
