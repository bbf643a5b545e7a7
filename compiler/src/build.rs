//! The compiler for build scripts and macros: a model and what is known of it, then the network in one call.
//!
//! ```no_run
//! // build.rs; the crate itself says `mnv2c_runtime::include_net!("net");`
//! fn main() -> Result<(), mnv2c::build::Failed> {
//!     mnv2c::build::Compiler::new("models/net.onnx").target("armv8").emit("net")
//! }
//! ```
//! Options are typed, as `Feed::Rows` and `Ram::kib(256)`, or the command line's words, as `"rows"` and `"256K"`; words are
//! read when they are needed, so that every mistake is one error value.

mod script;
mod wishes;
mod word;

use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use crate::emit::{self, Carrier, Network};
use crate::error::{Error, Result};
use crate::frontend::spec::Spec;
use crate::ir::Dtype;
use crate::source::{self, Source};
use crate::target::Target;
use crate::{Artifact, Options};

pub use script::Failed;
use wishes::Wishes;
pub use word::Word;

/// A model, and how it is to be compiled.
#[derive(Clone, Debug)]
pub struct Compiler {
    model: Model,
    target: String,
    threads: usize,
    name: Option<String>,
    carrier: Carrier,
    options: source::Options,
    wishes: Wishes,
}

#[derive(Clone, Debug)]
enum Model {
    Path(PathBuf),
    Spec(Box<Spec>),
}

/// A network in tokens.
#[derive(Clone, Debug)]
pub struct Module {
    /// What the network is, in Markdown.
    pub about: String,
    /// The items of its module.
    pub items: TokenStream,
    /// Every file that was read.
    pub files: Vec<PathBuf>,
    /// The type of each input's numbers: [`Dtype::U8`] or [`Dtype::F32`].
    pub inputs: Vec<Dtype>,
    /// The same of outputs.
    pub outputs: Vec<Dtype>,
    /// How many of the likeliest classes it tells; 0 where it gives its output.
    pub told: usize,
}

impl Compiler {
    /// Compiles the ONNX file or network spec at `model`, relative to the directory of the crate.
    pub fn new(model: impl AsRef<Path>) -> Self {
        Self::of(Model::Path(model.as_ref().to_owned()))
    }

    /// Compiles rows of the paper's Table 2.
    pub fn rows(spec: Spec) -> Self {
        Self::of(Model::Spec(Box::new(spec)))
    }

    fn of(model: Model) -> Self {
        let (target, options) = ("generic".into(), source::Options::default());
        let wishes = Wishes::default();
        Self { model, target, threads: 1, name: None, carrier: Carrier::Literal, options, wishes }
    }

    /// The machine: [`Target::X86_64_V3`], say, or its name as `--target` takes it; `generic` unless called.
    pub fn target(mut self, target: impl Into<Word<Target>>) -> Self {
        self.target = target.into().text;
        self
    }

    /// Threads that one inference runs on, 1 to 64; 1 unless called. More need the feature `std` of mnv2c-runtime, and
    /// `infer` takes a `Pool`.
    pub fn threads(mut self, count: usize) -> Self {
        self.threads = count;
        self
    }

    /// What the network is called; after its file unless called.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The size of a dimension that an ONNX file leaves open.
    pub fn dim(mut self, name: &str, size: usize) -> Self {
        self.options.sizes.dims.insert(name.into(), size);
        self
    }

    /// Draws the weights of a spec at random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// Takes the weights of a spec from a safetensors file.
    pub fn weights(mut self, path: impl AsRef<Path>) -> Self {
        self.options.weights = Some(path.as_ref().to_owned());
        self
    }

    /// Leaves the weights out of the program, which passes a file's bytes to `Weights::from_bytes` when it runs.
    pub fn weights_apart(mut self) -> Self {
        self.carrier = Carrier::Extern;
        self
    }

    /// Writes the network as the module `name` into the directory of a build script, for `include_net!`.
    ///
    /// Cargo is told which files were read, and warned of what was assumed of the model. `name.txt` beside the module is
    /// a report: what the passes did, and where every buffer lies.
    pub fn emit(&self, name: &str) -> std::result::Result<(), Failed> {
        script::emit(self, name).map_err(Failed)
    }

    /// Every stage's result.
    pub fn compile(&self) -> Result<Artifact> {
        self.network("").map(|network| network.artifact)
    }

    /// The network in tokens, its weights in one literal unless they stay apart.
    pub fn tokens(&self) -> Result<Module> {
        let Compiled { artifact, files } = self.network("")?;
        let network = Network { carrier: self.carrier, ..artifact.network(false) };
        let items = emit::tokens(&network);
        let schedule = &artifact.schedule;
        let [inputs, outputs] = [&schedule.inputs, &schedule.outputs]
            .map(|ports| ports.iter().map(|port| port.dtype).collect());
        let told = schedule.ranking.map_or(0, |ranking| ranking.count);
        Ok(Module { about: emit::about(&network), items, files, inputs, outputs, told })
    }

    fn network(&self, blob_name: &str) -> Result<Compiled> {
        if !(1..=64).contains(&self.threads) {
            let what = format!("threads takes 1 to 64, not {}", self.threads);
            return Err(Error::Spec(what));
        }
        let target = Target { threads: self.threads, ..self.target.parse()? };
        let source = match &self.model {
            Model::Path(path) => Source::open(&path.to_string_lossy())?,
            Model::Spec(spec) => Source::from((**spec).clone()),
        };
        let (memory, ends) = (self.wishes.memory()?, self.wishes.ends()?);
        let mut model = source.model(&self.options)?;
        model.graph.arithmetic = self.wishes.arithmetic()?;
        self.wishes.check_dtype(&model.graph)?;
        let options = Options {
            target,
            name: self.name.clone().unwrap_or_else(|| source.name.clone()),
            sha256: model.sha256,
            blob_name: blob_name.into(),
            memory,
            ends,
            layers: self.wishes.layers,
        };
        let mut artifact = crate::compile(model.graph, &options, |_, _, _| ())?;
        if self.carrier == Carrier::Extern {
            artifact = artifact.apart();
        }
        Ok(Compiled { artifact, files: source.files(&self.options)? })
    }
}

/// A network, its machine, and the files it was read from.
struct Compiled {
    artifact: Artifact,
    files: Vec<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The items of a file, laid out alike.
    fn items(text: &str) -> String {
        let file = syn::parse_str(text).expect("what is emitted is Rust");
        prettyplease::unparse(&syn::File { attrs: Vec::new(), ..file })
    }

    #[test]
    fn a_macro_and_the_command_line_emit_the_same_tokens() {
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/digits.onnx");
        let compiler = Compiler::new(digits);
        let module = compiler.tokens().expect("the model compiles");
        let artifact = compiler.compile().expect("the model compiles");
        let literal = proc_macro2::Literal::byte_string(&artifact.blob.file()).to_string();
        let ours = module.items.to_string().replace(&literal, "include_bytes!(\"\")");
        let (ours, theirs) = (items(&ours), items(&artifact.rust));
        let differs = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
        assert_eq!(differs, None);
        assert_eq!(ours.len(), theirs.len());
    }

    #[test]
    fn every_file_that_is_read_is_named() {
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/digits.onnx");
        let module = Compiler::new(&digits).tokens().expect("the model compiles");
        assert_eq!(module.files, [digits]);
    }
}
