//! Arrays of f32 as `.npy` files, numpy's own format.

use std::path::Path;

use crate::{Numbers, Port};

const MAGIC: &[u8] = b"\x93NUMPY";

/// The numbers in a file, if it holds what the network takes at `port`: for a call, or for one after another.
pub fn read(path: &Path, port: &Port) -> Result<Numbers, String> {
    let Port { name, shape, bytes: is_bytes } = *port;
    let place = path.display();
    let bytes = std::fs::read(path).map_err(|error| format!("{place}: {error}"))?;
    let (header, body) = split(&bytes).ok_or_else(|| format!("{place}: is no .npy file"))?;
    let found =
        found_shape(header).ok_or_else(|| format!("{place}: has no shape in its header"))?;
    let (descr, size) = if is_bytes { ("|u1", 1) } else { ("<f4", 4) };
    if !header.contains(&format!("'{descr}'")) {
        return Err(format!("{place}: does not hold {descr}; save x.astype('{descr}')"));
    }
    if header.contains("'fortran_order': True") {
        return Err(format!("{place}: is in Fortran order; save np.ascontiguousarray(x)"));
    }
    let several = crate::ports::KEEPS_STATE && found.len() == shape.len() + 1 && found[1..] == *shape;
    if found != shape && !several {
        return Err(format!("{place}: has shape {found:?}; input {name:?} takes {shape:?}"));
    }
    if body.len() != size * found.iter().product::<usize>() {
        return Err(format!("{place}: has {} bytes of numbers, too many or too few", body.len()));
    }
    if is_bytes {
        return Ok(Numbers::Bytes(body.to_vec()));
    }
    Ok(Numbers::Floats(body.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x)).collect()))
}

/// Writes numbers of the given shape.
pub fn write(path: &Path, shape: &[usize], numbers: &[f32]) -> Result<(), String> {
    let dims: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
    let dims = if shape.len() > 1 { dims.trim_end_matches(", ") } else { dims.trim_end() };
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({dims}), }}");
    let len = (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    let mut file = [MAGIC, &[1, 0], &(len as u16).to_le_bytes()].concat();
    file.extend(format!("{header:<width$}\n", width = len - 1).bytes());
    file.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
    std::fs::write(path, file).map_err(|error| format!("{}: {error}", path.display()))
}

/// The header's text and the bytes after it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (version, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<2>()?;
    let (len, rest) = match version[0] {
        1 => {
            rest.split_first_chunk().map(|(len, rest)| (u32::from(u16::from_le_bytes(*len)), rest))
        }
        _ => rest.split_first_chunk().map(|(len, rest)| (u32::from_le_bytes(*len), rest)),
    }?;
    let (header, body) = rest.split_at_checked(len as usize)?;
    Some((str::from_utf8(header).ok()?, body))
}

fn found_shape(header: &str) -> Option<Vec<usize>> {
    let (_, after) = header.split_once("'shape': (")?;
    let (dims, _) = after.split_once(')')?;
    let dims = dims.split(',').map(str::trim).filter(|dim| !dim.is_empty());
    dims.map(|dim| dim.parse().ok()).collect()
}
