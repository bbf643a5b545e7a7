//! The house rules that a compiler cannot check: who imports whom, where `unsafe` may stand, how files open.

use std::fs;
use std::path::{Path, PathBuf};

/// Module, and what it must not name.
const MUST_NOT_KNOW: &[(&str, &[&str])] = &[
    (
        "compiler/src/ir",
        &[
            "crate::pass",
            "crate::target",
            "crate::kernels",
            "crate::schedule",
            "crate::plan",
            "crate::emit",
        ],
    ),
    (
        "compiler/src/frontend",
        &["crate::pass", "crate::target", "crate::kernels", "crate::schedule", "crate::emit"],
    ),
    (
        "compiler/src/kernels",
        &[
            "quote",
            "proc_macro2",
            "Graph",
            "NodeId",
            "crate::target",
            "crate::segment",
            "crate::schedule",
            "crate::plan",
            "crate::program",
            "crate::lower",
            "crate::shadow",
            "crate::emit",
        ],
    ),
    (
        "compiler/src/pass",
        &[
            "crate::frontend",
            "crate::kernels",
            "crate::schedule",
            "crate::plan",
            "crate::emit",
            "mnv2c_runtime",
        ],
    ),
    ("compiler/src/segment", &["quote", "proc_macro2", "crate::emit"]),
    ("compiler/src/schedule", &["quote", "proc_macro2", "crate::emit", "crate::lower"]),
    ("compiler/src/program", &["crate::emit", "crate::lower", "crate::ir"]),
    ("compiler/src/lower", &["quote", "proc_macro2", "crate::emit", "crate::plan"]),
    ("compiler/src/plan", &["quote", "proc_macro2", "crate::emit", "crate::ir"]),
    ("compiler/src/order", &["quote", "proc_macro2", "crate::emit", "crate::ir"]),
    ("compiler/src/pack", &["quote", "proc_macro2", "crate::emit"]),
    ("compiler/src/share", &["quote", "proc_macro2", "crate::emit", "crate::ir"]),
    ("runtime/src", &["std::", "alloc::", "mnv2c::"]),
];

/// Where `unsafe` may stand.
const UNSAFE: &[&str] = &["runtime/src/simd.rs", "runtime/src/simd/", "runtime/src/blob", FIRMWARE];

/// Text of firmware, which starts processors and speaks to the emulator.
const FIRMWARE: &str = "compiler/src/executable/firmware/";

#[test]
fn modules_know_what_they_may() {
    for (path, text) in sources() {
        let code = code_of(&text);
        for (module, forbidden) in
            MUST_NOT_KNOW.iter().filter(|(module, _)| path.starts_with(module))
        {
            for word in *forbidden {
                let allowed = *word == "std::" && code.contains("extern crate std");
                let named =
                    code.lines().any(|line| line.contains(word) && !line.contains("core::"));
                assert!(allowed || !named, "{path}: {module} must not know {word}");
            }
        }
    }
}

#[test]
fn petgraph_stays_in_the_graph_and_quote_in_emit() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("compiler/src")) {
        let code = code_of(&text);
        assert!(
            !code.contains("use petgraph") || path == "compiler/src/ir/graph.rs",
            "{path} imports petgraph"
        );
        let emits = path.starts_with("compiler/src/emit");
        assert!(!code.contains("use quote") || emits, "{path} imports quote");
    }
}

#[test]
fn machines_are_described_in_one_place() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("compiler/src")) {
        if path.starts_with("compiler/src/target") {
            continue;
        }
        for line in code_of(&text).lines() {
            // `isa::Isa::#token` is printed, not decided by.
            let named =
                line.split("Isa::").skip(1).any(|rest| rest.starts_with(char::is_uppercase));
            assert!(!named || line.contains("Isa::ALL"), "{path} names an instruction set: {line}");
            let sized = ["L1_", "L2_", "CACHE_", "_A_CYCLE", "LANES", "REGISTERS"];
            let constant = line.contains("const ") && line.contains(": usize");
            let number = constant && sized.iter().any(|word| line.contains(word));
            assert!(!number, "{path} holds a number of a machine: {line}");
        }
    }
}

#[test]
fn unsafe_lies_in_vectors_and_blobs() {
    for (path, text) in sources() {
        let may = UNSAFE.iter().any(|place| path.starts_with(place));
        let word = ["unsafe", " {"].concat();
        let function = ["unsafe", " fn"].concat();
        let has = code_of(&text)
            .lines()
            .any(|line| line.trim_start().starts_with(&word) || line.contains(&function));
        assert!(may || !has || path.starts_with("compiler/src/emit"), "{path} holds unsafe code");
    }
}

#[test]
fn files_open_with_what_they_are() {
    for (path, text) in sources() {
        let head = text.lines().take_while(|line| line.starts_with("//!")).count();
        assert!(head >= 1, "{path} does not open with `//!`");
        assert!(!path.ends_with("/mod.rs"), "{path}: use `foo.rs` beside `foo/`");
    }
}

#[test]
fn a_catch_all_over_operators_says_why() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("compiler/src")) {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(&text);
        let lines: Vec<&str> = code.lines().collect();
        for at in (1..lines.len()).filter(|at| lines[*at].trim_start().starts_with("_ =>")) {
            let said = lines[at - 1].trim_start().starts_with("//");
            let line = at + 1;
            assert!(
                said || !is_over_operators(&lines[..at], indent(lines[at])),
                "{path}:{line}: say why every future operator belongs to this `_ =>`"
            );
        }
    }
}

/// Whether the arms that stand `deep` at the end of `lines` name operators in their patterns.
fn is_over_operators(lines: &[&str], deep: usize) -> bool {
    let arms = lines.iter().rev().take_while(|line| line.is_empty() || indent(line) >= deep);
    let mut patterns = arms.filter(|line| indent(line) == deep).map(|line| line.split("=>").next());
    patterns.any(|pattern| {
        let pattern = pattern.unwrap_or_default();
        pattern.contains("Op::") || pattern.contains("Quant::")
    })
}

/// Spaces before a line.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Every source file of the crates, by its path from the root.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["compiler/src", "runtime/src", "macros/src"].map(|f| root.join(f)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The text without comments and without its tests.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}
