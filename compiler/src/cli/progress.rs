//! A line on a terminal that says what takes so long, and vanishes.

use std::io::{IsTerminal, Write, stderr};

/// Progress of a verb; nothing is shown where standard error is no terminal.
pub(crate) struct Progress {
    shown: bool,
}

impl Progress {
    /// Shows `what`.
    pub(crate) fn new(what: &str) -> Self {
        let mut progress = Self { shown: stderr().is_terminal() };
        progress.say(what);
        progress
    }

    /// Shows `what` in place of what was shown.
    pub(crate) fn say(&mut self, what: &str) {
        if self.shown {
            let what: String = what.chars().take(78).collect();
            // Progress is a courtesy: a terminal that is gone does not stop the work.
            let _ = write!(stderr(), "\r\x1b[2K{what}");
            let _ = stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[2K");
        }
    }
}
