//! Rows through a chain of stages: how many each ring keeps when every stage makes just what the next one needs.
//!
//! The last stage makes a batch of rows at a time; a stage asked for rows asks the one before it first, and makes them
//! a batch at a time too. Emitted loops do the same, so what is counted here is what they hold. A ring may have a second
//! reader: the stage that adds its rows as a residual.

use std::ops::Range;

use crate::schedule::{Home, Part, Place, Stage};
use crate::segment::RowBatch;

/// Memory that a streamed chain holds.
pub(super) struct Held {
    /// Rows, counted with the stored zero rows, that the ring after each stage but the last keeps.
    pub(super) kept: Vec<usize>,
    /// Bytes by which the reader of the chain's input must lead the writer of its result, if both are rows of pixels
    /// that lie one after the other.
    pub(super) lead: usize,
}

/// Runs through a chain; its rings are still as high as their images. `bytes` are those of a number of its input and of
/// its result.
pub(super) fn simulate(stages: &[Stage], batch: RowBatch, bytes: [usize; 2]) -> Held {
    let mut flow = Flow::new(stages, batch, bytes);
    let last = stages.len() - 1;
    while flow.made[last] < stages[last].height {
        flow.make(last, stages[last].height);
    }
    flow.kept.truncate(last);
    Held { kept: flow.kept, lead: flow.lead }
}

/// Rows of stage `at`'s input, counted from the first stored zero row above, that its row `row` reads.
fn needs(stage: &Stage, row: usize) -> Range<usize> {
    let (window, from) = (stage.window, stage.from[0]);
    let at = row * window.stride + from.rows.top;
    match stage.part {
        // Zeros around the image are not recomputed.
        Part::Strip(_) => {
            let (top, bottom) = (from.rows.top, from.rows.top + from.height);
            at.saturating_sub(window.above).max(top)
                ..(at + window.span).saturating_sub(window.above).min(bottom)
        }
        Part::Row | Part::Pixels(_) | Part::Channels(_) => {
            at - window.above..at - window.above + window.span
        }
    }
}

struct Flow<'a> {
    stages: &'a [Stage],
    batch: RowBatch,
    /// The stages that add rows of each stage's result, or of the chain's input, last of all.
    adders: Vec<Vec<usize>>,
    /// Rows made so far by each stage.
    made: Vec<usize>,
    kept: Vec<usize>,
    lead: usize,
    bytes: [usize; 2],
}

impl<'a> Flow<'a> {
    fn new(stages: &'a [Stage], batch: RowBatch, bytes: [usize; 2]) -> Self {
        let adders_of = |home: Home| -> Vec<usize> {
            let adds = |at: &usize| stages[*at].from.get(1).is_some_and(|skip| skip.home == home);
            (0..stages.len()).filter(adds).collect()
        };
        let homes = stages.iter().map(|stage| stage.into.home).chain([stages[0].from[0].home]);
        let count = stages.len();
        Self {
            stages,
            batch,
            adders: homes.map(adders_of).collect(),
            made: vec![0; count],
            // A ring whose rows nobody ever needs has a row all the same.
            kept: vec![1; count],
            lead: 0,
            bytes,
        }
    }

    /// Makes the next rows of stage `at`, a batch of those below `until`, and whatever they need before; rows below the
    /// image are zeros, each made alone, and need nothing.
    fn make(&mut self, at: usize, until: usize) {
        let (height, made) = (self.stages[at].height, self.made[at]);
        let rows = match until.min(height).saturating_sub(made) {
            0 => 1,
            rows => self.batch.rows(height).min(rows),
        };
        if at > 0 && made < height {
            let needed = needs(&self.stages[at], made + rows - 1);
            // Windows that lie in the padding alone read rows that nobody has made.
            let read = needed.end.saturating_sub(needs(&self.stages[at], made).start);
            self.kept[at - 1] = self.kept[at - 1].max(read);
            let top = self.stages[at - 1].into.rows.top;
            while self.made[at - 1] + top < needed.end {
                self.make(at - 1, needed.end - top);
            }
        }
        if at + 1 < self.stages.len() {
            let place = self.stages[at].into;
            let written = made + rows + place.rows.top;
            let held = written.saturating_sub(self.first_needed(place, Some(at + 1), at)).max(rows);
            self.kept[at] = self.kept[at].max(held);
        } else {
            self.follow(rows);
        }
        self.made[at] += rows;
    }

    /// The first row of a value, counted with the zero rows above, that will still be read.
    fn first_needed(&self, place: Place, reader: Option<usize>, adders: usize) -> usize {
        let unfinished = |at: &usize| self.made[*at] < self.stages[*at].height;
        let read = reader.filter(unfinished).map(|at| needs(&self.stages[at], self.made[at]).start);
        let added = self.adders[adders].iter().copied().filter(unfinished);
        let added = added.map(|at| self.made[at] + place.rows.top);
        read.into_iter().chain(added).min().unwrap_or(usize::MAX)
    }

    /// Records how far the result leads over the rows of the input that are still to be read.
    fn follow(&mut self, rows: usize) {
        let (first, last) = (&self.stages[0], self.stages.len() - 1);
        let into = self.stages[last].into;
        let (x, y) = (first.from[0], into.rows.ring(0));
        let mut unread = self.first_needed(x, Some(0), self.stages.len());
        if let Part::Strip(_) = first.part {
            // The strips of a row go on while those before them are passed on.
            unread = unread.min(needs(first, self.made[0].saturating_sub(1)).start);
        }
        if unread == usize::MAX {
            return;
        }
        let [read_bytes, written_bytes] = self.bytes;
        let written = (self.made[last] + rows).min(into.height) * y.row * written_bytes;
        let read = unread * x.rows.ring(0).row * read_bytes;
        self.lead = self.lead.max(written.saturating_sub(read));
    }
}
