//! Operators that keep the numbers: Identity, Dropout, casts between floats, bytes as floats.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Elements, Layouts, Streams, Traits};
use crate::ir::{Tensor, Values};

/// Identity, maybe with another element type.
pub(super) struct Identity;

impl Definition for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        let elements = Elements::MovedOrWidened;
        Traits { elements, ..Traits::new(Layouts::Alike, Streams::No) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let x = reads.array(0)?;
        Ok(if reads.out.dtype.is_float() { x.widened().values } else { x.values.clone() })
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn unchanged(&self, _: &Site<'_>) -> Option<usize> {
        Some(0)
    }

    fn is_view(&self, from: &Tensor, to: &Tensor) -> bool {
        from.lies_like(to)
    }
}
