//! Every kernel with its shape, numbers, work, memory and, if it was measured, its time.

use std::fmt::Write as _;

use crate::report::html::{Page, bar, shape};
use crate::report::svg::{escape, kib};

/// The table.
pub(super) fn table(page: &Page<'_>) -> String {
    let timed = if page.times.is_some() {
        "<th class=\"n\">µs</th><th class=\"n\">GFLOP/s</th>"
    } else {
        ""
    };
    let mut text = format!(
        "<div class=\"wide\"><table class=\"layers\">\n<thead><tr><th>function</th><th>kernel</th><th>tile</th>\
         <th>layer</th><th class=\"n\">result</th><th class=\"n\">parameters</th><th class=\"n\">MAdds</th>\
         <th class=\"n\">weights</th><th class=\"n\">live RAM</th>{timed}</tr></thead>\n<tbody>\n"
    );
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(1.0, f64::max);
    let most_madds = most(&mut page.layers.iter().map(|layer| layer.probe.madds as f64));
    let most_bytes = most(&mut page.layers.iter().map(|layer| layer.weights_bytes as f64));
    let most_time = most(&mut page.times.unwrap_or_default().iter().copied());
    let steps = page.artifact.schedule.steps.iter().zip(&page.report.steps);
    let rows = steps
        .flat_map(|(step, row)| (0..step.stages.len()).map(move |at| (at, step.stages.len(), row)));
    for (number, (layer, (at, count, row))) in page.layers.iter().zip(rows).enumerate() {
        text.push_str("<tr class=\"layer\">");
        if at == 0 {
            let name = escape(&layer.probe.step);
            let _ = write!(text, "<th rowspan=\"{count}\">{name}</th>");
        }
        let _ = write!(
            text,
            "<td>{}</td><td>{}</td><td class=\"name\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n bar\">{}{}</td><td class=\"n bar\">{}{}</td>",
            layer.probe.kernel,
            layer.probe.tile,
            escape(&layer.name),
            shape(&layer.shape),
            number_of(layer.params as u64),
            number_of(layer.probe.madds),
            bar(layer.probe.madds as f64 / most_madds),
            if layer.weights_bytes > 0 { kib(layer.weights_bytes) } else { String::new() },
            bar(layer.weights_bytes as f64 / most_bytes),
        );
        if at == 0 {
            let class = if row.is_peak { "n peak" } else { "n" };
            let _ = write!(
                text,
                "<td class=\"{class}\" rowspan=\"{count}\">{}</td>",
                kib(row.live_bytes)
            );
        }
        if let Some(times) = page.times {
            text.push_str(&time_of(layer.probe.madds, times[number], most_time));
        }
        text.push_str("</tr>\n");
    }
    text + "</tbody></table></div>\n"
}

/// The cells of a kernel's time in microseconds, beside the longest, and of its rate.
fn time_of(madds: u64, time: f64, most: f64) -> String {
    let rate = match madds {
        1.. if time > 0.0 => format!("{:.1}", 2e-3 * madds as f64 / time),
        _ => String::new(),
    };
    let bar = bar(time / most);
    format!("<td class=\"n bar\">{time:.1}{bar}</td><td class=\"n\">{rate}</td>")
}

/// Digits in groups of three; nothing for none.
fn number_of(count: u64) -> String {
    if count == 0 {
        return String::new();
    }
    let digits = count.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|it| str::from_utf8(it).unwrap_or("")).collect();
    groups.join(" ")
}
