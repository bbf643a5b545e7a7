//! The problem as the solver sees it: lengths in whole grains, sections of time, and who keeps how far from whom.
//!
//! A *grain* divides every alignment, so offsets are multiples of it and lengths may be rounded up to it.
//! A *section* is a step at which a largest set of buffers is live; no other step matters.
//! For two buffers in conflict, whichever lies lower, the other starts at least a *lift* above its start: the lower
//! one's length, or less where an `Overlap` lets them share.

use super::{Buffer, Overlap};
use std::collections::BTreeMap;
use std::ops::Range;

/// A list of buffers, ready to be solved.
pub(super) struct Problem {
    /// One per buffer, in the same order.
    pub(super) items: Vec<Item>,
    /// Sections.
    pub(super) section_len: usize,
    /// Bytes that divide every alignment.
    pub(super) grain: usize,
    /// True if the lifts allow all that the definition allows.
    pub(super) exact: bool,
}

/// A buffer of the problem. One that takes no memory has no sections and no conflicts.
pub(super) struct Item {
    /// Bytes, rounded up to grains.
    pub(super) len: usize,
    /// Bytes that rounding added.
    pub(super) slack: usize,
    /// Bytes that its offset is a multiple of, at least 1.
    pub(super) align: usize,
    /// The sections in which it is live.
    pub(super) span: Range<usize>,
    /// The buffers that it must keep away from.
    pub(super) conflicts: Vec<Conflict>,
    /// Bytes that it adds to each section of its span: its length, less what it may share with others there.
    pub(super) weights: Vec<usize>,
}

/// Constraints of an item against another that it must keep away from.
#[derive(Clone, Copy)]
pub(super) struct Conflict {
    /// The other's index.
    pub(super) other: usize,
    /// The other's start less this one's, at least, when the other lies above.
    pub(super) above: usize,
    /// This one's start less the other's, at least, when the other lies below.
    pub(super) below: usize,
}

impl Problem {
    /// Reads conflicts off lifetimes and overlaps.
    pub(super) fn new(buffers: &[Buffer], overlaps: &[Overlap]) -> Self {
        let aligns = buffers.iter().map(|buffer| buffer.align.max(1));
        let grain = aligns.reduce(gcd).unwrap_or(1);
        let sections = sections(buffers);
        let items = buffers.iter().map(|buffer| Item::new(buffer, grain, &sections));
        let mut problem =
            Self { items: items.collect(), section_len: sections.len(), grain, exact: true };
        problem.meet(buffers, overlaps);
        problem
    }

    /// Finds every pair that lives together and what keeps it apart.
    fn meet(&mut self, buffers: &[Buffer], overlaps: &[Overlap]) {
        let mut leave: BTreeMap<(usize, usize), Vec<&Overlap>> = BTreeMap::new();
        for overlap in overlaps {
            let (dying, growing) = (overlap.dying.0, overlap.growing.0);
            leave.entry((dying.min(growing), dying.max(growing))).or_default().push(overlap);
        }
        let mut by_start: Vec<usize> =
            (0..buffers.len()).filter(|&b| takes_memory(&buffers[b])).collect();
        by_start.sort_by_key(|&b| buffers[b].live.start);
        let mut live: Vec<usize> = Vec::new();
        for b in by_start {
            live.retain(|&a| buffers[a].live.end > buffers[b].live.start);
            for &a in &live {
                let pair = (a.min(b), a.max(b));
                self.keep_apart(pair, buffers, leave.get(&pair).map_or(&[], Vec::as_slice));
            }
            live.push(b);
        }
    }

    fn keep_apart(&mut self, (a, b): (usize, usize), buffers: &[Buffer], leave: &[&Overlap]) {
        let (mut a_above, mut b_above) = (buffers[b].len, buffers[a].len);
        for overlap in leave {
            if overlap.dying.0 == a {
                a_above = a_above.min(overlap.ahead);
            } else {
                b_above = b_above.min(overlap.ahead);
            }
        }
        let (a_above, b_above) =
            (a_above.next_multiple_of(self.grain), b_above.next_multiple_of(self.grain));
        // At equal offsets the search would have to guess which of the two counts as the lower.
        self.exact &= (a_above == 0) == (b_above == 0);
        self.discount((a, b), a_above, b_above);
        if a_above.max(b_above) > 0 {
            self.items[a].conflicts.push(Conflict { other: b, above: b_above, below: a_above });
            self.items[b].conflicts.push(Conflict { other: a, above: a_above, below: b_above });
        }
    }

    /// Takes the bytes that two may share at most off the first one's weight where both live.
    fn discount(&mut self, (a, b): (usize, usize), a_above: usize, b_above: usize) {
        let (one, other) = (&self.items[a], &self.items[b]);
        let b_on_top = one.len.saturating_sub(b_above).min(other.len);
        let a_on_top = other.len.saturating_sub(a_above).min(one.len);
        let shared = a_on_top.max(b_on_top);
        if shared == 0 {
            return;
        }
        let (span, start) = (one.span.clone(), other.span.start.max(one.span.start));
        let end = other.span.end.min(span.end);
        for weight in &mut self.items[a].weights[start - span.start..end - span.start] {
            *weight = weight.saturating_sub(shared);
        }
    }

    /// Bytes live in each section, rounded up.
    pub(super) fn totals(&self) -> Vec<usize> {
        let mut totals = vec![0; self.section_len];
        for item in &self.items {
            for (total, weight) in totals[item.span.clone()].iter_mut().zip(&item.weights) {
                *total += weight;
            }
        }
        totals
    }

    /// Bytes that no plan can do without: the fullest section.
    ///
    /// The highest buffer need not be rounded up.
    pub(super) fn load(&self) -> usize {
        let mut slack = vec![0; self.section_len];
        for item in &self.items {
            for most in &mut slack[item.span.clone()] {
                *most = item.slack.max(*most);
            }
        }
        let fullest =
            self.totals().into_iter().zip(slack).map(|(total, slack)| total.saturating_sub(slack));
        let longest = self.items.iter().map(|item| item.len - item.slack);
        fullest.chain(longest).max().unwrap_or(0)
    }
}

impl Item {
    fn new(buffer: &Buffer, grain: usize, sections: &[usize]) -> Self {
        let len = buffer.len.next_multiple_of(grain);
        let span = if takes_memory(buffer) {
            sections.partition_point(|&step| step < buffer.live.start)
                ..sections.partition_point(|&step| step < buffer.live.end)
        } else {
            0..0
        };
        Self {
            len,
            slack: len - buffer.len,
            align: buffer.align.max(1),
            weights: vec![len; span.len()],
            span,
            conflicts: Vec::new(),
        }
    }

    /// Its length times the sections that it lives through.
    pub(super) fn area(&self) -> usize {
        self.len.saturating_mul(self.span.len())
    }
}

/// The steps with the largest live sets: the last start before each run of ends.
fn sections(buffers: &[Buffer]) -> Vec<usize> {
    let lives = || buffers.iter().filter(|buffer| takes_memory(buffer)).map(|buffer| &buffer.live);
    let mut starts: Vec<usize> = lives().map(|live| live.start).collect();
    let mut ends: Vec<usize> = lives().map(|live| live.end).collect();
    starts.sort_unstable();
    ends.sort_unstable();
    let mut sections: Vec<usize> = Vec::new();
    for start in starts {
        let last = sections.last().copied().unwrap_or(0);
        let ended =
            ends.partition_point(|&end| end <= start) > ends.partition_point(|&end| end <= last);
        match sections.last_mut() {
            Some(last) if !ended => *last = start,
            _ => sections.push(start),
        }
    }
    sections
}

fn takes_memory(buffer: &Buffer) -> bool {
    buffer.len > 0 && !buffer.live.is_empty()
}

/// The greatest number that divides both.
pub(super) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
