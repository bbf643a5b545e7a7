//! Padding: what lies around images is written before their rows, or below them when a reader comes there.

use std::collections::BTreeSet;

use crate::lower::Lowering;
use crate::program::{Expr, Lent, Statement, Threads, Variable, Zero};
use crate::schedule::{Home, Part, Place};

/// The zeros of a row below the image that a stage makes.
pub(super) fn below(stage: usize, row: Expr) -> Statement {
    Statement::Zero { stage, what: Zero::Row(row) }
}

impl Lowering<'_> {
    /// Gives inputs that the caller wrote into the arena the padding that this step, their only reader, wants.
    pub(super) fn spreads(&self) -> Vec<Statement> {
        let first = self.stages().first().and_then(|stage| stage.from.first());
        let spread = first.is_some_and(|place| place.is_padded() && self.is_intake(*place));
        spread.then_some(Statement::Spread { stage: 0 }).into_iter().collect()
    }

    /// The columns and the rows of zeros that no loop writes.
    pub(super) fn clears(&self) -> Vec<Statement> {
        let result = self.stages()[self.stages().len() - 1].into.home;
        let mut seen: BTreeSet<Home> = BTreeSet::new();
        let mut body = Vec::new();
        for (at, stage) in self.stages().iter().enumerate() {
            let (place, strip) = (stage.into, matches!(stage.part, Part::Strip(_)));
            if !seen.insert(place.home) || !place.is_padded() || strip {
                continue;
            }
            let flows = self.step.is_streamed() && place.home != result;
            let ends = place.rows.kept == place.rows.top + place.height;
            let what = if flows || ends { Zero::Edges } else { Zero::Around };
            let mut clear = vec![Statement::Zero { stage: at, what }];
            let on_threads = self.target.threads > 1;
            if self.paneled().is_some_and(|pair| on_threads && pair.start == at) {
                let lent = vec![Lent { stage: at, len: place.rows.len(), ragged: false }];
                let (variable, parts) = (Variable::Part, self.target.threads);
                let threads = Threads { variable, parts, pooled: false, lent, body: clear };
                clear = vec![Statement::Threads(threads)];
            }
            body.extend(clear);
        }
        body
    }

    fn is_intake(&self, place: Place) -> bool {
        self.schedule.intakes.iter().any(|intake| intake.place == place)
    }
}
