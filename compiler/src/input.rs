//! Files that become a model's inputs.

use std::path::Path;

use crate::error::{Error, Result};
use crate::frontend::onnx;
use crate::interp::Array;
use crate::ir::{Dtype, Values};
use crate::model_io::Picture;
use crate::schedule::Port;
use crate::{files, npy, printed, sequence};

/// The array in a file, of the shape that `port` takes.
pub fn read(path: &Path, port: &Port, picture: &Picture) -> Result<Array> {
    if is_array(path) {
        return fitting(path, array(path)?, port);
    }
    if is_picture(path) {
        return decoded(path, port, picture);
    }
    Err(Error::in_file(path, "is no .npy, .pb, .png or .jpg; save it as one of these"))
}

/// The array in a file, of the shape that `port` takes, or of several calls one after another.
pub fn read_calls(path: &Path, port: &Port, picture: &Picture) -> Result<Array> {
    if !is_array(path) {
        return read(path, port, picture);
    }
    let array = array(path)?;
    let one: Vec<Option<usize>> = port.shape.iter().copied().map(Some).collect();
    let calls = sequence::calls(&array.shape, &one).unwrap_or(1);
    let shape = match calls {
        1 => port.shape.clone(),
        calls => [&[calls], port.shape.as_slice()].concat(),
    };
    let is_listed = calls > 1 && array.shape.len() == port.shape.len();
    let array = if is_listed { Array { shape: shape.clone(), ..array } } else { array };
    fitting(path, array, &Port { shape, ..port.clone() })
}

#[cfg(feature = "pictures")]
fn decoded(path: &Path, port: &Port, picture: &Picture) -> Result<Array> {
    crate::picture::read(path, port, picture)
}

#[cfg(not(feature = "pictures"))]
fn decoded(path: &Path, _: &Port, _: &Picture) -> Result<Array> {
    let what = "is a picture, which mnv2c decodes with its feature `pictures`; add the feature, or give an array as .npy";
    Err(Error::in_file(path, what))
}

/// True if a file has the extension of arrays.
pub fn is_array(path: &Path) -> bool {
    ["npy", "pb"].contains(&extension(path).as_str())
}

/// True if a file has the extension of images.
pub fn is_picture(path: &Path) -> bool {
    ["png", "jpg", "jpeg"].contains(&extension(path).as_str())
}

/// The array in a `.npy` or `.pb` file.
pub fn array(path: &Path) -> Result<Array> {
    let bytes = files::read(path)?;
    let array = if extension(path) == "pb" { onnx::read_tensor(bytes) } else { npy::read(&bytes) };
    array.map_err(|error| {
        Error::in_file(path, error.to_string().trim_start_matches("not a model: "))
    })
}

/// The array that a model takes, in floats if it takes those in place of integers; `Err` names an integer that no float is.
pub fn taken(array: Array, takes: Dtype) -> std::result::Result<Array, String> {
    let ints: Vec<i64> = match (&array.values, takes) {
        (Values::I32(ints), Dtype::F32) => ints.iter().copied().map(i64::from).collect(),
        (Values::U8(bytes), Dtype::F32) => bytes.iter().copied().map(i64::from).collect(),
        (Values::I64(ints), Dtype::F32) => ints.clone(),
        _ => return Ok(array),
    };
    match ints.iter().find(|int| int.unsigned_abs() > 1 << 24) {
        Some(int) => Err(format!("holds {int}; integers are taken up to 2^24")),
        None => Ok(Array::f32(array.shape, ints.iter().map(|int| *int as f32).collect())),
    }
}

fn fitting(path: &Path, array: Array, port: &Port) -> Result<Array> {
    let array = match array.values {
        // Bytes where floats belong are most likely an image that is not scaled.
        Values::U8(_) => array,
        _ => taken(array, port.dtype).map_err(|what| Error::in_file(path, what))?,
    };
    let dtype = array.values.dtype();
    if dtype != port.dtype {
        let Port { name, dtype: takes, .. } = port;
        return Err(Error::in_file(path, format!("holds {dtype}, input {name:?} takes {takes}")));
    }
    if array.shape != port.shape {
        let (found, takes) = (printed::shape(&array.shape), printed::shape(&port.shape));
        let what = format!("has shape {found}, input {:?} takes {takes}", port.name);
        let remedy = match transposed(&array.shape, &port.shape) {
            Some(call) => format!("write {call}"),
            None => "reshape it, or pass --input-shape".into(),
        };
        return Err(Error::in_file(path, format!("{what}; {remedy}")));
    }
    Ok(array)
}

/// The call of numpy that makes an array `x` of shape `found` one that a model takes, if it lacks no more than an order
/// of its dimensions and a first one of 1.
pub fn transposed(found: &[usize], takes: &[usize]) -> Option<String> {
    let (rest, whole) = match takes.split_first() {
        Some((1, rest)) if found.len() == rest.len() => (rest, "[None]"),
        _ => (takes, ""),
    };
    let mut order: Vec<usize> = Vec::new();
    for size in rest {
        let is_next = |at: &usize| found[*at] == *size && !order.contains(at);
        order.push((0..found.len()).find(is_next)?);
    }
    if order.len() != found.len() {
        return None;
    }
    if order.is_sorted() {
        return Some(format!("x{whole}")).filter(|_| !whole.is_empty());
    }
    let order: Vec<String> = order.iter().map(usize::to_string).collect();
    Some(format!("x.transpose({}){whole}", order.join(", ")))
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_of_dimensions_is_told_as_numpy_has_it() {
        let told = |found: &[usize], takes: &[usize]| transposed(found, takes);
        let some = |call: &str| Some(call.to_owned());
        assert_eq!(told(&[1, 8, 9, 3], &[1, 3, 8, 9]), some("x.transpose(0, 3, 1, 2)"));
        assert_eq!(told(&[1, 8, 8, 3], &[1, 3, 8, 8]), some("x.transpose(0, 3, 1, 2)"));
        assert_eq!(told(&[1, 3, 8, 8], &[1, 8, 8, 3]), some("x.transpose(0, 2, 3, 1)"));
        assert_eq!(told(&[8, 9, 3], &[1, 3, 8, 9]), some("x.transpose(2, 0, 1)[None]"));
        assert_eq!(told(&[3, 8, 9], &[1, 3, 8, 9]), some("x[None]"));
        assert_eq!(told(&[7, 5], &[5, 7]), some("x.transpose(1, 0)"));
        for wrong in [&[1, 3, 8, 8][..], &[3, 8], &[1, 1, 3, 8, 9], &[216], &[]] {
            assert_eq!(told(wrong, &[1, 3, 8, 9]), None);
        }
    }
}
