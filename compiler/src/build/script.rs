//! Output of a build script: a module, its weights and a report in `OUT_DIR`, and lines for Cargo.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::Artifact;
use crate::build::{Compiled, Compiler};
use crate::error::{Error, Result};
use crate::files;
use crate::options::Door;
use crate::printed;
use crate::standalone;

/// The reason why there is no network. Cargo shows the result of `main` in its debug form, so that form is the message.
pub struct Failed(pub Error);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Door::Builder.told(&self.0))
    }
}

impl std::error::Error for Failed {}

/// Writes the files of the module `name`.
pub(super) fn emit(compiler: &Compiler, name: &str) -> Result<()> {
    if syn::parse_str::<proc_macro2::Ident>(name).is_err() {
        let what = format!("{name:?} is no name of a module; use letters, digits and _");
        return Err(Error::Spec(what));
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or_else(|| {
        Error::Spec(
            "there is no OUT_DIR; call `emit` in build.rs, which Cargo runs with one".into(),
        )
    })?);
    let blob_name = format!("{name}.bin");
    let Compiled { artifact, files: read, .. } = compiler.network(&blob_name)?;
    let (blob, report) = (artifact.blob.file(), report(&artifact));
    let (blob_path, report_path) = (out.join(&blob_name), out.join(format!("{name}.txt")));
    let mut written: Vec<(&Path, &[u8])> = vec![(&report_path, report.as_bytes())];
    let rust = if compiler.request.standalone {
        let (header, items) = standalone::parts(&artifact);
        format!("{header}\n\n{items}")
    } else {
        written.push((&blob_path, &blob));
        artifact.rust.clone()
    };
    let (module, path) = (module(&rust, name), out.join(format!("{name}.rs")));
    written.push((&path, module.as_bytes()));
    files::write(&written)?;
    println!("cargo::rerun-if-changed=build.rs");
    read.iter().for_each(|file| println!("cargo::rerun-if-changed={}", file.display()));
    artifact
        .graph
        .notes
        .iter()
        .for_each(|note| println!("cargo::warning={}", Door::Builder.tell(note)));
    Ok(())
}

/// An emitted file as one item, which `include!` takes: inner documentation and attributes it would not.
fn module(rust: &str, name: &str) -> String {
    let mut text = String::new();
    let mut lines = rust.lines().peekable();
    while let Some(line) = lines.next_if(|line| !line.is_empty()) {
        let _ = match line.strip_prefix("//!") {
            Some(words) => writeln!(text, "///{words}"),
            None => writeln!(text, "{}", line.replacen("#!", "#", 1)),
        };
    }
    let _ = writeln!(text, "pub mod {name} {{");
    for line in lines.skip_while(|line| line.is_empty()) {
        let _ = if line.is_empty() { writeln!(text) } else { writeln!(text, "    {line}") };
    }
    text.push_str("}\n");
    text
}

/// The report on the compiled model.
fn report(artifact: &Artifact) -> String {
    let facts = &artifact.facts;
    let mut text = format!(
        "{}\n{} multiply-adds, {} parameters\n{} bytes of arena, {} bytes of weights\n{}\n",
        printed::name(&facts.name),
        facts.madds,
        facts.params,
        artifact.plan.arena_len,
        artifact.blob.bytes_len(),
        artifact.log,
    );
    for entry in &artifact.log.entries {
        for skip in &entry.skips {
            let _ = writeln!(text, "{} refused {skip}", entry.pass.name);
        }
    }
    let _ = write!(text, "\n{}", artifact.plan.table(&artifact.schedule.buffers));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_one_item() {
        let file =
            "//! Net.\n//!\n//! More.\n#![allow(a_lint)]\n\nuse a::b;\n\nfn f() {\n    b();\n}\n";
        let module = module(file, "net");
        let (outside, inside) = module.split_once("pub mod net {\n").expect("it is a module");
        assert_eq!(outside, "/// Net.\n///\n/// More.\n#[allow(a_lint)]\n");
        assert_eq!(inside, "    use a::b;\n\n    fn f() {\n        b();\n    }\n}\n");
    }

    #[test]
    fn a_crooked_name_is_refused() {
        let error = Compiler::new("net.onnx").emit("my net").expect_err("it has a space");
        assert!(format!("{error:?}").contains("no name of a module"), "{error:?}");
    }
}
