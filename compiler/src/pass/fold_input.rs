//! Folds the preprocessing of an input image into the convolution that reads it: bytes, channel order, mean, deviation.
//!
//! ```text
//! conv(div(sub(x, mean), std), w, b)        ->  conv(x, w / std, b - w * mean / std), pads hold mean
//! conv(reversed channels of x, w)           ->  conv(x, w with its input channels reversed)
//! conv(transpose(identity(x: u8) as f32))   ->  conv(transpose(x: u8))
//! ```
//! A pad means zero after the scaling, so before it the border is the value that becomes zero. All is computed in f64
//! and rounded once.

use crate::error::Result;
use crate::ir::{Binary, Dtype, Graph, NodeId, Op, Port, Slice};
use crate::pass::affine;
use crate::pass::edit::{reconnect, replace, set_floats, sole_reader, x};
use crate::pass::layer::{Layer, rounded, widened};
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// The permutation from NHWC to `[n,c,h,w]`.
const TO_NCHW: [usize; 4] = [0, 3, 1, 2];

/// Folds; the number of convolutions that took something in.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, fold))
}

/// `scale * source + shift`, per channel of what a convolution reads.
struct Chain {
    /// The input, or the transpose of it, that everything else comes from.
    source: NodeId,
    scale: Vec<f64>,
    shift: Vec<f64>,
    /// True if the convolution's channels are the source's in reverse order.
    reversed: bool,
}

fn fold(graph: &mut Graph, id: NodeId) -> Attempt {
    let Op::Conv(conv) = &graph.node(id).op else { return Ok(false) };
    let (group, pads) = (conv.group, conv.pads != [0; 4]);
    let Some(chain) = chain(graph, id)? else { return Ok(false) };
    if group != 1 {
        return Err(Skip::new(graph, id, "its groups read channels of the picture apart"));
    }
    let mut layer = Layer::read(graph, id)?;
    let mut border = border(graph, id, &chain);
    let is_bordered = pads && border.iter().any(|value| *value != 0.0);
    if is_bordered && !rounded(&border).iter().all(|value| value.is_finite()) {
        return Err(Skip::new(graph, id, "no value of a pixel becomes zero, which it pads with"));
    }
    layer.map_inputs(&chain.scale, &chain.shift);
    if chain.reversed {
        layer.reverse_inputs();
        border.reverse();
    }
    layer.write(graph)?;
    if is_bordered {
        set_floats(graph, id, 4, [border.len()], rounded(&border));
    }
    reconnect(graph, id, 0, chain.source);
    drop_widening(graph, chain.source);
    Ok(true)
}

/// The pixel around the image that becomes what the convolution pads with now, per channel.
fn border(graph: &Graph, id: NodeId, chain: &Chain) -> Vec<f64> {
    let old = graph.constant_operand(id, 4).map(widened);
    let old = old.unwrap_or_else(|| vec![0.0; chain.scale.len()]);
    let scaled = chain.scale.iter().zip(&chain.shift);
    let border = old.iter().zip(scaled).map(|(old, (scale, shift))| (old - shift) / scale);
    border.map(|value| if value == 0.0 { 0.0 } else { value }).collect()
}

/// Operators between convolution `id` and an input, if there are any and all of them can be folded.
fn chain(graph: &Graph, id: NodeId) -> Attempt<Option<Chain>> {
    let start = x(graph, id);
    let Some(channels) = graph.node(start).out.shape.get(1).copied() else { return Ok(None) };
    let (scale, shift) = (vec![1.0; channels], vec![0.0; channels]);
    let mut chain = Chain { source: start, scale, shift, reversed: false };
    while let Some(before) = chain.step(graph) {
        sole_reader(graph, chain.source)?;
        chain.source = before;
    }
    let widens = widening(graph, chain.source).is_some();
    let folds = chain.source != start || widens;
    Ok((folds && is_picture(graph, chain.source)).then_some(chain))
}

impl Chain {
    /// Takes in the node at the source, if it is of a kind that folds; what that reads.
    fn step(&mut self, graph: &Graph) -> Option<NodeId> {
        match &graph.node(self.source).op {
            Op::Binary(function) => self.scaled(graph, *function),
            Op::Slice(slice) if reverses_channels(graph, self.source, slice) => {
                self.reversed = !self.reversed;
                Some(x(graph, self.source))
            }
            // Any other operator does more to an image than weights can take in.
            _ => None,
        }
    }

    fn scaled(&mut self, graph: &Graph, function: Binary) -> Option<NodeId> {
        let mut inner = affine::binary(graph, self.source, function)?;
        if self.reversed {
            inner.scale.reverse();
            inner.shift.reverse();
        }
        for ((scale, shift), (s, t)) in
            self.scale.iter_mut().zip(&mut self.shift).zip(inner.scale.iter().zip(&inner.shift))
        {
            *shift += *scale * t;
            *scale *= s;
        }
        Some(inner.x)
    }
}

fn reverses_channels(graph: &Graph, id: NodeId, slice: &Slice) -> bool {
    let (from, out) = (&graph.node(x(graph, id)).out.shape, &graph.node(id).out.shape);
    let last = out.get(1).map_or(0, |channels| channels - 1);
    let reversed = |axis: usize| {
        let (start, step) = if axis == 1 { (last, -1) } else { (0, 1) };
        (slice.starts[axis], slice.steps[axis]) == (start, step)
    };
    from == out && out.len() == 4 && (0..4).all(reversed)
}

/// True if `id` is an input, bytes or floats, as it comes or with its channels put first.
fn is_picture(graph: &Graph, id: NodeId) -> bool {
    let from = match widening(graph, id) {
        Some(widening) => x(graph, widening),
        None if matches!(&graph.node(id).op, Op::Transpose(_) | Op::Reshape) => x(graph, id),
        None => id,
    };
    matches!(graph.node(from).op, Op::Input)
}

/// The node that makes floats of the bytes of an input, which `id` puts its channels first of.
fn widening(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let puts_first = match &graph.node(id).op {
        Op::Transpose(perm) => *perm == TO_NCHW,
        Op::Reshape => matches!(graph.node(id).out.shape[..], [_, 1, _, _]),
        // No other operator puts channels first.
        _ => false,
    };
    let widening = graph.operand(id, 0).filter(|_| puts_first)?;
    let node = graph.node(widening);
    let widens = node.op == Op::Identity && node.out.dtype == Dtype::F32;
    let from = &graph.node(graph.operand(widening, 0)?);
    let bytes = from.op == Op::Input && from.out.dtype == Dtype::U8;
    (widens && bytes && graph.only_reader(widening) == Some(id)).then_some(widening)
}

/// Makes a convolution read the bytes themselves.
fn drop_widening(graph: &mut Graph, source: NodeId) {
    if let Some(widening) = widening(graph, source) {
        let bytes = x(graph, widening);
        graph.node_mut(source).out.dtype = Dtype::U8;
        graph.connect(bytes, source, Port(0));
        replace(graph, widening, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Conv, Tensor};
    use crate::pass::fixture::{Net, golden, left, refusals, rewrite, same};

    fn normalised(net: &mut Net, picture: NodeId) -> NodeId {
        let mean = net.floats(&[3, 1, 1], &[0.5, 0.25, 0.125]);
        let std = net.floats(&[3, 1, 1], &[0.5, 0.75, 2.0]);
        let slice = Slice { starts: vec![0, 2, 0, 0], steps: vec![1, -1, 1, 1] };
        let turned = net.shaped(Op::Slice(slice), &[1, 3, 4, 5], &[picture]);
        let centred = net.put(Op::Binary(Binary::Sub), &[turned, mean]);
        net.put(Op::Binary(Binary::Div), &[centred, std])
    }

    #[test]
    fn bytes_go_into_a_padding_conv() {
        let mut net = Net::default();
        let bytes = net.bytes(&[1, 4, 5, 3]);
        let floats = net.put(Op::Identity, &[bytes]);
        let picture = net.put(Op::Transpose(TO_NCHW.to_vec()), &[floats]);
        let x = normalised(&mut net, picture);
        let y = net.conv(x, 2, same(3));
        golden("fold_input", run, net.answer(&[y]));
    }

    #[test]
    fn a_conv_that_pads_nothing_needs_no_border() {
        let mut net = Net::default();
        let picture = net.input(&[1, 3, 4, 5]);
        let x = normalised(&mut net, picture);
        let y = net.conv(x, 2, Conv { pads: [0; 4], ..same(3) });
        let (after, _) = rewrite(run, net.answer(&[y]));
        let conv = after.outputs[0].node;
        assert_eq!(after.operand(conv, 4), None);
        assert!(matches!(after.node(super::x(&after, conv)).op, Op::Input));
    }

    #[test]
    fn a_scaling_inside_the_network_stays() {
        let mut net = Net::default();
        let picture = net.input(&[1, 3, 4, 5]);
        let inner = net.conv(picture, 3, same(1));
        let mean = net.floats(&[3, 1, 1], &[0.5, 0.25, 0.125]);
        let centred = net.put(Op::Binary(Binary::Sub), &[inner, mean]);
        let y = net.conv(centred, 2, same(3));
        assert_eq!(left(run, net.answer(&[y])), "input conv sub conv");
    }

    #[test]
    fn what_cannot_be_folded_says_why() {
        let refused = |scale: f32, group: usize| {
            let mut net = Net::default();
            let picture = net.input(&[1, 2, 4, 5]);
            let (factor, one) = (net.floats(&[], &[scale]), net.floats(&[], &[1.0]));
            let scaled = net.put(Op::Binary(Binary::Mul), &[picture, factor]);
            let shifted = net.put(Op::Binary(Binary::Add), &[scaled, one]);
            let y = net.conv(shifted, 2, Conv { group, ..same(3) });
            refusals(run, net.answer(&[y]))
        };
        assert_eq!(refused(1.0, 2), ["its groups read channels of the picture apart"]);
        assert_eq!(refused(0.0, 1), ["no value of a pixel becomes zero, which it pads with"]);
    }

    #[test]
    fn floats_in_other_orders_stay_floats() {
        let mut net = Net::default();
        let picture = net.input(&[1, 4, 5, 3]);
        let seen = net.put(Op::Transpose(TO_NCHW.to_vec()), &[picture]);
        let x = normalised(&mut net, seen);
        let y = net.conv(x, 2, same(3));
        let (after, _) = rewrite(run, net.answer(&[y]));
        assert_eq!(after.node(after.inputs[0]).out, Tensor::f32([1, 4, 5, 3]));
    }
}
