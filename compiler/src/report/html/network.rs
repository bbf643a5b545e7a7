//! The network as a strip of boxes: one for each function that was emitted, its operators inside.

use std::fmt::Write as _;

use crate::emit::Layer;
use crate::ir::Op;
use crate::report::html::{Page, shape};
use crate::report::svg::escape;
use crate::schedule::{Part, Step};
use crate::segment::{Role, RowBatch};

/// Box after box, in order.
pub(super) fn steps(page: &Page<'_>) -> String {
    let mut text = String::from(
        "<p>Each box is one function: what is in it is fused, and where rows stream, no value inside is ever whole.</p>\n\
         <div class=\"steps\">\n",
    );
    let inputs = page.artifact.schedule.inputs.iter();
    let inputs = inputs.map(|port| format!("{} {}", port.dtype, shape(&port.shape)));
    let _ = writeln!(
        text,
        "<div class=\"end\"><b>input</b>{}</div>",
        inputs.collect::<Vec<_>>().join("<br>")
    );
    let mut layers = page.layers.iter();
    for (at, step) in page.artifact.schedule.steps.iter().enumerate() {
        let own: Vec<&Layer> = layers.by_ref().take(step.stages.len()).collect();
        text.push_str(&step_box(page, step, at, &own));
    }
    let outputs = page.artifact.schedule.outputs.iter();
    let outputs = outputs.map(|port| format!("{} {}", escape(&port.name), shape(&port.shape)));
    let _ = writeln!(
        text,
        "<div class=\"end\"><b>output</b>{}</div>",
        outputs.collect::<Vec<_>>().join("<br>")
    );
    text + "</div>\n"
}

fn step_box(page: &Page<'_>, step: &Step, at: usize, layers: &[&Layer]) -> String {
    let row = &page.report.steps[at];
    let peak = if row.is_peak { " peak" } else { "" };
    let name = layers.first().map_or("", |layer| layer.probe.step.as_str());
    let mut text = format!(
        "<div class=\"step {}{peak}\"><b>{}</b><ul>",
        class(step.segment.role),
        escape(name)
    );
    for (stage, layer) in step.stages.iter().zip(layers) {
        let op = &page.artifact.graph.node(stage.node).op;
        let window = match op {
            Op::Conv(conv) if layer.probe.madds > 0 => {
                let [rows, columns] = conv.kernel;
                let stride = conv.stride[0].max(conv.stride[1]);
                let stride = if stride > 1 { format!(" /{stride}") } else { String::new() };
                format!(" {rows}×{columns}{stride}")
            }
            // Only convolutions have a window worth a word.
            _ => String::new(),
        };
        let adds = page.artifact.graph.operand(stage.node, 3).is_some() && layer.probe.madds > 0;
        let adds = if adds { " +" } else { "" };
        let part = if stage.part == Part::Row { "" } else { " in parts" };
        let _ = write!(text, "<li>{}{window}{adds}{part}</li>", layer.probe.kernel);
    }
    let out = layers.last().map(|layer| shape(&layer.shape)).unwrap_or_default();
    let flow = match step.segment.batch {
        RowBatch::Whole => "",
        RowBatch::Bands(_) => "<span class=\"flow\">by rows, in bands</span>",
        RowBatch::Rows(_) | RowBatch::Pixels(_) => "<span class=\"flow\">by rows</span>",
    };
    let _ = writeln!(text, "</ul><span class=\"out\">{out}</span>{flow}</div>");
    text
}

/// The class that colours a box.
fn class(role: Role) -> &'static str {
    match role {
        Role::Block(_) => "block",
        Role::Blocks(..) | Role::Chain => "blocks",
        Role::Head => "head",
        Role::Single | Role::Copy => "single",
    }
}
