//! Names of steps, of the consts and the memory of their stages, and of instruction sets.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use crate::emit::labels::Labels;
use crate::emit::separable::Part;
use crate::emit::{doc, names};
use crate::ir::view::base;
use crate::ir::{Block, Graph, NodeId, Op, Quant};
use crate::schedule::{Stage, Step};
use crate::segment::Role;
use crate::share::Lens;
use crate::target::Target;

/// The name of the const of a stage's kernel.
pub(super) fn word(graph: &Graph, step: &Step, stage: &Stage) -> &'static str {
    let block = match step.segment.role {
        Role::Block(number) => graph.blocks.get(number - 1),
        Role::Blocks(first, _) => {
            let block = block_of(graph, stage).map(|(_, block)| block);
            block.or_else(|| graph.blocks.get(first - 1).filter(|_| !before_pool(step, stage)))
        }
        Role::Head | Role::Chain | Role::Single | Role::Copy => None,
    };
    let role = if before_pool(step, stage) { Role::Head } else { step.segment.role };
    match (stage.kernel.word(), block, role) {
        (Some(word), _, _) => word,
        (None, Some(block), _) if block.expand == Some(stage.node) => "expand",
        (None, Some(block), _) if block.project == stage.node => "project",
        (None, Some(_), _) => "stem",
        (None, None, Role::Head) => "head",
        (None, None, _) => graph.node(stage.node).op.name(),
    }
}

/// The name of the weights of a step's kernel: `stem_conv`, but `head`, `conv_3` and `separable_2_depthwise` where the
/// step is named after the kernel.
pub(super) fn of_step(step: &str, kernel: &str) -> String {
    if step.strip_suffix(kernel).is_some_and(|rest| rest.ends_with('_')) {
        return step.to_owned();
    }
    let rest = step.strip_prefix(kernel).map(|rest| rest.trim_start_matches('_'));
    if rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit())) {
        step.to_owned()
    } else {
        format!("{step}_{kernel}")
    }
}

/// The number, counted from 1, and the block that a stage is in.
pub(super) fn block_of<'a>(graph: &'a Graph, stage: &Stage) -> Option<(usize, &'a Block)> {
    let id = stage.node;
    let mut blocks = (1..).zip(&graph.blocks);
    blocks.find(|(_, it)| it.expand == Some(id) || it.depthwise == id || it.project == id)
}

/// True if global pooling follows a stage.
fn before_pool(step: &Step, stage: &Stage) -> bool {
    let next = step.stages.iter().skip_while(|it| it.node != stage.node).nth(1);
    next.is_some_and(|next| next.kernel.pools_all())
}

/// The name of the memory that a kernel fills, where it lives for the step only.
pub(super) fn result(word: &str) -> &'static str {
    match word {
        "load" => "padded",
        "expand" | "stem" => "wide",
        "depthwise" => "thin",
        "head" => "last",
        _ => "part",
    }
}

/// The name of a step that runs a function of its own: that of a part of a separable block says so.
pub(super) fn step(graph: &Graph, labels: &Labels, step: &Step) -> String {
    let id = step.segment.stages[0];
    let is_stem = graph.node(id).op.conv().is_some() && reads_input(graph, id);
    match (step.segment.role, labels.blocks.part(id)) {
        (Role::Single, Some((number, part))) if !is_stem => match part {
            Part::Expand => format!("separable_{number}_expand"),
            Part::Depthwise => format!("separable_{number}_depthwise"),
            Part::Pointwise => format!("separable_{number}_pointwise"),
            Part::Gate => labeled(graph, labels, step),
        },
        _ => labeled(graph, labels, step),
    }
}

/// The name of a step: of a single operator, its label.
pub(super) fn labeled(graph: &Graph, labels: &Labels, step: &Step) -> String {
    let id = step.segment.stages[0];
    let node = graph.node(id);
    match (step.segment.role, &node.op) {
        (Role::Block(number), _) => format!("block_{number}"),
        (Role::Blocks(first, last), _) => {
            let head = if doc::holds_head(graph, step) { "_and_head" } else { "" };
            if first == last {
                format!("block_{first}{head}")
            } else {
                format!("blocks_{first}_to_{last}{head}")
            }
        }
        (Role::Chain, _) => match labels.blocks.whole(&step.segment.stages) {
            Some([first, last]) if first == last => format!("separable_{first}"),
            Some([first, last]) => format!("separable_{first}_to_{last}"),
            None => {
                let last = step.segment.stages[step.segment.stages.len() - 1];
                format!("{}_to_{}", labels.node(graph, id), labels.node(graph, last))
            }
        },
        (Role::Head, _) => "head".to_owned(),
        (Role::Single, op) if op.conv().is_some() && reads_input(graph, id) => "stem".to_owned(),
        (Role::Single, Op::Dense(_) | Op::Quant(Quant::Dense(_))) => "classifier".to_owned(),
        (Role::Single, Op::Softmax(_) | Op::Quant(Quant::Softmax(_))) => "softmax".to_owned(),
        (Role::Single, _) => labels.node(graph, id),
        (Role::Copy, _) => format!("copy_{}", labels.node(graph, id)),
    }
}

/// The name of a function that several steps run, of which `step` is one.
pub(super) fn shared(graph: &Graph, step: &Step, lens: Lens) -> String {
    match lens {
        Lens::Known => format!("{}_{}", kind(graph, step), doc::shape(graph, step)),
        Lens::Any => kind(graph, step).to_owned(),
    }
}

/// The kind of a step, in a word.
pub(super) fn kind(graph: &Graph, step: &Step) -> &'static str {
    match step.segment.role {
        Role::Block(_) => "block",
        Role::Blocks(..) => "blocks",
        Role::Chain => "chain",
        Role::Head => "head",
        Role::Copy => "copy",
        Role::Single => word(graph, step, &step.stages[step.stages.len() - 1]),
    }
}

fn reads_input(graph: &Graph, id: NodeId) -> bool {
    let maker = |id: NodeId| graph.operand(id, 0).map(|x| base(graph, x));
    maker(id).is_some_and(|maker| match graph.node(maker).op {
        Op::Input => true,
        Op::Quant(Quant::Quantize(_)) => reads_input(graph, maker),
        // Whatever computes or moves makes a value of its own.
        _ => false,
    })
}

/// The type that proves a target's instructions are there.
pub(super) fn token(target: &Target) -> Ident {
    names::ident(&format!("{:?}", target.isa))
}

/// True if a target's instructions are more than every machine of its architecture has.
pub(super) fn needs_features(target: &Target) -> bool {
    !target.isa.features().is_empty()
}

/// The attribute that lets a function use its target's instructions.
pub(super) fn feature(target: &Target) -> TokenStream {
    let features = target.isa.features();
    if features.is_empty() { quote!() } else { quote!(#[target_feature(enable = #features)]) }
}

#[cfg(test)]
mod tests {
    use super::of_step;

    #[test]
    fn weights_are_not_called_twice_after_one_kernel() {
        let called = [("head", "head"), ("conv_3", "conv"), ("stem", "conv"), ("conv_3", "conv_2")];
        let names = called.map(|(step, kernel)| of_step(step, kernel));
        assert_eq!(names, ["head", "conv_3", "stem_conv", "conv_3_conv_2"]);
        assert_eq!(of_step("convolve", "conv"), "convolve_conv");
        assert_eq!(of_step("separable_2_depthwise", "depthwise"), "separable_2_depthwise");
    }
}
