//! The last choice among orders of equal peak: small live sums, where they cost nothing.

use super::piece::{Effect, Piece};
use super::set::Set;
use super::{OpId, Problem};

/// Lowers the sum of squared live bytes by swapping neighbours; gives the order and its peak.
///
/// It starts from the better of `order` and the problem's own, and never raises the peak.
pub(super) fn settle(problem: &Problem, whole: &Piece, order: Vec<OpId>) -> (Vec<OpId>, usize) {
    let own: Vec<OpId> = problem.ops().map(|(id, _)| id).collect();
    let (given, listed) = (peak(whole, &order), peak(whole, &own));
    let mut order = if listed < given { own } else { order };
    let most = given.min(listed);
    for _ in 0..PASSES {
        if !sweep(whole, &mut order, most) {
            break;
        }
    }
    // Swaps may lower a peak that the search could not prove best.
    let peak = peak(whole, &order);
    (order, peak)
}

/// Bounds the time; a single pass can carry an op past any number of others.
const PASSES: usize = 16;

fn peak(whole: &Piece, order: &[OpId]) -> usize {
    let (mut done, mut live, mut peak) = (Set::empty(order.len()), whole.live_at_start(), 0);
    for op in order {
        let effect = whole.effect(op.0, &done);
        peak = peak.max(live.saturating_add_signed(effect.rise));
        live = live.saturating_add_signed(effect.net);
        done.insert(op.0);
    }
    peak
}

/// One pass from first to last; says whether it swapped anything.
fn sweep(whole: &Piece, order: &mut [OpId], peak: usize) -> bool {
    let (mut done, mut live, mut swapped) = (Set::empty(order.len()), whole.live_at_start(), false);
    for at in 0..order.len() {
        if let Some(next) = order.get(at + 1).map(|next| next.0) {
            let free = !whole.before[next].contains(order[at].0);
            if free && swap_helps(whole, &mut done, live, peak, [order[at].0, next]) {
                order.swap(at, at + 1);
                swapped = true;
            }
        }
        live = live.saturating_add_signed(whole.effect(order[at].0, &done).net);
        done.insert(order[at].0);
    }
    swapped
}

fn swap_helps(whole: &Piece, done: &mut Set, live: usize, peak: usize, [a, b]: [usize; 2]) -> bool {
    let mut pair = |first: usize, second: usize| -> [Effect; 2] {
        let one = whole.effect(first, done);
        done.insert(first);
        let two = whole.effect(second, done);
        done.remove(first);
        [one, two]
    };
    let highs = |[one, two]: [Effect; 2]| {
        [live.saturating_add_signed(one.rise), live.saturating_add_signed(one.net + two.rise)]
    };
    let squares = |highs: [usize; 2]| highs.iter().map(|&high| (high as u128).pow(2)).sum::<u128>();
    let (now, then) = (highs(pair(a, b)), highs(pair(b, a)));
    then.iter().all(|&high| high <= peak) && squares(then) < squares(now)
}
