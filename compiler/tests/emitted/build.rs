//! Crates of emitted files, built in the folder that cargo gives to tests.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mnv2c::interp::Array;
use mnv2c::ir::{Graph, Values};
use mnv2c::model_io::ModelIo;
use mnv2c::objective::Memory;
use mnv2c::target::Target;
use mnv2c::{Artifact, Options, standalone};

/// The start of a `main` made of cases.
pub(crate) const MAIN_HEAD: &str = "
fn floats(file: &str) -> Vec<f32> {
    let bytes = std::fs::read(file).unwrap();
    bytes.chunks(4).map(|x| f32::from_le_bytes(x.try_into().unwrap())).collect()
}

/// The largest difference, as a part of the largest magnitude; infinite where one is NaN and the other not.
fn error(got: &[f32], expected: &[f32]) -> f32 {
    let most = expected.iter().fold(1e-6, |most: f32, x| most.max(x.abs()));
    let off = |(a, b): (&f32, &f32)| if a.is_nan() != b.is_nan() { f32::INFINITY } else { (a - b).abs() };
    got.iter().zip(expected).map(off).fold(0.0, f32::max) / most
}

fn main() {
";

/// The feature of the runtime that has threads.
const STD: [&str; 2] = ["--cfg", "feature=\"std\""];

/// A crate to be compiled.
pub(crate) struct Crate {
    folder: PathBuf,
}

pub(crate) fn compile(graph: Graph, target: &Target, blob_name: &str) -> Artifact {
    compile_for(graph, target, Memory::default(), blob_name)
}

pub(crate) fn compile_for(
    graph: Graph,
    target: &Target,
    memory: Memory,
    blob_name: &str,
) -> Artifact {
    let options = Options {
        target: *target,
        name: "test".into(),
        sha256: String::new(),
        blob_name: blob_name.into(),
        memory,
        layers: false,
        ends: ModelIo::default(),
    };
    mnv2c::compile(graph, &options, |_, _, _| ()).unwrap()
}

impl Crate {
    pub(crate) fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    /// A file beside the sources.
    pub(crate) fn put(&mut self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.join(name), bytes).unwrap();
    }

    /// A module `name` with a network.
    pub(crate) fn add(&mut self, name: &str, graph: Graph, target: &Target) {
        let artifact = compile(graph, target, &format!("{name}.bin"));
        self.put(&format!("{name}.bin"), &artifact.blob.file());
        self.put(&format!("{name}.rs"), artifact.rust.as_bytes());
    }

    /// A module `name` with a network that is given its weights.
    pub(crate) fn add_apart(&mut self, name: &str, graph: Graph, target: &Target) {
        let artifact = compile(graph, target, "").apart();
        self.put(&format!("{name}.bin"), &artifact.blob.file());
        self.put(&format!("{name}.rs"), artifact.rust.as_bytes());
    }

    /// A file `name` that holds the runtime too.
    pub(crate) fn add_standalone(&mut self, name: &str, graph: Graph, target: &Target) {
        let artifact = compile(graph, target, &format!("{name}.bin"));
        let text = standalone::file(&artifact);
        self.put(&format!("{name}.rs"), text.as_bytes());
    }

    /// A module `name`, and the statements of `main` that print its error.
    pub(crate) fn add_case(
        &mut self,
        name: &str,
        graph: Graph,
        target: &Target,
        inputs: &[Array],
        expected: &[Array],
    ) -> String {
        self.add(name, graph, target);
        self.case(name, target, inputs, expected)
    }

    /// A module `name` with a network planned for `memory`.
    pub(crate) fn add_for(
        &mut self,
        name: &str,
        graph: Graph,
        target: &Target,
        memory: Memory,
    ) -> String {
        let artifact = compile_for(graph, target, memory, &format!("{name}.bin"));
        self.put(&format!("{name}.bin"), &artifact.blob.file());
        self.put(&format!("{name}.rs"), artifact.rust.as_bytes());
        artifact.rust
    }

    /// The statements of `main` that print the error of module `name`.
    pub(crate) fn case(
        &mut self,
        name: &str,
        target: &Target,
        inputs: &[Array],
        expected: &[Array],
    ) -> String {
        let mut main = format!("    {{\n        #[path = \"{name}.rs\"]\n        mod net;\n");
        main += "        let mut arena = Box::new(net::Arena::new());\n";
        let mut arguments = String::from("&mut arena");
        if target.threads > 1 {
            writeln!(main, "        let mut pool = net::Pool::new({});", target.threads).unwrap();
            arguments.insert_str(0, "&mut pool, ");
        }
        for (at, array) in inputs.iter().enumerate() {
            self.put_floats(&format!("{name}.x{at}"), array);
            writeln!(main, "        let x{at} = floats(\"{name}.x{at}\");").unwrap();
            write!(arguments, ", x{at}[..].try_into().unwrap()").unwrap();
        }
        for (at, array) in expected.iter().enumerate() {
            self.put_floats(&format!("{name}.y{at}"), array);
            let zero = match array.values {
                Values::I64(_) => "0_i64",
                Values::I32(_) => "0_i32",
                _ => "0.0",
            };
            writeln!(main, "        let mut y{at} = [{zero}; {}];", array.values.len()).unwrap();
            write!(arguments, ", &mut y{at}").unwrap();
        }
        writeln!(main, "        net::infer({arguments});").unwrap();
        for at in 0..expected.len() {
            writeln!(
                main,
                "        println!(\"{name} {{}}\", error(&y{at}.map(|y| y as f32), &floats(\"{name}.y{at}\")));"
            )
            .unwrap();
        }
        main + "    }\n"
    }

    /// The statements of `main` that print the errors of calls of module `name` of the crate, before the last of which it is cleared.
    pub(crate) fn calls(
        &mut self,
        name: &str,
        target: &Target,
        calls: &[Vec<Array>],
        expected: &[Vec<Array>],
    ) -> String {
        let mut main = format!("    {{\n        use {name} as net;\n");
        main += "        let mut arena = Box::new(net::Arena::new());\n";
        let mut first = String::from("&mut arena");
        if target.threads > 1 {
            writeln!(main, "        let mut pool = net::Pool::new({});", target.threads).unwrap();
            first.insert_str(0, "&mut pool, ");
        }
        for (call, (inputs, expected)) in calls.iter().zip(expected).enumerate() {
            if call + 1 == calls.len() {
                main += "        arena.reset();\n";
            }
            let mut arguments = first.clone();
            for array in inputs {
                write!(arguments, ", &{}", literal(array)).unwrap();
            }
            for (at, array) in expected.iter().enumerate() {
                writeln!(main, "        let mut y{at} = [0.0; {}];", array.values.len()).unwrap();
                write!(arguments, ", &mut y{at}").unwrap();
            }
            writeln!(main, "        net::infer({arguments});").unwrap();
            for (at, array) in expected.iter().enumerate() {
                let right = literal(array);
                let text = format!("println!(\"{name}_{call} {{}}\", error(&y{at}, &{right}));");
                writeln!(main, "        {text}").unwrap();
            }
        }
        main + "    }\n"
    }

    /// Compiles and runs a `main`; what it printed.
    pub(crate) fn run(&mut self, main: &str) -> String {
        self.put("main.rs", main.as_bytes());
        let runtime = self.runtime(&["-O", STD[0], STD[1]]);
        self.rustc(&[
            "-O",
            "main.rs",
            "-o",
            "main",
            "--extern",
            &runtime,
            "-Dwarnings",
            "-Adead_code",
        ]);
        let output =
            Command::new(self.folder.join("main")).current_dir(&self.folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Compiles and runs a `main` as a debug build does: everything checked, nothing optimised.
    pub(crate) fn run_in_debug(&mut self, main: &str) -> String {
        self.put("debug.rs", main.as_bytes());
        let plain = ["-Copt-level=0", "-Cdebug-assertions=on"];
        let runtime = self.runtime(&[&plain[..], &STD].concat());
        let flags = [&plain[..], &["-Dwarnings", "-Adead_code", "--extern", &runtime]].concat();
        self.rustc(&[&flags[..], &["debug.rs", "-o", "debug"]].concat());
        let output =
            Command::new(self.folder.join("debug")).current_dir(&self.folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Compiles a library that has the networks as modules.
    pub(crate) fn check_library(&mut self, root: &str) {
        self.put("lib.rs", root.as_bytes());
        let runtime = self.runtime(&["-O", STD[0], STD[1]]);
        let as_cargo_does = ["--check-cfg", "cfg(feature, values())", "--extern", &runtime];
        let library = ["--crate-type", "lib", "--emit", "metadata", "lib.rs"];
        self.rustc(&[&library[..], &as_cargo_does].concat());
    }

    /// Checks the runtime alone, for `refusal`.
    pub(crate) fn check_runtime(&self) {
        self.runtime(&["--emit", "metadata"]);
    }

    /// The message of `rustc` about a library that uses the checked runtime, if it refuses it.
    pub(crate) fn refusal(&mut self, root: &str) -> Option<String> {
        self.put("lib.rs", root.as_bytes());
        let mut command = Command::new("rustc");
        command.current_dir(&self.folder).args(["--edition", "2024", "--emit", "metadata"]);
        let runtime = "mnv2c_runtime=libmnv2c_runtime.rmeta";
        command.args(["--crate-type", "lib", "lib.rs", "--extern", runtime]);
        let output = command.output().unwrap();
        (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The bytes of a library that has `root` for its source, linked for a machine without `std`.
    pub(crate) fn link_library(&mut self, root: &str) -> Vec<u8> {
        self.put("lib.rs", root.as_bytes());
        let runtime = self.runtime(&["-O", "-Cpanic=abort"]);
        let settings =
            ["-Cpanic=abort", "-Clto=fat", "-Ccodegen-units=1", "-Dwarnings", "-Adead_code"];
        let library = ["-O", "--crate-type", "cdylib", "lib.rs", "-o", "library"];
        self.rustc(&[&settings[..], &library, &["--extern", &runtime]].concat());
        fs::read(self.folder.join("library")).unwrap()
    }

    /// Compiles a file as a library of its own, as plainly as can be.
    pub(crate) fn check_alone(&mut self, file: &str) {
        let arguments = ["-O", "--crate-type", "lib", file];
        succeed(Command::new("rustc").current_dir(&self.folder).args(arguments));
    }

    /// Holds a file against rustfmt.
    pub(crate) fn check_format(&self, file: &str) {
        let config = ["--check", "--edition", "2024", "--config-path", "/dev/null"];
        succeed(Command::new("rustfmt").current_dir(&self.folder).args(config).arg(file));
    }

    fn put_floats(&mut self, name: &str, array: &Array) {
        let floats: Vec<f32> = match &array.values {
            Values::I64(integers) => integers.iter().map(|x| *x as f32).collect(),
            Values::I32(integers) => integers.iter().map(|x| *x as f32).collect(),
            other => other.as_f32().unwrap().to_vec(),
        };
        self.put(name, &floats.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
    }

    /// The runtime, compiled with more flags: what `--extern` takes.
    fn runtime(&self, flags: &[&str]) -> String {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/src/lib.rs");
        let name = ["--crate-name", "mnv2c_runtime", "--crate-type", "rlib"];
        self.rustc(&[&name[..], flags, &[source.to_str().unwrap()]].concat());
        "mnv2c_runtime=libmnv2c_runtime.rlib".to_owned()
    }

    fn rustc(&self, arguments: &[&str]) {
        let mut command = Command::new("rustc");
        succeed(command.current_dir(&self.folder).args(["--edition", "2024"]).args(arguments));
    }
}

/// An array as Rust writes it.
fn literal(array: &Array) -> String {
    match &array.values {
        Values::U8(bytes) => format!("{bytes:?}"),
        other => format!("{:?}", other.as_f32().unwrap()),
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
}
