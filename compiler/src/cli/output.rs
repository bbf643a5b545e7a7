//! Output of verbs: text on standard output, and files, some of which may be standard output too.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use mnv2c::error::{Error, Result};
use mnv2c::{files, printed};

/// True if standard output is a file that was asked for: text goes to standard error then.
static IS_FILE: AtomicBool = AtomicBool::new(false);

/// Prints a line. A reader that closed the pipe has seen enough: the program ends well.
pub(crate) fn line(text: &str) -> Result<()> {
    let (place, done) = if IS_FILE.load(Ordering::Relaxed) {
        ("standard error", said(io::stderr().lock(), text))
    } else {
        ("standard output", said(io::stdout().lock(), text))
    };
    match done {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Error::Io { path: place.into(), what: error.to_string() }),
    }
}

fn said(mut out: impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes all files or none, and none over one of `sources`, of which they are made.
pub(crate) fn write(files: &[(&Path, &[u8])], sources: &[PathBuf]) -> Result<()> {
    files.iter().try_for_each(|(path, _)| refuse_source(path, sources))?;
    files::write(files)?;
    if files.iter().any(|(path, _)| files::is_stdout(path)) {
        IS_FILE.store(true, Ordering::Relaxed);
    }
    Ok(())
}

/// Puts a copy of the program `from` at `to`, which is none of `sources`, of which it is made.
pub(crate) fn install(from: &Path, to: &Path, sources: &[PathBuf]) -> Result<()> {
    refuse_source(to, sources)?;
    files::install(from, to)?;
    IS_FILE.store(files::is_stdout(to), Ordering::Relaxed);
    Ok(())
}

fn refuse_source(path: &Path, sources: &[PathBuf]) -> Result<()> {
    if sources.iter().any(|source| files::is_same(source, path)) {
        let what = "would be written over, and the model is read from it; write to another file";
        return Err(Error::Io { path: path.display().to_string(), what: what.into() });
    }
    Ok(())
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
