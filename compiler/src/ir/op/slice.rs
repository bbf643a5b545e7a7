//! Every `step`-th element from `start`, per dimension.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports};
use crate::ir::op::gather::gather;
use crate::ir::op::index::{offsets, strides};
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Layouts, Streams, Traits};
use crate::ir::{Array, Values};

/// Attributes of a slice, one entry a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// First element.
    pub starts: Vec<usize>,
    /// Distance between elements; negative runs backwards.
    pub steps: Vec<isize>,
}

impl Slice {
    /// A slice that takes everything.
    pub fn whole(rank: usize) -> Self {
        Self { starts: vec![0; rank], steps: vec![1; rank] }
    }
}

impl Definition for Slice {
    fn name(&self) -> &'static str {
        "slice"
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
        Ok(sliced(self, reads.array(0)?, &reads.out.shape))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        let whole = batch.shape(0)[0] == batch.site.out.shape[0];
        (self.starts[0], self.steps[0]) == (0, 1) && whole
    }

    fn attributes(&self) -> String {
        format!(" from {:?} by {:?}", self.starts, self.steps)
    }

    fn unchanged(&self, site: &Site<'_>) -> Option<usize> {
        (site.keeps_shape() && self.steps.iter().all(|step| *step == 1)).then_some(0)
    }
}

/// Every `step`-th element from `start`, per dimension.
fn sliced(slice: &Slice, x: &Array, out: &[usize]) -> Values {
    let own = strides(&x.shape);
    let start = own.iter().zip(&slice.starts).map(|(stride, start)| stride * *start as isize).sum();
    let stepped: Vec<isize> =
        own.iter().zip(&slice.steps).map(|(stride, step)| stride * step).collect();
    gather(&x.values, offsets(out, start, &stepped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_step_forwards_and_backwards() {
        let matrix = Array { shape: vec![2, 3], values: Values::I64(vec![1, 2, 3, 4, 5, 6]) };
        let every_second = Slice { starts: vec![1, 2], steps: vec![-1, -2] };
        assert_eq!(sliced(&every_second, &matrix, &[2, 2]), Values::I64(vec![6, 4, 3, 1]));
    }
}
