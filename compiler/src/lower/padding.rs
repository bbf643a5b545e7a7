//! Padding: what lies around images is written before their rows, or below them when a reader comes there.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::lower::Lowering;
use crate::program::{Expr, Lent, Span, Statement, Threads, Variable, Zero};
use crate::schedule::{Home, Part, Place};

/// Rows below an image that are filled without a loop.
const MOST_SPELLED: usize = 4;

/// The zeros of a row below the image that a stage makes.
pub(super) fn below(stage: usize, row: Expr) -> Statement {
    Statement::Zero { stage, what: Zero::Row(row) }
}

/// The zeros of some rows below the image that a stage makes: one after the other while they are few.
fn rows_below(stage: usize, rows: Range<usize>) -> Vec<Statement> {
    if rows.len() <= MOST_SPELLED {
        return rows.map(|row| below(stage, row.into())).collect();
    }
    let span = Span { start: rows.start.into(), end: rows.end.into() };
    let body = vec![below(stage, Variable::Line.into())];
    vec![Statement::For { variable: Variable::Line, span, by: 1, body }]
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
            let below = match self.step.is_streamed() && place.home != result {
                true => 0,
                false => place.rows.kept - place.rows.top - place.height,
            };
            let mut clear = vec![Statement::Zero { stage: at, what: Zero::Edges }];
            clear.extend(rows_below(at, place.height..place.height + below));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rows_of_zeros_are_a_loop() {
        assert_eq!(rows_below(0, 7..9).len(), 2);
        assert!(matches!(rows_below(0, 7..1 << 20)[..], [Statement::For { .. }]));
    }
}
