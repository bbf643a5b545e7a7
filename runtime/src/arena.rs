//! The memory that every value of a network lies in, lent out as disjoint slots.
//!
//! Slots are checked once, when a `const` is evaluated; lending them then has no check left that could fail, at
//! any opt-level:
//! `let [x, wide] = arena.slots(const { Slots::new([0..75_264, 75_264..526_848]) });`

pub use crate::blob::Slots;
pub use crate::blob::arrays::Arrays;

use crate::blob::arrays::Tuple;
use crate::blob::{Blob, Element};

/// `BYTES` of working memory, a multiple of [`ALIGN`](crate::blob::ALIGN): exactly the size of the static that holds it.
#[repr(transparent)]
pub struct Arena<const BYTES: usize>(Blob<BYTES>);

impl<const BYTES: usize> Arena<BYTES> {
    /// All zero, so that a static arena takes no room in the program's file.
    #[inline(always)]
    pub const fn new() -> Self {
        Self(Blob::new([0; BYTES]))
    }

    /// The memory of each slot, all at once.
    #[inline(always)]
    pub fn slots<E: Element, const K: usize>(
        &mut self,
        slots: Slots<E, K, BYTES>,
    ) -> [&mut [E]; K] {
        slots.of(&mut self.0)
    }

    /// The memory of each array, all at once.
    #[inline(always)]
    pub fn arrays<T: Tuple<K>, const K: usize>(
        &mut self,
        arrays: &Arrays<T, K, BYTES>,
    ) -> T::Lent<'_> {
        arrays.of(&mut self.0)
    }

    /// The whole memory, to fill or to look through.
    #[inline(always)]
    pub const fn bytes_mut(&mut self) -> &mut [u8; BYTES] {
        self.0.bytes_mut()
    }
}

impl<const BYTES: usize> Default for Arena<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::ops::Range;

    use super::*;
    use crate::blob::view_mut;

    #[test]
    fn slots_lie_where_their_ranges_say() {
        let mut arena = Arena::<128>::new();
        let [late, early] = arena.slots(const { Slots::new([8..10, 0..8]) });
        late.fill(1.0_f32);
        early.fill(2.0);
        let [all] = arena.slots::<f32, 1>(const { Slots::one(0..11) });
        assert_eq!(all, [2., 2., 2., 2., 2., 2., 2., 2., 1., 1., 0.]);
    }

    #[test]
    fn an_arena_is_as_large_as_it_says_and_aligned() {
        assert_eq!((size_of::<Arena<192>>(), align_of::<Arena<192>>()), (192, 64));
    }

    #[test]
    fn slots_of_bytes_and_floats_share_the_memory() {
        let mut arena = Arena::<64>::new();
        let [bytes, tail] = arena.slots::<u8, 2>(const { Slots::new([0..4, 60..64]) });
        bytes.copy_from_slice(&1.0_f32.to_le_bytes());
        tail.fill(0xff);
        let [floats] = arena.slots::<f32, 1>(const { Slots::one(0..1) });
        assert_eq!(floats, [1.0]);
        assert_eq!(view_mut::<f32, u8>(floats).len(), 4);
        assert_eq!(arena.bytes_mut()[59..61], [0, 0xff]);
    }

    #[test]
    fn a_mistaken_plan_is_refused() {
        let refused =
            |ranges| std::panic::catch_unwind(|| Slots::<f32, 2, 64>::new(ranges)).is_err();
        assert!(refused([0..8, 7..16]), "overlap");
        assert!(refused([0..8, 8..17]), "past the end");
        assert!(refused([0..8, Range { start: 9, end: 8 }]), "ends before it starts");
        assert!(!refused([8..16, 0..8]));
    }
}
