//! The greatest or least elements along one axis in their order, or where they are.

use std::cmp::Ordering;

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Early, Layouts, Streams, Traits};

/// Attributes of the first elements in an order; of one, its place is ArgMax or ArgMin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK {
    /// The dimension along which elements are ordered.
    pub axis: usize,
    /// Elements that are kept (k).
    pub count: usize,
    /// True if the least come first.
    pub least: bool,
    /// True if of equal elements the last comes first.
    pub last: bool,
    /// True if the result holds indices along the axis and not the elements there.
    pub places: bool,
}

impl TopK {
    /// The order of two elements and their indices; NaN comes before or behind all others by its sign.
    fn order(self, a: (f32, usize), b: (f32, usize)) -> Ordering {
        // The zeros are equal.
        let value = (a.0 + 0.0).total_cmp(&(b.0 + 0.0));
        let value = if self.least { value } else { value.reverse() };
        let place = a.1.cmp(&b.1);
        value.then(if self.last { place.reverse() } else { place })
    }
}

impl Definition for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        Traits { early: Early::Always, ..Traits::new(Layouts::Alike, Streams::No) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let mut shape = first(operands, self.name())?.to_vec();
        match shape.get_mut(self.axis) {
            Some(len) if self.count <= *len => *len = self.count,
            _ => return Err(format!("{shape:?} has no {} along {}", self.count, self.axis)),
        }
        Ok(Some(shape))
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(Values::F32(ranked(*self, reads.floats(0)?)))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        self.axis != 0
    }

    fn attributes(&self) -> String {
        let said = |on, name| if on { name } else { "" };
        let (least, last) = (said(self.least, " least"), said(self.last, " last"));
        let places = said(self.places, " places");
        format!(" axis {} count {}{least}{last}{places}", self.axis, self.count)
    }
}

fn ranked(top: TopK, x: Floats<'_>) -> Vec<f32> {
    let (len, inner) = (x.shape[top.axis], x.shape[top.axis + 1..].iter().product::<usize>());
    let blocks = x.values.chunks_exact((len * inner).max(1));
    let mut y = vec![0.0; blocks.len() * top.count * inner];
    for (block, made) in blocks.zip(y.chunks_exact_mut((top.count * inner).max(1))) {
        for first in 0..inner {
            let line = block[first..].iter().copied().step_by(inner);
            let mut line: Vec<(f32, usize)> = line.zip(0..).collect();
            line.sort_by(|a, b| top.order(*a, *b));
            for (rank, (value, place)) in line.into_iter().take(top.count).enumerate() {
                made[rank * inner + first] = if top.places { place as f32 } else { value };
            }
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: TopK = TopK { axis: 1, count: 2, least: false, last: false, places: true };

    #[test]
    fn elements_are_ranked_along_their_axis() {
        let x = Floats { shape: &[2, 3], values: &[1.0, 3.0, 3.0, -0.0, 0.0, -1.0] };
        assert_eq!(ranked(TOP, x), [1.0, 2.0, 0.0, 1.0]);
        assert_eq!(ranked(TopK { last: true, ..TOP }, x), [2.0, 1.0, 1.0, 0.0]);
        assert_eq!(ranked(TopK { least: true, ..TOP }, x), [0.0, 1.0, 2.0, 0.0]);
        assert_eq!(ranked(TopK { places: false, ..TOP }, x), [3.0, 3.0, 0.0, 0.0]);
        assert_eq!(ranked(TopK { axis: 0, count: 1, ..TOP }, x), [0.0, 0.0, 0.0]);
    }
}
