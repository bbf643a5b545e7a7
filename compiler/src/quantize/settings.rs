//! How a model is quantised.

use std::collections::BTreeSet;

use crate::quantize::histogram::Observer;

/// What the user chooses.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How ranges follow from what was seen.
    pub observer: Observer,
    /// Whether channels are scaled to like ranges where that changes no answer.
    pub equalize: bool,
    /// Whether biases make up for what rounding the weights adds on average.
    pub correct: bool,
    /// Names of values that are computed in floats.
    pub keep: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { observer: Observer::MinMax, equalize: true, correct: true, keep: BTreeSet::new() }
    }
}
