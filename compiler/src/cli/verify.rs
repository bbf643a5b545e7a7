//! `mnv2c verify`: emitted programs and the oracle against recorded answers.

mod verdict;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc;

use clap::ValueEnum;
use mnv2c::ends::{Form, Picture};
use mnv2c::error::{Error, Result};
use mnv2c::files::Scratch;
use mnv2c::interp::{self, Array};
use mnv2c::ir::{Arithmetic, Dtype, Graph, Values};
use mnv2c::objective::{Memory, Storage};
use mnv2c::pass::{self, Skips, settle_quant, store_halves};
use mnv2c::program;
use mnv2c::source::{Model, Options, Source};
use mnv2c::target::Target;

use crate::cli::args::{self, Format, FormatArgs, MemoryArgs};
use crate::cli::build::Wish;
use crate::cli::case::{self, Case};
use crate::cli::compare::{Distance, Tolerance, distance};
use crate::cli::ends::EndsArgs;
use crate::cli::numbers::{Kin, NumbersArgs};
use crate::cli::progress::Progress;
use crate::cli::steps;
use crate::cli::{Done, Outcome, compile, output, run as program_run};
use verdict::{Found, Report, summary};

/// Smallest relative tolerance that is of use where weights or values are 16-bit floats, and the record was computed in
/// 32: 53 layers of random weights multiply what rounding adds.
const HALF_TOLERANCE: f32 = 3e-2;
/// The same for brain floats, whose significands have 8 bits and not 11.
const BRAIN_TOLERANCE: f32 = 8.0 * HALF_TOLERANCE;
/// The same for 32-bit weights.
const TOLERANCE: f32 = 2e-4;
/// The same where a byte inside may be a step off: what is recorded rounded sums of floats, say. One such step moves all
/// that follows; onnxruntime's own answers differ by 0.15 with and without its optimisations.
const STEPS_TOLERANCE: f32 = 0.2;
/// The same where bytes are compared with floats.
const BYTES_TOLERANCE: f32 = 0.5;

/// Run models on recorded inputs and compare with recorded outputs
///
/// With --dtype int8, programs must answer what plain loops on bytes answer, and that is compared with the record. With
/// --requant fixed, plain loops with floats are compared with the record, each operator's bytes may be one step from
/// theirs, and programs must answer what plain loops without floats answer.
///
/// A DIR holds model.onnx and input_K.npy with output_K.npy, or ONNX's test_data_set_*/{input,output}_K.pb. Open
/// dimensions are taken from the inputs.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c verify zoo/* --format json
  mnv2c verify dogs --target x86-64-v3 --target generic --rtol 1e-5
  mnv2c verify dogs --threads 1 --threads 2")]
pub(crate) struct Args {
    /// Directories of recorded answers
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
    /// Difference that always passes
    #[arg(long, default_value_t = 1e-7)]
    atol: f32,
    /// Difference that passes, as a part of the recorded output's largest magnitude; of an output of 16-bit floats the
    /// next one passes too
    /// [default: 2e-4; 3e-2 for f16 weights or --dtype f16; 0.24 for --dtype bf16; 0.2 for layers between QuantizeLinear and DequantizeLinear; 0.5
    /// for --dtype int8; where bytes may be a step off, the program must still agree with the oracle to 2e-4]
    #[arg(long)]
    rtol: Option<f32>,
    /// Compare only one of the two with the record [default: both]
    #[arg(long, value_enum)]
    against: Option<Side>,
    /// Take output_K_NAME.npy, and input_K_NAME.npy where there is one: another case that the directories hold
    #[arg(long = "case", value_name = "NAME", default_value = "")]
    case: String,
    /// A machine to compile for; may be given several times
    #[arg(
        long = "target",
        value_name = "TARGET",
        default_value = "host",
        value_parser = args::target
    )]
    targets: Vec<Target>,
    /// Threads that one inference runs on; may be given several times
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        value_parser = clap::value_parser!(u8).range(1..=64)
    )]
    threads: Vec<u8>,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    ends: EndsArgs,
    #[command(flatten)]
    numbers: NumbersArgs,
    /// A command that runs programs of the target, such as "qemu-aarch64 -L /usr/aarch64-linux-gnu"
    #[arg(long, value_name = "CMD")]
    runner: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Side {
    /// Plain loops over the imported graph
    Interp,
    /// The compiled program
    Emitted,
}

/// One model on one machine.
struct Job<'a> {
    dir: &'a Path,
    target: Target,
}

pub(crate) fn run(args: &Args) -> Done {
    if args.against == Some(Side::Interp) && args.runner.is_some() {
        let what = "--runner runs programs, and --against interp makes none; leave out one of them";
        return Err(Error::Spec(what.into()));
    }
    let machines = args.targets.iter().flat_map(|target| {
        args.threads.iter().map(|threads| Target { threads: (*threads).into(), ..*target })
    });
    let machines: Vec<Target> = machines.collect();
    let jobs = args.dirs.iter().flat_map(|dir| machines.iter().map(move |target| (dir, *target)));
    let jobs: Vec<Job<'_>> = jobs.map(|(dir, target)| Job { dir, target }).collect();
    let reports = side_by_side(args, &jobs)?;
    let failing: Vec<&Report> = reports.iter().filter(|report| !report.passes()).collect();
    match args.format.format {
        Format::Human => output::line(&summary(reports.len(), &failing))?,
        Format::Json => output::json(&reports.iter().map(Report::json).collect())?,
    }
    Ok(if failing.is_empty() { Outcome::Well } else { Outcome::Failed })
}

/// Does all jobs, as many at once as there are cores, and prints their lines in order.
fn side_by_side(args: &Args, jobs: &[Job<'_>]) -> Result<Vec<Report>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let queue = Mutex::new(jobs.iter().enumerate());
    let next = || queue.lock().expect("taking a job does not panic").next();
    let (sender, receiver) = mpsc::channel();
    let mut progress = Progress::new("verifying");
    std::thread::scope(|scope| {
        for _ in 0..cores.min(jobs.len()) {
            let sender = sender.clone();
            scope.spawn(move || {
                while let Some((at, job)) = next() {
                    if sender.send((at, report(args, job))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let (mut early, mut reports) = (BTreeMap::new(), Vec::new());
        for (at, report) in receiver {
            early.insert(at, report);
            progress.say("");
            while let Some(report) = early.remove(&reports.len()) {
                if args.format.format == Format::Human {
                    output::line(&report.line())?;
                }
                reports.push(report);
            }
            progress.say(&format!("verifying: {} of {} done", reports.len(), jobs.len()));
        }
        Ok(reports)
    })
}

fn report(args: &Args, job: &Job<'_>) -> Report {
    let mut name = job.dir.display().to_string();
    let result = case::suite(job.dir, &args.case).and_then(|suite| {
        name.clone_from(&suite.name);
        let model = suite.model.to_string_lossy();
        let source = Source::open(&model)?;
        let mut worst = Found { far: Distance::NONE, steps: None };
        for case in &suite.cases {
            let found = verify(args, job, &source, case);
            worst = worst.worse(found.map_err(|error| in_case(case, error))?);
        }
        Ok(worst)
    });
    Report { name, target: job.target, result: result.map_err(|error| error.to_string()) }
}

fn in_case(case: &Case, error: Error) -> Error {
    if case.name.is_empty() { error } else { Error::Program(format!("{}: {error}", case.name)) }
}

/// How far the model's answers are from the record of one case.
fn verify(args: &Args, job: &Job<'_>, source: &Source, case: &Case) -> Result<Found> {
    let (inputs, recorded) = (case.inputs()?, case.outputs()?);
    let (options, default, kin) = bound(source, &inputs)?;
    let kin = kin.max(args.numbers.kin());
    let memory = memory(args);
    let default = match memory.storage {
        Storage::F16 => HALF_TOLERANCE,
        Storage::Bf16 => BRAIN_TOLERANCE,
        Storage::F32 | Storage::Int8 => default,
    };
    let default = match kin {
        Kin::Same => default,
        Kin::Steps => default.max(STEPS_TOLERANCE),
        Kin::Bytes => BYTES_TOLERANCE,
    };
    let model = args.numbers.typed(source.model(&options)?, &args.ends.normalisation())?;
    let types = model.graph.outputs.iter().map(|output| model.graph.node(output.node).out.dtype);
    let types: Vec<Dtype> = types.collect();
    let tolerance = Tolerance { absolute: args.atol, relative: args.rtol.unwrap_or(default) };
    let mut found = Found { far: Distance::NONE, steps: None };
    let (mut expected, mut within) = (recorded, tolerance);
    if args.against != Some(Side::Emitted) || kin != Kin::Same {
        let mut graph = oracle(&model.graph, memory)?;
        let arithmetic = std::mem::take(&mut graph.arithmetic);
        let mut answers = interp::run(&graph, &inputs)?;
        found.far = compared("the oracle", &answers, &expected, &types, tolerance)?;
        if arithmetic == Arithmetic::Fixed {
            found.steps = Some(steps::count(&graph, &inputs)?);
            graph.arithmetic = arithmetic;
            answers = interp::run(&graph, &inputs)?;
        }
        if kin != Kin::Same {
            expected.iter_mut().for_each(|(at, output)| output.clone_from(&answers[*at]));
            within.relative = args.rtol.map_or(TOLERANCE, |rtol| rtol.min(TOLERANCE));
        }
    }
    if args.against != Some(Side::Interp) {
        let answer = args.ends.ends()?.answer;
        let told = expected.iter().map(|(at, output)| (*at, answer.told(&model.graph, output)));
        let told = told.collect();
        let answers = answered(args, job, source, model, inputs)?;
        found.far = found.far.worse(compared("the program", &answers, &told, &types, within)?);
    }
    Ok(found)
}

/// What is wished of the memory.
fn memory(args: &Args) -> Memory {
    Memory { storage: args.numbers.storage(), ..args.memory.memory() }
}

/// The graph that plain loops run: where values are stored in 16 bits, that of the program, which says
/// which.
fn oracle(graph: &Graph, memory: Memory) -> Result<Graph> {
    let mut graph = settled(graph)?;
    if memory.storage.half().is_some() {
        pass::run_all(&mut graph, |_, _, _| ())?;
        store_halves::run(&mut graph, memory)?;
    }
    Ok(graph)
}

/// What the program that is made of a model answers.
fn answered(
    args: &Args,
    job: &Job<'_>,
    source: &Source,
    model: Model,
    inputs: Vec<Array>,
) -> Result<Vec<Array>> {
    let wish = Wish::new(job.target, memory(args), args.ends.ends()?);
    let given = match &wish.ends.picture {
        Some(picture) => given(&inputs, picture),
        None => Ok(inputs),
    }?;
    let given: Vec<Array> = given.into_iter().map(widened).collect();
    let artifact = compile::for_program(source, model, &wish)?;
    let built = program::build(&artifact, &job.target)?;
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let (runner, dir) = (args.runner.as_deref(), &scratch.path);
    let outputs = artifact.schedule.outputs.len();
    program_run::infer(runner, &built.path, &given, outputs, dir, dir)
}

/// How far answers are from those expected, by number of the output.
fn compared(
    who: &str,
    answers: &[Array],
    expected: &BTreeMap<usize, Array>,
    types: &[Dtype],
    tolerance: Tolerance,
) -> Result<Distance> {
    let mut worst = Distance::NONE;
    for (at, expected) in expected {
        let far = match answers.get(*at) {
            Some(found) => distance(expected, found, types[*at], tolerance),
            None => Err(format!("has no output {at}")),
        };
        worst = worst.worse(far.map_err(|what| Error::Program(format!("{who}: {what}")))?);
    }
    Ok(worst)
}

/// The same as floats, if it is signed bytes: programs take none.
fn widened(input: Array) -> Array {
    match &input.values {
        Values::I8(bytes) => {
            let floats = bytes.iter().map(|q| f32::from(*q)).collect();
            Array::f32(input.shape, floats)
        }
        _ => input,
    }
}

/// What the program is given for recorded inputs: of the picture among them, what it was made of.
fn given(inputs: &[Array], picture: &Picture) -> Result<Vec<Array>> {
    let is_picture = |input: &Array| input.shape.len() == 4 && Form::of(&input.shape).is_some();
    let given = |input: &Array| {
        if is_picture(input) { picture.before(input) } else { Ok(input.clone()) }
    };
    inputs.iter().map(given).collect()
}

/// The model as it was read, but computing on bytes what lies between bytes: rounding is part of such a model's meaning.
fn settled(graph: &Graph) -> Result<Graph> {
    let mut graph = graph.clone();
    settle_quant::run(&mut graph, &mut Skips::new())?;
    Ok(graph)
}

/// The model's open dimensions as the recorded inputs have them, the tolerance that its weights allow, and how near its
/// integers are to those of the record.
fn bound(source: &Source, inputs: &[Array]) -> Result<(Options, f32, Kin)> {
    let mut options = Options::default();
    let Some(summary) = source.summary()? else {
        return Ok((options, TOLERANCE, Kin::Same));
    };
    let shapes = summary.inputs.iter().cloned().zip(inputs.iter().map(|input| input.shape.clone()));
    options.sizes.input_shapes = shapes.collect();
    let tolerance = if summary.has_half_weights { HALF_TOLERANCE } else { TOLERANCE };
    let has = |name: &&str| summary.operators.contains_key(*name);
    let between_bytes = has(&"DequantizeLinear") && ["Conv", "Gemm", "MatMul"].iter().any(has);
    Ok((options, tolerance, if between_bytes { Kin::Steps } else { Kin::Same }))
}
