//! Rows through a region: which stages run when, and how many rows each ring keeps.
//!
//! The stages of a region fall into pieces: nothing but its result leaves a piece. The last piece runs once for each
//! row of its result; a piece first pulls the rows of the piece before that it needs, then its own stages follow in
//! order, each up to the row that the wanted one needs. Emitted loops are printed from these pieces, and `kept` runs
//! through them, so what is counted is what they hold.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::schedule::{Home, Place, RowWindow, Stage, Step};

/// Stages of which nothing but the last one's result is read outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its interleaved stages, the last group with the piece's own rows.
    pub groups: Vec<Group>,
    /// Rows of the piece before that a row needs; those of the first piece need none.
    pub pulls: Need,
}

/// Stages that make row after row, interleaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Indices of the step's stages.
    pub stages: Range<usize>,
    /// Rows that are made before the piece's row.
    pub need: Need,
    /// Rows of the image.
    pub height: usize,
    /// Rows that are ever needed, zero rows below the image among them.
    pub limit: usize,
}

/// Rows that must be there for row `row` of a piece: `(scale * row + shift) / per`, at least none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Rows for each row.
    pub scale: usize,
    /// Rows more.
    pub shift: isize,
    /// Rows that share one.
    pub per: usize,
}

/// The pieces of a streamed step.
pub fn pieces(stages: &[Stage]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut end = stages.len();
    let limits = limits(stages);
    let starts = starts(stages);
    for start in starts.into_iter().rev() {
        let needs = needs(stages, start..end);
        let pulls = start.checked_sub(1).map(|before| {
            let readers =
                (start..end).flat_map(|at| reads_of(stages, at, stages[before].into.home));
            let pulled = readers.map(|(at, window)| needs[at - start].behind(window));
            pulled.reduce(Need::either).unwrap_or(Need::SAME)
        });
        let joins = pulls == Some(Need::SAME) && stages[start - 1].height == stages[end - 1].height;
        if joins {
            continue;
        }
        let pulls = pulls.unwrap_or(Need::NONE);
        pieces.push(Piece { groups: groups(stages, start..end, &needs, &limits), pulls });
        end = start;
    }
    pieces.reverse();
    pieces
}

/// Operands that stage `at` reads in rows: their locations and row windows.
pub fn reads(stage: &Stage) -> impl Iterator<Item = (Place, RowWindow)> + '_ {
    let windows = [stage.window, RowWindow::SAME];
    let rows = if stage.kernel.repeats_second() { 1 } else { 2 };
    stage.from.iter().copied().zip(windows).take(rows)
}

/// Memory that a region holds.
pub(super) struct Held {
    /// Rows, counted with the stored zero rows, of each value that stages write.
    pub(super) kept: BTreeMap<Home, usize>,
    /// Elements by which the readers of each value from outside must lead the writer of the result, if both are rows
    /// of pixels that lie one after the other.
    pub(super) leads: BTreeMap<Home, usize>,
}

/// Runs through a region; its rings are still as high as their images.
pub(super) fn simulate(stages: &[Stage]) -> Held {
    let mut flow = Flow::new(stages);
    let last = flow.pieces.len() - 1;
    for row in 0..stages[stages.len() - 1].height {
        flow.row(last, row);
    }
    Held { kept: flow.kept, leads: flow.leads }
}

/// Starts of pieces: behind a stage whose result is all that later stages read of earlier values.
fn starts(stages: &[Stage]) -> Vec<usize> {
    let passes = |at: usize| {
        let home = stages[at].into.home;
        let made: Vec<Home> = stages[..=at].iter().map(|stage| stage.into.home).collect();
        let mut later = stages[at + 1..].iter();
        later.all(|stage| {
            let others = reads(stage).filter(|(place, _)| place.home != home);
            let grows = stage.into.home != home || stage.from.iter().any(|x| x.home == home);
            let apart = !made.contains(&stage.into.home) || stage.into.home == home;
            grows && apart && others.into_iter().all(|(place, _)| !made.contains(&place.home))
        })
    };
    let cuts = (0..stages.len() - 1).filter(|at| passes(*at)).map(|at| at + 1);
    [0].into_iter().chain(cuts).collect()
}

/// The windows through which stage `at` reads what lies in `home`.
fn reads_of(
    stages: &[Stage],
    at: usize,
    home: Home,
) -> impl Iterator<Item = (usize, RowWindow)> + '_ {
    reads(&stages[at]).filter(move |(place, _)| place.home == home).map(move |(_, read)| (at, read))
}

/// Rows that each stage of a piece makes before a row of its last one's result.
fn needs(stages: &[Stage], piece: Range<usize>) -> Vec<Need> {
    let mut needs = vec![Need::SAME; piece.len()];
    for at in piece.clone().rev().skip(1) {
        let home = stages[at].into.home;
        let readers = (at + 1..piece.end).flat_map(|reader| reads_of(stages, reader, home));
        let behind = readers.map(|(reader, window)| needs[reader - piece.start].behind(window));
        needs[at - piece.start] = behind.reduce(Need::either).unwrap_or(Need::SAME);
    }
    needs
}

/// Rows of each stage that are ever needed.
fn limits(stages: &[Stage]) -> Vec<usize> {
    let mut limits: Vec<usize> = stages.iter().map(|stage| stage.height).collect();
    for at in (0..stages.len() - 1).rev() {
        let readers = (at + 1..stages.len())
            .flat_map(|reader| reads_of(stages, reader, stages[at].into.home))
            .map(|(reader, window)| {
                let rows = limits[reader].min(stages[reader].height);
                let end = Need { scale: 0, shift: rows as isize, per: 1 }.behind(window).at(0);
                if stages[reader].kernel.is_clipped() { end.min(stages[at].height) } else { end }
            });
        // Where all that is read is padding, the loop over rows to be made is there, though it makes none.
        limits[at] = readers.max().unwrap_or(stages[at].height).max(1);
    }
    limits
}

/// Interleaved stages of a piece: those that are needed alike.
fn groups(stages: &[Stage], piece: Range<usize>, needs: &[Need], limits: &[usize]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for at in piece.clone() {
        let (need, height, limit) = (needs[at - piece.start], stages[at].height, limits[at]);
        match groups.last_mut() {
            Some(last) if (last.need, last.height) == (need, height) => {
                last.stages.end = at + 1;
                last.limit = last.limit.max(limit);
            }
            _ => groups.push(Group { stages: at..at + 1, need, height, limit }),
        }
    }
    groups
}

impl Piece {
    /// The group that makes the piece's result.
    pub fn last(&self) -> &Group {
        &self.groups[self.groups.len() - 1]
    }

    /// True if `group` runs exactly once for each row of the piece.
    pub fn is_direct(&self, group: &Group) -> bool {
        group.need == Need::SAME && group.height == self.last().height
    }
}

impl Need {
    /// The row itself.
    pub const SAME: Self = Self { scale: 1, shift: 1, per: 1 };
    /// No row.
    const NONE: Self = Self { scale: 0, shift: 0, per: 1 };
    /// All rows.
    const ALL: Self = Self { scale: 0, shift: isize::MAX, per: 1 };

    /// The number of rows for row `row`.
    pub fn at(self, row: usize) -> usize {
        let rows = (self.scale * row) as isize;
        rows.saturating_add(self.shift).max(0) as usize / self.per
    }

    /// Rows that the needed rows of a stage need in turn, through its window.
    fn behind(self, window: RowWindow) -> Self {
        if self.shift == isize::MAX {
            return self;
        }
        let RowWindow { span, stride, above, shared: (per, at) } = window;
        let ahead = (span * per + at) as isize - (above * per + stride) as isize;
        let shift = self.shift * stride as isize + ahead * self.per as isize;
        Self { scale: self.scale * stride, shift, per: self.per * per }.reduced()
    }

    /// Enough rows for both.
    fn either(self, other: Self) -> Self {
        if (self.scale, self.per) == (other.scale, other.per) {
            return Self { shift: self.shift.max(other.shift), ..self };
        }
        Self::ALL
    }

    fn reduced(self) -> Self {
        let (mut a, mut b) = (self.scale, self.per);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        let by = if self.scale == 0 { 1 } else { a };
        Self {
            scale: self.scale / by,
            shift: self.shift.div_euclid(by as isize),
            per: self.per / by,
        }
    }
}

struct Flow<'a> {
    stages: &'a [Stage],
    pieces: Vec<Piece>,
    limits: Vec<usize>,
    /// The stages that read each value, and which rows.
    readers: BTreeMap<Home, Vec<(usize, Place, RowWindow)>>,
    /// The stages that write each value.
    writers: BTreeMap<Home, Vec<usize>>,
    /// Rows made so far by each stage, zero rows below the image among them.
    made: Vec<usize>,
    kept: BTreeMap<Home, usize>,
    leads: BTreeMap<Home, usize>,
}

impl<'a> Flow<'a> {
    fn new(stages: &'a [Stage]) -> Self {
        let mut readers: BTreeMap<Home, Vec<_>> = BTreeMap::new();
        let mut writers: BTreeMap<Home, Vec<usize>> = BTreeMap::new();
        for (at, stage) in stages.iter().enumerate() {
            writers.entry(stage.into.home).or_default().push(at);
            for (place, window) in reads(stage) {
                readers.entry(place.home).or_default().push((at, place, window));
            }
        }
        Self {
            stages,
            pieces: pieces(stages),
            limits: limits(stages),
            readers,
            writers,
            made: vec![0; stages.len()],
            kept: BTreeMap::new(),
            leads: BTreeMap::new(),
        }
    }

    /// Makes row `row` of a piece, and first what it needs.
    fn row(&mut self, piece: usize, row: usize) {
        let Piece { groups, pulls } = self.pieces[piece].clone();
        if let Some(before) = piece.checked_sub(1) {
            let Group { stages, height, limit, .. } = self.pieces[before].last().clone();
            let until = pulls.at(row).min(limit);
            while self.made[stages.end - 1] < until {
                let next = self.made[stages.end - 1];
                if next < height { self.row(before, next) } else { self.make(stages.clone(), next) }
            }
        }
        for group in groups {
            if self.pieces[piece].is_direct(&group) {
                self.make(group.stages, row);
                continue;
            }
            let until = group.need.at(row).min(group.limit);
            for next in self.made[group.stages.start]..until {
                self.make(group.stages.clone(), next);
            }
        }
    }

    /// Makes row `row` of some stages, interleaved; below the image it is zeros, for which nothing is read.
    fn make(&mut self, stages: Range<usize>, row: usize) {
        for at in stages {
            self.write(at, row);
            self.made[at] = row + 1;
        }
    }

    fn write(&mut self, at: usize, row: usize) {
        let Place { home, rows, .. } = self.stages[at].into;
        let first = self.first_needed(home).min(row + rows.top);
        let held = row + rows.top + 1 - first;
        let kept = self.kept.entry(home).or_default();
        *kept = held.max(*kept);
        if home == self.stages[self.stages.len() - 1].into.home {
            self.follow(row);
        }
    }

    /// The first row of a value, counted with the zero rows above, that will still be read or written.
    fn first_needed(&self, home: Home) -> usize {
        let unfinished =
            |at: &usize| self.made[*at] < self.limits[*at].min(self.stages[*at].height);
        let readers = self.readers.get(&home).into_iter().flatten();
        let read = readers.filter(|(at, ..)| unfinished(at)).map(|(at, place, window)| {
            let (per, shift) = window.shared;
            let first = (self.made[*at] * window.stride + shift) / per + place.rows.top;
            if self.stages[*at].kernel.is_clipped() {
                first.saturating_sub(window.above).max(place.rows.top)
            } else {
                first - window.above
            }
        });
        let writers = self.writers.get(&home).into_iter().flatten();
        let written = writers.filter(|at| unfinished(at));
        let written = written.map(|at| self.made[*at] + self.stages[*at].into.rows.top);
        read.chain(written).min().unwrap_or(usize::MAX)
    }

    /// Records how far the result leads with row `row` over the rows of outside values that are still to be read.
    fn follow(&mut self, row: usize) {
        let into = self.stages[self.stages.len() - 1].into;
        let written = (row + 1).min(into.height) * into.rows.ring(0).row;
        let outside = self.readers.iter().filter(|(home, _)| !self.writers.contains_key(home));
        let leads = outside.filter_map(|(home, readers)| {
            let unread = self.first_needed(*home);
            let row = readers[0].1.rows.ring(0).row;
            (unread != usize::MAX).then(|| (*home, written.saturating_sub(unread * row)))
        });
        for (home, lead) in leads.collect::<Vec<_>>() {
            let most = self.leads.entry(home).or_default();
            *most = lead.max(*most);
        }
    }
}

/// The pieces of a step that is no chain.
pub fn of(step: &Step) -> Vec<Piece> {
    pieces(&step.stages)
}
