//! Parts of rows: a stage makes a few pixels or channels of a row, and its reader uses them at once.

use crate::kernels::spec::Footprint;
use crate::lower::Lowering;
use crate::program::{Call, Offset, Reach, Span, Statement, Variable};
use crate::schedule::{Part, Stage};

impl Lowering<'_> {
    /// A loop in which stage `at` makes part after part of some rows, and the stage behind it follows.
    pub(super) fn turns(&self, at: usize, part: Part, batch: &Span) -> Statement {
        let reader = &self.stages()[at + 1];
        let (variable, end, by) = match part {
            Part::Pixels(pixels) => (Variable::Pixel, reader.into.rows.width, pixels),
            Part::Channels(_) => (Variable::Panel, self.panels(reader), 1),
            Part::Row | Part::Strip(_) => unreachable!("whole rows are not interleaved"),
        };
        let mut body = Vec::new();
        for stage in [at, at + 1] {
            let call = self.part(stage, &self.stages()[stage], batch.clone());
            body.extend([Statement::Call(call), Statement::Mark { stage }]);
        }
        Statement::For { variable, span: Span::below(end), by, body }
    }

    /// The call of a stage for its part of some rows.
    pub(super) fn part(&self, at: usize, stage: &Stage, rows: Span) -> Call {
        let call = Call::rows(at, rows);
        match (stage.part, stage.kernel.footprint()) {
            (Part::Pixels(pixels), Footprint::Channels(conv)) => {
                let from = stage.from[0].rows.ring(0).pixel * conv.stride[1];
                let from = Some(Offset::each(from, Variable::Pixel));
                Call { reach: Reach::Pixels(pixels), from, ..call }
            }
            (Part::Pixels(pixels), _) => {
                let [into, residual] = [Some(&stage.into), stage.from.get(1)].map(|place| {
                    place.map(|place| Offset::each(place.rows.ring(0).pixel, Variable::Pixel))
                });
                Call { reach: Reach::Pixels(pixels), into, residual, ..call }
            }
            (Part::Channels(_), _) => {
                let into = stage.kernel.pools_all().then(|| {
                    let len = stage.from[0].rows.channels * stage.sum_len();
                    Offset { len: Some(len), ..Offset::each(len, Variable::Panel) }
                });
                Call { reach: Reach::Panel(self.panels(stage)), into, ..call }
            }
            (Part::Row | Part::Strip(_), _) => call,
        }
    }

    /// Parts of a stage's channels that make a whole pixel.
    fn panels(&self, stage: &Stage) -> usize {
        let all = self.graph.node(stage.node).out.shape[1];
        match stage.part {
            Part::Channels(some) => all / some,
            Part::Row | Part::Pixels(_) | Part::Strip(_) => 1,
        }
    }
}
