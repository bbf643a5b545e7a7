//! One network before all verbs with options drawn at random: either all take it or all refuse it in the same words.
//!
//! An option may refuse what is supported without it, if it says so itself.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::{Mutex, PoisonError};

use mnv2c::Options;
use mnv2c::interp::{self, Array};
use mnv2c::ir::{Dtype, Graph, Values};
use mnv2c::model_io::{Answer, ModelIo};
use mnv2c::objective::{Feed, Memory, Objective, Recompute, Storage};
use mnv2c::quantize::{self, Settings};
use mnv2c::report::{self, table3};
use mnv2c::target::Target;

use crate::build::Model;
use crate::random::Random;

/// Options that each network is compiled with, beside none.
const DRAWN: usize = 4;

/// Messages of panics, on whichever thread: the first one is the cause of others.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The error in the answers about `model`; a panic is always one.
pub(super) fn judge(model: &Model, seed: u64) -> Result<(), String> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner).clear();
    panic::set_hook(Box::new(note));
    let judged = panic::catch_unwind(AssertUnwindSafe(|| answers(model, seed)));
    drop(panic::take_hook());
    let said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    judged.unwrap_or_else(|_| Err(said.first().cloned().unwrap_or_default()))
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let payload = info.payload();
    let words = payload.downcast_ref::<String>().map(String::as_str);
    let words = words.or(payload.downcast_ref::<&str>().copied()).unwrap_or_default();
    let words: String = words.chars().take(200).collect();
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.push(format!("panic at {place}: {words}"));
}

fn answers(model: &Model, seed: u64) -> Result<(), String> {
    // What is not read has been refused for all.
    let Ok(graph) = model.read() else { return Ok(()) };
    let mut random = Random::new(!seed);
    let plain = compiled(&graph, Target::host(), Memory::default(), Answer::Raw);
    for _ in 0..DRAWN {
        let (target, memory) = (target(&mut random), memory(&mut random));
        let answer = compiled(&graph, target, memory, Answer::Raw);
        let place = format!("{memory:?} on {target} with {} threads", target.threads);
        agree(&plain, &answer, &place, names_option)?;
        let plan = report::report(graph.clone(), &target, memory).map(drop);
        agree(&answer, &plan.map_err(words), &format!("plan for {place}"), |_| false)?;
    }
    let table = table3::entries(graph.clone()).map(drop).map_err(words);
    agree(&plain, &table, "table 3", |_| false)?;
    let told = random.pick(&[Answer::Softmax, Answer::Argmax, Answer::Top5]);
    let told = compiled(&graph, Target::host(), memory(&mut random), told);
    agree(&plain, &told, "an answer", |words| words.contains("raw") || names_option(words))?;
    let inputs = inputs(&graph, &mut random);
    let run = interp::run(&graph, &inputs).map(drop).map_err(words);
    agree(&Ok(()), &run, "plain loops", |_| false)?;
    quantised(&graph, &plain, &inputs)
}

/// Compares an answer with the one expected; `may` says which refusals of what is taken are fair.
fn agree(
    expected: &Result<(), String>,
    answer: &Result<(), String>,
    place: &str,
    may: impl Fn(&str) -> bool,
) -> Result<(), String> {
    match (expected, answer) {
        (_, Err(words)) if may(words) => Ok(()),
        _ if expected == answer => Ok(()),
        _ => Err(format!("{place}: {answer:?}, but without {expected:?}")),
    }
}

/// True if a refusal says which option it is about.
fn names_option(words: &str) -> bool {
    [
        "feed rows:",
        "feed arena:",
        "dtype f16,",
        "dtype bf16,",
        "compile with dtype f32",
        "no plan fits",
    ]
    .iter()
    .any(|it| words.contains(it))
}

fn words(error: mnv2c::error::Error) -> String {
    error.to_string()
}

fn compiled(graph: &Graph, target: Target, memory: Memory, answer: Answer) -> Result<(), String> {
    let options = Options {
        target,
        name: "net".into(),
        sha256: String::new(),
        blob_name: "net.bin".into(),
        memory,
        layers: false,
        ends: ModelIo { picture: None, answer },
    };
    mnv2c::compile(graph.clone(), &options, |_, _, _| ()).map(drop).map_err(words)
}

fn target(random: &mut Random) -> Target {
    let target: Target =
        random.pick(&["generic", "x86-64-v3", "x86-64-v4", "armv8"]).parse().expect("it is known");
    Target { threads: random.pick(&[1, 1, 2]), ..target }
}

fn memory(random: &mut Random) -> Memory {
    let objective = match random.below(4) {
        0 => Objective::Speed,
        1 => Objective::Within(64 << random.below(10)),
        _ => Objective::Ram,
    };
    let feed = random.pick(&[Feed::Caller, Feed::Arena, Feed::Rows]);
    let storage = random.pick(&[Storage::F32, Storage::F32, Storage::F16, Storage::Bf16]);
    let millionths = random.pick(&[0, 0, 100_000, 1_000_000]);
    Memory { objective, feed, storage, recompute: Recompute { millionths } }
}

fn inputs(graph: &Graph, random: &mut Random) -> Vec<Array> {
    let input = |id: &mnv2c::ir::NodeId| {
        let (shape, len) = (graph.outer_shape(*id), graph.node(*id).out.len());
        let mut byte = || random.below(256) as u8;
        let values = match graph.node(*id).out.dtype {
            Dtype::U8 => Values::U8((0..len).map(|_| byte()).collect()),
            Dtype::I8 => Values::I8((0..len).map(|_| byte() as i8).collect()),
            _ => Values::F32(random.uniforms(len, -2.0, 2.0)),
        };
        Array { shape, values }
    };
    graph.inputs.iter().map(input).collect()
}

/// A quantised model compiles; one that does not compile is not quantised.
fn quantised(graph: &Graph, plain: &Result<(), String>, inputs: &[Array]) -> Result<(), String> {
    let [image] = inputs else { return Ok(()) };
    let images = std::slice::from_ref(image);
    match quantize::quantize(graph.clone(), images, &Settings::default(), |_| ()) {
        Ok(quantized) => {
            let file = mnv2c::frontend::onnx::read(
                quantized.file,
                std::path::Path::new(""),
                &mnv2c::frontend::onnx::Options::default(),
            );
            let read = file.map_err(|error| format!("what was quantised is not read: {error}"))?;
            let answer = compiled(&read, Target::host(), Memory::default(), Answer::Raw);
            agree(&Ok(()), &answer, "quantised", |_| false)
        }
        Err(error) => {
            let own = |words: &str| {
                [
                    "quantised already",
                    "inputs; models of one",
                    "no form in files",
                    "the operator set lacks",
                ]
                .iter()
                .any(|it| words.contains(it))
            };
            agree(plain, &Err(words(error)), "quantize", own)
        }
    }
}
