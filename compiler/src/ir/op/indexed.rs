//! Elements that indices computed at run time name: taken out of a tensor, or changed in it.
//!
//! Negative indices count from the end. ONNX leaves open what others outside of a dimension mean; here a gather takes the
//! nearest element and a scatter leaves the update out, as XLA does.

use crate::error::Error;
use crate::ir::Values;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Layouts, Streams, Sums, Traits};

/// The dimensions of a tensor that indices name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// One, whose place the dimensions of the indices take (Gather).
    Axis(usize),
    /// One; the place of an index says the other dimensions (GatherElements, ScatterElements).
    Elements(usize),
    /// As many as the last dimension of the indices counts, behind those that both have in common (GatherND, ScatterND).
    Rows {
        /// Leading dimensions in common.
        batch: usize,
    },
}

/// Elements that indices name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather(pub Indexing);

/// A tensor with updates where indices say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scatter {
    /// The dimensions that indices name.
    pub by: Indexing,
    /// The change that an update makes to its element.
    pub change: Change,
}

/// Effects of an update on its element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The update stands in its place.
    Replace,
    /// It is added.
    Add,
    /// It is multiplied.
    Mul,
    /// The lesser of both stays.
    Min,
    /// The greater of both stays.
    Max,
}

impl Indexing {
    /// The shape of the elements that indices of a shape name in a tensor of shape `x`.
    pub fn named(self, x: &[usize], indices: &[usize]) -> Result<Vec<usize>, String> {
        let misfit = || format!("indices {indices:?} into {x:?} by {self:?}");
        let dimensions = self.dimensions(x, indices).ok_or_else(misfit)?;
        if x[dimensions.clone()].contains(&0) {
            return Err(format!("indices into {x:?}, which has no element"));
        }
        Ok(match self {
            Self::Axis(axis) => [&x[..axis], indices, &x[axis + 1..]].concat(),
            Self::Elements(_) => indices.to_vec(),
            Self::Rows { .. } => [&indices[..indices.len() - 1], &x[dimensions.end..]].concat(),
        })
    }

    /// The dimensions of a tensor of shape `x` that indices of a shape name; `None` if they do not fit.
    pub fn dimensions(self, x: &[usize], indices: &[usize]) -> Option<std::ops::Range<usize>> {
        let fits = match self {
            Self::Axis(axis) => axis < x.len(),
            Self::Elements(axis) => {
                let mut others = indices.iter().zip(x).enumerate();
                let inside = others.all(|(at, (len, size))| at == axis || len <= size);
                axis < x.len() && indices.len() == x.len() && inside
            }
            Self::Rows { batch } => {
                let leading = indices.get(..batch).is_some_and(|of| x.get(..batch) == Some(of));
                let named = indices[batch.min(indices.len())..].last().copied().unwrap_or(0);
                let most = x.len().saturating_sub(batch);
                leading && (1..=most).contains(&named)
            }
        };
        let (start, len) = match self {
            Self::Axis(axis) | Self::Elements(axis) => (axis, 1),
            Self::Rows { batch } => (batch, indices.last().copied().unwrap_or(0)),
        };
        fits.then_some(start..start + len)
    }

    /// Where in a tensor of shape `x` the named element at `at` lies: its index in each dimension, which may be outside.
    fn place(self, x: &[usize], indices: Floats<'_>, at: &[usize]) -> Vec<i64> {
        let index = |place: &[usize], size: usize| {
            let offset =
                place.iter().zip(indices.shape).fold(0, |offset, (i, len)| offset * len + i);
            let index = indices.values[offset] as i64;
            if index < 0 { index.saturating_add(size as i64) } else { index }
        };
        let fixed = |range: &[usize]| range.iter().map(|i| *i as i64).collect::<Vec<_>>();
        match self {
            Self::Axis(axis) => {
                let end = axis + indices.shape.len();
                let named = index(&at[axis..end], x[axis]);
                [fixed(&at[..axis]), vec![named], fixed(&at[end..])].concat()
            }
            Self::Elements(axis) => {
                let named = index(at, x[axis]);
                [fixed(&at[..axis]), vec![named], fixed(&at[axis + 1..])].concat()
            }
            Self::Rows { batch } => {
                let (row, inside) = at.split_at(indices.shape.len() - 1);
                let count = indices.shape[row.len()];
                let named = (0..count).map(|i| index(&[row, &[i]].concat(), x[batch + i]));
                [fixed(&row[..batch]), named.collect(), fixed(inside)].concat()
            }
        }
    }

    /// Calls `seen` with the place of each named element.
    fn each(self, x: &[usize], indices: Floats<'_>, out: &[usize], mut seen: impl FnMut(Vec<i64>)) {
        for number in 0..out.iter().product() {
            let (mut rest, mut at) = (number, vec![0; out.len()]);
            for (index, len) in at.iter_mut().zip(out).rev() {
                (*index, rest) = (rest % len, rest / len);
            }
            seen(self.place(x, indices, &at));
        }
    }

    /// True if each image of a batch is taken of its own part of operand 0, by its own indices if those follow the batch.
    fn keeps_apart(self, batch: &Batch<'_>) -> bool {
        match self {
            Self::Axis(axis) => axis > 0 && batch.moves(0) && !batch.moves(1),
            Self::Elements(axis) => axis > 0 && batch.moves(0) && batch.moves(1),
            Self::Rows { batch: shared } => shared > 0 && batch.moves(0) && batch.moves(1),
        }
    }

    fn attributes(self) -> String {
        match self {
            Self::Axis(axis) => format!(" axis {axis}"),
            Self::Elements(axis) => format!(" elements {axis}"),
            Self::Rows { batch: 0 } => " rows".into(),
            Self::Rows { batch } => format!(" rows behind {batch}"),
        }
    }
}

/// The operands of a gather.
const PICKED: &[PortSpec] = &[PortSpec::any("x"), PortSpec::any("indices")];

impl Definition for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn ports(&self) -> Ports {
        Ports::all(PICKED)
    }

    fn traits(&self) -> Traits {
        Traits::new(Layouts::Rows, Streams::No)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let indices = second(operands, "indices are missing")?;
        self.0.named(first(operands, self.name())?, indices).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let (x, indices) = (reads.floats(0)?, reads.floats(1)?);
        let mut y = Vec::new();
        self.0.each(x.shape, indices, &reads.out.shape, |place| {
            let nearest = place.iter().zip(x.shape).fold(0, |offset, (index, size)| {
                offset * size + (*index).clamp(0, *size as i64 - 1) as usize
            });
            y.push(x.values[nearest]);
        });
        Ok(Values::F32(y))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        self.0.keeps_apart(batch)
    }

    fn attributes(&self) -> String {
        self.0.attributes()
    }
}

/// The operands of a scatter.
const CHANGED: &[PortSpec] =
    &[PortSpec::any("x"), PortSpec::any("indices"), PortSpec::any("updates")];

impl Definition for Scatter {
    fn name(&self) -> &'static str {
        "scatter"
    }

    fn ports(&self) -> Ports {
        Ports::all(CHANGED)
    }

    fn traits(&self) -> Traits {
        Traits { sums: Sums::Memory, ..Traits::new(Layouts::Rows, Streams::No) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let &[x, indices, updates] = operands else {
            return Err("a tensor, indices and updates belong there".into());
        };
        let named = self.by.named(x, indices)?;
        let fits = named == updates;
        let misfit = || format!("updates {updates:?} for indices {indices:?} into {x:?}");
        fits.then(|| Some(x.to_vec())).ok_or_else(misfit)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let (x, indices, updates) = (reads.floats(0)?, reads.floats(1)?, reads.floats(2)?);
        let (mut y, mut left) = (x.values.to_vec(), updates.values.iter());
        self.by.each(x.shape, indices, updates.shape, |place| {
            let update = left.next().expect("each update has a place");
            let offset = place.iter().zip(x.shape).try_fold(0, |offset, (index, size)| {
                let index = usize::try_from(*index).ok().filter(|index| index < size)?;
                Some(offset * size + index)
            });
            if let Some(offset) = offset {
                y[offset] = self.change.of(y[offset], *update);
            }
        });
        Ok(Values::F32(y))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.moves(2) && self.by.keeps_apart(batch)
    }

    fn attributes(&self) -> String {
        let change = match self.change {
            Change::Replace => "",
            Change::Add => " add",
            Change::Mul => " mul",
            Change::Min => " min",
            Change::Max => " max",
        };
        format!("{}{change}", self.by.attributes())
    }
}

impl Change {
    /// The value that an update makes of its element.
    pub fn of(self, x: f32, update: f32) -> f32 {
        match self {
            Self::Replace => update,
            Self::Add => x + update,
            Self::Mul => x * update,
            Self::Min => x.min(update),
            Self::Max => x.max(update),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_follow_the_indices() {
        let of = |by: Indexing, x: &[usize], indices: &[usize]| by.named(x, indices).ok();
        assert_eq!(of(Indexing::Axis(1), &[2, 3, 4], &[5, 6]), Some(vec![2, 5, 6, 4]));
        assert_eq!(of(Indexing::Axis(0), &[3], &[]), Some(vec![]));
        assert_eq!(of(Indexing::Elements(1), &[2, 3], &[1, 7]), Some(vec![1, 7]));
        assert_eq!(of(Indexing::Elements(1), &[2, 3], &[3, 3]), None);
        let rows = |batch| Indexing::Rows { batch };
        assert_eq!(of(rows(0), &[2, 3, 4], &[5, 2]), Some(vec![5, 4]));
        assert_eq!(of(rows(1), &[2, 3, 4], &[2, 5, 1]), Some(vec![2, 5, 4]));
        assert_eq!(of(rows(1), &[2, 3, 4], &[2, 5, 3]), None);
        assert_eq!(of(rows(2), &[2, 3, 4], &[2]), None);
        assert_eq!(of(rows(1), &[2, 3, 4], &[2, 0]), None);
    }
}
