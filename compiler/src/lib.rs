//! mnv2c: an ahead-of-time compiler from convolutional networks to allocation-free Rust.
//!
//! ```text
//! Source -frontend-> Graph -passes-> Graph -segment-> Segments -schedule-> Schedule -plan-> Plan
//!        -lower-> Program -emit-> Artifact
//! ```
//! Each arrow is one function and each noun a value that can be printed and checked. A later stage never reaches back
//! for what an earlier one should have carried.

mod alike;
pub mod build;
pub mod calibrate;
pub mod choose;
pub mod content;
pub mod emit;
pub mod error;
pub mod executable;
pub mod files;
pub mod finite;
pub mod frontend;
pub mod input;
pub mod interp;
pub mod ir;
pub mod kernels;
pub mod lower;
pub mod model_io;
pub mod npy;
pub mod objective;
pub mod options;
pub mod order;
pub mod pack;
pub mod pass;
#[cfg(feature = "pictures")]
mod picture;
pub mod plan;
pub mod prepare;
pub mod printed;
pub mod program;
pub mod proto;
pub mod quantize;
mod random;
pub mod report;
pub mod schedule;
pub mod segment;
pub mod sequence;
pub mod shadow;
pub mod share;
pub mod source;
pub mod standalone;
pub mod target;
#[doc(hidden)]
pub mod testing;
pub mod tiles;

use crate::choose::Choice;
use crate::emit::{Carrier, Facts, Network};
use crate::error::Result;
use crate::ir::Graph;
use crate::model_io::ModelIo;
use crate::objective::Memory;
use crate::options::Request;
use crate::pack::Blob;
use crate::plan::Plan;
use crate::program::Program;
use crate::schedule::Schedule;
use crate::share::Sharing;
use crate::source::Model;
use crate::target::Target;

/// Options of a compilation: the target, the name of the network, and more.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The machine.
    pub target: Target,
    /// The name of the network.
    pub name: String,
    /// SHA-256 of the model's bytes, in hex.
    pub sha256: String,
    /// The file name of the weights, beside the emitted one.
    pub blob_name: String,
    /// The memory options.
    pub memory: Memory,
    /// True if the file describes each of its kernels.
    pub layers: bool,
    /// The form of model inputs and outputs, where it is not the model's own.
    pub ends: ModelIo,
}

impl Options {
    /// The options of `request` for a model that is read.
    pub fn of(request: &Request, name: &str, model: &Model, blob_name: &str) -> Self {
        Self {
            target: request.target(),
            name: request.name.clone().unwrap_or_else(|| name.to_owned()),
            sha256: model.sha256.clone(),
            blob_name: blob_name.to_owned(),
            memory: request.memory(),
            ends: request.model_io(),
            layers: request.layers,
        }
    }
}

/// A compiled network: every stage's result, to print, check and measure.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The emitted file.
    pub rust: String,
    /// The packed weights.
    pub blob: Blob,
    /// The location of every buffer.
    pub plan: Plan,
    /// The schedule.
    pub schedule: Schedule,
    /// Its loops.
    pub program: Program,
    /// Which of its steps run one function.
    pub sharing: Sharing,
    /// The model after all passes.
    pub graph: Graph,
    /// Rewrites that the passes made and refused.
    pub log: pass::Log,
    /// Facts that the file states.
    pub facts: Facts,
    /// The machine it was compiled for, with the instructions that suit it.
    pub target: Target,
}

/// Compiles an imported model. `watcher` sees the graph after each pass, with the pass's name and its rewrites.
pub fn compile(
    mut graph: Graph,
    options: &Options,
    watcher: impl FnMut(&'static str, &Graph, usize),
) -> Result<Artifact> {
    let facts = Facts {
        name: options.name.clone(),
        madds: graph.total_madds(),
        params: graph.params(),
        sha256: options.sha256.clone(),
        blob_name: options.blob_name.clone(),
        layers: options.layers,
    };
    let log = prepare::prepare(&mut graph, options.memory, &options.ends, watcher)?;
    let target = options.target.suited(&graph);
    let Choice { schedule, plan } = choose::choose(&graph, &target, options.memory)?;
    let blob = pack::weights(&graph, &schedule, &target);
    let program = lower::lower(&graph, &schedule, &target);
    shadow::check(&graph, &schedule, &plan, &program, &target)?;
    let sharing = share::share(&schedule, &plan, &program, &blob);
    let rust = String::new();
    let mut artifact =
        Artifact { rust, blob, plan, schedule, program, sharing, graph, log, facts, target };
    artifact.rust = emit::rust(&artifact.network());
    Ok(artifact)
}

impl Artifact {
    /// This network with a timer on each kernel.
    pub fn probed(self) -> Self {
        let rust = emit::rust(&Network { probed: true, ..self.network() });
        Self { rust, ..self }
    }

    /// This network with external weights, which are given when it runs: the bytes of [`Blob::file`].
    pub fn apart(self) -> Self {
        let network = Network { carrier: Carrier::Extern, ..self.network() };
        let rust = emit::rust(&network);
        Self { rust, ..self }
    }

    /// The network as the printer takes it, without probes, its weights in a file.
    pub(crate) fn network(&self) -> Network<'_> {
        let Self { graph, schedule, program, sharing, plan, blob, facts, target, .. } = self;
        let (carrier, probed) = (Carrier::File, false);
        Network { graph, schedule, program, sharing, plan, blob, target, facts, probed, carrier }
    }
}
