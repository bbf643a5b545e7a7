//! Quick plans: buffers one after another, each into the first or the tightest gap that holds it.

use super::problem::{Item, Problem};
use std::cmp::Reverse;

/// The choice among the gaps that hold a buffer.
#[derive(Clone, Copy)]
enum Gap {
    First,
    Tightest,
}

/// An offset for every item, from each rule of the ladder in turn.
pub(super) fn ladder(problem: &Problem) -> impl Iterator<Item = Vec<usize>> + '_ {
    let orders = [
        largest_first(problem, |item| (item.len, item.span.len())),
        largest_first(problem, |item| (item.area(), item.len)),
        largest_first(problem, |item| (item.conflicts.len(), item.len)),
        by_start(problem),
    ];
    let rungs =
        orders.into_iter().flat_map(|order| [(order.clone(), Gap::First), (order, Gap::Tightest)]);
    rungs.map(|(order, gap)| place(problem, &order, gap))
}

fn by_start(problem: &Problem) -> Vec<usize> {
    let mut order: Vec<usize> = (0..problem.items.len()).collect();
    order.sort_by_key(|&b| problem.items[b].span.start);
    order
}

fn largest_first(problem: &Problem, key: impl Fn(&Item) -> (usize, usize)) -> Vec<usize> {
    let mut order: Vec<usize> = (0..problem.items.len()).collect();
    order.sort_by_key(|&b| Reverse(key(&problem.items[b])));
    order
}

fn place(problem: &Problem, order: &[usize], gap: Gap) -> Vec<usize> {
    let mut offsets: Vec<Option<usize>> = vec![None; order.len()];
    for &b in order {
        let item = &problem.items[b];
        let placed = item.conflicts.iter().filter_map(|conflict| {
            let offset = offsets[conflict.other]?;
            Some((offset as i128 - conflict.above as i128, offset + conflict.below))
        });
        let mut forbidden: Vec<(i128, usize)> = placed.collect();
        forbidden.sort_unstable();
        let mut gaps = gaps(&forbidden, item.align);
        let taken = match gap {
            Gap::First => gaps.next(),
            Gap::Tightest => gaps.min_by_key(|&(_, room)| room),
        };
        offsets[b] = Some(taken.expect("the last gap has no end").0);
    }
    let offsets = offsets.into_iter().map(|offset| offset.expect("an order names every buffer"));
    offsets.collect()
}

/// Lowest offset of each gap, and how far it may rise.
///
/// Offsets strictly between the two ends of a `forbidden` pair are taken; pairs are sorted.
fn gaps(forbidden: &[(i128, usize)], align: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut floor: usize = 0;
    let bounded = forbidden.iter().filter_map(move |&(from, to)| {
        let offset = floor.next_multiple_of(align);
        floor = floor.max(to);
        let room = usize::try_from(from - offset as i128).ok()?;
        Some((offset, room))
    });
    let top = forbidden.iter().map(|&(_, to)| to).max().unwrap_or(0);
    bounded.chain([(top.next_multiple_of(align), usize::MAX)])
}
