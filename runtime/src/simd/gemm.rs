//! The one matrix kernel: rows of pixels times panels of weights, behind every convolution but the depthwise.
//!
//! A tile holds `MR` pixels x `NV` vectors of sums in registers, from the bias to the clamp. `run` checks all extents
//! once; the loops below it do not. A panel of weights is `NV` vectors of bias, then `NV` vectors for each input of
//! the window, in the order of the loops: window rows, taps, depth.
//! Where `MR` does not divide the pixels, the last tile overlaps the one before it.

use super::added::Added;
use super::near::{NEAR, fills_registers, some_of, widen};
use super::window::{Window, pixel_reach};
use super::{Bounds, Number, Simd, Task, reach, vectors, zeros};
use crate::brain::Brain;
use crate::clamp::Clamp;
use crate::half::Half;
use crate::ring::Ring;
use core::mem::MaybeUninit;
use core::ops::Range;

/// A matrix product over rings, `MR` pixels x `NV` vectors at a time.
#[derive(Clone, Copy, Debug)]
pub struct Gemm<const MR: usize, const NV: usize> {
    /// Output pixels in a row.
    pub width: usize,
    /// Output channels.
    pub c_out: usize,
    /// Inputs of one output pixel.
    pub window: Window,
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// Bounds of the output.
    pub clamp: Clamp,
}

/// What is added to a sum before the clamp.
#[derive(Clone, Copy, Debug)]
pub enum Residual<'a> {
    /// Nothing.
    None,
    /// The same row, pixel and channel of another value.
    Of(&'a [f32], Ring),
    /// The same of halves.
    OfHalf(&'a [Half], Ring),
    /// The same of brain floats.
    OfBrain(&'a [Brain], Ring),
    /// What the output held before; `MR` must divide the pixels, lest some be added twice.
    InPlace,
}

/// The part of the output that a call computes.
#[derive(Clone, Debug)]
pub struct Part {
    /// Output rows.
    pub rows: Range<usize>,
    /// Pixels of each row: at least `MR`.
    pub pixels: Range<usize>,
    /// Panels of weights, each `NV` vectors of output channels.
    pub panels: Range<usize>,
}

impl<const MR: usize, const NV: usize> Gemm<MR, NV> {
    /// Panels that hold every output channel.
    #[inline(always)]
    pub const fn panels<S: Simd>(&self) -> usize {
        self.c_out.div_ceil(NV * S::LANES)
    }

    /// Computes one part of the output; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run<S: Simd, W: Number, X: Number, Y: Number>(
        &self,
        simd: S,
        w: &[W],
        x: &[X],
        y: &mut [Y],
        residual: Residual<'_>,
        part: Part,
    ) {
        simd.apart(Call { gemm: self, w, x, y, residual, part });
    }

    #[inline(always)]
    unsafe fn panels_of<S: Simd, W: Number, X: Number, Y: Number>(
        &self,
        simd: S,
        w: *const W,
        ends: Ends<X, Y>,
        part: Part,
    ) {
        for panel in part.panels {
            // SAFETY: `w` has every panel.
            let w = unsafe { w.add(panel * self.panel_len::<S>()) };
            for row in part.rows.clone() {
                let mut next = part.pixels.start;
                while next < part.pixels.end {
                    let pixel = next.min(part.pixels.end - MR);
                    // SAFETY: the tile's pixels are below `width`, as the caller promised.
                    unsafe {
                        let acc = self.sums(simd, w, ends.x, row, pixel);
                        self.finish(simd, acc, &ends, Place { panel, row, pixel });
                    }
                    next += MR;
                }
            }
        }
    }

    /// Biases plus products of one tile.
    #[inline(always)]
    unsafe fn sums<S: Simd, W: Number, X: Number>(
        &self,
        simd: S,
        w: *const W,
        x: *const X,
        row: usize,
        pixel: usize,
    ) -> [[S::F32; NV]; MR] {
        let Window { row_stride, row_step, above, before, .. } = self.window;
        // SAFETY: the panel and the windows are inside their slices, as the caller promised.
        unsafe {
            let bias = vectors::<S, W, NV>(simd, w);
            let mut acc = zeros::<[[S::F32; NV]; MR]>();
            unroll!(r in MR, { acc[r] = bias; });
            let mut w = w.add(NV * S::LANES);
            for ky in 0..self.window.rows {
                let row = row * row_stride + ky * row_step + self.from.top - above;
                let start = self.from.slot(row) + pixel * self.window.pixel_step - before;
                let mut x = x.add(start);
                for _ in 0..self.window.taps {
                    w = self.products(simd, &mut acc, x, w, self.window.depth);
                    x = x.wrapping_add(self.window.tap_step);
                }
                if self.window.tail > 0 {
                    w = self.products(simd, &mut acc, x, w, self.window.tail);
                }
            }
            acc
        }
    }

    /// Adds one run's products; returns the weights after it. Inputs that are splat one by one are widened before.
    #[inline(always)]
    unsafe fn products<S: Simd, W: Number, X: Number>(
        &self,
        simd: S,
        acc: &mut [[S::F32; NV]; MR],
        x: *const X,
        w: *const W,
        depth: usize,
    ) -> *const W {
        let Window { pixel_step, depth_step, .. } = self.window;
        let steps = [pixel_step, depth_step];
        let (mut k, mut w) = (0, w);
        // SAFETY: `depth` numbers of each pixel's run and as many rows of weights are inside their slices.
        unsafe {
            if X::IS_F32 || (S::BY_LANE && depth_step == 1) {
                return Self::run_of(simd, acc, x, steps, w, depth);
            }
            let mut near = MaybeUninit::<[[f32; NEAR]; MR]>::uninit();
            let (near, some) = (near.as_mut_ptr().cast::<f32>(), some_of(depth));
            while k < depth {
                let len = if depth.is_multiple_of(some) { some } else { some.min(depth - k) };
                for r in 0..MR {
                    let x = x.add(r * pixel_step + k * depth_step);
                    widen(simd, x, depth_step, near.add(r * NEAR), len);
                }
                w = Self::run_of(simd, acc, near.cast_const(), [NEAR, 1], w, len);
                k += len;
            }
        }
        w
    }

    /// The products of `depth` numbers of each pixel, whose steps are from a pixel and from a number to the next.
    #[inline(always)]
    unsafe fn run_of<S: Simd, W: Number, X: Number>(
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

    /// Adds the residual, clamps and stores one tile.
    #[inline(always)]
    unsafe fn finish<S: Simd, X: Number, Y: Number>(
        &self,
        simd: S,
        acc: [[S::F32; NV]; MR],
        ends: &Ends<X, Y>,
        place: Place,
    ) {
        let bounds = Bounds::of(simd, self.clamp);
        // SAFETY: the tile's pixels and the channels below `c_out` are inside the slices.
        unsafe {
            unroll!(j in NV, {
                let v = place.panel * NV + j;
                let left = self.c_out.saturating_sub(v * S::LANES);
                if self.c_out.is_multiple_of(NV * S::LANES) || left >= S::LANES {
                    unroll!(r in MR, {
                        let into = ends.y.add(place.offset(&self.into, r, v));
                        let sum = ends.added.onto(simd, acc[r][j], into, |ring| place.offset(ring, r, v));
                        Y::store_at(simd, into, bounds.keep(simd, self.clamp, sum));
                    });
                } else if !self.c_out.is_multiple_of(S::LANES) && left > 0 {
                    unroll!(r in MR, {
                        let into = ends.y.add(place.offset(&self.into, r, v));
                        let sum =
                            ends.added.head_onto(simd, acc[r][j], into, left, |ring| place.offset(ring, r, v));
                        Y::store_head_at(simd, into, left, bounds.keep(simd, self.clamp, sum));
                    });
                }
            });
        }
    }

    /// Elements of a panel: its biases and its weights.
    #[inline(always)]
    const fn panel_len<S: Simd>(&self) -> usize {
        let Window { rows, taps, depth, tail, .. } = self.window;
        let inputs = taps.saturating_mul(depth).saturating_add(tail).saturating_mul(rows);
        inputs.saturating_add(1).saturating_mul(NV * S::LANES)
    }

    #[inline(always)]
    const fn pixel_reach<S: Simd>(&self, ring: &Ring) -> usize {
        pixel_reach(ring, self.width, self.c_out, S::LANES)
    }
}

/// What a product is told on one call.
struct Call<'a, W, X, Y, const MR: usize, const NV: usize> {
    gemm: &'a Gemm<MR, NV>,
    w: &'a [W],
    x: &'a [X],
    y: &'a mut [Y],
    residual: Residual<'a>,
    part: Part,
}

impl<S: Simd, W: Number, X: Number, Y: Number, const MR: usize, const NV: usize> Task<S>
    for Call<'_, W, X, Y, MR, NV>
{
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { gemm, w, x, y, residual, part } = self;
        assert!(MR >= 1 && MR <= 14 && NV >= 1 && NV <= 8);
        assert!(part.panels.end <= gemm.panels::<S>());
        assert!(part.pixels.end <= gemm.width && part.pixels.start + MR <= part.pixels.end);
        assert!(w.len() >= gemm.panels::<S>().saturating_mul(gemm.panel_len::<S>()));
        assert!(gemm.window.before <= gemm.from.base && gemm.window.above <= gemm.from.top);
        assert!(reach(&gemm.from, gemm.window.reach(gemm.width)) <= x.len());
        assert!(reach(&gemm.into, gemm.pixel_reach::<S>(&gemm.into)) <= y.len());
        let added = match residual {
            Residual::None => Added::None,
            Residual::Of(skip, ring) => {
                assert!(reach(&ring, gemm.pixel_reach::<S>(&ring)) <= skip.len());
                Added::Of(skip.as_ptr(), ring)
            }
            Residual::OfHalf(skip, ring) => {
                assert!(reach(&ring, gemm.pixel_reach::<S>(&ring)) <= skip.len());
                Added::OfHalf(skip.as_ptr(), ring)
            }
            Residual::OfBrain(skip, ring) => {
                assert!(reach(&ring, gemm.pixel_reach::<S>(&ring)) <= skip.len());
                Added::OfBrain(skip.as_ptr(), ring)
            }
            Residual::InPlace => {
                assert!((part.pixels.end - part.pixels.start).is_multiple_of(MR));
                Added::InPlace
            }
        };
        let ends = Ends { x: x.as_ptr(), y: y.as_mut_ptr(), added };
        // SAFETY: every address that the loops form was checked above; of a ring every slot is inside.
        unsafe { gemm.panels_of(simd, w.as_ptr(), ends, part) }
    }
}

/// First elements of the slices of one call.
#[derive(Clone, Copy)]
struct Ends<X, Y> {
    x: *const X,
    y: *mut Y,
    added: Added,
}

/// Where a tile's output lies.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) panel: usize,
    pub(super) row: usize,
    pub(super) pixel: usize,
}

impl Place {
    /// Element of vector `v` of the tile's pixel `r`.
    #[inline(always)]
    pub(super) const fn offset(self, ring: &Ring, r: usize, v: usize) -> usize {
        ring.slot(self.row + ring.top) + (self.pixel + r) * ring.pixel + v * ring.chunk
    }
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
