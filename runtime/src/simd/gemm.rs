//! The one matrix kernel: rows of pixels times panels of weights, behind every convolution but the depthwise, of floats
//! and of bytes.
//!
//! A tile holds `MR` pixels x `NV` vectors of sums in registers, to the bias, which is added last, and the epilogue. `run` checks all extents
//! once; the loops below it do not. A panel of weights is `NV` vectors of biases (of bytes: and of
//! [factors](crate::affine::Factor), whose exponents follow them where they have some), then `NV` vectors for each input
//! of the window, or for each [`Weight::INPUTS`] of them, in the order of the loops: window rows, taps, depth.
//! Where `MR` does not divide the pixels, the last tile overlaps the one before it.

use super::dots::Product;
use super::epilogue::{Epilogue, Outputs, Tile};
use super::registers::zeros;
use super::window::{Window, reach, tiles_fit};
use super::{Simd, Task, Weight};
use crate::activation::Activation;
use crate::part::Part;
use crate::ring::Ring;

/// A matrix product over rings, `MR` pixels x `NV` vectors at a time.
#[derive(Clone, Copy, Debug)]
pub struct Gemm<const MR: usize, const NV: usize, E = Activation> {
    /// Output pixels in a row.
    pub width: usize,
    /// Output channels.
    pub c_out: usize,
    /// Inputs of one output pixel; where weights are for several inputs, its `depth_step` is 1.
    pub window: Window,
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// The end of its sums.
    pub epilogue: E,
}

impl<const MR: usize, const NV: usize, E> Gemm<MR, NV, E> {
    /// Computes one part of the output; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run<S: Simd, W: Weight<S, X>, X: Copy, Y: Copy>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        part: Part,
    ) where
        E: Epilogue<S, W::Sum, Y>,
    {
        // SAFETY: the slice is the caller's alone.
        unsafe { self.run_at(simd, w, x, y, part) };
    }

    /// Computes one part of the output that begins at `y`; panics where an extent is outside its slice.
    ///
    /// # Safety
    /// Nobody else reads or writes that part until this returns.
    #[inline(always)]
    pub(super) unsafe fn run_at<S: Simd, W: Weight<S, X>, X: Copy, Y: Copy>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: *mut [Y],
        part: Part,
    ) where
        E: Epilogue<S, W::Sum, Y>,
    {
        simd.apart(Call { gemm: self, w, x, y, part });
    }

    /// Products plus biases of one tile, whose panel begins with so many elements for each vector.
    #[inline(always)]
    unsafe fn sums<S: Simd, W: Weight<S, X>, X: Copy>(
        &self,
        simd: S,
        (w, head): (*const W, usize),
        x: *const X,
        row: usize,
        pixel: usize,
    ) -> [[W::Sum; NV]; MR] {
        let Window { row_stride, row_step, above, before, pixel_step, depth_step, .. } =
            self.window;
        let steps = [pixel_step, depth_step];
        // SAFETY: the panel and the windows are inside their slices, as the caller promised.
        unsafe {
            let (biases, start) = (w, W::starts(simd, w));
            let mut acc = zeros::<[[W::Sum; NV]; MR]>();
            unroll!(r in MR, { acc[r] = start; });
            let mut w = w.add(NV * head);
            for ky in 0..self.window.rows {
                let row = row * row_stride + ky * row_step + self.from.top - above;
                let start = self.from.slot(row) + pixel * self.window.pixel_step - before;
                let mut x = x.add(start);
                for _ in 0..self.window.taps {
                    w = W::add_run(simd, &mut acc, x, steps, w, self.window.depth);
                    x = x.wrapping_add(self.window.tap_step);
                }
                if self.window.tail > 0 {
                    w = W::add_run(simd, &mut acc, x, steps, w, self.window.tail);
                }
            }
            W::add_biases(simd, &mut acc, biases);
            acc
        }
    }

    /// Elements of a panel: the `head` of each vector and its weights, each vector for so many inputs.
    #[inline(always)]
    const fn panel_len<S: Simd, W: Weight<S, X>, X: Copy>(&self, head: usize) -> usize {
        let Window { rows, taps, depth, tail, .. } = self.window;
        let (depth, tail) = (depth.div_ceil(W::INPUTS), tail.div_ceil(W::INPUTS));
        let vectors = taps.saturating_mul(depth).saturating_add(tail).saturating_mul(rows);
        vectors.saturating_mul(W::STEP).saturating_add(head).saturating_mul(NV)
    }

    #[inline(always)]
    pub(super) const fn outputs(&self) -> Outputs {
        Outputs { width: self.width, channels: self.c_out, into: self.into }
    }
}

/// The arguments of one call.
struct Call<'a, W, X, Y, E, const MR: usize, const NV: usize> {
    gemm: &'a Gemm<MR, NV, E>,
    w: &'a [W],
    x: &'a [X],
    /// Of it, the part alone is this call's.
    y: *mut [Y],
    part: Part,
}

impl<S: Simd, W: Weight<S, X>, X: Copy, Y: Copy, E, const MR: usize, const NV: usize> Task<S>
    for Call<'_, W, X, Y, E, MR, NV>
where
    E: Epilogue<S, W::Sum, Y>,
{
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { gemm, w, x, y, part } = self;
        let (outputs, panels) = (gemm.outputs(), gemm.c_out.div_ceil(NV * S::LANES));
        // Weights that factors follow are bytes.
        let head = W::HEAD + gemm.epilogue.more_factors();
        let (panel_len, Part { rows, pixels, panels: some }) =
            (gemm.panel_len::<S, W, X>(head), part.within(gemm.width, panels));
        assert!(MR >= 1 && MR <= 14 && NV >= 1 && NV <= 8);
        assert!(some.end <= panels);
        assert!(tiles_fit(&pixels, MR, gemm.width));
        assert!(w.len() >= panels.saturating_mul(panel_len));
        assert!(W::INPUTS == 1 || gemm.window.depth_step == 1);
        assert!(gemm.window.before <= gemm.from.base && gemm.window.above <= gemm.from.top);
        assert!(reach(&gemm.from, gemm.window.reach(gemm.width)) <= x.len());
        assert!(outputs.reach::<S>(&gemm.into) <= y.len());
        gemm.epilogue.check(&outputs, &pixels, MR);
        let (x, y) = (x.as_ptr(), y.cast::<Y>());
        let own = Product {
            tile: [MR, NV],
            window: gemm.window,
            from: gemm.from,
            into: gemm.into,
            channels: gemm.c_out,
            panel_len,
            rows: [rows.start, rows.end],
            pixels: [pixels.start, pixels.end],
            panels: [some.start, some.end],
            w: w.as_ptr().cast(),
            x: x.cast(),
        };
        // SAFETY: all extents were checked above; epilogues of bytes alone look at it.
        if unsafe { gemm.epilogue.product(simd, &own, y) } {
            return;
        }
        for panel in some {
            // SAFETY: `w` has every panel.
            let w = unsafe { w.as_ptr().add(panel * panel_len) };
            for row in rows.clone() {
                let mut next = pixels.start;
                while next < pixels.end {
                    let pixel = next.min(pixels.end - MR);
                    let tile = Tile { outputs: &outputs, panel, row, pixel };
                    // SAFETY: every address that a tile forms was checked above; of a ring every slot is inside.
                    unsafe {
                        let acc = gemm.sums(simd, (w, head), x, row, pixel);
                        gemm.epilogue.finish(simd, acc, w.cast(), y, tile);
                    }
                    next += MR;
                }
            }
        }
    }
}
