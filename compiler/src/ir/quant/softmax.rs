//! Softmax between bytes and bytes; in integers, if not those of [`tflite`], it is
//!
//! ```text
//! e[d]     = rint(exp(-d * x.scale) * 2^30)         of a byte d steps below the greatest of its row
//! by       = floor(m * 2^37 / sum of e)              m * 2^-s is the f32 nearest to 1 / y.scale
//! steps    = floor((e * by + 2^(t-1)) / 2^t)         t = s + 37, at most 62
//! ```
//! A power is off by 2^-31 of the greatest and `by` by less than one, so steps are off by less than a 2^7th and what
//! `e` leaves of a step: bytes are at most one step from those of floats.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::{Bytes, Floats, Reads};
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::quant::fixed::{Fixed, nearest};
use crate::ir::quant::scale::{Affine, Arithmetic};
use crate::ir::quant::tflite::softmax as tflite;
use crate::ir::{Dtype, Softmax, Values};

/// Attributes of a quantised softmax.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QSoftmax {
    /// The dimension that sums to one.
    pub axis: usize,
    /// Scale and zero point of the operand.
    pub x: Affine,
    /// Scale and zero point of the result.
    pub y: Affine,
}

/// Bits behind the point of a power.
const POWER: i32 = 30;
/// Bits by which the factor is moved up before it is divided by a sum.
const ROOM: u32 = 37;
/// So great a shift leaves less than half a step of every share.
const MOST_SHIFT: u32 = 62;
/// The least step of a result that integers can tell from its neighbours.
const FINEST: f32 = 1.0 / (1 << 22) as f32;

impl QSoftmax {
    /// True if an arithmetic of integers has it: the steps of its result are coarse enough, or those of TensorFlow Lite.
    pub fn is_whole(&self, by: Arithmetic) -> bool {
        let near = |scale: f32, of: f32| (scale - of).abs() <= of / 1000.0;
        match by {
            Arithmetic::Float => false,
            Arithmetic::Fixed => self.y.scale >= FINEST,
            Arithmetic::Tflite | Arithmetic::TfliteDense => {
                self.y.zero == 0 && near(self.y.scale, 1.0 / 256.0) && tflite::takes(self.x.scale)
            }
        }
    }

    /// The power of a byte by its distance from the greatest.
    pub fn powers(&self, by: Arithmetic) -> [u32; 256] {
        match by {
            Arithmetic::Float | Arithmetic::Fixed => self.fixed_powers(),
            Arithmetic::Tflite | Arithmetic::TfliteDense => tflite::powers(self.x.scale),
        }
    }

    fn fixed_powers(&self) -> [u32; 256] {
        let scale = f64::from(self.x.scale);
        std::array::from_fn(|d| {
            ((-(d as f64) * scale).exp() * f64::from(POWER).exp2()).round() as u32
        })
    }

    /// Steps of the result in one.
    pub fn factor(&self) -> Fixed {
        Fixed::of(self.y.scale.recip().min(f32::MAX))
    }

    /// The shares of a row without floats.
    pub fn fixed(&self, powers: &[u32; 256], row: &[u8]) -> Vec<u8> {
        let Fixed { mantissa, shift } = self.factor();
        let shift = (shift + ROOM).min(MOST_SHIFT);
        let most = row.iter().max().copied().unwrap_or_default();
        let power = |q: &u8| u64::from(powers[usize::from(most - q)]);
        let sum: u64 = row.iter().map(power).sum();
        let by = (u64::from(mantissa) << ROOM) / sum.max(1);
        let steps = |q: &u8| (power(q) * by + (1 << (shift - 1))) >> shift;
        row.iter().map(|q| nearest(steps(q) as i64, self.y.zero)).collect()
    }
}

impl Definition for QSoftmax {
    fn name(&self) -> &'static str {
        "qsoftmax"
    }

    fn ports(&self) -> Ports {
        Ports::BYTES
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(Dtype::U8)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Alike, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(shares(self, reads.arithmetic, reads.bytes(0)?))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        self.axis != 0
    }

    fn attributes(&self) -> String {
        format!(" axis {} x {} y {}", self.axis, self.x, self.y)
    }

    fn breach(&self, site: &Site<'_>) -> Option<String> {
        let out = site.out;
        (self.axis >= out.shape.len()).then(|| format!("has no dimension {} in {out}", self.axis))
    }
}

fn shares(softmax: &QSoftmax, by: Arithmetic, x: Bytes<'_>) -> Values {
    let QSoftmax { axis, x: from, y: to } = *softmax;
    if by == Arithmetic::Float {
        let reals: Vec<f32> = x.values.iter().map(|q| from.dequantize(*q)).collect();
        let reals = Floats { shape: x.shape, values: &reals };
        let shares = Softmax { axis, log: false }.shares(reals);
        return Values::U8(shares.into_iter().map(|x| to.quantize(x)).collect());
    }
    let (len, powers) = (x.shape[axis], softmax.powers(by));
    let inner: usize = x.shape[axis + 1..].iter().product();
    let mut y = x.values.to_vec();
    for block in y.chunks_exact_mut((len * inner).max(1)) {
        for first in 0..inner {
            let row: Vec<u8> = (0..len).map(|i| block[first + i * inner]).collect();
            let row = match by {
                Arithmetic::Float | Arithmetic::Fixed => softmax.fixed(&powers, &row),
                Arithmetic::Tflite | Arithmetic::TfliteDense => tflite::shares(&powers, &row),
            };
            for (i, q) in row.into_iter().enumerate() {
                block[first + i * inner] = q;
            }
        }
    }
    Values::U8(y)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// The row as floats compute it, in the order of the oracle.
    fn floats(softmax: &QSoftmax, row: &[u8]) -> Vec<u8> {
        let x: Vec<f32> = row.iter().map(|q| softmax.x.dequantize(*q)).collect();
        let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = x.iter().map(|x| (x - most).exp()).sum();
        x.iter().map(|x| softmax.y.quantize((x - most).exp() / sum)).collect()
    }

    fn check(softmax: &QSoftmax, row: &[u8]) {
        let (floats, fixed) = (floats(softmax, row), softmax.fixed(&softmax.fixed_powers(), row));
        for (float, fixed) in floats.iter().zip(&fixed) {
            assert!(float.abs_diff(*fixed) <= 1, "{softmax:?}: {float} {fixed}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn shares_are_within_a_step_of_floats(
            row in vec(any::<u8>(), 1..=1001),
            (from, to) in (-14.0..3.0_f32, -22.0..2.0_f32),
            zeros: [u8; 2],
            spread in 0..8_u32,
        ) {
            let x = Affine { scale: from.exp2(), zero: zeros[0] };
            let y = Affine { scale: to.exp2(), zero: zeros[1] };
            let row: Vec<u8> = row.iter().map(|q| q >> spread).collect();
            check(&QSoftmax { axis: 0, x, y }, &row);
        }
    }

    #[test]
    fn rows_at_the_ends_are_within_a_step_of_floats() {
        for x in [f32::MIN_POSITIVE, 0.1, 1e30] {
            for y in [FINEST, 1.0 / 256.0, 1.0, f32::MAX] {
                let affine = |scale, zero| Affine { scale, zero };
                let softmax = QSoftmax { axis: 0, x: affine(x, 0), y: affine(y, 0) };
                for row in [vec![0], vec![255], vec![7; 1001], (0..=255).collect()] {
                    check(&softmax, &row);
                }
            }
        }
    }

    #[test]
    fn shares_sum_to_one() {
        let affine = |scale, zero| Affine { scale, zero };
        let softmax = QSoftmax { axis: 0, x: affine(1.0, 0), y: affine(1.0 / 256.0, 10) };
        let shares = softmax.fixed(&softmax.fixed_powers(), &[5, 5, 4, 0]);
        // 0.4211, 0.4211, 0.1549, 0.0028 of 256.
        assert_eq!(shares, [118, 118, 50, 11]);
        let one = QSoftmax { y: affine(1.0 / 256.0, 0), ..softmax };
        assert_eq!(one.fixed(&one.fixed_powers(), &[9]), [255]);
    }
}
