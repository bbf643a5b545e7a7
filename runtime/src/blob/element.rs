//! Numbers that any bytes are a value of, and slices of one kind seen as another.

use core::slice;

use crate::brain::{Brain, Pair};
use crate::half::Half;

/// A number that any bytes are a value of.
///
/// # Safety
/// Every pattern of bits is valid, there is no padding, and the alignment divides that of a blob.
pub unsafe trait Element: Copy + sealed::Sealed + 'static {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($number:ty)*) => {$(
        impl sealed::Sealed for $number {}
        // SAFETY: a primitive number, or one by another name, has no padding and no invalid bits, and its
        // alignment is a small power of two.
        unsafe impl Element for $number {}
    )*};
}
elements!(f32 Half Brain Pair i32 u32 i16 u16 i8 u8);

/// The bytes of `numbers` seen as `B`s, which are no more aligned and no longer than `A`s.
#[inline(always)]
pub const fn view<A: Element, B: Element>(numbers: &[A]) -> &[B] {
    let ratio = const { ratio::<A, B>() };
    // SAFETY: the result spans the same bytes, `B` needs no more alignment, and any bytes are a `B`.
    unsafe { slice::from_raw_parts(numbers.as_ptr().cast(), numbers.len() * ratio) }
}

/// [`view`] to write through.
#[inline(always)]
pub const fn view_mut<A: Element, B: Element>(numbers: &mut [A]) -> &mut [B] {
    let ratio = const { ratio::<A, B>() };
    // SAFETY: as for `view`; what is written is also valid as `A`, and the borrow stays unique.
    unsafe { slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), numbers.len() * ratio) }
}

/// The `B`s that lie in bytes, whole ones; panics where the bytes do not begin at an address fit for a `B`.
#[inline(always)]
pub fn wide<B: Element>(bytes: &[u8]) -> &[B] {
    let start = bytes.as_ptr();
    assert!(start.addr().is_multiple_of(align_of::<B>()), "bytes seen as numbers are aligned");
    // SAFETY: the result ends within the bytes, they are aligned, and any bytes are a `B`.
    unsafe { slice::from_raw_parts(start.cast(), bytes.len() / size_of::<B>()) }
}

/// [`wide`] to write through.
#[inline(always)]
pub fn wide_mut<B: Element>(bytes: &mut [u8]) -> &mut [B] {
    let start = bytes.as_mut_ptr();
    assert!(start.addr().is_multiple_of(align_of::<B>()), "bytes seen as numbers are aligned");
    // SAFETY: as for `wide`; what is written is also valid as bytes, and the borrow stays unique.
    unsafe { slice::from_raw_parts_mut(start.cast(), bytes.len() / size_of::<B>()) }
}

/// How many `B`s lie in an `A`.
const fn ratio<A: Element, B: Element>() -> usize {
    assert!(size_of::<A>().is_multiple_of(size_of::<B>()), "whole `B`s fit in an `A`");
    assert!(align_of::<A>() >= align_of::<B>(), "an `A` is aligned for a `B`");
    size_of::<A>() / size_of::<B>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_seen_as_bytes() {
        let mut numbers = [1.0_f32, 0.0];
        view_mut::<f32, u8>(&mut numbers)[7] = 0x40;
        assert_eq!(numbers, [1.0, 2.0]);
        assert_eq!(view::<f32, u8>(&numbers), [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]);
    }
}
