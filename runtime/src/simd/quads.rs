//! Bytes as weights of a product: four inputs meet four weights in each lane, and every sum is exact.

use super::dots::Dots;
use super::registers::zeros;
use super::weight::Weight;

/// Which inputs of a run of `depth` the quad `at` multiplies: where the run ends between quads, the last one begins
/// four before its end, and weights for what the quad before it has multiplied are zero.
pub const fn quad(depth: usize, at: usize) -> [Option<usize>; 4] {
    let start = if depth >= 4 && 4 * at + 4 > depth { depth - 4 } else { 4 * at };
    let mut inputs = [None; 4];
    let mut i = 0;
    while i < 4 {
        if start + i >= 4 * at && start + i < depth {
            inputs[i] = Some(start + i);
        }
        i += 1;
    }
    inputs
}

// SAFETY: inputs are read in fours, the last four of a run that has as many, or its few, and `NV` vectors of weights for
// each four.
unsafe impl<S: Dots> Weight<S, u8> for u8 {
    type Sum = S::I32;
    const INPUTS: usize = 4;
    // 32-bit biases and factors.
    const HEAD: usize = 8 * S::LANES;
    const STEP: usize = S::QUAD_LEN;

    #[inline(always)]
    unsafe fn starts<const NV: usize>(simd: S, from: *const u8) -> [S::I32; NV] {
        // SAFETY: the caller's `NV` vectors of integers.
        unsafe {
            let mut all = zeros::<[S::I32; NV]>();
            unroll!(j in NV, { all[j] = simd.i32s_at(from.add(4 * j * S::LANES)); });
            all
        }
    }

    #[inline(always)]
    unsafe fn add_run<const MR: usize, const NV: usize>(
        simd: S,
        acc: &mut [[S::I32; NV]; MR],
        x: *const u8,
        [step, _]: [usize; 2],
        w: *const u8,
        depth: usize,
    ) -> *const u8 {
        let (mut k, mut w) = (0, w);
        /// Adds four inputs of each pixel, times `NV` vectors of weights.
        macro_rules! quad {
            ($r:ident => $four:expr) => {
                let mut taps = zeros::<[S::Taps; NV]>();
                unroll!(j in NV, { taps[j] = simd.taps_at(w.add(j * S::QUAD_LEN)); });
                unroll!($r in MR, {
                    let x = simd.quad($four);
                    unroll!(j in NV, { acc[$r][j] = simd.dot(x, taps[j], acc[$r][j]); });
                });
                w = w.add(NV * S::QUAD_LEN);
            };
        }
        // SAFETY: `depth` bytes of each pixel's run and as many quads of weights are inside their slices.
        unsafe {
            while k + 4 <= depth {
                quad!(r => x.add(r * step + k).cast::<u32>().read_unaligned());
                k += 4;
            }
            if k < depth && depth >= 4 {
                quad!(r => x.add(r * step + depth - 4).cast::<u32>().read_unaligned());
            } else if k < depth {
                quad!(r => few(x.add(r * step), depth));
            }
        }
        w
    }
}

/// The first `len` bytes, fewer than four.
#[inline(always)]
unsafe fn few(from: *const u8, len: usize) -> u32 {
    let mut x = 0;
    for at in 0..len {
        // SAFETY: the caller's `len` bytes.
        x |= u32::from(unsafe { from.add(at).read() }) << (8 * at);
    }
    x
}
