//! Expansions that are recomputed: a strip of columns moves over a row, and its two readers follow.

use crate::kernels::spec::Footprint;
use crate::lower::{Lowering, rows};
use crate::program::{Call, Offset, Reach, Span, Statement, Variable, Zero};
use crate::schedule::{RowWindow, Stage, Strip};

impl Lowering<'_> {
    /// A row of the two stages after stage `at`, strip by strip.
    pub(super) fn strips(&self, at: usize, strip: Strip, batch: &Span) -> Vec<Statement> {
        let (stage, filter) = (&self.stages()[at], &self.stages()[at + 1]);
        let mut body = vec![
            Statement::LetRows(source(stage, batch)),
            Statement::Zero { stage: at, what: Zero::All },
        ];
        let run = |reach| Statement::Call(Call { reach, ..Call::rows(at, Span::ROWS) });
        if strip.first > 0 {
            body.push(run(Reach::FirstColumns));
        }
        let width = self.width(filter.node);
        let mut turn = vec![self.expand(at, strip, width), Statement::Mark { stage: at }];
        // All that the strip serves is read of it.
        turn.push(Statement::Call(Call::rows(at + 1, batch.clone())));
        turn.push(Statement::Slide { stage: at, columns: strip.adds });
        turn.push(Statement::Mark { stage: at + 1 });
        turn.push(Statement::Call(self.part(at + 2, &self.stages()[at + 2], batch.clone())));
        turn.push(Statement::Mark { stage: at + 2 });
        let (variable, span) = (Variable::Pixel, Span::below(width));
        body.push(Statement::For { variable, span, by: strip.pixels, body: turn });
        body
    }

    /// The columns that a strip adds, fewer or none of them in the last.
    fn expand(&self, at: usize, strip: Strip, width: usize) -> Statement {
        let stage = &self.stages()[at];
        let (from, into) = columns(stage, &self.stages()[at + 1], strip);
        let run = |reach| {
            let call = Call { reach, from: Some(from), into, ..Call::rows(at, Span::ROWS) };
            Statement::Call(call)
        };
        let otherwise = match strip.last {
            0 => Vec::new(),
            last if last == strip.adds => return run(Reach::NextColumns),
            _ => vec![run(Reach::LastColumns)],
        };
        let (variable, below) = (Variable::Pixel, width - strip.pixels);
        Statement::If { variable, below, then: vec![run(Reach::NextColumns)], otherwise }
    }
}

/// The rows of the image that a row of the readers recomputes.
fn source(stage: &Stage, batch: &Span) -> Span {
    let RowWindow { span, stride, above, .. } = stage.window;
    let (mut end, height) = (rows::read_until(stage.window, batch), stage.from[0].height);
    if (stage.height - 1) * stride + span > height + above {
        end = end.at_most(height);
    }
    Span { start: rows::first_read(stage.window, &batch.start), end }
}

/// The columns that a strip reads to serve the reader from `pixel` on, and the place in the strip of those that it
/// adds.
fn columns(stage: &Stage, filter: &Stage, strip: Strip) -> (Offset, Option<Offset>) {
    let Footprint::Channels(conv) = filter.kernel.footprint() else {
        unreachable!("strips are read by depthwise convolutions")
    };
    let column = stage.from[0].rows.ring(0).pixel;
    let from = Offset {
        plus: column * strip.first,
        ..Offset::each(column * conv.stride[1], Variable::Pixel)
    };
    let plus = stage.into.rows.ring(0).pixel * strip.first;
    let into = Offset { plus, ..Offset::each(0, Variable::Pixel) };
    (from, (plus > 0).then_some(into))
}
