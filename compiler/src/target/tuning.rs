//! Tiles that were timed on one machine, for kernels whose time an estimate does not settle.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The product that a matrix kernel computes in one call: all that its best tile depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Product {
    /// Pixels of a row.
    pub pixels: usize,
    /// Output channels.
    pub channels: usize,
    /// Products of a sum.
    pub depth: usize,
    /// True if inputs lie in planes, so that nearby inputs of a pixel are not nearby in memory.
    pub planes: bool,
    /// Bytes of an input, or of an output if it has fewer.
    pub element: usize,
}

/// The tile that each product had best be computed with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuning {
    /// Pixels and vectors of the tiles that were timed.
    pub tiles: BTreeMap<Product, [usize; 2]>,
    /// The rank of the tile that is taken where nothing was timed: 0 for the best estimate, 1 for the next, and so on.
    pub rank: usize,
}

impl Tuning {
    /// One of `candidates` for `product`, which come in the order of their estimates; nothing if the tile that was
    /// timed is none of them.
    pub fn pick(&self, product: &Product, candidates: &[[usize; 2]]) -> Option<[usize; 2]> {
        match self.tiles.get(product) {
            Some(tile) => candidates.contains(tile).then_some(*tile),
            None => candidates.get(self.rank).copied(),
        }
    }
}
