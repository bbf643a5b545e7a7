//! The runtime as text, for files that need no other crate: its sources, nested as modules.
//!
//! Paths from the crate's root become paths from each module, so the result works as a crate or as a module of one.

use mnv2c_runtime::sources;

use crate::Artifact;

/// Columns of a line of weights.
const WIDTH: usize = 100;

/// The emitted file with the runtime and the weights inside it: a `no_std` crate, or a module of one.
pub fn file(artifact: &Artifact) -> String {
    let (header, items) = parts(artifact);
    format!("{header}\n{ROOT}\n{items}")
}

/// The doc of a file, and its items with the runtime and the weights: for the inside of a module.
pub fn parts(artifact: &Artifact) -> (String, String) {
    let rust = artifact.rust.replace("use mnv2c_runtime::", "use self::mnv2c_runtime::");
    let (header, items) =
        rust.split_once("\n\n").expect("an emitted file says what it is, then imports");
    let include = format!("include_bytes!({:?})", artifact.facts.blob_name);
    let items = items.replacen(&include, &format!("b\"{}\"", literal(&artifact.blob.file())), 1);
    (header.to_owned(), format!("{items}\n{}", runtime()))
}

const ROOT: &str = "\
#![allow(unused_attributes, reason = \"the next line is for the root of a crate, and idle in a module\")]
#![no_std]
";

/// Bytes as the inside of a byte-string literal, broken into lines that Rust joins again.
fn literal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    let mut column = 0;
    for byte in bytes {
        if column == 0 {
            text.push_str("\\\n");
        }
        let start = text.len();
        match byte {
            0 => text.push_str("\\0"),
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b'!'..=b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
        column += text.len() - start;
        column = if column >= WIDTH { 0 } else { column };
    }
    text
}

/// The module `mnv2c_runtime` with all that emitted code calls.
pub fn runtime() -> String {
    format!("{HEAD}mod mnv2c_runtime {{\n{}}}\n", module(&[]))
}

const HEAD: &str = "\
/// The runtime of mnv2c: kernels, rings, vectors.
#[allow(dead_code, unexpected_cfgs, unused_imports, reason = \"this network needs a part of it\")]
#[rustfmt::skip]
";

/// Beginnings of the end of a file that a network does not need: its text as data, and its tests.
const ENDS: [&str; 2] = ["#[cfg(feature = \"sources\")]", "#[cfg(test)]\nmod tests"];

/// The text of one module, the modules it declares written out inside it.
fn module(path: &[&str]) -> String {
    let name = if path.is_empty() { "lib".to_owned() } else { path.join("/") };
    let source = sources::text(&name).unwrap_or_default();
    let source = ENDS.iter().fold(source, |source, end| source.split(end).next().unwrap_or(source));
    let root = if path.is_empty() { "self::".to_owned() } else { "super::".repeat(path.len()) };
    let mut text = String::new();
    for line in source.lines().filter(|line| !line.starts_with("#!") && !line.starts_with("#[path"))
    {
        match declared(line) {
            Some((visibility, name)) => {
                let inner = [path, &[name]].concat();
                if sources::text(&inner.join("/")).is_some() {
                    text.push_str(&format!("{visibility}mod {name} {{\n{}}}\n", module(&inner)));
                }
            }
            None => {
                text.push_str(&line.replace("crate::", &root));
                text.push('\n');
            }
        }
    }
    text
}

/// Visibility and name of the module that a line declares without a body.
fn declared(line: &str) -> Option<(&str, &str)> {
    let (visibility, rest) = line.split_once("mod ")?;
    let name = rest.strip_suffix(';')?;
    ["", "pub ", "pub(crate) "].contains(&visibility).then_some((visibility, name))
}
