//! Conversion of a request for the stages, and its errors: options that exclude each other, or have nothing to act on.

use crate::error::mention::{given, option};
use crate::error::{Error, Result};
use crate::ir::{Arithmetic, Graph};
use crate::model_io::{Format, ModelIo, Picture};
use crate::objective::{Memory, Objective, Storage};
use crate::options::table::{ROWS, Request, Row, Takes};
use crate::options::values::Scale;
use crate::target::Target;

/// Options of quantisation.
const QUANTISING: [&str; 6] =
    ["calibration", "limit", "observer", "no_equalize", "no_bias_correction", "keep_f32"];

impl Request {
    /// Nothing but a machine.
    pub fn on(target: Target) -> Self {
        Self { target, ..Self::default() }
    }

    /// Reads one item of an option's value.
    pub fn read(&mut self, row: &Row, item: &str) -> Result<()> {
        (row.read)(self, item)?;
        if row.takes != Takes::Switch || item == "true" {
            self.given.insert(row.name);
        }
        Ok(())
    }

    /// True if an option was given.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains(name)
    }

    /// Notes that an option was given whose field is set.
    pub(crate) fn note(&mut self, name: &'static str) {
        self.given.insert(name);
    }

    /// The machine with its threads, and the transforms that are allowed on it.
    pub fn target(&self) -> Target {
        Target { threads: self.threads, winograd: self.winograd, ..self.target }
    }

    /// The memory options.
    pub fn memory(&self) -> Memory {
        let objective = self.ram.map_or(self.objective, |ram| Objective::Within(ram.bytes));
        let storage = match self.dtype {
            Some(half @ (Storage::F16 | Storage::Bf16)) => half,
            Some(Storage::F32 | Storage::Int8) | None => Storage::F32,
        };
        let recompute = self.recompute.unwrap_or_default();
        Memory { objective, feed: self.feed, storage, recompute }
    }

    /// The requested form of model inputs and outputs.
    pub fn model_io(&self) -> ModelIo {
        ModelIo {
            picture: self.input_format.map(|format| self.picture(format)),
            answer: self.output,
        }
    }

    /// The preprocessing of an image that is given as `format`.
    pub fn picture(&self, format: Format) -> Picture {
        let white = if self.scale == Scale::Raw { 255.0 } else { 1.0 };
        let or = |given: &[f32], plain| if given.is_empty() { vec![plain] } else { given.to_vec() };
        let (mean, deviation) = (or(&self.mean, 0.0), or(&self.deviation, 1.0));
        Picture { format, white, mean, deviation, bgr: self.bgr }
    }

    /// The preprocessing of an image that the model itself is to take.
    pub fn normalisation(&self) -> Picture {
        self.picture(self.input_format.unwrap_or(Format::FloatsNchw))
    }

    /// True if a normalisation is requested that the network does not do itself.
    pub fn normalises_files(&self) -> bool {
        let normalises = ["scale", "mean", "std"].iter().any(|name| self.is_given(name));
        normalises && self.input_format.is_none()
    }

    /// True if the model is to be quantised by images.
    pub fn calibrates(&self) -> bool {
        self.dtype == Some(Storage::Int8) && !self.calibration.is_empty()
    }

    /// Refuses options that exclude each other.
    pub fn check_excluded(&self) -> Result<()> {
        for row in ROWS.iter().filter(|row| self.is_given(row.name)) {
            if let Some(other) = row.excludes.iter().find(|other| self.is_given(other)) {
                let (one, other) = (option(row.name), option(other));
                return Err(Error::Spec(format!(
                    "{one} and {other} exclude each other; remove one"
                )));
            }
        }
        Ok(())
    }

    /// Refuses a normalisation that nothing folds.
    pub fn check_folded(&self) -> Result<()> {
        if self.normalises_files() || (self.bgr && self.input_format.is_none()) {
            let [scale, mean, deviation, bgr] = ["scale", "mean", "std", "bgr"].map(option);
            return Err(Error::Spec(format!(
                "{scale}, {mean}, {deviation} and {bgr} are folded into a network whose picture has a format; add {}, or \
                 f32-nchw for floats in planes",
                given("input_format", "u8-nhwc")
            )));
        }
        Ok(())
    }

    /// Refuses more multiply-adds where no memory is to be saved.
    pub fn check_recomputed(&self) -> Result<()> {
        if self.recompute.is_some() && self.memory().objective == Objective::Speed {
            let (recompute, smallest) = (option("recompute"), given("objective", "ram"));
            return Err(Error::Spec(format!(
                "{recompute} saves memory, and the plan is chosen for speed; add {smallest} or {}, or leave it out",
                option("ram")
            )));
        }
        Ok(())
    }

    /// Refuses what says how to quantise, where nothing is quantised.
    pub fn check_quantised(&self) -> Result<()> {
        let idle = QUANTISING.iter().find(|name| self.is_given(name));
        match idle.filter(|_| self.dtype != Some(Storage::Int8)) {
            Some(name) => Err(Error::Spec(format!(
                "{} quantises; pass {} with it",
                option(name),
                given("dtype", "int8")
            ))),
            None => Ok(()),
        }
    }

    /// Refuses a graph that computes on other numbers than are demanded.
    pub fn check_numbers(&self, graph: &Graph) -> Result<()> {
        let quantised = graph.is_quantised();
        if self.requant == Arithmetic::Fixed && !quantised {
            return Err(Error::Spec(format!(
                "{} says how bytes are rounded, but the model computes in floats; leave it out, or quantise the model: \
                 add {} and {}",
                given("requant", "fixed"),
                given("dtype", "int8"),
                option("calibration")
            )));
        }
        match self.dtype {
            Some(Storage::Int8) if !quantised => Err(Error::Spec(format!(
                "{}, but the model computes in floats, and there is no picture to calibrate with; pass {}, or compile \
                 what `mnv2c quantize` makes of it",
                given("dtype", "int8"),
                given("calibration", "DIR")
            ))),
            Some(floats @ (Storage::F32 | Storage::F16 | Storage::Bf16)) if quantised => {
                Err(Error::Spec(format!(
                    "{}, but the model is quantised; compile the float model it was made of",
                    given("dtype", floats)
                )))
            }
            Some(_) | None => Ok(()),
        }
    }
}
