//! Any function of one byte, as the table of its values.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::quant::scale::Affine;
use crate::ir::{Dtype, Values};

/// The values of a function.
pub(super) struct Table<'a>(pub &'a [u8; 256]);

/// The table of a function of reals between two scales.
pub fn table(from: Affine, to: Affine, f: impl Fn(f32) -> f32) -> Box<[u8; 256]> {
    Box::new(std::array::from_fn(|q| to.quantize(f(from.dequantize(q as u8)))))
}

impl Definition for Table<'_> {
    fn name(&self) -> &'static str {
        "table"
    }

    fn ports(&self) -> Ports {
        Ports::BYTES
    }

    fn dtype(&self, _: Dtype) -> Option<Dtype> {
        Some(Dtype::U8)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Alike, Streams::Rows)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let x = reads.bytes(0)?.values.iter();
        Ok(Values::U8(x.map(|q| self.0[usize::from(*q)]).collect()))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        format!(" {:?}..{:?}", &self.0[..3], &self.0[253..])
    }
}
