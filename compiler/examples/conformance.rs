//! Measures mnv2c against ONNX's own tests and prints a table of them in Markdown.
//!
//! `cargo run --release -p mnv2c --example conformance -- MNV2C DATA > compiler/docs/conformance.md`, where MNV2C is the
//! program and DATA the folder `onnx/backend/test/data` of the Python package `onnx`. Each test is read by `mnv2c verify`
//! as it is, all inputs given at run time; one of several inputs a second time, with those behind the first as constants.
//! Its exit code is 1 if an answer is wrong, or something panics, crashes or hangs.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;

use mnv2c::proto::{GraphProto, ModelProto, TensorProto, ValueInfoProto};
use prost::Message;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Folders of DATA that hold tests of small networks.
const SUITES: [&str; 4] = ["node", "simple", "pytorch-converted", "pytorch-operator"];

/// Reasons of an operator that the table tells.
const REASONS: usize = 2;

/// A directory of a model and recorded answers.
struct Test {
    /// Its directory.
    dir: PathBuf,
    /// The operator that it is about, or its suite.
    subject: String,
}

/// The outcome of a test.
#[derive(Clone)]
enum Verdict {
    Pass,
    /// Not read, and why: a line a reason.
    Refused(String),
    /// Another answer than the recorded one.
    Wrong(String),
    /// No answer: a panic or the like.
    Broken(String),
}

/// Counts of the tests of an operator or a suite.
#[derive(Default)]
struct Row {
    tests: usize,
    /// Passes as they are, and with constants.
    pass: [usize; 2],
    refused: BTreeMap<String, usize>,
    faults: usize,
}

/// The verdicts on a test: as it is, and with constants.
type Verdicts = [Verdict; 2];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, data] = arguments.as_slice() else {
        eprintln!(
            "usage: conformance MNV2C DATA; DATA is onnx/backend/test/data of the package onnx"
        );
        return ExitCode::from(2);
    };
    match measured(Path::new(program), Path::new(data)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Prints the table; how many answers are wrong or missing.
fn measured(program: &Path, data: &Path) -> Result<usize> {
    let mut tests = Vec::new();
    for suite in SUITES {
        tests.extend(suite_of(data, suite)?);
    }
    let verdicts = side_by_side(program, &tests)?;
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut faults = Vec::new();
    for (test, verdicts) in tests.iter().zip(&verdicts) {
        let row = rows.entry(&test.subject).or_default();
        row.add(verdicts);
        for verdict in verdicts {
            if let Verdict::Wrong(why) | Verdict::Broken(why) = verdict {
                faults.push(format!("{}: {why}", test.dir.display()));
            }
        }
    }
    print(&rows);
    faults.iter().for_each(|fault| eprintln!("{fault}"));
    Ok(faults.len())
}

/// The tests of a suite, by name.
fn suite_of(data: &Path, suite: &str) -> Result<Vec<Test>> {
    let folder = data.join(suite);
    let told =
        |error| format!("{}: {error}; name the folder of ONNX's test data", folder.display());
    let mut dirs: Vec<PathBuf> = fs::read_dir(&folder)
        .map_err(told)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    dirs.retain(|dir| dir.join("model.onnx").is_file());
    dirs.sort();
    dirs.into_iter().map(|dir| Ok(Test { subject: subject(&dir, suite)?, dir })).collect()
}

/// The operator of a test of one node; of any other its suite.
fn subject(dir: &Path, suite: &str) -> Result<String> {
    let graph = graph(&mut model(dir)?)?.clone();
    Ok(match (suite, graph.node.as_slice()) {
        ("node", [node]) if matches!(node.domain.as_str(), "" | "ai.onnx") => node.op_type.clone(),
        ("node", [node]) => format!("{}.{}", node.domain, node.op_type),
        ("node", _) => "node: functions written out".into(),
        _ => suite.into(),
    })
}

fn model(dir: &Path) -> Result<ModelProto> {
    Ok(ModelProto::decode(fs::read(dir.join("model.onnx"))?.as_slice())?)
}

fn graph(model: &mut ModelProto) -> Result<&mut GraphProto> {
    model.graph.as_mut().ok_or_else(|| "a model has no graph".into())
}

/// The verdict on each test, as many at once as there are cores.
fn side_by_side(program: &Path, tests: &[Test]) -> Result<Vec<Verdicts>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (queue, done) = (Mutex::new(tests.iter().enumerate()), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no thread panics").next();
                    let Some((at, test)) = next else { break };
                    let verdicts = verdicts(program, test);
                    done.lock().expect("no thread panics").insert(at, verdicts);
                }
            });
        }
    });
    done.into_inner().expect("no thread panics").into_values().collect()
}

fn verdicts(program: &Path, test: &Test) -> Result<Verdicts> {
    let plain = verdict(program, &test.dir)?;
    let scratch = std::env::temp_dir().join(format!(
        "mnv2c-conformance-{}-{}",
        std::process::id(),
        test.dir.file_name().unwrap_or_default().to_string_lossy()
    ));
    let bound = match with_constants(&test.dir, &scratch) {
        Ok(true) => verdict(program, &scratch)?,
        // Of one input, or of tensors of a kind that no constant is: the same test.
        Ok(false) | Err(_) => plain.clone(),
    };
    fs::remove_dir_all(&scratch).ok();
    Ok([plain, bound])
}

/// Writes the test with its inputs behind the first as constants; false if there are none.
fn with_constants(dir: &Path, into: &Path) -> Result<bool> {
    let mut model = model(dir)?;
    let graph = graph(&mut model)?;
    let is_stored = |input: &ValueInfoProto| graph.initializer.iter().any(|x| x.name == input.name);
    let inputs: Vec<ValueInfoProto> =
        graph.input.iter().filter(|input| !is_stored(input)).cloned().collect();
    let Some((_, others)) = inputs.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Ok(false);
    };
    let (from, set) = (dir.join("test_data_set_0"), into.join("test_data_set_0"));
    for (at, input) in others.iter().enumerate() {
        let mut tensor =
            TensorProto::decode(fs::read(from.join(format!("input_{}.pb", at + 1)))?.as_slice())?;
        tensor.name.clone_from(&input.name);
        graph.initializer.push(tensor);
        graph.input.retain(|other| other.name != input.name);
    }
    fs::create_dir_all(&set)?;
    for entry in fs::read_dir(&from)? {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        if text.starts_with("output_") || text == "input_0.pb" {
            fs::copy(from.join(&name), set.join(&name))?;
        }
    }
    model.ir_version = model.ir_version.max(4);
    fs::write(into.join("model.onnx"), model.encode_to_vec())?;
    Ok(true)
}

/// The verdict of `verify` on the test in a directory.
fn verdict(program: &Path, dir: &Path) -> Result<Verdict> {
    let said = Command::new("timeout")
        .arg("60")
        .arg(program)
        .arg("verify")
        .arg(dir)
        .args(["--format", "json"])
        .output()?;
    let reports: Option<serde_json::Value> = serde_json::from_slice(&said.stdout).ok();
    let report = reports.as_ref().and_then(|reports| reports.get(0));
    let Some(report) = report.filter(|_| matches!(said.status.code(), Some(0 | 1))) else {
        let words = String::from_utf8_lossy(&said.stderr).replace('\n', " ");
        return Ok(Verdict::Broken(format!("{}: {words}", said.status)));
    };
    Ok(match (&report["pass"], report["error"].as_str()) {
        (serde_json::Value::Bool(true), _) => Verdict::Pass,
        (_, None) => Verdict::Wrong(format!("differs by {}", report["max_abs"])),
        (_, Some(error)) => {
            let case = error.split_once(": ").filter(|(case, _)| case.starts_with("test_data_set"));
            let error = case.map_or(error, |(_, error)| error);
            let is_compared =
                ["the oracle:", "the loop program:"].iter().any(|who| error.starts_with(who));
            let verdict = if is_compared { Verdict::Wrong } else { Verdict::Refused };
            verdict(error.into())
        }
    })
}

impl Row {
    fn add(&mut self, verdicts: &Verdicts) {
        self.tests += 1;
        for (pass, verdict) in self.pass.iter_mut().zip(verdicts) {
            match verdict {
                Verdict::Pass => *pass += 1,
                Verdict::Refused(_) => {}
                Verdict::Wrong(_) | Verdict::Broken(_) => self.faults += 1,
            }
        }
        let refused = verdicts.iter().rev().find_map(|verdict| match verdict {
            Verdict::Refused(why) => Some(why),
            _ => None,
        });
        if let Some(why) = refused {
            *self.refused.entry(reason(why)).or_default() += 1;
        }
    }
}

/// A refusal without the names and numbers of its test.
fn reason(why: &str) -> String {
    let line = why.lines().map(str::trim).find(|line| !line.is_empty() && !line.ends_with(':'));
    let line = line.unwrap_or(why);
    let line = line.split(" (at ").next().unwrap_or(line);
    let files = line.split(' ').map(|word| word.rsplit('/').next().unwrap_or(word));
    let line = files.collect::<Vec<_>>().join(" ");
    let names = line.split('"').enumerate();
    let line: String = names.map(|(at, part)| if at % 2 == 0 { part } else { "it" }).collect();
    let mut words = String::new();
    for c in line.chars() {
        let begins = !words.ends_with(|before: char| before.is_ascii_alphanumeric());
        match c.is_ascii_digit() {
            true if begins => words.push('N'),
            true if words.ends_with('N') => {}
            _ => words.push(c),
        }
    }
    words
}

fn print(rows: &BTreeMap<&str, Row>) {
    let sum = |count: fn(&Row) -> usize| rows.values().map(count).sum::<usize>();
    let [tests, plain, bound] =
        [sum(|row| row.tests), sum(|row| row.pass[0]), sum(|row| row.pass[1])];
    let faults = sum(|row| row.faults);
    println!(
        "# Conformance

ONNX's own tests, through `mnv2c verify`: the plain loops of the oracle and the loop program that `compile` prints must
both answer what ONNX records. Made by `cargo run --release -p mnv2c --example conformance -- MNV2C DATA`, whose source
says what those are.

Of {tests} tests {plain} pass with all inputs given at run time, and {bound} where those behind the first are constants, as
most are in networks. The others are refused, with a reason; {faults} answers are wrong or missing.

| operator or suite | tests | pass at run time | pass with constants | refused: why (tests) |
|---|---|---|---|---|"
    );
    for (subject, row) in rows {
        let mut reasons: Vec<(&String, &usize)> = row.refused.iter().collect();
        reasons.sort_by_key(|(why, count)| (usize::MAX - **count, (*why).clone()));
        let told = reasons.iter().take(REASONS).map(|(why, count)| format!("{why} ({count})"));
        let told = told.collect::<Vec<_>>().join("; ").replace('|', "\\|");
        println!("| {subject} | {} | {} | {} | {told} |", row.tests, row.pass[0], row.pass[1]);
    }
}
