//! The problem as the solver sees it: runs of ops, and the bytes live when a set of them is done.
//!
//! A *state* is the set of runs that are done; every run's ancestors are in it too. The bytes live
//! in a state are `sum of bytes of (started - finished)` over the buffers. "Started" is an OR over
//! the writers, "finished" an AND over the users, so the live bytes are a *submodular* function of
//! the state: the more is done already, the less a run adds to it. Everything in `merge` and
//! `search` that leaves an order out rests on that one fact.

use std::ops::Range;

use super::cut::{Cuts, used};
use super::set::Set;
use super::{Op, OpId, Problem};

/// A part of the problem that every order runs without a break, as far as we need to look.
pub(super) struct Piece {
    /// Bytes that are live throughout and that no run here touches.
    pub(super) base: usize,
    pub(super) runs: Vec<Run>,
    pub(super) spans: Vec<Span>,
    /// For each run: all runs that must come before it.
    pub(super) before: Vec<Set>,
    /// For each run: all runs that must come behind it.
    pub(super) behind: Vec<Set>,
    /// For each run: runs that need it directly (and maybe some of `behind`).
    pub(super) next: Vec<Set>,
}

/// Ops that run one directly behind the other; none if it was merged away.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) ops: Vec<OpId>,
    pub(super) stages: Vec<Stage>,
}

/// A moment of a run at which the live bytes may have a maximum.
#[derive(Clone)]
pub(super) struct Stage {
    /// Buffers the run writes first here; they start now unless another run has started them.
    pub(super) starts: Vec<usize>,
    /// Bytes of scratch, and of buffers that only this run knows.
    pub(super) room: usize,
    /// Buffers the run uses last here; they go now unless another run still needs them.
    pub(super) ends: Vec<usize>,
}

/// A buffer, and the runs that keep it alive.
#[derive(Clone)]
pub(super) struct Span {
    pub(super) bytes: usize,
    /// Live when the piece begins.
    pub(super) started: bool,
    /// Live when the piece ends.
    pub(super) held: bool,
    pub(super) writers: Vec<usize>,
    /// Writers and readers.
    pub(super) users: Vec<usize>,
}

/// Change of the live bytes by a run, counted from those live before it.
#[derive(Clone, Copy)]
pub(super) struct Effect {
    /// The most while it runs.
    pub(super) rise: isize,
    /// Bytes left behind.
    pub(super) net: isize,
}

impl Piece {
    /// The ops of a range between two cuts of the problem.
    pub(super) fn of(problem: &Problem, cuts: &Cuts, range: &Range<usize>) -> Piece {
        let count = range.len();
        let none = vec![Set::empty(count); count];
        let ops = &problem.ops[range.clone()];
        let mut touched: Vec<usize> = ops.iter().flat_map(|op| used(problem, op)).collect();
        touched.sort_unstable();
        touched.dedup();
        let span = |&span: &usize| Span {
            bytes: problem.buffers[span].bytes,
            started: cuts.lives[span].start <= range.start,
            held: cuts.lives[span].end > range.end,
            writers: Vec::new(),
            users: Vec::new(),
        };
        let spans: Vec<Span> = touched.iter().map(span).collect();
        let started = spans.iter().filter(|span| span.started).map(|span| span.bytes);
        let mut piece = Piece {
            base: cuts.live[range.start] - started.sum::<usize>(),
            runs: Vec::with_capacity(count),
            spans,
            before: none.clone(),
            behind: none.clone(),
            next: none,
        };
        for op in ops {
            piece.push_op(problem, range.start, &touched, op);
        }
        for index in (0..count).rev() {
            piece.behind[index] = piece.closure(index);
        }
        piece
    }

    fn push_op(&mut self, problem: &Problem, first: usize, touched: &[usize], op: &Op) {
        let id = self.runs.len();
        let mut before = Set::empty(self.before.len());
        for need in op.needs().filter_map(|need| need.0.checked_sub(first)) {
            before.insert(need);
            before.add_all(&self.before[need]);
            self.next[need].insert(id);
        }
        self.before[id] = before;
        let local = |span: usize| touched.binary_search(&span).expect("every op's are touched");
        let ends: Vec<usize> = used(problem, op).into_iter().map(local).collect();
        let writes = local(op.writes.0);
        self.spans[writes].writers.push(id);
        ends.iter().for_each(|&span| self.spans[span].users.push(id));
        let stage = Stage { starts: vec![writes], room: op.scratch, ends };
        self.runs.push(Run { ops: vec![OpId(first + id)], stages: vec![stage] });
    }

    fn closure(&self, index: usize) -> Set {
        let mut behind = self.next[index].clone();
        for next in self.next[index].iter() {
            behind.add_all(&self.behind[next]);
        }
        behind
    }

    /// All runs that may be done when `run` starts.
    pub(super) fn most_done(&self, run: usize) -> Set {
        let mut done = Set::full(self.runs.len());
        done.drop_all(&self.behind[run]);
        done.remove(run);
        done
    }

    /// The effect of `run` when the runs in `done`, its ancestors among them, are done.
    pub(super) fn effect(&self, run: usize, done: &Set) -> Effect {
        self.effect_between(run, done, done)
    }

    /// As [`Piece::effect`], but with one state for what has started, one for what has finished.
    pub(super) fn effect_between(&self, run: usize, started: &Set, finished: &Set) -> Effect {
        let mut effect = Effect { rise: isize::MIN, net: 0 };
        for stage in &self.runs[run].stages {
            let starts = stage.starts.iter().filter(|&&span| !self.spans[span].is_started(started));
            effect.net += starts.map(|&span| self.spans[span].bytes as isize).sum::<isize>();
            effect.rise = effect.rise.max(effect.net + stage.room as isize);
            let ends =
                stage.ends.iter().filter(|&&span| self.spans[span].is_finished_by(run, finished));
            effect.net -= ends.map(|&span| self.spans[span].bytes as isize).sum::<isize>();
        }
        effect
    }

    /// The bytes live before anything here has run.
    pub(super) fn live_at_start(&self) -> usize {
        let live =
            self.spans.iter().filter(|span| span.started && (span.held || !span.users.is_empty()));
        self.base + live.map(|span| span.bytes).sum::<usize>()
    }
}

/// Progress of a piece, so that the effect of a run costs no look at all users of its buffers.
pub(super) struct Tally<'a> {
    piece: &'a Piece,
    /// For each span, whether it is live or was.
    begun: Vec<bool>,
    /// For each span, how many users it waits for; one more if it is held.
    left: Vec<usize>,
}

impl<'a> Tally<'a> {
    /// Nothing is done.
    pub(super) fn new(piece: &'a Piece) -> Self {
        let begun = piece.spans.iter().map(|span| span.started).collect();
        let left = piece.spans.iter().map(|span| span.users.len() + usize::from(span.held));
        Self { piece, begun, left: left.collect() }
    }

    /// Counts the runs in `done` as done, and no others.
    pub(super) fn load(&mut self, done: &Set) {
        for (at, span) in self.piece.spans.iter().enumerate() {
            self.begun[at] = span.is_started(done);
            let left = span.users.iter().filter(|&&user| !done.contains(user));
            self.left[at] = left.count() + usize::from(span.held);
        }
    }

    /// Counts as done what `other`, of the same piece, does.
    pub(super) fn copy_from(&mut self, other: &Tally<'_>) {
        self.begun.clone_from(&other.begun);
        self.left.clone_from(&other.left);
    }

    /// The change of the live bytes by `run`, which is not done.
    pub(super) fn effect(&self, run: usize) -> Effect {
        let bytes = |span: &usize| self.piece.spans[*span].bytes as isize;
        let mut effect = Effect { rise: isize::MIN, net: 0 };
        for stage in &self.piece.runs[run].stages {
            let starts = stage.starts.iter().filter(|&&span| !self.begun[span]);
            effect.net += starts.map(bytes).sum::<isize>();
            effect.rise = effect.rise.max(effect.net + stage.room as isize);
            let ends = stage.ends.iter().filter(|&&span| self.left[span] == 1);
            effect.net -= ends.map(bytes).sum::<isize>();
        }
        effect
    }

    /// Counts `run` as done.
    pub(super) fn take(&mut self, run: usize) {
        for stage in &self.piece.runs[run].stages {
            stage.starts.iter().for_each(|&span| self.begun[span] = true);
            stage.ends.iter().for_each(|&span| self.left[span] -= 1);
        }
    }
}

impl Span {
    fn is_started(&self, done: &Set) -> bool {
        self.started || self.writers.iter().any(|&writer| done.contains(writer))
    }

    /// True if nothing needs it any more once `run` is done too.
    fn is_finished_by(&self, run: usize, done: &Set) -> bool {
        !self.held && self.users.iter().all(|&user| user == run || done.contains(user))
    }
}
