//! Built programs at work: how they are started, and what they print.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

use mnv2c::error::{Error, Result};
use serde_json::Value;

/// The remedy where a program is for another machine.
const FOREIGN: &str =
    "; a program for another machine needs --runner, or `mnv2c bench MODEL --target T --emulate`";

/// Runs a program, by way of `runner` if there is one.
pub(crate) fn execute(
    runner: Option<&str>,
    program: &Path,
    arguments: &[OsString],
) -> Result<Output> {
    let mut words = runner.unwrap_or_default().split_whitespace();
    let mut command = match words.next() {
        Some(first) => Command::new(first),
        None => Command::new(program),
    };
    if runner.is_some() {
        command.args(words).arg(program);
    }
    let said = command.args(arguments).output().map_err(|error| {
        let remedy = if runner.is_some() { "" } else { FOREIGN };
        Error::Program(format!("{:?} does not start: {error}{remedy}", command.get_program()))
    })?;
    if said.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&said.stderr);
    let complaint = complaint.trim().trim_start_matches("error: ");
    Err(Error::Program(format!("the program failed ({}): {complaint}", said.status)))
}

/// The JSON that a program printed last.
pub(crate) fn last_line(stdout: &[u8]) -> Result<Value> {
    let text = String::from_utf8_lossy(stdout);
    let json = text.trim().lines().next_back().and_then(|line| serde_json::from_str(line).ok());
    json.ok_or_else(|| Error::Program(format!("the program printed no times but {text:?}")))
}
