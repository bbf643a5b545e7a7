//! `mnv2c build`: a model to a program of its own.

use std::path::{Path, PathBuf};

use mnv2c::emit::{self, Probe};
use mnv2c::error::Result;
use mnv2c::executable::{self, Program};
use mnv2c::options::Request;
use mnv2c::schedule::{Port, Schedule};
use mnv2c::source::{Model, Source};
use mnv2c::target::Target;
use mnv2c::{Artifact, Options};

use crate::cli::args::{Asked, Builds, ModelArgs};
use crate::cli::flags::OptionArgs;
use crate::cli::progress::Progress;
use crate::cli::{Done, Outcome, output, tune};

/// Compile a model into a program that needs nothing else
///
/// The program takes `--input a.npy [--input b.npy] --output-dir DIR` and writes DIR/output_0.npy, or times itself with
/// `--bench RUNS` and prints one JSON object. It is compiled by your rustc (RUSTC names another).
#[derive(clap::Args)]
#[command(after_help = "Example:
  mnv2c build dogs.onnx -o dogs && ./dogs --bench 100")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The program to write
    #[arg(short = 'o', value_name = "PROGRAM")]
    file: PathBuf,
    #[command(flatten)]
    options: OptionArgs<Builds>,
}

pub(crate) fn run(args: &Args) -> Done {
    let request = args.options.request();
    request.check_folded()?;
    let asked = Asked { model: &args.model, request };
    let (built, ()) = program(asked, Probes::No, |_| Ok(()))?;
    output::install(&built.program.path, &args.file, &built.files)?;
    output::line(&built.summary(&args.file))?;
    Ok(Outcome::Well)
}

/// A program in the cache, and what is known of its network.
pub(crate) struct Built {
    /// The program.
    pub(crate) program: Program,
    /// The network's name.
    pub(crate) name: String,
    /// Names and shapes of its outputs.
    pub(crate) outputs: Vec<Port>,
    /// Elements of the first output, whatever is returned of them.
    pub(crate) classes: usize,
    /// Its kernels.
    pub(crate) kernels: Vec<Probe>,
    /// Every file that it was read from.
    files: Vec<PathBuf>,
    arena_bytes: usize,
    weights_bytes: usize,
}

/// Timing of each kernel in a program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probes {
    /// Each kernel is timed, at some cost.
    Yes,
    /// No kernel is timed.
    No,
}

/// The fast program of a model, from the cache or built now, and what `prepare` makes of the network's inputs: before
/// the build, so that an input that does not fit is refused at once.
pub(crate) fn program<T>(
    asked: Asked<'_>,
    probes: Probes,
    prepare: impl FnOnce(&Schedule) -> Result<T>,
) -> Result<(Built, T)> {
    let mut progress = Progress::new(&format!("reading {}", asked.model.model));
    let (source, model) = asked.read()?;
    let target = target(asked.request, &source, &model)?;
    progress.say(&format!("compiling {} for {target}", source.name));
    let artifact = for_target(&source, model, asked.request, target)?;
    let artifact = match probes {
        Probes::Yes => artifact.probed(),
        Probes::No => artifact,
    };
    let prepared = prepare(&artifact.schedule)?;
    progress.say(&format!("building {} with rustc", source.name));
    let program = executable::build(&artifact, &target)?;
    let built = Built {
        program,
        files: source.files(&asked.request.model)?,
        name: source.name,
        kernels: emit::probes(&artifact.graph, &artifact.schedule),
        arena_bytes: artifact.plan.arena_len,
        weights_bytes: artifact.blob.bytes_len(),
        classes: artifact.schedule.outputs.first().map_or(0, |port| port.shape.iter().product()),
        outputs: executable::outputs(&artifact),
    };
    Ok((built, prepared))
}

impl Built {
    /// The network and the memory it takes.
    pub(crate) fn memory(&self) -> String {
        let (arena, weights) = (output::bytes(self.arena_bytes), output::bytes(self.weights_bytes));
        format!("{} with arena {arena}, weights {weights}", self.name)
    }

    fn summary(&self, path: &Path) -> String {
        format!("{}: {}", path.display(), self.memory())
    }
}

/// The machine with the tiles that are best for a network that is read.
pub(crate) fn target(request: &Request, source: &Source, model: &Model) -> Result<Target> {
    tune::tuned(request, |target| for_target(source, model.clone(), request, target))
}

/// A network compiled to become a program.
pub(crate) fn for_program(source: &Source, model: Model, request: &Request) -> Result<Artifact> {
    for_target(source, model, request, request.target())
}

/// A network compiled for a machine to become a program.
pub(crate) fn for_target(
    source: &Source,
    model: Model,
    request: &Request,
    target: Target,
) -> Result<Artifact> {
    let options = Options::of(request, &source.name, &model, executable::BLOB_NAME);
    mnv2c::compile(model.graph, &Options { target, ..options }, |_, _, _| ())
}
