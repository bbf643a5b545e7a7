//! Reductions: one number from each slice over some dimensions.

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, Ports};
use crate::ir::op::index::{offsets, strides};
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Early, Layouts, Pooling, Reducer, Streams, Sums, Traits};

/// Attributes of a reduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// The reduction of each slice.
    pub kind: Reducer,
    /// Reduced dimensions, ascending.
    pub axes: Vec<usize>,
}

impl Definition for Reduce {
    fn name(&self) -> &'static str {
        match self.kind {
            Reducer::Sum => "reduce_sum",
            Reducer::Mean => "reduce_mean",
            Reducer::Max => "reduce_max",
            Reducer::Min => "reduce_min",
        }
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        let pooled = matches!(self.kind, Reducer::Mean | Reducer::Max) && self.axes == [2, 3];
        let streams = if pooled { Streams::Pooled } else { Streams::No };
        Traits {
            pools: pooled.then_some(Pooling { kind: self.kind, size: None }),
            early: Early::IfSmall,
            sums: Sums::Memory,
            ..Traits::new(Layouts::Reduced(self.axes.clone()), streams)
        }
    }

    fn shape(&self, _: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        Ok(None)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(Values::F32(reduced(self, reads.floats(0)?)))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        !self.axes.contains(&0)
    }

    fn attributes(&self) -> String {
        format!(" axes {:?}", self.axes)
    }

    fn breach(&self, site: &Site<'_>) -> Option<String> {
        let dims = site.shape(0)?.iter().enumerate();
        let kept = dims.filter(|(i, _)| !self.axes.contains(i)).map(|(_, dim)| dim);
        site.other_len("reduces to", kept.product())
    }

    fn unchanged(&self, site: &Site<'_>) -> Option<usize> {
        site.keeps_shape().then_some(0)
    }
}

/// One number from each slice over the reduced dimensions.
fn reduced(reduce: &Reduce, x: Floats<'_>) -> Vec<f32> {
    let gone = |dim: &usize| reduce.axes.contains(dim);
    let kept: Vec<usize> = (0..x.shape.len()).filter(|dim| !gone(dim)).collect();
    let dropped: Vec<usize> = (0..x.shape.len()).filter(gone).collect();
    let own = strides(x.shape);
    let along = |dims: &[usize], start: usize| {
        let shape: Vec<usize> = dims.iter().map(|&dim| x.shape[dim]).collect();
        let strides: Vec<isize> = dims.iter().map(|&dim| own[dim]).collect();
        offsets(&shape, start as isize, &strides)
    };
    let slice = |start| {
        let elements: Vec<f32> = along(&dropped, start).map(|i| x.values[i]).collect();
        reduced_slice(reduce.kind, &elements)
    };
    along(&kept, 0).map(slice).collect()
}

fn reduced_slice(kind: Reducer, elements: &[f32]) -> f32 {
    let fold = |start, f: fn(f32, f32) -> f32| elements.iter().copied().fold(start, f);
    match kind {
        Reducer::Sum => elements.iter().sum(),
        Reducer::Mean => elements.iter().sum::<f32>() / elements.len() as f32,
        Reducer::Max => fold(f32::NEG_INFINITY, f32::max),
        Reducer::Min => fold(f32::INFINITY, f32::min),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: Floats<'_> = Floats { shape: &[2, 1, 3], values: &[1.0, 5.0, 3.0, 4.0, 2.0, 9.0] };

    #[test]
    fn reductions_keep_the_order_of_the_other_dimensions() {
        let over = |kind, axes: &[usize]| reduced(&Reduce { kind, axes: axes.to_vec() }, X);
        assert_eq!(over(Reducer::Sum, &[2]), [9.0, 15.0]);
        assert_eq!(over(Reducer::Mean, &[0, 1]), [2.5, 3.5, 6.0]);
        assert_eq!(over(Reducer::Max, &[0, 1, 2]), [9.0]);
        assert_eq!(over(Reducer::Min, &[2]), [1.0, 2.0]);
        assert_eq!(over(Reducer::Sum, &[]), X.values);
    }
}
