//! Epilogues of products and windows: what happens to a tile of sums in registers, and how it is stored.
//!
//! Floats end in an [`Activation`]. Sums of bytes end in [`Levels`], by floats or by integers alone, or as the reals that
//! they stand for ([`Dequantized`]). Any but the last may be [`Adding`] another value before.

use super::dots::{Dots, End, Planes, Product};
use super::registers::{Bounds, numbers};
use super::requant::{self, Factors, Steps};
use super::residual::{QResidual, Residual};
use super::window::{pixel_reach, reach};
use super::{Number, Simd};
use crate::activation::Activation;
use crate::affine::{Arithmetic, Dequantized, Levels};
use crate::kernel::unary::unary_assign;
use crate::ring::Ring;
use core::ops::Range;

/// The epilogue of a kernel: what is done to vectors of sums `T` before they are stored as `Y`.
///
/// # Safety
/// `finish` reads and writes what it is promised and nothing else.
pub unsafe trait Epilogue<S: Simd, T: Copy, Y>: Copy {
    /// Panics where what it adds is outside its slice, or would be added twice: where tiles of so many pixels overlap.
    #[inline(always)]
    fn check(&self, _outputs: &Outputs, _pixels: &Range<usize>, _tile: usize) {}

    /// Bytes of factors that a panel begins with beyond those of [`Weight::HEAD`](super::Weight::HEAD), for each vector.
    #[inline(always)]
    fn more_factors(&self) -> usize {
        0
    }

    /// The epilogue of the outputs from channel `first` on.
    #[inline(always)]
    fn of_channels_from(self, _first: usize) -> Self {
        self
    }

    /// Computes a part of a product of bytes in loops of the instruction set's own, if it has any that end so; says if it
    /// did.
    ///
    /// # Safety
    /// As below, for each tile of the part; outputs begin at `y`.
    #[inline(always)]
    unsafe fn product(&self, _simd: S, _product: &Product, _y: *mut Y) -> bool {
        false
    }

    /// Computes a part of a depthwise convolution of bytes over planes in loops of the instruction set's own, if it has any
    /// that end so; says if it did.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    unsafe fn stencil(&self, _simd: S, _planes: &Planes, _y: *mut Y) -> bool {
        false
    }

    /// Ends the sums of a tile and stores them; its panel of weights begins at `w`.
    ///
    /// # Safety
    /// The tile's pixels and channels are outputs that were checked, which begin at `y`, and the panel lies in its slice.
    unsafe fn finish<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        acc: [[T; NV]; MR],
        w: *const u8,
        y: *mut Y,
        tile: Tile<'_>,
    );
}

/// An epilogue that adds another value first.
#[derive(Clone, Copy, Debug)]
pub struct Adding<R, E> {
    /// The value that is added.
    pub residual: R,
    /// The epilogue of the sums with it.
    pub then: E,
}

/// The outputs of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// Pixels in a row.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
    /// Where they lie.
    pub into: Ring,
}

impl Outputs {
    /// One past the last element if they lie as `ring` says.
    #[inline(always)]
    pub(super) const fn reach<S: Simd>(&self, ring: &Ring) -> usize {
        reach(ring, pixel_reach(ring, self.width, self.channels, S::LANES))
    }

    /// True if no two of `rows` rows, no two of their pixels and no two vectors of channels lie in the same elements.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(super) const fn lie_apart<S: Simd>(&self, rows: usize) -> bool {
        let Self { width, channels, into: Ring { kept, row, pixel, chunk, .. } } = *self;
        let last = width.saturating_sub(1).saturating_mul(pixel);
        let beside = last.saturating_add(channels);
        let side_by_side = chunk == S::LANES && pixel >= channels && row >= beside;
        let plane = kept.saturating_sub(1).saturating_mul(row).saturating_add(last);
        let in_chunks = pixel >= S::LANES
            && row >= last.saturating_add(S::LANES)
            && chunk >= plane.saturating_add(S::LANES);
        rows <= kept && (side_by_side || in_chunks)
    }
}

/// Where a tile lies: panel of channels, output row, first pixel.
#[derive(Clone, Copy, Debug)]
pub struct Tile<'a> {
    /// The outputs that it is part of.
    pub outputs: &'a Outputs,
    /// The panel.
    pub panel: usize,
    /// The row.
    pub row: usize,
    /// The first pixel.
    pub pixel: usize,
}

impl Tile<'_> {
    /// Element of vector `v` of the tile's pixel `r`.
    #[inline(always)]
    const fn offset(self, ring: &Ring, r: usize, v: usize) -> usize {
        ring.slot(self.row + ring.top) + (self.pixel + r) * ring.pixel + v * ring.chunk
    }
}

// SAFETY: nothing is added; see below.
unsafe impl<S: Simd, Y: Number> Epilogue<S, S::F32, Y> for Activation {
    #[inline(always)]
    unsafe fn finish<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        acc: [[S::F32; NV]; MR],
        w: *const u8,
        y: *mut Y,
        tile: Tile<'_>,
    ) {
        let all = Adding { residual: Residual::None, then: *self };
        // SAFETY: the caller's promise.
        unsafe { all.finish(simd, acc, w, y, tile) }
    }
}

// SAFETY: the tile's pixels and the channels of its outputs are read and written.
unsafe impl<S: Simd, Y: Number> Epilogue<S, S::F32, Y> for Adding<Residual<'_>, Activation> {
    #[inline(always)]
    fn check(&self, outputs: &Outputs, pixels: &Range<usize>, tile: usize) {
        match self.residual {
            Residual::None => {}
            Residual::Of(skip, ring) => assert!(outputs.reach::<S>(&ring) <= skip.len()),
            Residual::OfHalf(skip, ring) => assert!(outputs.reach::<S>(&ring) <= skip.len()),
            Residual::OfBrain(skip, ring) => assert!(outputs.reach::<S>(&ring) <= skip.len()),
            Residual::InPlace => assert!((pixels.end - pixels.start).is_multiple_of(tile)),
        }
    }

    #[inline(always)]
    fn of_channels_from(self, first: usize) -> Self {
        Self { residual: self.residual.of_channels_from(first, S::LANES), ..self }
    }

    #[inline(always)]
    unsafe fn finish<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        acc: [[S::F32; NV]; MR],
        _: *const u8,
        y: *mut Y,
        tile: Tile<'_>,
    ) {
        let (mut acc, mut added) = (acc, self.residual);
        let Outputs { channels, into: ring, .. } = *tile.outputs;
        let clamp = self.then.clamp();
        let bounds = Bounds::of(simd, clamp);
        if let Activation::Function(function) = self.then {
            // SAFETY: what is added lies beside what is stored below.
            unsafe { add(simd, added, &mut acc, y, tile) };
            unary_assign(function, numbers::<S>(acc.as_flattened_mut()));
            added = Residual::None;
        }
        // SAFETY: the tile's pixels and channels are inside the slices.
        unsafe {
            unroll!(j in NV, {
                let v = tile.panel * NV + j;
                let left = channels.saturating_sub(v * S::LANES);
                if channels.is_multiple_of(NV * S::LANES) || left >= S::LANES {
                    unroll!(r in MR, {
                        let into = y.add(tile.offset(&ring, r, v));
                        let sum = added.onto(simd, acc[r][j], into, |ring| tile.offset(ring, r, v));
                        Y::store_at(simd, into, bounds.keep(simd, clamp, sum));
                    });
                } else if !channels.is_multiple_of(S::LANES) && left > 0 {
                    unroll!(r in MR, {
                        let into = y.add(tile.offset(&ring, r, v));
                        let sum =
                            added.head_onto(simd, acc[r][j], into, left, |ring| tile.offset(ring, r, v));
                        Y::store_head_at(simd, into, left, bounds.keep(simd, clamp, sum));
                    });
                }
            });
        }
    }
}

/// Adds the residual of one tile of floats.
#[inline(always)]
unsafe fn add<S: Simd, Y: Number, const MR: usize, const NV: usize>(
    simd: S,
    residual: Residual<'_>,
    acc: &mut [[S::F32; NV]; MR],
    y: *mut Y,
    tile: Tile<'_>,
) {
    for j in 0..NV {
        let v = tile.panel * NV + j;
        let left = tile.outputs.channels.saturating_sub(v * S::LANES);
        if left == 0 {
            return;
        }
        for (r, acc) in acc.iter_mut().enumerate() {
            let at = |ring: &Ring| tile.offset(ring, r, v);
            // SAFETY: the tile's pixels and channels are inside the slices.
            unsafe {
                let into = y.add(at(&tile.outputs.into));
                acc[j] = if left >= S::LANES {
                    residual.onto(simd, acc[j], into, at)
                } else {
                    residual.head_onto(simd, acc[j], into, left, at)
                };
            }
        }
    }
}

// SAFETY: nothing is added; see below.
unsafe impl<S: Dots> Epilogue<S, S::I32, u8> for Levels {
    #[inline(always)]
    fn more_factors(&self) -> usize {
        match self.arithmetic {
            Arithmetic::Float | Arithmetic::Fixed => 0,
            Arithmetic::Twice | Arithmetic::Once => 4 * S::LANES,
        }
    }

    #[inline(always)]
    unsafe fn product(&self, simd: S, product: &Product, y: *mut u8) -> bool {
        // SAFETY: the caller's promise; so below.
        unsafe { simd.product(product, &End::Bytes { y, levels: *self, added: None }) }
    }

    #[inline(always)]
    unsafe fn stencil(&self, simd: S, planes: &Planes, y: *mut u8) -> bool {
        // SAFETY: as above.
        unsafe { simd.stencil(planes, *self, y) }
    }

    #[inline(always)]
    unsafe fn finish<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        acc: [[S::I32; NV]; MR],
        w: *const u8,
        y: *mut u8,
        tile: Tile<'_>,
    ) {
        let all = Adding { residual: QResidual::None, then: *self };
        // SAFETY: the caller's promise.
        unsafe { all.finish(simd, acc, w, y, tile) }
    }
}

// SAFETY: the tile's pixels and the channels of its outputs are read and written, and its panel's factors read.
unsafe impl<S: Dots> Epilogue<S, S::I32, u8> for Adding<QResidual<'_>, Levels> {
    #[inline(always)]
    fn check(&self, outputs: &Outputs, pixels: &Range<usize>, tile: usize) {
        match self.residual {
            QResidual::None => {}
            QResidual::Of(skip, ring, _) => assert!(outputs.reach::<S>(&ring) <= skip.len()),
            QResidual::InPlace(_) => assert!((pixels.end - pixels.start).is_multiple_of(tile)),
        }
    }

    #[inline(always)]
    fn more_factors(&self) -> usize {
        Epilogue::<S, S::I32, u8>::more_factors(&self.then)
    }

    #[inline(always)]
    fn of_channels_from(self, first: usize) -> Self {
        Self { residual: self.residual.of_channels_from(first, S::LANES), ..self }
    }

    #[inline(always)]
    unsafe fn product(&self, simd: S, product: &Product, y: *mut u8) -> bool {
        let added = self.residual.at(y.cast_const(), product.into);
        // SAFETY: as above.
        unsafe { simd.product(product, &End::Bytes { y, levels: self.then, added }) }
    }

    #[inline(always)]
    unsafe fn finish<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        acc: [[S::I32; NV]; MR],
        w: *const u8,
        y: *mut u8,
        tile: Tile<'_>,
    ) {
        let Outputs { channels, into: ring, .. } = *tile.outputs;
        let (levels, steps) = (self.then, Steps::of(simd, self.then));
        let added = self.residual.at(y.cast_const(), ring);
        // SAFETY: the tile's pixels and channels are inside the slices.
        unsafe {
            unroll!(j in NV, {
                let v = tile.panel * NV + j;
                let left = channels.saturating_sub(v * S::LANES);
                let whole = channels.is_multiple_of(NV * S::LANES) || left >= S::LANES;
                let factors = w.add(4 * (NV + j) * S::LANES);
                let exponents = factors.wrapping_add(4 * NV * S::LANES);
                let factors = Factors::at(simd, levels, [factors, exponents]);
                if whole || left > 0 {
                    unroll!(r in MR, {
                        let into = y.add(tile.offset(&ring, r, v));
                        let bytes = match added {
                            None => steps.of_stored_sums(simd, levels, acc[r][j], factors),
                            Some((skip, ring, pair)) => {
                                let skip = skip.add(tile.offset(&ring, r, v));
                                let skip = if whole {
                                    simd.bytes_at(skip)
                                } else {
                                    simd.bytes_head_at(skip, left)
                                };
                                let bytes = steps.of_sums(simd, levels, acc[r][j], factors);
                                requant::add(simd, pair, bytes, skip)
                            }
                        };
                        if whole {
                            simd.store_bytes_at(into, bytes);
                        } else {
                            simd.store_bytes_head_at(into, left, bytes);
                        }
                    });
                }
            });
        }
    }
}

// SAFETY: the tile's pixels and the channels of its outputs are written, and its panel's factors read.
unsafe impl<S: Dots> Epilogue<S, S::I32, f32> for Dequantized {
    #[inline(always)]
    unsafe fn product(&self, simd: S, product: &Product, y: *mut f32) -> bool {
        // SAFETY: the caller's promise.
        unsafe { simd.product(product, &End::Reals { y }) }
    }

    #[inline(always)]
    unsafe fn finish<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        acc: [[S::I32; NV]; MR],
        w: *const u8,
        y: *mut f32,
        tile: Tile<'_>,
    ) {
        // SAFETY: the tile's pixels and channels are inside the slice.
        unsafe {
            unroll!(j in NV, {
                let v = tile.panel * NV + j;
                let left = tile.outputs.channels.saturating_sub(v * S::LANES);
                let factor = simd.f32s_at(w.add(4 * (NV + j) * S::LANES));
                unroll!(r in MR, {
                    let into = y.add(tile.offset(&tile.outputs.into, r, v));
                    let real = simd.mul(simd.to_f32(acc[r][j]), factor);
                    if left >= S::LANES {
                        simd.store_at(into, real);
                    } else if left > 0 {
                        simd.store_head_at(into, left, real);
                    }
                });
            });
        }
    }
}
