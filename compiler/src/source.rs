//! Sources of a model: an ONNX or TFLite file, a network spec in a file, or `mobilenet_v2:1.0@224`.
//!
//! Opening finds out which of them it is and reads the bytes; the graph is made when the open sizes and the weights
//! are known. A file named `model.onnx` is called after its directory.

mod states;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::content;
use crate::error::mention::option;
use crate::error::{Error, Result};
use crate::files;
use crate::frontend::onnx::{self, Summary};
use crate::frontend::spec::{self, Spec, Weights};
use crate::frontend::tflite;
use crate::ir::Graph;

/// A model that has been found, its graph not yet read.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name of the network.
    pub name: String,
    path: Option<PathBuf>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Onnx { file: Bytes, base: PathBuf },
    Tflite(Bytes),
    Spec(Spec),
}

/// Options of reading a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Sizes that an ONNX file leaves open, and where it is cut.
    pub sizes: onnx::Options,
    /// Chooses the random weights of a spec; 0 where neither this nor `weights` is given.
    pub seed: Option<u64>,
    /// A safetensors file with the weights of a spec.
    pub weights: Option<PathBuf>,
    /// Inputs and the outputs that they become for the next call.
    pub states: Vec<(String, String)>,
}

/// A model, ready to be compiled.
#[derive(Clone, Debug)]
pub struct Model {
    /// The graph.
    pub graph: Graph,
    /// SHA-256 in hex: of the ONNX file, or of the spec as TOML and its weights.
    pub sha256: String,
}

impl Source {
    /// Finds the model that `model` names.
    pub fn open(model: &str) -> Result<Self> {
        if Spec::is_short(model) && !Path::new(model).exists() {
            return Ok(Self { name: model.to_owned(), ..Self::from(Spec::parse(model)?) });
        }
        let path = Path::new(model);
        let file = files::read(path)?;
        let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let kind = match as_text(path, &file) {
            Some(text) => Kind::Spec(spec(text)?),
            None if tflite::is_tflite(&file) => Kind::Tflite(file.into()),
            None => Kind::Onnx { file: file.into(), base },
        };
        Ok(Self { name: called(path), path: Some(path.to_owned()), kind })
    }

    /// Reads the graph.
    pub fn model(&self, options: &Options) -> Result<Model> {
        let mut model = self.read(options)?;
        states::keep(&mut model.graph, &options.states)?;
        Ok(model)
    }

    /// Reads the graph as the file has it.
    fn read(&self, options: &Options) -> Result<Model> {
        let sizes = states::uncut(&options.sizes, &options.states);
        match &self.kind {
            Kind::Onnx { file, base } => {
                check_weights_are_in_the_file(options)?;
                let graph = onnx::read(file.clone(), base, &sizes)?;
                Ok(Model { graph, sha256: hex(&Sha256::digest(file)) })
            }
            Kind::Tflite(file) => {
                check_weights_are_in_the_file(options)?;
                let graph = tflite::read(file, &sizes)?;
                Ok(Model { graph, sha256: hex(&Sha256::digest(file)) })
            }
            Kind::Spec(spec) => {
                let sizes = &options.sizes;
                let given = !sizes.dims.is_empty() || !sizes.input_shapes.is_empty();
                let names = &["dims", "input_shapes"];
                refuse(given, names, "are for ONNX files; a spec has its size")?;
                let given = !sizes.outputs.is_empty();
                refuse(given, &["outputs"], "cuts graphs of ONNX files; a spec has its rows")?;
                from_spec(spec, options)
            }
        }
    }

    /// Every file that the model is made of, in a fixed order.
    pub fn files(&self, options: &Options) -> Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = self.path.iter().cloned().collect();
        if let (Kind::Onnx { base, .. }, Some(summary)) = (&self.kind, self.summary()?) {
            files.extend(summary.weight_files.iter().map(|file| base.join(file)));
        }
        files.extend(options.weights.clone());
        Ok(files)
    }

    /// The summary of an ONNX or TFLite file; `None` for a spec.
    pub fn summary(&self) -> Result<Option<Summary>> {
        match &self.kind {
            Kind::Onnx { file, .. } => onnx::summary(file.clone()).map(Some),
            Kind::Tflite(file) => tflite::summary(file).map(Some),
            Kind::Spec(_) => Ok(None),
        }
    }

    /// The spec, if it is one.
    pub fn spec(&self) -> Option<&Spec> {
        match &self.kind {
            Kind::Onnx { .. } | Kind::Tflite(_) => None,
            Kind::Spec(spec) => Some(spec),
        }
    }
}

impl From<Spec> for Source {
    fn from(spec: Spec) -> Self {
        Self { name: spec.name.clone(), path: None, kind: Kind::Spec(spec) }
    }
}

/// The spec in a text file; an error that names the format if it is a known one and no spec.
fn spec(text: &str) -> Result<Spec> {
    let parsed = Spec::parse(text);
    let is_markup = || text.starts_with("version https://") || text.trim_start().starts_with('<');
    match (parsed, content::instead(text.as_bytes())) {
        (Err(_), Some(what)) if is_markup() => {
            Err(Error::Malformed { what: format!("this is {what}") })
        }
        (parsed, _) => parsed,
    }
}

fn from_spec(spec: &Spec, options: &Options) -> Result<Model> {
    let mut hash = Sha256::new_with_prefix(spec.to_toml());
    let graph = match (&options.weights, options.seed) {
        (Some(_), Some(_)) => {
            let [seed, weights] = ["seed", "weights_file"].map(option);
            return Err(Error::Spec(format!("{seed} and {weights} exclude each other")));
        }
        (Some(path), None) => {
            let bytes = files::read(path)?;
            hash.update(&bytes);
            spec::graph(spec, Weights::Safetensors(&bytes))?
        }
        (None, seed) => {
            let seed = seed.unwrap_or(0);
            hash.update(seed.to_le_bytes());
            spec::graph(spec, Weights::Random { seed })?
        }
    };
    Ok(Model { graph, sha256: hex(&hash.finalize()) })
}

/// The text of a spec: a file that is called one, or that is text and not called a model.
fn as_text<'a>(path: &Path, file: &'a [u8]) -> Option<&'a str> {
    let is_onnx = path.extension().is_some_and(|it| it == "onnx" || it == "tflite");
    let is_text = |text: &&str| !text.contains('\0') && !text.trim().is_empty();
    (!is_onnx).then(|| str::from_utf8(file).ok().filter(is_text)).flatten()
}

/// The file's stem; its directory's name if the file is just called "model".
fn called(path: &Path) -> String {
    let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    let stem = path.file_stem().map(text).unwrap_or_default();
    let above = path.parent().and_then(Path::file_name).map(text);
    if stem == "model" { above.unwrap_or(stem) } else { stem }
}

/// Refuses options that choose a spec's weights.
fn check_weights_are_in_the_file(options: &Options) -> Result<()> {
    refuse(options.seed.is_some(), &["seed"], "is for a spec, whose weights it draws")?;
    refuse(options.weights.is_some(), &["weights_file"], "is for a spec, whose weights it holds")
}

fn refuse(given: bool, names: &[&str], why: &str) -> Result<()> {
    let names: Vec<String> = names.iter().map(|name| option(name)).collect();
    match given {
        true => Err(Error::Spec(format!("{} {why}; leave it out", names.join(" and ")))),
        false => Ok(()),
    }
}

/// Bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_in_a_directory_of_its_own_is_called_after_it() {
        assert_eq!(called(Path::new("zoo/dogs/model.onnx")), "dogs");
        assert_eq!(called(Path::new("zoo/digits.onnx")), "digits");
        assert_eq!(called(Path::new("model.onnx")), "model");
    }

    #[test]
    fn a_spec_is_hashed_with_its_weights() {
        let sha256 = |seed| {
            let source = Source::open("mobilenet_v2:0.1@32").expect("it is a spec");
            let options = Options { seed: Some(seed), ..Options::default() };
            source.model(&options).expect("it is small").sha256
        };
        assert_eq!(sha256(1), sha256(1));
        assert_ne!(sha256(1), sha256(2));
        assert_eq!(sha256(1).len(), 64);
    }

    #[test]
    fn options_of_the_other_kind_are_refused() {
        let mut options = Options::default();
        options.sizes.dims.insert("batch".into(), 1);
        let source = Source::open("mobilenet_v2:0.1@32").expect("it is a spec");
        let error = source.model(&options).expect_err("specs have no open sizes").to_string();
        assert!(error.contains("are for ONNX files"), "{error}");
    }
}
