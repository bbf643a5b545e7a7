//! Pictures made larger or smaller.

use crate::interp::Floats;
use crate::ir::{Blend, Resize};

/// Each pixel of the result from the pixels around its place, columns blended first.
pub(super) fn resize(resize: &Resize, x: Floats<'_>, out: &[usize]) -> Vec<f32> {
    let (&[_, _, h, w], &[_, _, rows, columns]) = (x.shape, out) else { return vec![] };
    let mut y = Vec::with_capacity(out.iter().product());
    for plane in x.values.chunks_exact((h * w).max(1)) {
        for row in 0..rows {
            let (i, down) = resize.down.at(row, h);
            for column in 0..columns {
                let (j, across) = resize.across.at(column, w);
                if resize.blend == Blend::Nearest {
                    y.push(plane[i * w + j]);
                    continue;
                }
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
