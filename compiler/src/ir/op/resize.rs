//! Images made larger or smaller: where each row and column of the result lies in the operand, as exact fractions.

use crate::error::Error;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::gather::gather;
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::Batch;
use crate::ir::op::traits::{Elements, Layouts, Streams, Traits};
use crate::ir::{Array, Values};

/// Attributes of a resize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resize {
    /// The interpolation.
    pub blend: Blend,
    /// Rows and columns of the result.
    pub size: [usize; 2],
    /// Positions of rows.
    pub down: Scale,
    /// Positions of columns.
    pub across: Scale,
}

/// Interpolation between pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blend {
    /// The pixel at the position, rounded down: rounding to the nearest is part of the position.
    Nearest,
    /// The two pixels around the position, each by its nearness.
    Linear,
}

/// Pixel `i` of the result lies at `(i * step + shift) / per` of the operand, or at its edge if that is outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Numerator of the distance between neighbours.
    pub step: usize,
    /// Numerator of the first position.
    pub shift: isize,
    /// Denominator.
    pub per: usize,
    /// The pixel of the operand for each of the result, where no fraction says it; empty where one does.
    pub listed: Vec<usize>,
}

impl Definition for Resize {
    fn name(&self) -> &'static str {
        "resize"
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        let streams = if self.grows() { Streams::Rows } else { Streams::No };
        let elements = match self.blend {
            Blend::Nearest => Elements::Moved,
            Blend::Linear => Elements::Computed,
        };
        Traits { elements, ..Traits::new(Layouts::Pixels, streams) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        self.shape_of(first(operands, self.name())?).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        match self.blend {
            Blend::Nearest => Ok(self.taken(reads.array(0)?)),
            Blend::Linear => Ok(Values::F32(blended(self, reads.floats(0)?, &reads.out.shape))),
        }
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        let place = |scale: &Scale| match scale {
            Scale { step, shift, per, listed } if listed.is_empty() => {
                format!("({step}i{shift:+})/{per}")
            }
            Scale { listed, .. } => format!("{listed:?}"),
        };
        let blend = match self.blend {
            Blend::Nearest => "nearest",
            Blend::Linear => "linear",
        };
        format!(" {blend} at {} {}", place(&self.down), place(&self.across))
    }
}

impl Resize {
    /// True if rows are repeated or blended a whole number of times.
    fn grows(&self) -> bool {
        let Scale { step, per, ref listed, .. } = self.down;
        step > 0 && per.is_multiple_of(step) && listed.is_empty()
    }

    /// The nearest pixel of each of the result.
    fn taken(&self, x: &Array) -> Values {
        let [planes @ .., h, w] = x.shape.as_slice() else { return x.values.clone() };
        let [rows, columns] = self.size;
        let pixel = |plane: usize, at: usize| {
            let (row, column) =
                (self.down.at(at / columns, *h).0, self.across.at(at % columns, *w).0);
            (plane * h + row) * w + column
        };
        let planes = 0..planes.iter().product();
        let pixels = rows * columns;
        let taken = planes.flat_map(|plane| (0..pixels).map(move |at| [plane, at]));
        gather(&x.values, taken.map(|[plane, at]| pixel(plane, at)))
    }

    fn shape_of(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let &[n, c, h, w] = x else {
            return Err(format!("resize needs a rank-4 input, has {x:?}"));
        };
        let [rows, columns] = self.size;
        let empty = [h, w, rows, columns, self.down.per, self.across.per].contains(&0);
        let fits = |scale: &Scale, size: usize, len: usize| {
            let listed = &scale.listed;
            listed.is_empty() || listed.len() == size && listed.iter().all(|pixel| *pixel < len)
        };
        if empty || !fits(&self.down, rows, h) || !fits(&self.across, columns, w) {
            Err(format!("a resize of {x:?} to {rows}x{columns}"))
        } else {
            Ok(vec![n, c, rows, columns])
        }
    }
}

impl Scale {
    /// Positions that a fraction says.
    pub fn new(step: usize, shift: isize, per: usize) -> Self {
        Self { step, shift, per, listed: Vec::new() }
    }

    /// The pixel at or before pixel `i` of the result in an operand of `len`, and the part of the way to the next.
    pub fn at(&self, i: usize, len: usize) -> (usize, f32) {
        if let Some(pixel) = self.listed.get(i) {
            return (*pixel, 0.0);
        }
        let position = ((i * self.step) as isize).saturating_add(self.shift).max(0) as usize;
        let position = position.min((len - 1) * self.per);
        (position / self.per, (position % self.per) as f32 / self.per as f32)
    }
}

/// Each pixel of the result from the pixels around its place, columns blended first.
fn blended(resize: &Resize, x: Floats<'_>, out: &[usize]) -> Vec<f32> {
    let (&[_, _, h, w], &[_, _, rows, columns]) = (x.shape, out) else { return vec![] };
    let mut y = Vec::with_capacity(out.iter().product());
    for plane in x.values.chunks_exact((h * w).max(1)) {
        for row in 0..rows {
            let (i, down) = resize.down.at(row, h);
            for column in 0..columns {
                let (j, across) = resize.across.at(column, w);
                let (below, right) = ((i + 1).min(h - 1), (j + 1).min(w - 1));
                let line = |i: usize| {
                    let (a, b) = (plane[i * w + j], plane[i * w + right]);
                    a + (b - a) * across
                };
                let (a, b) = (line(i), line(below));
                y.push(a + (b - a) * down);
            }
        }
    }
    y
}
