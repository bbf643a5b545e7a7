//! The cache of built programs, each beside the hash of its bytes: one that was damaged since is as good as none.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files;
use crate::source::hex;

/// `$MNV2C_CACHE`, or `mnv2c` in the user's cache directory, or in the one for temporary files.
pub(super) fn root() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = || {
        let home = || std::env::home_dir().map(|home| home.join(".cache"));
        Some(set("XDG_CACHE_HOME").or_else(home)?.join("mnv2c"))
    };
    set("MNV2C_CACHE").or_else(user).unwrap_or_else(|| std::env::temp_dir().join("mnv2c"))
}

/// The program of `key`, if it is there and holds the bytes that were kept.
pub(super) fn find(key: &str) -> Option<PathBuf> {
    let path = root().join(key);
    let (program, sum) = (files::read(&path).ok()?, files::read(&sum_path(key)).ok()?);
    (hex(&Sha256::digest(&program)).as_bytes() == sum).then_some(path)
}

/// Moves the program `made` into the cache, in place of one that was damaged.
pub(super) fn keep(made: &Path, key: &str) -> Result<PathBuf> {
    let path = root().join(key);
    let sum = hex(&Sha256::digest(files::read(made)?));
    std::fs::rename(made, &path).map_err(|error| Error::Io {
        path: path.display().to_string(),
        what: format!("cannot be kept: {error}; set MNV2C_CACHE to a directory of your own"),
    })?;
    // A kill before this leaves a program without its hash, which is built again.
    files::write(&[(&sum_path(key), sum.as_bytes())])?;
    Ok(path)
}

fn sum_path(key: &str) -> PathBuf {
    root().join(format!("{key}.sha256"))
}
