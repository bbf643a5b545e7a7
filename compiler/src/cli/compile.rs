//! `mnv2c compile`: a model to a Rust file, its weights beside it.

use std::path::{Path, PathBuf};

use mnv2c::error::{Error, Result};
use mnv2c::ir::Graph;
use mnv2c::options::Weights;
use mnv2c::pass::{Entry, PIPELINE, Skip};
use mnv2c::{Artifact, Options, files, standalone};
use serde_json::{Value, json};

use crate::cli::args::{Asked, Compiles, Format, FormatArgs, ModelArgs};
use crate::cli::flags::OptionArgs;
use crate::cli::{Done, Outcome, build, output};

/// Compile a model to one Rust file, its weights in a .bin beside it
///
/// The file needs the crate mnv2c-runtime and nothing else; with --standalone, not even that.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c compile dogs.onnx -o src/dogs.rs --target x86-64-v3
  mnv2c compile mobilenet_v2:0.35@96 --seed 7 -o net.rs --standalone && rustc -O --crate-type lib net.rs
  mnv2c compile dogs.onnx --dump-ir fold_bn")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The Rust file to write
    #[arg(short = 'o', value_name = "FILE.rs", required_unless_present = "dump_ir")]
    file: Option<PathBuf>,
    #[command(flatten)]
    options: OptionArgs<Compiles>,
    /// Write nothing; fail if the files on disk are not what would be written
    #[arg(long, requires = "file")]
    check: bool,
    /// Print the graph after this pass, or after each; `import` is the graph before all
    #[arg(long, value_name = "PASS|all", value_parser = pass_name)]
    dump_ir: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(args: &Args) -> Done {
    if args.format.format == Format::Json && (args.check || args.file.is_none()) {
        let what = "--format is that of the summary, and nothing is written; leave it out";
        return Err(Error::Spec(what.into()));
    }
    let request = args.options.request();
    request.check_folded()?;
    let (source, model) = Asked { model: &args.model, request }.read()?;
    let mut dumps = Vec::new();
    let mut dump = |pass: &str, graph: &Graph, count: usize| {
        if args.dump_ir.as_deref().is_some_and(|wanted| wanted == "all" || wanted == pass) {
            dumps.push(format!("== {pass}: {count}\n{graph}"));
        }
    };
    dump("import", &model.graph, 0);
    let output = args.file.as_deref().unwrap_or(Path::new("net.rs"));
    let blob_name = output.with_extension("bin");
    let blob_name = blob_name.file_name().unwrap_or_default().to_string_lossy();
    let target = build::target(request, &source, &model)?;
    let options = Options { target, ..Options::of(request, &source.name, &model, &blob_name) };
    let compiled = mnv2c::compile(model.graph, &options, dump);
    dumps.iter().try_for_each(|dump| output::line(dump))?;
    let mut artifact = compiled?;
    if request.weights == Weights::Extern {
        artifact = artifact.apart();
    }
    match &args.file {
        Some(path) => deliver(args, path, &artifact, &source.files(&request.model)?),
        None => Ok(Outcome::Well),
    }
}

fn deliver(args: &Args, path: &Path, artifact: &Artifact, sources: &[PathBuf]) -> Done {
    let (rust, blob, blob_path);
    let mut files: Vec<(&Path, &[u8])> = Vec::new();
    if args.options.request().standalone {
        rust = standalone::file(artifact);
    } else {
        rust = artifact.rust.clone();
        blob = artifact.blob.file();
        blob_path = path.with_extension("bin");
        if files::is_stream(path) {
            let path = path.display();
            eprintln!(
                "note: nothing lies beside {path}, so the weights are not written; pass --standalone for both in one file"
            );
        } else {
            files.push((&blob_path, &blob));
        }
    }
    files.push((path, rust.as_bytes()));
    if args.check {
        return check(&files);
    }
    output::write(&files, sources)?;
    summarise(args, path, artifact)?;
    Ok(Outcome::Well)
}

fn check(files: &[(&Path, &[u8])]) -> Done {
    for (path, bytes) in files {
        if files::read(path)? != *bytes {
            let path = path.display();
            eprintln!("error: {path} is not what the model gives now; run compile without --check");
            return Ok(Outcome::Failed);
        }
    }
    Ok(Outcome::Well)
}

fn summarise(args: &Args, path: &Path, artifact: &Artifact) -> Result<()> {
    let (path, facts) = (path.display().to_string(), &artifact.facts);
    let (arena, weights) = (artifact.plan.arena_len, artifact.blob.bytes_len());
    match args.format.format {
        Format::Human => output::line(&format!(
            "{path}: {}; arena {}, weights {}",
            artifact.log,
            output::bytes(arena),
            output::bytes(weights)
        )),
        Format::Json => output::json(&json!({
            "file": path,
            "name": facts.name,
            "target": args.options.request().target().name,
            "madds": facts.madds,
            "params": facts.params,
            "arena_bytes": arena,
            "weights_bytes": weights,
            "model_sha256": facts.sha256,
            "passes": passes(artifact),
        })),
    }
}

fn passes(artifact: &Artifact) -> Value {
    let skip = |skip: &Skip| json!({"node": skip.node, "reason": skip.reason});
    let entry = |entry: &Entry| {
        let refused: Vec<Value> = entry.skips.iter().map(skip).collect();
        json!({"pass": entry.pass.name, "count": entry.count, "refused": refused})
    };
    artifact.log.entries.iter().map(entry).collect()
}

fn pass_name(name: &str) -> Result<String> {
    let known = ["all", "import"].into_iter().chain(PIPELINE.iter().map(|pass| pass.name));
    if known.clone().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let known: Vec<&str> = known.collect();
    Err(Error::Spec(format!("there is no pass {name:?}; there are {}", known.join(", "))))
}
