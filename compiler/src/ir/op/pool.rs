//! Pooling: the greatest or mean element of windows over images.

use crate::error::Error;
use crate::ir::op::conv::window_text;
use crate::ir::op::definition::{Definition, Ports, first};
use crate::ir::op::reads::{Bytes, Floats, Reads};
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Elements, Layouts, Streams, Traits, Window};
use crate::ir::{Values, infer};

/// Attributes of a pooling window.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The kind of pooling.
    pub kind: PoolKind,
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Padding above, left, below and right (never chosen by Max; see [`PoolKind`] for Average).
    pub pads: [usize; 4],
}

/// Reduction of a pooling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The greatest element.
    Max,
    /// The mean of the elements inside the image.
    Average,
    /// The mean with padding counted as zeros.
    AverageWithPads,
}

impl Definition for Pool {
    fn name(&self) -> &'static str {
        match self.kind {
            PoolKind::Max => "max_pool",
            PoolKind::Average | PoolKind::AverageWithPads => "average_pool",
        }
    }

    fn ports(&self) -> Ports {
        Ports::X
    }

    fn traits(&self) -> Traits {
        let elements = match self.kind {
            PoolKind::Max => Elements::Moved,
            PoolKind::Average | PoolKind::AverageWithPads => Elements::Computed,
        };
        Traits { elements, ..Traits::new(Layouts::Pixels, Streams::Windows(self.rows())) }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        self.shape_of(first(operands, self.name())?).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        if !reads.out.dtype.is_float() {
            return greatest(self, reads);
        }
        Ok(Values::F32(pooled(self, reads.floats(0)?, &reads.out.shape)))
    }

    fn keeps_apart(&self, _: &Batch<'_>) -> bool {
        true
    }

    fn attributes(&self) -> String {
        self.text()
    }

    fn unchanged(&self, site: &Site<'_>) -> Option<usize> {
        let whole = self.kernel == [1, 1] && self.pads == [0; 4];
        (site.keeps_shape() && whole).then_some(0)
    }

    fn work(&self, _: &[&[usize]]) -> usize {
        self.kernel[0].saturating_mul(self.kernel[1])
    }
}

impl Pool {
    /// The rows that a window takes.
    pub(crate) fn rows(&self) -> Window {
        let Self {
            kernel: [kernel, _], stride: [stride, _], dilation: [dilation, _], pads, ..
        } = *self;
        Window { kernel, stride, dilation, above: pads[0] }
    }

    /// The shape of the result of images `x`.
    pub(crate) fn shape_of(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let &[n, c, h, w] = x else {
            return Err(format!("pooling needs a rank-4 input, has {x:?}"));
        };
        let [oh, ow] =
            infer::window_shape([h, w], self.pads, self.kernel, self.stride, self.dilation)?;
        Ok(vec![n, c, oh, ow])
    }

    /// The window, as a printed line shows it.
    pub(crate) fn text(&self) -> String {
        let counted = match self.kind {
            PoolKind::AverageWithPads => " pads counted",
            PoolKind::Max | PoolKind::Average => "",
        };
        let window = window_text(self.kernel, self.stride, self.dilation, self.pads);
        format!("{window}{counted}")
    }
}

/// Pooling as ONNX defines it; a window with no element inside the image gives the least float or NaN.
fn pooled(pool: &Pool, x: Floats<'_>, out: &[usize]) -> Vec<f32> {
    let (from, to) = ([x.shape[2], x.shape[3]], [out[2], out[3]]);
    let mut y = Vec::with_capacity(out.iter().product());
    for plane in x.values.chunks_exact((from[0] * from[1]).max(1)) {
        for row in 0..to[0] {
            for column in 0..to[1] {
                y.push(taken(pool, &elements(pool, plane, from, [row, column])));
            }
        }
    }
    y
}

fn taken(pool: &Pool, elements: &[f32]) -> f32 {
    let sum = elements.iter().sum::<f32>();
    match pool.kind {
        PoolKind::Max => elements.iter().copied().fold(f32::MIN, f32::max),
        PoolKind::Average => sum / elements.len() as f32,
        PoolKind::AverageWithPads => sum / (pool.kernel[0] * pool.kernel[1]) as f32,
    }
}

/// The greatest byte of each window.
fn greatest(pool: &Pool, reads: &Reads<'_>) -> Result<Values, Error> {
    let most = |bytes: &[u8]| bytes.iter().copied().max().unwrap_or(0);
    let (array, out) = (reads.array(0)?, &reads.out.shape);
    let Some(signed) = array.values.as_i8() else {
        return Ok(Values::U8(windows(pool, reads.bytes(0)?, out, most)));
    };
    // The order of signed bytes is that of unsigned ones with the top bit turned.
    let values: Vec<u8> = signed.iter().map(|q| *q as u8 ^ 0x80).collect();
    let x = Bytes { shape: &array.shape, values: &values };
    let bytes = windows(pool, x, out, most);
    Ok(Values::I8(bytes.into_iter().map(|q| (q ^ 0x80) as i8).collect()))
}

/// `f` of the bytes inside each window.
pub(crate) fn windows(
    pool: &Pool,
    x: Bytes<'_>,
    out: &[usize],
    f: impl Fn(&[u8]) -> u8,
) -> Vec<u8> {
    let (from, to) = ([x.shape[2], x.shape[3]], [out[2], out[3]]);
    let mut y = Vec::with_capacity(out.iter().product());
    for plane in x.values.chunks_exact((from[0] * from[1]).max(1)) {
        for row in 0..to[0] {
            for column in 0..to[1] {
                y.push(f(&elements(pool, plane, from, [row, column])));
            }
        }
    }
    y
}

/// The elements of `plane` under the window at `at`.
fn elements<X: Copy>(pool: &Pool, plane: &[X], size: [usize; 2], at: [usize; 2]) -> Vec<X> {
    let tap = |axis: usize, i: usize| {
        let place = at[axis] * pool.stride[axis] + i * pool.dilation[axis];
        let place = place.checked_sub(pool.pads[axis])?;
        (place < size[axis]).then_some(place)
    };
    let mut elements = Vec::new();
    for row in (0..pool.kernel[0]).filter_map(|i| tap(0, i)) {
        for column in (0..pool.kernel[1]).filter_map(|j| tap(1, j)) {
            elements.push(plane[row * size[1] + column]);
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINE: [f32; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    const IMAGE: Floats<'_> = Floats { shape: &[1, 1, 3, 3], values: &NINE };

    #[test]
    fn averages_differ_in_whether_padding_counts() {
        let window = |kind| Pool {
            kind,
            kernel: [2, 2],
            stride: [2, 2],
            dilation: [1, 1],
            pads: [1, 1, 0, 0],
        };
        let y = |kind| pooled(&window(kind), IMAGE, &[1, 1, 2, 2]);
        assert_eq!(y(PoolKind::Max), [1.0, 3.0, 7.0, 9.0]);
        assert_eq!(y(PoolKind::Average), [1.0, 2.5, 5.5, 7.0]);
        assert_eq!(y(PoolKind::AverageWithPads), [0.25, 1.25, 2.75, 7.0]);
    }
}
