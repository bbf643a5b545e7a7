//! The tile of a kernel: how many pixels and vectors of channels its registers hold.
//!
//! A tile that spills runs at a fraction of the machine's peak, so only those of the runtime's catalog are chosen
//! from, which hold all they work on in registers. One that leaves pixels or vectors over wastes work, and a small one
//! waits for loads: the choice is by an estimate of cycles.

use mnv2c_runtime::catalog::{self, DepthwiseAnyTile, DepthwiseTile, GemmTile};
use mnv2c_runtime::isa::Multiplies;
use mnv2c_runtime::simd::dots::Quads;

use crate::target::{Isa, Product, Target};

/// Parts that threads take of one kernel's work at most.
const MAX_SHARES: usize = 64;
/// A tile is worth timing if its estimate is above the least by at most so great a part of it.
const NEAR: usize = 4;
/// Vectors of output channels that a tile holds at most.
pub(super) const MAX_VECTORS: usize = 8;

/// The tile that computes `product` soonest.
pub(super) fn choose(target: &Target, product: Product) -> [usize; 2] {
    best(target, product, |_| true).0
}

/// The tile that computes a product between transforms soonest, and the cycles of that, times the multiply-adds that start
/// in one.
pub(super) fn choose_transformed(target: &Target, product: Product) -> ([usize; 2], usize) {
    let tiles = fitting(target, (catalog::WINOGRAD, target.isa.of_floats()), product);
    let costs = tiles.map(|tile| ([tile.pixels, tile.vectors], cycles(target, tile, product)));
    costs.min_by_key(|(_, cycles)| *cycles).expect("every machine has a tile of one pixel")
}

/// The best tile whose pixels divide those of a row, as results that overwrite their residual need; nothing if that
/// costs more than a twentieth of the time.
pub(super) fn choose_exact(target: &Target, product: Product) -> Option<[usize; 2]> {
    let exact = |[pixels, _]: [usize; 2]| product.pixels.is_multiple_of(pixels);
    let (tile, cycles) = best(target, product, exact);
    let (_, least) = best(target, product, |_| true);
    (cycles <= least + least / 20).then_some(tile)
}

/// The best tile whose weights a tile of one pixel reads too.
pub(super) fn choose_for_strips(target: &Target, product: Product) -> [usize; 2] {
    let (tiles, isa) = matrix_tiles(target, product);
    let lanes = target.isa.lanes();
    let single = |vectors: usize| {
        let mut tiles = tiles.iter().filter(|it| (it.isa, it.lanes) == (isa, lanes));
        tiles.any(|it| (it.pixels, it.vectors) == (1, vectors))
    };
    best(target, product, |[_, vectors]| single(vectors)).0
}

/// The pixels of the tile of so many vectors that computes `product` soonest.
pub(super) fn choose_pixels(target: &Target, product: Product, vectors: usize) -> usize {
    best(target, product, |tile| tile[1] == vectors).0[0]
}

/// Cycles that `product` takes with its best tile, times the multiply-adds that start in one.
pub(super) fn estimate(target: &Target, product: Product) -> usize {
    best(target, product, |_| true).1
}

/// In how many equal shares threads had best share the pixels of `product`.
pub(super) fn shares(target: &Target, product: Product) -> usize {
    let time = |shares: &usize| {
        let part = Product { pixels: product.pixels / shares, ..product };
        (shares.div_ceil(target.threads) * estimate(target, part), *shares)
    };
    let most = if target.threads > 1 { product.pixels.min(MAX_SHARES) } else { 1 };
    let equal = (1..=most).filter(|shares| product.pixels.is_multiple_of(*shares));
    equal.min_by_key(time).unwrap_or(1)
}

/// The pixels that a depthwise tile computes along a row.
pub(super) fn choose_window(target: &Target, pixels: usize, window: SquareWindow) -> usize {
    let SquareWindow { kernel, stride, bytes } = window;
    let (tiles, isa) = if bytes {
        (catalog::QDEPTHWISE, target.isa)
    } else {
        (catalog::DEPTHWISE, target.isa.of_floats())
    };
    let fits =
        |tile: &&DepthwiseTile| (tile.isa, tile.kernel, tile.stride) == (isa, kernel, stride);
    let tiles = tiles.iter().filter(fits).map(|tile| tile.pixels);
    let most = match (target.isa.registers(), stride) {
        (32.., 1) => 7,
        (_, 1) | (32.., _) => 4,
        _ => 2,
    };
    widest(tiles.filter(|tile| *tile <= most), pixels)
}

/// The best tile for the kernel of any window.
pub(super) fn choose_any_window(target: &Target, pixels: usize, bytes: bool) -> usize {
    let (tiles, isa) = if bytes {
        (catalog::QDEPTHWISE_ANY, target.isa)
    } else {
        (catalog::DEPTHWISE_ANY, target.isa.of_floats())
    };
    let fits = |tile: &&DepthwiseAnyTile| tile.isa == isa;
    widest(tiles.iter().filter(fits).map(|tile| tile.pixels), pixels)
}

/// A depthwise window of equal sides and strides.
#[derive(Clone, Copy, Debug)]
pub(super) struct SquareWindow {
    /// Rows, and columns.
    pub(super) kernel: usize,
    /// Input rows, and columns, from an output to the next.
    pub(super) stride: usize,
    /// True if inputs are bytes.
    pub(super) bytes: bool,
}

fn best(
    target: &Target,
    product: Product,
    allows: impl Fn([usize; 2]) -> bool,
) -> ([usize; 2], usize) {
    let lanes = target.isa.lanes();
    let (tiles, isa) = matrix_tiles(target, product);
    let is_bytes = product.element == 1;
    // Widening takes a register, and where none is left, sums are spilled in the innermost loop.
    let widens = product.element == 2 && !by_pairs(target, product);
    let spills = |tile: &GemmTile| widens && tile.registers() >= isa.registers();
    let fits = |tile: &&GemmTile| {
        (tile.isa, tile.lanes) == (isa, lanes)
            && !spills(tile)
            && tile.pixels <= product.pixels
            && allows([tile.pixels, tile.vectors])
    };
    let cost = if is_bytes { cycles_of_bytes } else { cycles };
    let costs = tiles.iter().filter(fits).map(|tile| {
        let cycles = cost(target, tile, product);
        ([tile.pixels, tile.vectors], cycles)
    });
    let least = costs.clone().min_by_key(|(_, cycles)| *cycles);
    let (tile, cycles) = least.expect("every machine has a tile of one pixel");
    let Some(tuning) = target.tuning else { return (tile, cycles) };
    let mut near: Vec<_> = costs.filter(|(_, it)| *it <= cycles + cycles / NEAR).collect();
    near.sort_by_key(|(_, cycles)| *cycles);
    let near: Vec<[usize; 2]> = near.into_iter().map(|(tile, _)| tile).collect();
    (tuning.pick(&product, &near).unwrap_or(tile), cycles)
}

/// Those of some tiles that hold no more pixels than `product` has.
fn fitting<'a>(
    target: &Target,
    (tiles, isa): (&'a [GemmTile], Isa),
    product: Product,
) -> impl Iterator<Item = &'a GemmTile> {
    let of = (isa, target.isa.lanes());
    tiles.iter().filter(move |tile| (tile.isa, tile.lanes) == of && tile.pixels <= product.pixels)
}

/// The tiles that there are for `product`, and the instructions that they use.
fn matrix_tiles(target: &Target, product: Product) -> (&'static [GemmTile], Isa) {
    if product.element == 1 {
        (catalog::QGEMM, target.isa)
    } else {
        (catalog::GEMM, target.isa.of_floats())
    }
}

/// True if inputs are multiplied two at a time, in one instruction that a sum waits six cycles for.
fn by_pairs(target: &Target, product: Product) -> bool {
    target.isa.has_pairs() && product.element == 2 && !product.planes
}

/// Times of a multiply-add (a part of a cycle where several start in one): as many loads start, and a sum waits for
/// itself. A vector of weights counts as two loads, as it comes from a farther cache than the inputs. Storing a vector
/// and clamping it takes one more cycle.
fn cycles(target: &Target, tile: &GemmTile, product: Product) -> usize {
    let (mr, nv) = (tile.pixels, tile.vectors);
    let (core, each) = (target.core, target.core.multiply_adds);
    let loads = match target.isa.multiplies() {
        Multiplies::ByLane if !product.planes => mr.div_ceil(4) + 2 * nv,
        Multiplies::ByLane | Multiplies::FromMemory | Multiplies::Apart => mr + 2 * nv,
    };
    let (depth, latency) = if by_pairs(target, product) {
        (product.depth.div_ceil(2), core.pair_latency)
    } else {
        (product.depth, core.latency)
    };
    let step = (mr * nv).max(loads).max(latency * each);
    let finish = each * (mr * nv + core.tile_start);
    let vectors = product.channels.div_ceil(tile.lanes);
    let tiles = product.pixels.div_ceil(mr) * vectors.div_ceil(nv);
    let far = if product.planes && mr > 8 { product.depth * mr / 2 } else { 0 };
    tiles * (depth * step + finish + far)
}

/// Cycles of a product of bytes: four inputs of a sum at a time, in one instruction or in two products and two additions
/// (NEON: four multiply-adds). Requantising a sum costs several instructions.
fn cycles_of_bytes(target: &Target, tile: &GemmTile, product: Product) -> usize {
    let (mr, nv) = (tile.pixels, tile.vectors);
    let (step, finish) = match target.isa.quads() {
        Quads::Bytes => ((mr * nv).max(mr + 2 * nv), 4),
        Quads::Pairs => (2 * mr * nv + mr, 8),
        Quads::Lanes => (4 * mr * nv, 8),
    };
    let vectors = product.channels.div_ceil(tile.lanes);
    let tiles = product.pixels.div_ceil(mr) * vectors.div_ceil(nv);
    let (core, each) = (target.core, target.core.multiply_adds);
    let sums = product.depth.div_ceil(4) * step.max(core.latency * each);
    tiles * (sums + finish * mr * nv + core.tile_start * each)
}

/// The widest tile that divides `pixels`, if it is not much narrower than the widest that fits.
fn widest(tiles: impl Iterator<Item = usize>, pixels: usize) -> usize {
    let fits: Vec<usize> = tiles.filter(|tile| *tile <= pixels).collect();
    let most = fits.iter().copied().max().expect("every machine has a tile of one pixel");
    let exact = fits.into_iter().filter(|tile| pixels.is_multiple_of(*tile)).max();
    exact.filter(|tile| tile * 2 > most).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(isa: Isa) -> Target {
        *crate::target::TARGETS.iter().find(|target| target.isa == isa).unwrap()
    }

    fn check(isa: Isa, [pixels, depth, channels]: [usize; 3], tiles: &[[usize; 2]]) {
        let product = Product { pixels, channels, depth, planes: false, element: 4 };
        let tile = choose(&target(isa), product);
        assert!(tiles.contains(&tile), "{isa:?} {pixels}x{depth}x{channels}: {tile:?}");
    }

    #[test]
    fn tiles_are_those_that_measure_best() {
        check(Isa::Avx512, [12_544, 16, 96], &[[7, 3], [14, 2], [8, 3]]);
        check(Isa::Avx512, [196, 384, 64], &[[14, 2], [7, 2], [7, 4]]);
        check(Isa::Avx512, [49, 160, 960], &[[7, 3]]);
        check(Isa::Avx2, [3_136, 24, 144], &[[6, 2], [4, 3]]);
        check(Isa::Avx2, [49, 160, 960], &[[5, 2]]);
        check(Isa::Neon, [196, 96, 576], &[[7, 3], [7, 2], [4, 4], [8, 2]]);
        check(Isa::NeonDot, [196, 96, 576], &[[7, 3], [7, 2], [4, 4], [8, 2]]);
    }

    #[test]
    fn a_tile_that_divides_the_row_is_given_up_where_it_is_slow() {
        let product = Product { pixels: 49, channels: 160, depth: 960, planes: false, element: 4 };
        assert_eq!(choose_exact(&target(Isa::Avx2), product), None);
        assert!(choose_exact(&target(Isa::Avx512), product).is_some());
        let product =
            Product { pixels: 1, channels: 1_000, depth: 1_280, planes: false, element: 4 };
        assert_eq!(choose(&target(Isa::Avx512), product)[0], 1);
    }
}
