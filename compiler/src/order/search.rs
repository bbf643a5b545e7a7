//! Best-first search over the states of a piece, cheapest peak first.
//!
//! It starts from the proven lower bound, so that all states that need no more cost the same, and
//! among those it goes deeper first: a feasible bound is met by something like depth-first search.
//! A ready run that fits under the peak already paid for, and leaves no more live than it found, is
//! run at once (see `walk`). When every state below the best known peak is spent, that peak is
//! optimal; when the budget is spent before, a beam search still looks for a better one.

use super::Budget;
use super::bound;
use super::piece::Piece;
use super::states::{Node, States};
use super::walk::Walk;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The orders found for all pieces, and the proof of their common peak.
pub(super) struct Found {
    /// For each piece, its runs in order.
    pub(super) orders: Vec<Vec<usize>>,
    /// No order of the whole has a peak below this many bytes.
    pub(super) lower: usize,
    /// States stored.
    pub(super) states: usize,
}

/// Orders every piece; only the greatest peak counts, so a piece is searched only if it may set it.
pub(super) fn all(pieces: &[Piece], lower: usize, budget: Budget) -> Found {
    let lower = pieces.iter().map(|piece| bound::witness(piece).bytes).fold(lower, usize::max);
    let mut found = Found { orders: Vec::with_capacity(pieces.len()), lower, states: 0 };
    let mut left = budget.states;
    for piece in pieces {
        let quick = bound::quick(piece);
        if quick.peak <= found.lower {
            found.orders.push(quick.runs);
            continue;
        }
        let mut search = Search::new(piece, found.lower, quick.peak);
        found.lower = search.run(left);
        found.states += search.states.len();
        left = left.saturating_sub(search.spent());
        found.orders.push(search.best().unwrap_or(quick.runs));
    }
    found
}

/// States of equal depth that the search keeps once its budget is spent.
const BEAM: usize = 64;
/// Effects of runs that a state may cost before it counts for more than one.
const LOOKS_A_STATE: u64 = 32;
/// Effects of runs that the beam search may look at.
const DIVE_LOOKS: u64 = 1 << 22;

struct Search<'a> {
    piece: &'a Piece,
    /// The peak that is allowed from the start.
    floor: usize,
    /// The best known peak.
    upper: usize,
    /// The end of an order with the best known peak, if the search found it.
    goal: Option<usize>,
    states: States,
    /// Peak, runs left, live bytes, state: least first.
    queue: BinaryHeap<Reverse<(usize, usize, usize, usize)>>,
    /// Effects of runs looked at.
    looks: u64,
}

impl<'a> Search<'a> {
    fn new(piece: &'a Piece, floor: usize, upper: usize) -> Search<'a> {
        let mut search = Search {
            piece,
            floor,
            upper,
            goal: None,
            states: States::new(piece.runs.len()),
            queue: BinaryHeap::new(),
            looks: 0,
        };
        let mut start = Walk::new(piece);
        start.close(floor);
        search.enter(&start, floor, [0, 0]);
        search
    }

    /// Searches until the best peak is proven or `budget` is spent; gives the proven lower bound.
    fn run(&mut self, budget: usize) -> usize {
        let (mut from, mut to) = (Walk::new(self.piece), Walk::new(self.piece));
        while let Some(Reverse((peak, left, live, at))) = self.queue.pop() {
            if peak >= self.upper {
                break;
            }
            if self.states.node(at).peak < peak {
                continue;
            }
            if self.spent() >= budget {
                self.queue.push(Reverse((peak, left, live, at)));
                self.dive();
                return peak;
            }
            from.load(self.states.bits(at), live);
            self.expand(at, peak, &mut from, &mut to);
        }
        self.upper
    }

    /// Improves the best peak without proof: a beam search from all states still queued.
    fn dive(&mut self) {
        let (mut from, mut to) = (Walk::new(self.piece), Walk::new(self.piece));
        let mut layers = vec![Vec::new(); self.piece.runs.len() + 1];
        let most = self.looks + DIVE_LOOKS;
        for left in (1..layers.len()).rev() {
            for Reverse((peak, left, live, at)) in self.queue.drain() {
                layers[left].push((peak, live, at));
            }
            let mut layer = std::mem::take(&mut layers[left]);
            layer.sort_unstable();
            layer.truncate(BEAM);
            for (peak, live, at) in layer {
                if self.looks > most {
                    return;
                }
                from.load(self.states.bits(at), live);
                self.expand(at, peak, &mut from, &mut to);
            }
        }
    }

    /// The states stored, each weighed by the square of its words; or the looks that they took, if those are many.
    fn spent(&self) -> usize {
        let states = self.states.len() * self.piece.runs.len().div_ceil(64).pow(2);
        states.max((self.looks / LOOKS_A_STATE) as usize)
    }

    /// Enters every state one run further that could still beat the best known peak.
    fn expand(&mut self, at: usize, peak: usize, from: &mut Walk, to: &mut Walk) {
        let looks = from.looks + to.looks;
        let ready: Vec<usize> = from.ready.iter().collect();
        for run in ready {
            let effect = from.effect(run);
            let peak = peak.max(from.live.saturating_add_signed(effect.rise));
            if peak < self.upper {
                to.copy_from(from);
                to.take(run, effect.net);
                to.close(peak);
                self.enter(to, peak, [at, run]);
            }
        }
        self.looks += from.looks + to.looks - looks;
    }

    /// Enters the state a walk has come to, from the state `at` by the run `via`.
    fn enter(&mut self, walk: &Walk, peak: usize, [at, via]: [usize; 2]) {
        let (parent, via, live) = (at as u32, via as u32, walk.live);
        let node = Node { parent, via, peak };
        let left = self.piece.runs.len() - walk.done.len();
        if let Some(at) = self.states.enter(walk.done.words(), node) {
            self.queue.push(Reverse((peak, left, live, at)));
            if left == 0 {
                (self.goal, self.upper) = (Some(at), peak);
            }
        }
    }

    /// The order that ends at the goal, walked again from the start.
    fn best(&self) -> Option<Vec<usize>> {
        let mut path = vec![self.goal?];
        while let Some(&at) = path.last().filter(|&&at| at != 0) {
            path.push(self.states.node(at).parent as usize);
        }
        let mut walk = Walk::new(self.piece);
        walk.close(self.floor);
        for &at in path.iter().rev().skip(1) {
            let node = self.states.node(at);
            let run = node.via as usize;
            let net = walk.effect(run).net;
            walk.take(run, net);
            walk.close(node.peak);
        }
        Some(walk.trail)
    }
}
