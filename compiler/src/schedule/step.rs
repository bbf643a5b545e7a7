//! One step: the stages of a segment, a lone operator, or the copy of what no segment writes.

use crate::error::Result;
use crate::ir::NodeId;
use crate::schedule::place::{Lowering, dense};
use crate::schedule::{Home, Stage, Step, lone, panels, recompute, stage};
use crate::segment::{RowBatch, Segment, is_chain};

impl Lowering<'_> {
    /// Lowers one segment.
    pub(super) fn step(&mut self, segment: &Segment) -> Result<()> {
        self.batch = segment.batch;
        self.inner.clear();
        self.handoff = None;
        self.strips = None;
        self.recomputed.clone_from(&segment.recompute);
        let panels = panels::count(self, segment)?;
        let stages = match segment.batch {
            RowBatch::Whole if segment.stages.len() == 1 => self.single(segment.stages[0])?,
            _ if !is_chain(self.graph, &segment.stages) => self.region(segment)?,
            _ => self.chain(segment, panels)?,
        };
        let recomputed = segment.recompute.iter().map(|id| recompute::extra(self.graph, *id)).sum();
        let once: u64 = segment.stages.iter().map(|id| self.graph.madds(*id)).sum();
        let (segment, madds) =
            (Segment { batch: self.batch, ..segment.clone() }, once + recomputed);
        let interleaved = panels::interleaved(self, &segment, &stages);
        self.schedule.steps.push(Step { segment, stages, panels, interleaved, madds, recomputed });
        Ok(())
    }

    /// Copies what no step writes where the caller wants it: an output that is an input, a constant, or another output
    /// under a second name.
    pub(super) fn repeat_outputs(&mut self) -> Result<()> {
        for (index, output) in self.graph.outputs.iter().enumerate() {
            let from = self.value(output.node)?;
            if from.home == Home::Output(index) {
                continue;
            }
            let into = dense(Home::Output(index), &self.graph.node(output.node).out)?;
            self.copy(output.node, from, into);
        }
        Ok(())
    }

    /// A lone operator, with the load its padding may need.
    fn single(&mut self, id: NodeId) -> Result<Vec<Stage>> {
        if self.graph.node(id).op.conv().is_none() {
            return lone::lone(self, id);
        }
        let from = self.operand(id, 0)?;
        let load = self.load_for(id, from);
        let from = load.as_ref().map_or(from, |load| load.into);
        let conv = stage::last(self, id, from)?;
        Ok(load.into_iter().chain([conv]).collect())
    }
}
