//! Convolution: windows with weights over images.

use std::ops::Range;

use crate::error::Error;
use crate::ir::op::definition::{Definition, PortSpec, Ports, first, second};
use crate::ir::op::reads::{Floats, Reads};
use crate::ir::op::site::{Batch, Site};
use crate::ir::op::traits::{Constants, Elements, Layouts, Streams, Traits};
use crate::ir::op::unary::activated;
use crate::ir::{Array, Clamp, Dtype, Unary, Values, infer};

/// Attributes of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Distance between taps, 1 for a dense window.
    pub dilation: [usize; 2],
    /// Zeros above, left, below and right.
    pub pads: [usize; 4],
    /// Independent groups of channels.
    pub group: usize,
    /// Applied to the sum and the residual.
    pub clamp: Clamp,
    /// Applied last, if `fuse_activation` put it there; then the clamp has no bounds.
    pub activation: Option<Unary>,
}

impl Conv {
    /// True if each output pixel depends only on the input pixel at its place, all channels of it.
    pub fn is_point(&self) -> bool {
        let unit = self.kernel == [1, 1] && self.stride == [1, 1];
        unit && self.group == 1 && self.pads == [0; 4]
    }

    /// True if neither a clamp nor an activation follows the sums.
    pub fn ends_linear(&self) -> bool {
        self.clamp == Clamp::NONE && self.activation.is_none()
    }

    /// Sides and strides, for an odd square window of a common size; then the unrolled depthwise kernel fits it.
    pub fn square_window(&self) -> Option<[usize; 2]> {
        let [down, across] = self.stride;
        let square = matches!(self.kernel, [3, 3] | [5, 5] | [7, 7]);
        let fits = square && down == across && down <= 2 && self.dilation == [1, 1];
        fits.then_some([self.kernel[0], across])
    }
}

/// The operands of a convolution of floats.
const PORTS: &[PortSpec] = &[
    PortSpec::any("x"),
    PortSpec::any("w"),
    PortSpec::any("b"),
    PortSpec::any("add"),
    PortSpec::any("border"),
];

impl Definition for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn ports(&self) -> Ports {
        Ports::at_least(2, PORTS)
    }

    fn traits(&self) -> Traits {
        Traits {
            elements: Elements::Widened,
            constants: Some(Constants { ports: 1..3, what: "weights or bias" }),
            ..Traits::new(Layouts::Convolution, Streams::Convolution)
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, String> {
        let w = second(operands, "conv reads no weights")?;
        self.shape_of(first(operands, self.name())?, w).map(Some)
    }

    fn evaluate(&self, reads: &Reads<'_>) -> Result<Values, Error> {
        let (bias, residual) = (reads.optional(2)?, reads.optional(3)?);
        let image = reads.array(0)?.widened();
        let (conv, x) = match reads.optional(4)? {
            Some(border) => bordered(self, &image, border),
            None => (self.clone(), image),
        };
        let x = Floats { shape: &x.shape, values: reads.numbers(0, &x)? };
        let y = convolved(&conv, x, reads.floats(1)?, bias, residual, &reads.out.shape);
        Ok(Values::F32(y))
    }

    fn keeps_apart(&self, batch: &Batch<'_>) -> bool {
        batch.fixed(1..3) && batch.convolves()
    }

    fn attributes(&self) -> String {
        self.text()
    }

    fn breach(&self, site: &Site<'_>) -> Option<String> {
        let late = late_clamp(self.clamp, self.activation);
        late.or_else(|| residual_breach(site)).or_else(|| border_breach(site))
    }

    fn madds(&self, operands: &[&[usize]]) -> usize {
        self.madds_of(operands)
    }
}

impl Conv {
    /// The shape of the result of an image `x` and weights `w`.
    pub(crate) fn shape_of(&self, x: &[usize], w: &[usize]) -> Result<Vec<usize>, String> {
        let (&[n, c, h, width], &[m, c_per_group, kh, kw]) = (x, w) else {
            return Err(format!(
                "conv needs a rank-4 input and rank-4 weights, has {x:?} and {w:?}"
            ));
        };
        if [kh, kw] != self.kernel {
            return Err(format!("kernel {:?} but weights {w:?}", self.kernel));
        }
        if self.group == 0 || c_per_group.checked_mul(self.group) != Some(c) || m % self.group != 0
        {
            let group = self.group;
            return Err(format!(
                "group {group} with {c} input channels and weights {w:?}: need [m, {c}/group, kh, kw]"
            ));
        }
        let [oh, ow] =
            infer::window_shape([h, width], self.pads, self.kernel, self.stride, self.dilation)?;
        Ok(vec![n, m, oh, ow])
    }

    /// Multiply-adds of an element of the result of operands of such shapes.
    pub(crate) fn madds_of(&self, operands: &[&[usize]]) -> usize {
        let channels = operands.get(1).and_then(|w| w.get(1)).copied().unwrap_or(0);
        channels * self.kernel[0] * self.kernel[1]
    }

    /// The window and what follows it, as a printed line shows them.
    pub(crate) fn text(&self) -> String {
        let group = if self.group == 1 { String::new() } else { format!(" g{}", self.group) };
        let window = window_text(self.kernel, self.stride, self.dilation, self.pads);
        format!("{window}{group}{}", activation_text(self.clamp, self.activation))
    }
}

/// A window as a printed line shows it.
pub(crate) fn window_text(
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pads: [usize; 4],
) -> String {
    let pair = |[down, across]: [usize; 2]| {
        if down == across { format!("{down}") } else { format!("{down}x{across}") }
    };
    let mut text = format!(" k{}x{} s{}", kernel[0], kernel[1], pair(stride));
    if dilation != [1, 1] {
        text += &format!(" d{}", pair(dilation));
    }
    if pads != [0; 4] {
        text += &format!(" p{}/{}/{}/{}", pads[0], pads[1], pads[2], pads[3]);
    }
    text
}

/// Clamp and activation of a layer, as a printed line shows them.
pub(crate) fn activation_text(clamp: Clamp, then: Option<Unary>) -> String {
    let clamp = if clamp == Clamp::NONE { String::new() } else { format!(" clamp {clamp}") };
    let then = then.map(|then| format!(" then {}{}", then.name(), then.parameters()));
    clamp + &then.unwrap_or_default()
}

/// The breach of a layer that has bounds before its activation.
pub(crate) fn late_clamp(clamp: Clamp, then: Option<Unary>) -> Option<String> {
    let then = then.filter(|_| clamp != Clamp::NONE)?;
    Some(format!("clamps to {clamp} before its {}", then.name()))
}

/// The breach of a convolution's residual.
pub(crate) fn residual_breach(site: &Site<'_>) -> Option<String> {
    let (out, residual) = (site.out, site.operand(3)?.tensor);
    (residual.shape != out.shape || residual.dtype == Dtype::I64)
        .then(|| format!("adds a residual {residual} to {out}"))
}

fn border_breach(site: &Site<'_>) -> Option<String> {
    let border = site.operand(4)?;
    let channels = site.shape(0).and_then(|x| x.get(1).copied());
    let (len, fits) = (border.tensor.len(), border.constant.is_some_and(|c| c.as_f32().is_some()));
    (!fits || channels != Some(len)).then(|| format!("has a border of {len} numbers"))
}

/// Convolution as ONNX defines it, then the residual, then the clamp and the function. Sums run over channels, then
/// rows, then columns, and end with the bias.
fn convolved(
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
        if conv.is_point() {
            let x = &x.values[n * c_len * from_len..][..c_len * from_len];
            add_channels(x, &w.values[m * c_len..][..c_len], plane);
        }
        let per_group = if conv.is_point() { 0 } else { c_per_group };
        for i in 0..per_group {
            let c = m / (m_len / conv.group) * c_per_group + i;
            let x = &x.values[(n * c_len + c) * from_len..][..from_len];
            let taps = &w.values[(m * c_per_group + i) * taps_len..][..taps_len];
            slide(conv, x, from, taps, plane, to, |y, weight, x| *y += weight * x);
        }
        if let Some(bias) = bias {
            plane.iter_mut().for_each(|y| *y += bias.values[m]);
        }
    }
    if let Some(residual) = residual {
        y.iter_mut().zip(residual.values).for_each(|(y, r)| *y += r);
    }
    y.into_iter().map(|y| activated(conv.clamp, conv.activation, y)).collect()
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

/// An image with what its convolution pads it with, and the convolution that is left: one that pads nothing.
fn bordered(conv: &Conv, x: &Array, border: Floats<'_>) -> (Conv, Array) {
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

/// Calls `add` with the window's sum in `y` for each tap that falls on an element of one channel `x`.
pub(crate) fn slide<X, W: Copy, Y>(
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

/// The windows, of `count`, whose tap `tap` elements in falls into the image and not into its padding.
fn inside(count: usize, stride: usize, tap: usize, pad: usize, size: usize) -> Range<usize> {
    let first = pad.saturating_sub(tap).div_ceil(stride);
    let end = (size + pad).saturating_sub(tap).div_ceil(stride).min(count);
    first.min(end)..end
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENSE: Conv = Conv {
        kernel: [2, 2],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [0; 4],
        group: 1,
        clamp: Clamp::NONE,
        activation: None,
    };
    const NINE: [f32; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    const PICTURE: Floats<'_> = Floats { shape: &[1, 1, 3, 3], values: &NINE };
    const TAPS: Floats<'_> = Floats { shape: &[1, 1, 2, 2], values: &[1.0, 10.0, 100.0, 1000.0] };

    #[test]
    fn convolution_correlates_without_flipping() {
        let y = convolved(&DENSE, PICTURE, TAPS, None, None, &[1, 1, 2, 2]);
        assert_eq!(y, [5421.0, 6532.0, 8754.0, 9865.0]);
    }

    #[test]
    fn uneven_pads_and_strides_start_above_and_left() {
        let strided = Conv { stride: [2, 2], pads: [1, 1, 0, 0], ..DENSE };
        let y = convolved(&strided, PICTURE, TAPS, None, None, &[1, 1, 2, 2]);
        assert_eq!(y, [1000.0, 3200.0, 7040.0, 9865.0]);
    }

    #[test]
    fn dilation_spreads_the_taps() {
        let dilated = Conv { dilation: [2, 2], ..DENSE };
        let y = convolved(&dilated, PICTURE, TAPS, None, None, &[1, 1, 1, 1]);
        assert_eq!(y, [1.0 + 30.0 + 700.0 + 9000.0]);
    }

    #[test]
    fn groups_see_only_their_channels_and_the_residual_comes_before_the_clamp() {
        let grouped = Conv { kernel: [1, 1], group: 2, clamp: Clamp::RELU6, ..DENSE };
        let floats = |shape, values| Floats { shape, values };
        let x = floats(&[1, 4, 1, 1], &[1.0, 2.0, 3.0, 4.0]);
        let w = floats(&[2, 2, 1, 1], &[1.0, -1.0, 0.5, 1.0]);
        let (bias, residual) = (floats(&[2], &[0.5, 0.0]), floats(&[1, 2, 1, 1], &[2.0, 3.0]));
        let y = convolved(&grouped, x, w, Some(bias), Some(residual), &[1, 2, 1, 1]);
        assert_eq!(y, [1.5, 6.0]);
    }

    #[test]
    fn padding_wider_than_the_picture_adds_nothing() {
        let wide = Conv { pads: [3, 3, 3, 3], ..DENSE };
        let y = convolved(&wide, PICTURE, TAPS, None, None, &[1, 1, 8, 8]);
        assert_eq!(y.iter().sum::<f32>(), 45.0 * 1111.0);
    }
}
