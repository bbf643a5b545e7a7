//! Breakdown of memory: RAM by its contents at the fullest step, flash by the weights' layers.

use std::fmt::Write as _;

use crate::report::html::{Page, bar, mib};
use crate::report::svg::{escape, kib};
use crate::schedule::{Home, Port};
use crate::segment::Role;

/// Both tables.
pub(super) fn sections(page: &Page<'_>) -> String {
    let (ram, flash) = (ram(page), flash(page));
    let arena = page.report.arena_bytes;
    let table = |title: &str, rows: &[(String, usize)], total: usize, unit: fn(usize) -> String| {
        let mut text = format!("<table class=\"facts\"><caption>{title}</caption>\n");
        for (what, bytes) in rows {
            let _ = writeln!(
                text,
                "<tr><th>{}</th><td class=\"n\">{}</td><td class=\"bar wide-bar\">{}</td></tr>",
                escape(what),
                unit(*bytes),
                bar(*bytes as f64 / total.max(1) as f64)
            );
        }
        text + "</table>\n"
    };
    let weights = page.artifact.blob.bytes_len();
    let title = format!(
        "RAM: {} of arena, static and zero at start; what lies there at the peak",
        kib(arena)
    );
    let caller = "beside it, lent by the caller";
    format!(
        "<div class=\"two\">\n<div>{}{}</div>\n<div>{}</div>\n</div>\n",
        table(&title, &ram, arena, kib),
        table(caller, &lent(page), arena, kib),
        table(&format!("Flash: {} of weights", mib(weights)), &flash, weights, mib),
    )
}

/// Contents of the arena at its fullest step, the largest first.
fn ram(page: &Page<'_>) -> Vec<(String, usize)> {
    let Some(peak) = page.report.steps.iter().find(|step| step.is_peak) else { return Vec::new() };
    let buffers = peak.live.iter().map(|id| &page.report.buffers[*id]);
    let mut rows: Vec<(String, usize)> =
        buffers.map(|(buffer, slot)| (buffer.name.clone(), slot.len)).collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    rows
}

/// Arrays of the caller.
fn lent(page: &Page<'_>) -> Vec<(String, usize)> {
    let schedule = &page.artifact.schedule;
    let bytes = |port: &Port| port.shape.iter().product::<usize>() * port.dtype.stored_bytes();
    let inputs = schedule.inputs.iter().zip(&schedule.intakes);
    let inputs = inputs.filter(|(_, intake)| matches!(intake.place.home, Home::Input(_)));
    let inputs = inputs.map(|(port, _)| (port.name.clone(), bytes(port)));
    let told = schedule.ranking.is_some();
    let outputs = schedule.outputs.iter().filter(|_| !told);
    inputs.chain(outputs.map(|port| (port.name.clone(), bytes(port)))).collect()
}

/// Weights by part of the network, in order.
fn flash(page: &Page<'_>) -> Vec<(String, usize)> {
    let mut rows: Vec<(String, usize)> = Vec::new();
    let mut layers = page.layers.iter();
    for step in &page.artifact.schedule.steps {
        let own = layers.by_ref().take(step.stages.len());
        let (mut name, mut bytes) = (String::new(), 0);
        for layer in own {
            name.clone_from(&layer.probe.step);
            bytes += layer.weights_bytes;
        }
        let quiet = bytes == 0 || matches!(step.segment.role, Role::Copy);
        if !quiet {
            rows.push((name, bytes));
        }
    }
    rows
}
