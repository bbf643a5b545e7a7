//! Files: errors name the path and the remedy, and nothing is ever left half-written.
//!
//! Whatever is written is written beside its place and renamed once it is whole, so a reader sees the old file or the
//! new one. Scratch directories vanish with the value that names them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| unreadable(path, &error))
}

/// The text of a file in UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let text = String::from_utf8(read(path)?);
    text.map_err(|_| fault(path, "is no text in UTF-8; is it the right file?".into()))
}

/// Writes all files or none: each beside its place first, then all of them renamed in their order.
pub fn write(files: &[(&Path, &[u8])]) -> Result<()> {
    let mut pending = Vec::new();
    for (path, bytes) in files {
        if path.is_dir() {
            return Err(fault(path, "is a directory; name a file".into()));
        }
        let beside = Pending::beside(path);
        fs::write(&beside.path, bytes).map_err(|error| unwritable(path, &error))?;
        pending.push((beside, path));
    }
    for (beside, path) in pending {
        fs::rename(&beside.path, path).map_err(|error| unwritable(path, &error))?;
    }
    Ok(())
}

/// Puts a copy of the program `from` at `to`.
pub fn install(from: &Path, to: &Path) -> Result<()> {
    if to.is_dir() {
        return Err(fault(to, "is a directory; name a file in it".into()));
    }
    let beside = Pending::beside(to);
    fs::copy(from, &beside.path).map_err(|error| unwritable(to, &error))?;
    fs::rename(&beside.path, to).map_err(|error| unwritable(to, &error))
}

/// Makes a directory and those above it, unless they exist.
pub fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| unwritable(path, &error))
}

/// A directory for as long as the value lives.
#[derive(Debug)]
pub struct Scratch {
    /// Where it is.
    pub path: PathBuf,
}

impl Scratch {
    /// A new empty directory in `parent`.
    pub fn new(parent: &Path) -> Result<Self> {
        let path = parent.join(format!("scratch-{}", unique()));
        make_dir(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays in a directory for temporary files; nobody is left to tell.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A file that is about to take its place, and is removed if it does not.
struct Pending {
    path: PathBuf,
}

impl Pending {
    fn beside(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self { path: path.with_file_name(format!(".{name}.{}", unique())) }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Gone already if it was renamed.
        let _ = fs::remove_file(&self.path);
    }
}

/// A name that no other process and no other thread uses at the same time.
fn unique() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::PermissionDenied => "; make it readable",
        io::ErrorKind::IsADirectory => "; name a file in it",
        _ => "",
    };
    fault(path, format!("cannot be read: {error}{remedy}"))
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "; make its directory first",
        io::ErrorKind::PermissionDenied => "; make its directory writable or choose another place",
        io::ErrorKind::NotADirectory => "; a file stands where a directory is needed",
        io::ErrorKind::StorageFull => "; free some room",
        _ => "",
    };
    fault(path, format!("cannot be written: {error}{remedy}"))
}

fn fault(path: &Path, what: String) -> Error {
    Error::Io { path: path.display().to_string(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("the directory exists");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("it can be listed").file_name();
        let mut names: Vec<_> =
            entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_appear_whole_and_alone() {
        let scratch = Scratch::new(&std::env::temp_dir()).expect("temporary files are allowed");
        let (a, b) = (scratch.path.join("a"), scratch.path.join("b"));
        assert_eq!(write(&[(&a, b"one"), (&b, b"two")]), Ok(()));
        assert_eq!(read(&a), Ok(b"one".to_vec()));
        assert_eq!(names(&scratch.path), ["a", "b"]);
    }

    #[test]
    fn one_file_that_cannot_be_written_stops_all() {
        let scratch = Scratch::new(&std::env::temp_dir()).expect("temporary files are allowed");
        let (a, b) = (scratch.path.join("a"), scratch.path.join("missing").join("b"));
        let error = write(&[(&a, b"one"), (&b, b"two")]).expect_err("there is no such directory");
        assert!(error.to_string().contains("make its directory first"), "{error}");
        assert_eq!(names(&scratch.path), Vec::<String>::new());
    }

    #[test]
    fn a_scratch_directory_vanishes() {
        let scratch = Scratch::new(&std::env::temp_dir()).expect("temporary files are allowed");
        let path = scratch.path.clone();
        drop(scratch);
        assert!(!path.exists());
    }
}
