//! `mnv2c quantize`: quantises a float model, as a file that other runtimes run too.

use std::path::PathBuf;

use mnv2c::calibrate;
use mnv2c::error::Error;
use mnv2c::quantize;
use mnv2c::quantize::measure::{Layer, Report};
use serde_json::{Value, json};

use crate::cli::args::{Asked, Format, FormatArgs, ModelArgs, Quantizes, note};
use crate::cli::flags::OptionArgs;
use crate::cli::progress::Progress;
use crate::cli::{Done, Outcome, output};

/// Quantise a float model to u8 and i8 by images of its use, and write it as ONNX
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
    options: OptionArgs<Quantizes>,
    /// The file to write
    #[arg(short, value_name = "FILE.onnx")]
    output: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(args: &Args) -> Done {
    let request = args.options.request();
    if request.normalises_files() && !calibrate::has_pictures(request)? {
        let what = "--scale, --mean and --std are done to pictures, and arrays are taken as they are; leave them out";
        return Err(Error::Spec(what.into()));
    }
    let (source, model) = Asked { model: &args.model, request }.plain()?;
    let mut notes = Vec::new();
    let images = calibrate::images(request, &model.graph, &mut notes)?;
    note(&notes);
    let mut progress = Progress::new("quantising");
    let say = |what: &str| progress.say(what);
    let quantized = quantize::quantize(model.graph, &images, &request.quantize, say)?;
    drop(progress);
    output::write(&[(&args.output, &quantized.file)], &source.files(&request.model)?)?;
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
