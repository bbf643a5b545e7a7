//! The plan as a picture: steps across, bytes of the arena up, a rectangle for each buffer.
//!
//! Colours are muted enough for light pages and dark ones; text and lines take the page's own colour.

use std::fmt::Write as _;

use crate::printed;
use crate::report::Report;

/// Size of the plot.
const PLOT: [f64; 2] = [1040.0, 520.0];
/// Left, top, right, bottom of it.
const MARGIN: [f64; 4] = [148.0, 48.0, 24.0, 128.0];

/// The picture, titled `title`.
pub fn svg(report: &Report, title: &str) -> String {
    let (width, height) = (PLOT[0] + MARGIN[0] + MARGIN[2], PLOT[1] + MARGIN[1] + MARGIN[3]);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\" class=\"plan\">\n{STYLE}"
    );
    let arena = kib(report.arena_bytes);
    let _ = writeln!(
        svg,
        "<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n\
         <text class=\"title\" x=\"{}\" y=\"28\">{}: {arena} of arena</text>",
        MARGIN[0],
        escape(title)
    );
    legend(&mut svg);
    let scale = Scale::new(report);
    axis(&mut svg, report, &scale);
    buffers(&mut svg, report, &scale);
    names(&mut svg, report, &scale);
    line(&mut svg, &scale, report.arena_bytes, "peak", &format!("arena {arena}"), -6.0);
    let bound = format!("lower bound {}", kib(report.lower_bound_bytes));
    line(&mut svg, &scale, report.lower_bound_bytes, "bound", &bound, 16.0);
    svg + "</svg>\n"
}

const STYLE: &str = "<style>\n\
    .plan .page { fill: #ffffff } .plan text { fill: #1f2328 } .plan .title { font-size: 17px; font-weight: 600 }\n\
    .plan .grid { stroke: #1f2328; stroke-opacity: 0.14 } .plan .bar { stroke: #ffffff; stroke-width: 0.8 }\n\
    .plan .peak { stroke: #c4342d; stroke-width: 1.6 }\n\
    .plan .bound { stroke: #1f2328; stroke-width: 1.2; stroke-dasharray: 5 4 }\n\
    @media (prefers-color-scheme: dark) {\n\
    .plan .page { fill: #0d1117 } .plan text { fill: #e6edf3 } .plan .grid { stroke: #e6edf3 }\n\
    .plan .bar { stroke: #0d1117 } .plan .bound { stroke: #e6edf3 } .plan .peak { stroke: #ff7b72 }\n\
    }\n</style>\n";

/// Fills of values between steps, of rings, and of parts of rows.
const COLOURS: [&str; 3] = ["#4f86c6", "#e0913a", "#8f6bb8"];

struct Scale {
    step: f64,
    byte: f64,
}

impl Scale {
    fn new(report: &Report) -> Self {
        let (steps, bytes) = (report.steps.len().max(1) as f64, report.arena_bytes.max(1) as f64);
        Self { step: PLOT[0] / steps, byte: PLOT[1] / (bytes * 1.06) }
    }

    fn x(&self, step: usize) -> f64 {
        MARGIN[0] + step as f64 * self.step
    }

    fn y(&self, byte: usize) -> f64 {
        MARGIN[1] + PLOT[1] - byte as f64 * self.byte
    }
}

fn legend(svg: &mut String) {
    let words = ["between steps", "within a step: rings", "parts of rows"];
    for (at, (word, colour)) in words.iter().zip(COLOURS).enumerate() {
        let x = MARGIN[0] + PLOT[0] - 430.0 + at as f64 * 150.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"18\" width=\"11\" height=\"11\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"28\">{word}</text>",
            x + 16.0
        );
    }
}

fn axis(svg: &mut String, report: &Report, scale: &Scale) {
    let wanted = (report.arena_bytes / 8).max(1);
    let unit = 1 << wanted.ilog2();
    let mut byte = 0;
    while byte <= report.arena_bytes {
        let y = scale.y(byte);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            MARGIN[0],
            MARGIN[0] + PLOT[0],
            MARGIN[0] - 8.0,
            y + 4.0,
            kib(byte)
        );
        byte += unit;
    }
}

fn buffers(svg: &mut String, report: &Report, scale: &Scale) {
    // The largest first: what shares memory with a larger one is then seen in front of it.
    let mut buffers: Vec<_> = report.buffers.iter().collect();
    buffers.sort_by_key(|(buffer, slot)| std::cmp::Reverse(buffer.live.len() * slot.len));
    for (buffer, slot) in buffers {
        let live = buffer.live.start..buffer.live.end.min(report.steps.len());
        if live.is_empty() || buffer.len == 0 {
            continue;
        }
        let kind = match () {
            () if buffer.name.ends_with(".part") => 2,
            () if live.len() == 1 => 1,
            () => 0,
        };
        let (x, y) = (scale.x(live.start), scale.y(slot.end()));
        let (width, height) = (live.len() as f64 * scale.step, slot.len as f64 * scale.byte);
        let name = escape(&buffer.name);
        let _ = writeln!(
            svg,
            "<rect class=\"bar\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{}\" \
             fill-opacity=\"0.82\"><title>{name}: {} bytes at {}, steps {} to {}</title></rect>",
            COLOURS[kind],
            buffer.len,
            slot.offset,
            live.start + 1,
            live.end
        );
        let room = (width / 6.6) as usize;
        if height > 15.0 && printed::name(&buffer.name).chars().count() <= room {
            let (x, y) = (x + width / 2.0, y + height / 2.0 + 4.0);
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" style=\"fill:#ffffff\" \
                 pointer-events=\"none\">{name}</text>"
            );
        }
    }
}

/// The steps' names below the plot, slanted.
fn names(svg: &mut String, report: &Report, scale: &Scale) {
    for (at, step) in report.steps.iter().enumerate() {
        let (x, y) = (scale.x(at) + scale.step / 2.0, MARGIN[1] + PLOT[1] + 14.0);
        let mark = if step.is_peak { " (peak)" } else { "" };
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\" font-size=\"10\" \
             transform=\"rotate(-35 {x:.1} {y:.1})\">{}{mark}</text>",
            escape(&short(&step.name))
        );
    }
}

fn line(svg: &mut String, scale: &Scale, bytes: usize, class: &str, text: &str, above: f64) {
    let y = scale.y(bytes);
    let end = MARGIN[0] + PLOT[0];
    let _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
         <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
        MARGIN[0],
        end - 4.0,
        y + above
    );
}

fn short(name: &str) -> String {
    let parts: Vec<&str> =
        name.split(" .. ").map(|part| part.rsplit('/').next().unwrap_or(part)).collect();
    let text = parts.join(" .. ");
    if text.chars().count() <= 34 { text } else { text.chars().take(33).chain(['…']).collect() }
}

pub(super) fn kib(bytes: usize) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

pub(super) fn escape(text: &str) -> String {
    let text = printed::name(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
