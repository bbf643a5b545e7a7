//! Disjoint arrays of memory by where they begin: what a function is lent that several steps run.
//!
//! Their lengths are part of the type, so the function checks none; that they are apart is checked once, when the const
//! that says where those of one step begin is evaluated.

use core::marker::PhantomData;

use crate::blob::{Blob, Element};

/// Where `K` disjoint arrays of `BYTES` of memory begin; `T` is the tuple of them, such as `([f32; 784], [u8; 96])`.
pub struct Arrays<T, const K: usize, const BYTES: usize> {
    starts: [usize; K],
    arrays: PhantomData<T>,
}

impl<T: Tuple<K>, const K: usize, const BYTES: usize> Arrays<T, K, BYTES> {
    /// Arrays that begin behind so many elements, each counting its own; to be called in a `const`, where a mistaken
    /// plan does not compile.
    pub const fn at(starts: [usize; K]) -> Self {
        let mut i = 0;
        while i < K {
            let (start, end) = Self::bytes(&starts, i);
            assert!(end <= BYTES, "an array lies in the memory");
            let mut j = 0;
            while j < i {
                let (other, other_end) = Self::bytes(&starts, j);
                assert!(end <= other || other_end <= start, "arrays are disjoint");
                j += 1;
            }
            i += 1;
        }
        Self { starts, arrays: PhantomData }
    }

    /// The first byte of an array, and one past its last.
    const fn bytes(starts: &[usize; K], at: usize) -> (usize, usize) {
        let [element, len] = T::BYTES[at];
        let start = starts[at] * element;
        (start, start + len)
    }

    /// The arrays.
    #[inline(always)]
    pub(crate) fn of<'a>(&self, memory: &'a mut Blob<BYTES>) -> T::Lent<'a> {
        // SAFETY: `at` checked that the arrays lie in the memory, which is borrowed as long, and share no byte.
        unsafe { T::lend(memory.bytes_mut().as_mut_ptr(), &self.starts) }
    }
}

/// A tuple of `K` arrays of numbers.
pub trait Tuple<const K: usize>: sealed::Sealed {
    /// Bytes of an element and of the whole, for each array.
    const BYTES: [[usize; 2]; K];

    /// References to the arrays.
    type Lent<'a>;

    /// The arrays in the memory of a blob.
    ///
    /// # Safety
    /// They lie in the memory, share no byte, and nothing else refers to them for as long.
    unsafe fn lend<'a>(memory: *mut u8, starts: &[usize; K]) -> Self::Lent<'a>;
}

mod sealed {
    pub trait Sealed {}
}

/// Arrays that are lent at once, at most.
pub const MOST_ARRAYS: usize = 12;

macro_rules! tuple {
    ($count:literal $($element:ident $len:ident $at:tt)*) => {
        impl<$($element: Element, const $len: usize),*> sealed::Sealed for ($([$element; $len],)*) {}

        impl<$($element: Element, const $len: usize),*> Tuple<$count> for ($([$element; $len],)*) {
            const BYTES: [[usize; 2]; $count] =
                [$([size_of::<$element>(), size_of::<[$element; $len]>()]),*];

            type Lent<'a> = ($(&'a mut [$element; $len],)*);

            #[inline(always)]
            unsafe fn lend<'a>(memory: *mut u8, starts: &[usize; $count]) -> Self::Lent<'a> {
                // SAFETY: as the caller vouches; a blob is aligned for every element, and any bytes are one.
                unsafe { ($(&mut *memory.cast::<$element>().add(starts[$at]).cast::<[$element; $len]>(),)*) }
            }
        }
    };
}

/// A tuple of each length.
macro_rules! tuples {
    ([$($before:tt)*]) => {};
    ([$($before:tt)*] ($count:literal $element:ident $len:ident $at:tt) $($more:tt)*) => {
        tuple!($count $($before)* $element $len $at);
        tuples!([$($before)* $element $len $at] $($more)*);
    };
}

tuples!([] (1 A N0 0) (2 B N1 1) (3 C N2 2) (4 D N3 3) (5 E N4 4) (6 F N5 5) (7 G N6 6) (8 H N7 7)
    (9 I N8 8) (10 J N9 9) (11 K N10 10) (12 L N11 11));

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn arrays_lie_where_their_starts_say() {
        let mut blob = Blob::<64>::new([0; 64]);
        let at = const { Arrays::<([f32; 2], [u8; 4], [f32; 1]), 3, 64>::at([8, 40, 0]) };
        let (late, bytes, early) = at.of(&mut blob);
        late.copy_from_slice(&[1.0, 2.0]);
        bytes.fill(7);
        early[0] = 3.0;
        assert_eq!(blob.f32s(0..1), [3.0]);
        assert_eq!(blob.f32s(8..10), [1.0, 2.0]);
        assert_eq!(blob.bytes()[39..45], [64, 7, 7, 7, 7, 0]);
    }

    #[test]
    fn a_mistaken_plan_is_refused() {
        let refused = |starts| {
            std::panic::catch_unwind(|| Arrays::<([f32; 8], [u8; 16]), 2, 64>::at(starts)).is_err()
        };
        assert!(refused([0, 31]), "the second begins in the first");
        assert!(refused([3, 0]), "the first begins in the second");
        assert!(refused([9, 0]) && refused([0, 49]), "past the end");
        assert!(!refused([0, 32]) && !refused([4, 0]) && !refused([8, 16]));
    }
}
