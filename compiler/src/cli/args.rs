//! Flags that several verbs share, and how they are read.

use std::path::PathBuf;
use std::sync::Once;

use clap::{Args, ValueEnum};
use mnv2c::error::{Error, Result};
use mnv2c::objective::{self, Feed, Memory, Objective, Recompute};
use mnv2c::source::{Model, Options, Source};
use mnv2c::target::Target;

/// The model and what its file leaves open.
#[derive(Args, Clone)]
pub(crate) struct ModelArgs {
    /// An ONNX file, a spec in a file, or mobilenet_v2:WIDTH@SIZE
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Size of a named open dimension
    #[arg(long = "dim", value_name = "NAME=N", value_parser = dim)]
    dims: Vec<(String, usize)>,
    /// Whole shape of an input, such as image=1x3x224x224
    #[arg(long = "input-shape", value_name = "NAME=SHAPE", value_parser = shape)]
    shapes: Vec<(String, Vec<usize>)>,
    /// Draw a spec's weights at random from this seed [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Take a spec's weights from this safetensors file
    #[arg(long, value_name = "FILE")]
    weights_file: Option<PathBuf>,
}

impl ModelArgs {
    /// Finds the model and reads it; says on standard error what was assumed.
    pub(crate) fn read(&self) -> Result<(Source, Model)> {
        let source = Source::open(&self.model)?;
        let model = source.model(&self.options())?;
        if source.spec().is_some() && self.seed.is_none() && self.weights_file.is_none() {
            eprintln!(
                "note: the weights are random, of seed 0; pass --weights-file for trained ones"
            );
        }
        for note in &model.graph.notes {
            eprintln!("note: {note}");
        }
        Ok((source, model))
    }

    /// Every file that the model is made of.
    pub(crate) fn files(&self, source: &Source) -> Result<Vec<PathBuf>> {
        source.files(&self.options())
    }

    fn options(&self) -> Options {
        let mut options =
            Options { seed: self.seed, weights: self.weights_file.clone(), ..Options::default() };
        options.sizes.dims = self.dims.iter().cloned().collect();
        options.sizes.input_shapes = self.shapes.iter().cloned().collect();
        options
    }
}

/// The machine.
#[derive(Args, Clone)]
pub(crate) struct TargetArgs {
    /// The machine to compile for; `mnv2c targets` lists them
    #[arg(long, value_name = "TARGET", default_value = "host", value_parser = target)]
    target: Target,
    /// Threads that one inference runs on
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: u8,
}

impl TargetArgs {
    /// The machine with its threads.
    pub(crate) fn target(&self) -> Target {
        Target { threads: self.threads.into(), ..self.target }
    }
}

/// The flags that choose a plan of the memory.
#[derive(Args, Clone)]
pub(crate) struct MemoryArgs {
    /// Objective of the plan: speed, or ram, the smallest arena
    #[arg(long, value_name = "speed|ram", default_value = "speed", value_parser = objective, conflicts_with = "ram")]
    objective: Objective,
    /// Take the fastest plan whose arena has at most so many bytes (such as 300000, 300K, 1M)
    #[arg(long, value_name = "BYTES", value_parser = objective::bytes)]
    ram: Option<usize>,
    /// Allow up to so many times the network's multiply-adds, where computing a value anew saves memory
    /// [default: 1.0]
    #[arg(long, value_name = "F", value_parser = recompute)]
    recompute: Option<Recompute>,
    /// How the input reaches the network: the caller's array, the arena, or a function asked for rows
    #[arg(long, value_name = "caller|arena|rows", default_value = "caller", value_parser = feed)]
    feed: Feed,
}

impl MemoryArgs {
    /// The wishes of these flags for floats.
    pub(crate) fn memory(&self) -> Memory {
        wished(self.ram.map_or(self.objective, Objective::Within), self.feed, self.recompute)
    }
}

/// The flags that choose several plans, which are compared.
#[derive(Args, Clone)]
pub(crate) struct PlansArgs {
    /// Objective of the plan: speed, or ram, the smallest arena; may be given several times
    #[arg(long = "objective", value_name = "speed|ram", default_value = "speed", value_parser = objective, conflicts_with = "ram")]
    objectives: Vec<Objective>,
    /// Take the fastest plan whose arena has at most so many bytes (such as 300000, 300K, 1M)
    #[arg(long, value_name = "BYTES", value_parser = objective::bytes)]
    ram: Option<usize>,
    /// Allow up to so many times the network's multiply-adds, where computing a value anew saves memory
    /// [default: 1.0]
    #[arg(long, value_name = "F", value_parser = recompute)]
    recompute: Option<Recompute>,
    /// How the input reaches the network: the caller's array, the arena, or a function asked for rows; may be given
    /// several times
    #[arg(long = "feed", value_name = "caller|arena|rows", default_value = "caller", value_parser = feed)]
    feeds: Vec<Feed>,
}

impl PlansArgs {
    /// Every objective with every way to feed the network.
    pub(crate) fn memories(&self) -> Vec<Memory> {
        let within = self.ram.map(|bytes| vec![Objective::Within(bytes)]);
        let objectives = within.unwrap_or_else(|| self.objectives.clone());
        let of = |objective| self.feeds.iter().map(move |feed| (objective, *feed));
        let pairs = objectives.into_iter().flat_map(of);
        pairs.map(|(objective, feed)| wished(objective, feed, self.recompute)).collect()
    }
}

/// The wishes of flags for floats; says where one of them changes nothing.
fn wished(objective: Objective, feed: Feed, recompute: Option<Recompute>) -> Memory {
    static ONCE: Once = Once::new();
    if objective == Objective::Speed && recompute.is_some() {
        ONCE.call_once(|| eprintln!("note: --recompute saves memory, and the plan is chosen for speed; add --objective ram"));
    }
    Memory { objective, feed, recompute: recompute.unwrap_or_default(), ..Memory::default() }
}

fn objective(name: &str) -> Result<Objective> {
    name.parse()
}

fn recompute(factor: &str) -> Result<Recompute> {
    factor.parse()
}

fn feed(name: &str) -> Result<Feed> {
    name.parse()
}

/// For whom results are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// The form of results.
#[derive(Args, Clone)]
pub(crate) struct FormatArgs {
    /// Form of what is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// A target by its name.
pub(crate) fn target(name: &str) -> Result<Target> {
    name.parse()
}

fn dim(text: &str) -> Result<(String, usize)> {
    let (name, size) = pair(text)?;
    Ok((name, positive(size)?))
}

fn shape(text: &str) -> Result<(String, Vec<usize>)> {
    let (name, shape) = pair(text)?;
    Ok((name, shape.split(['x', ',']).map(positive).collect::<Result<_>>()?))
}

fn pair(text: &str) -> Result<(String, &str)> {
    let pair = text.rsplit_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or_else(|| {
        Error::Spec("there is no NAME= in front; write batch=1 or image=1x3x224x224".into())
    })?;
    Ok((name.to_owned(), value))
}

fn positive(text: &str) -> Result<usize> {
    let size = text.trim().parse().ok().filter(|size| *size > 0);
    size.ok_or_else(|| Error::Spec(format!("{text:?} is no size; sizes are numbers from 1")))
}
