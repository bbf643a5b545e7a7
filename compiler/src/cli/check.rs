//! `mnv2c check`: whether a model can be compiled, and all that stands in the way.

use mnv2c::ends::Ends;
use mnv2c::error::{Error, Result};
use serde_json::json;

use mnv2c::objective::Memory;

use crate::cli::args::{Format, FormatArgs, ModelArgs, TargetArgs};
use crate::cli::build::Wish;
use crate::cli::{Done, Outcome, compile, output};

/// Tell whether a model is supported: everything that is not, at once
#[derive(clap::Args)]
#[command(after_help = "Example:
  mnv2c check detector.onnx")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    target: TargetArgs,
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
    let (source, model) = args.model.read()?;
    let wish = Wish::new(args.target.target(), Memory::default(), Ends::default());
    compile::for_program(&source, model, &wish).map(drop)
}
