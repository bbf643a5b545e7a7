//! Values that lie in the arena between calls: their memory, and how they come to lie there when a call ends.
//!
//! A state's buffer lives through all steps and from call to call. Its next value is made there where nobody reads the old
//! one any more (`Lowering::place_result`); else it is copied there in the end.

use crate::error::Result;
use crate::ir::view::base;
use crate::ir::{NodeId, Output, State, Values};
use crate::plan::{Buffer, BufferId};
use crate::schedule::place::{self, Lowering, dense};
use crate::schedule::{Home, Kept, Place, Step, stage};
use crate::segment::{Role, Segment};

impl Lowering<'_> {
    /// Gives each state its memory, which is its own throughout `segments` and behind them.
    pub(super) fn take_states(&mut self, segments: &[Segment]) -> Result<()> {
        let graph = self.graph;
        let end = place::end(graph, segments) + 1;
        for State { input, start } in &graph.states {
            let node = graph.node(*input);
            let flat = dense(Home::Output(0), &node.out)?;
            let home = self.add_buffer(node.name.clone(), flat, end);
            let place = Place { home, ..flat };
            self.places.insert(*input, place);
            let (port, start) = (place::port(graph, &node.name, *input), bytes(start));
            self.schedule.states.push(Kept { port, place, start });
            self.free_from.push(self.last_needed(*input, segments));
        }
        if self.schedule.states.iter().any(|kept| kept.start.iter().any(|byte| *byte != 0)) {
            let (name, align) = ("started".into(), self.align());
            self.schedule.buffers.push(Buffer { name, len: 1, align, live: 0..end });
            self.schedule.started = Some(BufferId(self.schedule.buffers.len() - 1));
        }
        Ok(())
    }

    /// The first step behind all that read the state at `input`; none is, if its value is copied in the end.
    fn last_needed(&self, input: NodeId, segments: &[Segment]) -> usize {
        let graph = self.graph;
        let outlives = |output: &Output| base(graph, output.node) == input;
        if graph.outputs.all().iter().any(outlives) {
            return usize::MAX;
        }
        let reads = |segment: &Segment| {
            let mut operands = segment.stages.iter().flat_map(|id| graph.operands(*id));
            operands.any(|(_, operand)| base(graph, operand) == input)
        };
        segments.iter().rposition(reads).map_or(0, |last| last + 1)
    }

    /// Copies to each state's memory the next value that was not made there. A state that becomes another is copied aside
    /// before any is overwritten.
    pub(super) fn keep_states(&mut self) -> Result<()> {
        let graph = self.graph;
        let homes: Vec<Home> = self.schedule.states.iter().map(|kept| kept.place.home).collect();
        let states: Vec<NodeId> = graph.states.iter().map(|state| state.input).collect();
        let mut waiting = Vec::new();
        for (at, next) in graph.outputs.kept().iter().enumerate() {
            let (maker, from) = (base(graph, next.node), self.value(next.node)?);
            let into = dense(homes[at], &graph.node(next.node).out)?;
            let made_here = from.home == into.home && !states.contains(&maker);
            if made_here || maker == states[at] {
                continue;
            }
            let from = match homes.contains(&from.home) {
                true => self.copied_aside(next, from, into)?,
                false => from,
            };
            waiting.push((next.node, from, into));
        }
        waiting.into_iter().for_each(|(node, from, into)| self.copy(node, from, into));
        Ok(())
    }

    /// A copy of what lies in a state's memory, which is about to be overwritten.
    fn copied_aside(&mut self, next: &Output, from: Place, into: Place) -> Result<Place> {
        let end = self.now() + 2 * self.graph.states.len() + 1;
        let home = self.add_buffer(format!("{}.next", next.name), into, end);
        let aside = Place { home, ..into };
        self.copy(next.node, from, aside);
        Ok(aside)
    }

    /// Adds a step that copies a value as it lies.
    pub(super) fn copy(&mut self, node: NodeId, from: Place, into: Place) {
        let stages = vec![stage::repeat(node, from, into)];
        let segment = Segment::single(Role::Copy, node);
        let (panels, interleaved, madds, recomputed) = (1, 1, 0, 0);
        self.schedule.steps.push(Step { segment, stages, panels, interleaved, madds, recomputed });
    }
}

/// Numbers as they lie in memory.
fn bytes(values: &Values) -> Vec<u8> {
    match values {
        Values::U8(bytes) => bytes.clone(),
        Values::I8(bytes) => bytes.iter().map(|x| x.cast_unsigned()).collect(),
        Values::I32(ints) => ints.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Values::I64(ints) => ints.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Values::F32(floats) => floats.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}
