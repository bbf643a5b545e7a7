//! `--tune FILE`: the tiles of a network's matrix kernels, timed in the network itself on this machine.
//!
//! Each round builds the whole program with the next best tile by estimate in every kernel, and takes each kernel's
//! least time; so what a tile costs the caches around it counts too.

use std::collections::BTreeMap;

use mnv2c::error::{Error, Result};
use mnv2c::options::Request;
use mnv2c::target::{Product, Target};
use mnv2c::tiles::{self, Tiles};
use mnv2c::{Artifact, executable};

use crate::cli::execute::{execute, last_line};
use crate::cli::progress::Progress;

/// Candidates of each kernel that are timed.
const ROUNDS: usize = 4;
/// Runs of the program in each round.
const RUNS: &str = "60";

/// The machine that is asked for, with the tiles of `--tune` once those are timed that its file lacks. `make` compiles the
/// network for a target.
pub(crate) fn tuned(
    request: &Request,
    make: impl Fn(Target) -> Result<Artifact>,
) -> Result<Target> {
    let target = request.target();
    let Some(path) = &request.tuning else { return Ok(target) };
    let plain = make(target)?;
    let isa = plain.target.isa.name();
    let mut known = if path.exists() { tiles::read(path, isa)? } else { Tiles::new() };
    if tiles::are_known(&plain, &known) {
        return Ok(tiles::with(target, known, 0));
    }
    if !plain.target.isa.is_present() {
        return Err(Error::Spec(format!(
            "{} lacks tiles of this network, and they cannot be timed for {target} here; time them on such a machine, or \
             leave out --tune",
            path.display()
        )));
    }
    known.append(&mut timed(target, &known, make)?);
    tiles::write(path, isa, &known)?;
    Ok(tiles::with(target, known, 0))
}

/// The fastest tiles of the products that `known` lacks.
fn timed(
    target: Target,
    known: &Tiles,
    make: impl Fn(Target) -> Result<Artifact>,
) -> Result<Tiles> {
    let mut progress = Progress::new("timing tiles");
    let mut least: BTreeMap<Product, (f64, [usize; 2])> = BTreeMap::new();
    for rank in 0..ROUNDS {
        progress.say(&format!("timing tiles: round {} of {ROUNDS}", rank + 1));
        let artifact = make(tiles::with(target, known.clone(), rank))?.probed();
        let built = executable::build(&artifact, &artifact.target)?;
        let said = execute(None, &built.path, &["--bench", RUNS].map(Into::into))?;
        let times = last_line(&said.stdout)?;
        let mut of_round: BTreeMap<(Product, [usize; 2]), Vec<f64>> = BTreeMap::new();
        for (at, product, tile) in tiles::products(&artifact) {
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
