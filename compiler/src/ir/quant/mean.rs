//! Quantised means of whole images.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::{Bytes, Reads};
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Pooling, Streams, Traits};
use crate::ir::quant::scale::{Affine, Arithmetic, Bounds, Requant, To};
use crate::ir::quant::sums::{self, requantised};
use crate::ir::quant::tflite::Twice;
use crate::ir::{Dtype, Reducer, Values};

/// Attributes of means: the sum of `x - x_zero`, requantised with one multiplier, which [`Arithmetic::Tflite`] divides by
/// the number of bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct QMean {
    /// The zero point of x.
    pub x_zero: u8,
    /// The requantisation of the sums.
    pub requant: Requant,
}

impl QMean {
    /// The mean of `len` bytes of scale `x`, on scale `y`.
    pub fn new(x: Affine, y: Affine, len: usize) -> Self {
        let to = To::Bytes { zero: y.zero, bounds: Bounds::ALL };
        let multipliers = vec![f64::from(x.scale / (y.scale * len as f32))];
        Self { x_zero: x.zero, requant: Requant::new(multipliers, to) }
    }

    /// The mean of bytes of scale `x`, on scale `y`, for [`Arithmetic::Tflite`].
    pub fn twice(x: Affine, y: Affine) -> Self {
        let to = To::Bytes { zero: y.zero, bounds: Bounds::ALL };
        let multipliers = vec![f64::from(x.scale) / f64::from(y.scale)];
        Self { x_zero: x.zero, requant: Requant::new(multipliers, to) }
    }

    /// The factor of a sum of `len` bytes for [`Arithmetic::Tflite`].
    pub fn factor(&self, len: usize) -> Twice {
        Twice::of(self.requant.multipliers[0]).over(len)
    }
}

impl Definition for QMean {
    fn name(&self) -> &'static str {
        "qmean"
    }

    fn ports(&self) -> Ports {
        Ports::BYTES
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(self.requant.to.dtype())
    }

    fn traits(&self) -> Traits {
        let bytes = self.requant.to != To::Floats;
        Traits {
            pools: bytes.then_some(Pooling { kind: Reducer::Mean, size: None }),
            ..Traits::new(Layouts::Pixels, Streams::Pooled)
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        match first(operands, self.name())? {
            &[n, c, _, _] => Ok(Some(vec![n, c, 1, 1])),
            x => Err(format!("qmean needs a rank-4 input, has {x:?}")),
        }
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(means(self, reads.arithmetic, reads.bytes(0)?))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        format!(" zero {}{}", self.x_zero, self.requant.text())
    }

    fn breach(&self, site: &Site<'_>) -> Option<String> {
        sums::breach(site, &self.requant, 1, 1)
    }
}

fn means(mean: &QMean, by: Arithmetic, x: Bytes<'_>) -> Values {
    let len: usize = x.shape[2..].iter().product();
    let sum = |plane: &[u8]| {
        let exact = |sum: i32, q: &u8| sum.wrapping_add(i32::from(*q) - i32::from(mean.x_zero));
        plane.iter().fold(0, exact)
    };
    let sums: Vec<i32> = x.values.chunks_exact(len.max(1)).map(sum).collect();
    if let (To::Bytes { zero, bounds }, Arithmetic::Tflite) = (mean.requant.to, by) {
        let factor = mean.factor(len);
        let bytes = sums.into_iter().map(|sum| bounds.apply(factor.byte(sum, zero)));
        return Values::U8(bytes.collect());
    }
    requantised(&mean.requant, by, &sums, |_| 0)
}
