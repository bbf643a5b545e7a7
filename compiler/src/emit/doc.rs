//! The sentence above each emitted function, and the file's own.

use crate::emit::labels::Labels;
use crate::emit::separable::Part;
use crate::ir::{Graph, NodeId};
use crate::printed;
use crate::schedule::{Home, Place, Stage, Step};
use crate::segment::{Role, flow};
use crate::share::Lens;

/// Columns of a line that names steps, at most.
const WIDTH: usize = 96;

/// The doc line of a step: its name, its shapes, and its cost.
pub(super) fn step(graph: &Graph, labels: &Labels, step: &Step) -> String {
    let last = step.stages.last().expect("a step has a stage");
    let shape = if let Some(about) = last.kernel.about() {
        format!(": {about}")
    } else if step.madds > 0 {
        format!(": {}", shape(graph, step))
    } else {
        String::new()
    };
    format!("{}{shape}.{}", subject(graph, labels, step), cost(step.madds))
}

/// The doc lines of a function that steps of these names run, of which the first is `step`, of a kind.
pub(super) fn shared(
    graph: &Graph,
    (kind, step): (&str, &Step),
    lens: Lens,
    names: &[&str],
) -> Vec<String> {
    let last = step.stages.last().expect("a step has a stage");
    let what = match lens {
        Lens::Known => {
            let shape = last.kernel.about().unwrap_or_else(|| shape(graph, step));
            format!(" {}{}: {shape}.{}", title(kind), window(graph, step), cost(step.madds))
        }
        Lens::Any => format!(" {} of `N` elements.", title(kind)),
    };
    let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let (last, others) = listed.split_last().expect("a function is run");
    let all = format!(" Steps {} and {last}.", others.join(", "));
    let ends = format!(" {} steps, from {} to {last}.", names.len(), others[0]);
    let steps = if all.len() <= WIDTH { all } else { ends };
    if what.len() + steps.len() <= WIDTH { vec![what + &steps] } else { vec![what, steps] }
}

/// The channels and the size of a step: the shape of its result, where it does not multiply.
pub(super) fn shape(graph: &Graph, step: &Step) -> String {
    let first = &step.stages[0];
    let last = step.stages.last().expect("a step has a stage");
    if step.madds == 0 {
        return printed::shape(&graph.node(last.node).out.shape);
    }
    let widths: Vec<String> = std::iter::once(channels(first.from.first()))
        .chain(
            step.stages
                .iter()
                .filter(|stage| changes_width(stage))
                .filter_map(|stage| graph.node(stage.node).out.shape.get(1).map(usize::to_string)),
        )
        .filter(|width| !width.is_empty())
        .collect();
    let strided = step
        .stages
        .iter()
        .map(|stage| stage.window.stride)
        .filter(|stride| *stride > 1)
        .product::<usize>();
    let stride = if strided > 1 { format!(", stride {strided}") } else { String::new() };
    let residual = if has_residual(graph, &step.segment.stages) { ", residual" } else { "" };
    let pixels = step.stages.iter().rev().find(|stage| !stage.kernel.pools_all()).unwrap_or(last);
    let size = format!("{}x{}", pixels.height, pixels.into.rows.width);
    format!("{} at {size}{stride}{residual}", widths.join(" -> "))
}

/// `300.8 M MAdds`, or nothing for none.
pub(super) fn cost(madds: u64) -> String {
    match madds {
        0 => String::new(),
        1..100_000 => format!(" {:.1} K MAdds.", madds as f64 / 1e3),
        _ => format!(" {:.1} M MAdds.", madds as f64 / 1e6),
    }
}

fn subject(graph: &Graph, labels: &Labels, step: &Step) -> String {
    let name = |id: &NodeId| quoted(&labels.node(graph, *id));
    let names = match step.segment.stages.as_slice() {
        [one] => name(one),
        [first, .., last] => format!("{} to {}", name(first), name(last)),
        [] => String::new(),
    };
    match step.segment.role {
        Role::Block(number) if holds_stem(graph, step, number) => {
            format!("Stem and block {number}, {names}")
        }
        Role::Block(number) => format!("Block {number}, {names}"),
        Role::Blocks(first, last) => {
            let stem = if holds_stem(graph, step, first) { "stem, " } else { "" };
            let head = if holds_head(graph, step) { ", head" } else { "" };
            let blocks = if first == last {
                format!("block {first}")
            } else {
                format!("blocks {first} to {last}")
            };
            title(&format!("{stem}{blocks}{head}, {names}"))
        }
        Role::Chain => match labels.blocks.whole(&step.segment.stages) {
            Some([first, last]) if first == last => {
                let window = window(graph, step);
                format!("Separable block {first} of{window} depthwise and 1x1 convolution, {names}")
            }
            Some([first, last]) => format!("Separable blocks {first} to {last}, {names}"),
            None => format!("Chain {names}"),
        },
        Role::Head => format!("Head and global pooling, {names}"),
        Role::Copy => format!("Copy of {names}"),
        Role::Single => {
            let id = step.segment.stages[0];
            let op = title(graph.node(id).op.name());
            match labels.blocks.part(id) {
                Some((number, part)) => {
                    format!("{} {names}", of_block(part, number, &op, &window(graph, step)))
                }
                None => format!("{op} {names}"),
            }
        }
    }
}

/// The part that an operator is of a separable block.
fn of_block(part: Part, number: usize, op: &str, window: &str) -> String {
    match part {
        Part::Expand => format!("Separable block {number}, expansion"),
        Part::Depthwise => format!("Separable block {number},{window} depthwise"),
        Part::Gate => format!("Separable block {number}, squeeze-excitation: {op}"),
        Part::Pointwise => format!("Separable block {number}, pointwise"),
    }
}

/// The window of a step's depthwise convolution: ` 3x3`.
fn window(graph: &Graph, step: &Step) -> String {
    let mut convs = step.segment.stages.iter().filter_map(|id| graph.node(*id).op.conv());
    let window = convs.find(|conv| conv.group > 1).map(|conv| conv.kernel);
    window.map(|[down, across]| format!(" {down}x{across}")).unwrap_or_default()
}

/// A name as code in a comment.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", printed::name(name).replace('`', "'"))
}

/// True if a step ends in global pooling.
pub(super) fn holds_head(graph: &Graph, step: &Step) -> bool {
    let last = step.segment.stages.last();
    last.is_some_and(|id| flow::pooling(graph, *id).is_some())
}

fn holds_stem(graph: &Graph, step: &Step, number: usize) -> bool {
    let (first, block) = (step.segment.stages[0], graph.blocks[number - 1]);
    Some(first) != block.expand && first != block.depthwise
}

fn has_residual(graph: &Graph, stages: &[NodeId]) -> bool {
    stages.iter().any(|id| graph.node(*id).op.conv().is_some() && graph.operand(*id, 3).is_some())
}

fn changes_width(stage: &Stage) -> bool {
    stage.kernel.tile().is_some()
}

fn channels(place: Option<&Place>) -> String {
    match place {
        Some(Place { home: Home::Weights(_), .. }) | None => String::new(),
        Some(place) => place.rows.channels.to_string(),
    }
}

fn title(word: &str) -> String {
    let mut words = word.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}
