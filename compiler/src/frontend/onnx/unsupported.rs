//! Everything in a model that is not supported, gathered before it is reported.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::printed::quoted;

/// Nodes that are named for each reason; the rest are counted.
const SHOWN: usize = 5;

/// Reasons, each with the nodes that it concerns, grouped by operator.
#[derive(Debug, Default)]
pub(super) struct Unsupported {
    reasons: BTreeMap<(String, String), Vec<String>>,
}

impl Unsupported {
    /// Adds a reason why node `name` of operator `op` cannot be read.
    pub(super) fn add(&mut self, op: &str, reason: String, name: &str) {
        let nodes = self.reasons.entry((op.to_owned(), reason)).or_default();
        nodes.push(name.to_owned());
    }

    /// True if there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }

    /// The error that lists them all, behind the values `before` them, if there are any.
    pub(super) fn into_error(self, before: Vec<String>) -> Option<Error> {
        let what: Vec<String> =
            self.reasons.iter().map(|((op, reason), nodes)| line(op, reason, nodes)).collect();
        (!what.is_empty()).then_some(Error::Unsupported { what, before })
    }
}

fn line(op: &str, reason: &str, nodes: &[String]) -> String {
    let shown: Vec<String> = nodes.iter().take(SHOWN).map(|name| quoted(name)).collect();
    let more = match nodes.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{op}: {reason} (at {}{more})", shown.join(", "))
}
