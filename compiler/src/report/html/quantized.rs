//! The loss of each layer by quantisation.

use std::fmt::Write as _;

use crate::quantize::measure::Report;
use crate::report::html::bar;
use crate::report::svg::escape;

/// Decibels at which a bar is full: more than eight bits give.
const MOST: f64 = 50.0;

/// The table of what `mnv2c quantize` measured, if the file says it.
pub(super) fn table(report: Option<&Report>) -> String {
    let Some(report) = report else {
        return "<p>The file does not say what its layers lost; <code>mnv2c quantize</code> writes that down.</p>\n".into();
    };
    let Report { layers, equalized, images, agreeing, cosine } = report;
    let mut text = format!(
        "<p>The likeliest class is that of the floats on {agreeing} of {images} pictures; the answers' cosine is at least \
         {cosine:.5}; {equalized} pairs of layers are equalised. Noise includes that of all layers before.</p>\n\
         <div class=\"wide\"><table class=\"layers\">\n<thead><tr><th>layer</th><th>operator</th>\
         <th class=\"n\">least</th><th class=\"n\">greatest</th><th class=\"n\">clipped</th>\
         <th class=\"n\">signal to noise</th></tr></thead>\n<tbody>\n"
    );
    for layer in layers {
        let (lo, hi) = layer.range;
        let noise = if layer.sqnr.is_finite() {
            format!("{:.1} dB{}", layer.sqnr, bar(layer.sqnr / MOST))
        } else {
            "no noise".into()
        };
        let _ = writeln!(
            text,
            "<tr><td class=\"name\">{}</td><td>{}</td><td class=\"n\">{lo:.4}</td><td class=\"n\">{hi:.4}</td>\
             <td class=\"n\">{:.3} %</td><td class=\"n bar\">{noise}</td></tr>",
            escape(&layer.name),
            escape(&layer.op),
            layer.clipped * 100.0,
        );
    }
    text + "</tbody></table></div>\n"
}
