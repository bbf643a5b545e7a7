//! Schedule and plan -> one Rust file a person would enjoy reading.
//!
//! Every number is worked out before it is quoted; a function a step, consts for facts, and loops over rows where rows
//! are streamed. `literal` and `names` make tokens legal, `print` makes them text. The same input gives the same bytes.

mod answer;
mod body;
mod call;
mod doc;
mod element;
mod function;
mod input;
mod labels;
mod layers;
mod layout;
mod literal;
mod model;
mod names;
mod print;
mod probe;
mod scope;
mod separable;
mod shared;
mod slots;
mod state;
mod step;
mod step_names;
mod weights;
mod words;

pub use layers::{Layer, layers};
pub use probe::{Probe, probes};
use proc_macro2::TokenStream;

use crate::ir::Graph;
use crate::pack::Blob;
use crate::plan::Plan;
use crate::program::Program;
use crate::schedule::Schedule;
use crate::share::Sharing;
use crate::target::Target;

/// A network ready for printing.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a> {
    /// The model after all passes.
    pub graph: &'a Graph,
    /// The schedule.
    pub schedule: &'a Schedule,
    /// Offsets of its buffers.
    pub plan: &'a Plan,
    /// Its loops.
    pub program: &'a Program,
    /// Which of its steps run one function.
    pub sharing: &'a Sharing,
    /// The packed weights.
    pub blob: &'a Blob,
    /// The machine.
    pub target: &'a Target,
    /// Facts about the source.
    pub facts: &'a Facts,
    /// True if it times each kernel.
    pub probed: bool,
    /// The carrier of its weights.
    pub carrier: Carrier,
}

/// Facts about the model that the file states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The name of the network.
    pub name: String,
    /// Multiply-adds of one inference, as the paper counts.
    pub madds: u64,
    /// Trained numbers.
    pub params: u64,
    /// SHA-256 of the model's bytes, in hex.
    pub sha256: String,
    /// The file name of the weights, beside the emitted one.
    pub blob_name: String,
    /// True if it describes each of its kernels.
    pub layers: bool,
}

/// Carriers of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In a file beside the emitted one.
    File,
    /// In one byte-string literal; an element literal each would cost `rustc` half a minute.
    Literal,
    /// In a file that the program is given when it runs, behind a header that says which weights they are.
    Extern,
}

/// The emitted file's text.
pub fn rust(network: &Network<'_>) -> String {
    print::file(&about(network), model::items(network))
}

/// The description of the file or module, in Markdown.
pub fn about(network: &Network<'_>) -> String {
    model::header(network)
}

/// The items of the emitted file, for a macro to hand back.
pub fn tokens(network: &Network<'_>) -> TokenStream {
    model::items(network).into_iter().collect()
}
