//! The user's `rustc`: found, asked for its version, run.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result};
use crate::executable::harness::MAIN;
use crate::target::{Isa, Target};

/// Lines of the compiler's complaint that are shown.
const SHOWN_LINES: usize = 12;

/// A compiler that answered.
#[derive(Debug)]
pub(super) struct Rustc {
    path: OsString,
    /// The output of `rustc -vV`.
    pub(super) version: String,
}

impl Rustc {
    /// `$RUSTC`, or `rustc` on the path.
    pub(super) fn find() -> Result<Self> {
        let path = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let shown = path.to_string_lossy().into_owned();
        let missing = |what: String| Error::Io {
            path: shown,
            what: format!("{what}; install Rust 1.89 or later, or name its compiler in RUSTC"),
        };
        match Command::new(&path).arg("-vV").output() {
            Ok(said) if said.status.success() => {
                Ok(Self { path, version: String::from_utf8_lossy(&said.stdout).into_owned() })
            }
            Ok(said) => Err(missing(format!("does not tell its version ({})", said.status))),
            Err(error) => Err(missing(format!("cannot be run: {error}"))),
        }
    }

    /// Refuses a platform whose core library is not installed.
    pub(super) fn check(&self, triple: &str) -> Result<()> {
        let mut ask = Command::new(&self.path);
        let said = ask.args(["--print", "target-libdir", "--target", triple]).output();
        let dir = said.ok().filter(|said| said.status.success()).map(|said| said.stdout);
        let dir = dir.map(|dir| String::from_utf8_lossy(&dir).trim().to_owned());
        if dir.is_some_and(|dir| Path::new(&dir).is_dir()) {
            return Ok(());
        }
        let what =
            format!("rustc lacks the core library of {triple}; run `rustup target add {triple}`");
        Err(Error::Program(what))
    }

    /// Compiles the crate in `dir` into the program `out`.
    pub(super) fn compile(&self, dir: &Path, out: &Path, flags: &[String]) -> Result<()> {
        let mut command = Command::new(&self.path);
        command.arg(dir.join(MAIN)).arg("-L").arg(dir).arg("-o").arg(out);
        let said = command.args(flags).output();
        let said = said.map_err(|error| Error::Program(format!("rustc cannot be run: {error}")))?;
        if said.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&said.stderr);
        let first: Vec<&str> = complaint.lines().take(SHOWN_LINES).collect();
        let version = self.version.lines().next().unwrap_or_default();
        let what = first.join("\n  ");
        Err(Error::Program(format!("{version} refused the program (it needs 1.89):\n  {what}")))
    }
}

/// Flags of `rustc` beside the files; part of the cache's key.
pub(super) fn flags(target: &Target) -> Vec<String> {
    let settings = ["opt-level=3", "codegen-units=1", "panic=abort", "strip=symbols"];
    let crate_flags = ["--edition=2024", "--crate-name=network", "--cap-lints=allow"];
    let mut flags = crate_flags.map(str::to_owned).to_vec();
    flags.extend(settings.map(|setting| format!("-C{setting}")));
    flags.extend(["--cfg".to_owned(), "feature=\"std\"".to_owned()]);
    if let Some(arch) = foreign_arch(target.isa) {
        let (triple, linker) = platform(arch);
        flags.push(format!("--target={triple}"));
        flags.push(format!("-Clinker={linker}"));
    }
    flags
}

/// The architecture to compile for, if this machine's is not the instruction set's.
fn foreign_arch(isa: Isa) -> Option<&'static str> {
    isa.arch().filter(|arch| std::env::consts::ARCH != *arch)
}

/// Linux on `arch`, and its linker. A linker that Cargo is told of (`CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER`)
/// makes a program for the GNU C library. Else the program is static and needs no C compiler: after
/// `rustup target add aarch64-unknown-linux-musl`, Rust's own linker is enough.
fn platform(arch: &str) -> (String, String) {
    let variable = format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_LINKER", arch.to_uppercase());
    match std::env::var(variable) {
        Ok(linker) => (format!("{arch}-unknown-linux-gnu"), linker),
        Err(_) => (format!("{arch}-unknown-linux-musl"), "rust-lld".into()),
    }
}
