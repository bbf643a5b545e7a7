//! What `mnv2c verify` found, in words and in JSON.

use mnv2c::target::Target;
use serde_json::{Value, json};

use crate::cli::compare::Distance;
use crate::cli::steps::Steps;

/// How it went.
pub(super) struct Report {
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) result: std::result::Result<Found, String>,
}

/// What a comparison found.
pub(super) struct Found {
    pub(super) far: Distance,
    /// How bytes were rounded, if by integers alone.
    pub(super) steps: Option<Steps>,
}

impl Found {
    /// The worse of both in every respect.
    pub(super) fn worse(self, other: Self) -> Self {
        let steps = match (self.steps, other.steps) {
            (Some(ours), Some(theirs)) => Some(ours.worse(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        Self { far: self.far.worse(other.far), steps }
    }

    /// How bytes were rounded, in words.
    fn rounded(&self) -> String {
        self.steps.map(|steps| format!("  {steps}")).unwrap_or_default()
    }
}

impl Report {
    pub(super) fn passes(&self) -> bool {
        self.result.as_ref().is_ok_and(|found| found.far.is_close)
    }

    pub(super) fn line(&self) -> String {
        let verdict = if self.passes() { "pass" } else { "FAIL" };
        let (name, target) = (&self.name, self.machine());
        match &self.result {
            Ok(found) => format!(
                "{name:36} {target:13} max abs {:.1e}  max rel {:.1e}  cosine {:.6}{}  {verdict}",
                found.far.absolute,
                found.far.relative,
                found.far.cosine,
                found.rounded()
            ),
            Err(error) => format!("{name:36} {target:13} {verdict}: {error}"),
        }
    }

    /// The target, and its threads where there are several.
    fn machine(&self) -> String {
        match self.target.threads {
            1 => self.target.name.to_owned(),
            threads => format!("{} x{threads}", self.target.name),
        }
    }

    fn reason(&self) -> String {
        match &self.result {
            Ok(found) => format!("{} (max rel {:.1e})", self.name, found.far.relative),
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
            "pass": self.passes(),
        });
        match &self.result {
            Ok(Found { far, steps }) => {
                value["max_abs"] = json!(far.absolute);
                value["max_rel"] = json!(far.relative);
                value["cosine"] = json!(far.cosine);
                if let Some(Steps { bytes, off }) = steps {
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
