//! Readers of operators that trade channels for pixels: DepthToSpace, SpaceToDepth, ConvTranspose.
//!
//! A transposed convolution of stride `s` is a convolution whose channels are the `s * s` pixels that each of its own
//! pixels becomes (the sub-pixel form), so it runs on the kernels of convolutions and multiplies by no stuffed zeros.

use crate::frontend::onnx::call::Call;
use crate::frontend::onnx::fault::{Fault, Made};
use crate::frontend::onnx::store::checked_len;
use crate::frontend::onnx::window::{Picture, explicit_pads, pair};
use crate::ir::{Clamp, Conv, NodeId, Op, Pad, PadMode, Values};

/// Which of channel and pixel varies faster among the channels that become pixels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Pixels of one channel follow each other (`CRD`).
    PixelsInside,
    /// Channels of one pixel follow each other (`DCR`).
    ChannelsInside,
}

/// DepthToSpace: each pixel becomes a square of pixels, made of its channels.
pub(super) fn depth_to_space(call: &mut Call<'_>) -> Made {
    let (x, side) = (call.any(0)?, side(call)?);
    let order = match call.text("mode", "DCR")?.as_str() {
        "DCR" => Order::ChannelsInside,
        "CRD" => Order::PixelsInside,
        other => return Err(Fault::Misfit(format!("mode {other:?} is neither DCR nor CRD"))),
    };
    let [n, c, h, w] = picture(call, x)?;
    if !c.is_multiple_of(side * side) {
        return Err(Fault::Misfit(format!("{c} channels are no squares of {side} pixels")));
    }
    let spread = spread(call, x, [side; 2], order)?;
    let shape = vec![n, c / (side * side), h * side, w * side];
    call.emit_as(Op::Reshape, shape, &[spread])
}

/// SpaceToDepth: each square of pixels becomes one, whose channels follow each other pixel by pixel.
pub(super) fn space_to_depth(call: &mut Call<'_>) -> Made {
    let (x, side) = (call.any(0)?, side(call)?);
    let [n, c, h, w] = picture(call, x)?;
    if !h.is_multiple_of(side) || !w.is_multiple_of(side) {
        return Err(Fault::Misfit(format!("{h}x{w} pixels are no squares of {side}")));
    }
    let squares = call.view("squares", x, vec![n, c, h / side, side, w / side, side])?;
    let channels = call.step("channels", Op::Transpose(vec![0, 3, 5, 1, 2, 4]), &[squares])?;
    call.emit_as(Op::Reshape, vec![n, c * side * side, h / side, w / side], &[channels])
}

/// Weights that may be made of a ConvTranspose's, however few those are.
const MOST_FILLED: usize = 1 << 20;
/// How many times as many they may be beyond that: strides far wider than the window fill them with zeros.
const MOST_GROWTH: usize = 64;

/// ConvTranspose over images and signals, with constant weights.
pub(super) fn conv_transpose(call: &mut Call<'_>) -> Made {
    let Picture { id: x, rank, .. } = Picture::read(call)?;
    let [n, c, h, w] = picture(call, x)?;
    let window = Transposed::read(call, rank, c, [h, w])?;
    let Transposed { stride: [down, across], taps, group, channels, .. } = window;
    let order = if group == 1 { Order::ChannelsInside } else { Order::PixelsInside };
    let mut operands = vec![x, window.sub_pixel_weights(call, order)?];
    if call.given(2).is_some() {
        operands.push(window.repeated_bias(call, order)?);
    }
    let grown = window.pixels([h, w]);
    // As many zeros as make every pixel of the result, beside the taps that look back.
    let after = |i: usize| grown[i] - [h, w][i];
    let conv = Op::Conv(Conv {
        kernel: taps,
        stride: [1, 1],
        dilation: [1, 1],
        pads: [taps[0] - 1, taps[1] - 1, after(0), after(1)],
        group,
        clamp: Clamp::NONE,
        activation: None,
    });
    let depth = call.step("pixels", conv, &operands)?;
    let spread = spread(call, depth, [down, across], order)?;
    let whole = vec![n, channels, grown[0] * down, grown[1] * across];
    let [top, left] = window.cropped;
    let [rows, columns] = window.size;
    let result = match rank {
        1 => vec![n, channels, columns],
        _ => vec![n, channels, rows, columns],
    };
    if whole[2..] == [rows, columns] {
        return call.emit_as(Op::Reshape, result, &[spread]);
    }
    let below = [whole[2] - top - rows, whole[3] - left - columns];
    let whole = call.view("whole", spread, whole)?;
    let crop = |[y, x]: [usize; 2]| vec![0, 0, -(y as isize), -(x as isize)];
    let mode = PadMode::Constant(0.0);
    let pad = Op::Pad(Pad { before: crop([top, left]), after: crop(below), mode });
    if rank == 2 {
        return call.emit(pad, &[whole]);
    }
    let cropped = call.step("cropped", pad, &[whole])?;
    call.emit_as(Op::Reshape, result, &[cropped])
}

/// A transposed convolution, resolved to numbers.
struct Transposed {
    /// Rows and columns of the window in the file, and the distance between its taps.
    kernel: [usize; 2],
    dilation: [usize; 2],
    stride: [usize; 2],
    /// Taps that each pixel of the result sees, down and across.
    taps: [usize; 2],
    group: usize,
    /// Channels read and made.
    inputs: usize,
    channels: usize,
    /// Rows and columns cut off above and left, and those that are left of the rest.
    cropped: [usize; 2],
    size: [usize; 2],
}

impl Transposed {
    fn read(call: &Call<'_>, rank: usize, inputs: usize, from: [usize; 2]) -> Result<Self, Fault> {
        let mut shape = call.shape(call.float(1)?);
        if rank == 1 && shape.len() == 3 {
            shape.insert(2, 1);
        }
        let group = call.int("group", 1)?;
        let group = usize::try_from(group).ok().filter(|group| {
            *group > 0 && shape.first() == Some(&inputs) && inputs.is_multiple_of(*group)
        });
        let (Some(group), &[_, each, kh, kw]) = (group, shape.as_slice()) else {
            let what = format!("weights {shape:?} in its groups for {inputs} channels");
            return Err(Fault::Misfit(what));
        };
        let kernel = [kh, kw];
        if pair(call, "kernel_shape", rank)?.is_some_and(|other| other != kernel) {
            return Err(Fault::Misfit(format!(
                "kernel_shape is not that of the weights {shape:?}"
            )));
        }
        let stride = pair(call, "strides", rank)?.unwrap_or([1, 1]);
        let dilation = pair(call, "dilations", rank)?.unwrap_or([1, 1]);
        if kernel.into_iter().chain(stride).chain(dilation).any(|n| n == 0) {
            return Err(Fault::Misfit(format!(
                "a {kernel:?} window of stride {stride:?} and dilation {dilation:?}"
            )));
        }
        let span = |i: usize| (kernel[i] - 1).saturating_mul(dilation[i]).saturating_add(1);
        checked_len(&[span(0), span(1)])?;
        checked_len(&[stride[0], stride[1], each, group, from[0], from[1]])?;
        let (cropped, size) = cropping(call, rank, from, stride, [span(0), span(1)])?;
        let taps = [0, 1].map(|i| span(i).div_ceil(stride[i]));
        let channels = each * group;
        Ok(Self { kernel, dilation, stride, taps, group, inputs, channels, cropped, size })
    }

    /// Rows and columns that the convolution makes of those given: as many as are needed, and none left out.
    fn pixels(&self, from: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|i| (self.cropped[i] + self.size[i]).div_ceil(self.stride[i]).max(from[i]))
    }

    /// The weights `[inputs, channels/group, kh, kw]` as those of the convolution that makes pixels as channels.
    fn sub_pixel_weights(&self, call: &mut Call<'_>, order: Order) -> Result<NodeId, Fault> {
        let Self { kernel, dilation, stride, taps, group, inputs, channels, .. } = *self;
        let (each, read) = (channels / group, inputs / group);
        let shape = vec![channels * stride[0] * stride[1], read, taps[0], taps[1]];
        let id = call.any(1)?;
        let (len, given) = (checked_len(&shape)?, call.shape(id).iter().product::<usize>());
        if len > MOST_FILLED && len / MOST_GROWTH > given {
            let what = format!("strides of {stride:?}, which make {len} weights of {given}");
            return Err(Fault::Unsupported(what));
        }
        call.store.take(len)?;
        let numbers = call.numbers(id);
        let Some(Values::F32(weights)) = numbers.as_deref() else {
            return Err(Fault::Unsupported(format!("weights that are {}", call.made(id))));
        };
        let mut made = vec![0.0; shape.iter().product()];
        for (at, weight) in weights.iter().enumerate() {
            let (column, rest) = (at % kernel[1] * dilation[1], at / kernel[1]);
            let (row, rest) = (rest % kernel[0] * dilation[0], rest / kernel[0]);
            let (channel, input) = (rest % each, rest / each);
            let output = input / read * each + channel;
            let pixel = [row % stride[0], column % stride[1]];
            // The further a tap reaches ahead, the further back lies the pixel that it reads.
            let tap = [taps[0] - 1 - row / stride[0], taps[1] - 1 - column / stride[1]];
            let filter = self.filter(output, pixel, order) * read + input % read;
            made[(filter * taps[0] + tap[0]) * taps[1] + tap[1]] = *weight;
        }
        let name = format!("{}/weights", call.result_name(0));
        Ok(call.graph.add_const(name, shape, Values::F32(made)))
    }

    /// The bias, once for each pixel.
    fn repeated_bias(&self, call: &mut Call<'_>, order: Order) -> Result<NodeId, Fault> {
        let id = call.float(2)?;
        let pixels = self.stride[0] * self.stride[1];
        let numbers = call.numbers(id);
        let values = match numbers.as_deref() {
            Some(Values::F32(values)) if values.len() == self.channels => values,
            Some(_) => {
                let what = format!("operand 2 is {:?}; [{}]", call.shape(id), self.channels);
                return Err(Fault::Misfit(format!("{what} belongs there")));
            }
            None => {
                return Err(Fault::Unsupported(format!("a bias that is {}", call.made(id))));
            }
        };
        let mut made = vec![0.0; self.channels * pixels];
        for (channel, value) in values.iter().enumerate() {
            for pixel in 0..pixels {
                let at = [pixel / self.stride[1], pixel % self.stride[1]];
                made[self.filter(channel, at, order)] = *value;
            }
        }
        call.store.take(made.len())?;
        let name = format!("{}/bias", call.result_name(0));
        Ok(call.graph.add_const(name, [made.len()], Values::F32(made)))
    }

    /// The convolution's channel that is `channel` of the pixel at `[row, column]` of a square.
    fn filter(&self, channel: usize, [row, column]: [usize; 2], order: Order) -> usize {
        let (pixel, pixels) = (row * self.stride[1] + column, self.stride[0] * self.stride[1]);
        match order {
            Order::PixelsInside => channel * pixels + pixel,
            Order::ChannelsInside => pixel * self.channels + channel,
        }
    }
}

/// Rows and columns that a transposed convolution cuts off above and left, and the size of its result.
fn cropping(
    call: &Call<'_>,
    rank: usize,
    from: [usize; 2],
    stride: [usize; 2],
    span: [usize; 2],
) -> Result<([usize; 2], [usize; 2]), Fault> {
    let mut extra = pair(call, "output_padding", rank)?.unwrap_or([0, 0]);
    if rank == 1 {
        extra[0] = 0;
    }
    let full = [0, 1].map(|i| ((from[i] - 1) * stride[i]).saturating_add(span[i]));
    let wanted = pair(call, "output_shape", rank)?;
    let auto = call.text("auto_pad", "NOTSET")?;
    let pads = match (auto.as_str(), wanted) {
        ("SAME_UPPER" | "SAME_LOWER", _) | (_, Some(_)) => {
            let size = wanted.unwrap_or([0, 1].map(|i| from[i] * stride[i]));
            let half = |both: usize| match auto.as_str() {
                "SAME_UPPER" => both / 2,
                _ => both.div_ceil(2),
            };
            let both = [0, 1].map(|i| full[i].saturating_add(extra[i]).saturating_sub(size[i]));
            return Ok(([half(both[0]), half(both[1])], size));
        }
        ("NOTSET", None) => explicit_pads(call, rank)?,
        ("VALID", None) => [0; 4],
        (other, None) => return Err(Fault::Misfit(format!("auto_pad {other:?} is unknown"))),
    };
    let left = |i: usize| {
        let cut = pads[i].saturating_add(pads[i + 2]);
        full[i].saturating_add(extra[i]).checked_sub(cut).filter(|left| *left > 0)
    };
    match (left(0), left(1)) {
        (Some(rows), Some(columns)) => Ok(([pads[0], pads[1]], [rows, columns])),
        _ => Err(Fault::Misfit(format!("pads {pads:?} cut all of {full:?} off"))),
    }
}

/// Channels as squares of pixels, `[n, channels, h, down, w, across]`, which is the image but for its shape.
fn spread(
    call: &mut Call<'_>,
    x: NodeId,
    [down, across]: [usize; 2],
    order: Order,
) -> Result<NodeId, Fault> {
    let [n, c, h, w] = picture(call, x)?;
    let channels = c / (down * across);
    let (split, perm) = match order {
        Order::PixelsInside => (vec![n, channels, down, across, h, w], vec![0, 1, 4, 2, 5, 3]),
        Order::ChannelsInside => (vec![n, down, across, channels, h, w], vec![0, 3, 4, 1, 5, 2]),
    };
    let split = call.view("squares", x, split)?;
    call.step("spread", Op::Transpose(perm), &[split])
}

/// The side of a square of pixels.
fn side(call: &Call<'_>) -> Result<usize, Fault> {
    let side = call.int("blocksize", 0)?;
    let side = usize::try_from(side).ok().filter(|side| (1..=1 << 12).contains(side));
    side.ok_or_else(|| Fault::Misfit("blocksize is missing; it is the side of a square".into()))
}

fn picture(call: &Call<'_>, x: NodeId) -> Result<[usize; 4], Fault> {
    let shape = call.shape(x);
    let picture = <[usize; 4]>::try_from(shape);
    let picture = picture.ok().filter(|shape| shape.iter().all(|dim| *dim > 0));
    picture.ok_or_else(|| Fault::Unsupported("an input that is no picture [n, c, h, w]".into()))
}
