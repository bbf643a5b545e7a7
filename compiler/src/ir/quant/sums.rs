//! Exact sums of products of u8 and i8, and their requantisation.

use crate::ir::Values;
use crate::ir::op::site::Site;
use crate::ir::quant::scale::{Arithmetic, Requant, To};

/// Most products in one sum: as many as cannot leave 32 bits.
pub const MAX_DEPTH: usize = (1 << 31) / (255 * 128) - 1;

/// The breach of sums of `depth` products for each of `channels`.
pub(super) fn breach(
    site: &Site<'_>,
    requant: &Requant,
    channels: usize,
    depth: usize,
) -> Option<String> {
    let factors = requant.multipliers.len();
    let bias = site.operand(2).map_or(channels, |bias| bias.tensor.len());
    if factors != channels || bias != channels {
        return Some(format!("has {factors} factors and {bias} biases for {}", site.out));
    }
    (depth > MAX_DEPTH).then(|| format!("sums {depth} products; {MAX_DEPTH} is the most"))
}

/// One product.
pub(super) fn product(x: u8, zero: u8, w: i8) -> i32 {
    (i32::from(x) - i32::from(zero)) * i32::from(w)
}

/// Sums requantised, each by its output channel.
pub(super) fn requantised(
    requant: &Requant,
    by: Arithmetic,
    sums: &[i32],
    channel: impl Fn(usize) -> usize,
) -> Values {
    let sums = sums.iter().enumerate();
    match requant.to {
        To::Bytes { zero, bounds } => Values::U8(
            sums.map(|(at, sum)| bounds.apply(requant.byte(by, *sum, channel(at), zero))).collect(),
        ),
        To::Floats => {
            Values::F32(sums.map(|(at, sum)| *sum as f32 * requant.real(channel(at))).collect())
        }
    }
}
