//! The table: a row for each option, and a typed field for what it was given.
//!
//! The command line's flags, the builder's check of its methods and the keys of `mobilenet!` are read from here. A row's
//! `read` takes one item of text and is the only reader of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::error::Result;
use crate::ir::Arithmetic;
use crate::model_io::{Answer, Format};
use crate::objective::{Feed, Objective, Ram, Recompute, Storage, WinogradTiles};
use crate::options::values::{Scale, Weights, named, pair, path, positive, set, some, spec, truth};
use crate::quantize::Settings;
use crate::source;
use crate::target::Target;

/// The request for a compilation, beside the model: every option, typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Open sizes, outputs and weights of the model.
    pub model: source::Options,
    /// The machine.
    pub target: Target,
    /// Threads that one inference runs on.
    pub threads: usize,
    /// A file of tiles that were timed on the machine.
    pub tuning: Option<PathBuf>,
    /// The objective of the plan, if no limit of memory is given.
    pub objective: Objective,
    /// The most working memory.
    pub ram: Option<Ram>,
    /// The recomputation that is allowed.
    pub recompute: Option<Recompute>,
    /// The way in which inputs reach the network.
    pub feed: Feed,
    /// The numbers that the network must compute on; those of the model where none are named.
    pub dtype: Option<Storage>,
    /// Pictures of the model's use, or directories of them.
    pub calibration: Vec<PathBuf>,
    /// The most pictures to calibrate with.
    pub limit: usize,
    /// The settings by which a float model is quantised.
    pub quantize: Settings,
    /// The tiles of outputs of convolutions between transforms.
    pub winograd: WinogradTiles,
    /// The arithmetic of requantisation.
    pub requant: Arithmetic,
    /// The form of the input image; as the model takes it, if absent.
    pub input_format: Option<Format>,
    /// True if blue comes first.
    pub bgr: bool,
    /// Value of white before mean and deviation.
    pub scale: Scale,
    /// Subtracted from each value of the picture.
    pub mean: Vec<f32>,
    /// Divides each difference.
    pub deviation: Vec<f32>,
    /// The form of the output.
    pub output: Answer,
    /// Name of the network; after its file where nothing is said.
    pub name: Option<String>,
    /// The source of the program's weights.
    pub weights: Weights,
    /// True if the module describes each of its kernels.
    pub layers: bool,
    /// True if the module holds the runtime too.
    pub standalone: bool,
    /// Names of the rows that were given.
    pub(super) given: BTreeSet<&'static str>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            model: source::Options::default(),
            target: Target::GENERIC,
            threads: 1,
            tuning: None,
            objective: Objective::Speed,
            ram: None,
            recompute: None,
            feed: Feed::Caller,
            dtype: None,
            calibration: Vec::new(),
            limit: 128,
            quantize: Settings::default(),
            winograd: WinogradTiles::Auto,
            requant: Arithmetic::Float,
            input_format: None,
            bgr: false,
            scale: Scale::Unit,
            mean: Vec::new(),
            deviation: Vec::new(),
            output: Answer::Raw,
            name: None,
            weights: Weights::Embed,
            layers: false,
            standalone: false,
            given: BTreeSet::new(),
        }
    }
}

/// One option.
#[derive(Debug)]
pub struct Row {
    /// Its name, by which messages mention it.
    pub name: &'static str,
    /// The command line's flag, without its dashes.
    pub flag: &'static str,
    /// The builder's method; with its brackets where it takes nothing for a value.
    pub method: &'static str,
    /// The key of `mobilenet!`; of two rows with one, a text in quotes is for that which takes a path.
    pub key: &'static str,
    /// The group that it is listed in.
    pub group: Group,
    /// The form of its value.
    pub takes: Takes,
    /// The value as help shows it.
    pub value: &'static str,
    /// The value where none is given, as help shows it; empty where that is nothing.
    pub default: &'static str,
    /// Help in one line; more of it behind an empty one.
    pub about: &'static str,
    /// Options that it cannot be given with.
    pub excludes: &'static [&'static str],
    /// An option that it means nothing without; empty where there is none.
    pub needs: &'static str,
    /// Reads one item of the value.
    pub read: Read,
}

/// Reads one item of an option's value into the request.
pub type Read = fn(&mut Request, &str) -> Result<()>;

/// Groups of options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Reading of the model.
    Model,
    /// The machine.
    Machine,
    /// The plan of the memory.
    Memory,
    /// The numbers that are computed on.
    Numbers,
    /// Pictures and answers.
    ModelIo,
    /// The file that is written.
    File,
}

impl Group {
    /// The heading over its options in help.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Model => "Model",
            Self::Machine => "Machine",
            Self::Memory => "Memory",
            Self::Numbers => "Numbers",
            Self::ModelIo => "Input and output",
            Self::File => "Emitted file",
        }
    }
}

/// The form of an option's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None: it is given, or not.
    Switch,
    /// A word that stands for itself.
    Word,
    /// A number.
    Number,
    /// A text.
    Text,
    /// The path of a file.
    Path,
    /// One number or several.
    Numbers,
    /// One text or several, apart by commas on a command line.
    Names,
    /// One text or several, apart by spaces on a command line.
    Texts,
    /// Paths of files or directories, apart by spaces on a command line.
    Paths,
    /// A name and what belongs to it, any number of times.
    Pairs,
}

/// Every option, in the order of `--help`.
pub const ROWS: &[Row] = &[
    Row::new("dims", Group::Model, Takes::Pairs, "NAME=N", |it, text| {
        let (name, size) = pair(text)?;
        it.model.sizes.dims.insert(name.to_owned(), positive(size)?);
        Ok(())
    })
    .called("dim", "dim")
    .about("Size of a named open dimension"),
    Row::new("input_shapes", Group::Model, Takes::Pairs, "NAME=SHAPE", |it, text| {
        let (name, shape) = pair(text)?;
        let shape = shape.split(['x', ',']).map(positive).collect::<Result<_>>()?;
        it.model.sizes.input_shapes.insert(name.to_owned(), shape);
        Ok(())
    })
    .called("input-shape", "input_shape")
    .about("Whole shape of an input, such as image=1x3x224x224"),
    Row::new("outputs", Group::Model, Takes::Names, "NAME[,NAME]", |it, text| {
        it.model.sizes.outputs.push(text.to_owned());
        Ok(())
    })
    .about("Values of the ONNX graph that become its outputs, in this order; what only later nodes need is dropped"),
    Row::new("state", Group::Model, Takes::Pairs, "IN=OUT", |it, text| {
        let (input, output) = named(text)?;
        it.model.states.push((input.to_owned(), output.to_owned()));
        Ok(())
    })
    .about(
        "Keep the output OUT between calls, in the network's own memory, as the input IN of the next: neither is passed. It \
         starts as zeros",
    ),
    Row::new("seed", Group::Model, Takes::Number, "SEED", |it, text| {
        let seed = text.parse().ok();
        let seed = seed.ok_or_else(|| spec(format!("{text:?} is not a whole number")))?;
        it.model.seed = Some(seed);
        Ok(())
    })
    .or("0")
    .about("Draw a spec's weights at random from this seed"),
    Row::new("weights_file", Group::Model, Takes::Path, "FILE", |it, text| {
        path(&mut it.model.weights, text)
    })
    .called("weights-file", "weights")
    .keyed("weights")
    .about("Take a spec's weights from this safetensors file")
    .excludes(&["seed"]),
    Row::new("target", Group::Machine, Takes::Word, "TARGET", |it, text| set(&mut it.target, text))
        .or("generic")
        .about("The machine to compile for; `mnv2c targets` lists them"),
    Row::new("threads", Group::Machine, Takes::Number, "N", |it, text| {
        let count = text.parse().ok().filter(|count| (1..=64).contains(count));
        it.threads = count.ok_or_else(|| {
            spec(format!("{text:?} is not a number of threads; give one from 1 to 64"))
        })?;
        Ok(())
    })
    .or("1")
    .about("Threads that one inference runs on"),
    Row::new("objective", Group::Memory, Takes::Word, "speed|ram", |it, text| {
        set(&mut it.objective, text)
    })
    .or("speed")
    .about("Objective of the plan: speed, or ram, the smallest arena")
    .excludes(&["ram"]),
    Row::new("ram", Group::Memory, Takes::Number, "BYTES", |it, text| some(&mut it.ram, text))
        .about("Take the fastest plan whose arena has at most so many bytes (such as 300000, 300K, 1M)"),
    Row::new("recompute", Group::Memory, Takes::Number, "F", |it, text| some(&mut it.recompute, text))
        .or("1.0")
        .about("Allow up to so many times the network's multiply-adds, where recomputing a value saves memory"),
    Row::new("feed", Group::Memory, Takes::Word, "caller|arena|rows", |it, text| {
        set(&mut it.feed, text)
    })
    .or("caller")
    .about("How the input reaches the network: the caller's array, the arena, or a function asked for rows"),
    Row::new("dtype", Group::Numbers, Takes::Word, "f32|f16|bf16|int8", |it, text| {
        some(&mut it.dtype, text)
    })
    .or("as the model has it")
    .about(
        "Compute on floats, which f16 and bf16 store in half the memory, weights too, or on bytes, quantised by the \
         pictures of its use; a quantised model needs neither. Where the machine multiplies pairs of bf16, that is faster",
    ),
    Row::new("winograd", Group::Numbers, Takes::Word, "off|2|4|auto", |it, text| {
        set(&mut it.winograd, text)
    })
    .or("auto")
    .about(
        "Tiles of 2 or 4 outputs a side in which dense 3x3 convolutions of floats save products, where the plan is for \
         speed: faster, with more weights; sums differ in the last places, and what is not finite spreads in its tile",
    ),
    Row::new("calibration", Group::Numbers, Takes::Paths, "DIR|FILE", |it, text| {
        it.calibration.push(text.into());
        Ok(())
    })
    .called("calib", "calibration")
    .about("Pictures of the model's use, or directories of them: .png, .jpg, or .npy of one input or of several"),
    Row::new("limit", Group::Numbers, Takes::Number, "N", |it, text| {
        it.limit = positive(text)?;
        Ok(())
    })
    .or("128")
    .about("Most pictures to use"),
    Row::new("observer", Group::Numbers, Takes::Word, "minmax|percentile|entropy", |it, text| {
        set(&mut it.quantize.observer, text)
    })
    .or("minmax")
    .about("How ranges follow from what is seen: minmax, percentile (99.99 % of values) or entropy"),
    Row::new("no_equalize", Group::Numbers, Takes::Switch, "", |it, text| {
        it.quantize.equalize = !truth(text)?;
        Ok(())
    })
    .called("no-equalize", "no_equalize")
    .about("Do not scale channels between layers to like ranges"),
    Row::new("no_bias_correction", Group::Numbers, Takes::Switch, "", |it, text| {
        it.quantize.correct = !truth(text)?;
        Ok(())
    })
    .called("no-bias-correction", "no_bias_correction")
    .about("Do not correct biases for what rounding the weights adds on average"),
    Row::new("keep_f32", Group::Numbers, Takes::Texts, "LAYER", |it, text| {
        it.quantize.keep.insert(text.to_owned());
        Ok(())
    })
    .called("keep-f32", "keep_f32")
    .about("Layers to compute in floats, by the names that the report of `mnv2c quantize` gives"),
    Row::new("requant", Group::Numbers, Takes::Word, "float|fixed", |it, text| {
        set(&mut it.requant, text)
    })
    .or("float")
    .about(
        "What a quantised model rounds its sums by: float, as ONNX defines it, or fixed, integers alone for machines \
         without floats, at most one step apart",
    ),
    Row::new("input_format", Group::ModelIo, Takes::Word, "u8-nhwc|f32-nchw|f32-nhwc", |it, text| {
        some(&mut it.input_format, text)
    })
    .called("input-format", "input_format")
    .or("as the model takes it")
    .about("How the network is given its picture, before mean and deviation, which are folded into it"),
    Row::new("bgr", Group::ModelIo, Takes::Switch, "", |it, text| {
        it.bgr = truth(text)?;
        Ok(())
    })
    .about("The picture is given blue first, where the model takes red first")
    .needs("input_format"),
    Row::new("scale", Group::ModelIo, Takes::Word, "unit|raw", |it, text| set(&mut it.scale, text))
        .or("unit")
        .about("Value of white before mean and deviation: 1 for unit, 255 for raw"),
    Row::new("mean", Group::ModelIo, Takes::Numbers, "M[,M,M]", |it, text| {
        let number = text.trim().parse().ok().filter(|number: &f32| number.is_finite());
        it.mean.push(number.ok_or_else(|| spec(format!("{text:?} is not a number")))?);
        Ok(())
    })
    .or("0")
    .about("Subtracted from each value: one number, or one a channel of the model"),
    Row::new("std", Group::ModelIo, Takes::Numbers, "S[,S,S]", |it, text| {
        let number = text.trim().parse().ok().filter(|number: &f32| number.is_normal());
        it.deviation.push(number.ok_or_else(|| spec(format!("{text:?} is no number to divide by")))?);
        Ok(())
    })
    .or("1")
    .about("Divides each difference: one number, or one a channel of the model"),
    Row::new("output", Group::ModelIo, Takes::Word, "raw|softmax|argmax|top5", |it, text| {
        set(&mut it.output, text)
    })
    .or("raw")
    .about("What the network gives: its output, probabilities, the likeliest class, or the five likeliest"),
    Row::new("tuning", Group::Machine, Takes::Path, "FILE.json", |it, text| path(&mut it.tuning, text))
        .called("tune", "tuning")
        .about(
            "Take the fastest tiles of each layer from FILE; the command line times the few best of those that it lacks on \
             this machine\n\nA layer that FILE holds already is not timed again. It is the machine that FILE is true for: keep \
             one for each.",
        ),
    Row::new("name", Group::File, Takes::Text, "NAME", |it, text| {
        it.name = Some(text.to_owned());
        Ok(())
    })
    .or("the model's file name")
    .about("What the file calls the network"),
    Row::new("standalone", Group::File, Takes::Switch, "", |it, text| {
        it.standalone = truth(text)?;
        Ok(())
    })
    .about("Put the runtime and the weights into the file too")
    .excludes(&["weights"]),
    Row::new("weights", Group::File, Takes::Word, "embed|extern", |it, text| {
        set(&mut it.weights, text)
    })
    .called("weights", "weights_apart()")
    .or("embed")
    .about(
        "Where the program finds its weights: embed, in itself, or extern, in the bytes of the .bin that it passes to \
         `Weights::from_bytes`",
    ),
    Row::new("layers", Group::File, Takes::Switch, "", |it, text| {
        it.layers = truth(text)?;
        Ok(())
    })
    .about("Let the file say what each of its kernels is, as the const LAYERS"),
];

impl Row {
    const fn new(
        name: &'static str,
        group: Group,
        takes: Takes,
        value: &'static str,
        read: Read,
    ) -> Self {
        let (flag, method, key, default, about) = (name, name, name, "", "");
        let (excludes, needs) = (&[], "");
        Self { name, flag, method, key, group, takes, value, default, about, excludes, needs, read }
    }

    /// This row with a flag and a method of other names.
    const fn called(self, flag: &'static str, method: &'static str) -> Self {
        Self { flag, method, ..self }
    }

    /// This row with a key of another name.
    const fn keyed(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    const fn needs(self, needs: &'static str) -> Self {
        Self { needs, ..self }
    }

    const fn excludes(self, excludes: &'static [&'static str]) -> Self {
        Self { excludes, ..self }
    }
}
