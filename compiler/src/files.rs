//! Files: errors name the path and the remedy, and nothing is ever left half-written.
//!
//! A file is written beside its place and renamed once it is whole, so a reader sees the old file or the new one. A link
//! stays a link: what it leads to is replaced. Devices and pipes are written into. Scratch directories vanish with the
//! value that names them.

mod place;
mod replace;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};
use place::Place;
use replace::{Pending, replace};

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
    for (at, (path, _)) in files.iter().enumerate() {
        if let Some((other, _)) = files[..at].iter().find(|(other, _)| is_same(other, path)) {
            return Err(fault(
                path,
                format!("is where {} goes too; name another", other.display()),
            ));
        }
    }
    let (mut pending, mut streams) = (Vec::new(), Vec::new());
    for (path, bytes) in files {
        match Place::of(path)? {
            Place::File(to) => pending.push(Pending::new(path, &to, bytes)?),
            stream => streams.push((path, stream, bytes)),
        }
    }
    for (path, stream, bytes) in streams {
        stream.pour(bytes).map_err(|error| unwritable(path, &error))?;
    }
    replace(&pending)
}

/// Puts a copy of the program `from` at `to`.
pub fn install(from: &Path, to: &Path) -> Result<()> {
    let bytes = read(from)?;
    match Place::of(to)? {
        Place::File(place) => {
            let pending = Pending::new(to, &place, &bytes)?;
            let allowed = fs::metadata(from).map_err(|error| unreadable(from, &error))?;
            pending.allow(allowed.permissions())?;
            replace(&[pending])
        }
        stream => stream.pour(&bytes).map_err(|error| unwritable(to, &error)),
    }
}

/// True if `path` is a device, a pipe or an open descriptor: nothing lies beside it.
pub fn is_stream(path: &Path) -> bool {
    Place::of(path).is_ok_and(|place| !matches!(place, Place::File(_)))
}

/// True if `path` is the standard output of this process.
pub fn is_stdout(path: &Path) -> bool {
    Place::of(path) == Ok(Place::Stdout)
}

/// True if both paths lead to one file, present or not.
pub fn is_same(a: &Path, b: &Path) -> bool {
    let place = |path: &Path| match Place::of(path) {
        Ok(Place::File(path)) => {
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
            Some(folder.join(path.file_name()?))
        }
        _ => None,
    };
    place(a).is_some_and(|a| Some(a) == place(b))
}

/// Makes a directory and those above it, unless they exist.
pub fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| unwritable(path, &error))
}

/// A directory for as long as the value lives.
#[derive(Debug)]
pub struct Scratch {
    /// The path.
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

    fn scratch() -> Scratch {
        Scratch::new(&std::env::temp_dir()).expect("temporary files are allowed")
    }

    #[test]
    fn files_appear_whole_and_alone() {
        let scratch = scratch();
        let (a, b) = (scratch.path.join("a"), scratch.path.join("b".repeat(255)));
        for text in [b"one", b"two"] {
            assert_eq!(write(&[(&a, text), (&b, b"long")]), Ok(()));
            assert_eq!(read(&a), Ok(text.to_vec()));
        }
        assert_eq!(names(&scratch.path).len(), 2);
    }

    #[test]
    fn one_file_that_cannot_be_written_stops_all() {
        let scratch = scratch();
        let (a, b) = (scratch.path.join("a"), scratch.path.join("missing").join("b"));
        let error = write(&[(&a, b"one"), (&b, b"two")]).expect_err("there is no such directory");
        assert!(error.to_string().contains("make its directory first"), "{error}");
        assert_eq!(names(&scratch.path), Vec::<String>::new());
    }

    #[test]
    fn two_files_in_one_place_are_refused() {
        let scratch = scratch();
        let a = scratch.path.join("a");
        let error = write(&[(&a, b"one"), (&scratch.path.join("./a"), b"two")]);
        let error = error.expect_err("one would be lost");
        assert!(error.to_string().contains("goes too; name another"), "{error}");
        assert_eq!(names(&scratch.path), Vec::<String>::new());
    }

    #[test]
    fn files_that_cannot_take_their_place_leave_all_as_it_was() {
        let scratch = scratch();
        let place = |name: &str| scratch.path.join(name);
        fs::write(place("old"), "before").expect("it can be written");
        let pending = ["old", "new", "lost"].map(|name| {
            Pending::new(&place(name), &place(name), b"after").expect("it can be written")
        });
        fs::create_dir(place("lost")).expect("it can be made");
        assert!(replace(&pending).is_err());
        drop(pending);
        assert_eq!(read(&place("old")), Ok(b"before".to_vec()));
        assert_eq!(names(&scratch.path), ["lost", "old"]);
    }

    #[test]
    fn a_scratch_directory_vanishes() {
        let scratch = scratch();
        let path = scratch.path.clone();
        drop(scratch);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
        use std::process::Command;

        use super::*;

        #[test]
        fn a_link_stays_and_its_file_is_replaced() {
            let scratch = scratch();
            let place = |name: &str| scratch.path.join(name);
            fs::create_dir(place("far")).expect("it can be made");
            for (link, to) in [("a", "far/file"), ("b", "a"), ("c", "c")] {
                symlink(to, place(link)).expect("links can be made");
            }
            for text in ["new", "newer"] {
                assert_eq!(write(&[(&place("b"), text.as_bytes())]), Ok(()));
                assert_eq!(read_text(&place("far/file")), Ok(text.into()));
            }
            assert!(place("b").is_symlink() && place("a").is_symlink());
            assert_eq!(names(&place("far")), ["file"]);
            let error = write(&[(&place("c"), b"")]).expect_err("it leads nowhere");
            assert!(error.to_string().contains("leads to itself"), "{error}");
            assert!(write(&[(&place("a"), b"one"), (&place("b"), b"two")]).is_err());
        }

        #[test]
        fn a_file_keeps_who_may_use_it() {
            let scratch = scratch();
            let place = scratch.path.join("a");
            fs::write(&place, "old").expect("it can be written");
            fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).expect("it is ours");
            assert_eq!(write(&[(&place, b"new")]), Ok(()));
            let mode = fs::metadata(&place).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }

        #[test]
        fn a_pipe_is_written_into_and_stays() {
            let scratch = scratch();
            let (pipe, link) = (scratch.path.join("pipe"), scratch.path.join("link"));
            let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
            assert!(made.success());
            symlink("pipe", &link).expect("links can be made");
            let text = "text ".repeat(100_000);
            std::thread::scope(|scope| {
                let reader = scope.spawn(|| read_text(&pipe));
                assert_eq!(write(&[(&link, text.as_bytes())]), Ok(()));
                assert_eq!(reader.join().expect("it reads"), Ok(text.clone()));
            });
            assert!(fs::metadata(&pipe).expect("it is there").file_type().is_fifo());
            assert_eq!(names(&scratch.path), ["link", "pipe"]);
        }

        #[test]
        #[cfg(target_os = "linux")]
        fn a_device_without_room_stops_all() {
            let scratch = scratch();
            let a = scratch.path.join("a");
            let error = write(&[(&a, b"one"), (Path::new("/dev/full"), b"two")]);
            let error = error.expect_err("it is full");
            assert!(error.to_string().contains("/dev/full: cannot be written"), "{error}");
            assert_eq!(write(&[(Path::new("/dev/null"), b"two")]), Ok(()));
            assert_eq!(names(&scratch.path), Vec::<String>::new());
        }
    }
}
