//! `mnv2c build`: a model to a program of its own.

use std::path::{Path, PathBuf};

use mnv2c::emit::{self, Probe};
use mnv2c::error::Result;
use mnv2c::files;
use mnv2c::objective::Memory;
use mnv2c::program::{self, Program};
use mnv2c::schedule::Port;
use mnv2c::target::Target;

use crate::cli::args::{MemoryArgs, ModelArgs, TargetArgs};
use crate::cli::progress::Progress;
use crate::cli::{Done, Outcome, compile, output};

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
    #[arg(short, long, value_name = "PROGRAM")]
    output: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

pub(crate) fn run(args: &Args) -> Done {
    let memory = args.memory.memory();
    let (built, ()) = program(&args.model, args.target.target(), memory, Probes::No, |_| Ok(()))?;
    files::install(&built.program.path, &args.output)?;
    output::line(&built.summary(&args.output))?;
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
    /// Its kernels.
    pub(crate) kernels: Vec<Probe>,
    arena_bytes: usize,
    weights_bytes: usize,
}

/// Whether a program takes the time of each kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probes {
    /// It does, at some cost.
    Yes,
    /// It does not.
    No,
}

/// The fast program of a model, from the cache or built now, and what `prepare` makes of the model's inputs: before
/// the build, so that an input that does not fit is refused at once.
pub(crate) fn program<T>(
    model: &ModelArgs,
    target: Target,
    memory: Memory,
    probes: Probes,
    prepare: impl FnOnce(&[Port]) -> Result<T>,
) -> Result<(Built, T)> {
    let mut progress = Progress::new(&format!("reading {}", model.model));
    let (source, model) = model.read()?;
    progress.say(&format!("compiling {} for {target}", source.name));
    let artifact = compile::for_program(&source, model, target, memory)?;
    let artifact = match probes {
        Probes::Yes => artifact.probed(),
        Probes::No => artifact,
    };
    let prepared = prepare(&artifact.schedule.inputs)?;
    progress.say(&format!("building {} with rustc", source.name));
    let program = program::build(&artifact, &target)?;
    let built = Built {
        program,
        name: source.name,
        kernels: emit::probes(&artifact.graph, &artifact.schedule),
        arena_bytes: artifact.plan.arena_len,
        weights_bytes: artifact.blob.bytes_len(),
        outputs: artifact.schedule.outputs,
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
