//! `mnv2c check`: whether a model can be compiled, and all that stands in the way.

use mnv2c::error::{Error, Result};
use serde_json::json;

use crate::cli::args::{Format, FormatArgs, MemoryArgs, ModelArgs, TargetArgs};
use crate::cli::build::{self, Wish};
use crate::cli::ends::EndsArgs;
use crate::cli::numbers::{Asked, NumbersArgs};
use crate::cli::{Done, Outcome, output};

/// Tell whether a model is supported: everything that is not, at once
///
/// What is supported with the flags given here compiles with them.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c check detector.onnx
  mnv2c check detector.onnx --feed rows --dtype f16")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    ends: EndsArgs,
    #[command(flatten)]
    numbers: NumbersArgs,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(args: &Args) -> Done {
    let obstacles = match try_all(args) {
        Ok(()) => Vec::new(),
        Err(Error::Unsupported(list)) => list,
        Err(error @ Error::Io { .. }) => return Err(error),
        Err(error) => vec![error.to_string()],
    };
    let model = &args.model.model;
    match args.format.format {
        Format::Json => {
            output::json(
                &json!({"model": model, "supported": obstacles.is_empty(), "obstacles": obstacles}),
            )?;
        }
        Format::Human if obstacles.is_empty() => output::line(&format!("{model}: supported"))?,
        Format::Human => {
            output::line(&format!("{model}: not supported\n  {}", obstacles.join("\n  ")))?;
        }
    }
    Ok(if obstacles.is_empty() { Outcome::Well } else { Outcome::Failed })
}

fn try_all(args: &Args) -> Result<()> {
    let asked = Asked { model: &args.model, numbers: &args.numbers, ends: &args.ends };
    let (source, model) = asked.read()?;
    let wish = Wish::of(&args.target, &args.memory, &args.ends)?.stored(&args.numbers);
    build::for_program(&source, model, &wish).map(drop)
}
