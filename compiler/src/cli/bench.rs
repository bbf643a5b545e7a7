//! `mnv2c bench`: the time of an inference on this machine, or its instructions on an emulated one.

use mnv2c::printed;
use serde_json::Value;

use crate::cli::args::{Asked, Builds, Format, FormatArgs, ModelArgs};
use crate::cli::build::{self, Probes};
use crate::cli::execute::{execute, last_line};
use crate::cli::flags::OptionArgs;
use crate::cli::profile::Profile;
use crate::cli::{Done, Outcome, emulate, output};

/// Build a model and time it on one thread, or count its instructions on an emulated board
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c bench mobilenet_v2:1.0@224 --runs 200 --target x86-64-v3
  mnv2c bench person.tflite --target cortex-m4 --emulate")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    options: OptionArgs<Builds>,
    /// Timed runs
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Print what each kernel takes, and its share of what a core can do
    #[arg(long)]
    profile: bool,
    /// A command that runs programs of the target, such as "qemu-aarch64 -L /usr/aarch64-linux-gnu"
    #[arg(long, value_name = "CMD")]
    runner: Option<String>,
    /// Run it as firmware on an emulated board (QEMU), and count instructions, code and memory instead
    #[arg(long, conflicts_with_all = ["runs", "profile", "runner"])]
    emulate: bool,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(args: &Args) -> Done {
    let probes = if args.profile { Probes::Yes } else { Probes::No };
    let request = args.options.request();
    request.check_folded()?;
    let asked = Asked { model: &args.model, request };
    if args.emulate {
        return emulate::run(asked, args.format.format);
    }
    let (built, ()) = build::program(asked, probes, |_| Ok(()))?;
    let runs = args.runs.to_string();
    let arguments = ["--bench", &runs].map(Into::into);
    let said = execute(args.runner.as_deref(), &built.program.path, &arguments)?;
    let mut times = last_line(&said.stdout)?;
    let profile = Profile::of(&built.kernels, &times);
    if let (Some(profile), Some(times)) = (&profile, times.as_object_mut()) {
        times.remove("kernel_ns");
        times.insert("kernels".into(), profile.as_json());
    }
    match args.format.format {
        Format::Json => output::json(&times)?,
        Format::Human => {
            profile.iter().try_for_each(|profile| output::line(&profile.table()))?;
            output::line(&human(&built.name, &times))?;
        }
    }
    Ok(Outcome::Well)
}

fn human(name: &str, times: &Value) -> String {
    let number = |key: &str| times[key].as_f64().unwrap_or(f64::NAN);
    let size = |key: &str| output::bytes(times[key].as_u64().unwrap_or(0) as usize);
    format!(
        "{}: {:.3} ms at best, {:.3} ms median of {} runs; arena {}, weights {}",
        printed::name(name),
        number("min_ms"),
        number("median_ms"),
        times["runs"],
        size("arena_bytes"),
        size("weights_bytes"),
    )
}
