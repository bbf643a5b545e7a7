//! Sinks transposes behind the operators between them, so that they meet and cancel.
//!
//! ```text
//! conv(transpose'(relu(transpose(conv(x)))))  ->  conv(relu(conv(x)))
//! reduce_mean(transpose(x), [1, 2])           ->  reduce_mean(x, [2, 3])
//! ```
//! Exporters of NHWC frameworks wrap every convolution this way. A region is all that lies between such transposes and
//! treats dimensions alike; it is turned as a whole, and only if that leaves fewer transposes.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::ir::{Graph, NodeId, Op, Port, Quant, Tensor, Values};
use crate::pass::edit::{reconnect, replace, retire, x};
use crate::pass::permute::{composed, inverse, transposed, turned};
use crate::pass::{Attempt, Skip, Skips, fixpoint};

/// Sinks transposes; the number of regions turned and of reductions that took a transpose in.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, |graph, id| match &graph.node(id).op {
        Op::Transpose(perm) => sink(graph, id, &perm.clone()),
        Op::Reduce(_) => Ok(absorb(graph, id)),
        // Only these hold or drop an order of dimensions.
        _ => Ok(false),
    }))
}

/// Members that a region may have: enough for every network known, few enough for any file.
const MAX_MEMBERS: usize = 1 << 10;

/// Operators that may be computed before one transpose instead of behind it.
struct Region<'a> {
    perm: &'a [usize],
    members: BTreeSet<NodeId>,
}

fn sink(graph: &mut Graph, id: NodeId, perm: &[usize]) -> Attempt {
    let readers = graph.readers(id).into_iter().map(|(reader, _)| reader);
    let Some(seed) = readers.into_iter().find(|reader| is_turnable(graph, *reader, perm.len()))
    else {
        return Ok(false);
    };
    let region = Region { perm, members: grown(graph, seed, perm.len()) };
    if region.members.len() > MAX_MEMBERS {
        return Err(Skip::new(graph, id, "too many operators lie behind it"));
    }
    if region.gain(graph) <= 0 {
        return Err(Skip::new(graph, id, "taking it behind its readers saves no transpose"));
    }
    region.turn(graph);
    Ok(true)
}

/// True if `id` treats dimensions alike, or names them, and reads tensors of its own rank.
fn is_turnable(graph: &Graph, id: NodeId, rank: usize) -> bool {
    let turnable = matches!(
        graph.node(id).op,
        Op::Clamp(_)
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::PRelu
            | Op::Identity
            | Op::Softmax(_)
            | Op::Reduce(_)
            | Op::Concat(_)
            | Op::Slice(_)
            | Op::Pad(_)
            | Op::Quant(Quant::Add(_) | Quant::Mul(..) | Quant::Table(_))
    );
    let fits = |operand: NodeId| match graph.constant(operand) {
        Some(values) => values.as_f32().is_some(),
        None => graph.node(operand).out.shape.len() == rank,
    };
    turnable
        && graph.node(id).out.shape.len() == rank
        && graph.operands(id).into_iter().all(|(_, operand)| fits(operand))
}

/// All turnable operators that are joined to `seed` by others.
fn grown(graph: &Graph, seed: NodeId, rank: usize) -> BTreeSet<NodeId> {
    let mut members = BTreeSet::new();
    let mut found = vec![seed];
    while let Some(id) = found.pop() {
        if members.len() <= MAX_MEMBERS && is_turnable(graph, id, rank) && members.insert(id) {
            found.extend(graph.operands(id).into_iter().map(|(_, operand)| operand));
            found.extend(graph.readers(id).into_iter().map(|(reader, _)| reader));
        }
    }
    members
}

impl Region<'_> {
    /// Transposes that turning would save, less those that it would need.
    fn gain(&self, graph: &Graph) -> isize {
        let entries = self.entries(graph);
        let vanishes = |id: &&NodeId| {
            let mut readers = graph.readers(**id).into_iter();
            self.is_entry(graph, **id)
                && !graph.is_output(**id)
                && readers.all(|(reader, _)| self.members.contains(&reader))
        };
        let saved = entries.iter().filter(vanishes).count();
        let needed = entries.iter().filter(|id| !self.is_entry(graph, **id)).count();
        let exits: isize = self.members.iter().map(|id| self.gain_behind(graph, *id)).sum();
        saved as isize - needed as isize + exits
    }

    /// Transposes that turning would save behind `id`, less those that it would need.
    fn gain_behind(&self, graph: &Graph, id: NodeId) -> isize {
        let (mut saved, mut needs_one) = (0, graph.is_output(id));
        for reader in self.outside_readers(graph, id) {
            match &graph.node(reader).op {
                Op::Transpose(outer) => {
                    saved += isize::from(composed(outer, self.perm).is_sorted())
                }
                Op::Reduce(_) if kept_axes(graph, reader, self.perm).is_some() => {}
                // Whatever the region does not hold reads the old order.
                _ => needs_one = true,
            }
        }
        saved - isize::from(needs_one)
    }

    /// Values from outside that members read, but for constants.
    fn entries(&self, graph: &Graph) -> BTreeSet<NodeId> {
        let operands = self.members.iter().flat_map(|id| graph.operands(*id));
        let outside = |id: &NodeId| !self.members.contains(id) && graph.constant(*id).is_none();
        operands.map(|(_, operand)| operand).filter(outside).collect()
    }

    fn is_entry(&self, graph: &Graph, id: NodeId) -> bool {
        matches!(&graph.node(id).op, Op::Transpose(perm) if perm == self.perm)
    }

    fn outside_readers(&self, graph: &Graph, id: NodeId) -> Vec<NodeId> {
        let readers = graph.readers(id).into_iter().map(|(reader, _)| reader);
        let outside: BTreeSet<_> = readers.filter(|id| !self.members.contains(id)).collect();
        outside.into_iter().collect()
    }

    fn turn(&self, graph: &mut Graph) {
        // One for all who read it, as `gain` counts: else turning could go back and forth without end.
        let mut turned_operands: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        for id in &self.members {
            let id = *id;
            for (port, operand) in graph.operands(id) {
                if !self.members.contains(&operand) {
                    let turned = match turned_operands.get(&operand) {
                        Some(turned) => *turned,
                        None => self.turned_operand(graph, operand),
                    };
                    turned_operands.insert(operand, turned);
                    reconnect(graph, id, port.0, turned);
                }
            }
            let turned = turned_op(&graph.node(id).op, self.perm);
            graph.node_mut(id).op = turned;
            let out = self.turned_tensor(&graph.node(id).out);
            graph.node_mut(id).out = out;
        }
        for id in &self.members {
            self.turn_back(graph, *id);
        }
    }

    /// An operand from outside, as it was before the transpose.
    fn turned_operand(&self, graph: &mut Graph, operand: NodeId) -> NodeId {
        if self.is_entry(graph, operand) {
            return x(graph, operand);
        }
        let name = format!("{}.turned", graph.node(operand).name);
        if let Some(values) = graph.constant(operand).and_then(Values::as_f32) {
            let shape = padded_shape(&graph.node(operand).out.shape, self.perm.len());
            let values = transposed(values, &shape, &inverse(self.perm));
            return graph.add_const(name, turned(&shape, self.perm), Values::F32(values));
        }
        let out = self.turned_tensor(&graph.node(operand).out);
        graph.add(name, Op::Transpose(inverse(self.perm)), out, &[operand])
    }

    fn turned_tensor(&self, tensor: &Tensor) -> Tensor {
        Tensor { shape: turned(&tensor.shape, self.perm), ..tensor.clone() }
    }

    /// Gives those who read `id` from outside what they read before.
    fn turn_back(&self, graph: &mut Graph, id: NodeId) {
        let is_transpose = |id: &NodeId| matches!(graph.node(*id).op, Op::Transpose(_));
        let readers = self.outside_readers(graph, id).into_iter();
        let (transposes, others): (Vec<_>, Vec<_>) = readers.partition(is_transpose);
        if !others.is_empty() || graph.is_output(id) {
            self.put_back(graph, id, &others);
        }
        for transpose in transposes {
            let Op::Transpose(outer) = &graph.node(transpose).op else { continue };
            let outer = composed(outer, self.perm);
            if outer.is_sorted() {
                replace(graph, transpose, id);
            } else {
                graph.node_mut(transpose).op = Op::Transpose(outer);
            }
        }
    }

    /// Puts a transpose between `id` and `readers`, and between `id` and the outputs it is.
    fn put_back(&self, graph: &mut Graph, id: NodeId, readers: &[NodeId]) {
        let node = graph.node(id);
        let shape = self.perm.iter().map(|axis| node.out.shape[*axis]).collect();
        let (name, out) = (format!("{}.back", node.name), Tensor { shape, ..node.out.clone() });
        let back = graph.add(name, Op::Transpose(self.perm.to_vec()), out, &[id]);
        for reader in readers {
            for (port, operand) in graph.operands(*reader) {
                if operand == id {
                    graph.connect(back, *reader, port);
                }
            }
        }
        graph.outputs.redirect(id, back);
    }
}

/// Makes a reduction that drops dimensions read its transpose's operand, if those it keeps are in the same order.
fn absorb(graph: &mut Graph, id: NodeId) -> bool {
    let before = x(graph, id);
    let Op::Transpose(perm) = graph.node(before).op.clone() else {
        return false;
    };
    let Some(axes) = kept_axes(graph, id, &perm) else {
        return false;
    };
    if let Op::Reduce(reduce) = &mut graph.node_mut(id).op {
        reduce.axes = axes;
    }
    let source = x(graph, before);
    graph.connect(source, id, Port(0));
    retire(graph, before);
    true
}

/// The axes that a reduction behind a transpose has before it, unless it then orders what it keeps otherwise.
fn kept_axes(graph: &Graph, id: NodeId, perm: &[usize]) -> Option<Vec<usize>> {
    let Op::Reduce(reduce) = &graph.node(id).op else { return None };
    let kept = (0..perm.len()).filter(|axis| !reduce.axes.contains(axis));
    let drops = graph.node(id).out.shape.len() < perm.len();
    let in_order = kept.map(|axis| perm[axis]).is_sorted();
    (drops && in_order).then(|| turned_axes(&reduce.axes, perm))
}

/// `op` on tensors that are not transposed by `perm` yet.
fn turned_op(op: &Op, perm: &[usize]) -> Op {
    let mut op = op.clone();
    match &mut op {
        Op::Softmax(softmax) => softmax.axis = perm[softmax.axis],
        Op::Concat(axis) => *axis = perm[*axis],
        Op::Reduce(reduce) => reduce.axes = turned_axes(&reduce.axes, perm),
        Op::Slice(slice) => {
            slice.starts = turned(&slice.starts, perm);
            slice.steps = turned(&slice.steps, perm);
        }
        Op::Pad(pad) => {
            pad.before = turned(&pad.before, perm);
            pad.after = turned(&pad.after, perm);
        }
        // The other operators that `is_turnable` lists name no dimension.
        _ => {}
    }
    op
}

fn turned_axes(axes: &[usize], perm: &[usize]) -> Vec<usize> {
    let mut axes: Vec<usize> = axes.iter().map(|axis| perm[*axis]).collect();
    axes.sort_unstable();
    axes
}

/// A shape with leading ones, so that it has `rank` dimensions.
fn padded_shape(shape: &[usize], rank: usize) -> Vec<usize> {
    let ones = vec![1; rank - shape.len()];
    [ones.as_slice(), shape].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Affine, Binary, Bounds, Clamp, Dtype, QPair, Reduce, Reducer, Times};
    use crate::pass::fixture::{Net, golden, left, refusals, rewrite, same};

    fn to_nhwc(net: &mut Net, x: NodeId) -> NodeId {
        net.put(Op::Transpose(vec![0, 2, 3, 1]), &[x])
    }

    fn to_nchw(net: &mut Net, x: NodeId) -> NodeId {
        net.put(Op::Transpose(vec![0, 3, 1, 2]), &[x])
    }

    fn mean(axes: &[usize]) -> Op {
        Op::Reduce(Reduce { kind: Reducer::Mean, axes: axes.to_vec() })
    }

    /// A convolution of an NHWC tensor, in the way an exporter of NHWC networks writes it.
    fn wrapped_conv(net: &mut Net, x: NodeId) -> NodeId {
        let planes = to_nchw(net, x);
        let conv = net.conv(planes, 3, same(3));
        to_nhwc(net, conv)
    }

    #[test]
    fn a_network_of_wrapped_convs_is_unwrapped() {
        let mut net = Net::default();
        let x = net.input(&[1, 4, 5, 3]);
        let first = wrapped_conv(&mut net, x);
        let bias = net.ramp(&[3]);
        let shifted = net.add(first, bias);
        let second = wrapped_conv(&mut net, shifted);
        let sum = net.add(shifted, second);
        let bounded = net.clamp(sum, Clamp::RELU);
        let third = wrapped_conv(&mut net, bounded);
        let y = net.shaped(mean(&[1, 2]), &[1, 3], &[third]);
        golden("sink_transpose", run, net.answer(&[y]));
    }

    #[test]
    fn sums_products_and_tables_of_bytes_are_turned() {
        let scale = Affine { scale: 0.02, zero: 100 };
        let pair = QPair { a: scale, b: scale, y: scale, bounds: Bounds::ALL };
        let table = Box::new(std::array::from_fn(|q| 255 - q as u8));
        let mut net = Net::default();
        let [a, b] = [(); 2].map(|()| net.bytes(&[1, 3, 4, 5]));
        let [a, b] = [a, b].map(|x| net.typed(Op::Transpose(vec![0, 2, 3, 1]), Dtype::U8, &[x]));
        let sum = net.typed(Op::Quant(Quant::Add(pair)), Dtype::U8, &[a, b]);
        let product = net.typed(Op::Quant(Quant::Mul(pair, Times::Reals)), Dtype::U8, &[sum, b]);
        let bent = net.typed(Op::Quant(Quant::Table(table)), Dtype::U8, &[product]);
        let planes = net.typed(Op::Transpose(vec![0, 3, 1, 2]), Dtype::U8, &[bent]);
        let y = net.put(Op::Quant(Quant::Dequantize(scale)), &[planes]);
        assert_eq!(left(run, net.answer(&[y])), "input input qadd qmul table dequantize");
    }

    #[test]
    fn operators_that_name_dimensions_are_turned() {
        let pad = crate::ir::Pad {
            before: vec![0, 1, 0, 0],
            after: vec![0, 0, 2, 0],
            mode: crate::ir::PadMode::Edge,
        };
        let slice = crate::ir::Slice { starts: vec![0, 0, 1, 0], steps: vec![1, 1, 2, 1] };
        let softmax = crate::ir::Softmax { axis: 3, log: false };
        let cases = [
            (Op::Pad(pad), [1, 5, 7, 3], "pad"),
            (Op::Slice(slice), [1, 4, 2, 3], "slice"),
            (Op::Softmax(softmax), [1, 4, 5, 3], "softmax"),
            (mean(&[3]), [1, 4, 5, 1], "reduce_mean"),
        ];
        for (op, shape, name) in cases {
            let mut net = Net::default();
            let x = net.input(&[1, 3, 4, 5]);
            let there = to_nhwc(&mut net, x);
            let work = net.shaped(op, &shape, &[there]);
            let y = to_nchw(&mut net, work);
            assert_eq!(left(run, net.answer(&[y])), format!("input {name}"));
        }
    }

    #[test]
    fn joined_branches_are_turned_together() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 5]);
        let [a, b] = [(); 2].map(|()| to_nhwc(&mut net, x));
        let joined = net.put(Op::Concat(3), &[a, b]);
        let y = to_nchw(&mut net, joined);
        assert_eq!(left(run, net.answer(&[y])), "input concat");
    }

    #[test]
    fn who_reads_from_outside_reads_what_it_read() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 5]);
        let there = to_nhwc(&mut net, x);
        let work = net.clamp(there, Clamp::RELU);
        let back = to_nchw(&mut net, work);
        let again = to_nchw(&mut net, work);
        let flat = net.shaped(Op::Reshape, &[60], &[work]);
        let (after, _) = rewrite(run, net.answer(&[back, again, flat]));
        assert_eq!(left(run, after), "input clamp transpose reshape");
    }

    #[test]
    fn an_operand_from_outside_is_turned_once_for_all_who_read_it() {
        let mut net = Net::default();
        let x = net.input(&[1, 4, 4, 4]);
        let there = to_nhwc(&mut net, x);
        let square = net.put(Op::Binary(Binary::Mul), &[x, x]);
        let cube = net.put(Op::Binary(Binary::Mul), &[square, x]);
        let product = net.put(Op::Binary(Binary::Mul), &[cube, there]);
        let y = to_nchw(&mut net, product);
        assert_eq!(left(run, net.answer(&[y])), "input transpose mul mul mul");
    }

    #[test]
    fn a_transpose_that_saves_nothing_stays() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 5]);
        let there = to_nhwc(&mut net, x);
        let y = net.clamp(there, Clamp::RELU);
        let reasons = refusals(run, net.answer(&[y]));
        assert_eq!(reasons, ["taking it behind its readers saves no transpose"]);
    }

    #[test]
    fn a_reduction_that_would_reorder_stays() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 5]);
        let there = to_nhwc(&mut net, x);
        let y = net.shaped(mean(&[1]), &[1, 5, 3], &[there]);
        assert_eq!(left(run, net.answer(&[y])), "input transpose reduce_mean");
    }

    #[test]
    fn a_lower_computed_operand_keeps_its_reader_in_place() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 5]);
        let (there, channels) = (to_nhwc(&mut net, x), net.input(&[3]));
        let scaled = net.put(Op::Binary(Binary::Mul), &[there, channels]);
        let y = to_nchw(&mut net, scaled);
        assert_eq!(left(run, net.answer(&[y])), "input transpose input mul transpose");
    }
}
