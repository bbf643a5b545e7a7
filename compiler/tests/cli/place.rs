//! A directory of files, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use mnv2c::files::{self, Scratch};
use mnv2c::interp::Array;
use mnv2c::npy;
use serde_json::Value;

use crate::build::Model;

/// A MobileNetV2 of one block on 8x8 pixels.
pub(crate) const TINY: &str = r#"
name = "tiny"
resolution = 8
channels = 3
width = 1.0
classes = 4
rows = [
  { operator = "conv2d",     t = "-", c = 8, n = 1, s = 2 },
  { operator = "bottleneck", t = 2,   c = 8, n = 1, s = 1 },
]
"#;

/// A directory that vanishes with its value.
pub(crate) struct Place {
    scratch: Scratch,
}

/// The program's output.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        Self { scratch: Scratch::new(parent).expect("tests have a directory for their files") }
    }

    /// Averages each of three channels of a 4x4 picture.
    pub(crate) fn with_averages() -> Self {
        let place = Self::new();
        place.put("model.onnx", &averages().bytes());
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path.join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        files::make_dir(path.parent().expect("it lies in the place")).expect("it can be made");
        files::write(&[(&path, bytes)]).expect("the place is writable");
    }

    pub(crate) fn put_array(&self, name: &str, shape: &[usize], value: impl Fn(usize) -> f32) {
        let values = (0..shape.iter().product()).map(value).collect();
        self.put(name, &npy::write(&Array::f32(shape, values)));
    }

    pub(crate) fn text(&self, name: &str) -> String {
        files::read_text(&self.path(name)).expect("the file is there")
    }

    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        let bytes = files::read(&self.path(name)).expect("the file is there");
        let array = npy::read(&bytes).expect("it is an array");
        array.values.as_f32().expect("it holds floats").to_vec()
    }

    /// Names of what lies in the place, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.scratch.path).expect("the place exists");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("it lists").file_name();
        let mut names: Vec<_> = entries.map(|it| name(it).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Runs `mnv2c` here with the words of `line`, its programs cached with those of other tests.
    pub(crate) fn mnv2c(&self, line: &str) -> Said {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        let mut command = Command::new(env!("CARGO_BIN_EXE_mnv2c"));
        said(command.env("MNV2C_CACHE", cache).args(line.split_whitespace()), &self.scratch.path)
    }

    /// Runs another program here.
    pub(crate) fn run(&self, program: impl AsRef<Path>, line: &str) -> Said {
        said(Command::new(program.as_ref()).args(line.split_whitespace()), &self.scratch.path)
    }
}

impl Said {
    /// Standard output of a command that must do well.
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    pub(crate) fn json(self) -> Value {
        let text = self.well();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// Checks that it failed with `code` and one message that has all of `parts`.
    pub(crate) fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.err.matches("error: ").count(), 1, "{self:?}");
        assert!(parts.iter().all(|part| self.err.contains(part)), "{parts:?} in {self:?}");
    }
}

pub(crate) fn averages() -> Model {
    Model::opset(13)
        .input("x", &[1, 3, 4, 4])
        .node("GlobalAveragePool", &["x"], &["mean"], vec![])
        .ints("shape", &[1, 3])
        .node("Reshape", &["mean", "shape"], &["y"], vec![])
        .output("y")
}

fn said(command: &mut Command, dir: &Path) -> Said {
    let output = command.current_dir(dir).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code().expect("the program ends by itself"),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}
