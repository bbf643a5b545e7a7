//! Cuts a piece at every state that all orders pass through.
//!
//! Sort the runs by the number of their ancestors. If the run at place k has k of them, every later
//! one has at least as many, so the first k runs are ancestors of all others: every order runs them
//! first. What lies between two such places is a problem of its own, and M(G) the greatest of their
//! peaks. Networks that are mostly a chain fall apart here into pieces of one to four runs.

use super::piece::{Piece, Run, Span};
use super::set::Set;
use std::ops::Range;

/// The pieces, in the order in which they run; runs that were merged away are gone.
pub(super) fn split(piece: &Piece) -> Vec<Piece> {
    let mut runs: Vec<usize> =
        (0..piece.runs.len()).filter(|&run| !piece.runs[run].ops.is_empty()).collect();
    runs.sort_by_key(|&run| piece.before[run].len());
    let mut place = vec![0; piece.runs.len()];
    runs.iter().enumerate().for_each(|(at, &run)| place[run] = at);
    let mut cuts: Vec<usize> =
        (0..runs.len()).filter(|&at| piece.before[runs[at]].len() == at).collect();
    cuts.push(runs.len());
    let live = live_at_cuts(piece, &place, runs.len());
    let cut = |cut: &[usize]| part(piece, &runs[cut[0]..cut[1]], &place, live[cut[0]]);
    cuts.windows(2).map(cut).collect()
}

/// The bytes live in the state behind the first `at` runs, for each `at`.
fn live_at_cuts(piece: &Piece, place: &[usize], count: usize) -> Vec<usize> {
    let mut change = vec![0_isize; count + 2];
    for span in &piece.spans {
        let first = if span.started {
            Some(0)
        } else {
            span.writers.iter().map(|&run| place[run] + 1).min()
        };
        let last =
            if span.held { Some(count) } else { span.users.iter().map(|&run| place[run]).max() };
        if let Some((first, last)) = first.zip(last).filter(|(first, last)| first <= last) {
            change[first] += span.bytes as isize;
            change[last + 1] -= span.bytes as isize;
        }
    }
    let mut live = piece.base;
    let sums = change.iter().map(|&change| {
        live = live.saturating_add_signed(change);
        live
    });
    sums.collect()
}

/// The piece of these runs; so many bytes are live where it begins.
fn part(piece: &Piece, runs: &[usize], place: &[usize], live: usize) -> Piece {
    let inside = place[runs[0]]..place[runs[0]] + runs.len();
    let mut mask = Set::empty(piece.runs.len());
    runs.iter().for_each(|&run| mask.insert(run));
    let sets =
        |all: &[Set]| runs.iter().map(|&run| local_set(&all[run], &mask, place, &inside)).collect();
    let stages = runs.iter().flat_map(|&run| &piece.runs[run].stages);
    let mut touched: Vec<usize> = stages.flat_map(|stage| stage.ends.iter().copied()).collect();
    touched.sort_unstable();
    touched.dedup();
    let spans: Vec<Span> =
        touched.iter().map(|&span| local_span(&piece.spans[span], place, &inside)).collect();
    Piece {
        base: live - spans.iter().filter(|span| span.started).map(|span| span.bytes).sum::<usize>(),
        runs: runs.iter().map(|&run| local_run(&piece.runs[run], &touched)).collect(),
        spans,
        before: sets(&piece.before),
        behind: sets(&piece.behind),
        next: sets(&piece.next),
    }
}

fn local_set(set: &Set, mask: &Set, place: &[usize], inside: &Range<usize>) -> Set {
    let (mut masked, mut local) = (set.clone(), Set::empty(inside.len()));
    masked.keep_all(mask);
    masked.iter().for_each(|run| local.insert(place[run] - inside.start));
    local
}

fn local_span(span: &Span, place: &[usize], inside: &Range<usize>) -> Span {
    let local = |runs: &[usize]| {
        let places = runs.iter().map(|&run| place[run]);
        places.filter(|at| inside.contains(at)).map(|at| at - inside.start).collect()
    };
    Span {
        bytes: span.bytes,
        started: span.started || span.writers.iter().any(|&run| place[run] < inside.start),
        held: span.held || span.users.iter().any(|&run| place[run] >= inside.end),
        writers: local(&span.writers),
        users: local(&span.users),
    }
}

/// The run with its buffers numbered by their place in `touched`.
fn local_run(run: &Run, touched: &[usize]) -> Run {
    let mut run = run.clone();
    for span in
        run.stages.iter_mut().flat_map(|stage| stage.starts.iter_mut().chain(&mut stage.ends))
    {
        *span = touched.binary_search(span).expect("a run ends at some stage what it starts");
    }
    run
}
