//! Arguments that verbs share: the model, which options of the table each takes, and the form of results.

use clap::{Args, ValueEnum};
use mnv2c::calibrate;
use mnv2c::error::Result;
use mnv2c::options::{Door, Group, Request, Row};
use mnv2c::source::{Model, Source};

use crate::cli::progress::Progress;

/// The model.
#[derive(Args, Clone)]
pub(crate) struct ModelArgs {
    /// An ONNX or TFLite file, a spec in a file, or mobilenet_v2:WIDTH@SIZE
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
}

/// Options that a verb takes.
pub(crate) trait Verb {
    /// True if the verb takes this option.
    fn takes(row: &Row) -> bool;

    /// True if this option may be given several times, for as many results.
    fn several(_: &Row) -> bool {
        false
    }
}

/// Options of `inspect`.
pub(crate) enum Reads {}
/// Options of `plan`.
pub(crate) enum Plans {}
/// Options of `report`.
pub(crate) enum Reports {}
/// Options of `run` and `check`.
pub(crate) enum Answers {}
/// Options of `build` and `bench`.
pub(crate) enum Builds {}
/// Options of `compile`: all of them.
pub(crate) enum Compiles {}
/// Options of `verify`.
pub(crate) enum Verifies {}
/// Options of `quantize`.
pub(crate) enum Quantizes {}

impl Verb for Reads {
    fn takes(row: &Row) -> bool {
        row.group == Group::Model
    }
}

impl Verb for Plans {
    fn takes(row: &Row) -> bool {
        let groups = [Group::Model, Group::Machine, Group::Memory];
        groups.contains(&row.group) && row.name != "tuning"
    }
}

impl Verb for Reports {
    fn takes(row: &Row) -> bool {
        Plans::takes(row) || row.group == Group::ModelIo
    }
}

impl Verb for Answers {
    fn takes(row: &Row) -> bool {
        Reports::takes(row) || row.group == Group::Numbers
    }
}

impl Verb for Builds {
    fn takes(row: &Row) -> bool {
        row.group != Group::File
    }
}

impl Verb for Compiles {
    fn takes(_: &Row) -> bool {
        true
    }
}

impl Verb for Verifies {
    fn takes(row: &Row) -> bool {
        Answers::takes(row)
            && (row.group != Group::Model || ["outputs", "state"].contains(&row.name))
    }

    fn several(row: &Row) -> bool {
        ["target", "threads", "objective", "feed"].contains(&row.name)
    }
}

impl Verb for Quantizes {
    fn takes(row: &Row) -> bool {
        let numbers = row.group == Group::Numbers && !["dtype", "requant"].contains(&row.name);
        row.group == Group::Model || numbers || ["scale", "mean", "std"].contains(&row.name)
    }
}

/// A model and the options that it is read with.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The model.
    pub(crate) model: &'a ModelArgs,
    /// The request.
    pub(crate) request: &'a Request,
}

impl Asked<'_> {
    /// Finds the model and reads it as it is; says on standard error what was assumed.
    pub(crate) fn plain(&self) -> Result<(Source, Model)> {
        let source = Source::open(&self.model.model)?;
        let options = &self.request.model;
        let model = source.model(options)?;
        if source.spec().is_some() && options.seed.is_none() && options.weights.is_none() {
            eprintln!(
                "note: the weights are random, of seed 0; pass --weights-file for trained ones"
            );
        }
        note(&model.graph.notes);
        Ok((source, model))
    }

    /// The model on the numbers that are asked for: quantised, perhaps.
    pub(crate) fn read(&self) -> Result<(Source, Model)> {
        let (source, model) = self.plain()?;
        let known = model.graph.notes.len();
        let model = typed(model, self.request)?;
        note(&model.graph.notes[known..]);
        Ok((source, model))
    }
}

/// The model on the numbers that are asked for.
pub(crate) fn typed(model: Model, request: &Request) -> Result<Model> {
    let mut progress = Progress::new("quantising");
    calibrate::typed(model, request, |what| progress.say(what))
}

/// Prints notes on standard error.
pub(crate) fn note(notes: &[String]) {
    notes.iter().for_each(|note| eprintln!("note: {}", Door::CommandLine.tell(note)));
}

/// For whom results are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// The form of results.
#[derive(Args, Clone)]
pub(crate) struct FormatArgs {
    /// Form of what is printed
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}
