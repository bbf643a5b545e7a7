//! The one matrix kernel: rows of pixels times panels of weights, behind every convolution but the depthwise.
//!
//! A tile holds `MR` pixels x `NV` vectors of sums in registers, from the bias to the clamp. `run` checks all extents
//! once; the loops below it do not. A panel of weights is `NV` vectors of bias, then `NV` vectors for each input of
//! the window, or for each two, in the order of the loops: window rows, taps, depth.
//! Where `MR` does not divide the pixels, the last tile overlaps the one before it.

use super::added::Added;
use super::registers::{Bounds, numbers, zeros};
use super::window::{Window, pixel_reach, reach, tiles_fit};
use super::{Number, Simd, Task, Weight};
use crate::activation::Activation;
use crate::brain::Brain;
use crate::half::Half;
use crate::kernel::unary::unary_assign;
use crate::ring::Ring;
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
    /// What is done to sums at last.
    pub activation: Activation,
}

/// What is added to a sum before the activation.
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
    pub fn run<S: Simd, W: Weight<S, X>, X: Number, Y: Number>(
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
    unsafe fn panels_of<S: Simd, W: Weight<S, X>, X: Number, Y: Number>(
        &self,
        simd: S,
        w: *const W,
        ends: Ends<X, Y>,
        part: Part,
    ) {
        for panel in part.panels {
            // SAFETY: `w` has every panel.
            let w = unsafe { w.add(panel * self.panel_len::<S>(W::INPUTS)) };
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
    unsafe fn sums<S: Simd, W: Weight<S, X>, X: Number>(
        &self,
        simd: S,
        w: *const W,
        x: *const X,
        row: usize,
        pixel: usize,
    ) -> [[S::F32; NV]; MR] {
        let Window { row_stride, row_step, above, before, pixel_step, depth_step, .. } =
            self.window;
        let steps = [pixel_step, depth_step];
        // SAFETY: the panel and the windows are inside their slices, as the caller promised.
        unsafe {
            let bias = W::biases(simd, w);
            let mut acc = zeros::<[[S::F32; NV]; MR]>();
            unroll!(r in MR, { acc[r] = bias; });
            let mut w = w.add(NV * S::LANES);
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
            acc
        }
    }

    /// Adds the residual, does what comes last and stores one tile.
    #[inline(always)]
    unsafe fn finish<S: Simd, X: Number, Y: Number>(
        &self,
        simd: S,
        acc: [[S::F32; NV]; MR],
        ends: &Ends<X, Y>,
        place: Place,
    ) {
        let (mut acc, mut added) = (acc, ends.added);
        let clamp = self.activation.clamp();
        let bounds = Bounds::of(simd, clamp);
        if let Activation::Function(function) = self.activation {
            // SAFETY: what is added lies beside what is stored below.
            unsafe { self.add(simd, &mut acc, ends, place) };
            unary_assign(function, numbers::<S>(acc.as_flattened_mut()));
            added = Added::None;
        }
        // SAFETY: the tile's pixels and the channels below `c_out` are inside the slices.
        unsafe {
            unroll!(j in NV, {
                let v = place.panel * NV + j;
                let left = self.c_out.saturating_sub(v * S::LANES);
                if self.c_out.is_multiple_of(NV * S::LANES) || left >= S::LANES {
                    unroll!(r in MR, {
                        let into = ends.y.add(place.offset(&self.into, r, v));
                        let sum = added.onto(simd, acc[r][j], into, |ring| place.offset(ring, r, v));
                        Y::store_at(simd, into, bounds.keep(simd, clamp, sum));
                    });
                } else if !self.c_out.is_multiple_of(S::LANES) && left > 0 {
                    unroll!(r in MR, {
                        let into = ends.y.add(place.offset(&self.into, r, v));
                        let sum =
                            added.head_onto(simd, acc[r][j], into, left, |ring| place.offset(ring, r, v));
                        Y::store_head_at(simd, into, left, bounds.keep(simd, clamp, sum));
                    });
                }
            });
        }
    }

    /// Adds the residual of one tile.
    #[inline(always)]
    unsafe fn add<S: Simd, X: Number, Y: Number>(
        &self,
        simd: S,
        acc: &mut [[S::F32; NV]; MR],
        ends: &Ends<X, Y>,
        place: Place,
    ) {
        for j in 0..NV {
            let v = place.panel * NV + j;
            let left = self.c_out.saturating_sub(v * S::LANES);
            if left == 0 {
                return;
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let at = |ring: &Ring| place.offset(ring, r, v);
                // SAFETY: the tile's pixels and the channels below `c_out` are inside the slices.
                unsafe {
                    let into = ends.y.add(at(&self.into));
                    acc[j] = if left >= S::LANES {
                        ends.added.onto(simd, acc[j], into, at)
                    } else {
                        ends.added.head_onto(simd, acc[j], into, left, at)
                    };
                }
            }
        }
    }

    /// Elements of a panel: its biases and its weights, each for so many inputs.
    #[inline(always)]
    const fn panel_len<S: Simd>(&self, inputs: usize) -> usize {
        let Window { rows, taps, depth, tail, .. } = self.window;
        let (depth, tail) = (depth.div_ceil(inputs), tail.div_ceil(inputs));
        let vectors = taps.saturating_mul(depth).saturating_add(tail).saturating_mul(rows);
        vectors.saturating_add(1).saturating_mul(NV * S::LANES)
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

impl<S: Simd, W: Weight<S, X>, X: Number, Y: Number, const MR: usize, const NV: usize> Task<S>
    for Call<'_, W, X, Y, MR, NV>
{
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { gemm, w, x, y, residual, part } = self;
        assert!(MR >= 1 && MR <= 14 && NV >= 1 && NV <= 8);
        assert!(part.panels.end <= gemm.panels::<S>());
        assert!(tiles_fit(&part.pixels, MR, gemm.width));
        assert!(w.len() >= gemm.panels::<S>().saturating_mul(gemm.panel_len::<S>(W::INPUTS)));
        assert!(W::INPUTS == 1 || gemm.window.depth_step == 1);
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
