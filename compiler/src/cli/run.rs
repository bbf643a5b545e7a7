//! `mnv2c run`: a model answers for files of the user.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use mnv2c::calibrate;
use mnv2c::error::{Error, Result};
use mnv2c::files::{self, Scratch};
use mnv2c::input;
use mnv2c::interp::Array;
use mnv2c::model_io::Picture;
use mnv2c::npy;
use mnv2c::options::Request;
use mnv2c::printed;
use mnv2c::schedule::{Port, Schedule};
use serde_json::{Value, json};

use crate::cli::args::{Answers, Asked, Format, FormatArgs, ModelArgs};
use crate::cli::build::{self, Built, Probes};
use crate::cli::execute::execute;
use crate::cli::flags::OptionArgs;
use crate::cli::{Done, Outcome, finite, labels, output};

/// Build a model, from the cache if it is there, and run it on files
///
/// Arrays (.npy, or an ONNX tensor in .pb) must have the shape of the model's input. Pictures (.png, .jpg) are turned
/// upright as their EXIF says, resized to it and normalised: value, from 0 to 1 or with --scale raw from 0 to 255, minus
/// --mean, by --std. Where the model keeps state, an array may hold several calls, one after another along a leading
/// dimension; so do the outputs then.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c run dogs.onnx --input samoyed.jpg --scale raw --mean 127.5 --std 127.5 --labels labels.txt
  mnv2c run net.onnx --input a.npy --input b.npy --output-dir answers")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// A file for the model's next input: .npy, .pb, .png or .jpg
    #[arg(short, long = "input", value_name = "FILE", required = true)]
    inputs: Vec<PathBuf>,
    /// Write output_0.npy and so on into this directory
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
    /// Names of the classes, one a line: print the five likeliest
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    #[command(flatten)]
    options: OptionArgs<Answers>,
    /// A command that runs programs of the target, such as "qemu-aarch64 -L /usr/aarch64-linux-gnu"
    #[arg(long, value_name = "CMD")]
    runner: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(args: &Args) -> Done {
    let request = args.options.request();
    if request.normalises_files() {
        refuse_arrays(args)?;
    }
    let labels = args.labels.as_deref().map(labels::read).transpose()?;
    let asked = Asked { model: &args.model, request };
    let (built, inputs) = build::program(asked, Probes::No, |net| inputs(args, net))?;
    note_other_labels(&built, labels.as_deref());
    let answers = answers(args, &built, &inputs)?;
    for (port, answer) in built.outputs.iter().zip(&answers) {
        finite::warn(&format!("output {:?}", printed::name(&port.name)), answer);
    }
    match args.format.format {
        Format::Human => output::line(&human(args, &built, &answers, labels.as_deref()))?,
        Format::Json => output::json(&as_json(args, &built, &answers, labels.as_deref()))?,
    }
    Ok(Outcome::Well)
}

/// Refuses a normalisation where no file is a picture.
fn refuse_arrays(args: &Args) -> Result<()> {
    let request = args.options.request();
    let calibrated = || Ok(request.calibrates() && calibrate::has_pictures(request)?);
    if args.inputs.iter().any(|path| input::is_picture(path)) || calibrated()? {
        return Ok(());
    }
    let what = "--scale, --mean and --std are done to pictures, and arrays are taken as they are; leave them out, or \
                add --input-format u8-nhwc, or f32-nchw for floats in planes, to have them done by the network";
    Err(Error::Spec(what.into()))
}

fn note_other_labels(built: &Built, labels: Option<&[String]>) {
    if let Some(labels) = labels {
        let (labels, classes) = (labels.len(), built.classes);
        if labels != classes {
            eprintln!("note: {labels} labels for {classes} classes; are they this model's?");
        }
    }
}

fn inputs(args: &Args, net: &Schedule) -> Result<Vec<Array>> {
    let (ports, keeps) = (&net.inputs, !net.states.is_empty());
    let (given, taken) = (args.inputs.len(), ports.len());
    if given != taken {
        let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
        let what = format!("{given} inputs are given, the model takes {taken}: {names:?}");
        return Err(Error::Wiring(format!("{what}; pass --input once for each")));
    }
    let pairs = args.inputs.iter().zip(ports);
    let picture = reading(args.options.request());
    let read = |(path, port): (&PathBuf, &Port)| {
        let array = match keeps {
            true => input::read_calls(path, port, &picture)?,
            false => input::read(path, port, &picture)?,
        };
        finite::warn(&path.display().to_string(), &array);
        Ok(array)
    };
    pairs.map(read).collect()
}

/// The preprocessing of an image that is read from a file: the part that the network does not do.
fn reading(request: &Request) -> Picture {
    let whole = request.normalisation();
    match request.input_format {
        Some(_) => Picture { mean: vec![0.0], deviation: vec![1.0], ..whole },
        None => whole,
    }
}

fn answers(args: &Args, built: &Built, inputs: &[Array]) -> Result<Vec<Array>> {
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let dir = args.output_dir.as_deref().unwrap_or(&scratch.path);
    files::make_dir(dir)?;
    let runner = args.runner.as_deref();
    infer(runner, &built.program.path, inputs, built.outputs.len(), &scratch.path, dir)
}

/// Outputs of the program for `inputs`; they pass through files in `scratch`, its outputs through files in `dir`.
pub(crate) fn infer(
    runner: Option<&str>,
    program: &Path,
    inputs: &[Array],
    outputs: usize,
    scratch: &Path,
    dir: &Path,
) -> Result<Vec<Array>> {
    let mut arguments: Vec<OsString> = vec!["--output-dir".into(), dir.into()];
    for (at, array) in inputs.iter().enumerate() {
        let path = scratch.join(format!("input_{at}.npy"));
        files::write(&[(&path, &npy::write(array))])?;
        arguments.extend(["--input".into(), path.into()]);
    }
    execute(runner, program, &arguments)?;
    let output = |at| npy::read(&files::read(&dir.join(format!("output_{at}.npy")))?);
    (0..outputs).map(output).collect()
}

fn human(args: &Args, built: &Built, answers: &[Array], labels: Option<&[String]>) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let (Some(labels), Some(values)) = (labels, answers.first().and_then(floats)) {
        let line = |guess: labels::Guess| match guess.probability {
            Some(probability) => format!("{:5.1} %  {}", probability * 100.0, guess.label),
            None => guess.label,
        };
        lines.extend(
            labels::guesses(args.options.request().output, values, labels).into_iter().map(line),
        );
    } else {
        for (port, array) in built.outputs.iter().zip(answers) {
            lines.push(format!("{}: {}", printed::name(&port.name), describe(array)));
        }
    }
    lines.push(built.memory());
    lines.join("\n")
}

fn describe(array: &Array) -> String {
    let values = floats(array).unwrap_or_default();
    let largest = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let largest = largest.map(|(at, x)| format!(", largest {x} at {at}")).unwrap_or_default();
    format!("{}{largest}", printed::shape(&array.shape))
}

fn as_json(args: &Args, built: &Built, answers: &[Array], labels: Option<&[String]>) -> Value {
    let output = |(port, array): (&Port, &Array)| {
        let (name, shape) = (&port.name, &array.shape);
        json!({"name": name, "shape": shape, "values": floats(array)})
    };
    let guess = |top: labels::Guess| {
        let (class, label, probability) = (top.class, top.label, top.probability);
        json!({"class": class, "label": label, "probability": probability})
    };
    let outputs: Vec<Value> = built.outputs.iter().zip(answers).map(output).collect();
    let first = labels.zip(answers.first().and_then(floats));
    let top = first.map(|(labels, values)| {
        labels::guesses(args.options.request().output, values, labels).into_iter().map(guess)
    });
    json!({"model": built.name, "outputs": outputs, "top": top.map(Vec::from_iter)})
}

fn floats(array: &Array) -> Option<&[f32]> {
    array.values.as_f32()
}
