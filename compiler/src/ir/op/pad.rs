//! Elements added around a tensor, or cut off it.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::gather::gather_or;
use crate::ir::op::index::strides;
use crate::ir::op::reads::Reads;
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Early, Layouts, Streams, Traits};
use crate::ir::{Array, Values};

/// Attributes of a pad, one entry a dimension; negative crops.
#[derive(Clone, Debug, PartialEq)]
pub struct Pad {
    /// Added before.
    pub before: Vec<isize>,
    /// Added after.
    pub after: Vec<isize>,
    /// The values that are added.
    pub mode: PadMode,
}

/// Values of padding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// One value.
    Constant(f32),
    /// The elements mirrored at the edge, which is not repeated.
    Reflect,
    /// The element at the edge.
    Edge,
}

impl Definition for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        Traits { early: Early::IfSmall, ..Traits::moved(Layouts::Alike, Streams::No) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        padded_shape(self, first(operands, self.name())?).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        Ok(padded(self, reads.array(0)?, &reads.out.shape))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        (self.before[0], self.after[0]) == (0, 0)
    }

    fn attributes(&self) -> String {
        let mode = match self.mode {
            PadMode::Constant(value) => value.to_string(),
            PadMode::Reflect => "reflect".into(),
            PadMode::Edge => "edge".into(),
        };
        format!(" {:?} {:?} with {mode}", self.before, self.after)
    }

    fn unchanged(&self, _: &Site<'_>) -> Option<usize> {
        self.before.iter().chain(&self.after).all(|added| *added == 0).then_some(0)
    }
}

fn padded_shape(pad: &Pad, x: &[usize]) -> Result<Vec<usize>, String> {
    if pad.before.len() != x.len() || pad.after.len() != x.len() {
        return Err(format!("pads {:?} and {:?} for shape {x:?}", pad.before, pad.after));
    }
    let dim = |i: usize| x[i].checked_add_signed(pad.before[i])?.checked_add_signed(pad.after[i]);
    let shape: Option<Vec<usize>> = (0..x.len()).map(dim).collect();
    shape.ok_or_else(|| format!("pads {:?} and {:?} leave nothing of {x:?}", pad.before, pad.after))
}

/// Elements added around `x`, or taken off where a pad is negative.
fn padded(pad: &Pad, x: &Array, out: &[usize]) -> Values {
    let own = strides(&x.shape);
    let mut from: Vec<Option<usize>> = vec![Some(0)];
    for dim in 0..out.len() {
        let places =
            (0..out[dim]).map(|i| source(pad.mode, i as isize - pad.before[dim], x.shape[dim]));
        let places: Vec<Option<usize>> = places.collect();
        let step = own[dim] as usize;
        let under = |start: Option<usize>| {
            places.iter().map(move |place| Some(start? + (*place)? * step)).collect::<Vec<_>>()
        };
        from = from.into_iter().flat_map(under).collect();
    }
    let filler = match pad.mode {
        PadMode::Constant(value) => value,
        PadMode::Reflect | PadMode::Edge => 0.0,
    };
    gather_or(&x.values, from.into_iter(), filler)
}

/// The index, of `len` elements, that is shown at `place`; `None` for the filler.
fn source(mode: PadMode, place: isize, len: usize) -> Option<usize> {
    let last = len as isize - 1;
    let place = match mode {
        PadMode::Constant(_) => place,
        PadMode::Edge => place.min(last).max(0),
        PadMode::Reflect if last < 1 => 0,
        PadMode::Reflect => last - (place.rem_euclid(2 * last) - last).abs(),
    };
    usize::try_from(place).ok().filter(|place| *place < len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_fill_mirror_repeat_and_crop() {
        let row = Array::f32([3], vec![1.0, 2.0, 3.0]);
        let of = |mode, before, after, len| {
            let (before, after) = (vec![before], vec![after]);
            padded(&Pad { before, after, mode }, &row, &[len])
        };
        assert_eq!(of(PadMode::Constant(9.0), 1, -1, 3), Values::F32(vec![9.0, 1.0, 2.0]));
        assert_eq!(of(PadMode::Reflect, 2, 1, 6), Values::F32(vec![3.0, 2.0, 1.0, 2.0, 3.0, 2.0]));
        assert_eq!(of(PadMode::Edge, 1, 1, 5), Values::F32(vec![1.0, 1.0, 2.0, 3.0, 3.0]));
        assert_eq!(of(PadMode::Constant(0.0), -2, 0, 1), Values::F32(vec![3.0]));
    }
}
