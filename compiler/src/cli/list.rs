//! Verbs that print tables: targets, operators, a spec, offsets.

use std::path::PathBuf;

use mnv2c::error::Error;
use mnv2c::files;
use mnv2c::frontend::onnx::{OPERATORS, OPSETS};
use mnv2c::frontend::tflite;
use mnv2c::plan::csv;
use mnv2c::source::Source;
use mnv2c::target::{TARGETS, Target};
use serde_json::{Value, json};

use crate::cli::args::{Format, FormatArgs};
use crate::cli::{Done, Outcome, output};

/// List the machines that code is emitted for
#[derive(clap::Args)]
#[command(after_help = "Example:
  mnv2c targets --format json")]
pub(crate) struct TargetsArgs {
    #[command(flatten)]
    format: FormatArgs,
}

/// List the ONNX operators that are read, with their versions, types and limits, or those of TFLite
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c ops | grep -i pool
  mnv2c ops --tflite")]
pub(crate) struct OpsArgs {
    /// List the operators of TFLite files instead, with the versions that are read
    #[arg(long)]
    tflite: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Print a network spec as TOML, to edit and compile
#[derive(clap::Args)]
#[command(after_help = "Example:
  mnv2c spec mobilenet_v2:0.35@96 > mine.toml && mnv2c compile mine.toml --seed 7 -o net.rs")]
pub(crate) struct SpecArgs {
    /// mobilenet_v2:WIDTH@SIZE, or a file with rows like the paper's Table 2
    #[arg(value_name = "SPEC")]
    spec: String,
}

/// Give every buffer of a table an offset
#[derive(clap::Args)]
#[command(
    hide = true,
    after_help = "Example:
  mnv2c alloc A.1048576.csv --capacity 1048576"
)]
pub(crate) struct AllocArgs {
    /// Rows `id,lower,upper,size` under a line with these names
    #[arg(value_name = "FILE.csv")]
    table: PathBuf,
    /// Bytes of the arena
    #[arg(long, value_name = "N")]
    capacity: usize,
}

pub(crate) fn targets(args: &TargetsArgs) -> Done {
    let host = Target::host();
    match args.format.format {
        Format::Json => {
            let target =
                |it: &Target| json!({"name": it.name, "about": it.about, "host": *it == host});
            output::json(&TARGETS.iter().map(target).collect())?;
        }
        Format::Human => {
            for target in TARGETS {
                let mark = if *target == host { " (this machine: host)" } else { "" };
                output::line(&format!("{:16} {}{mark}", target.name, target.about))?;
            }
        }
    }
    Ok(Outcome::Well)
}

pub(crate) fn ops(args: &OpsArgs) -> Done {
    if args.tflite {
        return tflite_ops(args);
    }
    let last = OPSETS.end();
    match args.format.format {
        Format::Json => output::json(&OPERATORS.iter().map(operator).collect())?,
        Format::Human => {
            for it in OPERATORS {
                let (name, since, types) =
                    (it.name, it.since.max(*OPSETS.start()), it.types.to_string());
                let row = format!("{name:22} {since:2}-{last}  {types:34} {}", it.limits);
                output::line(row.trim_end())?;
            }
        }
    }
    Ok(Outcome::Well)
}

fn tflite_ops(args: &OpsArgs) -> Done {
    let all = tflite::OPERATORS;
    match args.format.format {
        Format::Json => {
            let operator = |it: &tflite::Operator| json!({"name": it.name, "number": it.number, "until": it.version});
            output::json(&all.iter().map(operator).collect())?;
        }
        Format::Human => {
            for it in all {
                output::line(&format!("{:24} 1-{}", it.name, it.version))?;
            }
        }
    }
    Ok(Outcome::Well)
}

fn operator(it: &mnv2c::frontend::onnx::Operator) -> Value {
    json!({
        "name": it.name,
        "since": it.since.max(*OPSETS.start()),
        "until": OPSETS.end(),
        "types": it.types.to_string(),
        "attributes": it.attributes,
        "limits": it.limits,
    })
}

pub(crate) fn spec(args: &SpecArgs) -> Done {
    let source = Source::open(&args.spec)?;
    let spec = source.spec().ok_or_else(|| {
        Error::Spec(format!("{} is a model; spec prints specs, inspect prints models", args.spec))
    })?;
    output::line(spec.to_toml().trim_end())?;
    Ok(Outcome::Well)
}

pub(crate) fn alloc(args: &AllocArgs) -> Done {
    let table = files::read_text(&args.table)?;
    let place = args.table.display();
    let solved = csv::alloc(&table, args.capacity)
        .map_err(|error| Error::Spec(format!("{place}: {error}")))?;
    output::line(solved.trim_end())?;
    Ok(Outcome::Well)
}
