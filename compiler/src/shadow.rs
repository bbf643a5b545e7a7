//! A program run over the shadow of its memory, where every byte knows which value lies there and which part of it.
//!
//! What a program does depends on no numbers, so that one run proves it for its network, plan, feed and threads: each call
//! finds what the stages before it have made, in the row, column and channel that it reads; padding lies where windows
//! end; nothing is written past its memory or while the plan gives it to others; what a step leaves behind is whole.

mod access;
mod area;
mod cells;
mod run;
mod versions;

use crate::error::Result;
use crate::ir::Graph;
use crate::plan::Plan;
use crate::program::Program;
use crate::schedule::Schedule;
use crate::target::Target;

/// Proves that each call of a program reads what it should; else says which step, stage, memory and row.
pub fn check(
    graph: &Graph,
    schedule: &Schedule,
    plan: &Plan,
    program: &Program,
    target: &Target,
) -> Result<()> {
    run::Shadow::new(graph, schedule, plan, target).run(program)
}
