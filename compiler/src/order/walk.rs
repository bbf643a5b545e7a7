//! A state on its way to the next, and the moves that need no choice.
//!
//! A ready run that fits under the peak already paid for, and leaves no more live than it found, is
//! *safe*: take any best order from here and move that run to the front. By submodularity it adds
//! to no later state more than it adds now, which is nothing, so the peak stays.

use super::piece::{Effect, Piece, Tally};
use super::set::Set;

/// A state on its way to the next.
pub(super) struct Walk<'a> {
    piece: &'a Piece,
    pub(super) done: Set,
    pub(super) ready: Set,
    /// Live bytes in this state.
    pub(super) live: usize,
    /// The runs taken since it was made or loaded.
    pub(super) trail: Vec<usize>,
    /// Effects asked for so far: what a walk costs.
    pub(super) looks: u64,
    tally: Tally<'a>,
}

impl<'a> Walk<'a> {
    /// Nothing is done yet.
    pub(super) fn new(piece: &'a Piece) -> Walk<'a> {
        let count = piece.runs.len();
        let (done, ready) = (Set::empty(count), Set::empty(count));
        let (live, trail, tally) = (piece.live_at_start(), Vec::new(), Tally::new(piece));
        let mut walk = Walk { piece, done, ready, live, trail, looks: 0, tally };
        walk.find_ready();
        walk
    }

    /// Becomes the state in which `done` is done and `live` bytes are live.
    pub(super) fn load(&mut self, done: &[u64], live: usize) {
        self.done.copy_from(done);
        self.live = live;
        self.trail.clear();
        self.tally.load(&self.done);
        self.find_ready();
    }

    /// Becomes the state of `other`, with an empty trail.
    pub(super) fn copy_from(&mut self, other: &Walk) {
        self.done.copy_from(other.done.words());
        self.ready.copy_from(other.ready.words());
        self.tally.copy_from(&other.tally);
        self.live = other.live;
        self.trail.clear();
    }

    fn find_ready(&mut self) {
        for (run, before) in self.piece.before.iter().enumerate() {
            self.ready.put(run, !self.done.contains(run) && before.is_within(&self.done));
        }
    }

    /// The change of the live bytes by `run`, which is ready.
    pub(super) fn effect(&mut self, run: usize) -> Effect {
        self.looks += 1;
        self.tally.effect(run)
    }

    /// Runs `run`, whose net effect is known.
    pub(super) fn take(&mut self, run: usize, net: isize) {
        self.tally.take(run);
        self.done.insert(run);
        self.ready.remove(run);
        self.live = self.live.saturating_add_signed(net);
        self.trail.push(run);
        for next in self.piece.next[run].iter() {
            if self.piece.before[next].is_within(&self.done) {
                self.ready.insert(next);
            }
        }
    }

    /// Takes every run that fits under `peak` and leaves no more live than it found.
    pub(super) fn close(&mut self, peak: usize) {
        while let Some((run, net)) = self.safe(peak) {
            self.take(run, net);
        }
    }

    /// A ready run that may as well run now, and its net effect.
    fn safe(&mut self, peak: usize) -> Option<(usize, isize)> {
        let Self { ready, tally, live, looks, .. } = self;
        let effects = ready.iter().map(|run| (run, tally.effect(run))).inspect(|_| *looks += 1);
        let mut safe =
            effects.filter(|(_, it)| it.net <= 0 && live.saturating_add_signed(it.rise) <= peak);
        safe.next().map(|(run, effect)| (run, effect.net))
    }
}
