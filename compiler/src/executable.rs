//! A compiled network as a program of its own, built by the user's `rustc` and kept by content.
//!
//! One crate holds the harness, the emitted file, the runtime and the weights, so nothing is fetched. The cache's key is
//! a hash of every byte that goes in and of the compiler that reads them; a program is moved into its place whole, so
//! any number of processes may build at once. One that no longer is what was put there is built again.

mod cache;
mod harness;
mod rustc;

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::Artifact;
use crate::error::Result;
use crate::files::{self, Scratch};
use crate::schedule::Port;
use crate::source::hex;
use crate::target::Target;
use rustc::Rustc;

/// The name of the weights that a program's emitted file must include.
pub const BLOB_NAME: &str = "net.bin";

/// A program on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its path in the cache.
    pub path: PathBuf,
}

/// The program that runs `artifact`, which was compiled for `target` with weights called [`BLOB_NAME`].
pub fn build(artifact: &Artifact, target: &Target) -> Result<Program> {
    let rustc = Rustc::find()?;
    let files = harness::files(artifact, target.threads);
    let flags = rustc::flags(target);
    let key = key(&rustc, &flags, &files);
    if let Some(path) = cache::find(&key) {
        return Ok(Program { path });
    }
    let scratch = Scratch::new(&cache::root())?;
    for (name, bytes) in &files {
        files::write(&[(&scratch.path.join(name), bytes)])?;
    }
    let made = scratch.path.join("program");
    rustc.compile(&scratch.path.join(harness::MAIN), &made, &flags)?;
    Ok(Program { path: cache::keep(&made, &key)? })
}

/// Files that the program of `artifact` writes: its outputs, or of a ranking a row of class and score for each entry;
/// of one, the class alone.
pub fn outputs(artifact: &Artifact) -> Vec<Port> {
    let outputs = artifact.schedule.outputs.iter().cloned();
    match artifact.schedule.ranking.map(|ranking| ranking.count) {
        None => outputs.collect(),
        Some(1) => outputs.map(|port| Port { shape: vec![1], ..port }).collect(),
        Some(count) => outputs.map(|port| Port { shape: vec![count, 2], ..port }).collect(),
    }
}

fn key(rustc: &Rustc, flags: &[String], files: &[(&str, Vec<u8>)]) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(rustc.version.as_bytes());
    flags.iter().for_each(|flag| part(flag.as_bytes()));
    for (name, bytes) in files {
        part(name.as_bytes());
        part(bytes);
    }
    hex(&hash.finalize())
}
