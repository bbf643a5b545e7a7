//! The compiler for build scripts and macros: a model and what is known of it, then the network in one call.
//!
//! ```no_run
//! // build.rs; the crate itself says `mnv2c_runtime::include_net!("net");`
//! fn main() -> Result<(), mnv2c::build::Failed> {
//!     mnv2c::build::Compiler::new("models/net.onnx").target("armv8").emit("net")
//! }
//! ```
//! Options are typed, as `Feed::Rows` and `Ram::kib(256)`, or the command line's words, as `"rows"` and `"256K"`; a word that
//! means nothing is an error when the network is compiled.

mod script;
mod settings;
mod word;

use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use crate::emit::{self, Carrier, Network};
use crate::error::{Error, Result};
use crate::frontend::spec::Spec;
use crate::ir::Dtype;
use crate::options::{Request, Weights};
use crate::source::Source;
use crate::{Artifact, Options, calibrate, standalone, tiles};

pub use script::Failed;
pub use word::Word;

/// A model, and how it is to be compiled.
#[derive(Clone, Debug)]
pub struct Compiler {
    model: Model,
    request: Request,
    /// The first word that means nothing.
    mistake: Option<Error>,
}

#[derive(Clone, Debug)]
enum Model {
    Path(PathBuf),
    Spec(Box<Spec>),
}

/// A network in tokens.
#[derive(Clone, Debug)]
pub struct Module {
    /// The description of the network, in Markdown.
    pub about: String,
    /// The items of its module.
    pub items: TokenStream,
    /// Every file that was read.
    pub files: Vec<PathBuf>,
    /// The type of each input's numbers: [`Dtype::U8`] or [`Dtype::F32`].
    pub inputs: Vec<Dtype>,
    /// Element types of the outputs.
    pub outputs: Vec<Dtype>,
    /// Likeliest classes that it returns; 0 where it gives its output.
    pub told: usize,
    /// True if it keeps state between calls, which `Arena::reset` clears.
    pub keeps: bool,
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
        Self { model, request: Request::default(), mistake: None }
    }

    /// The compiler with all that `request` asks for.
    pub fn asked(self, request: Request) -> Self {
        Self { request, ..self }
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
        let carrier = match self.request.weights {
            Weights::Embed => Carrier::Literal,
            Weights::Extern => Carrier::Extern,
        };
        let network = Network { carrier, ..artifact.network() };
        let items = match self.request.standalone {
            true => standalone::parts(&artifact).1.parse().expect("what is emitted is Rust"),
            false => emit::tokens(&network),
        };
        let schedule = &artifact.schedule;
        let [inputs, outputs] = [&schedule.inputs, &schedule.outputs]
            .map(|ports| ports.iter().map(|port| port.dtype).collect());
        let told = schedule.ranking.map_or(0, |ranking| ranking.count);
        let (about, keeps) = (emit::about(&network), !schedule.states.is_empty());
        Ok(Module { about, items, files, inputs, outputs, told, keeps })
    }

    fn network(&self, blob_name: &str) -> Result<Compiled> {
        self.mistake.clone().map_or(Ok(()), Err)?;
        let request = &self.request;
        request.check_excluded()?;
        request.check_folded()?;
        request.check_recomputed()?;
        let source = match &self.model {
            Model::Path(path) => Source::open(&path.to_string_lossy())?,
            Model::Spec(spec) => Source::from((**spec).clone()),
        };
        let model = calibrate::typed(source.model(&request.model)?, request, |_| ())?;
        let options = Options::of(request, &source.name, &model, blob_name);
        let make = |target| {
            let options = Options { target, ..options.clone() };
            crate::compile(model.graph.clone(), &options, |_, _, _| ())
        };
        let target = match &request.tuning {
            Some(path) => tiles::tuned(options.target, path, make)?,
            None => options.target,
        };
        let mut artifact = make(target)?;
        if request.weights == Weights::Extern {
            artifact = artifact.apart();
        }
        let mut files = source.files(&request.model)?;
        if request.calibrates() {
            files.extend(calibrate::files(request)?);
        }
        files.extend(request.tuning.clone());
        Ok(Compiled { artifact, files })
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
    use crate::files;
    use crate::options::Door;

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

    fn digits() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/digits.onnx")
    }

    #[test]
    fn a_model_is_quantised_by_files_of_its_use() {
        let recorded = digits().with_file_name("input_0.npy");
        let compiler = Compiler::new(digits()).dtype("int8").calibration(&recorded);
        let network = compiler.network("").expect("the model compiles");
        assert!(network.artifact.graph.is_quantised());
        assert_eq!(network.files, [digits(), recorded]);
    }

    #[test]
    fn a_standalone_module_holds_the_runtime() {
        let text = |compiler: Compiler| {
            let items = compiler.tokens().expect("it compiles").items.to_string();
            items.split_whitespace().collect::<String>()
        };
        let alone = text(Compiler::new(digits()).standalone());
        assert!(alone.contains("modmnv2c_runtime{") && alone.contains("useself::mnv2c_runtime::"));
        assert!(!text(Compiler::new(digits())).contains("modmnv2c_runtime{"));
    }

    #[test]
    fn tiles_are_read_from_a_file_that_has_them_all() {
        let scratch = files::Scratch::new(&std::env::temp_dir()).expect("there is room");
        let path = scratch.path.join("tiles.json");
        let compiler = Compiler::new(digits()).tuning(&path);
        let plain = Compiler::new(digits()).compile().expect("it compiles");
        let isa = plain.target.isa.name();
        let known: tiles::Tiles =
            tiles::products(&plain).map(|(_, product, tile)| (product, tile)).collect();
        tiles::write(&path, isa, &known).expect("it is written");
        let tuned = compiler.compile().expect("every tile is known");
        assert_eq!(tuned.rust, plain.rust);
        tiles::write(&path, isa, &tiles::Tiles::new()).expect("it is written");
        let error = Door::Builder.told(&compiler.compile().expect_err("no tile is known"));
        assert!(error.contains("lacks tiles") && error.contains("`.tuning(..)`"), "{error}");
    }

    #[test]
    fn every_file_that_is_read_is_named() {
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/digits.onnx");
        let module = Compiler::new(&digits).tokens().expect("the model compiles");
        assert_eq!(module.files, [digits]);
    }
}
