//! Arrays as `.npy` files, numpy's own format, so that inputs and answers travel to and from other tools.
//!
//! Reads versions 1 to 3, little-endian, C order, of f4, f8, f2, i1, u1, i4, i8 and bool; f2 widens and f8 narrows to
//! f32, the one float type here. Writes version 1. Absent: structured types, Fortran order, big-endian numbers.

use crate::content;
use crate::error::{Error, Result};
use crate::interp::Array;
use crate::ir::{Values, infer};

const MAGIC: &[u8] = b"\x93NUMPY";
/// The alignment of the numbers, as numpy writes them.
const ALIGN: usize = 64;

/// The array in the bytes of a `.npy` file.
pub fn read(bytes: &[u8]) -> Result<Array> {
    parse(bytes).map_err(|what| Error::Malformed { what: format!("npy: {what}") })
}

/// The bytes of a `.npy` file that holds `array`.
pub fn write(array: &Array) -> Vec<u8> {
    let (descr, body) = match &array.values {
        Values::F32(v) => ("<f4", v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::I8(v) => ("|i1", v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::U8(v) => ("|u1", v.clone()),
        Values::I32(v) => ("<i4", v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::I64(v) => ("<i8", v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()),
    };
    let dims: String = array.shape.iter().map(|dim| format!("{dim}, ")).collect();
    let shape = if array.shape.len() > 1 { dims.trim_end_matches(", ") } else { dims.trim_end() };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    header.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(ALIGN) - unpadded));
    header.push('\n');
    let len = u16::try_from(header.len()).expect("a tensor has few dimensions");
    [MAGIC, &[1, 0], &len.to_le_bytes(), header.as_bytes(), &body].concat()
}

fn parse(bytes: &[u8]) -> std::result::Result<Array, String> {
    let (header, body) = split(bytes)?;
    if field(header, "fortran_order")?.starts_with("True") {
        return Err("is in Fortran order; save np.ascontiguousarray(x)".into());
    }
    let shape = shape(field(header, "shape")?)?;
    let len = infer::checked_len(&shape)?;
    let values = values(quoted(field(header, "descr")?)?, body, len)?;
    Ok(Array { shape, values })
}

/// The header's text and the bytes after it.
fn split(bytes: &[u8]) -> std::result::Result<(&str, &[u8]), String> {
    let short = || "ends inside its header".to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| match content::instead(bytes) {
        Some(what) => format!("is {what}"),
        None => "does not start with \\x93NUMPY".to_owned(),
    })?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
    let (len, rest) = match version[0] {
        1 => {
            rest.split_first_chunk().map(|(len, rest)| (u32::from(u16::from_le_bytes(*len)), rest))
        }
        2 | 3 => rest.split_first_chunk().map(|(len, rest)| (u32::from_le_bytes(*len), rest)),
        other => return Err(format!("has version {other}; versions 1 to 3 are read")),
    }
    .ok_or_else(short)?;
    let (header, body) = rest.split_at_checked(len as usize).ok_or_else(short)?;
    let header = str::from_utf8(header).map_err(|_| "has a header that is no text")?;
    Ok((header, body))
}

/// The text behind `'key':` in the header's dictionary.
fn field<'a>(header: &'a str, key: &str) -> std::result::Result<&'a str, String> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let after =
        quoted.iter().find_map(|key| header.split_once(key.as_str())).map(|(_, after)| after);
    let value = after.and_then(|after| after.trim_start().strip_prefix(':'));
    value.map(str::trim_start).ok_or_else(|| format!("has no {key} in its header"))
}

fn quoted(text: &str) -> std::result::Result<&str, String> {
    let inside = text.split(['\'', '"']).nth(1).filter(|_| text.starts_with(['\'', '"']));
    inside.ok_or_else(|| "holds structured elements; save one plain array".into())
}

fn shape(text: &str) -> std::result::Result<Vec<usize>, String> {
    let inside = text.strip_prefix('(').and_then(|text| text.split_once(')'));
    let (dims, _) = inside.ok_or("has a shape that is no tuple")?;
    let dims = dims.split(',').map(str::trim).filter(|dim| !dim.is_empty());
    dims.map(|dim| dim.parse().map_err(|_| format!("has a dimension {dim:?}"))).collect()
}

fn values(descr: &str, body: &[u8], len: usize) -> std::result::Result<Values, String> {
    match descr {
        "<f4" => Ok(Values::F32(numbers(body, len, f32::from_le_bytes)?)),
        "<f8" => Ok(Values::F32(numbers(body, len, |b| f64::from_le_bytes(b) as f32)?)),
        "<f2" => Ok(Values::F32(numbers(body, len, |b| half::f16::from_le_bytes(b).to_f32())?)),
        "|i1" => Ok(Values::I8(numbers(body, len, i8::from_le_bytes)?)),
        "|u1" | "|b1" => Ok(Values::U8(numbers(body, len, u8::from_le_bytes)?)),
        "<i2" => Ok(Values::I32(
            numbers(body, len, i16::from_le_bytes)?.into_iter().map(i32::from).collect(),
        )),
        "<i4" => Ok(Values::I32(numbers(body, len, i32::from_le_bytes)?)),
        "<i8" => Ok(Values::I64(numbers(body, len, i64::from_le_bytes)?)),
        other => Err(format!("holds elements of type {other:?}; save x.astype('<f4')")),
    }
}

fn numbers<T, const N: usize>(
    body: &[u8],
    len: usize,
    read: impl Fn([u8; N]) -> T,
) -> std::result::Result<Vec<T>, String> {
    let (elements, rest) = body.as_chunks::<N>();
    if elements.len() != len || !rest.is_empty() {
        let (found, wanted) = (body.len(), len * N);
        return Err(format!("has {found} bytes of numbers where its shape needs {wanted}"));
    }
    Ok(elements.iter().map(|bytes| read(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, body: &[u8]) -> Vec<u8> {
        let len = (header.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &len, header.as_bytes(), body].concat()
    }

    fn refusal(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let shapes: [&[usize]; 4] = [&[], &[1], &[2, 3], &[0, 4]];
        for shape in shapes {
            let len = shape.iter().product::<usize>();
            let arrays = [
                Values::F32((0..len).map(|i| i as f32 / 3.0).collect()),
                Values::I8(vec![-3; len]),
                Values::U8(vec![200; len]),
                Values::I32(vec![-70_000; len]),
                Values::I64(vec![1 << 40; len]),
            ];
            for values in arrays {
                let shape = shape.to_vec();
                let array = Array { shape, values };
                assert_eq!(read(&write(&array)), Ok(array));
            }
        }
    }

    #[test]
    fn a_file_is_laid_out_as_numpy_lays_it() {
        let bytes = write(&Array::f32([2], vec![1.0, 2.0]));
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
        assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00v\x00");
        assert!(bytes[10..].starts_with(header.as_bytes()));
        assert_eq!(bytes[127], b'\n');
        assert_eq!(bytes.len(), 128 + 8);
    }

    #[test]
    fn other_floats_become_f32() {
        let halves =
            file("{'descr': '<f2', 'fortran_order': False, 'shape': (2,)}", &[0, 0x3c, 0, 0xc0]);
        assert_eq!(read(&halves), Ok(Array::f32([2], vec![1.0, -2.0])));
        let double =
            file("{'shape': (), 'descr': \"<f8\", 'fortran_order': False}", &0.5f64.to_le_bytes());
        assert_eq!(read(&double), Ok(Array::f32([], vec![0.5])));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert_eq!(refusal(b"PK\0"), "not a model: npy: does not start with \\x93NUMPY");
        assert!(refusal(b"PK\x03\x04").starts_with("not a model: npy: is a zip archive"));
        assert_eq!(refusal(b"\x93NUMPY\x01"), "not a model: npy: ends inside its header");
        let fortran = file("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}", &[0; 4]);
        assert!(refusal(&fortran).ends_with("save np.ascontiguousarray(x)"));
        let short = file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", &[0; 7]);
        assert!(refusal(&short).ends_with("has 7 bytes of numbers where its shape needs 8"));
        let big = file("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", &[0; 4]);
        assert!(refusal(&big).ends_with("type \">f4\"; save x.astype('<f4')"));
        let huge = file(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
            &[],
        );
        assert!(refusal(&huge).contains("more than 2^31 elements"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(header in "[{}'a-z_0-9:(), <|]{0,80}", body: Vec<u8>) {
            let _ = read(&body);
            let _ = read(&file(&header, &body));
            let shape = format!("'descr': '<f4', 'fortran_order': F, 'shape': {header}");
            let _ = read(&file(&shape, &body));
        }
    }
}
