//! Files that become a model's inputs.

use std::path::Path;

use mnv2c::ends::Picture;
use mnv2c::error::{Error, Result};
use mnv2c::frontend::onnx;
use mnv2c::interp::Array;
use mnv2c::schedule::Port;
use mnv2c::{files, npy};

use crate::cli::{output, picture};

/// The array in a file, of the shape that `port` takes.
pub(crate) fn read(path: &Path, port: &Port, picture: &Picture) -> Result<Array> {
    if is_array(path) {
        return fitting(path, array(path)?, port);
    }
    if is_picture(path) {
        return picture::read(path, port, picture);
    }
    Err(fault(path, "is no .npy, .pb, .png or .jpg; save it as one of these".into()))
}

/// Whether a file is called as arrays are.
pub(crate) fn is_array(path: &Path) -> bool {
    ["npy", "pb"].contains(&extension(path).as_str())
}

/// Whether a file is called as pictures are.
pub(crate) fn is_picture(path: &Path) -> bool {
    ["png", "jpg", "jpeg"].contains(&extension(path).as_str())
}

/// The array in a `.npy` or `.pb` file.
pub(crate) fn array(path: &Path) -> Result<Array> {
    let bytes = files::read(path)?;
    let array = if extension(path) == "pb" { onnx::read_tensor(bytes) } else { npy::read(&bytes) };
    array.map_err(|error| fault(path, error.to_string().trim_start_matches("not a model: ").into()))
}

/// A fault of one input file.
pub(crate) fn fault(path: &Path, what: String) -> Error {
    Error::Wiring(format!("{}: {what}", path.display()))
}

fn fitting(path: &Path, array: Array, port: &Port) -> Result<Array> {
    let dtype = array.values.dtype();
    if dtype != port.dtype {
        let Port { name, dtype: takes, .. } = port;
        return Err(fault(path, format!("holds {dtype}, input {name:?} takes {takes}")));
    }
    if array.shape != port.shape {
        let (found, takes) = (output::shape(&array.shape), output::shape(&port.shape));
        let what = format!("has shape {found}, input {:?} takes {takes}", port.name);
        return Err(fault(path, format!("{what}; reshape it, or pass --input-shape")));
    }
    Ok(array)
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}
