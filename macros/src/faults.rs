//! Errors, gathered so that the user sees all of them at once.

use syn::{Error, Result};

/// Errors that were found so far.
#[derive(Default)]
pub(crate) struct Faults(Option<Error>);

impl Faults {
    /// Adds an error.
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Adds the error that something is missing, unless an error that was found may be why.
    pub(crate) fn lacking(&mut self, error: Error) {
        self.0.get_or_insert(error);
    }

    /// The value, or a note of why there is none.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// All errors, if there are any.
    pub(crate) fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
