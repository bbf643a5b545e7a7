//! Locations of values: the memory of each one, its padding, and which values share memory.
//!
//! A value that only convolutions read stores the zero columns and rows they need; one that only depthwise
//! convolutions read lies in chunks of channels. Everything else is dense. A result takes the memory of its residual
//! when nobody reads that again.

use std::collections::BTreeMap;

use mnv2c_runtime::ring::Rows;

use crate::error::mention::given;
use crate::error::{Error, Result};
use crate::ir::view::{base, is_view};
use crate::ir::{Dtype, Graph, Layout, NodeId, Op, Tensor};
use crate::kernels::{Spec, Vectors};
use crate::objective::{Memory, Objective};
use crate::plan::{Buffer, BufferId};
use crate::schedule::{
    Element, Home, Pack, PackId, PackOrder, Place, Port, Ranking, SUM_BYTES, Schedule, Setting,
};
use crate::segment::{RowBatch, Segment, flow};
use crate::target::Target;

/// The state of lowering: what has been placed so far.
pub(super) struct Lowering<'a> {
    pub(super) setting: &'a Setting<'a>,
    pub(super) graph: &'a Graph,
    pub(super) target: &'a Target,
    pub(super) memory: Memory,
    /// The row batch of the segment that is being lowered.
    pub(super) batch: RowBatch,
    /// True if the stage that is being lowered makes one panel of its channels at a time.
    pub(super) is_panel: bool,
    pub(super) schedule: Schedule,
    /// Locations of values that cross segments, by the node that makes them.
    pub(super) places: BTreeMap<NodeId, Place>,
    /// Locations of values inside the segment that is being lowered.
    pub(super) inner: BTreeMap<NodeId, Place>,
    /// The memory of this step in which parts of rows pass from a stage to the next.
    pub(super) handoff: Option<BufferId>,
    /// The memory of this step in which expansions are recomputed.
    pub(super) strips: Option<BufferId>,
    /// The expansions of this step that are.
    pub(super) recomputed: Vec<NodeId>,
    /// The last step that reads a value, by the node that makes it.
    pub(super) last_reads: BTreeMap<NodeId, usize>,
    packs: BTreeMap<(NodeId, PackOrder), PackId>,
    /// For each state, the first step at which its memory may take its next value: nobody reads the old one from there on.
    pub(super) free_from: Vec<usize>,
}

impl<'a> Lowering<'a> {
    /// The state before the first step. `last_reads` gives the last step that reads each value.
    pub(super) fn new(setting: &'a Setting<'a>, last_reads: BTreeMap<NodeId, usize>) -> Self {
        let Setting { graph, target, memory, .. } = *setting;
        Self {
            setting,
            graph,
            target,
            memory,
            batch: RowBatch::Whole,
            is_panel: false,
            schedule: Schedule { batch: graph.batch, ..Schedule::default() },
            places: BTreeMap::new(),
            inner: BTreeMap::new(),
            handoff: None,
            strips: None,
            recomputed: vec![],
            last_reads,
            packs: BTreeMap::new(),
            free_from: Vec::new(),
        }
    }

    /// Lists what the caller lends, and lets every input lie where it is when the first step begins.
    pub(super) fn take_inputs(&mut self) -> Result<()> {
        let graph = self.graph;
        let inputs = graph.inputs.iter().map(|id| port(graph, &graph.node(*id).name, *id));
        self.schedule.inputs = inputs.collect();
        let outputs = graph.outputs.iter().map(|output| port(graph, &output.name, output.node));
        self.schedule.outputs = outputs.collect();
        for (index, id) in graph.inputs.iter().enumerate() {
            let intake = self.intake(index, *id)?;
            self.places.insert(*id, intake.place);
            self.schedule.intakes.push(intake);
        }
        Ok(())
    }

    /// Records the location of the output whose greatest entries the caller gets.
    pub(super) fn rank_output(&mut self) -> Result<()> {
        let (output, count) = (&self.graph.outputs[0], self.graph.top_k);
        let scores = self.value(output.node)?;
        if !matches!(scores.home, Home::Arena(_)) || !scores.is_dense_nhwc() {
            return Err(Error::unsupported(vec![format!(
                "ranking {:?}, which is not computed for this alone; give {}",
                output.name,
                given("output", "raw")
            )]));
        }
        self.schedule.ranking = Some(Ranking { scores, count });
        Ok(())
    }

    pub(super) fn finish(self) -> Schedule {
        self.schedule
    }

    /// The location of the operand of `id` at `port`, in the shape in which `id` sees it.
    pub(super) fn operand(&mut self, id: NodeId, port: usize) -> Result<Place> {
        let operand = self.graph.operand(id, port).expect("verified nodes have their operands");
        self.value(operand)
    }

    /// The location of a value that is already made.
    pub(super) fn value(&mut self, id: NodeId) -> Result<Place> {
        let maker = base(self.graph, id);
        if let Some(place) = self.inner.get(&maker) {
            return Ok(*place);
        }
        if let Op::Const(_) = self.graph.node(maker).op {
            let home = Home::Weights(self.pack(maker, PackOrder::Plain));
            return dense(home, &self.graph.node(id).out);
        }
        let place = self.places[&maker];
        if id == maker { Ok(place) } else { dense(place.home, &self.graph.node(id).out) }
    }

    /// Gives the result of `id` its memory: the caller's output, or a new buffer.
    pub(super) fn place_result(&mut self, id: NodeId) -> Result<Place> {
        let out = &self.graph.node(id).out;
        let place = match self.output_of(id) {
            Some(index) => dense(Home::Output(index), out)?,
            None => {
                let flat = dense(Home::Output(0), out)?;
                match self.state_of(id) {
                    // In the state's own memory, or to be copied there in the end.
                    Some(state) if self.may_renew(id, state) => {
                        let home = self.schedule.states[state].place.home;
                        Place { home, ..flat }
                    }
                    Some(_) => self.buffer(id, flat),
                    None => self.buffer(id, self.wanted(id, flat)),
                }
            }
        };
        self.places.insert(id, place);
        Ok(place)
    }

    /// Gives `id`, which an earlier step has made, memory of its own.
    pub(super) fn place_operand(&mut self, id: NodeId) -> Result<()> {
        let maker = base(self.graph, id);
        if self.places.contains_key(&maker) {
            return Ok(());
        }
        match self.graph.node(maker).op {
            Op::Const(_) => {}
            Op::Input => {
                let index = self.graph.inputs.iter().position(|input| *input == maker);
                let index = index.expect("inputs are listed");
                let place = self.intake(index, maker)?.place;
                self.places.insert(maker, place);
            }
            // Whatever is computed lies where its maker puts it.
            _ => {
                self.place_result(maker)?;
            }
        }
        Ok(())
    }

    /// Makes the result of `id` share the memory of `at`, whose last reader `id` is.
    pub(super) fn place_over(&mut self, id: NodeId, at: Place) {
        if let Home::Arena(buffer) = at.home {
            let end = self.end_of(id);
            let live = &mut self.schedule.buffers[buffer.0].live;
            live.end = live.end.max(end);
        }
        self.places.insert(id, at);
    }

    /// True if the result of `id` may overwrite the value that it reads at `port`: it lies in the arena just as a fresh
    /// result would, and nobody reads it afterwards or at another port.
    pub(super) fn dies_here(&mut self, id: NodeId, port: usize) -> Result<Option<Place>> {
        let Some(operand) = self.graph.operand(id, port) else { return Ok(None) };
        let maker = base(self.graph, operand);
        if self.inner.contains_key(&maker) || self.reads_again(id, port, maker) {
            return Ok(None);
        }
        let place = self.value(operand)?;
        let out = dense(place.home, &self.graph.node(id).out)?;
        let wanted = self.wanted(id, out);
        let Home::Arena(buffer) = place.home else { return Ok(None) };
        let last = self.schedule.buffers[buffer.0].live.end <= self.now() + 1;
        let alike = place.element.bytes() == wanted.element.bytes()
            && (place.element == wanted.element || !place.is_padded());
        let fits = alike && place.rows == wanted.rows && !self.setting.lives_on(id);
        Ok((last && fits).then_some(place))
    }

    /// True if the residual of `id` is read again for each row after: an expansion of this step is recomputed from it.
    pub(super) fn rereads_residual(&self, id: NodeId) -> bool {
        let source = |id: NodeId, port| self.graph.operand(id, port).map(|x| base(self.graph, x));
        let residual = source(id, 3);
        self.recomputed.iter().any(|expand| source(*expand, 0) == residual)
    }

    /// True if `id` reads the value of `maker` at another port than `port`.
    fn reads_again(&self, id: NodeId, port: usize, maker: NodeId) -> bool {
        let mut operands = self.graph.operands(id).into_iter();
        operands.any(|(at, operand)| at.0 != port && base(self.graph, operand) == maker)
    }

    /// A buffer that lives for this step only.
    pub(super) fn scratch(&mut self, name: &str, place: Place) -> Place {
        let now = self.now();
        let home = self.add_buffer(name.to_owned(), place, now + 1);
        Place { home, ..place }
    }

    /// The weights of `node` in the order in which its kernel reads them, if it reads any, where its operand is at `from`.
    pub(super) fn weights(
        &mut self,
        node: NodeId,
        kernel: &dyn Spec,
        from: Place,
    ) -> Option<PackId> {
        let (graph, isa) = (self.graph, self.target.isa);
        let weights = graph.operand(node, 1).map(|weights| graph.node(weights).out.dtype);
        let pairs = isa.has_pairs() && weights == Some(Dtype::Bf16);
        let vectors = Vectors { lanes: isa.lanes(), pairs };
        let order = kernel.order(&from.operand(), vectors)?;
        Some(self.pack(node, order))
    }

    /// The weights of `node` in the given order, once.
    pub(super) fn pack(&mut self, node: NodeId, order: PackOrder) -> PackId {
        let next = PackId(self.schedule.packs.len());
        let id = *self.packs.entry((node, order)).or_insert(next);
        if id == next {
            self.schedule.packs.push(Pack { node, order });
        }
        id
    }

    pub(super) fn buffer(&mut self, id: NodeId, place: Place) -> Place {
        let home = self.add_buffer(self.graph.node(id).name.clone(), place, self.end_of(id));
        let sums = matches!(self.graph.node(id).op, Op::Reduce(_)) || self.sums_bytes(id);
        if let (true, Home::Arena(buffer)) = (sums, home) {
            self.schedule.buffers[buffer.0].len = place.rows.len() * SUM_BYTES;
        }
        Place { home, ..place }
    }

    /// The state that the result of `id` becomes, if the caller does not get it too.
    fn state_of(&self, id: NodeId) -> Option<usize> {
        self.setting.kept(id).filter(|_| self.output_of(id).is_none())
    }

    /// True if the result of `id` may be written where a state lies: nobody reads its old value any more, and no sums
    /// are made there that take more memory.
    fn may_renew(&self, id: NodeId, state: usize) -> bool {
        let sums = matches!(self.graph.node(id).op, Op::Reduce(_)) || self.sums_bytes(id);
        !sums && self.free_from[state] <= self.now()
    }

    /// True if sums of bytes are kept in the memory of the result of `id`; of a whole image they stay in registers.
    fn sums_bytes(&self, id: NodeId) -> bool {
        let of_bytes = matches!(self.graph.node(id).op, Op::Quant(_));
        of_bytes && self.batch != RowBatch::Whole && flow::pooling(self.graph, id).is_some()
    }

    pub(super) fn add_buffer(&mut self, name: String, place: Place, end: usize) -> Home {
        let (live, len, align) = (self.now()..end, self.bytes(place), self.align());
        self.schedule.buffers.push(Buffer { name, len, align, live });
        Home::Arena(BufferId(self.schedule.buffers.len() - 1))
    }

    /// Bytes that a place takes.
    pub(super) fn bytes(&self, place: Place) -> usize {
        place.rows.len() * self.element_bytes(place)
    }

    /// Bytes of an element of a place.
    pub(super) fn element_bytes(&self, place: Place) -> usize {
        self.memory.storage.bytes().unwrap_or(place.element.bytes())
    }

    /// Bytes of which every offset is a multiple.
    pub(super) fn align(&self) -> usize {
        let is_small = self.memory.objective != Objective::Speed;
        if is_small && (self.setting.is_quantised || self.memory.storage.half().is_some()) {
            self.target.align.vector
        } else {
            self.target.align.of(self.memory.storage)
        }
    }

    pub(super) fn now(&self) -> usize {
        self.schedule.steps.len()
    }

    fn end_of(&self, id: NodeId) -> usize {
        self.last_reads.get(&id).map_or(self.now() + 1, |last| last + 1)
    }

    /// The first model output that is `id` or a view of it, if the caller lends memory for outputs, and enough of it.
    fn output_of(&self, id: NodeId) -> Option<usize> {
        if self.graph.top_k > 0 || self.sums_bytes(id) {
            return None;
        }
        self.setting.answer(id)
    }
}

/// An input or output as the caller has it.
pub(super) fn port(graph: &Graph, name: &str, id: NodeId) -> Port {
    Port {
        name: name.to_owned(),
        shape: graph.outer_shape(id),
        dtype: match graph.node(id).out.dtype {
            Dtype::U8 if !graph.scales.contains_key(&id) => Dtype::U8,
            integer @ (Dtype::I32 | Dtype::I64) => integer,
            _ => Dtype::F32,
        },
    }
}

/// True if each output channel of a convolution reads one input channel, its own.
pub(super) fn is_depthwise(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op.conv().is_some_and(|conv| {
        let weights = graph.operand(id, 1).map(|w| &graph.node(w).out.shape);
        conv.group > 1 && weights.is_some_and(|w| w[0] == conv.group && w[1] == 1)
    })
}

/// A value without padding, as its shape and layout say.
pub(super) fn dense(home: Home, tensor: &Tensor) -> Result<Place> {
    let (rows, height) = match (tensor.shape.as_slice(), tensor.layout) {
        ([1, c, h, w], Layout::Nhwc) => (Rows::nhwc(*h, *w, *c), *h),
        ([1, c, 1, 1], Layout::RowMajor) => (Rows::nhwc(1, 1, *c), 1),
        ([1, c, h, w], Layout::RowMajor) => (Rows::planes(*h, *w, *c), *h),
        ([_, _, _, _], Layout::Nhwc) => {
            return Err(Error::unsupported(vec![format!("a batch larger than 1 ({tensor})")]));
        }
        ([outer @ .., last], _) => (Rows::nhwc(1, outer.iter().product(), *last), 1),
        ([], _) => (Rows::nhwc(1, 1, 1), 1),
    };
    Ok(Place { home, rows, height, element: Element::of(tensor.dtype) })
}

/// A number of steps that is not exceeded: each output and each state may take a copy, and a state one on its way.
pub(super) fn end(graph: &Graph, segments: &[Segment]) -> usize {
    segments.len() + graph.outputs.len() + 2 * graph.states.len()
}

/// For each value that segments pass on, the last step that reads it; outputs are read to the end, when those that no
/// step writes are copied. An input that nobody reads is written all the same, before the first step.
pub(super) fn last_reads(graph: &Graph, segments: &[Segment]) -> BTreeMap<NodeId, usize> {
    let mut last: BTreeMap<NodeId, usize> = graph.inputs.iter().map(|id| (*id, 0)).collect();
    for (step, segment) in segments.iter().enumerate() {
        for id in &segment.stages {
            for (_, operand) in graph.operands(*id) {
                last.insert(base(graph, operand), step);
            }
        }
    }
    for output in graph.outputs.all() {
        last.insert(base(graph, output.node), end(graph, segments) - 1);
    }
    debug_assert!(last.keys().all(|id| !is_view(graph, *id)));
    last
}
