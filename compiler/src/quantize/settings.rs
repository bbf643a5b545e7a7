//! Settings of quantisation.

use std::collections::BTreeSet;

use crate::quantize::histogram::Observer;

/// Settings that the user chooses.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The derivation of ranges from observed values.
    pub observer: Observer,
    /// True if channels are scaled to like ranges where that changes no output.
    pub equalize: bool,
    /// True if biases correct the mean error of rounded weights.
    pub correct: bool,
    /// Names of values that are computed in floats.
    pub keep: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { observer: Observer::MinMax, equalize: true, correct: true, keep: BTreeSet::new() }
    }
}
