//! The result of `mnv2c verify`, as text and as JSON.

use std::collections::BTreeMap;

use mnv2c::objective::{Feed, Memory, Objective};
use mnv2c::target::Target;
use serde_json::{Value, json};

use super::near::Compared;
use crate::cli::steps::Steps;

/// The report of a run.
pub(super) struct Report {
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) memory: Memory,
    pub(super) result: std::result::Result<Found, String>,
}

/// The result of a comparison.
pub(super) struct Found {
    /// Distances of outputs from the record.
    pub(super) compared: Compared,
    /// Steps between the record and what the same runtime answered with its optimisations, or without, where that is
    /// recorded too.
    pub(super) record: BTreeMap<usize, u32>,
    /// Rounding of quantised values, if in integers alone.
    pub(super) rounded: Option<Steps>,
}

impl Found {
    /// Nothing compared yet.
    pub(super) const NONE: Self =
        Self { compared: Compared::NONE, record: BTreeMap::new(), rounded: None };

    /// The worse of both in every respect.
    pub(super) fn worse(self, other: Self) -> Self {
        let rounded = match (self.rounded, other.rounded) {
            (Some(ours), Some(theirs)) => Some(ours.worse(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        let record = self.record.into_iter().chain(other.record);
        let record = record.fold(BTreeMap::new(), |mut most: BTreeMap<usize, u32>, (at, steps)| {
            most.entry(at).and_modify(|most| *most = steps.max(*most)).or_insert(steps);
            most
        });
        Self { compared: self.compared.worse(other.compared), record, rounded }
    }

    /// The text about quantised values.
    fn of_bytes(&self) -> String {
        let mut words = String::new();
        if !self.compared.steps.is_empty() {
            words += &format!("  steps {}", listed(&self.compared.steps));
        }
        if self.record.values().any(|steps| *steps > 0) {
            words += &format!(" (record {} off itself, by optimisations)", listed(&self.record));
        }
        words + &self.rounded.map(|rounded| format!("  {rounded}")).unwrap_or_default()
    }
}

/// The steps of each output.
fn listed(steps: &BTreeMap<usize, u32>) -> String {
    let steps: Vec<String> = steps.values().map(u32::to_string).collect();
    steps.join(", ")
}

impl Report {
    pub(super) fn passes(&self) -> bool {
        self.result.as_ref().is_ok_and(|found| found.compared.far.is_close)
    }

    pub(super) fn line(&self) -> String {
        let verdict = if self.passes() { "pass" } else { "FAIL" };
        let (name, target) = (&self.name, self.machine());
        match &self.result {
            Ok(found) => format!(
                "{name:36} {target:13} max abs {:.1e}  max rel {:.1e}  cosine {:.6}{}  {verdict}",
                found.compared.far.absolute,
                found.compared.far.relative,
                found.compared.far.cosine,
                found.of_bytes()
            ),
            Err(error) => format!("{name:36} {target:13} {verdict}: {error}"),
        }
    }

    /// The target, its threads where there are several, and what is not usual about the plan.
    fn machine(&self) -> String {
        let mut words = self.target.name.to_owned();
        if self.target.threads > 1 {
            words += &format!(" x{}", self.target.threads);
        }
        if self.memory.objective != Objective::Speed {
            words += &format!(" {}", self.memory.objective);
        }
        if self.memory.feed != Feed::Caller {
            words += &format!(" {}", self.memory.feed);
        }
        words
    }

    fn reason(&self) -> String {
        match &self.result {
            Ok(found) => {
                let (far, bytes) = (&found.compared.far, found.of_bytes());
                format!("{} (max rel {:.1e}{bytes})", self.name, far.relative)
            }
            Err(error) => {
                format!("{} ({})", self.name, error.lines().take(2).collect::<Vec<_>>().join(" "))
            }
        }
    }

    pub(super) fn json(&self) -> Value {
        let mut value = json!({
            "model": self.name,
            "target": self.target.name,
            "threads": self.target.threads,
            "objective": self.memory.objective.to_string(),
            "feed": self.memory.feed.to_string(),
            "pass": self.passes(),
        });
        match &self.result {
            Ok(Found { compared: Compared { far, steps }, record, rounded }) => {
                value["max_abs"] = json!(far.absolute);
                value["max_rel"] = json!(far.relative);
                value["cosine"] = json!(far.cosine);
                value["steps"] = json!(steps);
                value["record_steps"] = json!(record);
                if let Some(Steps { bytes, off }) = rounded {
                    (value["bytes"], value["steps_off"]) = (json!(bytes), json!(off));
                }
            }
            Err(error) => value["error"] = json!(error),
        }
        value
    }
}

pub(super) fn summary(all: usize, failing: &[&Report]) -> String {
    let reasons: Vec<String> = failing.iter().map(|report| report.reason()).collect();
    let passing = all - failing.len();
    match reasons.as_slice() {
        [] => format!("{passing} of {all} pass"),
        reasons => format!("{passing} of {all} pass; FAIL {}", reasons.join(", ")),
    }
}
