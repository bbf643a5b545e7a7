//! Bounds that cost no search: below, what every order must hold at once; above, three quick orders.
//!
//! While an op runs, every buffer is live that one of its ancestors started and that it or one of
//! its descendants still uses, whatever the order. The greatest such sum is a lower bound, and the
//! op where it occurs its witness.

use super::cut::used;
use super::piece::{Effect, Piece, Tally};
use super::set::Set;
use super::{OpId, Problem};
use std::collections::BTreeMap;
use std::ops::Range;

/// The op at which every order must hold the most bytes.
pub(super) struct Witness {
    pub(super) bytes: usize,
    /// None if there are no ops.
    pub(super) op: Option<OpId>,
}

impl Witness {
    /// The one that forces more; this one, if both force as much.
    pub(super) fn or(self, other: Witness) -> Witness {
        if self.op.is_none() || other.bytes > self.bytes { other } else { self }
    }
}

/// The op of a range that itself uses most.
pub(super) fn own(problem: &Problem, range: Range<usize>) -> Witness {
    let own = range.map(|op| {
        let used = used(problem, &problem.ops[op]).into_iter();
        let bytes = used.map(|buffer| problem.buffers[buffer].bytes).sum::<usize>();
        Witness { bytes: bytes + problem.ops[op].scratch, op: Some(OpId(op)) }
    });
    own.fold(Witness { bytes: 0, op: None }, Witness::or)
}

/// An order of a piece's runs, and its peak in bytes.
pub(super) struct Plan {
    pub(super) runs: Vec<usize>,
    pub(super) peak: usize,
}

/// The first op of the greatest must-live sum; a run answers for its first op.
pub(super) fn witness(piece: &Piece) -> Witness {
    let mut best = Witness { bytes: 0, op: None };
    for (run, bytes) in must_live(piece).into_iter().enumerate() {
        if bytes > best.bytes || best.op.is_none() {
            best = Witness { bytes, op: Some(piece.runs[run].ops[0]) };
        }
    }
    best
}

/// For each run, the bytes that are live at its worst moment in every order.
fn must_live(piece: &Piece) -> Vec<usize> {
    let mut carried = vec![piece.base; piece.runs.len()];
    for span in &piece.spans {
        let mut live =
            if span.started { Set::full(piece.runs.len()) } else { Set::empty(piece.runs.len()) };
        span.writers.iter().for_each(|&writer| live.add_all(&piece.behind[writer]));
        if !span.held {
            let mut needed = Set::empty(piece.runs.len());
            for &user in &span.users {
                needed.insert(user);
                needed.add_all(&piece.before[user]);
            }
            live.keep_all(&needed);
        }
        live.iter().for_each(|run| carried[run] += span.bytes);
    }
    let own =
        |run: usize| piece.effect_between(run, &piece.before[run], &piece.most_done(run)).rise;
    carried.iter().enumerate().map(|(run, &bytes)| bytes.saturating_add_signed(own(run))).collect()
}

/// The best of three quick orders.
///
/// The first takes the least peak, then the least live bytes; the second goes depth first; the
/// third is Liu's order for independent runs: those that lower the live bytes first, by their rise,
/// then the others, by how far they fall from it.
pub(super) fn quick(piece: &Piece) -> Plan {
    let frugal = dispatch(piece, |step| [step.peak, step.live]);
    let deep = dispatch(piece, |step| [usize::MAX - step.age, 0]);
    let steep = dispatch(piece, |Step { effect, .. }| match effect.net {
        ..=0 => [0, effect.rise.unsigned_abs()],
        1.. => [1, usize::MAX - effect.rise.abs_diff(effect.net)],
    });
    let best = [frugal, deep, steep].into_iter().min_by_key(|plan| plan.peak);
    best.expect("there are three")
}

/// A run that could come next.
struct Step {
    run: usize,
    effect: Effect,
    /// The peak so far if it does.
    peak: usize,
    /// The bytes live behind it.
    live: usize,
    /// Runs done when it became ready.
    age: usize,
}

/// Lists the runs by always taking the ready one with the least cost, the first of several.
fn dispatch(piece: &Piece, cost: impl Fn(&Step) -> [usize; 2]) -> Plan {
    let mut plan = Plan { runs: Vec::with_capacity(piece.runs.len()), peak: 0 };
    let (mut done, mut live) = (Set::empty(piece.runs.len()), piece.live_at_start());
    let mut tally = Tally::new(piece);
    let first = (0..piece.runs.len()).filter(|&run| piece.before[run].is_empty());
    let mut ready: BTreeMap<usize, usize> = first.map(|run| (run, 0)).collect();
    while !ready.is_empty() {
        let steps = ready.iter().map(|(&run, &age)| {
            let effect = tally.effect(run);
            let peak = plan.peak.max(live.saturating_add_signed(effect.rise));
            Step { run, effect, peak, live: live.saturating_add_signed(effect.net), age }
        });
        let step = steps.min_by_key(&cost).expect("the loop ends when nothing is ready");
        ready.remove(&step.run);
        done.insert(step.run);
        tally.take(step.run);
        plan.runs.push(step.run);
        (plan.peak, live) = (step.peak, step.live);
        let next = piece.next[step.run].iter();
        let fresh = next.filter(|&next| piece.before[next].is_within(&done));
        ready.extend(fresh.map(|next| (next, plan.runs.len())));
    }
    plan
}
