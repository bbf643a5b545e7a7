//! Kernels, written once, over plain slices or over `Simd`: what emitted code calls.
//!
//! A convolution is a struct of constants and runs over rows of its output. What shapes registers is a const
//! parameter, what shapes loops is a field. Slices are checked against the rings once a call; with constant fields
//! nothing of the checks is left. Weights come packed: panel by panel, each a vector (or `NV`) of biases and then the
//! weights in the order of use, zero in columns beyond the last channel. Any alignment is right; slices that begin at
//! a cache line, and pixels of whole vectors, are fast.

pub mod conv;
pub mod copy;
pub mod cum_sum;
pub mod depthwise;
pub mod elementwise;
pub mod global_pool;
pub mod indexed;
pub mod integers;
pub mod lstm;
pub mod matmul;
pub mod pointwise;
pub mod pool;
pub mod q8;
pub mod rank;
pub mod reduce;
pub mod resample;
pub mod resize;
pub mod softmax;
pub mod strided;
pub mod suppression;
pub mod top_k;
pub mod unary;
pub mod widen;
pub mod winograd;
pub mod words;

pub use crate::clamp::Clamp;

#[cfg(feature = "sources")]
crate::listed::listed! {
    "kernel/", "kernel/":
    "conv" "copy" "cum_sum" "depthwise" "elementwise" "global_pool" "indexed" "integers" "lstm" "matmul" "pointwise"
    "pool" "rank" "reduce" "resample" "resize" "softmax" "strided" "suppression" "top_k" "unary" "widen" "winograd" "words" "q8"
}
