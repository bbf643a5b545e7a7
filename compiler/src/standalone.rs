//! The runtime as text, for files that need no other crate: its sources, nested as modules.
//!
//! Paths from the crate's root become paths from each module, so the result works as a crate or as a module of one.

use crate::Artifact;

/// Columns of a line of weights.
const WIDTH: usize = 100;

/// The emitted file with the runtime and the weights inside it: a `no_std` crate, or a module of one.
pub fn file(artifact: &Artifact) -> String {
    let (header, items) = parts(artifact);
    format!("{header}\n{ROOT}\n{items}")
}

/// What a file says of itself, and its items with the runtime and the weights: for the inside of a module.
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

/// Names the files of the runtime by module path, and reads them when the compiler is compiled.
macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../runtime/src/", $name, ".rs")))),*]
    };
}

/// Every file of the runtime but the catalog, which only the compiler reads, and what build scripts need.
const FILES: &[(&str, &str)] = files![
    "lib" "activation" "affine" "arena" "blob" "brain" "clamp" "half" "isa" "ring" "ring/border"
    "kernel" "kernel/conv" "kernel/copy" "kernel/cum_sum" "kernel/depthwise" "kernel/elementwise" "kernel/global_pool"
    "kernel/integers" "kernel/matmul" "kernel/pointwise" "kernel/pool" "kernel/rank" "kernel/reduce" "kernel/resample" "kernel/resize"
    "kernel/softmax" "kernel/strided" "kernel/top_k" "kernel/unary" "kernel/widen"
    "kernel/q8" "kernel/q8/border" "kernel/q8/conv" "kernel/q8/depthwise" "kernel/q8/elements" "kernel/q8/look_up"
    "kernel/q8/pool" "kernel/q8/softmax"
    "layer" "math" "math/exact" "math/power" "pool" "probe"
    "simd" "simd/added" "simd/avx2" "simd/avx512" "simd/cpu" "simd/gemm" "simd/lanes" "simd/lent" "simd/near" "simd/neon"
    "simd/number" "simd/plain" "simd/product" "simd/registers" "simd/sse2" "simd/stencil" "simd/vector" "simd/wasm128" "simd/weight"
    "simd/whole" "simd/wide" "simd/window"
    "simd/dots" "simd/dots/avx2" "simd/dots/avx512" "simd/dots/neon" "simd/dots/neon_dot"
    "simd/dots/plain" "simd/dots/sse2" "simd/dots/wasm128" "simd/qgemm" "simd/qstencil" "simd/requant"
];

/// The text of one module, the modules it declares written out inside it.
fn module(path: &[&str]) -> String {
    let name = if path.is_empty() { "lib".to_owned() } else { path.join("/") };
    let source = source(&name).unwrap_or_default();
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or(source);
    let root = if path.is_empty() { "self::".to_owned() } else { "super::".repeat(path.len()) };
    let mut text = String::new();
    for line in source.lines().filter(|line| !line.starts_with("#!") && !line.starts_with("#[path"))
    {
        match declared(line) {
            Some((visibility, name)) => {
                let inner = [path, &[name]].concat();
                if self::source(&inner.join("/")).is_some() {
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

fn source(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, source)| *source)
}

/// Visibility and name of the module that a line declares without a body.
fn declared(line: &str) -> Option<(&str, &str)> {
    let (visibility, rest) = line.split_once("mod ")?;
    let name = rest.strip_suffix(';')?;
    ["", "pub ", "pub(crate) "].contains(&visibility).then_some((visibility, name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_runtime_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/src");
        let mut found = BTreeSet::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().with_extension("");
                    found.insert(name.to_str().unwrap().to_owned());
                }
            }
        }
        found.remove("catalog");
        found.remove("include");
        assert_eq!(found, FILES.iter().map(|(name, _)| (*name).to_owned()).collect());
    }
}
