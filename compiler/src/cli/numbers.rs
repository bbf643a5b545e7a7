//! What a network computes on: floats, however they are stored, or bytes, and what sums of bytes become bytes by.

use std::path::Path;

use clap::ValueEnum;
use mnv2c::ends::Picture;
use mnv2c::error::{Error, Result};
use mnv2c::frontend::onnx;
use mnv2c::ir::Arithmetic;
use mnv2c::objective::Storage;
use mnv2c::quantize;
use mnv2c::source::{Model, Source};

use crate::cli::args::ModelArgs;
use crate::cli::calib::CalibArgs;
use crate::cli::ends::EndsArgs;
use crate::cli::progress::Progress;
use crate::cli::quantize::SettingsArgs;

/// What a model is compiled to compute on.
#[derive(clap::Args, Clone)]
pub(crate) struct NumbersArgs {
    /// Compute on floats, which f16 and bf16 store in half the memory, weights too, or on bytes, quantised by the
    /// pictures of --calib; a quantised model needs neither. Where the machine multiplies pairs of bf16, that is faster
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
    #[command(flatten)]
    calib: CalibArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    /// What a quantised model rounds its sums by: float, as ONNX defines it, or fixed, integers alone for machines
    /// without floats, at most one step apart
    #[arg(long, value_name = "float|fixed", default_value = "float", value_parser = arithmetic)]
    requant: Arithmetic,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dtype {
    F32,
    F16,
    Bf16,
    Int8,
}

/// A model and the numbers that it is to compute on.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// Which model.
    pub(crate) model: &'a ModelArgs,
    /// Which numbers.
    pub(crate) numbers: &'a NumbersArgs,
    /// How pictures are normalised.
    pub(crate) ends: &'a EndsArgs,
}

impl Asked<'_> {
    /// Reads the model, and quantises it if that is asked for.
    pub(crate) fn read(&self) -> Result<(Source, Model)> {
        let (source, model) = self.model.read()?;
        Ok((source, self.numbers.typed(model, &self.ends.normalisation())?))
    }
}

/// What numbers the program shares with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kin {
    /// Those of the model as it was read.
    Same,
    /// Bytes that may be a step off.
    Steps,
    /// Bytes where the record has floats.
    Bytes,
}

impl NumbersArgs {
    /// The model on the type that is asked for; it is calibrated with pictures normalised as `picture` says.
    pub(crate) fn typed(&self, model: Model, picture: &Picture) -> Result<Model> {
        let mut model = self.quantised(model, picture)?;
        if self.requant == Arithmetic::Fixed && !model.graph.is_quantised() {
            let what = "--requant says how bytes are rounded, but the model computes in floats; quantise it: pass \
                        --dtype int8 with --calib";
            return Err(Error::Spec(what.into()));
        }
        model.graph.arithmetic = self.requant;
        Ok(model)
    }

    /// How floats are stored.
    pub(crate) fn storage(&self) -> Storage {
        match self.dtype {
            Dtype::F16 => Storage::F16,
            Dtype::Bf16 => Storage::Bf16,
            Dtype::F32 | Dtype::Int8 => Storage::F32,
        }
    }

    /// How near a program may be to what the model itself answers.
    pub(crate) fn kin(&self) -> Kin {
        match self.requant {
            _ if self.dtype == Dtype::Int8 => Kin::Bytes,
            Arithmetic::Fixed => Kin::Steps,
            Arithmetic::Float => Kin::Same,
        }
    }

    /// Whether pictures are read to calibrate with.
    pub(crate) fn reads_pictures(&self) -> Result<bool> {
        Ok(self.dtype == Dtype::Int8 && self.calib.has_pictures()?)
    }

    /// Refuses what says how to quantise, where nothing is quantised.
    fn refuse_calibration(&self) -> Result<()> {
        match self.calib.given().chain(self.settings.given()).next() {
            Some(flag) => Err(Error::Spec(format!("{flag} quantises; pass --dtype int8 with it"))),
            None => Ok(()),
        }
    }

    fn quantised(&self, model: Model, picture: &Picture) -> Result<Model> {
        if self.dtype != Dtype::Int8 {
            self.refuse_calibration()?;
            return Ok(model);
        }
        let images = self.calib.images(&model.graph, picture)?;
        let mut progress = Progress::new("quantising");
        let say = |what: &str| progress.say(what);
        let quantized = quantize::quantize(model.graph, &images, &self.settings.settings()?, say)?;
        let graph = onnx::read(quantized.file, Path::new(""), &onnx::Options::default())?;
        Ok(Model { graph, ..model })
    }
}

fn arithmetic(name: &str) -> Result<Arithmetic> {
    name.parse()
}
