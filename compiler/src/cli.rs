//! Verbs, and what becomes of their results: 0 is well, 1 a model or check that failed, 2 wrong usage, 3 a file.

mod args;
mod bench;
mod build;
mod case;
mod check;
mod compare;
mod compile;
mod emulate;
mod execute;
mod finite;
mod flags;
mod inspect;
mod labels;
mod list;
mod output;
mod plan;
mod profile;
mod progress;
mod quantize;
mod report;
mod run;
mod steps;
mod tune;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mnv2c::error::{Error, Result};
use mnv2c::options::Door;

/// Compiles convolutional networks to allocation-free Rust.
///
/// A MODEL is an ONNX or TFLite file, a network spec in a file (TOML, or rows like the paper's Table 2), or mobilenet_v2:WIDTH@SIZE.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "Examples:
  mnv2c run dogs.onnx --input samoyed.jpg --labels labels.txt
  mnv2c compile dogs.onnx -o src/dogs.rs
  mnv2c verify zoo/*

Built programs are kept in $MNV2C_CACHE, $XDG_CACHE_HOME/mnv2c or ~/.cache/mnv2c; remove it at will.";

#[derive(Subcommand)]
enum Verb {
    Compile(compile::Args),
    Build(build::Args),
    Run(run::Args),
    Verify(verify::Args),
    Inspect(inspect::Args),
    Check(check::Args),
    Bench(bench::Args),
    Plan(plan::Args),
    Quantize(quantize::Args),
    Report(report::Args),
    Targets(list::TargetsArgs),
    Ops(list::OpsArgs),
    Spec(list::SpecArgs),
    Alloc(list::AllocArgs),
}

/// The outcome of a verb that did its work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Well,
    Failed,
}

pub(crate) fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Compile(args) => compile::run(&args),
        Verb::Build(args) => build::run(&args),
        Verb::Run(args) => run::run(&args),
        Verb::Verify(args) => verify::run(&args),
        Verb::Inspect(args) => inspect::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::Bench(args) => bench::run(&args),
        Verb::Plan(args) => plan::run(&args),
        Verb::Quantize(args) => quantize::run(&args),
        Verb::Report(args) => report::run(&args),
        Verb::Targets(args) => list::targets(&args),
        Verb::Ops(args) => list::ops(&args),
        Verb::Spec(args) => list::spec(&args),
        Verb::Alloc(args) => list::alloc(&args),
    };
    match result {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {}", Door::CommandLine.told(&error));
            code(&error)
        }
    }
}

fn code(error: &Error) -> ExitCode {
    ExitCode::from(if matches!(error, Error::Io { .. }) { 3 } else { 1 })
}

/// The result of every verb.
type Done = Result<Outcome>;
