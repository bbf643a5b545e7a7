//! Graph -> Segments: sets of nodes that may run as one streamed step.
//!
//! Rows flow from stage to stage through rings, and only the last value is whole: a chain, or branches that meet.
//! Views, constants and inputs are in no segment. `units` are the smallest segments: blocks, the head, and every other
//! operator alone. What follows one another forms runs of links (`link`), and any range of a run may be joined into
//! one segment if rows can flow through it (`flow`). Which ranges are, `choose` decides.

pub mod flow;
pub mod link;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::error::{Error, Result};
use crate::ir::view::{aliases, base, is_view};
use crate::ir::{Block, Graph, NodeId, Op, Quant, Reducer};
use crate::target::Target;

/// Nodes that run as one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The part of the network that this is.
    pub role: Role,
    /// Its operators, each behind what it reads; the last makes the segment's result.
    pub stages: Vec<NodeId>,
    /// Rows that flow at once.
    pub batch: RowBatch,
    /// Expansions that are recomputed, a strip of columns at a time, for each row of the depthwise convolution that
    /// reads them: their rows are kept nowhere.
    pub recompute: Vec<NodeId>,
}

/// The part of the network that a segment is: names functions and sections of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The inverted residual of this number, counted from 1; the first may hold the stem.
    Block(usize),
    /// Several of them, first to last, and maybe the head behind them.
    Blocks(usize, usize),
    /// The last convolution with the global pooling behind it.
    Head,
    /// Several operators that are no blocks.
    Chain,
    /// One operator.
    Single,
    /// A value that is given to the caller a second time; its node has been computed before.
    Copy,
}

impl Segment {
    /// Nodes that run one after the other over whole tensors.
    fn whole(role: Role, stages: Vec<NodeId>) -> Self {
        Self { role, stages, batch: RowBatch::Whole, recompute: vec![] }
    }

    /// One node as a segment of its own.
    pub fn single(role: Role, id: NodeId) -> Self {
        Self::whole(role, vec![id])
    }
}

/// Rows that flow through a segment at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowBatch {
    /// All of them: stage after stage over whole tensors.
    Whole,
    /// At most so many of the last stage at once; each stage makes just what the next one needs, at most so many of its
    /// rows at once.
    Rows(usize),
    /// One row, and a depthwise convolution hands over at most so many pixels at a time, as many as divide its row.
    Pixels(usize),
    /// One row, on each of so many threads: the result is made in equal bands of rows, and what two bands read in
    /// common is made for both.
    Bands(usize),
}

impl RowBatch {
    /// Rows that a stage whose value has `height` of them makes at once, at most.
    pub fn rows(self, height: usize) -> usize {
        match self {
            Self::Whole => height,
            Self::Rows(rows) => rows.min(height),
            Self::Pixels(_) | Self::Bands(_) => 1,
        }
    }
}

/// The smallest segments of `graph`, in an order in which each follows what it reads.
pub fn units(graph: &Graph) -> Result<Vec<Segment>> {
    let mut segments: Vec<Segment> = blocks(graph);
    let claimed = |segments: &[Segment]| -> BTreeSet<NodeId> {
        segments.iter().flat_map(|s| s.stages.iter().copied()).collect()
    };
    let taken = claimed(&segments);
    segments.extend(heads(graph).filter(|s| s.stages.iter().all(|id| !taken.contains(id))));
    let taken = claimed(&segments);
    let singles = graph.ids().into_iter().filter(|id| !taken.contains(id) && computes(graph, *id));
    segments.extend(singles.map(|id| Segment::single(Role::Single, id)));
    sorted(graph, segments)
}

/// `unit` with its fastest row batch: a block runs row by row where two vectors of channels of its widest value outgrow
/// the nearest cache, in bands of rows where threads share it; a head row by row where its channels make no panels.
pub fn fastest(graph: &Graph, unit: &Segment, target: &Target) -> Segment {
    let lanes = target.isa.lanes();
    let shape = |id: &NodeId| graph.node(*id).out.shape.as_slice();
    let bytes = |id: &NodeId| graph.node(*id).out.dtype.stored_bytes();
    let pixels = |id: &NodeId| shape(id).iter().skip(2).product::<usize>();
    let panel = |id: &NodeId| pixels(id) * lanes * 2 * bytes(id);
    let widest = unit.stages.iter().map(panel).max().unwrap_or(0);
    let outgrows = target.caches.is_some_and(|caches| widest > caches.panel_bytes(1));
    let rows = unit.stages.last().and_then(|last| shape(last).get(2).copied());
    let batch = match (unit.role, target.threads) {
        (Role::Block(_), 1) if outgrows => RowBatch::Rows(1),
        (Role::Block(_), threads)
            if outgrows && rows.is_some_and(|rows| rows.is_multiple_of(threads)) =>
        {
            RowBatch::Bands(threads)
        }
        (Role::Head, 1) if !shape(&unit.stages[0])[1].is_multiple_of(lanes) => RowBatch::Rows(1),
        _ => RowBatch::Whole,
    };
    Segment { batch, ..unit.clone() }
}

/// `parts`, which follow one another, as one segment, if rows can flow through them and nobody else reads a value
/// inside.
pub fn joined(graph: &Graph, parts: &[&Segment], batch: RowBatch) -> Option<Segment> {
    let stages: Vec<NodeId> = parts.iter().flat_map(|part| part.stages.iter().copied()).collect();
    if batch == RowBatch::Whole {
        let [part] = parts else { return None };
        return Some(Segment { batch, ..(*part).clone() });
    }
    let inside = &stages[..stages.len() - 1];
    let pools = inside.iter().any(|id| flow::pooling(graph, *id).is_some());
    let flows = stages.iter().all(|id| flow::flows(graph, *id));
    if pools || !flows || !is_private(graph, &stages) {
        return None;
    }
    if is_chain(graph, &stages) {
        let grouped = stages.windows(2).any(|pair| parts_vectors(graph, pair));
        return (!grouped).then(|| Segment { batch, ..Segment::whole(role(parts), stages) });
    }
    // Where branches meet, no part of a row is handed over.
    let batch = RowBatch::Rows(1);
    let fits = stages.len() > 1 && meets_in_rows(graph, &stages);
    fits.then(|| Segment { batch, ..Segment::whole(Role::Chain, stages) })
}

/// True if `stages` are convolutions, each of which reads the one before it, but for a quantisation of the image before
/// them and a pooling of all pixels behind them.
pub fn is_chain(graph: &Graph, stages: &[NodeId]) -> bool {
    let pairs = stages.windows(2);
    let convolves = |id: &NodeId| graph.node(*id).op.conv().is_some();
    let pools = stages.last().is_some_and(|id| flow::pooling(graph, *id).is_some());
    let first = usize::from(stages.first().is_some_and(|id| quantises(graph, *id)));
    let end = stages.len() - usize::from(pools);
    first < end
        && stages[first..end].iter().all(convolves)
        && pairs.into_iter().all(|pair| graph.operand(pair[1], 0) == Some(pair[0]))
}

/// True if `id` quantises floats.
pub fn quantises(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.node(id).op, Op::Quant(Quant::Quantize(_)))
}

/// True if only `stages` read the values that they make, but for the last one's.
fn is_private(graph: &Graph, stages: &[NodeId]) -> bool {
    let within = |(reader, _): &(NodeId, _)| is_view(graph, *reader) || stages.contains(reader);
    let private =
        |id: NodeId| !graph.is_output(id) && graph.readings(id).all(|reading| within(&reading));
    stages[..stages.len() - 1].iter().all(|id| aliases(graph, *id).into_iter().all(private))
}

/// True if every value inside is read as the rows of the image that was made.
fn meets_in_rows(graph: &Graph, stages: &[NodeId]) -> bool {
    let outside = |x: NodeId| !stages.contains(&base(graph, x));
    stages.iter().filter(|id| flow::shuffle(graph, **id).is_none()).all(|id| {
        let mut operands = graph.operands(*id).into_iter();
        operands.all(|(port, x)| outside(x) || flow::reads_rows(graph, *id, port.0))
    })
}

fn role(parts: &[&Segment]) -> Role {
    let blocks: Vec<usize> = parts
        .iter()
        .filter_map(|part| match part.role {
            Role::Block(number) => Some(number),
            Role::Blocks(..) | Role::Head | Role::Chain | Role::Single | Role::Copy => None,
        })
        .collect();
    match (parts, blocks.as_slice()) {
        ([part], _) => part.role,
        (_, [first, .., last]) => Role::Blocks(*first, *last),
        (_, [one]) => Role::Blocks(*one, *one),
        (_, []) => Role::Chain,
    }
}

/// True if a convolution of a few groups passes its channels to one that wants them in vectors, which groups may part.
fn parts_vectors(graph: &Graph, pair: &[NodeId]) -> bool {
    let groups = |id: NodeId| match &graph.node(id).op {
        Op::Conv(conv) => conv.group,
        // What is no convolution of floats counts as one group.
        _ => 1,
    };
    let channels = |id: NodeId| graph.node(id).out.shape.get(1).copied();
    // One channel in and one out a group: two in and one out is not written in vectors.
    let depthwise = |id: NodeId| {
        let read = graph.operand(id, 0).and_then(channels);
        [channels(id), read] == [Some(groups(id)); 2]
    };
    groups(pair[0]) > 1 && !depthwise(pair[0]) && groups(pair[1]) > 1
}

fn blocks(graph: &Graph) -> Vec<Segment> {
    let segment = |(index, block): (usize, &Block)| {
        let stem = stem_of(graph, block.depthwise).filter(|_| block.expand.is_none());
        let stages = [stem, block.expand, Some(block.depthwise), Some(block.project)];
        let stages = stages.into_iter().flatten().collect();
        Segment::whole(Role::Block(index + 1), stages)
    };
    graph.blocks.iter().enumerate().map(segment).collect()
}

/// The convolution of a graph input that only `depthwise` reads. One on bytes stays apart: over whole values it brings
/// the image into the arena, where block 1 had better not hold it.
fn stem_of(graph: &Graph, depthwise: NodeId) -> Option<NodeId> {
    let stem = graph.operand(depthwise, 0)?;
    let from = base(graph, graph.operand(stem, 0)?);
    let fits = matches!(&graph.node(stem).op, Op::Conv(conv) if conv.group == 1)
        && matches!(graph.node(from).op, Op::Input);
    (fits && graph.operand(stem, 3).is_none() && graph.only_reader(stem) == Some(depthwise))
        .then_some(stem)
}

/// Convolutions that only a global mean reads.
fn heads(graph: &Graph) -> impl Iterator<Item = Segment> {
    graph.ids().into_iter().filter_map(|id| {
        let conv = graph.operand(id, 0)?;
        let fits = flow::pooling(graph, id) == Some(Reducer::Mean)
            && graph.node(conv).op.conv().is_some()
            && graph.only_reader(conv) == Some(id);
        fits.then(|| Segment::whole(Role::Head, vec![conv, id]))
    })
}

fn computes(graph: &Graph, id: NodeId) -> bool {
    !matches!(graph.node(id).op, Op::Input | Op::Const(_)) && !is_view(graph, id)
}

/// Puts segments in an order in which each follows what it reads, by age of their last node among the ready ones.
pub fn sorted(graph: &Graph, segments: Vec<Segment>) -> Result<Vec<Segment>> {
    let maker: BTreeMap<NodeId, usize> = segments
        .iter()
        .enumerate()
        .flat_map(|(i, s)| s.stages.iter().map(move |id| (*id, i)))
        .collect();
    let reads = |segment: &Segment| -> BTreeSet<usize> {
        let operands = segment.stages.iter().flat_map(|id| graph.operands(*id));
        let made = operands.filter_map(|(_, operand)| maker.get(&base(graph, operand)).copied());
        made.filter(|i| segments[*i] != *segment).collect()
    };
    let position: BTreeMap<NodeId, usize> = graph
        .order()
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(at, id)| (id, at))
        .collect();
    let age = |i: usize| Reverse((segments[i].stages.iter().map(|id| position[id]).max(), i));
    let mut readers = vec![Vec::new(); segments.len()];
    let mut waiting = vec![0; segments.len()];
    for (i, segment) in segments.iter().enumerate() {
        let reads = reads(segment);
        waiting[i] = reads.len();
        reads.into_iter().for_each(|read| readers[read].push(i));
    }
    let free = (0..segments.len()).filter(|i| waiting[*i] == 0);
    let mut ready: BinaryHeap<_> = free.map(age).collect();
    let mut order = Vec::with_capacity(segments.len());
    while let Some(Reverse((_, next))) = ready.pop() {
        order.push(segments[next].clone());
        for reader in &readers[next] {
            waiting[*reader] -= 1;
            if waiting[*reader] == 0 {
                ready.push(age(*reader));
            }
        }
    }
    if order.len() < segments.len() {
        return Err(Error::Wiring("segments wait for each other".into()));
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Clamp, Conv, Reduce};
    use crate::pass;
    use crate::pass::fixture::{Net, same};

    /// Three convolutions in a row, ready for segments; the first is an output too, if `more` says so.
    fn chain(more: &[usize]) -> Graph {
        let mut net = Net::default();
        let mut x = net.input(&[1, 4, 6, 6]);
        let mut values = Vec::new();
        for _ in 0..3 {
            x = net.conv(x, 4, Conv { clamp: Clamp::RELU, ..same(3) });
            values.push(x);
        }
        let outputs: Vec<NodeId> = more.iter().map(|at| values[*at]).chain([x]).collect();
        let mut graph = net.answer(&outputs);
        pass::run_all(&mut graph, |_, _, _| ()).expect("the graph is sound");
        graph
    }

    fn convolutions(graph: &Graph) -> Vec<Segment> {
        let convolves = |unit: &Segment| graph.node(unit.stages[0]).op.conv().is_some();
        units(graph).expect("the graph has no circle").into_iter().filter(convolves).collect()
    }

    #[test]
    fn convolutions_in_a_row_are_joined() {
        let graph = chain(&[]);
        let units = convolutions(&graph);
        assert_eq!(units.iter().map(|unit| unit.role).collect::<Vec<_>>(), [Role::Single; 3]);
        let parts: Vec<&Segment> = units.iter().collect();
        let all = joined(&graph, &parts, RowBatch::Rows(2)).expect("rows flow through them");
        assert_eq!((all.role, all.stages.len(), all.batch), (Role::Chain, 3, RowBatch::Rows(2)));
        assert_eq!(joined(&graph, &parts, RowBatch::Whole), None);
    }

    #[test]
    fn a_value_that_the_caller_gets_ends_its_segment() {
        let graph = chain(&[0]);
        let units = convolutions(&graph);
        let parts: Vec<&Segment> = units.iter().collect();
        assert_eq!(joined(&graph, &parts, RowBatch::Rows(1)), None);
        assert!(joined(&graph, &parts[1..], RowBatch::Rows(1)).is_some());
    }

    #[test]
    fn an_inverted_residual_is_one_unit_and_the_pooled_layer_behind_it_another() {
        let mut net = Net::default();
        let x = net.input(&[1, 4, 6, 6]);
        let stem = net.conv(x, 4, Conv { clamp: Clamp::RELU6, ..same(3) });
        let expand = net.conv(stem, 8, Conv { clamp: Clamp::RELU6, ..same(1) });
        let depthwise = net.conv(expand, 8, Conv { group: 8, clamp: Clamp::RELU6, ..same(3) });
        let project = net.conv(depthwise, 4, same(1));
        let sum = net.add(stem, project);
        let head = net.conv(sum, 16, same(1));
        let mean = Op::Reduce(Reduce { kind: Reducer::Mean, axes: vec![2, 3] });
        let y = net.shaped(mean, &[1, 16], &[head]);
        let mut graph = net.answer(&[y]);
        pass::run_all(&mut graph, |_, _, _| ()).expect("the graph is sound");
        let units = units(&graph).expect("the graph has no circle");
        let roles = units.iter().map(|unit| (unit.role, unit.stages.len()));
        let expected = [(Role::Single, 1), (Role::Block(1), 3), (Role::Head, 2)];
        assert_eq!(roles.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn groups_of_several_inputs_and_one_output_pass_no_vectors_to_a_depthwise_convolution() {
        for (inputs, flows) in [(8, true), (16, false)] {
            let mut net = Net::default();
            let x = net.input(&[1, inputs, 6, 6]);
            let grouped = net.conv(x, 8, Conv { group: 8, ..same(3) });
            let y = net.conv(grouped, 8, Conv { group: 8, ..same(3) });
            let mut graph = net.answer(&[y]);
            pass::run_all(&mut graph, |_, _, _| ()).expect("the graph is sound");
            let units = convolutions(&graph);
            let parts: Vec<&Segment> = units.iter().collect();
            assert_eq!(joined(&graph, &parts, RowBatch::Rows(1)).is_some(), flows, "{inputs}");
        }
    }

    #[test]
    fn segments_follow_what_they_read() {
        let graph = chain(&[]);
        let mut units = units(&graph).expect("the graph has no circle");
        let expected = units.clone();
        units.reverse();
        assert_eq!(sorted(&graph, units).expect("the graph has no circle"), expected);
    }
}
