//! The matrix kernel for bytes: rows of pixels times panels of weights, exact sums, requantised.
//!
//! A tile holds `MR` pixels x `NV` vectors of sums in registers, from the bias to the byte. `run` checks all extents
//! once; the loops below it do not. A panel of weights is `NV` vectors of 32-bit biases, `NV` vectors of
//! [factors](crate::affine::Factor), then for every four inputs of the window `NV` vectors of weights; see [`quad`] for
//! which four. Where `MR` does not divide the pixels, the last tile overlaps the one before it.

use super::Task;
use super::dots::Dots;
use super::gemm::{Part, Place};
use super::registers::zeros;
use super::requant::{self, Factors, Steps};
use super::window::{Window, pixel_reach, reach, tiles_fit};
use crate::affine::{Levels, Pair};
use crate::ring::Ring;

/// A matrix product of bytes over rings, `MR` pixels x `NV` vectors at a time.
#[derive(Clone, Copy, Debug)]
pub struct QGemm<const MR: usize, const NV: usize> {
    /// Output pixels in a row.
    pub width: usize,
    /// Output channels.
    pub c_out: usize,
    /// Inputs of one output pixel; `depth_step` is 1.
    pub window: Window,
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// What sums become.
    pub levels: Levels,
}

/// What is added to the bytes of a convolution.
#[derive(Clone, Copy, Debug)]
pub enum QResidual<'a> {
    /// Nothing.
    None,
    /// The same row, pixel and channel of another value.
    Of(&'a [u8], Ring, Pair),
    /// What the output held before; `MR` must divide the pixels, lest some be added twice.
    InPlace(Pair),
}

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

impl<const MR: usize, const NV: usize> QGemm<MR, NV> {
    /// Panels that hold every output channel.
    #[inline(always)]
    pub const fn panels<S: Dots>(&self) -> usize {
        self.c_out.div_ceil(NV * S::LANES)
    }

    /// Computes one part of the output; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run<S: Dots>(
        &self,
        simd: S,
        w: &[u8],
        x: &[u8],
        y: &mut [u8],
        residual: QResidual<'_>,
        part: Part,
    ) {
        self.check::<S>(w, x, &part);
        assert!(reach(&self.into, self.pixel_reach::<S>(&self.into)) <= y.len());
        let end = y.as_mut_ptr();
        let added = match residual {
            QResidual::None => None,
            QResidual::Of(skip, ring, pair) => {
                assert!(reach(&ring, self.pixel_reach::<S>(&ring)) <= skip.len());
                Some((skip.as_ptr(), ring, pair))
            }
            QResidual::InPlace(pair) => {
                assert!((part.pixels.end - part.pixels.start).is_multiple_of(MR));
                Some((end.cast_const(), self.into, pair))
            }
        };
        // SAFETY: every address that the loops form was checked above; of a ring every slot is inside.
        simd.apart(unsafe { Tiles::checked(self, w, x, Bytes { y: end, added }, part) });
    }

    /// The same into floats: sums times multipliers, and no levels.
    #[inline(always)]
    pub fn run_floats<S: Dots>(&self, simd: S, w: &[u8], x: &[u8], y: &mut [f32], part: Part) {
        self.check::<S>(w, x, &part);
        assert!(reach(&self.into, self.pixel_reach::<S>(&self.into)) <= y.len());
        // SAFETY: every address that the loops form was checked above; of a ring every slot is inside.
        simd.apart(unsafe { Tiles::checked(self, w, x, Floats(y.as_mut_ptr()), part) });
    }

    #[inline(always)]
    fn check<S: Dots>(&self, w: &[u8], x: &[u8], part: &Part) {
        assert!(MR >= 1 && MR <= 14 && NV >= 1 && NV <= 8);
        assert!(self.window.depth_step == 1);
        assert!(part.panels.end <= self.panels::<S>());
        assert!(tiles_fit(&part.pixels, MR, self.width));
        assert!(w.len() >= self.panels::<S>().saturating_mul(self.panel_len::<S>()));
        assert!(self.window.before <= self.from.base && self.window.above <= self.from.top);
        assert!(reach(&self.from, self.window.reach(self.width)) <= x.len());
    }

    #[inline(always)]
    unsafe fn tiles<S: Dots>(
        &self,
        simd: S,
        w: *const u8,
        x: *const u8,
        sink: &impl Sink<S>,
        part: Part,
    ) {
        for panel in part.panels {
            // SAFETY: `w` has every panel, and each begins with its biases.
            let w = unsafe { w.add(panel * self.panel_len::<S>()) };
            for row in part.rows.clone() {
                let mut next = part.pixels.start;
                while next < part.pixels.end {
                    let pixel = next.min(part.pixels.end - MR);
                    // SAFETY: the tile's pixels are below `width`, as the caller promised.
                    unsafe {
                        let acc = self.sums(simd, w, x, row, pixel);
                        sink.finish(simd, self, acc, w, Place { panel, row, pixel });
                    }
                    next += MR;
                }
            }
        }
    }

    /// Biases plus products of one tile.
    #[inline(always)]
    unsafe fn sums<S: Dots>(
        &self,
        simd: S,
        w: *const u8,
        x: *const u8,
        row: usize,
        pixel: usize,
    ) -> [[S::I32; NV]; MR] {
        let Window { row_stride, row_step, above, before, .. } = self.window;
        // SAFETY: the panel and the windows are inside their slices, as the caller promised.
        unsafe {
            let mut acc = zeros::<[[S::I32; NV]; MR]>();
            unroll!(j in NV, {
                let bias = simd.i32s_at(w.add(4 * j * S::LANES));
                unroll!(r in MR, { acc[r][j] = bias; });
            });
            let mut w = w.add(8 * NV * S::LANES);
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

    /// Adds one run's products; returns the weights after it.
    #[inline(always)]
    unsafe fn products<S: Dots>(
        &self,
        simd: S,
        acc: &mut [[S::I32; NV]; MR],
        x: *const u8,
        w: *const u8,
        depth: usize,
    ) -> *const u8 {
        let step = self.window.pixel_step;
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

    /// Bytes of a panel: its biases, its multipliers and its weights.
    #[inline(always)]
    const fn panel_len<S: Dots>(&self) -> usize {
        let Window { rows, taps, depth, tail, .. } = self.window;
        let quads = taps.saturating_mul(depth.div_ceil(4)).saturating_add(tail.div_ceil(4));
        let quads = quads.saturating_mul(rows).saturating_mul(S::QUAD_LEN);
        quads.saturating_add(8 * S::LANES).saturating_mul(NV)
    }

    #[inline(always)]
    const fn pixel_reach<S: Dots>(&self, ring: &Ring) -> usize {
        pixel_reach(ring, self.width, self.c_out, S::LANES)
    }
}

/// The tiles of a part whose extents were checked.
struct Tiles<'a, K, const MR: usize, const NV: usize> {
    gemm: &'a QGemm<MR, NV>,
    w: *const u8,
    x: *const u8,
    sink: K,
    part: Part,
}

impl<'a, K, const MR: usize, const NV: usize> Tiles<'a, K, MR, NV> {
    #[inline(always)]
    unsafe fn checked(gemm: &'a QGemm<MR, NV>, w: &[u8], x: &[u8], sink: K, part: Part) -> Self {
        Tiles { gemm, w: w.as_ptr(), x: x.as_ptr(), sink, part }
    }
}

impl<S: Dots, K: Sink<S>, const MR: usize, const NV: usize> Task<S> for Tiles<'_, K, MR, NV> {
    #[inline(always)]
    fn run(self, simd: S) {
        // SAFETY: whoever made this has checked every address.
        unsafe { self.gemm.tiles(simd, self.w, self.x, &self.sink, self.part) }
    }
}

/// Where the sums of tiles go.
trait Sink<S: Dots> {
    /// Stores the sums of one tile of `gemm`, whose panel of weights begins at `w`.
    ///
    /// # Safety
    /// The tile's pixels and the channels below `c_out` are inside the output, and the panel in its slice.
    unsafe fn finish<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        gemm: &QGemm<MR, NV>,
        acc: [[S::I32; NV]; MR],
        w: *const u8,
        place: Place,
    );
}

/// Bytes, and what is added to them.
struct Bytes {
    y: *mut u8,
    added: Option<(*const u8, Ring, Pair)>,
}

/// Floats.
struct Floats(*mut f32);

impl<S: Dots> Sink<S> for Bytes {
    #[inline(always)]
    unsafe fn finish<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        gemm: &QGemm<MR, NV>,
        acc: [[S::I32; NV]; MR],
        w: *const u8,
        place: Place,
    ) {
        let levels = gemm.levels;
        let steps = Steps::of(simd, levels);
        // SAFETY: the tile's pixels and the channels below `c_out` are inside the slices.
        unsafe {
            unroll!(j in NV, {
                let v = place.panel * NV + j;
                let left = gemm.c_out.saturating_sub(v * S::LANES);
                let whole = gemm.c_out.is_multiple_of(NV * S::LANES) || left >= S::LANES;
                let factors = Factors::at(simd, levels, w.add(4 * (NV + j) * S::LANES));
                if whole || left > 0 {
                    unroll!(r in MR, {
                        let into = self.y.add(place.offset(&gemm.into, r, v));
                        let bytes = match self.added {
                            None => steps.of_stored_sums(simd, levels, acc[r][j], factors),
                            Some((skip, ring, pair)) => {
                                let skip = skip.add(place.offset(&ring, r, v));
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

impl<S: Dots> Sink<S> for Floats {
    #[inline(always)]
    unsafe fn finish<const MR: usize, const NV: usize>(
        &self,
        simd: S,
        gemm: &QGemm<MR, NV>,
        acc: [[S::I32; NV]; MR],
        w: *const u8,
        place: Place,
    ) {
        // SAFETY: the tile's pixels and the channels below `c_out` are inside the slice.
        unsafe {
            unroll!(j in NV, {
                let v = place.panel * NV + j;
                let left = gemm.c_out.saturating_sub(v * S::LANES);
                let factor = simd.f32s_at(w.add(4 * (NV + j) * S::LANES));
                unroll!(r in MR, {
                    let into = self.0.add(place.offset(&gemm.into, r, v));
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
