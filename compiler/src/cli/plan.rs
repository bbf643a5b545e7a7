//! `mnv2c plan`: the memory of a network, step by step.

use std::path::PathBuf;

use clap::ValueEnum;
use mnv2c::error::Result;
use mnv2c::objective::{Memory, Storage};
use mnv2c::printed;
use mnv2c::report::{self, Report, Row, svg, table3};
use mnv2c::segment::RowBatch;
use serde_json::{Value, json};

use crate::cli::args::{Asked, ModelArgs, Plans};
use crate::cli::flags::OptionArgs;
use crate::cli::{Done, Outcome, output};

/// Print the memory a model needs, step by step, without compiling it
///
/// M(G) is the paper's: the most bytes of whole values that live at once, in the best order of the operators.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c plan dogs.onnx --objective ram --svg dogs.svg
  mnv2c plan mobilenet_v2:0.35@144 --dtype int8 --objective ram --feed rows")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    options: OptionArgs<Plans>,
    /// The type of activations to plan for
    #[arg(long, value_name = "f32|f16|bf16|int8", default_value = "f32", value_parser = storage)]
    dtype: Storage,
    /// Draw the plan into this file: steps across, bytes up
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    /// Print the paper's Table 3 for this network instead: the largest value at each resolution, 16 bits a number
    #[arg(
        long,
        conflicts_with_all = ["target", "threads", "objective", "ram", "recompute", "feed", "dtype", "svg"]
    )]
    table3: bool,
    /// Form of what is printed
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

/// For whom the plan is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Table,
    /// For programs
    Json,
}

pub(crate) fn run(args: &Args) -> Done {
    let request = args.options.request();
    let (source, model) = Asked { model: &args.model, request }.plain()?;
    if args.table3 {
        return table_3(args, &table3::entries(model.graph)?);
    }
    let memory = Memory { storage: args.dtype, ..request.memory() };
    let report = report::report(model.graph, &request.target(), memory)?;
    if let Some(path) = &args.svg {
        let drawn = svg::svg(&report, &source.name);
        output::write(&[(path, drawn.as_bytes())], &source.files(&request.model)?)?;
    }
    match args.format {
        Form::Table => table(&source.name, &report)?,
        Form::Json => output::json(&as_json(&source.name, &report))?,
    }
    Ok(Outcome::Well)
}

fn table(name: &str, report: &Report) -> Result<()> {
    let wide = output::column(report.steps.iter().map(|step| step.name.as_str()));
    output::line(&format!(
        "{:>3} {:wide$} {:>4} {:>9} {:>6} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8}",
        "",
        printed::name(name),
        "rows",
        "MAdds",
        "recomp",
        "live",
        "rings",
        "scratch",
        "by chan.",
        "from",
        "into"
    ))?;
    for (at, step) in report.steps.iter().enumerate() {
        let mark = if step.is_peak { "  <- peak" } else { "" };
        output::line(&format!(
            "{:>3} {:wide$} {:>4} {:>9} {:>6} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8}{mark}",
            at + 1,
            printed::name(&step.name),
            batch(step.batch),
            output::count(step.madds),
            again(step.recompute),
            step.live_bytes,
            step.ring_bytes,
            step.scratch_bytes,
            or_dash(step.split_bytes),
            or_dash(step.offsets[0]),
            or_dash(step.offsets[1])
        ))?;
    }
    let m_g = report.m_g;
    for (what, bytes) in [
        ("M(G) as imported", m_g.imported),
        ("M(G) layer by layer", m_g.layerwise),
        ("M(G) channel by channel", m_g.split),
        ("M(G) block by block", m_g.fused),
        ("M(G) of this plan", m_g.chosen),
        ("lower bound of its arena", report.lower_bound_bytes),
    ] {
        output::line(&format!("{what:25} {bytes:>10} bytes"))?;
    }
    let gap = report.arena_bytes - report.lower_bound_bytes;
    let proof = if report.optimal { ", optimal" } else { "" };
    output::line(&format!("{:25} {:>10} bytes, gap {gap}{proof}", "arena", report.arena_bytes))?;
    if report.state_bytes > 0 {
        output::line(&format!(
            "{:25} {:>10} bytes of it",
            "kept between calls", report.state_bytes
        ))?;
    }
    split(report)?;
    if report.recompute > 1.0 {
        let (again, madds) = (report.recompute, output::count(report.madds));
        output::line(&format!("{:25} {again:>10.3} times {madds}", "multiply-adds"))?;
    }
    Ok(())
}

/// Prints the effect of the paper's split of blocks by channels, which computes nothing twice either.
fn split(report: &Report) -> Result<()> {
    let blocks = report.steps.iter().filter_map(|step| Some((step.live_bytes, step.split_bytes?)));
    let (all, less) = (blocks.clone().count(), blocks.filter(|(live, split)| split < live).count());
    let most = report
        .steps
        .iter()
        .map(|it| it.split_bytes.map_or(it.live_bytes, |by| by.min(it.live_bytes)));
    let most = most.max().unwrap_or(0);
    let verdict = match (less, report.m_g.chosen.saturating_sub(most)) {
        (0, _) => "never less than this plan".to_owned(),
        (_, 0) => format!("less than this plan in {less} of {all} steps, none of them the peak"),
        (_, saved) => {
            format!("less than this plan in {less} of {all} steps, {saved} bytes at the peak")
        }
    };
    output::line(&format!("{:25} {verdict}", "blocks by channels"))
}

/// A factor of multiply-adds, where there are more than once.
fn again(factor: f64) -> String {
    if factor > 1.0 { format!("x{factor:.2}") } else { "-".to_owned() }
}

fn or_dash(bytes: Option<usize>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string())
}

fn as_json(name: &str, report: &Report) -> Value {
    let m_g = report.m_g;
    json!({
        "model": name,
        "arena_bytes": report.arena_bytes,
        "m_g_bytes": m_g.chosen,
        "m_g": {
            "imported": m_g.imported,
            "layerwise": m_g.layerwise,
            "split": m_g.split,
            "fused": m_g.fused,
            "chosen": m_g.chosen,
        },
        "state_bytes": report.state_bytes,
        "lower_bound_bytes": report.lower_bound_bytes,
        "optimal": report.optimal,
        "madds": report.madds,
        "recompute": report.recompute,
        "params": report.params,
        "steps": report.steps.iter().map(|step| step_json(report, step)).collect::<Vec<_>>(),
    })
}

fn step_json(report: &Report, step: &Row) -> Value {
    let buffers = step.live.iter().map(|id| {
        let (buffer, slot) = &report.buffers[*id];
        json!({"name": buffer.name, "offset": slot.offset, "bytes": slot.len})
    });
    json!({
        "name": step.name,
        "row_batch": batch(step.batch),
        "recompute": step.recompute,
        "from_offset": step.offsets[0],
        "into_offset": step.offsets[1],
        "split_bytes": step.split_bytes,
        "madds": step.madds,
        "live_bytes": step.live_bytes,
        "ring_bytes": step.ring_bytes,
        "scratch_bytes": step.scratch_bytes,
        "peak": step.is_peak,
        "buffers": buffers.collect::<Vec<_>>(),
    })
}

fn table_3(args: &Args, entries: &[table3::Entry]) -> Done {
    if args.format == Form::Json {
        let entry = |it: &table3::Entry| {
            json!({
                "size": it.size,
                "channels": it.channels,
                "bytes": it.bytes,
                "widest_bytes": it.widest_bytes,
            })
        };
        output::json(&entries.iter().map(entry).collect())?;
        return Ok(Outcome::Well);
    }
    output::line(&format!("{:>9} {:>9} {:>9} {:>12}", "size", "channels", "1000 B", "with wide"))?;
    for it in entries {
        let size = format!("{}x{}", it.size[0], it.size[1]);
        let (bytes, widest) = (it.bytes as f64 / 1e3, it.widest_bytes as f64 / 1e3);
        output::line(&format!("{size:>9} {:>9} {bytes:>9.0} {widest:>12.0}", it.channels))?;
    }
    let most = entries.iter().map(|it| it.bytes).max().unwrap_or(0) as f64 / 1e3;
    let widest = entries.iter().map(|it| it.widest_bytes).max().unwrap_or(0) as f64 / 1e3;
    output::line(&format!("{:>9} {:>9} {most:>9.0} {widest:>12.0}", "max", ""))?;
    Ok(Outcome::Well)
}

fn batch(batch: RowBatch) -> String {
    match batch {
        RowBatch::Whole => "all".to_owned(),
        RowBatch::Rows(rows) => rows.to_string(),
        RowBatch::Pixels(_) | RowBatch::Bands(_) => "1".to_owned(),
    }
}

fn storage(name: &str) -> Result<Storage> {
    name.parse()
}
