//! A file of tiles that were timed on one machine, and a target that has them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::mention::option;
use crate::error::{Error, Result};
use crate::target::{Product, Target, Tuning};
use crate::{Artifact, files};

/// Pixels and vectors of the fastest tile of each product.
pub type Tiles = BTreeMap<Product, [usize; 2]>;

/// Contents of a file of tiles.
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

/// `target` with the tiles in `path`, which must hold all of a network that `make` compiles for a target.
pub fn tuned(
    target: Target,
    path: &Path,
    make: impl Fn(Target) -> Result<Artifact>,
) -> Result<Target> {
    let plain = make(target)?;
    let tiles = read(path, plain.target.isa.name())?;
    if are_known(&plain, &tiles) {
        return Ok(with(target, tiles, 0));
    }
    Err(Error::Spec(format!(
        "{} lacks tiles of this network; have `mnv2c compile --tune` time them on the machine, or leave out {}",
        path.display(),
        option("tuning")
    )))
}

/// True if `tiles` holds every matrix kernel of a network.
pub fn are_known(artifact: &Artifact, tiles: &Tiles) -> bool {
    products(artifact).all(|(_, product, _)| tiles.contains_key(&product))
}

/// The matrix kernels of a network: which stage each is, what it computes, and its tile.
pub fn products(artifact: &Artifact) -> impl Iterator<Item = (usize, Product, [usize; 2])> {
    let stages = artifact.schedule.steps.iter().flat_map(|step| &step.stages);
    stages.enumerate().filter_map(|(at, stage)| Some((at, stage.product?, stage.kernel.tile()?)))
}

/// `target` with tiles, which live as long as the process does: a target is copied freely.
pub fn with(target: Target, tiles: Tiles, rank: usize) -> Target {
    Target { tuning: Some(Box::leak(Box::new(Tuning { tiles, rank }))), ..target }
}

/// The tiles in a file, which are of machines with the instructions `isa`.
pub fn read(path: &Path, isa: &str) -> Result<Tiles> {
    let text = files::read_text(path)?;
    let (path, other) = (path.display(), option("tuning"));
    let record: Record = serde_json::from_str(&text).map_err(|error| {
        Error::Spec(format!("{path} holds no timed tiles ({error}); name another file for {other}"))
    })?;
    if record.isa != isa {
        return Err(Error::Spec(format!(
            "{path} holds tiles for {}, not for {isa}; name another file for {other}",
            record.isa
        )));
    }
    Ok(record.tiles.into_iter().map(|timed| (timed.product, timed.tile)).collect())
}

/// Writes tiles of machines with the instructions `isa`.
pub fn write(path: &Path, isa: &str, tiles: &Tiles) -> Result<()> {
    let timed = |(product, tile): (&Product, &[usize; 2])| Timed { product: *product, tile: *tile };
    let record = Record { isa: isa.to_owned(), tiles: tiles.iter().map(timed).collect() };
    let mut text = serde_json::to_string_pretty(&record).expect("numbers become JSON");
    text.push('\n');
    files::write(&[(path, text.as_bytes())])
}
