//! Windows that slide over pictures `[n,c,h,w]`: convolution and pooling.

use std::ops::Range;

use crate::interp::elementwise::activated;
use crate::interp::{Array, Floats};
use crate::ir::{Conv, Pool, PoolKind};

/// Convolution as ONNX defines it, then the residual, then the clamp and the function. Sums run over channels, then
/// rows, then columns.
pub(super) fn conv(
    conv: &Conv,
    x: Floats<'_>,
    w: Floats<'_>,
    bias: Option<Floats<'_>>,
    residual: Option<Floats<'_>>,
    out: &[usize],
) -> Vec<f32> {
    let (m_len, c_len, c_per_group) = (out[1], x.shape[1], w.shape[1]);
    let (from, to) = ([x.shape[2], x.shape[3]], [out[2], out[3]]);
    let (from_len, taps_len) = (from[0] * from[1], conv.kernel[0] * conv.kernel[1]);
    let mut y = vec![0.0; out.iter().product()];
    for (at, plane) in y.chunks_exact_mut((to[0] * to[1]).max(1)).enumerate() {
        let (n, m) = (at / m_len, at % m_len);
        plane.fill(bias.map_or(0.0, |bias| bias.values[m]));
        if conv.is_point() {
            let x = &x.values[n * c_len * from_len..][..c_len * from_len];
            add_channels(x, &w.values[m * c_len..][..c_len], plane);
            continue;
        }
        for i in 0..c_per_group {
            let c = m / (m_len / conv.group) * c_per_group + i;
            let x = &x.values[(n * c_len + c) * from_len..][..from_len];
            let taps = &w.values[(m * c_per_group + i) * taps_len..][..taps_len];
            slide(conv, x, from, taps, plane, to, |y, weight, x| *y += weight * x);
        }
    }
    if let Some(residual) = residual {
        y.iter_mut().zip(residual.values).for_each(|(y, r)| *y += r);
    }
    y.into_iter().map(|y| activated(conv.clamp, conv.then, y)).collect()
}

/// Adds to `y` what all channels `x` contribute by their weights, four in one go: the sums of [`slide`] in its order.
fn add_channels(x: &[f32], w: &[f32], y: &mut [f32]) {
    let len = y.len();
    let (four, rest) = w.as_chunks();
    for (x, [a, b, c, d]) in x.chunks(4 * len).zip(four) {
        let (x, y) = ([0, 1, 2, 3].map(|i| &x[i * len..][..len]), &mut *y);
        for (i, y) in y.iter_mut().enumerate() {
            *y = *y + a * x[0][i] + b * x[1][i] + c * x[2][i] + d * x[3][i];
        }
    }
    for (x, w) in x[4 * four.len() * len..].chunks(len).zip(rest) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += w * x);
    }
}

/// A picture with what its convolution pads it with, and the convolution that is left: one that pads nothing.
pub(super) fn bordered(conv: &Conv, x: &Array, border: Floats<'_>) -> (Conv, Array) {
    let [top, left, bottom, right] = conv.pads;
    let (height, width) = (x.shape[2], x.shape[3]);
    let [tall, wide] = [top + height + bottom, left + width + right];
    let values = x.values.as_f32().unwrap_or_default();
    let mut padded = Vec::with_capacity(x.shape[0] * x.shape[1] * tall * wide);
    for (at, plane) in values.chunks_exact((height * width).max(1)).enumerate() {
        let edge = border.values[at % border.values.len()];
        for (row, column) in (0..tall).flat_map(|row| (0..wide).map(move |column| (row, column))) {
            let inside =
                (top..top + height).contains(&row) && (left..left + width).contains(&column);
            padded.push(if inside { plane[(row - top) * width + column - left] } else { edge });
        }
    }
    let conv = Conv { pads: [0; 4], ..conv.clone() };
    (conv, Array::f32([x.shape[0], x.shape[1], tall, wide], padded))
}

/// Lets each tap that falls on an element of one channel `x` `add` to its window's sum in `y`.
pub(super) fn slide<X, W: Copy, Y>(
    conv: &Conv,
    x: &[X],
    from: [usize; 2],
    taps: &[W],
    y: &mut [Y],
    to: [usize; 2],
    add: impl Fn(&mut Y, W, &X),
) {
    let ([down, across], pads) = (conv.stride, conv.pads);
    for (tap, weight) in taps.iter().enumerate() {
        let i = (tap / conv.kernel[1]) * conv.dilation[0];
        let j = (tap % conv.kernel[1]) * conv.dilation[1];
        let columns = inside(to[1], across, j, pads[1], from[1]);
        if columns.is_empty() {
            continue;
        }
        let left = columns.start * across + j - pads[1];
        for row in inside(to[0], down, i, pads[0], from[0]) {
            let x = &x[(row * down + i - pads[0]) * from[1]..][left..from[1]];
            let y = &mut y[row * to[1]..][columns.clone()];
            for (y, x) in y.iter_mut().zip(x.iter().step_by(across)) {
                add(y, *weight, x);
            }
        }
    }
}

/// The windows, of `count`, whose tap `tap` elements in falls into the picture and not into its padding.
fn inside(count: usize, stride: usize, tap: usize, pad: usize, size: usize) -> Range<usize> {
    let first = pad.saturating_sub(tap).div_ceil(stride);
    let end = (size + pad).saturating_sub(tap).div_ceil(stride).min(count);
    first.min(end)..end
}

/// Pooling as ONNX defines it; a window with no element inside the picture gives the least float or NaN.
pub(super) fn pool(pool: &Pool, x: Floats<'_>, out: &[usize]) -> Vec<f32> {
    let (from, to) = ([x.shape[2], x.shape[3]], [out[2], out[3]]);
    let mut y = Vec::with_capacity(out.iter().product());
    for plane in x.values.chunks_exact((from[0] * from[1]).max(1)) {
        for row in 0..to[0] {
            for column in 0..to[1] {
                y.push(pooled(pool, &elements(pool, plane, from, [row, column])));
            }
        }
    }
    y
}

fn pooled(pool: &Pool, elements: &[f32]) -> f32 {
    let sum = elements.iter().sum::<f32>();
    match pool.kind {
        PoolKind::Max => elements.iter().copied().fold(f32::MIN, f32::max),
        PoolKind::Average => sum / elements.len() as f32,
        PoolKind::AverageWithPads => sum / (pool.kernel[0] * pool.kernel[1]) as f32,
    }
}

/// The elements of `plane` under the window at `at`.
pub(super) fn elements<X: Copy>(
    pool: &Pool,
    plane: &[X],
    size: [usize; 2],
    at: [usize; 2],
) -> Vec<X> {
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
    use crate::ir::Clamp;

    const DENSE: Conv = Conv {
        kernel: [2, 2],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [0; 4],
        group: 1,
        clamp: Clamp::NONE,
        then: None,
    };
    const NINE: [f32; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    const PICTURE: Floats<'_> = Floats { shape: &[1, 1, 3, 3], values: &NINE };
    const TAPS: Floats<'_> = Floats { shape: &[1, 1, 2, 2], values: &[1.0, 10.0, 100.0, 1000.0] };

    #[test]
    fn convolution_correlates_without_flipping() {
        let y = conv(&DENSE, PICTURE, TAPS, None, None, &[1, 1, 2, 2]);
        assert_eq!(y, [5421.0, 6532.0, 8754.0, 9865.0]);
    }

    #[test]
    fn uneven_pads_and_strides_start_above_and_left() {
        let strided = Conv { stride: [2, 2], pads: [1, 1, 0, 0], ..DENSE };
        let y = conv(&strided, PICTURE, TAPS, None, None, &[1, 1, 2, 2]);
        assert_eq!(y, [1000.0, 3200.0, 7040.0, 9865.0]);
    }

    #[test]
    fn dilation_spreads_the_taps() {
        let dilated = Conv { dilation: [2, 2], ..DENSE };
        let y = conv(&dilated, PICTURE, TAPS, None, None, &[1, 1, 1, 1]);
        assert_eq!(y, [1.0 + 30.0 + 700.0 + 9000.0]);
    }

    #[test]
    fn groups_see_only_their_channels_and_the_residual_comes_before_the_clamp() {
        let grouped = Conv { kernel: [1, 1], group: 2, clamp: Clamp::RELU6, ..DENSE };
        let floats = |shape, values| Floats { shape, values };
        let x = floats(&[1, 4, 1, 1], &[1.0, 2.0, 3.0, 4.0]);
        let w = floats(&[2, 2, 1, 1], &[1.0, -1.0, 0.5, 1.0]);
        let (bias, residual) = (floats(&[2], &[0.5, 0.0]), floats(&[1, 2, 1, 1], &[2.0, 3.0]));
        let y = conv(&grouped, x, w, Some(bias), Some(residual), &[1, 2, 1, 1]);
        assert_eq!(y, [1.5, 6.0]);
    }

    #[test]
    fn padding_wider_than_the_picture_adds_nothing() {
        let wide = Conv { pads: [3, 3, 3, 3], ..DENSE };
        let y = conv(&wide, PICTURE, TAPS, None, None, &[1, 1, 8, 8]);
        assert_eq!(y.iter().sum::<f32>(), 45.0 * 1111.0);
    }

    #[test]
    fn averages_differ_in_whether_padding_counts() {
        let window = |kind| Pool {
            kind,
            kernel: [2, 2],
            stride: [2, 2],
            dilation: [1, 1],
            pads: [1, 1, 0, 0],
        };
        let y = |kind| pool(&window(kind), PICTURE, &[1, 1, 2, 2]);
        assert_eq!(y(PoolKind::Max), [1.0, 3.0, 7.0, 9.0]);
        assert_eq!(y(PoolKind::Average), [1.0, 2.5, 5.5, 7.0]);
        assert_eq!(y(PoolKind::AverageWithPads), [0.25, 1.25, 2.75, 7.0]);
    }
}
