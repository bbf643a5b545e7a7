//! Files that take their places together: all of them, or none.
//!
//! A process that is killed between two renames leaves the first file new and the second old; no file system here can
//! do better.

use std::fs::{self, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::files::{unique, unwritable};

/// A file that is about to take its place, and is removed if it does not.
pub(super) struct Pending {
    /// As the user named it.
    pub(super) path: PathBuf,
    /// Its place, behind all links.
    to: PathBuf,
    /// The file until then.
    beside: PathBuf,
}

impl Pending {
    /// Writes `bytes` beside `to`, which the user calls `path`.
    pub(super) fn new(path: &Path, to: &Path, bytes: &[u8]) -> Result<Self> {
        let pending = Self { path: path.to_owned(), to: to.to_owned(), beside: unused_beside(to) };
        fs::write(&pending.beside, bytes).map_err(|error| unwritable(path, &error))?;
        if let Ok(old) = fs::metadata(to) {
            pending.allow(old.permissions())?;
        }
        Ok(pending)
    }

    /// Gives the file the permissions `permissions`.
    pub(super) fn allow(&self, permissions: Permissions) -> Result<()> {
        let done = fs::set_permissions(&self.beside, permissions);
        done.map_err(|error| unwritable(&self.path, &error))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Gone already if it was renamed.
        let _ = fs::remove_file(&self.beside);
    }
}

/// A place that was taken, and what can be done about it until all are.
struct Taken<'a> {
    place: &'a Path,
    /// Another name of the old file, if there was one.
    old: Option<PathBuf>,
}

impl Taken<'_> {
    /// Restores the old state. A failure is reported already; one here cannot be helped.
    fn give_back(&self) {
        let _ = match &self.old {
            Some(old) => fs::rename(old, self.place),
            None => fs::remove_file(self.place),
        };
    }
}

/// Moves all files to their places; if one cannot be moved, restores those before it.
pub(super) fn replace(pending: &[Pending]) -> Result<()> {
    let mut taken: Vec<Taken<'_>> = Vec::new();
    for file in pending {
        let old = if pending.len() == 1 { Ok(None) } else { kept(&file.to) };
        let renamed = old.and_then(|old| match fs::rename(&file.beside, &file.to) {
            Ok(()) => Ok(old),
            Err(error) => {
                forget(old.as_deref());
                Err(error)
            }
        });
        match renamed {
            Ok(old) => taken.push(Taken { place: &file.to, old }),
            Err(error) => {
                taken.iter().rev().for_each(Taken::give_back);
                return Err(unwritable(&file.path, &error));
            }
        }
    }
    taken.iter().for_each(|it| forget(it.old.as_deref()));
    Ok(())
}

/// Another name for what lies at `place`, if something does.
fn kept(place: &Path) -> io::Result<Option<PathBuf>> {
    if !place.try_exists()? {
        return Ok(None);
    }
    let old = unused_beside(place);
    // Not every file system has second names.
    fs::hard_link(place, &old).or_else(|_| fs::copy(place, &old).map(drop))?;
    Ok(Some(old))
}

fn forget(old: Option<&Path>) {
    // A second name that stays is in nobody's way.
    let _ = old.map(fs::remove_file);
}

/// A path in the folder of `path` that no other process and no other thread uses at the same time.
fn unused_beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".mnv2c-{}", unique()))
}
