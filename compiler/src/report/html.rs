//! A network and its plan as one page that needs nothing else: no network, no script, no font.
//!
//! Legible on paper, on a phone, and by night: colours follow `prefers-color-scheme`, wide tables scroll by themselves.

mod layers;
mod memory;
mod network;
mod quantized;

use std::fmt::Write as _;

use crate::emit::{self, Layer};
use crate::error::Result;
use crate::ir::Graph;
use crate::pass::Log;
use crate::quantize::measure;
use crate::report::svg::{self, escape, kib};
use crate::report::{self, Report};
use crate::{Artifact, Options};

/// The data that the page shows.
struct Page<'a> {
    options: &'a Options,
    artifact: &'a Artifact,
    report: &'a Report,
    layers: &'a [Layer],
    /// Microseconds of each layer, if they were measured.
    times: Option<&'a [f64]>,
}

/// The page of `graph` as read, compiled with `options` to `artifact`; `times` are microseconds of each kernel, and
/// `quantized` is what its file says of the floats it came from.
pub fn page(
    graph: &Graph,
    options: &Options,
    artifact: &Artifact,
    times: Option<&[f64]>,
    quantized: Option<&measure::Report>,
) -> Result<String> {
    let report = report::compiled(graph, options, artifact)?;
    let layers = emit::layers(&artifact.graph, &artifact.schedule, &artifact.blob);
    let times = times.filter(|times| times.len() == layers.len());
    let page = Page { options, artifact, report: &report, layers: &layers, times };
    let name = escape(&artifact.facts.name);
    let parts = [
        section("Network", &network::steps(&page)),
        section("Layers", &layers::table(&page)),
        if graph.is_quantised() || quantized.is_some() {
            section("Quantisation", &quantized::table(quantized))
        } else {
            String::new()
        },
        section("Memory, step by step", &timeline(&page)),
        section("RAM and flash", &memory::sections(&page)),
        section("Passes", &passes(&artifact.log)),
    ];
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{name}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n{}{}</body>\n</html>\n",
        head(&page),
        parts.concat()
    ))
}

const STYLE: &str = include_str!("html/style.css");

fn section(title: &str, body: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{body}</section>\n")
}

/// The name, and the figures that matter most.
fn head(page: &Page<'_>) -> String {
    let (facts, report) = (&page.artifact.facts, page.report);
    let mut cards = vec![
        ("arena", kib(report.arena_bytes)),
        ("weights", mib(page.artifact.blob.bytes_len())),
        ("multiply-adds", format!("{:.1} M", facts.madds as f64 / 1e6)),
        ("parameters", format!("{:.2} M", facts.params as f64 / 1e6)),
    ];
    if let Some(times) = page.times {
        cards.push(("an inference", format!("{:.2} ms", times.iter().sum::<f64>() / 1e3)));
    }
    let mut text = format!(
        "<header>\n<h1>{}</h1>\n<p>Compiled for {}, chosen for {}.</p>\n<dl class=\"cards\">\n",
        escape(&facts.name),
        page.options.target,
        page.options.memory.objective,
    );
    for (what, figure) in cards {
        let _ = writeln!(text, "<div><dt>{what}</dt><dd>{figure}</dd></div>");
    }
    text + "</dl>\n</header>\n"
}

/// The picture of the plan, and how it compares.
fn timeline(page: &Page<'_>) -> String {
    let report = page.report;
    let m_g = report.m_g;
    let mut text = format!(
        "<div class=\"wide\">{}</div>\n<table class=\"facts\">\n",
        svg::svg(report, &page.artifact.facts.name)
    );
    let proof = if report.optimal { "no plan of these steps needs less" } else { "" };
    for (what, bytes, note) in [
        ("M(G), every operator by itself", m_g.imported, ""),
        ("M(G), layer by layer", m_g.layerwise, ""),
        ("M(G), block by block", m_g.fused, ""),
        ("M(G) of this plan", m_g.chosen, ""),
        ("lower bound of its arena", report.lower_bound_bytes, ""),
        ("arena", report.arena_bytes, proof),
    ] {
        let _ = writeln!(
            text,
            "<tr><th>{what}</th><td class=\"n\">{}</td><td>{note}</td></tr>",
            kib(bytes)
        );
    }
    text + "</table>\n"
}

/// Rewrites that each pass made, and those that it refused.
fn passes(log: &Log) -> String {
    let mut text = String::from("<ol class=\"passes\">\n");
    let acted = log.entries.iter().filter(|entry| entry.count > 0 || !entry.skips.is_empty());
    for entry in acted {
        let _ = write!(text, "<li><code>{}</code> {}", entry.pass.name, entry.summary());
        if !entry.skips.is_empty() {
            let _ = write!(text, "<details><summary>{} left</summary><ul>", entry.skips.len());
            for skip in &entry.skips {
                let _ = write!(text, "<li>{}</li>", escape(&skip.to_string()));
            }
            text.push_str("</ul></details>");
        }
        text.push_str("</li>\n");
    }
    text + "</ol>\n"
}

/// `3.41 MiB`, or kibibytes where that is little.
fn mib(bytes: usize) -> String {
    if bytes < 1 << 20 {
        kib(bytes)
    } else {
        format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20))
    }
}

/// `1x24x56x56` as `24 x 56 x 56`: a leading 1 goes.
fn shape(dims: &[usize]) -> String {
    let dims = if dims.len() > 1 && dims[0] == 1 { &dims[1..] } else { dims };
    dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

/// A bar of a length from 0 to 1, behind a number.
fn bar(part: f64) -> String {
    format!("<i style=\"width:{:.1}%\"></i>", (part * 100.0).clamp(0.0, 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontend::spec::{self, Spec};
    use crate::model_io::ModelIo;
    use crate::objective::Memory;

    fn written(times: Option<&[f64]>) -> String {
        let spec = Spec::mobilenet_v2(0.1, 32);
        let graph = spec::graph(&spec, spec::Weights::Random { seed: 1 }).expect("it is sound");
        let options = Options {
            target: "generic".parse().expect("it is a target"),
            name: "a <b> & c".into(),
            sha256: String::new(),
            blob_name: String::new(),
            memory: Memory::default(),
            layers: false,
            ends: ModelIo::default(),
        };
        let artifact = crate::compile(graph.clone(), &options, |_, _, _| ()).expect("it compiles");
        page(&graph, &options, &artifact, times, Some(&lost())).expect("it has a page")
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = written(None);
        for part in ["http:", "https:", "<script", "<link", "@import", "url("] {
            let allowed = page.matches("http://www.w3.org/2000/svg").count();
            let expected = if part == "http:" { allowed } else { 0 };
            assert_eq!(page.matches(part).count(), expected, "{part}");
        }
        assert!(page.contains("a &lt;b&gt; &amp; c") && !page.contains("a <b>"));
    }

    #[test]
    fn every_tag_that_opens_closes() {
        let page = written(None);
        for tag in ["section", "table", "tr", "td", "th", "div", "li", "ol", "ul", "dl", "svg", "b"]
        {
            let open = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    fn lost() -> measure::Report {
        let layer = measure::Layer {
            name: "<stem>".into(),
            op: "conv".into(),
            range: (0.0, 6.0),
            clipped: 0.0125,
            sqnr: 33.3,
        };
        measure::Report {
            layers: vec![layer],
            images: 16,
            agreeing: 15,
            ..measure::Report::default()
        }
    }

    #[test]
    fn losses_of_layers_are_shown() {
        let page = written(None);
        let row = "&lt;stem&gt;</td><td>conv</td><td class=\"n\">0.0000</td><td class=\"n\">6.0000</td>\
                   <td class=\"n\">1.250 %</td><td class=\"n bar\">33.3 dB";
        assert!(page.contains(row) && page.contains("15 of 16 pictures"));
    }

    #[test]
    fn times_are_shown_where_there_is_one_a_layer() {
        assert!(!written(Some(&[1.0])).contains("an inference"));
        let spec = Spec::mobilenet_v2(0.1, 32);
        let graph = spec::graph(&spec, spec::Weights::Random { seed: 1 }).expect("it is sound");
        let rows = written(None).matches("class=\"layer\"").count();
        assert!(rows > 50 && graph.len() > rows, "{rows}");
        assert!(written(Some(&vec![2.0; rows])).contains("an inference"));
    }
}
