//! `--tune FILE`: the tiles of a network's matrix kernels, timed in the network itself on this machine.
//!
//! Each round builds the whole program with the next best tile by estimate in every kernel, and takes each kernel's
//! least time; so what a tile costs the caches around it counts too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mnv2c::error::{Error, Result};
use mnv2c::target::{Product, Target, Tuning};
use mnv2c::{Artifact, executable, files};
use serde::{Deserialize, Serialize};

use crate::cli::execute::{execute, last_line};
use crate::cli::progress::Progress;

/// Candidates of each kernel that are timed.
const ROUNDS: usize = 4;
/// Runs of the program in each round.
const RUNS: &str = "60";

/// Whether tiles are timed.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct TuneArgs {
    /// Time the few best tiles of each layer on this machine and keep the fastest in FILE, where later runs find them
    ///
    /// A layer that FILE holds already is not timed again. It is the machine that FILE is true for: keep one for each.
    #[arg(long, value_name = "FILE.json")]
    tune: Option<PathBuf>,
}

/// What a file of tiles holds.
#[derive(Serialize, Deserialize)]
struct Record {
    /// Instructions of the machine.
    isa: String,
    tiles: Vec<Timed>,
}

/// A kernel and its fastest tile.
#[derive(Serialize, Deserialize)]
struct Timed {
    #[serde(flatten)]
    product: Product,
    /// Pixels and vectors.
    tile: [usize; 2],
}

impl TuneArgs {
    /// `target` with the tiles of the file, once those are timed that it lacks. `make` compiles the network for a target.
    pub(crate) fn tuned(
        &self,
        target: Target,
        make: impl Fn(Target) -> Result<Artifact>,
    ) -> Result<Target> {
        let Some(path) = &self.tune else { return Ok(target) };
        let plain = make(target)?;
        let isa = plain.target.isa.name();
        let mut tiles = if path.exists() { read(path, isa)? } else { BTreeMap::new() };
        if products(&plain).all(|(_, product, _)| tiles.contains_key(&product)) {
            return Ok(with(target, tiles, 0));
        }
        if !plain.target.isa.is_present() {
            return Err(Error::Spec(format!(
                "{path:?} lacks tiles of this network, and they cannot be timed for {target} here; \
                 time them on such a machine, or leave out --tune"
            )));
        }
        tiles.append(&mut timed(target, &tiles, make)?);
        write(path, isa, &tiles)?;
        Ok(with(target, tiles, 0))
    }
}

/// The fastest tiles of the products that `known` lacks.
fn timed(
    target: Target,
    known: &BTreeMap<Product, [usize; 2]>,
    make: impl Fn(Target) -> Result<Artifact>,
) -> Result<BTreeMap<Product, [usize; 2]>> {
    let mut progress = Progress::new("timing tiles");
    let mut least: BTreeMap<Product, (f64, [usize; 2])> = BTreeMap::new();
    for rank in 0..ROUNDS {
        progress.say(&format!("timing tiles: round {} of {ROUNDS}", rank + 1));
        let artifact = make(with(target, known.clone(), rank))?.probed();
        let built = executable::build(&artifact, &artifact.target)?;
        let said = execute(None, &built.path, &["--bench", RUNS].map(Into::into))?;
        let times = last_line(&said.stdout)?;
        let mut of_round: BTreeMap<(Product, [usize; 2]), Vec<f64>> = BTreeMap::new();
        for (at, product, tile) in products(&artifact) {
            let nanos = times["kernel_ns"][at].as_f64().unwrap_or(f64::INFINITY);
            of_round.entry((product, tile)).or_default().push(nanos);
        }
        for ((product, tile), nanos) in of_round {
            let mean = nanos.iter().sum::<f64>() / nanos.len() as f64;
            let best = least.entry(product).or_insert((mean, tile));
            if mean < best.0 {
                *best = (mean, tile);
            }
        }
    }
    let unknown = least.into_iter().filter(|(product, _)| !known.contains_key(product));
    Ok(unknown.map(|(product, (_, tile))| (product, tile)).collect())
}

/// The matrix kernels of a network: which stage each is, what it computes, and its tile.
fn products(artifact: &Artifact) -> impl Iterator<Item = (usize, Product, [usize; 2])> {
    let stages = artifact.schedule.steps.iter().flat_map(|step| &step.stages);
    stages.enumerate().filter_map(|(at, stage)| Some((at, stage.product?, stage.kernel.tile()?)))
}

/// `target` with tiles, which live as long as the process does: a target is copied freely.
fn with(target: Target, tiles: BTreeMap<Product, [usize; 2]>, rank: usize) -> Target {
    Target { tuning: Some(Box::leak(Box::new(Tuning { tiles, rank }))), ..target }
}

fn read(path: &Path, isa: &str) -> Result<BTreeMap<Product, [usize; 2]>> {
    let text = files::read_text(path)?;
    let record: Record = serde_json::from_str(&text).map_err(|error| {
        Error::Spec(format!(
            "{path:?} holds no timed tiles ({error}); name another file for --tune"
        ))
    })?;
    if record.isa != isa {
        return Err(Error::Spec(format!(
            "{path:?} holds tiles for {}, not for {isa}; name another file for --tune",
            record.isa
        )));
    }
    Ok(record.tiles.into_iter().map(|timed| (timed.product, timed.tile)).collect())
}

fn write(path: &Path, isa: &str, tiles: &BTreeMap<Product, [usize; 2]>) -> Result<()> {
    let timed = |(product, tile): (&Product, &[usize; 2])| Timed { product: *product, tile: *tile };
    let record = Record { isa: isa.to_owned(), tiles: tiles.iter().map(timed).collect() };
    let mut text = serde_json::to_string_pretty(&record).expect("numbers become JSON");
    text.push('\n');
    files::write(&[(path, text.as_bytes())])
}
