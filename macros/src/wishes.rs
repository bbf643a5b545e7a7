//! Settings that pass to the compiler as words: `ram = 256 KiB;`, `feed = rows;`, `mean = [0.5, 0.5, 0.5];`.

use mnv2c::build::Compiler;
use mnv2c::ends::{Answer, Format};
use mnv2c::error::Error as Fault;
use mnv2c::ir::Arithmetic;
use mnv2c::objective::{self, Feed, Objective, Recompute, Storage};
use proc_macro2::Span;
use syn::{Error, Result};

use crate::faults::Faults;
use crate::settings::{Settings, Value};

/// What a network becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Module,
    Struct,
}

/// Whether a word means something, or why not.
type Check = fn(&str) -> std::result::Result<(), Fault>;

/// Keys whose value is a word, and how it is read.
const WORDS: &[(&str, Check)] = &[
    ("threads", threads),
    ("ram", |text| objective::bytes(text).map(drop)),
    ("objective", |text| text.parse::<Objective>().map(drop)),
    ("recompute", |text| text.parse::<Recompute>().map(drop)),
    ("feed", |text| text.parse::<Feed>().map(drop)),
    ("dtype", |text| text.parse::<Storage>().map(drop)),
    ("requant", |text| text.parse::<Arithmetic>().map(drop)),
    ("input_format", |text| text.parse::<Format>().map(drop)),
    ("scale", scale),
    ("output", |text| text.parse::<Answer>().map(drop)),
];

/// What was wished, in words that are known to be right, and where.
#[derive(Default)]
pub(crate) struct Wishes {
    words: Vec<(&'static str, String, Span)>,
    mean: Vec<f32>,
    deviation: Vec<f32>,
    bgr: bool,
    layers: bool,
}

impl Wishes {
    /// Takes every wish out of `settings`.
    pub(crate) fn take(settings: &mut Settings, kind: Kind, faults: &mut Faults) -> Self {
        let mut wishes = Self::default();
        for (key, read) in WORDS {
            let Some(value) = settings.take(key) else { continue };
            let (text, span) = (value.text(), value.span());
            match read(&text) {
                Ok(()) => wishes.words.push((key, text, span)),
                Err(error) => faults.add(Error::new(span, error)),
            }
        }
        wishes.mean = faults.keep(numbers(settings, "mean")).unwrap_or_default();
        wishes.deviation = faults.keep(numbers(settings, "std")).unwrap_or_default();
        wishes.bgr = faults.keep(truth(settings, "bgr")).unwrap_or_default();
        wishes.layers = faults.keep(truth(settings, "layers")).unwrap_or_default();
        let fed = wishes.words.iter().find(|(key, word, _)| *key == "feed" && word != "caller");
        if let (Kind::Struct, Some((_, _, span))) = (kind, fed) {
            let what =
                "a struct takes the whole picture; write `pub mod net;` to feed it otherwise";
            faults.add(Error::new(*span, what));
        }
        let shared = wishes.words.iter().find(|(key, word, _)| *key == "threads" && word != "1");
        if let (Kind::Struct, Some((_, _, span))) = (kind, shared) {
            faults.add(Error::new(
                *span,
                "a struct runs on one thread; write `pub mod net;` for several",
            ));
        }
        wishes
    }

    /// Tells the compiler.
    pub(crate) fn told(&self, compiler: Compiler) -> Compiler {
        let tell = |compiler: Compiler, (key, word, _): &(&str, String, Span)| match *key {
            "threads" => compiler.threads(word.parse().unwrap_or_default()),
            "ram" => compiler.ram(word),
            "objective" => compiler.objective(word),
            "recompute" => compiler.recompute(word),
            "feed" => compiler.feed(word),
            "dtype" => compiler.dtype(word),
            "requant" => compiler.requant(word),
            "input_format" => compiler.input_format(word),
            "scale" => compiler.scale(word),
            _ => compiler.output(word),
        };
        let mut compiler = self.words.iter().fold(compiler, tell);
        if !self.mean.is_empty() {
            compiler = compiler.mean(&self.mean);
        }
        if !self.deviation.is_empty() {
            compiler = compiler.std(&self.deviation);
        }
        if self.layers {
            compiler = compiler.layers();
        }
        if self.bgr { compiler.bgr() } else { compiler }
    }

    /// Where the wish stands that a message of the compiler is about.
    pub(crate) fn span(&self, message: &str) -> Option<Span> {
        let about = |key: &str| match key {
            "ram" => message.contains("no plan fits") || message.contains("exclude each other"),
            "feed" => message.contains("feeding "),
            "dtype" => message.contains("dtype is "),
            "recompute" => message.contains("recompute saves memory"),
            "requant" => message.contains("requant fixed"),
            "input_format" => {
                ["pictures of", "mean ", "std ", "blue"].iter().any(|part| message.contains(part))
            }
            "output" => message.contains("give its output raw") || message.contains("ranking "),
            "scale" => message.contains("give input_format"),
            _ => false,
        };
        let found = self.words.iter().find(|(key, ..)| about(key));
        found.map(|(_, _, span)| *span)
    }
}

/// The numbers that `key` was given.
fn numbers(settings: &mut Settings, key: &str) -> Result<Vec<f32>> {
    match settings.take(key) {
        None => Ok(Vec::new()),
        Some(Value::List(numbers, _)) => Ok(numbers),
        Some(Value::Float(number)) => Ok(vec![number.base10_parse()?]),
        Some(Value::Int(number)) => Ok(vec![number.base10_parse()?]),
        Some(other) => {
            let what = format!("`{key}` takes a number, or one for each channel: [0.5, 0.5, 0.5]");
            Err(Error::new(other.span(), what))
        }
    }
}

fn truth(settings: &mut Settings, key: &str) -> Result<bool> {
    match settings.take(key).map(|value| (value.text(), value.span())) {
        None => Ok(false),
        Some((word, _)) if word == "true" || word == "false" => Ok(word == "true"),
        Some((_, span)) => Err(Error::new(span, format!("`{key}` takes true or false"))),
    }
}

fn threads(word: &str) -> std::result::Result<(), Fault> {
    let known = word.parse().is_ok_and(|count: usize| (1..=64).contains(&count));
    known.then_some(()).ok_or_else(|| Fault::Spec(format!("`threads` takes 1 to 64, not {word}")))
}

fn scale(word: &str) -> std::result::Result<(), Fault> {
    let known = matches!(word, "unit" | "raw");
    known
        .then_some(())
        .ok_or_else(|| Fault::Spec(format!("no scale is {word:?}; unit and raw are")))
}
