//! Every way in which a user's model, flags or files can be wrong. Each message names the place and the remedy.

use std::fmt;

use crate::printed::quoted;

/// A fault of the input; of ours there is one, [`Error::Unsound`].
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The bytes are no model.
    Malformed {
        /// What was expected and what was found.
        what: String,
    },
    /// Something the model uses is not supported; all such things, each already named with its node and remedy.
    Unsupported(Vec<String>),
    /// One node does not fit its operands.
    Node {
        /// The node's name.
        name: String,
        /// Its operator.
        op: String,
        /// Expectation, finding, remedy.
        what: String,
    },
    /// A value that is read is made by nobody, or nodes wait for each other.
    Wiring(String),
    /// A dimension is not known.
    DynamicDim {
        /// The model's input.
        input: String,
        /// What to pass.
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
    /// What was about to be emitted reads or writes memory that is not its own: a mistake of mnv2c.
    Unsound(String),
}

/// What the compiler's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { what } => write!(f, "not a model: {what}"),
            Self::Unsupported(list) => {
                write!(
                    f,
                    "{} unsupported:",
                    if list.len() == 1 { "this is" } else { "these are" }
                )?;
                list.iter().try_for_each(|item| write!(f, "\n  {item}"))
            }
            Self::Node { name, op, what } => write!(f, "{op} {}: {what}", quoted(name)),
            Self::Wiring(what) | Self::Spec(what) | Self::Program(what) => f.write_str(what),
            Self::Unsound(what) => {
                write!(f, "a mistake of mnv2c, which emits nothing: {what}; please report it")
            }
            Self::DynamicDim { input, what } => write!(f, "input {}: {what}", quoted(input)),
            Self::Io { path, what } => write!(f, "{path}: {what}"),
        }
    }
}

impl std::error::Error for Error {}
