//! What a product multiplies its inputs by: a number for each of them, or a pair for two that lie side by side.

use super::near::{NEAR, fills_registers, some_of, widen};
use super::number::Number;
use super::registers::{vectors, zeros};
use super::vector::Simd;
use crate::blob::Element;
use crate::brain::{Brain, Pair};
use core::mem::MaybeUninit;

/// Vectors that multiply pairs of brain floats.
pub trait Pairs: Simd {
    /// `sum` and both products of each lane: of the inputs in `x`, alike in every lane, and the [`Pair`]s in `w`.
    fn add_products(self, x: u32, w: Self::F32, sum: Self::F32) -> Self::F32;
}

/// Weights for inputs `X`.
///
/// # Safety
/// `add_run` reads what it is promised and nothing else, and the weights after a run are where the promise ends.
pub unsafe trait Weight<S: Simd, X: Copy>: Element {
    /// A vector of sums, for which all bits zero is a valid value.
    type Sum: Copy;
    /// Inputs of a run that a vector of weights is for; the last one's may be fewer.
    const INPUTS: usize;
    /// Elements that a panel begins with, for each of its vectors.
    const HEAD: usize;
    /// Elements of a vector of weights.
    const STEP: usize;

    /// The start of `NV` vectors of sums: zeros, or their biases where sums are exact in any order.
    ///
    /// # Safety
    /// `NV * HEAD` elements lie inside one allocation.
    unsafe fn starts<const NV: usize>(simd: S, from: *const Self) -> [Self::Sum; NV];

    /// Adds biases to sums that are ready and that began without: added first, every product would be rounded at the
    /// bias's size.
    ///
    /// # Safety
    /// `NV * HEAD` elements lie inside one allocation.
    #[inline(always)]
    unsafe fn add_biases<const MR: usize, const NV: usize>(
        _simd: S,
        _acc: &mut [[Self::Sum; NV]; MR],
        _from: *const Self,
    ) {
    }

    /// Adds the products of a run of `depth` inputs of each of `MR` pixels, whose steps are from a pixel and from an input
    /// to the next; returns the weights after it.
    ///
    /// # Safety
    /// The inputs, and `NV` vectors of weights for every `INPUTS` of them, lie inside one allocation each. Where weights
    /// are for several, these lie side by side.
    unsafe fn add_run<const MR: usize, const NV: usize>(
        simd: S,
        acc: &mut [[Self::Sum; NV]; MR],
        x: *const X,
        steps: [usize; 2],
        w: *const Self,
        depth: usize,
    ) -> *const Self;
}

// SAFETY: every input is read once, and `NV` vectors of weights for it.
unsafe impl<S: Simd, X: Number, W: Number> Weight<S, X> for W {
    type Sum = S::F32;
    const INPUTS: usize = 1;
    const HEAD: usize = S::LANES;
    const STEP: usize = S::LANES;

    #[inline(always)]
    unsafe fn starts<const NV: usize>(_: S, _: *const Self) -> [S::F32; NV] {
        // SAFETY: these are vectors.
        unsafe { zeros() }
    }

    #[inline(always)]
    unsafe fn add_biases<const MR: usize, const NV: usize>(
        simd: S,
        acc: &mut [[S::F32; NV]; MR],
        from: *const Self,
    ) {
        // SAFETY: the caller's vectors.
        add(simd, acc, unsafe { vectors::<S, W, NV>(simd, from) });
    }

    /// Inputs that are splat one by one are widened before.
    #[inline(always)]
    unsafe fn add_run<const MR: usize, const NV: usize>(
        simd: S,
        acc: &mut [[S::F32; NV]; MR],
        x: *const X,
        steps: [usize; 2],
        w: *const Self,
        depth: usize,
    ) -> *const Self {
        let [pixel_step, depth_step] = steps;
        let (mut k, mut w) = (0, w);
        // SAFETY: `depth` numbers of each pixel's run and as many rows of weights are inside their slices.
        unsafe {
            if X::IS_F32 || (S::BY_LANE && depth_step == 1) {
                return each::<S, W, X, MR, NV>(simd, acc, x, steps, w, depth);
            }
            let mut near = MaybeUninit::<[[f32; NEAR]; MR]>::uninit();
            let (near, some) = (near.as_mut_ptr().cast::<f32>(), some_of(depth));
            while k < depth {
                let len = if depth.is_multiple_of(some) { some } else { some.min(depth - k) };
                for r in 0..MR {
                    let x = x.add(r * pixel_step + k * depth_step);
                    widen(simd, x, depth_step, near.add(r * NEAR), len);
                }
                w = each::<S, W, f32, MR, NV>(simd, acc, near.cast_const(), [NEAR, 1], w, len);
                k += len;
            }
        }
        w
    }
}

// SAFETY: inputs are read in twos, the last of an odd number alone, and `NV` vectors of weights for each two.
unsafe impl<S: Pairs> Weight<S, Brain> for Pair {
    type Sum = S::F32;
    const INPUTS: usize = 2;
    const HEAD: usize = S::LANES;
    const STEP: usize = S::LANES;

    #[inline(always)]
    unsafe fn starts<const NV: usize>(_: S, _: *const Self) -> [S::F32; NV] {
        // SAFETY: these are vectors.
        unsafe { zeros() }
    }

    #[inline(always)]
    unsafe fn add_biases<const MR: usize, const NV: usize>(
        simd: S,
        acc: &mut [[S::F32; NV]; MR],
        from: *const Self,
    ) {
        // SAFETY: the caller's vectors, floats by their bits.
        add(simd, acc, unsafe { vectors::<S, f32, NV>(simd, from.cast()) });
    }

    #[inline(always)]
    unsafe fn add_run<const MR: usize, const NV: usize>(
        simd: S,
        acc: &mut [[S::F32; NV]; MR],
        x: *const Brain,
        [pixel_step, _]: [usize; 2],
        w: *const Self,
        depth: usize,
    ) -> *const Self {
        let (mut k, mut w) = (0, w);
        // SAFETY: the caller's inputs and weights; behind the last input of an odd number a zero is read, nothing else.
        unsafe {
            while k + 2 <= depth {
                let wk = vectors::<S, f32, NV>(simd, w.cast());
                unroll!(r in MR, {
                    let xr = x.add(r * pixel_step + k).cast::<u32>().read_unaligned();
                    unroll!(j in NV, { acc[r][j] = simd.add_products(xr, wk[j], acc[r][j]); });
                });
                w = w.add(NV * S::LANES);
                k += 2;
            }
            if k < depth {
                let wk = vectors::<S, f32, NV>(simd, w.cast());
                unroll!(r in MR, {
                    let xr = Pair::of(x.add(r * pixel_step + k).read(), Brain::ZERO).0;
                    unroll!(j in NV, { acc[r][j] = simd.add_products(xr, wk[j], acc[r][j]); });
                });
                w = w.add(NV * S::LANES);
            }
        }
        w
    }
}

/// Adds a vector to those of every pixel.
#[inline(always)]
fn add<S: Simd, const MR: usize, const NV: usize>(
    simd: S,
    acc: &mut [[S::F32; NV]; MR],
    more: [S::F32; NV],
) {
    unroll!(r in MR, {
        unroll!(j in NV, { acc[r][j] = simd.add(acc[r][j], more[j]); });
    });
}

/// The products of `depth` numbers of each pixel, one number after the other.
#[inline(always)]
unsafe fn each<S: Simd, W: Number, X: Number, const MR: usize, const NV: usize>(
    simd: S,
    acc: &mut [[S::F32; NV]; MR],
    x: *const X,
    [pixel_step, depth_step]: [usize; 2],
    w: *const W,
    depth: usize,
) -> *const W {
    let (mut k, mut w) = (0, w);
    // SAFETY: the caller's numbers and weights.
    unsafe {
        if S::BY_LANE && depth_step == 1 {
            while k + 4 <= depth {
                let mut xs = zeros::<[S::F32; MR]>();
                unroll!(r in MR, { xs[r] = X::load_at(simd, x.add(r * pixel_step + k)); });
                step::<S, W, MR, NV, 0>(simd, acc, &xs, w);
                step::<S, W, MR, NV, 1>(simd, acc, &xs, w.add(NV * S::LANES));
                step::<S, W, MR, NV, 2>(simd, acc, &xs, w.add(2 * NV * S::LANES));
                step::<S, W, MR, NV, 3>(simd, acc, &xs, w.add(3 * NV * S::LANES));
                w = w.add(4 * NV * S::LANES);
                k += 4;
            }
        }
        while k < depth {
            let wk = vectors::<S, W, NV>(simd, w);
            unroll!(r in MR, {
                let xr = simd.splat(x.add(r * pixel_step + k * depth_step).read().real());
                unroll!(j in NV, { acc[r][j] = simd.mul_add(xr, wk[j], acc[r][j]); });
                if const { fills_registers(MR * NV + NV + 1, W::IS_F32) } {
                    simd.load_after(acc[r][NV - 1]);
                }
            });
            w = w.add(NV * S::LANES);
            k += 1;
        }
    }
    w
}

/// One input of each pixel, times `NV` vectors of weights.
#[inline(always)]
unsafe fn step<S: Simd, W: Number, const MR: usize, const NV: usize, const I: i32>(
    simd: S,
    acc: &mut [[S::F32; NV]; MR],
    xs: &[S::F32; MR],
    w: *const W,
) {
    unroll!(j in NV, {
        // SAFETY: the caller's `NV` vectors.
        let wj = unsafe { W::load_at(simd, w.add(j * S::LANES)) };
        unroll!(r in MR, { acc[r][j] = simd.mul_add_lane::<I>(xs[r], wj, acc[r][j]); });
    });
}
