//! Quantised averages of windows.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::pool::windows;
use crate::ir::op::reads::{Bytes, Reads};
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Pooling, Streams, Traits};
use crate::ir::quant::fixed::{Fixed, nearest};
use crate::ir::quant::scale::{Affine, Arithmetic, early_breach, early_text};
use crate::ir::quant::tflite;
use crate::ir::{Dtype, Pool, PoolKind, Reducer, Values};

/// Attributes of averages: the f32 sum of the window's reals, row by row, over its f32 count, quantised.
/// [`Arithmetic::Tflite`] has those of one scale alone, over the bytes inside.
#[derive(Clone, Debug, PartialEq)]
pub struct QAverage {
    /// The window, and whether its padding counts (as zero).
    pub pool: Pool,
    /// Scale and zero point of the operand.
    pub x: Affine,
    /// Scale and zero point of the result.
    pub y: Affine,
    /// The part of the result's zero point that is added before steps are rounded: none, as in QuantizeLinear, or the
    /// zero point in the file's type, as in QLinearAveragePool. This decides how halves are rounded.
    pub early: i16,
}

impl Definition for QAverage {
    fn name(&self) -> &'static str {
        "qaverage"
    }

    fn ports(&self) -> Ports {
        Ports::BYTES
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(Dtype::U8)
    }

    fn traits(&self) -> Traits {
        let Pool { kernel, dilation, pads, .. } = &self.pool;
        let plain = *dilation == [1, 1] && *pads == [0; 4];
        Traits {
            pools: plain.then_some(Pooling { kind: Reducer::Mean, size: Some(*kernel) }),
            ..Traits::new(Layouts::Pixels, Streams::Windows(self.pool.rows()))
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        self.pool.shape_of(first(operands, self.name())?).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(averages(self, reads.arithmetic, reads.bytes(0)?, &reads.out.shape))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        let Self { pool, x, y, early } = self;
        format!("{} x {x} y {y}{}", pool.text(), early_text(*early))
    }

    fn breach(&self, _: &Site<'_>) -> Option<String> {
        early_breach(self.y, self.early)
    }
}

fn averages(average: &QAverage, by: Arithmetic, x: Bytes<'_>, out: &[usize]) -> Values {
    let pool = &average.pool;
    Values::U8(windows(pool, x, out, |bytes| {
        let count = match pool.kind {
            PoolKind::AverageWithPads => pool.kernel[0] * pool.kernel[1],
            PoolKind::Average | PoolKind::Max => bytes.len(),
        };
        match by {
            Arithmetic::Float => {
                let sum: f32 = bytes.iter().fold(0.0, |sum, q| sum + average.x.dequantize(*q));
                average.y.quantize_early(sum / count as f32, average.early)
            }
            Arithmetic::Fixed => average.fixed(bytes, count),
            Arithmetic::Tflite | Arithmetic::TfliteDense => tflite::average(bytes, count),
        }
    }))
}

impl QAverage {
    /// The steps of the operand in those of the result.
    pub fn factor(&self) -> Fixed {
        Fixed::of((self.x.scale / self.y.scale).min(f32::MAX))
    }

    /// The mean of bytes over `count`, which counts padding too where the pool does.
    pub fn fixed(&self, bytes: &[u8], count: usize) -> u8 {
        let sum = bytes.iter().map(|q| i32::from(*q) - i32::from(self.x.zero)).sum();
        nearest(self.factor().mean(sum, count), self.y.zero)
    }
}
