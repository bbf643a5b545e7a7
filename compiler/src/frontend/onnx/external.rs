//! Weights in files of their own, beside the model.
//!
//! A model may name only plain files below its own directory: a location that is absolute, climbs out, holds a NUL or
//! leads out through a link is refused. Only the named range is read, and only after its length is known to be right.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;

use crate::content;
use crate::error::{Error, Result};
use crate::proto::TensorProto;

/// The `len` bytes of a tensor that are stored in another file.
pub(super) fn bytes(tensor: &TensorProto, len: usize, base: &Path) -> Result<Bytes> {
    let location = property(tensor, "location").unwrap_or_default();
    let fail = |what: String| Error::Io {
        path: location.to_owned(),
        what: format!("{what} (weights of {:?})", tensor.name),
    };
    check_location(location).map_err(|what| fail(what.into()))?;
    let offset = number(tensor, "offset").map_err(&fail)?.unwrap_or(0);
    let stored = number(tensor, "length").map_err(&fail)?;
    if let Some(stored) = stored.filter(|stored| *stored != len as u64) {
        return Err(fail(format!("{stored} bytes are named where the shape needs {len}")));
    }
    let file = resolve(base, location).map_err(&fail)?;
    range(&file, offset, len).map(Bytes::from).map_err(fail)
}

fn property<'a>(tensor: &'a TensorProto, key: &str) -> Option<&'a str> {
    let mut entries = tensor.external_data.iter();
    entries.find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}

fn number(tensor: &TensorProto, key: &str) -> std::result::Result<Option<u64>, String> {
    let parse =
        |text: &str| text.parse().map_err(|_| format!("{key} {text:?} is no number of bytes"));
    property(tensor, key).map(parse).transpose()
}

fn check_location(location: &str) -> std::result::Result<(), &'static str> {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if location.is_empty() {
        Err("the model names no file; export it again with its weights")
    } else if location.contains(['\0', '\\', ':']) || !Path::new(location).components().all(plain) {
        Err(
            "refused: the file must lie below the model's directory, by a relative path without `..`",
        )
    } else {
        Ok(())
    }
}

/// The real path of a plain file below `base`.
fn resolve(base: &Path, location: &str) -> std::result::Result<PathBuf, String> {
    let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let real = |path: &Path| path.canonicalize().map_err(|error| error.to_string());
    let (root, file) = (real(base)?, real(&base.join(location))?);
    if !file.starts_with(&root) {
        return Err("refused: a link leads out of the model's directory".into());
    }
    if !file.is_file() {
        return Err("is no plain file".into());
    }
    Ok(file)
}

fn range(file: &Path, offset: u64, len: usize) -> std::result::Result<Vec<u8>, String> {
    let read = || -> std::io::Result<std::result::Result<Vec<u8>, String>> {
        let mut file = File::open(file)?;
        let size = file.metadata()?.len();
        if offset.checked_add(len as u64).is_none_or(|end| end > size) {
            let mut head = Vec::new();
            file.take(1 << 10).read_to_end(&mut head)?;
            let instead = content::instead(&head).map(|what| format!("; it is {what}"));
            let instead = instead.unwrap_or_default();
            let past = format!("{len} bytes from {offset} are past the end at {size}{instead}");
            return Ok(Err(past));
        }
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; len];
        file.read_exact(&mut bytes)?;
        Ok(Ok(bytes))
    };
    read().unwrap_or_else(|error| Err(error.to_string()))
}
