//! A compiled network as a program of its own, built by the user's `rustc` and kept by content.
//!
//! One crate holds the harness, the emitted file, the runtime and the weights, so nothing is fetched. The cache's key is
//! a hash of every byte that goes in and of the compiler that reads them; a program is moved into its place whole, so
//! any number of processes may build at once. One that no longer is what was put there is built again.

mod cache;
mod emulator;
pub mod firmware;
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
    let files = harness::files(artifact, target.threads);
    let files = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    Crate { files, flags: rustc::flags(target) }.program(&Rustc::find()?)
}

/// A crate that is a program: its files by name, and how it is compiled.
struct Crate {
    /// Every file, its root called [`harness::MAIN`].
    files: Vec<(String, Vec<u8>)>,
    /// Flags of `rustc`, which finds what is linked in the directory of the files.
    flags: Vec<String>,
}

impl Crate {
    /// The program, from the cache or built now.
    fn program(&self, rustc: &Rustc) -> Result<Program> {
        let key = self.key(rustc);
        if let Some(path) = cache::find(&key) {
            return Ok(Program { path });
        }
        let scratch = Scratch::new(&cache::root())?;
        for (name, bytes) in &self.files {
            files::write(&[(&scratch.path.join(name), bytes)])?;
        }
        let made = scratch.path.join("program");
        rustc.compile(&scratch.path, &made, &self.flags)?;
        Ok(Program { path: cache::keep(&made, &key)? })
    }

    fn key(&self, rustc: &Rustc) -> String {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(rustc.version.as_bytes());
        self.flags.iter().for_each(|flag| part(flag.as_bytes()));
        for (name, bytes) in &self.files {
            part(name.as_bytes());
            part(bytes);
        }
        hex(&hash.finalize())
    }
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
