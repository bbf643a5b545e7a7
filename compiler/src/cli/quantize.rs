//! `mnv2c quantize`: a model of floats becomes one of bytes, as a file that other runtimes run too.

use std::path::PathBuf;

use clap::ArgAction;
use mnv2c::error::{Error, Result};
use mnv2c::quantize::histogram::Observer;
use mnv2c::quantize::measure::{Layer, Report};
use mnv2c::quantize::{self, Settings};
use serde_json::{Value, json};

use crate::cli::args::{Format, FormatArgs, ModelArgs};
use crate::cli::calib::CalibArgs;
use crate::cli::ends::NormalArgs;
use crate::cli::progress::Progress;
use crate::cli::{Done, Outcome, output};

/// Turn a model of floats into one of bytes, by pictures of its use, and write it as ONNX
///
/// Activations become u8, weights i8 with a scale a channel. The file holds QuantizeLinear and DequantizeLinear around
/// standard operators, which every runtime reads. Printed are, for each layer, its range, how much of what was seen lies
/// outside, and signal over noise; and how often the answers agree with those of floats.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c quantize dogs.onnx --calib photos --scale raw --mean 127.5 --std 127.5 -o dogs_int8.onnx
  mnv2c quantize net.onnx --calib a.npy b.npy --observer percentile --keep-f32 logits -o net_int8.onnx")]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    calib: CalibArgs,
    #[command(flatten)]
    normal: NormalArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    /// The file to write
    #[arg(short, value_name = "FILE.onnx")]
    output: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
}

/// How a model is quantised.
#[derive(clap::Args, Clone)]
pub(crate) struct SettingsArgs {
    /// How ranges follow from what is seen: minmax, percentile (99.99 % of values) or entropy [default: minmax]
    #[arg(long, value_name = "minmax|percentile|entropy", value_parser = observer)]
    observer: Option<Observer>,
    /// Do not scale channels between layers to like ranges
    #[arg(long)]
    no_equalize: bool,
    /// Do not correct biases for what rounding the weights adds on average
    #[arg(long)]
    no_bias_correction: bool,
    /// Layers to compute in floats, by the names that the report gives
    #[arg(long, value_name = "LAYER", num_args = 1..)]
    keep_f32: Vec<String>,
    /// The same, behind the word f32
    #[arg(long, value_names = ["f32", "LAYER"], num_args = 2.., action = ArgAction::Append)]
    keep: Vec<String>,
}

impl SettingsArgs {
    /// The flags that are given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let flags = [
            ("--observer", self.observer.is_some()),
            ("--no-equalize", self.no_equalize),
            ("--no-bias-correction", self.no_bias_correction),
            ("--keep-f32", !self.keep_f32.is_empty()),
            ("--keep", !self.keep.is_empty()),
        ];
        flags.into_iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }

    /// What these flags say.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let mut keep: Vec<String> = self.keep_f32.clone();
        match self.keep.split_first() {
            Some((kind, layers)) if kind == "f32" => keep.extend(layers.iter().cloned()),
            Some((kind, _)) => {
                return Err(Error::Spec(format!(
                    "layers are kept in f32, not in {kind:?}; write --keep f32 LAYER"
                )));
            }
            None => {}
        }
        Ok(Settings {
            observer: self.observer.unwrap_or(Observer::MinMax),
            equalize: !self.no_equalize,
            correct: !self.no_bias_correction,
            keep: keep.into_iter().filter(|name| name != "f32").collect(),
        })
    }
}

pub(crate) fn run(args: &Args) -> Done {
    let settings = args.settings.settings()?;
    if args.normal.is_given() && !args.calib.has_pictures()? {
        let what = "--scale, --mean and --std are done to pictures, and arrays are taken as they are; leave them out";
        return Err(Error::Spec(what.into()));
    }
    let (source, model) = args.model.read()?;
    let images = args.calib.images(&model.graph, &args.normal.picture())?;
    let mut progress = Progress::new("quantising");
    let quantized = quantize::quantize(model.graph, &images, &settings, |what| progress.say(what))?;
    drop(progress);
    output::write(&[(&args.output, &quantized.file)], &args.model.files(&source)?)?;
    match args.format.format {
        Format::Human => {
            output::line(&quantized.report.to_string())?;
            let (path, len) = (args.output.display(), quantized.file.len());
            output::line(&format!("{path}: {len} bytes"))?;
        }
        Format::Json => output::json(&as_json(&quantized.report))?,
    }
    Ok(Outcome::Well)
}

fn as_json(report: &Report) -> Value {
    let layer = |layer: &Layer| {
        let Layer { name, op, range: (lo, hi), clipped, sqnr } = layer;
        let sqnr = sqnr.is_finite().then_some(sqnr);
        json!({"layer": name, "operator": op, "lo": lo, "hi": hi, "clipped": clipped, "sqnr_db": sqnr})
    };
    let layers: Vec<Value> = report.layers.iter().map(layer).collect();
    let Report { equalized, images, agreeing, cosine, .. } = report;
    json!({"layers": layers, "equalized": equalized, "images": images, "top1_agreeing": agreeing, "cosine": cosine})
}

fn observer(name: &str) -> Result<Observer> {
    name.parse()
}
