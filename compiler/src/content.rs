//! Recognition of files that are passed by mistake, by their bytes, with the remedy.
//!
//! Only asked once reading has failed: the same bytes may begin a file that is sound.

/// Most bytes at the beginning of a file that are looked at.
const HEAD: usize = 1 << 16;

/// Beginnings of files that people pass by mistake, and their descriptions.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (
        b"version https://git-lfs.github.com/spec/",
        "a pointer of Git LFS and not the file itself; fetch that with `git lfs pull`",
    ),
    (b"\x1f\x8b", "compressed with gzip; unpack it with `gunzip`"),
    (b"BZh", "compressed with bzip2; unpack it with `bunzip2`"),
    (b"\xfd7zXZ\0", "compressed with xz; unpack it with `unxz`"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it with `unzstd`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it, and name the file that was in it"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras saves models (.h5); convert it with tf2onnx"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"\x93NUMPY", "an array (.npy)"),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
];

const PICKLE: &str =
    "a pickle, as PyTorch saves models; load it in PyTorch and export it with torch.onnx.export";

/// File identifiers behind the first four bytes of flatbuffers.
const FLATBUFFERS: &[(&[u8], &str)] = &[
    (b"TFL3", "a TFLite file; mnv2c reads it where a model is named"),
    (b"ORTM", "onnxruntime's own format (.ort); take the .onnx file that it was made of"),
];

/// The kind of `bytes`, with the remedy, if they are known for something else than was expected.
pub fn instead(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(HEAD)];
    let begun = BEGINNINGS.iter().find(|(magic, _)| head.starts_with(magic));
    let marked = FLATBUFFERS.iter().find(|(magic, _)| head.get(4..8) == Some(*magic));
    let known = begun.or(marked).map(|(_, what)| *what);
    known
        .or_else(|| zip(head))
        .or_else(|| tensorflow(head))
        .map(str::to_owned)
        .or_else(|| text(head))
}

fn zip(head: &[u8]) -> Option<&'static str> {
    let holds = |name: &[u8]| head.windows(name.len()).any(|part| part == name);
    head.starts_with(b"PK\x03\x04").then(|| {
        if holds(b"/data.pkl") {
            "a PyTorch file (.pt); load it in PyTorch and export it with torch.onnx.export"
        } else if holds(b"model.weights.h5") {
            "a Keras file (.keras); convert it with tf2onnx"
        } else {
            "a zip archive; unpack it, and name the file that was in it"
        }
    })
}

/// A graph of TensorFlow is protobuf too; its inputs are called so.
fn tensorflow(head: &[u8]) -> Option<&'static str> {
    let name = b"Placeholder";
    let holds = head.windows(name.len()).any(|part| part == name);
    (holds && !head.is_ascii()).then_some("a TensorFlow graph; convert it with tf2onnx")
}

/// Web pages and other text.
fn text(head: &[u8]) -> Option<String> {
    // The head may end inside of a letter.
    let whole = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if whole.trim().is_empty() {
        return None;
    }
    let text = whole.trim_start_matches('\u{feff}').trim_start();
    if whole.contains(|letter: char| letter.is_control() && !"\r\n\t\u{c}".contains(letter)) {
        return None;
    }
    let begins =
        |tag: &str| text.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag));
    if ["<!doctype", "<html", "<head", "<body", "<?xml", "<!--"].into_iter().any(begins) {
        let what = "a web page and not the file itself; fetch that from the address of its download (on GitHub \
                    `raw`, on Hugging Face `resolve`), signed in where that is asked for";
        return Some(what.into());
    }
    let line = text.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(40).collect();
    Some(format!("text, which begins {shown:?}; is it the right file?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_pass_by_mistake_is_told() {
        let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n".as_slice();
        let long = "ä".repeat(HEAD);
        for (bytes, words) in [
            (lfs, "git lfs pull"),
            (b"\n<!DOCTYPE html><html>", "a web page"),
            (b"\xef\xbb\xbf<HTML>", "a web page"),
            (b"{\"error\": \"denied\"}", r#"text, which begins "{\"error\": \"denied\"}""#),
            (long.as_bytes(), "text, which begins"),
            (b"PK\x03\x04 net.onnx", "a zip archive"),
            (b"PK\x03\x04 net/data.pkl", "torch.onnx.export"),
            (b"\x80\x02}q\x00", "a pickle"),
            (b"\x1f\x8b\x08\x00", "gunzip"),
            (b"\x1c\0\0\0TFL3\0\0", "a TFLite file"),
            (b"\x20\0\0\0ORTM\0\0", ".ort"),
            (b"\x89HDF\r\n\x1a\n\0", "Keras"),
            (b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder\xff", "a TensorFlow graph"),
        ] {
            let told = instead(bytes).unwrap_or_default();
            assert!(told.contains(words), "{told:?} lacks {words:?}");
        }
    }

    #[test]
    fn bytes_that_tell_nothing_are_left_alone() {
        for bytes in [b"".as_slice(), b"\x08\x08\x3a\x02\x0a\x00", b"\xff\xfe\x00", b"a\0b"] {
            assert_eq!(instead(bytes), None);
        }
    }
}
