//! What the consts and the memory of a stage are called.

use crate::ir::{Block, Graph};
use crate::schedule::{Kernel, Stage, Step};
use crate::segment::Role;

/// What the const of a stage's kernel is called.
pub(in crate::emit) fn word(graph: &Graph, step: &Step, stage: &Stage) -> &'static str {
    let block = match step.segment.role {
        Role::Block(number) => graph.blocks.get(number - 1),
        Role::Blocks(first, _) => {
            let block = block_of(graph, stage).map(|(_, block)| block);
            block.or_else(|| graph.blocks.get(first - 1).filter(|_| !before_pool(step, stage)))
        }
        Role::Head | Role::Chain | Role::Single | Role::Copy => None,
    };
    let role = if before_pool(step, stage) { Role::Head } else { step.segment.role };
    match (&stage.kernel, block, role) {
        (Kernel::Load | Kernel::Widen | Kernel::LookUp, _, _) => "load",
        (Kernel::Fetch, _, _) if stage.pack.is_some() => "load",
        (Kernel::Depthwise { .. }, _, _) => "depthwise",
        (Kernel::GlobalPool(_) | Kernel::Pool(_), _, _) => "pool",
        (Kernel::Resize(_), _, _) => "resize",
        (Kernel::Move(_) | Kernel::Fill(_), _, _) => "copy",
        (_, Some(block), _) if block.expand == Some(stage.node) => "expand",
        (_, Some(block), _) if block.project == stage.node => "project",
        (_, Some(_), _) => "stem",
        (_, None, Role::Head) => "head",
        (_, None, _) => graph.node(stage.node).op.name(),
    }
}

/// The number, counted from 1, and the block that a stage is in.
pub(in crate::emit) fn block_of<'a>(graph: &'a Graph, stage: &Stage) -> Option<(usize, &'a Block)> {
    let id = stage.node;
    let mut blocks = (1..).zip(&graph.blocks);
    blocks.find(|(_, it)| it.expand == Some(id) || it.depthwise == id || it.project == id)
}

/// Whether global pooling follows a stage.
fn before_pool(step: &Step, stage: &Stage) -> bool {
    let next = step.stages.iter().skip_while(|it| it.node != stage.node).nth(1);
    next.is_some_and(|next| matches!(next.kernel, Kernel::GlobalPool(_)))
}

/// What the memory that a kernel fills is called, where it lives for the step only.
pub(in crate::emit) fn result(word: &str) -> &'static str {
    match word {
        "load" => "padded",
        "expand" | "stem" => "wide",
        "depthwise" => "thin",
        "head" => "last",
        _ => "part",
    }
}
