//! `mnv2c report`: a network and its plan as a page.

use std::path::PathBuf;

use mnv2c::error::{Error, Result};
use mnv2c::printed;
use mnv2c::quantize::note;
use mnv2c::report::html;
use mnv2c::{Artifact, Options, executable, files};
use serde_json::Value;

use crate::cli::args::{Asked, ModelArgs, Reports};
use crate::cli::execute::{execute, last_line};
use crate::cli::flags::OptionArgs;
use crate::cli::progress::Progress;
use crate::cli::{Done, Outcome, output};

/// Write a page about a model: its layers, its memory, what the passes did, and its times
///
/// The page is one file that needs no other and no network.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c report dogs.onnx -o dogs.html --objective ram
  mnv2c report dogs.onnx -o dogs.html --bench 50
  mnv2c bench dogs.onnx --profile --format json > times.json && mnv2c report dogs.onnx -o dogs.html --profile times.json")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The page to write
    #[arg(short = 'o', value_name = "FILE.html")]
    file: PathBuf,
    #[command(flatten)]
    options: OptionArgs<Reports>,
    /// Show the times that `mnv2c bench --profile --format json` printed for the same model and flags
    #[arg(long, value_name = "FILE.json")]
    profile: Option<PathBuf>,
    /// Build the model, time each kernel in so many runs, and show that
    #[arg(long, value_name = "RUNS", conflicts_with = "profile", value_parser = clap::value_parser!(u32).range(1..))]
    bench: Option<u32>,
    /// A command that runs programs of the target, such as "qemu-aarch64 -L /usr/aarch64-linux-gnu"
    #[arg(long, value_name = "CMD", requires = "bench")]
    runner: Option<String>,
}

pub(crate) fn run(args: &Args) -> Done {
    let request = args.options.request();
    request.check_folded()?;
    let (source, model) = Asked { model: &args.model, request }.plain()?;
    let options = Options::of(request, &source.name, &model, executable::BLOB_NAME);
    let artifact = mnv2c::compile(model.graph.clone(), &options, |_, _, _| ())?;
    let times = match (&args.profile, args.bench) {
        (Some(path), _) => {
            let text = files::read_text(path)?;
            let json = serde_json::from_str(&text).unwrap_or(Value::Null);
            Some(times(&json["kernels"], |kernel| kernel["us"].as_f64(), &artifact)?)
        }
        (None, Some(runs)) => Some(measured(args, runs, &artifact)?),
        (None, None) => None,
    };
    let quantized = source.summary()?.and_then(|said| note::read(said.metadata.get(note::KEY)?));
    let page = html::page(&model.graph, &options, &artifact, times.as_deref(), quantized.as_ref())?;
    output::write(&[(&args.file, page.as_bytes())], &source.files(&request.model)?)?;
    let arena = output::bytes(artifact.plan.arena_len);
    output::line(&format!(
        "{}: {} with arena {arena}",
        args.file.display(),
        printed::name(&source.name)
    ))?;
    Ok(Outcome::Well)
}

/// Microseconds of each kernel on this machine.
fn measured(args: &Args, runs: u32, artifact: &Artifact) -> Result<Vec<f64>> {
    let mut progress = Progress::new("building with rustc");
    let probed = artifact.clone().probed();
    let program = executable::build(&probed, &args.options.request().target())?;
    progress.say("measuring");
    let arguments = ["--bench".into(), runs.to_string().into()];
    let said = execute(args.runner.as_deref(), &program.path, &arguments)?;
    let json = last_line(&said.stdout)?;
    times(&json["kernel_ns"], |nanos| Some(nanos.as_f64()? / 1e3), artifact)
}

/// One time for each kernel, or a message that says that they are another network's.
fn times(
    json: &Value,
    time: impl Fn(&Value) -> Option<f64>,
    artifact: &Artifact,
) -> Result<Vec<f64>> {
    let times: Option<Vec<f64>> =
        json.as_array().and_then(|kernels| kernels.iter().map(time).collect());
    let kernels: usize = artifact.schedule.steps.iter().map(|step| step.stages.len()).sum();
    times.filter(|times| times.len() == kernels).ok_or_else(|| {
        Error::Spec(format!(
            "the profile has no time for each of {kernels} kernels; write it with `mnv2c bench --profile --format json` \
             and the flags given here"
        ))
    })
}
