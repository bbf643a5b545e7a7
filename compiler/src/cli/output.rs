//! Standard output.

use std::io::{ErrorKind, Write, stdout};

use mnv2c::error::{Error, Result};
use mnv2c::printed;

/// Prints a line. A reader that closed the pipe has seen enough: the program ends well.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Error::Io { path: "standard output".into(), what: error.to_string() }),
    }
}

/// Prints one JSON value.
pub(crate) fn json(value: &serde_json::Value) -> Result<()> {
    line(&format!("{value:#}"))
}

/// Letters of a column of names in a table: a longer name pushes aside the rest of its line, and no other.
const MOST_LETTERS: usize = 96;

/// Letters of a column that `names` make.
pub(crate) fn column<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| printed::name(name).chars().count()).max().unwrap_or(0).min(MOST_LETTERS)
}

/// `[1, 3, 224, 224]` as `1x3x224x224`.
pub(crate) fn shape(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    if dims.is_empty() { "scalar".into() } else { dims.join("x") }
}

/// `1.4 MiB`, `12.0 KiB`.
pub(crate) fn bytes(bytes: usize) -> String {
    match bytes {
        0..0x10_0000 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.2} MiB", bytes as f64 / 1024.0 / 1024.0),
    }
}

/// `300.8 M`, `1.5 K`.
pub(crate) fn count(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..100_000 => format!("{:.1} K", count as f64 / 1e3),
        _ => format!("{:.1} M", count as f64 / 1e6),
    }
}
