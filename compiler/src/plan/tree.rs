//! One depth-first search for a plan within a capacity, in the manner of `MiniMalloc`, with stronger bounds.
//!
//! Any plan can be pushed down until every buffer rests on the bottom or on another one: only such plans are looked at.
//! An unplaced buffer would rest at its *floor* on those placed so far, and cannot lie below its *bound*.
//! A node takes the lowest one and asks: does it rest at its floor, or will one still to come lift it? If lifted, its
//! bound is at least the lowest top of those that can be in its way, and that may lift others in turn.
//! A branch ends when the buffers of a section, stacked by their bounds, stand higher than the capacity; when one
//! must be lifted and nothing can; or in a state that failed before.

use super::nogoods::{Nogoods, mix};
use super::problem::{Problem, gcd};
use std::ops::Range;

/// The result of a search.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every buffer is placed.
    Found,
    /// There is no such plan.
    Failed,
    /// Out of visits, or too deep.
    Stopped,
}

/// Buffers placed one below another at most, to spare the stack.
const DEEPEST: usize = 1_000;

/// The search. Lengths and offsets are in units that divide them all, so that 32 bits do.
pub(super) struct Tree<'a> {
    /// By rank, the preferred first.
    items: Vec<Item>,
    spots: Vec<Spot>,
    /// Earlier spots, to be restored.
    trail: Vec<(u32, Spot)>,
    /// The height of each section's stack, recomputed at every node.
    heights: Vec<u32>,
    capacity: u32,
    unit: usize,
    count: usize,
    visits: u64,
    depth: usize,
    nogoods: &'a mut Nogoods,
}

struct Item {
    /// Its index in the problem.
    id: usize,
    align: u32,
    /// Its highest offset.
    limit: u32,
    span: Range<usize>,
    weights: Vec<u32>,
    conflicts: Vec<Conflict>,
}

/// As in the problem, with the other's rank.
struct Conflict {
    other: u32,
    above: u32,
    below: u32,
}

/// Bounds of an item's offset.
#[derive(Clone, Copy, Default)]
struct Spot {
    floor: u32,
    bound: u32,
    placed: bool,
}

impl<'a> Tree<'a> {
    /// The root; nothing if the numbers are too large for it. `order` ranks the items that take memory.
    pub(super) fn new(
        problem: &Problem,
        capacity: usize,
        order: Vec<usize>,
        nogoods: &'a mut Nogoods,
    ) -> Option<Self> {
        let unit = unit(problem, &order);
        let total: usize =
            order.iter().map(|&b| problem.items[b].len + problem.items[b].align).sum();
        let capacity = capacity.min(total);
        i32::try_from(total / unit).ok()?;
        let mut rank = vec![0; problem.items.len()];
        for (r, &b) in order.iter().enumerate() {
            rank[b] = r;
        }
        let units = |bytes: usize| (bytes / unit) as u32;
        let items = order.iter().map(|&id| {
            let item = &problem.items[id];
            let conflicts = item.conflicts.iter().map(|conflict| Conflict {
                other: rank[conflict.other] as u32,
                above: units(conflict.above),
                below: units(conflict.below),
            });
            Item {
                id,
                align: units(item.align).max(1),
                limit: units(capacity + item.slack - item.len),
                span: item.span.clone(),
                weights: item.weights.iter().map(|&weight| units(weight)).collect(),
                conflicts: conflicts.collect(),
            }
        });
        Some(Self {
            items: items.collect(),
            spots: vec![Spot::default(); order.len()],
            trail: Vec::new(),
            heights: vec![0; problem.section_len],
            // Whichever lies highest need not be rounded up.
            capacity: units(capacity + problem.grain - 1),
            unit,
            count: problem.items.len(),
            visits: 0,
            depth: 0,
            nogoods,
        })
    }

    /// Searches from the root and says how many visits are left.
    pub(super) fn search(&mut self, visits: u64) -> (Outcome, u64) {
        self.visits = visits;
        let open = (0..self.items.len() as u32).collect();
        (self.explore(open, 0..self.heights.len()), self.visits)
    }

    /// Offsets of the plan found, in bytes, by index in the problem.
    pub(super) fn offsets(&self) -> Vec<usize> {
        let mut offsets = vec![0; self.count];
        for (item, spot) in self.items.iter().zip(&self.spots) {
            offsets[item.id] = spot.floor as usize * self.unit;
        }
        offsets
    }

    /// Places all of `open`. Sections of `fresh` have just lost a buffer, so time may fall apart there.
    fn explore(&mut self, mut open: Vec<u32>, fresh: Range<usize>) -> Outcome {
        if open.is_empty() {
            return Outcome::Found;
        }
        let parts = self.parts(&open, fresh);
        if parts.len() > 1 {
            let mut outcomes = parts.into_iter().map(|part| self.explore(part, 0..0));
            return outcomes.find(|&outcome| outcome != Outcome::Found).unwrap_or(Outcome::Found);
        }
        let state = self.state(&open);
        if self.nogoods.contains(state) {
            return Outcome::Failed;
        }
        let mark = self.trail.len();
        self.depth += 1;
        let outcome = loop {
            if let Some(outcome) = self.branch(&mut open) {
                break outcome;
            }
        };
        self.depth -= 1;
        if outcome == Outcome::Failed {
            self.undo(mark);
            self.nogoods.insert(state);
        }
        outcome
    }

    /// Tries one buffer at its floor; if that fails, notes that it will be lifted, and decides nothing.
    fn branch(&mut self, open: &mut [u32]) -> Option<Outcome> {
        let Some(visits) =
            self.visits.checked_sub(open.len() as u64).filter(|_| self.depth <= DEEPEST)
        else {
            return Some(Outcome::Stopped);
        };
        self.visits = visits;
        if !self.lift(open) {
            return Some(Outcome::Failed);
        }
        open.sort_unstable_by_key(|&b| (self.spots[b as usize].bound, b));
        if !self.stacks_fit(open) {
            return Some(Outcome::Failed);
        }
        let resting = || open.iter().copied().filter(|&b| self.rests(b as usize));
        let free = resting().find(|&b| self.is_free(b as usize));
        let Some(chosen) = free.or_else(|| resting().next()) else {
            return Some(Outcome::Failed);
        };
        let mark = self.trail.len();
        if self.place(chosen as usize) {
            let rest = open.iter().copied().filter(|&b| b != chosen).collect();
            let outcome = self.explore(rest, self.items[chosen as usize].span.clone());
            if outcome != Outcome::Failed {
                return Some(outcome);
            }
        }
        self.undo(mark);
        if free.is_some() {
            return Some(Outcome::Failed);
        }
        let spot = self.spots[chosen as usize];
        let bound = (spot.floor + 1).next_multiple_of(self.items[chosen as usize].align);
        self.set(chosen as usize, Spot { bound, ..spot });
        None
    }

    /// True if a buffer may still lie at its floor.
    fn rests(&self, b: usize) -> bool {
        self.spots[b].bound == self.spots[b].floor
    }

    /// True if nothing still to come can be in the way of a buffer at its floor: placing it there harms no plan.
    fn is_free(&self, b: usize) -> bool {
        let floor = self.spots[b].floor;
        self.items[b].conflicts.iter().all(|conflict| {
            let other = self.spots[conflict.other as usize];
            other.placed || other.bound >= floor + conflict.above
        })
    }

    /// Raises the bounds of those that must be lifted until nothing moves; false if one cannot be.
    fn lift(&mut self, open: &[u32]) -> bool {
        let mut moved = true;
        while moved {
            moved = false;
            for b in open.iter().map(|&b| b as usize) {
                if self.rests(b) {
                    continue;
                }
                let Some(bound) = self.lifted(b) else {
                    return false;
                };
                let spot = self.spots[b];
                if bound > spot.bound {
                    self.set(b, Spot { bound, ..spot });
                    moved = true;
                }
                if bound.max(spot.bound) > self.items[b].limit {
                    return false;
                }
            }
        }
        true
    }

    /// The lowest offset to which those in the way of a buffer at its floor can lift it.
    fn lifted(&self, b: usize) -> Option<u32> {
        let floor = self.spots[b].floor;
        let tops = self.items[b].conflicts.iter().filter_map(|conflict| {
            let other = self.spots[conflict.other as usize];
            let in_the_way = !other.placed && other.bound < floor + conflict.above;
            in_the_way.then_some(other.bound + conflict.below)
        });
        Some(tops.min()?.next_multiple_of(self.items[b].align))
    }

    /// True if every section's buffers, sorted by bounds and stacked, stay within the capacity.
    fn stacks_fit(&mut self, sorted: &[u32]) -> bool {
        self.heights.fill(0);
        for &b in sorted {
            let (item, bound) = (&self.items[b as usize], self.spots[b as usize].bound);
            for (height, weight) in self.heights[item.span.clone()].iter_mut().zip(&item.weights) {
                *height = bound.max(*height) + weight;
            }
        }
        self.heights.iter().all(|&height| height <= self.capacity)
    }

    /// Puts a buffer at its floor; false if another's floor gets too high.
    fn place(&mut self, b: usize) -> bool {
        let spot = self.spots[b];
        self.set(b, Spot { placed: true, ..spot });
        for i in 0..self.items[b].conflicts.len() {
            let Conflict { other, above, .. } = self.items[b].conflicts[i];
            let (other, floor) = (other as usize, spot.floor + above);
            let there = self.spots[other];
            if there.placed || there.floor >= floor {
                continue;
            }
            let floor = floor.next_multiple_of(self.items[other].align);
            self.set(other, Spot { floor, bound: there.bound.max(floor), placed: false });
            if floor > self.items[other].limit {
                return false;
            }
        }
        true
    }

    fn set(&mut self, b: usize, spot: Spot) {
        self.trail.push((b as u32, self.spots[b]));
        self.spots[b] = spot;
    }

    fn undo(&mut self, mark: usize) {
        for (b, spot) in self.trail.drain(mark..).rev() {
            self.spots[b as usize] = spot;
        }
    }

    /// Groups of open buffers that share no section, smallest first; none if nothing falls apart.
    fn parts(&self, open: &[u32], fresh: Range<usize>) -> Vec<Vec<u32>> {
        if fresh.len() < 2 {
            return Vec::new();
        }
        let mut order = open.to_vec();
        order.sort_unstable_by_key(|&b| self.items[b as usize].span.start);
        let mut parts: Vec<Vec<u32>> = Vec::new();
        let mut end = 0;
        for b in order {
            let span = &self.items[b as usize].span;
            match parts.last_mut() {
                Some(part) if span.start < end => part.push(b),
                _ => parts.push(vec![b]),
            }
            end = span.end.max(end);
        }
        parts.sort_by_key(Vec::len);
        parts
    }

    /// A digest of what is left to do, the same under every order.
    fn state(&self, open: &[u32]) -> u64 {
        let digests = open.iter().map(|&b| {
            let (item, spot) = (&self.items[b as usize], self.spots[b as usize]);
            mix(mix(item.id as u64) ^ (u64::from(spot.floor) << 32 | u64::from(spot.bound)))
        });
        digests.fold(0, u64::wrapping_add)
    }
}

/// Bytes that divide every length, lift and alignment.
fn unit(problem: &Problem, order: &[usize]) -> usize {
    let items = || order.iter().map(|&b| &problem.items[b]);
    let lifts = items().flat_map(|item| {
        item.conflicts.iter().flat_map(|conflict| [conflict.above, conflict.below])
    });
    let unit = items().map(|item| item.len).chain(lifts).fold(0, gcd);
    let aligned = items().all(|item| unit.is_multiple_of(item.align));
    if aligned { unit.max(1) } else { problem.grain }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Buffer;

    #[test]
    fn deep_search_stops_before_the_stack_does() {
        let buffers = (0..DEEPEST + 50).map(|i| Buffer {
            name: String::new(),
            len: 1 + i % 7,
            align: 1,
            live: 0..1,
        });
        let buffers: Vec<Buffer> = buffers.collect();
        let problem = Problem::new(&buffers, &[]);
        let mut nogoods = Nogoods::default();
        let mut tree =
            Tree::new(&problem, problem.load(), (0..buffers.len()).collect(), &mut nogoods)
                .expect("small numbers");
        let (outcome, left) = tree.search(u64::MAX);
        assert!(outcome == Outcome::Stopped && left > 0);
    }
}
