//! `mnv2c check`: tells if a model can be compiled, and all that stands in the way.

use mnv2c::error::{Error, Result, remedy};
use mnv2c::options::Door;
use serde_json::json;

use crate::cli::args::{Answers, Asked, Format, FormatArgs, ModelArgs};
use crate::cli::flags::OptionArgs;
use crate::cli::{Done, Outcome, build, output};

/// Tell whether a model is supported: everything that is not, at once
///
/// A model that is supported with the flags given here compiles with them.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c check detector.onnx
  mnv2c check detector.onnx --feed rows --dtype f16")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    options: OptionArgs<Answers>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(args: &Args) -> Done {
    let (obstacles, before) = match try_all(args) {
        Ok(()) => (Vec::new(), Vec::new()),
        Err(Error::Unsupported { what, before }) => {
            (what.iter().map(|it| Door::CommandLine.tell(it)).collect(), before)
        }
        Err(error @ Error::Io { .. }) => return Err(error),
        Err(error) => (vec![Door::CommandLine.told(&error)], Vec::new()),
    };
    let model = &args.model.model;
    match args.format.format {
        Format::Json => {
            output::json(&json!({
                "model": model,
                "supported": obstacles.is_empty(),
                "obstacles": obstacles,
                "outputs_before": before,
            }))?;
        }
        Format::Human if obstacles.is_empty() => output::line(&format!("{model}: supported"))?,
        Format::Human => {
            let remedy = remedy(&before).map(|remedy| Door::CommandLine.tell(&remedy));
            let lines: Vec<String> = obstacles.iter().cloned().chain(remedy).collect();
            output::line(&format!("{model}: not supported\n  {}", lines.join("\n  ")))?;
        }
    }
    Ok(if obstacles.is_empty() { Outcome::Well } else { Outcome::Failed })
}

fn try_all(args: &Args) -> Result<()> {
    let request = args.options.request();
    request.check_folded()?;
    let (source, model) = Asked { model: &args.model, request }.read()?;
    build::for_program(&source, model, request).map(drop)
}
