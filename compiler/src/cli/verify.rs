//! `mnv2c verify`: the oracle, loop programs and emitted ones against recorded answers.

mod calls;
mod given;
mod kept;
mod near;
mod verdict;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc;

use clap::ValueEnum;
use mnv2c::error::{Error, Result};
use mnv2c::executable;
use mnv2c::files::Scratch;
use mnv2c::frontend::onnx::Summary;
use mnv2c::interp::{self, Array};
use mnv2c::ir::{Arithmetic, Graph};
use mnv2c::objective::{Memory, Storage};
use mnv2c::options::{Door, Request};
use mnv2c::pass::{self, Skips, legalize_quant, lower_precision};
use mnv2c::schedule::Port;
use mnv2c::source::{Model, Options, Source};
use mnv2c::{Artifact, sequence, shadow};

use crate::cli::args::{Format, FormatArgs, Verifies, typed};
use crate::cli::build;
use crate::cli::case::{self, Case};
use crate::cli::compare::{Kind, Tolerance, distance};
use crate::cli::flags::OptionArgs;
use crate::cli::progress::Progress;
use crate::cli::steps;
use crate::cli::{Done, Outcome, output, run as program_run};
use verdict::{Found, Report, summary};

/// Smallest relative tolerance that is of use where weights or values are 16-bit floats, and the record was computed in
/// 32: 53 layers of random weights multiply what rounding adds.
const HALF_TOLERANCE: f32 = 3e-2;
/// The tolerance for bf16, whose significands have 8 bits and not 11.
const BRAIN_TOLERANCE: f32 = 8.0 * HALF_TOLERANCE;
/// The tolerance for 32-bit weights.
const TOLERANCE: f32 = 2e-4;
/// Steps of its last quantisation that an output may be off: some sum inside rounded to the next byte.
const STEPS: u32 = 1;
/// The tolerance where quantised outputs are compared with those of floats.
const BYTES_TOLERANCE: f32 = 0.5;

/// Run models on recorded inputs and compare with recorded outputs
///
/// Two answer by default, and neither needs rustc: the oracle, plain loops over the graph; and the loop program that
/// `compile` prints, run here over the memory of its plan, where each call must find what it should. `--against emitted`
/// builds the emitted program and runs that, on any machine that --runner reaches; `--against all` asks all three.
///
/// With --dtype int8, programs must answer what plain loops on bytes answer, and that is compared with the record. With
/// --requant fixed, plain loops with floats are compared with the record, each operator's bytes may be one step from
/// theirs, and programs must answer what plain loops without floats answer.
///
/// A DIR holds model.onnx or model.tflite and input_K.npy with output_K.npy, or ONNX's test_data_set_*/{input,output}_K.pb. Open
/// dimensions are taken from the inputs. Of a model that keeps state the arrays may hold several calls, one after another
/// along a leading dimension.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mnv2c verify zoo/* --format json
  mnv2c verify dogs --objective ram --feed rows --target armv8
  mnv2c verify dogs --against emitted --target x86-64-v3 --target generic --rtol 1e-5
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
    /// [default: 2e-4; 3e-2 for f16 weights or --dtype f16; 0.24 for --dtype bf16; 0.5 for --dtype int8, where the
    /// program must still agree with the oracle to 2e-4]
    #[arg(long)]
    rtol: Option<f32>,
    /// Steps of its last quantisation that an output of a quantised model may differ from the record; the program must
    /// agree with the oracle whatever is given. A record of onnxruntime with its optimisations and one without may be
    /// several apart: where both are there, their distance is told [default: 1, and 0 with --rtol]
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Who is compared with the record [default: oracle and program; with --runner oracle and emitted]
    #[arg(long, value_enum)]
    against: Option<Side>,
    /// Take output_K_NAME.npy, and input_K_NAME.npy where there is one: another case that the directories hold
    #[arg(long = "case", value_name = "NAME", default_value = "")]
    case: String,
    #[command(flatten)]
    options: OptionArgs<Verifies>,
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
    #[value(alias = "interp")]
    Oracle,
    /// The loop program, run here without rustc
    Program,
    /// The emitted program, built by rustc
    Emitted,
    /// All three
    All,
}

impl Args {
    /// Who answers.
    fn sides(&self) -> &'static [Side] {
        match (self.against, &self.runner) {
            (Some(Side::Oracle), _) => &[Side::Oracle],
            (Some(Side::Program), _) => &[Side::Program],
            (Some(Side::Emitted), _) => &[Side::Emitted],
            (Some(Side::All), _) => &[Side::Oracle, Side::Program, Side::Emitted],
            (None, Some(_)) => &[Side::Oracle, Side::Emitted],
            (None, None) => &[Side::Oracle, Side::Program],
        }
    }
}

/// The numbers that the program shares with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kin {
    /// Those of the model as it was read.
    Same,
    /// Bytes that may be a step off.
    Steps,
    /// Bytes where the record has floats.
    Bytes,
}

impl Kin {
    /// The kinship of a program of `graph` to the model itself.
    fn of(request: &Request, graph: &Graph) -> Self {
        match graph.is_quantised() {
            _ if request.calibrates() => Self::Bytes,
            true => Self::Steps,
            false => Self::Same,
        }
    }
}

/// One model on one machine, by one plan.
struct Job<'a> {
    dir: &'a Path,
    request: &'a Request,
}

pub(crate) fn run(args: &Args) -> Done {
    if args.runner.is_some() && !args.sides().contains(&Side::Emitted) {
        let what =
            "--runner runs emitted programs, and --against names none; leave out one of them";
        return Err(Error::Spec(what.into()));
    }
    let requests = args.options.requests();
    requests.iter().try_for_each(Request::check_folded)?;
    let jobs: Vec<Job<'_>> = args
        .dirs
        .iter()
        .flat_map(|dir| requests.iter().map(move |request| Job { dir, request }))
        .collect();
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
        let mut worst = Found::NONE;
        for case in &suite.cases {
            let found = verify(args, job, &source, case);
            worst = worst.worse(found.map_err(|error| in_case(case, error))?);
        }
        Ok(worst)
    });
    Report {
        name,
        target: job.request.target(),
        memory: job.request.memory(),
        result: result.map_err(|error| Door::CommandLine.told(&error)),
    }
}

fn in_case(case: &Case, error: Error) -> Error {
    match case.name.as_str() {
        "" => error,
        name => Error::Program(format!("{name}: {}", error.message())),
    }
}

/// The distance of the model's outputs from the record of one case.
fn verify(args: &Args, job: &Job<'_>, source: &Source, case: &Case) -> Result<Found> {
    let summary = source.summary()?;
    let summary = summary.as_ref();
    let calls = calls::of(case.inputs()?, summary, &job.request.model)?;
    let (options, default) = bound(job.request, summary, &calls[0]);
    let model = typed(source.model(&options)?, job.request)?;
    let given = |inputs| given::to_graph(kept::inputs(inputs, summary, &model.graph), &model.graph);
    let inputs: Vec<Vec<Array>> = calls.into_iter().map(given).collect::<Result<_>>()?;
    let recorded = |outputs| kept::outputs(outputs, summary, &model.graph);
    let expected = recorded(case.outputs()?);
    if expected.is_empty() {
        let what = "no output is recorded that --outputs names; leave it out";
        return Err(Error::Spec(what.into()));
    }
    let kin = Kin::of(job.request, &model.graph);
    let mut found = Found::NONE;
    let kinds = near::kinds(&model.graph);
    if kin != Kin::Bytes {
        found.record = told_apart(recorded(case.others()?), &expected, &kinds)?;
    }
    let expected = calls::expected(expected, inputs.len(), &model.graph);
    let mut record =
        Record { expected, kinds, within: tolerance(args, job.request, default, kin), kin };
    if args.sides().contains(&Side::Oracle) || kin != Kin::Same {
        ask_oracle(args, job, &model.graph, &inputs, (&mut record, &mut found))?;
    }
    let compiled = [Side::Program, Side::Emitted].iter().any(|side| args.sides().contains(side));
    if compiled {
        record.tell(&model.graph, job.request.output);
        for (who, answers) in answered(args, job, source, model, inputs)? {
            let far = record.compared(who, &answers)?;
            found.compared = found.compared.worse(far);
        }
    }
    Ok(found)
}

/// The arrays of each call.
type Calls = Vec<Vec<Array>>;

/// The answers that are expected.
struct Record {
    /// Of each call, by number of the output.
    expected: Vec<BTreeMap<usize, Array>>,
    kinds: Vec<Kind>,
    within: Tolerance,
    kin: Kin,
}

impl Record {
    /// The distance of answers to each call.
    fn compared(&self, who: &str, answers: &[Vec<Array>]) -> Result<near::Compared> {
        let mut worst = near::Compared::NONE;
        for (answers, expected) in answers.iter().zip(&self.expected) {
            worst = worst.worse(near::compared(who, answers, expected, &self.kinds, self.within)?);
        }
        Ok(worst)
    }

    /// Expects what is told of each answer.
    fn tell(&mut self, graph: &Graph, answer: mnv2c::model_io::Answer) {
        for call in &mut self.expected {
            call.values_mut().for_each(|output| *output = answer.told(graph, output));
        }
    }
}

/// Compares the oracle with the record; where numbers are not those of the record, its answers are what programs give.
fn ask_oracle(
    args: &Args,
    job: &Job<'_>,
    graph: &Graph,
    inputs: &[Vec<Array>],
    (record, found): (&mut Record, &mut Found),
) -> Result<()> {
    let mut graph = oracle(graph, job.request.memory())?;
    let arithmetic = graph.arithmetic;
    if arithmetic == Arithmetic::Fixed {
        graph.arithmetic = Arithmetic::Float;
    }
    let mut answers = interp::calls(&graph, inputs)?;
    found.compared = record.compared("the oracle", &answers)?;
    if arithmetic == Arithmetic::Fixed {
        found.rounded = Some(steps::count(&graph, &inputs[0])?);
        graph.arithmetic = arithmetic;
        answers = interp::calls(&graph, inputs)?;
    }
    if record.kin != Kin::Same {
        for (expected, answers) in record.expected.iter_mut().zip(&answers) {
            expected.iter_mut().for_each(|(at, output)| output.clone_from(&answers[*at]));
        }
        record.within.relative = args.rtol.map_or(TOLERANCE, |rtol| rtol.min(TOLERANCE));
        record.within.steps = 0;
    }
    Ok(())
}

/// The tolerance of the oracle against the record: `default` of its largest magnitude for the file's own numbers.
fn tolerance(args: &Args, request: &Request, default: f32, kin: Kin) -> Tolerance {
    let relative = match (kin, request.memory().storage) {
        (Kin::Bytes, _) => BYTES_TOLERANCE,
        (_, Storage::F16) => HALF_TOLERANCE,
        (_, Storage::Bf16) => BRAIN_TOLERANCE,
        (_, Storage::F32 | Storage::Int8) => default,
    };
    let steps = args.steps.unwrap_or(if args.rtol.is_none() { STEPS } else { 0 });
    Tolerance { absolute: args.atol, relative: args.rtol.unwrap_or(relative), steps }
}

/// Steps between two answers of the runtime that made the record.
fn told_apart(
    others: BTreeMap<usize, Array>,
    recorded: &BTreeMap<usize, Array>,
    kinds: &[Kind],
) -> Result<BTreeMap<usize, u32>> {
    let mut steps = BTreeMap::new();
    for (at, other) in others {
        let (Some(recorded), Some(kind)) = (recorded.get(&at), kinds.get(at)) else { continue };
        let any = Tolerance { absolute: f32::INFINITY, relative: 0.0, steps: 0 };
        let far = distance(recorded, &other, *kind, any).map_err(Error::Program)?;
        steps.extend(far.steps.map(|steps| (at, steps)));
    }
    Ok(steps)
}

/// The graph that plain loops run: where values are stored in 16 bits, that of the program, which says
/// which.
fn oracle(graph: &Graph, memory: Memory) -> Result<Graph> {
    let mut graph = legalized(graph)?;
    if memory.storage.half().is_some() {
        pass::run_all(&mut graph, |_, _, _| ())?;
        lower_precision::run(&mut graph, memory)?;
    }
    Ok(graph)
}

/// The answers to each call of the loop program and of the emitted one, as far as they are asked, each by its name.
fn answered(
    args: &Args,
    job: &Job<'_>,
    source: &Source,
    model: Model,
    inputs: Vec<Vec<Array>>,
) -> Result<Vec<(&'static str, Calls)>> {
    let ends = job.request.model_io();
    let given = |inputs| given::to_program(inputs, ends.picture.as_ref());
    let given: Vec<Vec<Array>> = inputs.into_iter().map(given).collect::<Result<_>>()?;
    let artifact = build::for_program(source, model, job.request)?;
    let mut answers = Vec::new();
    if args.sides().contains(&Side::Program) {
        let mut calls = shadow::execute_calls(&artifact, &given)?;
        if artifact.schedule.ranking.is_some() {
            for scores in calls.iter_mut().flatten() {
                *scores = ends.answer.told(&artifact.graph, scores);
            }
        }
        answers.push(("the loop program", calls));
    }
    if args.sides().contains(&Side::Emitted) {
        answers.push(("the program", emitted(args, job, &artifact, &given)?));
    }
    Ok(answers)
}

/// The answers of the emitted program to each call, built by rustc.
fn emitted(
    args: &Args,
    job: &Job<'_>,
    artifact: &Artifact,
    given: &[Vec<Array>],
) -> Result<Vec<Vec<Array>>> {
    let built = executable::build(artifact, &job.request.target())?;
    let scratch = Scratch::new(&std::env::temp_dir())?;
    let (runner, dir) = (args.runner.as_deref(), &scratch.path);
    let ports = executable::outputs(artifact);
    let one = |at: usize| given.iter().map(|inputs| inputs[at].clone()).collect::<Vec<_>>();
    let inputs = (0..given[0].len()).filter_map(|at| sequence::joined(&one(at)));
    let inputs: Vec<Array> = inputs.collect();
    let answers = program_run::infer(runner, &built.path, &inputs, ports.len(), dir, dir)?;
    let call = |at: usize| {
        let of = |(answer, port): (&Array, &Port)| {
            sequence::part(answer, at, given.len(), port.shape.len())
        };
        answers.iter().zip(&ports).map(of).collect()
    };
    Ok((0..given.len()).map(call).collect())
}

/// The model as it was read, but computing on bytes what lies between bytes: rounding is part of such a model's meaning.
fn legalized(graph: &Graph) -> Result<Graph> {
    let mut graph = graph.clone();
    legalize_quant::run(&mut graph, &mut Skips::new())?;
    Ok(graph)
}

/// Options for reading the model, its open dimensions as the recorded inputs have them, and the tolerance that its
/// weights allow.
fn bound(request: &Request, summary: Option<&Summary>, inputs: &[Array]) -> (Options, f32) {
    let mut options = request.model.clone();
    let Some(summary) = summary else { return (options, TOLERANCE) };
    // A record that lacks states lists the other inputs.
    let lacks = inputs.len() < summary.inputs.len();
    let was = |name: &&String| options.states.iter().any(|(input, _)| input == *name);
    let names = summary.inputs.iter().filter(|name| !lacks || !was(name)).cloned();
    let shapes = names.zip(inputs.iter().map(|input| input.shape.clone()));
    options.sizes.input_shapes = shapes.collect();
    let tolerance = if summary.has_half_weights { HALF_TOLERANCE } else { TOLERANCE };
    (options, tolerance)
}
