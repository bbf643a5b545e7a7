//! Conversion of a tensor to another [`crate::ir::Layout`].

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::{Tensor, Values};

/// A layout conversion.
pub(super) struct Relayout;

impl Definition for Relayout {
    fn name(&self) -> &'static str {
        "relayout"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        Traits::moved(Layouts::Own, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(Some(first(operands, self.name())?.to_vec()))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(reads.array(0)?.values.clone())
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn unchanged(&self, site: &Site<'_>) -> Option<usize> {
        (site.operand(0)?.tensor.layout == site.out.layout).then_some(0)
    }

    fn is_view(&self, from: &Tensor, to: &Tensor) -> bool {
        from.lies_like(to)
    }
}
