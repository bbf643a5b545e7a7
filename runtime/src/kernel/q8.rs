//! Kernels on bytes that stand for reals: exact 32-bit sums, and what they become rounded one f32 operation at a time.
//!
//! Convolutions of bytes are those of floats with other weights and another [epilogue](crate::simd::epilogue).
//! Values lie as floats do, element for element, and padding holds the byte of zero. A zero point of the input is part
//! of the biases: `bias - zero * sum of weights`. Every instruction set gives the same bytes.

pub mod border;
pub mod elements;
pub mod look_up;
pub mod pool;
pub mod softmax;

#[cfg(feature = "sources")]
crate::listed::listed! {
    "kernel/q8/", "q8/":
    "border" "elements" "look_up" "pool" "softmax"
}
