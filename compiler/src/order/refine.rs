//! The last choice among orders of equal peak: small live sums, where they cost nothing.

use super::cut::used;
use super::piece::Effect;
use super::{Buffer, Op, OpId, Problem};

/// Lowers the sum of squared live bytes by swapping neighbours; gives the order and its peak.
///
/// It starts from the better of `order` and the problem's own, and never raises the peak.
pub(super) fn refine(problem: &Problem, order: Vec<OpId>) -> (Vec<OpId>, usize) {
    let own: Vec<OpId> = problem.ops().map(|(id, _)| id).collect();
    let (given, listed) = (peak(problem, &order), peak(problem, &own));
    let mut order = if listed < given { own } else { order };
    let most = given.min(listed);
    for _ in 0..PASSES {
        if !sweep(problem, &mut order, most) {
            break;
        }
    }
    // Swaps may lower a peak that the search could not prove best.
    let peak = peak(problem, &order);
    (order, peak)
}

/// Bounds the time; a single pass can carry an op past any number of others.
const PASSES: usize = 16;

fn peak(problem: &Problem, order: &[OpId]) -> usize {
    let (mut state, mut peak) = (State::start(problem), 0);
    for op in order {
        peak = peak.max(state.live.saturating_add_signed(state.effect(op.0).rise));
        state.run(op.0);
    }
    peak
}

/// Swaps each neighbours whose live bytes, squared and added up, become fewer; false if there were none.
fn sweep(problem: &Problem, order: &mut [OpId], peak: usize) -> bool {
    let (mut state, mut swapped) = (State::start(problem), false);
    for at in 0..order.len() {
        if let Some(next) = order.get(at + 1).copied() {
            // What the next one needs at all, but from further back, it does not need of its neighbour.
            let free = problem.ops[next.0].needs().all(|need| need != order[at]);
            if free && swap_helps(&mut state, peak, [order[at].0, next.0]) {
                order.swap(at, at + 1);
                swapped = true;
            }
        }
        state.run(order[at].0);
    }
    swapped
}

/// True if `b`, `a` keeps to the peak and is smaller than `a`, `b`.
fn swap_helps(state: &mut State<'_>, peak: usize, [a, b]: [usize; 2]) -> bool {
    let live = state.live;
    let mut pair = |first: usize, second: usize| -> [Effect; 2] {
        let one = state.effect(first);
        state.run(first);
        let two = state.effect(second);
        state.undo(first, live);
        [one, two]
    };
    let highs = |[one, two]: [Effect; 2]| {
        [live.saturating_add_signed(one.rise), live.saturating_add_signed(one.net + two.rise)]
    };
    let squares = |highs: [usize; 2]| highs.iter().map(|&high| (high as u128).pow(2)).sum::<u128>();
    let (now, then) = (highs(pair(a, b)), highs(pair(b, a)));
    then.iter().all(|&high| high <= peak) && squares(then) < squares(now)
}

/// Live buffers when some ops are done.
struct State<'a> {
    problem: &'a Problem,
    /// For each op, the buffers that it writes or reads.
    used: Vec<Vec<usize>>,
    /// For each buffer, how often it was written; once more if it is there from the start.
    begun: Vec<usize>,
    /// For each buffer, how many users it waits for; one more if it lasts to the end.
    left: Vec<usize>,
    live: usize,
}

impl<'a> State<'a> {
    fn start(problem: &'a Problem) -> Self {
        let used: Vec<Vec<usize>> = problem.ops.iter().map(|op| used(problem, op)).collect();
        let life = |of: fn(&Buffer) -> bool| {
            problem.buffers.iter().map(|buffer| usize::from(of(buffer))).collect::<Vec<_>>()
        };
        let begun = life(|buffer| buffer.life.is_from_start());
        let mut left = life(|buffer| buffer.life.is_to_end());
        used.iter().flatten().for_each(|&buffer| left[buffer] += 1);
        let lives = |(at, _): &(usize, &Buffer)| begun[*at] > 0 && left[*at] > 0;
        let live = problem.buffers.iter().enumerate().filter(lives);
        let live = live.map(|(_, buffer)| buffer.bytes).sum();
        Self { problem, used, begun, left, live }
    }

    /// The change of the live bytes by running `op` now.
    fn effect(&self, op: usize) -> Effect {
        let Op { writes, scratch, .. } = &self.problem.ops[op];
        let bytes = |buffer: usize| self.problem.buffers[buffer].bytes as isize;
        let starts = if self.begun[writes.0] == 0 { bytes(writes.0) } else { 0 };
        let ends = self.used[op].iter().filter(|&&buffer| self.left[buffer] == 1);
        let ends: isize = ends.map(|&buffer| bytes(buffer)).sum();
        Effect { rise: starts + *scratch as isize, net: starts - ends }
    }

    fn run(&mut self, op: usize) {
        self.live = self.live.saturating_add_signed(self.effect(op).net);
        self.begun[self.problem.ops[op].writes.0] += 1;
        self.used[op].iter().for_each(|&buffer| self.left[buffer] -= 1);
    }

    /// Takes back `op`, before which `live` bytes lived.
    fn undo(&mut self, op: usize, live: usize) {
        self.live = live;
        self.begun[self.problem.ops[op].writes.0] -= 1;
        self.used[op].iter().for_each(|&buffer| self.left[buffer] += 1);
    }
}
