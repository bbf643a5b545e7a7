//! The attributes of operators on bytes, as text.

use std::fmt;

use super::{conv_attributes, pool_attributes};
use crate::ir::{Affine, Bounds, QPair, Quant, Requant, To};

/// What a line shows of `quant` behind its operands.
pub(super) fn attributes(quant: &Quant) -> String {
    match quant {
        Quant::Quantize(affine) | Quant::Dequantize(affine) => format!(" {affine}"),
        Quant::Unpack(unpack) if unpack.scales.len() == 1 => {
            format!(" x {} zero {}", unpack.scales[0], unpack.zeros[0])
        }
        Quant::Unpack(unpack) => format!(" {} scales along {}", unpack.scales.len(), unpack.axis),
        Quant::Flip => String::new(),
        Quant::Conv(conv) => {
            let window = conv_attributes(&conv.conv);
            let residual = conv.residual.map(|pair| format!(" then{}", pair_attributes(&pair)));
            let residual = residual.unwrap_or_default();
            format!("{window} zero {}{}{residual}", conv.x_zero, requant(&conv.requant))
        }
        Quant::Dense(dense) => format!(" zero {}{}", dense.x_zero, requant(&dense.requant)),
        Quant::Add(pair) | Quant::Mul(pair) => pair_attributes(pair),
        Quant::Average(average) => {
            format!("{} x {} y {}", pool_attributes(&average.pool), average.x, average.y)
        }
        Quant::Softmax(softmax) => {
            format!(" axis {} x {} y {}", softmax.axis, softmax.x, softmax.y)
        }
        Quant::Mean(mean) => format!(" zero {}{}", mean.x_zero, requant(&mean.requant)),
        Quant::Table(table) => format!(" {:?}..{:?}", &table[..3], &table[253..]),
    }
}

fn pair_attributes(pair: &QPair) -> String {
    format!(" a {} b {} y {}{}", pair.a, pair.b, pair.y, pair.bounds)
}

fn requant(requant: &Requant) -> String {
    let factors = requant.multipliers.iter().copied();
    let (least, most) = (factors.clone().fold(f32::MAX, f32::min), factors.fold(0.0, f32::max));
    let by = if least == most { format!("{least:e}") } else { format!("{least:e}..{most:e}") };
    match requant.to {
        To::Bytes { zero, bounds } => format!(" by {by} to {zero}{bounds}"),
        To::Floats => format!(" by {by} to f32"),
    }
}

impl fmt::Display for Affine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.scale, self.zero)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL { Ok(()) } else { write!(f, " within {}..{}", self.lo, self.hi) }
    }
}
