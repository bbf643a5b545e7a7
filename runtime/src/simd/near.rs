//! Cache-resident copies of a product's inputs that are not floats, widened: each is read once a panel of weights.

use super::number::Number;
use super::vector::Simd;

/// True if so many of sixteen registers leave none to load ahead into. Weights that are widened take one more than
/// those that are read where they are used.
pub(super) const fn fills_registers(used: usize, is_f32: bool) -> bool {
    used == 16 || (used == 15 && !is_f32)
}

/// Most numbers of each pixel that are widened at a time.
pub(super) const NEAR: usize = 128;

/// Numbers, of `depth`, that are widened at a time: if possible, as many each time.
#[inline(always)]
pub(super) const fn some_of(depth: usize) -> usize {
    macro_rules! first_that_divides {
        ($($some:literal)*) => {
            match depth {
                0..=NEAR => depth,
                $(_ if depth.is_multiple_of($some) => $some,)*
                _ => NEAR,
            }
        };
    }
    first_that_divides!(128 120 112 104 96 88 80 72 64 56 48)
}

/// Widens `len` numbers, `step` apart, into floats side by side.
///
/// # Safety
/// The numbers lie inside one allocation, and at `into` there is room for them and for a vector at least.
#[inline(always)]
pub(super) unsafe fn widen<S: Simd, X: Number>(
    simd: S,
    x: *const X,
    step: usize,
    into: *mut f32,
    len: usize,
) {
    // SAFETY: the caller's numbers and room; the last vector overlaps the one before it.
    unsafe {
        if step != 1 {
            for k in 0..len {
                into.add(k).write(x.add(k * step).read().real());
            }
            return;
        }
        if len < S::LANES {
            simd.store_at(into, X::load_head_at(simd, x, len));
            return;
        }
        let (mut k, last) = (0, len - S::LANES);
        while k < last {
            simd.store_at(into.add(k), X::load_at(simd, x.add(k)));
            k += S::LANES;
        }
        simd.store_at(into.add(last), X::load_at(simd, x.add(last)));
    }
}
