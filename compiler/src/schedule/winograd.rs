//! Winograd's transforms for a dense convolution: whether they pay, of how large tiles, and how the work is cut.
//!
//! Transforms save products and cost passes over inputs and sums; their weights are more than the convolution's own, and
//! each block of tiles reads them again. Where an image has few tiles, fetching them takes the time.

use mnv2c_runtime::ring::Form;
use mnv2c_runtime::simd::winograd::scratch_len;

use crate::ir::Conv;
use crate::objective::{Objective, WinogradTiles};
use crate::schedule::place::Lowering;
use crate::schedule::{Element, Place, tile};
use crate::segment::RowBatch;
use crate::target::{Product, Target};

/// A way to compute a convolution between transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Output rows, and pixels, of a tile.
    pub(super) out: usize,
    /// Tiles and vectors of channels in registers.
    pub(super) tile: [usize; 2],
    /// Groups of tiles that are transformed at once.
    pub(super) groups: usize,
    /// Runs of blocks and of panels that threads take.
    pub(super) parts: [usize; 2],
    /// Numbers that one thread works in.
    pub(super) scratch: usize,
}

/// Parts for each thread at most.
const MOST: usize = 4;
/// The part of the direct sums' time that transforms must save.
const GAIN: usize = 6;
/// Vectors loaded, stored or computed for each point by a transform, in the time of two multiply-adds.
const PASSES: usize = 3;

/// The way that is soonest done, if it is well before direct sums of so many cycles.
pub(super) fn choose(
    lowering: &Lowering<'_>,
    conv: &Conv,
    [from, into]: [Place; 2],
    direct: usize,
) -> Option<Choice> {
    let (memory, target) = (lowering.memory, lowering.target);
    let sizes: &[usize] = match target.winograd {
        WinogradTiles::Off => &[],
        WinogradTiles::Two => &[2],
        WinogradTiles::Four => &[4],
        WinogradTiles::Auto => &[2, 4],
    };
    let is_whole = lowering.batch == RowBatch::Whole && !lowering.is_panel;
    if memory.objective != Objective::Speed || !is_whole || !is_dense(conv, from, into) {
        return None;
    }
    // The number of threads must not change answers, so it chooses nothing that does.
    let alone = Target { threads: 1, ..*target };
    let layer = |target, out| Layer { target, out, from, into };
    let all = sizes.iter().filter_map(|out| layer(&alone, *out).best());
    let (choice, cycles) = all.min_by_key(|(_, cycles)| *cycles)?;
    let asked = target.winograd != WinogradTiles::Auto;
    let pays = asked || cycles + cycles / GAIN < direct;
    if pays { layer(target, choice.out).best().map(|(choice, _)| choice) } else { None }
}

/// True if a convolution is of three by three taps of every pixel's neighbours, over floats whose channels lie side by
/// side.
fn is_dense(conv: &Conv, from: Place, into: Place) -> bool {
    let window = (conv.kernel, conv.stride, conv.dilation, conv.group);
    let beside = |place: Place| matches!(place.rows.form, Form::Nhwc | Form::Slice { .. });
    let floats = [from, into].iter().all(|place| place.element == Element::F32);
    window == ([3, 3], [1, 1], [1, 1], 1) && floats && beside(from) && beside(into)
}

/// A convolution, and the tiles that it may be computed in.
struct Layer<'a> {
    target: &'a Target,
    out: usize,
    from: Place,
    into: Place,
}

impl Layer<'_> {
    /// The cut that takes the fewest cycles, and these.
    fn best(&self) -> Option<(Choice, usize)> {
        let tiles = self.into.height.div_ceil(self.out) * self.into.rows.width.div_ceil(self.out);
        let (channels, depth) = (self.into.rows.channels, self.from.rows.channels);
        let product = Product { pixels: tiles, channels, depth, planes: false, element: 4 };
        let (tile, sums) = tile::choose_transformed(self.target, product);
        let panels = channels.div_ceil(tile[1] * self.target.isa.lanes());
        let (all, threads) = (tiles.div_ceil(tile[0]), self.target.threads);
        let runs = if threads > 1 { panels.min(MOST * threads) } else { 1 };
        let cuts = (1..=all).take_while(|groups| *groups == 1 || self.fits(tile, *groups));
        let cuts = cuts.flat_map(|groups| (1..=runs).map(move |runs| (groups, runs)));
        let each = cuts.map(|(groups, runs)| {
            let work = Work { tiles, tile, panels, sums: sums / self.target.core.multiply_adds };
            let parts = [all.div_ceil(groups), runs];
            let cycles = self.cycles(&work, groups, parts);
            let parts = if threads > 1 { parts } else { [1, 1] };
            let scratch = self.scratch(tile, groups);
            (Choice { out: self.out, tile, groups, parts, scratch }, cycles)
        });
        each.min_by_key(|(_, cycles)| *cycles)
    }

    /// Cycles in so many blocks and runs of panels.
    fn cycles(&self, work: &Work, groups: usize, [blocks, runs]: [usize; 2]) -> usize {
        let (core, lanes) = (self.target.core, self.target.isa.lanes());
        let points = (self.out + 2) * (self.out + 2);
        let some = (groups * work.tile[0]).min(work.tiles);
        let panels = work.panels.div_ceil(runs);
        let vectors = self.from.rows.channels.div_ceil(lanes) + panels * work.tile[1];
        let passes = some * vectors * points * PASSES / core.multiply_adds;
        let sums = points * work.sums * some / work.tiles * panels / work.panels;
        let bytes = points * self.from.rows.channels * panels * work.tile[1] * lanes * 4;
        let fetched = self.target.caches.map_or(0, |caches| bytes / caches.rate(bytes));
        let part = passes + sums.max(fetched) + core.part_start;
        let turns = (blocks * runs).div_ceil(self.target.threads);
        turns * part + if self.target.threads > 1 { part / MOST + core.wake } else { 0 }
    }

    /// True if what a block works in stays near.
    fn fits(&self, tile: [usize; 2], groups: usize) -> bool {
        let bytes = 4 * self.scratch(tile, groups);
        self.target.caches.is_some_and(|caches| bytes <= caches.l2_bytes / 4 * 3)
    }

    /// Numbers that a thread works in.
    fn scratch(&self, [mr, nv]: [usize; 2], groups: usize) -> usize {
        let lanes = self.target.isa.lanes();
        scratch_len([self.out, mr, nv], groups, self.from.rows.channels, lanes)
    }
}

/// The products of a convolution.
struct Work {
    /// Tiles of the image.
    tiles: usize,
    /// Tiles and vectors in registers.
    tile: [usize; 2],
    /// Panels of output channels.
    panels: usize,
    /// Cycles of one point's product.
    sums: usize,
}

#[cfg(test)]
mod tests {
    use mnv2c_runtime::ring::Rows;

    use super::*;
    use crate::schedule::Home;

    /// The tiles' side that takes the least time for a layer of so many pixels a side and channels, if it is sooner than
    /// direct sums.
    fn check(side: usize, channels: usize) -> Option<usize> {
        let target = &Target::X86_64_V4;
        let rows = Rows::nhwc(side, side, channels);
        let place = Place { home: Home::Output(0), rows, height: side, element: Element::F32 };
        let layer = |out| Layer { target, out, from: place, into: place };
        let depth = 9 * channels;
        let product = Product { pixels: side, channels, depth, planes: false, element: 4 };
        let direct = side * tile::estimate(target, product) / target.core.multiply_adds;
        let all = [2, 4].into_iter().filter_map(|out| layer(out).best());
        let (choice, cycles) = all.min_by_key(|(_, cycles)| *cycles)?;
        (cycles + cycles / GAIN < direct).then_some(choice.out)
    }

    #[test]
    fn large_images_take_large_tiles_and_many_weights_small_ones() {
        assert_eq!(check(56, 64), Some(4));
        assert_eq!(check(28, 128), Some(4));
        assert_eq!(check(7, 512), Some(2));
        assert_eq!(check(8, 3), None);
    }
}
