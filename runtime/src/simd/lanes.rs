//! A few numbers in memory, one after the other: for what an instruction set has no vector instruction.

/// Floats in the longest vector.
pub(super) const MOST_LANES: usize = 16;

/// The first `len` numbers at `from`, each as `of` makes it, and `zero` after them.
///
/// # Safety
/// They lie inside one allocation.
#[inline(always)]
pub(super) unsafe fn read<E: Copy, X: Copy>(
    from: *const E,
    len: usize,
    zero: X,
    of: impl Fn(E) -> X,
) -> [X; MOST_LANES] {
    let mut lanes = [zero; MOST_LANES];
    for (i, lane) in lanes.iter_mut().enumerate().take(len) {
        // SAFETY: one of the caller's `len` numbers.
        *lane = of(unsafe { from.add(i).read() });
    }
    lanes
}

/// Writes the first `len` of `lanes` at `into`, each as `of` makes it.
///
/// # Safety
/// There is room for them inside one allocation.
#[inline(always)]
pub(super) unsafe fn write<E: Copy, X: Copy>(
    into: *mut E,
    len: usize,
    lanes: &[X; MOST_LANES],
    of: impl Fn(X) -> E,
) {
    for (i, lane) in lanes.iter().enumerate().take(len) {
        // SAFETY: room for one of the caller's `len` numbers.
        unsafe { into.add(i).write(of(*lane)) }
    }
}
