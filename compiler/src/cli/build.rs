//! `mnv2c build`: a model to a program of its own.

use std::path::{Path, PathBuf};

use mnv2c::emit::{self, Probe};
use mnv2c::ends::Ends;
use mnv2c::error::Result;
use mnv2c::executable::{self, Program};
use mnv2c::objective::Memory;
use mnv2c::schedule::Port;
use mnv2c::source::{Model, Source};
use mnv2c::target::Target;
use mnv2c::{Artifact, Options};

use crate::cli::args::{MemoryArgs, ModelArgs, TargetArgs};
use crate::cli::ends::EndsArgs;
use crate::cli::numbers::{Asked, NumbersArgs};
use crate::cli::progress::Progress;
use crate::cli::tune::TuneArgs;
use crate::cli::{Done, Outcome, output};

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
    target: TargetArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    ends: EndsArgs,
    #[command(flatten)]
    numbers: NumbersArgs,
    #[command(flatten)]
    tune: TuneArgs,
}

pub(crate) fn run(args: &Args) -> Done {
    let wish =
        Wish::of(&args.target, &args.memory, &args.ends)?.stored(&args.numbers).timed(&args.tune);
    let asked = Asked { model: &args.model, numbers: &args.numbers, ends: &args.ends };
    let (built, ()) = program(asked, &wish, Probes::No, |_| Ok(()))?;
    output::install(&built.program.path, &args.file, &built.files)?;
    output::line(&built.summary(&args.file))?;
    Ok(Outcome::Well)
}

/// The options of a program.
pub(crate) struct Wish {
    /// The machine.
    pub(crate) target: Target,
    /// What its memory is chosen for.
    pub(crate) memory: Memory,
    /// What it takes and gives.
    pub(crate) ends: Ends,
    /// Whether it says what each of its kernels is.
    pub(crate) layers: bool,
    /// Whether the tiles of its kernels are timed first.
    pub(crate) tune: TuneArgs,
}

impl Wish {
    /// A program that says nothing of its kernels, with the tiles that are estimated best.
    pub(crate) fn new(target: Target, memory: Memory, ends: Ends) -> Self {
        Self { target, memory, ends, layers: false, tune: TuneArgs::default() }
    }

    /// What the flags ask for.
    pub(crate) fn of(target: &TargetArgs, memory: &MemoryArgs, ends: &EndsArgs) -> Result<Self> {
        Ok(Self::new(target.target(), memory.memory(), ends.ends()?))
    }

    /// The same with floats stored as `numbers` says.
    pub(crate) fn stored(self, numbers: &NumbersArgs) -> Self {
        let memory = Memory { storage: numbers.storage(), ..self.memory };
        Self { memory, ..self }
    }

    /// The same with tiles that are timed, if `tune` says so.
    pub(crate) fn timed(self, tune: &TuneArgs) -> Self {
        Self { tune: tune.clone(), ..self }
    }

    /// The machine with the tiles that are best for a network that is read.
    pub(crate) fn target_for(&self, source: &Source, model: &Model) -> Result<Target> {
        self.tune.tuned(self.target, |target| for_target(source, model.clone(), self, target))
    }
}

/// A program in the cache, and what is known of its network.
pub(crate) struct Built {
    /// The program.
    pub(crate) program: Program,
    /// The network's name.
    pub(crate) name: String,
    /// Names and shapes of its outputs.
    pub(crate) outputs: Vec<Port>,
    /// Numbers in the first output, whatever is told of them.
    pub(crate) classes: usize,
    /// Its kernels.
    pub(crate) kernels: Vec<Probe>,
    /// Every file that it was read from.
    files: Vec<PathBuf>,
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
    asked: Asked<'_>,
    wish: &Wish,
    probes: Probes,
    prepare: impl FnOnce(&[Port]) -> Result<T>,
) -> Result<(Built, T)> {
    let mut progress = Progress::new(&format!("reading {}", asked.model.model));
    let (source, model) = asked.read()?;
    let target = wish.target_for(&source, &model)?;
    progress.say(&format!("compiling {} for {target}", source.name));
    let artifact = for_target(&source, model, wish, target)?;
    let artifact = match probes {
        Probes::Yes => artifact.probed(),
        Probes::No => artifact,
    };
    let prepared = prepare(&artifact.schedule.inputs)?;
    progress.say(&format!("building {} with rustc", source.name));
    let program = executable::build(&artifact, &target)?;
    let built = Built {
        program,
        files: asked.model.files(&source)?,
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

/// The library's options for a network that is read.
pub(crate) fn options(name: &str, model: &Model, wish: &Wish, blob_name: &str) -> Options {
    Options {
        target: wish.target,
        name: name.to_owned(),
        sha256: model.sha256.clone(),
        blob_name: blob_name.to_owned(),
        memory: wish.memory,
        layers: wish.layers,
        ends: wish.ends.clone(),
    }
}

/// A network compiled to become a program.
pub(crate) fn for_program(source: &Source, model: Model, wish: &Wish) -> Result<Artifact> {
    for_target(source, model, wish, wish.target)
}

/// A network compiled for another machine than `wish` names.
pub(crate) fn for_target(
    source: &Source,
    model: Model,
    wish: &Wish,
    target: Target,
) -> Result<Artifact> {
    let options = options(&source.name, &model, wish, executable::BLOB_NAME);
    mnv2c::compile(model.graph, &Options { target, ..options }, |_, _, _| ())
}
