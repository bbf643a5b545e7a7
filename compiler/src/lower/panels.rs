//! Two stages interleaved, a panel of channels at a time.
//!
//! A depthwise convolution and a pooling read the channels they write and no others, so either may follow each panel of
//! the stage before it while that is still in the nearest cache.

use std::ops::Range;

use crate::lower::{Lowering, padding, rows};
use crate::program::{Call, Expr, Lent, Offset, Reach, Span, Statement, Threads, Variable};

impl Lowering<'_> {
    /// The two stages that go by panels over whole values: behind the one that brings the image, if there is one. Rows that
    /// the caller is asked for are asked for once, whatever the number of panels.
    pub(super) fn paneled(&self) -> Option<Range<usize>> {
        let first = usize::from(self.stages()[0].kernel.loads());
        (self.step.panels > 1).then_some(first..first + 2)
    }

    /// Two stages over whole values, each panel in the memory of the one before.
    pub(super) fn by_panels(&self, pair: &Range<usize>) -> Vec<Statement> {
        let (panels, threads) = (self.step.panels, self.target.threads);
        let (maker, reader) = (&self.stages()[pair.start], &self.stages()[pair.start + 1]);
        let channels = reader.from[0].rows.channels;
        let mut body = Vec::new();
        for stage in pair.clone() {
            let writes_part = stage > pair.start && threads == 1;
            let into = writes_part.then(|| Offset::each(channels, Variable::Panel));
            let rows = Span::below(self.stages()[stage].height);
            let call = Call { reach: Reach::Panel(panels), into, ..Call::rows(stage, rows) };
            body.extend([Statement::Call(call), Statement::Mark { stage }]);
        }
        if threads == 1 {
            let span = Span::below(panels);
            return vec![Statement::For { variable: Variable::Panel, span, by: 1, body }];
        }
        let lent = [
            (pair.start + 1, reader.into.rows.len() / panels),
            (pair.start, maker.into.rows.len()),
        ];
        let lent = lent.map(|(stage, len)| Lent { stage, len, ragged: false }).to_vec();
        let variable = Variable::Panel;
        vec![Statement::Threads(Threads { variable, parts: panels, pooled: true, lent, body })]
    }

    /// Rows of the second stage, panel after panel, and first those of the first that they read.
    pub(super) fn interleaved(&self, batch: &Span) -> Vec<Statement> {
        let [maker, reader] = [0, 1].map(|at| &self.stages()[at]);
        let (made, until) = (Variable::Made(0), rows::read_until(reader.window, batch));
        let end = until.clone().at_most(maker.height);
        let start = match self.leaves_rows_out() {
            true => rows::first_read(reader.window, &batch.start),
            false => made.into(),
        };
        let mut body = vec![Statement::LetRows(Span { start, end })];
        if rows::reads_below(reader, maker) {
            let span = Span { start: maker.height.into(), end: until };
            let below = vec![padding::below(0, Variable::Line.into())];
            body.push(Statement::For { variable: Variable::Line, span, by: 1, body: below });
        }
        let [_, vectors] = maker.kernel.tile().expect("panels are made by 1x1 convolutions");
        let reach = Reach::Vectors(vectors);
        let expand = Call { reach, ..Call::rows(0, Span::ROWS) };
        let filter = Call { reach, ..Call::rows(1, batch.clone()) };
        let turns = vec![
            Statement::Call(expand),
            Statement::Mark { stage: 0 },
            Statement::Call(filter),
            Statement::Mark { stage: 1 },
        ];
        let (variable, span) = (Variable::Panel, Span::below(self.step.interleaved));
        body.push(Statement::For { variable, span, by: 1, body: turns });
        if !self.leaves_rows_out() {
            body.push(Statement::Set(made, Expr::Variable(Variable::RowsEnd)));
        }
        body
    }

    /// True if the first of two interleaved stages makes no rows between the windows of the second: made, they would take
    /// the slots of zeros that lie below the image. Nobody counts its rows then.
    pub(super) fn leaves_rows_out(&self) -> bool {
        let window = self.stages()[1].window;
        self.step.interleaved > 1 && window.stride > window.span
    }
}
