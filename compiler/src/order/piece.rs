//! The problem as the solver sees it: runs of ops, and the bytes live when a set of them is done.
//!
//! A *state* is the set of runs that are done; every run's ancestors are in it too. The bytes live
//! in a state are `sum of bytes of (started - finished)` over the buffers. "Started" is an OR over
//! the writers, "finished" an AND over the users, so the live bytes are a *submodular* function of
//! the state: the more is done already, the less a run adds to it. Everything in `merge` and
//! `search` that leaves an order out rests on that one fact.

use super::set::Set;
use super::{Buffer, Op, OpId, Problem};

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

/// What a run does to the live bytes, counted from those live before it.
#[derive(Clone, Copy)]
pub(super) struct Effect {
    /// The most while it runs.
    pub(super) rise: isize,
    /// What is left behind.
    pub(super) net: isize,
}

impl From<&Problem> for Piece {
    fn from(problem: &Problem) -> Piece {
        let count = problem.ops.len();
        let none = vec![Set::empty(count); count];
        let mut piece = Piece {
            base: 0,
            runs: Vec::with_capacity(count),
            spans: problem.buffers.iter().map(Span::from).collect(),
            before: none.clone(),
            behind: none.clone(),
            next: none,
        };
        for (id, op) in problem.ops() {
            piece.push_op(problem, id, op);
        }
        for index in (0..count).rev() {
            piece.behind[index] = piece.closure(index);
        }
        piece
    }
}

impl From<&Buffer> for Span {
    fn from(buffer: &Buffer) -> Span {
        Span {
            bytes: buffer.bytes,
            started: buffer.life.is_from_start(),
            held: buffer.life.is_to_end(),
            writers: Vec::new(),
            users: Vec::new(),
        }
    }
}

impl Piece {
    fn push_op(&mut self, problem: &Problem, id: OpId, op: &Op) {
        let mut before = Set::empty(problem.ops.len());
        for need in op.needs() {
            before.insert(need.0);
            before.add_all(&self.before[need.0]);
            self.next[need.0].insert(id.0);
        }
        self.before[id.0] = before;
        let mut ends: Vec<usize> =
            op.reads.iter().map(|read| problem.ops[read.0].writes.0).collect();
        ends.push(op.writes.0);
        ends.sort_unstable();
        ends.dedup();
        self.spans[op.writes.0].writers.push(id.0);
        ends.iter().for_each(|&span| self.spans[span].users.push(id.0));
        let stage = Stage { starts: vec![op.writes.0], room: op.scratch, ends };
        self.runs.push(Run { ops: vec![id], stages: vec![stage] });
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

    /// What `run` does when the runs in `done`, its ancestors among them, are done.
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

impl Span {
    fn is_started(&self, done: &Set) -> bool {
        self.started || self.writers.iter().any(|&writer| done.contains(writer))
    }

    /// Whether nothing needs it any more once `run` is done too.
    fn is_finished_by(&self, run: usize, done: &Set) -> bool {
        !self.held && self.users.iter().all(|&user| user == run || done.contains(user))
    }
}
