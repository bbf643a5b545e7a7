//! Rows through a chain: each stage pulls the rows it reads, then makes its own.

use std::ops::Range;

use crate::lower::{Lowering, padding, rows};
use crate::program::{Expr, Span, Statement, Variable};
use crate::schedule::{Part, RowWindow};

impl Lowering<'_> {
    /// A loop over the rows of the last stage, each batch pulling what it needs.
    pub(super) fn chain(&self) -> Vec<Statement> {
        let groups = self.groups();
        let counted = self.counted(&groups).map(|group| Variable::Made(group.start - 1));
        let mut body: Vec<Statement> = counted.map(|made| Statement::Let(made, 0.into())).collect();
        let height = self.stages()[self.stages().len() - 1].height;
        let rows = self.step.segment.batch.rows(height);
        let (mut turn, mut end) = (Vec::new(), None);
        if !height.is_multiple_of(rows) {
            end = Some(Variable::End);
            let most = (Expr::from(Variable::Row) + rows).at_most(height);
            turn.push(Statement::Let(Variable::End, most));
        }
        let batch = rows::batch(Variable::Row, end, rows);
        turn.extend(self.batch(&groups, groups.len() - 1, &batch));
        let (variable, span) = (Variable::Row, Span::below(height));
        body.push(Statement::For { variable, span, by: rows, body: turn });
        body.extend(self.finish());
        body
    }

    /// Runs of stages in which row `r` of each needs row `r` of the one before alone.
    pub(super) fn groups(&self) -> Vec<Range<usize>> {
        let stages = self.stages();
        let follows = |at: usize| {
            stages[at].window == RowWindow::SAME && stages[at].height == stages[at - 1].height
        };
        let mut starts: Vec<usize> = (1..stages.len()).filter(|at| !follows(*at)).collect();
        starts.insert(0, 0);
        starts.push(stages.len());
        starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
    }

    /// The groups that read rows which are counted as they are made.
    pub(super) fn counted<'a>(
        &self,
        groups: &'a [Range<usize>],
    ) -> impl DoubleEndedIterator<Item = &'a Range<usize>> {
        let first = if groups.len() > 1 && self.leaves_rows_out() { 2 } else { 1 };
        groups[first..].iter()
    }

    /// Some rows of the stages of group `at`, and first the rows that they read.
    pub(super) fn batch(&self, groups: &[Range<usize>], at: usize, batch: &Span) -> Vec<Statement> {
        let Range { start, end } = groups[at];
        if at == 1 && self.step.interleaved > 1 {
            let mut body = self.interleaved(batch);
            body.extend(self.calls(start + 1..end, batch));
            return body;
        }
        let mut body = if at > 0 { self.pull(groups, at, batch) } else { Vec::new() };
        body.extend(self.calls(start..end, batch));
        body
    }

    /// The calls of some stages for the same rows; stages that share parts of rows take turns.
    fn calls(&self, mut stages: Range<usize>, batch: &Span) -> Vec<Statement> {
        let mut body = Vec::new();
        while let Some(at) = stages.next() {
            match self.stages()[at].part {
                Part::Strip(strip) => {
                    stages.nth(1);
                    body.extend(self.strips(at, strip, batch));
                }
                part @ (Part::Pixels(_) | Part::Channels(_)) if !stages.is_empty() => {
                    stages.next();
                    body.push(self.turns(at, part, batch));
                }
                Part::Row | Part::Pixels(_) | Part::Channels(_) => {
                    body.extend(self.call(at, batch.clone()));
                }
            }
        }
        body
    }

    /// The loop that makes rows of the group before `at` until a batch of this one can be made.
    fn pull(&self, groups: &[Range<usize>], at: usize, batch: &Span) -> Vec<Statement> {
        let (reader, before) = (&self.stages()[groups[at].start], groups[at].start - 1);
        let maker = &self.stages()[before];
        let made = Variable::Made(before);
        let recomputed = matches!(reader.part, Part::Strip(_));
        let below = rows::reads_below(reader, maker);
        let mut until = rows::read_until(reader.window, batch);
        if below && recomputed {
            until = until.at_most(maker.height);
        }
        let rows = self.step.segment.batch.rows(maker.height);
        let zeros = below && !recomputed;
        let mut body = Vec::new();
        if rows > 1 {
            let end = (Expr::from(made) + rows).at_most(until.clone());
            let end = if zeros { end.at_most(maker.height) } else { end };
            body.push(Statement::Let(Variable::EndOf(before), end));
        }
        let end = (rows > 1).then_some(Variable::EndOf(before));
        body.extend(self.batch(groups, at - 1, &rows::batch(made, end, rows)));
        let next = Statement::Set(made, Expr::from(made) + 1);
        let advance = match end {
            Some(end) => Statement::Set(made, end.into()),
            None => next.clone(),
        };
        let body = match (zeros, rows) {
            (false, _) => [body, vec![advance]].concat(),
            (true, 1) => {
                let otherwise = vec![padding::below(before, made.into())];
                let (variable, below) = (made, maker.height);
                vec![Statement::If { variable, below, then: body, otherwise }, next]
            }
            (true, _) => {
                let otherwise = vec![padding::below(before, made.into()), next];
                let then = [body, vec![advance]].concat();
                vec![Statement::If { variable: made, below: maker.height, then, otherwise }]
            }
        };
        vec![Statement::While { variable: made, until, body }]
    }

    /// Makes means of the sums of a pool of bytes when all rows have flowed.
    pub(super) fn finish(&self) -> Option<Statement> {
        let stage = self.stages().len() - 1;
        self.stages()[stage].sums_bytes().then_some(Statement::Finish { stage })
    }
}
