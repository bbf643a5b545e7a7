//! Kernels that code emitted by mnv2c calls: `no_std`, no allocation, no dependencies.
#![no_std]

pub mod activation;
pub mod affine;
pub mod arena;
pub mod blob;
pub mod brain;
pub mod catalog;
pub mod clamp;
pub mod half;
mod include;
pub mod isa;
pub mod kernel;
pub mod layer;
pub mod math;
pub mod part;
#[cfg(feature = "std")]
pub mod pool;
#[cfg(feature = "std")]
pub mod probe;
pub mod ring;
pub mod simd;

#[cfg(feature = "sources")]
mod listed;
#[cfg(feature = "sources")]
pub mod sources;

#[cfg(feature = "sources")]
listed::listed! {
    "", "":
    "lib" "activation" "affine" "arena" "blob" "brain" "clamp" "half" "isa" "ring" "kernel" "layer"
    "math" "part" "pool" "probe" "simd"
}
