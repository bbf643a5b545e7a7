//! Makes the first quantised convolution read the bytes of an image through tables, one a channel.
//!
//! ```text
//! qconv(quantize(div(sub(transpose(identity(x: u8)), mean), std)), w)  ->  qconv(transpose(x: u8), w, through tables)
//! qconv(quantize(reversed channels of ..), w)                          ->  the same, w with its inputs reversed
//! ```
//! Tables hold what f32 makes of all 256 bytes, so nothing changes; those that change no byte are left out.

use crate::error::Result;
use crate::ir::{Dtype, Graph, NodeId, Op, Quant, Slice, Tensor, Values};
use crate::pass::constant::per_channel;
use crate::pass::edit::{reconnect, sole_reader, x};
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// The permutation from NHWC to `[n,c,h,w]`.
const TO_NCHW: [usize; 4] = [0, 3, 1, 2];

/// Looks up; the number of convolutions that read an image from now on.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, look_up))
}

fn look_up(graph: &mut Graph, id: NodeId) -> Attempt {
    let Op::Quant(Quant::Conv(conv)) = &graph.node(id).op else { return Ok(false) };
    let group = conv.conv.group;
    let Some((picture, chain)) = chain(graph, id)? else { return Ok(false) };
    if group != 1 {
        return Err(Skip::new(graph, id, "its groups read channels of the picture apart"));
    }
    let mut seen = Seen::of(graph, picture);
    for step in chain.into_iter().rev() {
        seen.pass(graph, step)
            .ok_or_else(|| Skip::new(graph, step, "it is no function of the bytes of a channel"))?;
    }
    if seen.perm != TO_NCHW {
        return Err(Skip::new(graph, id, "the picture's channels are not innermost"));
    }
    let (name, old) = (graph.node(picture).name.clone(), x(graph, id));
    let planes = Tensor { dtype: Dtype::U8, ..Tensor::f32(graph.node(old).out.shape.clone()) };
    let view = if seen.channels.len() == 1 { Op::Reshape } else { Op::Transpose(TO_NCHW.to_vec()) };
    let bytes = graph.add(format!("{name}.bytes"), view, planes, &[picture]);
    seen.order_weights(graph, id);
    seen.set_tables(graph, id);
    reconnect(graph, id, 0, bytes);
    Ok(true)
}

/// The image of bytes that convolution `id` sees, and what lies between from the last to the first, if that makes
/// numbers of it.
fn chain(graph: &Graph, id: NodeId) -> Attempt<Option<(NodeId, Vec<NodeId>)>> {
    let (mut at, mut chain) = (x(graph, id), Vec::new());
    while let Some(next) = before(graph, at) {
        chain.push(at);
        at = next;
    }
    let node = graph.node(at);
    let is_picture = node.op == Op::Input && node.out.dtype == Dtype::U8;
    let computes = chain.iter().any(|id| graph.node(*id).out.dtype == Dtype::F32);
    if !is_picture || !computes || node.out.shape.len() != 4 {
        return Ok(None);
    }
    for step in &chain {
        sole_reader(graph, *step)?;
    }
    Ok(Some((at, chain)))
}

/// The operand of `id`, if `id` may be a function of each channel.
fn before(graph: &Graph, id: NodeId) -> Option<NodeId> {
    match &graph.node(id).op {
        Op::Identity | Op::Transpose(_) | Op::Reshape | Op::Slice(_) => Some(x(graph, id)),
        Op::Clamp(_) | Op::Unary(_) => Some(x(graph, id)),
        Op::Quant(Quant::Quantize(_) | Quant::Dequantize(_) | Quant::Table(_)) => {
            Some(x(graph, id))
        }
        Op::Binary(_) => [0, 1]
            .map(|port| graph.operand(id, port))
            .into_iter()
            .flatten()
            .find(|operand| graph.constant(*operand).is_none()),
        // Any other operator needs more than one byte at a time, or other bytes.
        _ => None,
    }
}

/// An image on its way: what its bytes have become.
struct Seen {
    /// The dimension of the image that each one is.
    perm: Vec<usize>,
    channels: Vec<Channel>,
}

/// A channel of the image.
struct Channel {
    /// Its number in the image.
    number: usize,
    /// The value that each byte has become.
    values: Vec<f32>,
}

impl Seen {
    fn of(graph: &Graph, picture: NodeId) -> Self {
        let bytes: Vec<f32> = (0..=255_u8).map(f32::from).collect();
        let channels = 0..graph.node(picture).out.shape[3];
        let channels = channels.map(|number| Channel { number, values: bytes.clone() });
        Self { perm: vec![0, 1, 2, 3], channels: channels.collect() }
    }

    /// Goes through `id`; nothing if that is more than a function of each channel.
    fn pass(&mut self, graph: &Graph, id: NodeId) -> Option<()> {
        let axis = self.perm.iter().position(|from| *from == 3)?;
        match &graph.node(id).op {
            Op::Identity => {}
            Op::Transpose(perm) => self.perm = perm.iter().map(|from| self.perm[*from]).collect(),
            Op::Reshape => {
                let [from, into] = [x(graph, id), id].map(|id| graph.node(id).out.shape.as_slice());
                let &[n, h, w, 1] = from else { return None };
                if self.perm != [0, 1, 2, 3] || into != [n, 1, h, w] {
                    return None;
                }
                self.perm = TO_NCHW.to_vec();
            }
            Op::Slice(slice) => {
                reverses(graph, id, slice, axis).then(|| self.channels.reverse())?;
            }
            Op::Clamp(clamp) => self.each(|x| clamp.apply(x)),
            Op::Unary(function) => self.each(|x| function.apply(x)),
            Op::Binary(function) => {
                let swapped = graph.constant(x(graph, id)).is_some();
                let numbers = graph.operand(id, usize::from(!swapped))?;
                let numbers = per_channel(graph, numbers, &graph.node(id).out.shape, axis)?;
                for (channel, by) in self.channels.iter_mut().zip(numbers) {
                    channel.values.iter_mut().for_each(|x| {
                        let (a, b) = if swapped { (by, *x) } else { (*x, by) };
                        *x = function.apply(a, b);
                    });
                }
            }
            Op::Quant(Quant::Quantize(to)) => self.each(|x| to.quantize(x).into()),
            Op::Quant(Quant::Dequantize(from)) => self.each(|x| from.dequantize(x as u8)),
            Op::Quant(Quant::Table(table)) => self.each(|x| table[x as usize].into()),
            // `before` stops at any other operator.
            _ => return None,
        }
        Some(())
    }

    fn each(&mut self, f: impl Fn(f32) -> f32) {
        self.channels.iter_mut().flat_map(|it| &mut it.values).for_each(|x| *x = f(*x));
    }

    /// Gives convolution `id` the order of channels that the image has.
    fn order_weights(&mut self, graph: &mut Graph, id: NodeId) {
        if self.channels.is_sorted_by_key(|channel| channel.number) {
            return;
        }
        let old = graph.operand(id, 1).expect("verified convolutions have weights");
        let (name, shape) = (graph.node(old).name.clone(), graph.node(old).out.shape.clone());
        let values = graph.constant(old).and_then(Values::as_i8).expect("verified weights are i8");
        let (inputs, taps) = (self.channels.len(), shape[2..].iter().product::<usize>());
        let mut sorted = values.to_vec();
        for (at, weight) in values.iter().enumerate() {
            let (output, input, tap) = (at / taps / inputs, at / taps % inputs, at % taps);
            sorted[(output * inputs + self.channels[input].number) * taps + tap] = *weight;
        }
        let sorted = graph.add_const(name, shape, Values::I8(sorted));
        reconnect(graph, id, 1, sorted);
        self.channels.sort_by_key(|channel| channel.number);
    }

    /// Gives convolution `id` the tables, if they change anything.
    fn set_tables(&self, graph: &mut Graph, id: NodeId) {
        let bytes = |channel: &Channel| channel.values.iter().map(|x| *x as u8).collect();
        let tables: Vec<Vec<u8>> = self.channels.iter().map(bytes).collect();
        if tables.iter().all(|table| table.iter().copied().eq(0..=255)) {
            return;
        }
        let name = format!("{}.tables", graph.node(id).name);
        let tables = graph.add_const(name, [tables.len(), 256], Values::U8(tables.concat()));
        reconnect(graph, id, 4, tables);
    }
}

/// True if `id` only reverses dimension `axis`.
fn reverses(graph: &Graph, id: NodeId, slice: &Slice, axis: usize) -> bool {
    let (from, out) = (&graph.node(x(graph, id)).out.shape, &graph.node(id).out.shape);
    let last = out[axis] - 1;
    let ranges = slice.starts.iter().zip(&slice.steps).enumerate();
    let whole = |(at, (start, step)): (usize, (&usize, &isize))| {
        (*start, *step) == if at == axis { (last, -1) } else { (0, 1) }
    };
    from == out && ranges.into_iter().all(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Affine, Binary, Bounds, Clamp, Conv, QConv, Requant, To};
    use crate::pass::fixture::{Net, golden, left, refusals, rewrite};

    const WHOLE: Affine = Affine { scale: 1.0, zero: 0 };

    /// A quantised convolution of two outputs.
    fn qconv(net: &mut Net, x: NodeId, channels: usize, group: usize) -> NodeId {
        let conv = Conv {
            kernel: [3, 1],
            stride: [1, 1],
            dilation: [1, 1],
            pads: [1, 0, 1, 0],
            group,
            clamp: Clamp::NONE,
            activation: None,
        };
        let outputs = 2 * group;
        let values = (0..outputs * channels / group * 3).map(|at| (at * 41 % 255) as u8 as i8);
        let w = net.constant(&[outputs, channels / group, 3, 1], Values::I8(values.collect()));
        let to = To::Bytes { zero: 7, bounds: Bounds::ALL };
        let requant = Requant::new(vec![0.003; outputs], to);
        let conv = QConv { conv, x_zero: 114, requant, residual: None };
        let y = net.typed(Op::Quant(Quant::Conv(conv)), Dtype::U8, &[x, w]);
        net.put(Op::Quant(Quant::Dequantize(WHOLE)), &[y])
    }

    fn normalised(net: &mut Net, x: NodeId) -> NodeId {
        let mean = net.floats(&[3, 1, 1], &[123.7, 116.3, 103.5]);
        let std = net.floats(&[3, 1, 1], &[58.4, 57.1, 57.4]);
        let centred = net.put(Op::Binary(Binary::Sub), &[x, mean]);
        net.put(Op::Binary(Binary::Div), &[centred, std])
    }

    fn quantised(net: &mut Net, x: NodeId, to: Affine) -> NodeId {
        net.typed(Op::Quant(Quant::Quantize(to)), Dtype::U8, &[x])
    }

    #[test]
    fn what_is_done_to_a_picture_is_looked_up() {
        let mut net = Net::default();
        let bytes = net.bytes(&[1, 9, 11, 3]);
        let floats = net.put(Op::Identity, &[bytes]);
        let picture = net.put(Op::Transpose(TO_NCHW.to_vec()), &[floats]);
        let slice = Slice { starts: vec![0, 2, 0, 0], steps: vec![1, -1, 1, 1] };
        let turned = net.shaped(Op::Slice(slice), &[1, 3, 9, 11], &[picture]);
        let x = normalised(&mut net, turned);
        let x = quantised(&mut net, x, Affine { scale: 0.0186, zero: 114 });
        let y = qconv(&mut net, x, 3, 1);
        golden("look_up_input", run, net.answer(&[y]));
    }

    #[test]
    fn bytes_that_stay_what_they_are_need_no_table() {
        for channels in [1, 3] {
            let mut net = Net::default();
            let bytes = net.bytes(&[1, 4, 5, channels]);
            let floats = net.put(Op::Identity, &[bytes]);
            let x = quantised(&mut net, floats, WHOLE);
            let x = net.typed(Op::Transpose(TO_NCHW.to_vec()), Dtype::U8, &[x]);
            let y = qconv(&mut net, x, channels, 1);
            let (after, _) = rewrite(run, net.answer(&[y]));
            let conv = super::x(&after, after.outputs[0].node);
            assert_eq!(after.operand(conv, 4), None);
            let view = super::x(&after, conv);
            assert_eq!(after.node(super::x(&after, view)).op, Op::Input);
        }
    }

    #[test]
    fn all_bytes_become_what_floats_make_of_them() {
        let mut net = Net::default();
        let bytes = net.bytes(&[1, 16, 16, 3]);
        let floats = net.put(Op::Identity, &[bytes]);
        let picture = net.put(Op::Transpose(TO_NCHW.to_vec()), &[floats]);
        let x = normalised(&mut net, picture);
        let x = quantised(&mut net, x, Affine { scale: 0.0186, zero: 114 });
        let y = qconv(&mut net, x, 3, 1);
        let before = net.answer(&[x, y]);
        let mut after = before.clone();
        after.outputs = after.outputs[1..].iter().cloned().collect();
        assert_eq!(run(&mut after, &mut Skips::new()), Ok(1));
        let tables =
            after.operand(super::x(&after, after.outputs[0].node), 4).expect("bytes are scaled");
        let tables = after.constant(tables).and_then(Values::as_u8).expect("tables are bytes");
        let all = (0..=255).flat_map(|byte| [byte; 3]).collect();
        let all = crate::interp::Array { shape: vec![1, 16, 16, 3], values: Values::U8(all) };
        let answer = crate::interp::run(&before, &[all]).expect("the graph is sound").remove(0);
        assert_eq!(answer.values.as_u8(), Some(tables));
    }

    #[test]
    fn a_function_of_pixels_is_no_table() {
        let mut net = Net::default();
        let bytes = net.bytes(&[1, 4, 5, 3]);
        let floats = net.put(Op::Identity, &[bytes]);
        let picture = net.put(Op::Transpose(TO_NCHW.to_vec()), &[floats]);
        let by = net.ramp(&[4, 5]);
        let x = net.put(Op::Binary(Binary::Mul), &[picture, by]);
        let x = quantised(&mut net, x, WHOLE);
        let y = qconv(&mut net, x, 3, 1);
        let reasons = refusals(run, net.answer(&[y]));
        assert_eq!(reasons, ["it is no function of the bytes of a channel"]);
    }

    #[test]
    fn floats_that_the_caller_gives_are_quantised() {
        let mut net = Net::default();
        let floats = net.input(&[1, 3, 4, 5]);
        let x = normalised(&mut net, floats);
        let x = quantised(&mut net, x, WHOLE);
        let y = qconv(&mut net, x, 3, 1);
        assert_eq!(left(run, net.answer(&[y])), "input sub div quantize qconv dequantize");
    }
}
