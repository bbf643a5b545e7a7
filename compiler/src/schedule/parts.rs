//! Parts of a product that threads take: bands of its rows, and runs of its panels of weights.
//!
//! Every band of a run of panels reads the run's weights again, and every run reads all rows again. Many small parts keep
//! threads busy to the end, but each of them has a start.

use crate::schedule::tile;
use crate::target::{Product, Target};

/// Parts for each thread at most.
const MOST: usize = 8;
/// The part of a turn's time that threads wait at the end for the last of them.
const WAITS: usize = 4;

/// Bands of `rows` rows and runs of panels in which threads compute a product soonest by a tile of so many vectors; one
/// of each where the caller's thread does best alone.
pub(super) fn parts(target: &Target, product: Product, rows: usize, vectors: usize) -> [usize; 2] {
    let alone = rows * tile::estimate(target, product) / target.core.multiply_adds;
    let panels = product.channels.div_ceil(vectors * target.isa.lanes());
    if target.threads == 1 {
        return [1, 1];
    }
    let weights = product.depth * product.channels * product.element;
    let time = |[bands, runs]: [usize; 2]| {
        let (rows_of, panels_of) = (rows.div_ceil(bands), panels.div_ceil(runs));
        let sums = alone * rows_of / rows * panels_of / panels;
        let bytes = weights * panels_of / panels;
        let fetched = target.caches.map_or(0, |caches| bytes / caches.rate(bytes));
        let part = sums + fetched + target.core.part_start;
        (bands * runs).div_ceil(target.threads) * part + part / WAITS + target.core.wake
    };
    let most = MOST * target.threads;
    let runs = |bands: usize| (1..=panels.min(most / bands)).map(move |runs| [bands, runs]);
    let each = (1..=rows.min(most)).flat_map(runs);
    let best = each.min_by_key(|parts| (time(*parts), parts[0] * parts[1]));
    best.filter(|parts| time(*parts) < alone).unwrap_or([1, 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(threads: usize, [rows, pixels, channels, depth]: [usize; 4]) -> [usize; 2] {
        let target = Target { threads, ..Target::X86_64_V4 };
        let product = Product { pixels, channels, depth, planes: false, element: 4 };
        parts(&target, product, rows, tile::choose(&target, product)[1])
    }

    #[test]
    fn large_pictures_are_cut_into_bands_and_large_weights_into_runs() {
        let [bands, runs] = check(2, [56, 56, 64, 576]);
        assert!(bands >= 4 && bands > runs, "{bands} bands, {runs} runs");
        let [bands, runs] = check(2, [7, 7, 512, 4_608]);
        assert!(bands == 1 && runs >= 4, "{bands} bands, {runs} runs");
    }

    #[test]
    fn a_small_product_stays_on_one_thread() {
        assert_eq!(check(2, [8, 8, 8, 27]), [1, 1]);
        assert_eq!(check(1, [56, 56, 64, 576]), [1, 1]);
    }
}
