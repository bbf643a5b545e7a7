//! Work shared among threads: bands of rows in rings of their own, and parts of what one kernel writes.

use std::collections::BTreeSet;

use crate::kernels::{Pointwise, Skip};
use crate::lower::{Lowering, rows};
use crate::program::{Call, Expr, Lent, Offset, Reach, Span, Statement, Threads, Variable};
use crate::schedule::{Home, Kernel, Stage};

impl Lowering<'_> {
    /// Bands of the result, one for a thread, and the loop over the rows of each.
    ///
    /// Rows that two bands read in common are made for both, so no thread waits for another before the step is done.
    pub(super) fn bands(&self) -> Vec<Statement> {
        let (bands, last) = (self.step.bands(), self.stages().len() - 1);
        let result = &self.stages()[last];
        let mut lent = vec![Lent { stage: last, len: result.into.rows.len(), ragged: false }];
        let mut seen: BTreeSet<Home> = BTreeSet::new();
        for (stage, ring) in self.stages()[..last].iter().enumerate() {
            if seen.insert(ring.into.home) {
                let len = self.elements(ring) / bands;
                lent.push(Lent { stage, len, ragged: false });
            }
        }
        let first = Expr::from(Variable::Band) * (result.height / bands);
        let mut body = self.clears();
        body.push(Statement::Let(Variable::First, first));
        body.extend(self.band(result.height / bands));
        let variable = Variable::Band;
        vec![Statement::Threads(Threads { variable, parts: bands, pooled: true, lent, body })]
    }

    /// The loop over the rows of a band: `rows` of them from the variable `first` on.
    fn band(&self, rows: usize) -> Vec<Statement> {
        let (groups, mut body) = (self.groups(), Vec::new());
        let mut read = Variable::First;
        for group in self.counted(&groups).rev() {
            let made = Variable::Made(group.start - 1);
            let start = rows::first_read(self.stages()[group.start].window, &read.into());
            body.push(Statement::Let(made, start));
            read = made;
        }
        let batch = rows::batch(Variable::Row, None, 1);
        let turn = self.batch(&groups, groups.len() - 1, &batch);
        let first = Expr::from(Variable::First);
        let span = Span { start: first.clone(), end: first + rows };
        body.push(Statement::For { variable: Variable::Row, span, by: 1, body: turn });
        body
    }

    /// The parts of stage `at` that threads take; nothing where the caller's thread does it all.
    pub(super) fn shared(&self, at: usize) -> Option<Statement> {
        let stage = &self.stages()[at];
        match &stage.kernel {
            _ if stage.shares == 1 => None,
            Kernel::Pointwise(Pointwise { flat: true, skip, .. }) => Some(pixels(at, stage, *skip)),
            Kernel::Pointwise(Pointwise { tile: [_, vectors], .. }) => {
                let len = vectors * self.target.isa.lanes();
                let call = Call {
                    reach: Reach::ChannelShare(stage.shares),
                    ..Call::rows(at, Span::below(1))
                };
                Some(shares(stage, Lent { stage: at, len, ragged: true }, call))
            }
            // No other kernel has a call for a part that a thread takes.
            _ => None,
        }
    }

    /// The reach of a call that makes all rows of stage `at`, by itself or with other threads.
    pub(super) fn parts(&self, at: usize) -> Reach {
        match self.stages()[at].parts {
            [1, 1] => Reach::Rows,
            parts => Reach::Parts(parts),
        }
    }

    /// Elements that a stage's result takes in the arena, the parts of all threads together.
    fn elements(&self, stage: &Stage) -> usize {
        let Home::Arena(buffer) = stage.into.home else { unreachable!("rings lie in the arena") };
        self.schedule.buffers[buffer.0].len / stage.into.element.bytes()
    }
}

/// Parts of a row of pixels.
fn pixels(at: usize, stage: &Stage, skip: Skip) -> Statement {
    let (from, into) = (stage.from[0], stage.into);
    let pixels = into.rows.width * into.height / stage.shares;
    let written = pixels * into.rows.channels;
    let call = Call {
        reach: Reach::PixelShare(stage.shares),
        from: Some(Offset::each(pixels * from.rows.ring(0).pixel, Variable::Part)),
        residual: (skip == Skip::Other).then(|| Offset::each(written, Variable::Part)),
        ..Call::rows(at, Span::below(1))
    };
    shares(stage, Lent { stage: at, len: written, ragged: false }, call)
}

fn shares(stage: &Stage, lent: Lent, call: Call) -> Statement {
    let (variable, parts) = (Variable::Part, stage.shares);
    let (lent, body) = (vec![lent], vec![Statement::Call(call)]);
    Statement::Threads(Threads { variable, parts, pooled: true, lent, body })
}
