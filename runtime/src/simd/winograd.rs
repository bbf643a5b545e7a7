//! The loops of Winograd's convolution: tiles are transformed in groups, multiplied panel by panel, and transformed back.
//!
//! The tiles of an image are counted by rows, and `MR` of them are a group. A block of groups is transformed at once, into
//! `[group][point][vector of channels][MR][lanes]`; then, for each panel of weights, every point's product of every group
//! is computed, into `[point][tile][NV][lanes]`, and each tile transformed back and stored. Where `MR` does not divide the
//! tiles, the last group overlaps the one before it, and only the tiles that are new are stored.

mod transform;

use core::ops::Range;

use self::transform::{backward, forward};
use super::epilogue::{Epilogue, Outputs, Tile};
use super::registers::zeros;
use super::window::{Slide, Window, reach};
use super::{Simd, Task, Weight};
use crate::activation::Activation;
use crate::ring::Ring;

/// Products between transforms, `MR` tiles of `OUT` by `OUT` outputs x `NV` vectors at a time.
#[derive(Clone, Copy, Debug)]
pub struct Transformed<const OUT: usize, const MR: usize, const NV: usize, E = Activation> {
    /// Output rows, and pixels in each.
    pub size: [usize; 2],
    /// Zero rows above, zero columns left of the image that windows begin in.
    pub pad: [usize; 2],
    /// Input channels.
    pub c_in: usize,
    /// Output channels.
    pub c_out: usize,
    /// Where the input lies.
    pub from: Ring,
    /// Where the output lies.
    pub into: Ring,
    /// Groups of `MR` tiles that are transformed at once.
    pub groups: usize,
    /// The end of its sums.
    pub epilogue: E,
}

/// Numbers that tiles of `out` by `out` outputs work in: `groups` groups of `mr` tiles, of so many channels, by panels of
/// `nv` vectors of `lanes`.
#[inline(always)]
pub const fn scratch_len(
    [out, mr, nv]: [usize; 3],
    groups: usize,
    c_in: usize,
    lanes: usize,
) -> usize {
    let points = (out + 2) * (out + 2);
    let inputs = groups.saturating_mul(input_step(mr, c_in, lanes));
    inputs.saturating_add(sum_step(mr * nv, groups, lanes)).saturating_mul(points)
}

/// Numbers from a point of a group's inputs to the next: a vector more than it takes, so that points lie in other lines of
/// the cache.
#[inline(always)]
const fn input_step(mr: usize, c_in: usize, lanes: usize) -> usize {
    c_in.div_ceil(lanes).saturating_mul(mr * lanes).saturating_add(lanes)
}

/// Numbers from a point's sums to those of the next.
#[inline(always)]
const fn sum_step(tile: usize, groups: usize, lanes: usize) -> usize {
    groups.saturating_mul(tile * lanes).saturating_add(lanes)
}

impl<const OUT: usize, const MR: usize, const NV: usize, E> Transformed<OUT, MR, NV, E> {
    /// Computes the whole output; panics where an extent is outside its slice.
    #[inline(always)]
    pub fn run<S: Simd>(&self, simd: S, w: &[f32], x: &[f32], scratch: &mut [f32], y: &mut [f32])
    where
        E: Epilogue<S, S::F32, f32>,
    {
        let [blocks, panels] = self.counts::<S>();
        let part = [0..blocks, 0..panels];
        // SAFETY: the slice is the caller's alone.
        unsafe { self.run_at(simd, [w, x], scratch, y, part) };
    }

    /// Computes some blocks of the output that lies at `y`, and of those some panels of channels.
    ///
    /// # Safety
    /// Nobody else reads or writes that part until this returns.
    #[inline(always)]
    pub(super) unsafe fn run_at<S: Simd>(
        &self,
        simd: S,
        [w, x]: [&[f32]; 2],
        scratch: &mut [f32],
        y: *mut [f32],
        [blocks, panels]: [Range<usize>; 2],
    ) where
        E: Epilogue<S, S::F32, f32>,
    {
        simd.apart(Call { of: self, w, x, scratch, y, blocks, panels });
    }

    /// Blocks of tiles, and panels of channels.
    #[inline(always)]
    pub(super) const fn counts<S: Simd>(&self) -> [usize; 2] {
        let groups = self.tiles().div_ceil(MR);
        [groups.div_ceil(self.groups), self.c_out.div_ceil(NV * S::LANES)]
    }

    /// Numbers that it works in.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(super) const fn scratch_len<S: Simd>(&self) -> usize {
        scratch_len([OUT, MR, NV], self.groups, self.c_in, S::LANES)
    }

    /// Tiles of the image.
    #[inline(always)]
    const fn tiles(&self) -> usize {
        self.size[0].div_ceil(OUT).saturating_mul(self.size[1].div_ceil(OUT))
    }

    /// The outputs, and where they lie.
    #[inline(always)]
    pub(super) const fn outputs(&self) -> Outputs {
        Outputs { width: self.size[1], channels: self.c_out, into: self.into }
    }

    /// Panics where an extent is outside its slice.
    #[inline(always)]
    fn check<S: Simd>(&self, lens: [usize; 4], [blocks, panels]: &[Range<usize>; 2])
    where
        E: Epilogue<S, S::F32, f32>,
    {
        let [w, x, scratch, y] = lens;
        assert!((OUT == 2 || OUT == 4) && MR >= 1 && MR <= 14 && NV >= 1 && NV <= 8);
        assert!(self.groups > 0 && self.c_in > 0 && self.tiles() >= MR);
        assert!(self.size[0] < isize::MAX as usize && self.size[1] < isize::MAX as usize);
        let counts = self.counts::<S>();
        assert!(blocks.end <= counts[0] && panels.end <= counts[1]);
        assert!(w >= counts[1].saturating_mul(self.panel_len::<S>()));
        let len = scratch_len([OUT, MR, NV], self.groups, self.c_in, S::LANES);
        assert!(scratch >= len);
        let slide = Slide { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pad: self.pad };
        let window = Window::sliding(slide, &self.from, self.c_in);
        assert!(window.before <= self.from.base && window.above <= self.from.top);
        assert!(reach(&self.from, window.reach(self.size[1])) <= x);
        let outputs = self.outputs();
        assert!(outputs.reach::<S>(&self.into) <= y);
        self.epilogue.check(&outputs, &(0..self.size[1]), 1);
    }

    /// Numbers of a panel of weights.
    #[inline(always)]
    const fn panel_len<S: Simd>(&self) -> usize {
        let points = (OUT + 2) * (OUT + 2);
        self.c_in.saturating_mul(points).saturating_add(1).saturating_mul(NV * S::LANES)
    }

    /// The first tile of a group.
    #[inline(always)]
    fn first(&self, group: usize) -> usize {
        (group * MR).min(self.tiles() - MR)
    }

    /// The output row and pixel that a tile begins with.
    #[inline(always)]
    fn corner(&self, tile: usize) -> [usize; 2] {
        let across = self.size[1].div_ceil(OUT);
        [tile / across * OUT, tile % across * OUT]
    }

    /// Transforms the inputs of a tile of the image, into every `MR`th vector from `u` on of each point.
    #[inline(always)]
    unsafe fn take<S: Simd>(&self, simd: S, x: *const f32, tile: usize, u: *mut f32) {
        let [row, pixel] = self.corner(tile);
        let [height, width] = self.size;
        let ([rows, columns], whole) = ([height + 2 - row, width + 2 - pixel], OUT + 2);
        // SAFETY: rows and pixels of the image, and below and right of it those under windows of outputs, were checked.
        unsafe {
            let mut starts = [x; 6];
            for (i, start) in starts.iter_mut().enumerate().take(whole.min(rows)) {
                let slot = self.from.slot(row + i + self.from.top - self.pad[0]);
                *start = x.add(slot + pixel * self.from.pixel - self.pad[1] * self.from.pixel);
            }
            let vectors = self.c_in / S::LANES;
            for v in 0..vectors {
                let (at, u) = (v * S::LANES, u.add(v * MR * S::LANES));
                if rows >= whole && columns >= whole {
                    self.transform(simd, u, |i, j| {
                        simd.load_at(starts[i].add(j * self.from.pixel + at))
                    });
                } else {
                    self.transform(simd, u, |i, j| {
                        if i < rows && j < columns {
                            simd.load_at(starts[i].add(j * self.from.pixel + at))
                        } else {
                            simd.splat(0.0)
                        }
                    });
                }
            }
            let rest = self.c_in % S::LANES;
            if rest > 0 {
                let (at, u) = (vectors * S::LANES, u.add(vectors * MR * S::LANES));
                self.transform(simd, u, |i, j| {
                    if i < rows && j < columns {
                        simd.load_head_at(starts[i].add(j * self.from.pixel + at), rest)
                    } else {
                        simd.splat(0.0)
                    }
                });
            }
        }
    }

    /// Transforms one vector of channels of a tile.
    #[inline(always)]
    unsafe fn transform<S: Simd>(
        &self,
        simd: S,
        u: *mut f32,
        input: impl Fn(usize, usize) -> S::F32,
    ) {
        let step = input_step(MR, self.c_in, S::LANES);
        // SAFETY: these are vectors, and those that are written were checked.
        unsafe {
            let mut d = zeros::<[[S::F32; 6]; 6]>();
            unroll!(j in OUT + 2, at most 6, {
                let mut column = zeros::<[S::F32; 6]>();
                unroll!(i in OUT + 2, at most 6, { column[i] = input(i, j); });
                let column = forward::<S, OUT>(simd, column);
                unroll!(i in OUT + 2, at most 6, { d[i][j] = column[i]; });
            });
            unroll!(i in OUT + 2, at most 6, {
                let row = forward::<S, OUT>(simd, d[i]);
                unroll!(j in OUT + 2, at most 6, {
                    simd.store_at(u.add((i * (OUT + 2) + j) * step), row[j]);
                });
            });
        }
    }

    /// One point's products of a group, stored tile by tile at `m`.
    #[inline(always)]
    unsafe fn multiply<S: Simd>(&self, simd: S, w: *const f32, u: *const f32, m: *mut f32) {
        let (vectors, rest) = (self.c_in / S::LANES, self.c_in % S::LANES);
        // SAFETY: a group's inputs of one point, the panel's weights for it, and room for its sums were checked.
        unsafe {
            let mut acc = zeros::<[[S::F32; NV]; MR]>();
            let (mut w, mut u, steps) = (w, u, [S::LANES, 1]);
            for _ in 0..vectors {
                w = <f32 as Weight<S, f32>>::add_run(simd, &mut acc, u, steps, w, S::LANES);
                u = u.add(MR * S::LANES);
            }
            if rest > 0 {
                <f32 as Weight<S, f32>>::add_run(simd, &mut acc, u, steps, w, rest);
            }
            unroll!(r in MR, {
                unroll!(j in NV, {
                    simd.store_at(m.add((r * NV + j) * S::LANES), acc[r][j]);
                });
            });
        }
    }

    /// Transforms a tile of a panel's sums back, adds biases, and stores what lies in the image.
    #[inline(always)]
    unsafe fn give<S: Simd>(
        &self,
        simd: S,
        (m, bias): (*const f32, *const f32),
        y: *mut f32,
        (panel, tile): (usize, usize),
    ) where
        E: Epilogue<S, S::F32, f32>,
    {
        let step = sum_step(MR * NV, self.groups, S::LANES);
        let outputs = self.outputs();
        let [row, pixel] = self.corner(tile);
        let vectors = self.c_out.div_ceil(S::LANES);
        for j in 0..NV {
            let v = panel * NV + j;
            if v >= vectors {
                return;
            }
            // SAFETY: the panel's sums and biases, and outputs inside the image, were checked.
            unsafe {
                let bias = simd.load_at(bias.add(j * S::LANES));
                let z = self.rows_of(simd, m.add(j * S::LANES), step);
                unroll!(i in OUT, at most 4, {
                    let sums = backward::<S, OUT>(simd, z[i]);
                    let mut acc = zeros::<[[S::F32; 1]; OUT]>();
                    unroll!(k in OUT, at most 4, { acc[k][0] = simd.add(sums[k], bias); });
                    let at = Tile { outputs: &outputs, panel: v, row: row + i, pixel };
                    if row + i < self.size[0] {
                        self.store(simd, acc, y, at);
                    }
                });
            }
        }
    }

    /// The sums of a tile, by point and `step` numbers apart, transformed down their columns.
    #[inline(always)]
    unsafe fn rows_of<S: Simd>(&self, simd: S, m: *const f32, step: usize) -> [[S::F32; 6]; 4] {
        // SAFETY: these are vectors, and the caller's sums.
        unsafe {
            let mut z = zeros::<[[S::F32; 6]; 4]>();
            unroll!(j in OUT + 2, at most 6, {
                let mut column = zeros::<[S::F32; 6]>();
                unroll!(i in OUT + 2, at most 6, {
                    column[i] = simd.load_at(m.add((i * (OUT + 2) + j) * step));
                });
                let column = backward::<S, OUT>(simd, column);
                unroll!(i in OUT, at most 4, { z[i][j] = column[i]; });
            });
            z
        }
    }

    /// Stores the pixels of a tile's row that lie in the image.
    #[inline(always)]
    unsafe fn store<S: Simd>(&self, simd: S, acc: [[S::F32; 1]; OUT], y: *mut f32, at: Tile<'_>)
    where
        E: Epilogue<S, S::F32, f32>,
    {
        let left = self.size[1] - at.pixel;
        let none = core::ptr::null();
        // SAFETY: the outputs were checked; floats have no factors among their weights.
        unsafe {
            if left >= OUT {
                self.epilogue.finish(simd, acc, none, y, at);
                return;
            }
            for (k, sums) in acc.iter().enumerate().take(left) {
                let pixel = at.pixel + k;
                self.epilogue.finish(simd, [*sums], none, y, Tile { pixel, ..at });
            }
        }
    }
}

/// The arguments of one call.
struct Call<'a, E, const OUT: usize, const MR: usize, const NV: usize> {
    of: &'a Transformed<OUT, MR, NV, E>,
    w: &'a [f32],
    x: &'a [f32],
    scratch: &'a mut [f32],
    /// Of it, the part alone is this call's.
    y: *mut [f32],
    blocks: Range<usize>,
    panels: Range<usize>,
}

impl<S: Simd, E, const OUT: usize, const MR: usize, const NV: usize> Task<S>
    for Call<'_, E, OUT, MR, NV>
where
    E: Epilogue<S, S::F32, f32>,
{
    #[inline(always)]
    fn run(self, simd: S) {
        let Call { of, w, x, scratch, y, blocks, panels } = self;
        let lens = [w.len(), x.len(), scratch.len(), y.len()];
        of.check::<S>(lens, &[blocks.clone(), panels.clone()]);
        let (points, all) = ((OUT + 2) * (OUT + 2), of.tiles().div_ceil(MR));
        let step = input_step(MR, of.c_in, S::LANES);
        let sums = sum_step(MR * NV, of.groups, S::LANES);
        let (x, y, u) = (x.as_ptr(), y.cast::<f32>(), scratch.as_mut_ptr());
        for block in blocks {
            let groups = block * of.groups..((block + 1) * of.groups).min(all);
            // SAFETY: every address that is formed was checked above.
            unsafe {
                let m = u.add(of.groups * points * step);
                for (at, group) in groups.clone().enumerate() {
                    for r in 0..MR {
                        let u = u.add(at * points * step + r * S::LANES);
                        of.take(simd, x, of.first(group) + r, u);
                    }
                }
                for panel in panels.clone() {
                    let bias = w.as_ptr().add(panel * of.panel_len::<S>());
                    for point in 0..points {
                        let w = bias.add((1 + point * of.c_in) * NV * S::LANES);
                        for at in 0..groups.len() {
                            let u = u.add((at * points + point) * step);
                            of.multiply(simd, w, u, m.add(point * sums + at * MR * NV * S::LANES));
                        }
                    }
                    for (at, group) in groups.clone().enumerate() {
                        let (first, new) = (of.first(group), group * MR);
                        for tile in new..first + MR {
                            let m = m.add((at * MR + tile - first) * NV * S::LANES);
                            of.give(simd, (m, bias), y, (panel, tile));
                        }
                    }
                }
            }
        }
    }
}

#[cfg(feature = "sources")]
crate::listed::listed! {
    "simd/winograd/", "winograd/":
    "transform"
}
