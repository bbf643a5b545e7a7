//! Exact search for a plan within a capacity: many short depth-first searches, then longer ones.
//!
//! How long one search takes depends wildly on which buffers it prefers, so several preferences take turns, and short
//! searches are many: budgets follow Luby, Sinclair and Zuckerman (1993). From the second round on orders are shuffled a
//! little. What one search proves to be a dead end the others need not enter again: they share a table of nogoods.

use super::nogoods::{Nogoods, mix};
use super::problem::{Item, Problem};
use super::tree::{Outcome, Tree};
use std::cmp::Reverse;

/// The result of a search.
pub(super) enum Verdict {
    /// An offset per item.
    Found(Vec<usize>),
    /// No plan fits.
    Impossible,
    /// Unknown: the budget is spent.
    OutOfBudget,
}

/// Places by which a shuffle may move a buffer within its order.
const SHUFFLE: u64 = 16;

/// Looks for offsets within `capacity` bytes, paying for each look at a buffer with one of `visits`.
pub(super) fn within(problem: &Problem, capacity: usize, visits: &mut u64) -> Verdict {
    if problem.load() > capacity {
        return Verdict::Impossible;
    }
    let orders = orders(problem);
    let mut nogoods = Nogoods::default();
    // One dive costs half the square; leave room for a few wrong turns.
    let dive = (problem.items.len() as u64 + 8).pow(2);
    for round in 0_u64.. {
        let share = dive.saturating_mul(luby(round + 1));
        for (turn, order) in orders.iter().enumerate() {
            let seed = round * orders.len() as u64 + turn as u64;
            let order = if round == 0 { order.clone() } else { shuffle(order, seed) };
            let Some(mut tree) = Tree::new(problem, capacity, order, &mut nogoods) else {
                return Verdict::OutOfBudget;
            };
            let granted = share.min(*visits);
            let (outcome, left) = tree.search(granted);
            *visits -= granted - left;
            match outcome {
                Outcome::Found => return Verdict::Found(tree.offsets()),
                Outcome::Failed => return Verdict::Impossible,
                Outcome::Stopped if granted < share || *visits == 0 => return Verdict::OutOfBudget,
                Outcome::Stopped => {}
            }
        }
    }
    Verdict::OutOfBudget
}

/// Entry `at`, from 1, of the sequence 1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8, ...
fn luby(at: u64) -> u64 {
    let whole = (at + 1).next_power_of_two();
    if whole == at + 1 { whole / 2 } else { luby(at + 1 - whole / 2) }
}

/// The items that take memory, in the order of several preferences, each forwards and backwards in time.
///
/// Long-lived, large and crowded buffers are hard to place late. No order depends on that of the table.
fn orders(problem: &Problem) -> Vec<Vec<usize>> {
    let crowd = problem.totals();
    let traits: Vec<_> = problem.items.iter().map(|item| Traits::new(item, &crowd)).collect();
    let preferences: [fn(&Traits) -> [usize; 3]; 7] = [
        |t| [t.crowd, t.steps, t.area],
        |t| [t.crowd, t.conflicts, t.steps],
        |t| [t.steps, t.area, t.crowd],
        |t| [t.area, t.conflicts, t.crowd],
        |t| [t.conflicts, t.area, t.crowd],
        |t| [t.crowd, t.area, t.steps],
        |t| [t.len, t.area, t.crowd],
    ];
    let items = (0..problem.items.len()).filter(|&b| !problem.items[b].span.is_empty());
    let items: Vec<usize> = items.collect();
    let directions: [fn(&Item) -> [usize; 2]; 2] = [
        |item| [usize::MAX - item.span.start, item.span.end],
        |item| [item.span.end, usize::MAX - item.span.start],
    ];
    let sorted = directions.iter().flat_map(|direction| {
        preferences.iter().map(|preference| {
            let mut order = items.clone();
            order.sort_by_key(|&b| {
                let item = &problem.items[b];
                Reverse((preference(&traits[b]), direction(item), item.len))
            });
            order
        })
    });
    sorted.collect()
}

/// Traits that make a buffer hard to place.
struct Traits {
    len: usize,
    steps: usize,
    area: usize,
    conflicts: usize,
    /// Bytes live in the fullest of its sections.
    crowd: usize,
}

impl Traits {
    fn new(item: &Item, crowd: &[usize]) -> Self {
        Self {
            len: item.len,
            steps: item.span.len(),
            area: item.area(),
            conflicts: item.conflicts.len(),
            crowd: crowd[item.span.clone()].iter().copied().max().unwrap_or(0),
        }
    }
}

/// This order with everything moved by up to `SHUFFLE` places, determined by the seed.
fn shuffle(order: &[usize], seed: u64) -> Vec<usize> {
    let places = 0_u64..order.len() as u64;
    let mut keyed: Vec<(u64, usize)> = places
        .zip(order)
        .map(|(place, &b)| (place * 16 + mix(seed << 32 | place) % (SHUFFLE * 16), b))
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, b)| b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_follow_the_sequence() {
        let budgets: Vec<u64> = (1..=15).map(luby).collect();
        assert_eq!(budgets, [1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8]);
    }
}
