//! Reshape: the elements in row-major order under another shape; Flatten, Squeeze and Unsqueeze too.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::{Tensor, Values};

/// A reshape.
pub(super) struct Reshape;

impl Definition for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        Traits::moved(Layouts::Regrouped, Streams::No)
    }

    fn shape(&self, _: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(None)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(reads.array(0)?.values.clone())
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn breach(&self, site: &Site<'_>) -> Option<String> {
        site.other_len("views", site.shape(0)?.iter().product())
    }

    fn unchanged(&self, site: &Site<'_>) -> Option<usize> {
        site.keeps_shape().then_some(0)
    }

    fn is_view(&self, from: &Tensor, to: &Tensor) -> bool {
        from.steps() == to.steps() || (from.lies_in_rows() && to.lies_in_rows())
    }
}
