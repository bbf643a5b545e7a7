//! Resolution of a path: behind links, and to a file, which is replaced whole, or to a stream, which is written into.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::files::{fault, unwritable};

/// Links that are followed from one path, as many as Linux follows.
const LINKS: usize = 40;

/// The destination of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A file that is there or not, under the name that no link has.
    File(PathBuf),
    /// A device, a pipe, or whatever an open descriptor is.
    Stream(PathBuf),
    /// Standard output of this process.
    Stdout,
    /// Standard error of this process.
    Stderr,
}

impl Place {
    /// The place that `path` leads to.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let mut at = path.to_owned();
        for _ in 0..LINKS {
            if let Some(place) = descriptor(&at) {
                return Ok(place);
            }
            let kind = match fs::symlink_metadata(&at) {
                Ok(metadata) => metadata.file_type(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Self::File(at));
                }
                Err(error) => return Err(unwritable(path, &error)),
            };
            if kind.is_dir() {
                return Err(fault(path, "is a directory; name a file in it".into()));
            }
            if !kind.is_symlink() {
                return Ok(if kind.is_file() { Self::File(at) } else { Self::Stream(at) });
            }
            let to = fs::read_link(&at).map_err(|error| unwritable(path, &error))?;
            at = at.parent().unwrap_or(Path::new("")).join(to);
        }
        Err(fault(path, "is a link that leads to itself; remove it".into()))
    }

    /// Writes into a stream; a reader who has seen enough is content.
    pub(super) fn pour(&self, bytes: &[u8]) -> io::Result<()> {
        let done = match self {
            Self::Stdout => written(io::stdout().lock(), bytes),
            Self::Stderr => written(io::stderr().lock(), bytes),
            Self::File(path) | Self::Stream(path) => {
                OpenOptions::new().append(true).open(path).and_then(|file| written(file, bytes))
            }
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => done,
        }
    }
}

/// The destination behind one of the system's own names of open descriptors; the links behind them are for show.
fn descriptor(path: &Path) -> Option<Place> {
    let folders = ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"];
    let number = |folder: &str| path.strip_prefix(folder).ok()?.to_str()?.parse::<u32>().ok();
    match (path.to_str(), folders.into_iter().find_map(number)) {
        (Some("/dev/stdout"), _) | (_, Some(1)) => Some(Place::Stdout),
        (Some("/dev/stderr"), _) | (_, Some(2)) => Some(Place::Stderr),
        (_, Some(_)) => Some(Place::Stream(path.to_owned())),
        (_, None) => None,
    }
}

fn written(mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}
