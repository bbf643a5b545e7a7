//! Every way in which a user's model, flags or files can be wrong. Each message names the place and the remedy.

pub mod mention;

use std::fmt::{self, Write as _};
use std::path::Path;

use crate::printed::quoted;

/// A fault of the input; of ours there is one, [`Error::Unsound`].
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The bytes are no model.
    Malformed {
        /// The expectation and the finding.
        what: String,
    },
    /// A feature of the model that is not supported.
    Unsupported {
        /// All such things, each already named with its node and remedy.
        what: Vec<String>,
        /// Values before them at which the graph can be cut.
        before: Vec<String>,
    },
    /// One node does not fit its operands.
    Node {
        /// The node's name.
        name: String,
        /// Its operator.
        op: String,
        /// Expectation, finding, remedy.
        what: String,
    },
    /// A value that is read has no maker, or nodes form a cycle.
    Wiring(String),
    /// A dimension is not known.
    DynamicDim {
        /// The model's input.
        input: String,
        /// The remedy.
        what: String,
    },
    /// A flag or a network spec is wrong.
    Spec(String),
    /// A file could not be read or written.
    Io {
        /// The file.
        path: String,
        /// The system's reason, and the remedy.
        what: String,
    },
    /// A program could not be compiled, or did not run.
    Program(String),
    /// Generated code that reads or writes memory that is not its own: a bug of mnv2c.
    Unsound(String),
}

/// The result of the compiler's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// The way to compile the part before an obstacle, if there is one.
pub fn remedy(before: &[String]) -> Option<String> {
    let cut = mention::given("outputs", before.join(","));
    (!before.is_empty()).then(|| format!("to compile what comes before, give {cut}"))
}

impl Error {
    /// Things that are not supported, with nothing to be said of what comes before them.
    pub fn unsupported(what: Vec<String>) -> Self {
        Self::Unsupported { what, before: Vec::new() }
    }

    /// A fault of one input file.
    pub fn in_file(path: &Path, what: impl Into<String>) -> Self {
        Self::Wiring(format!("{}: {}", path.display(), what.into()))
    }

    /// The message, in which options are still [mentioned](mention): the door writes them out.
    pub fn message(&self) -> String {
        match self {
            Self::Malformed { what } => format!("not a model: {what}"),
            Self::Unsupported { what, before } => {
                let these = if what.len() == 1 { "this is" } else { "these are" };
                let mut text = format!("{these} unsupported:");
                what.iter().chain(&remedy(before)).for_each(|item| {
                    let _ = write!(text, "\n  {item}");
                });
                text
            }
            Self::Node { name, op, what } => format!("{op} {}: {what}", quoted(name)),
            Self::Wiring(what) | Self::Spec(what) | Self::Program(what) => what.clone(),
            Self::Unsound(what) => {
                format!("a mistake of mnv2c, which emits nothing: {what}; please report it")
            }
            Self::DynamicDim { input, what } => format!("input {}: {what}", quoted(input)),
            Self::Io { path, what } => format!("{path}: {what}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mention::plain(&self.message()))
    }
}

impl std::error::Error for Error {}
