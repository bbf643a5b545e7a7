//! A tensor broadcast to the result's shape.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports};
use crate::ir::op::gather::gather;
use crate::ir::op::index::{broadcast_strides, offsets};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::{Array, Values};

/// Elements repeated along new and single dimensions.
pub(super) struct Expand;

impl Definition for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        Traits::moved(Layouts::Alike, Streams::No)
    }

    fn shape(&self, _: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(None)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(expanded(reads.array(0)?, &reads.out.shape))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.fits(0)
    }

    fn unchanged(&self, site: &Site<'_>) -> Option<usize> {
        site.keeps_shape().then_some(0)
    }
}

fn expanded(x: &Array, out: &[usize]) -> Values {
    gather(&x.values, offsets(out, 0, &broadcast_strides(&x.shape, out)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expanding_repeats() {
        let row = Array::f32([2, 1], vec![1.0, 2.0]);
        assert_eq!(expanded(&row, &[2, 2]), Values::F32(vec![1.0, 1.0, 2.0, 2.0]));
    }
}
