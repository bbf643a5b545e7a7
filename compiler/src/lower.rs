//! Schedule -> Program: the loops of every step, which rows each call makes, and the zeros around them.
//!
//! Each way for rows to flow has its file: whole values (`whole`), rows through a chain (`chain`) or a region
//! (`region`), parts of rows (`parts`, `strips`), panels of channels (`panels`), and work shared among threads
//! (`threads`).

mod chain;
mod padding;
mod panels;
mod parts;
mod region;
mod rows;
mod stages;
mod strips;
mod threads;
mod whole;

use crate::ir::{Graph, NodeId};
use crate::program::{Call, Function, Program, Span, Statement};
use crate::schedule::{Kernel, Schedule, Stage, Step};
use crate::segment::is_chain;
use crate::target::Target;

pub use stages::named;

/// The loops of a schedule.
pub fn lower(graph: &Graph, schedule: &Schedule, target: &Target) -> Program {
    let function = |step| Lowering { graph, schedule, target, step }.function();
    Program { functions: schedule.steps.iter().map(function).collect() }
}

/// A step that is lowered, and what is known around it.
struct Lowering<'a> {
    graph: &'a Graph,
    schedule: &'a Schedule,
    target: &'a Target,
    step: &'a Step,
}

impl Lowering<'_> {
    fn function(&self) -> Function {
        let mut body = self.spreads();
        if self.step.bands() == 1 {
            body.extend(self.clears());
        }
        body.extend(match () {
            () if !self.step.is_streamed() => self.whole(),
            () if self.step.bands() > 1 => self.bands(),
            () if is_chain(self.graph, &self.step.segment.stages) => self.chain(),
            () => self.region(),
        });
        Function { body }
    }

    /// The stages of the step.
    fn stages(&self) -> &[Stage] {
        &self.step.stages
    }

    /// Pixels of a row of what a node makes.
    fn width(&self, id: NodeId) -> usize {
        self.graph.node(id).out.nchw().map_or(1, |[_, _, _, width]| width)
    }

    /// A call of a stage, by the threads that share it, and the mark behind it.
    fn call(&self, stage: usize, rows: Span) -> Vec<Statement> {
        let call = match self.shared(stage) {
            Some(shared) => shared,
            None if matches!(self.stages()[stage].kernel, Kernel::Fetch(_)) => {
                rows::fetch(stage, rows)
            }
            None => Statement::Call(Call { reach: self.parts(stage), ..Call::rows(stage, rows) }),
        };
        vec![call, Statement::Mark { stage }]
    }
}
