//! The order of execution with the least peak memory: the paper's M(G).
//!
//! `M(G) = min over orders of max over ops of (live buffers + size(op))`, solved exactly, or with
//! its gap. The problem is abstract: ops that read each other's results and write buffers with a
//! size in bytes. A buffer lives from its first writer to its last user, so a view, an in-place op
//! or a slice of a concat is an op that writes into a buffer that another op writes too. How the
//! solver works is told by its parts, in the order they run: `cut`, `piece`, `split`, `merge`,
//! `bound`, `search`, `refine`. [`check`] shares no code with them. Where the buffers lie is not
//! decided here.

pub mod check;

mod bound;
mod cut;
mod merge;
mod piece;
mod refine;
mod search;
mod set;
mod split;
mod states;
mod walk;

use bound::Witness;
use cut::Cuts;
use piece::Piece;

/// Ops and the buffers they touch; any topological order of the ops is allowed.
#[derive(Clone, Debug, Default)]
pub struct Problem {
    buffers: Vec<Buffer>,
    ops: Vec<Op>,
    bytes: usize,
}

/// Memory that the results of one or more ops lie in.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// Its size in bytes; 0 for memory outside the arena, such as the caller's own input.
    pub bytes: usize,
    /// Life beyond its users.
    pub life: Life,
}

/// Events beside its users that keep a buffer alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Nothing: it lives from its first writer to its last writer or reader.
    Used,
    /// It is filled before the first op runs: a graph input held in the arena.
    FromStart,
    /// It must outlast the last op: a graph output held in the arena.
    ToEnd,
    /// Both: state that stays.
    Always,
}

/// One step of the computation; it has one result, which lies in one buffer.
///
/// A concat whose parts lie where it wants them is an op that reads them and writes their common
/// buffer; a view reads its source and writes the source's buffer. So does an op that works in
/// place, but it must also come `after` the other readers of what it overwrites.
#[derive(Clone, Debug)]
pub struct Op {
    /// Its name in messages.
    pub name: String,
    /// The buffer its result lies in; others may write there too.
    pub writes: BufferId,
    /// The paper's size(op): bytes of rings, scratch and accumulators, needed only while it runs.
    pub scratch: usize,
    /// The ops whose results it reads: their buffers last until it has run.
    pub reads: Vec<OpId>,
    /// Ops that must come first for another reason than being read.
    pub after: Vec<OpId>,
}

/// Names an op of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId(usize);

/// Names a buffer of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BufferId(usize);

/// Memory that the search may use before it settles for a gap.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The number of states, of about 50 bytes each.
    ///
    /// States; one that takes w > 1 words of 64 bits counts as w^2: so does its time.
    pub states: usize,
}

impl Default for Budget {
    /// At most about a second of search.
    fn default() -> Budget {
        Budget { states: 1 << 18 }
    }
}

/// An order, its peak, and why no order has a smaller one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Every op once, each behind what it reads.
    pub order: Vec<OpId>,
    /// The peak of this order in bytes: M(G), unless `bound` is a gap.
    pub peak: usize,
    /// The lower bound on the peak.
    pub bound: Bound,
}

/// Lower bounds on the peak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Buffers that this op reads, writes, or has to carry past itself in every order already are the peak.
    Witness(OpId),
    /// The search left nothing out and found no order below the peak.
    Exhausted {
        /// States stored on the way; 0 when the bounds met after merging.
        states: usize,
    },
    /// The budget ran out: the least peak lies between `lower` and the certificate's.
    Gap {
        /// No order has a peak below this many bytes.
        lower: usize,
    },
}

/// Ops between two cuts beyond which they keep the order they are listed in: sets of them would take too much time.
const MOST_OPS: usize = 1024;

/// Finds an order with the least peak, and the proof; equal problems give equal certificates.
///
/// Among orders with that peak it prefers, by local search, one with a small sum of squared live
/// bytes.
pub fn solve(problem: &Problem, budget: Budget) -> Certificate {
    let cuts = Cuts::of(problem);
    let (mut witness, mut pieces) = (Witness { bytes: 0, op: None }, Vec::new());
    // Ranges that keep the order in which they are listed.
    let (mut listed, mut order) = (Vec::new(), Vec::with_capacity(problem.ops.len()));
    for range in cuts.ranges.iter().cloned() {
        if range.len() > MOST_OPS {
            witness = witness.or(bound::own(problem, range.clone()));
            listed.push(range);
            continue;
        }
        let piece = Piece::of(problem, &cuts, &range);
        witness = witness.or(bound::witness(&piece));
        if range.len() == 1 {
            listed.push(range);
            continue;
        }
        let merged = split::split(&piece).into_iter().map(merge::merge);
        pieces.extend(merged.flat_map(|piece| split::split(&piece)));
    }
    let found = search::all(&pieces, witness.bytes, budget);
    for (piece, runs) in pieces.iter().zip(&found.orders) {
        order.extend(runs.iter().flat_map(|&run| piece.runs[run].ops.iter().copied()));
    }
    // A range is a range of ops, so it stands in its place when the ranges are sorted by any op of theirs.
    order.extend(listed.into_iter().flatten().map(OpId));
    order.sort_by_key(|op| cuts.ranges.partition_point(|range| range.end <= op.0));
    let (order, peak) = refine::refine(problem, order);
    Certificate { bound: bound_of(&witness, &found, peak), order, peak }
}

fn bound_of(witness: &Witness, found: &search::Found, peak: usize) -> Bound {
    match witness.op {
        Some(op) if witness.bytes == peak => Bound::Witness(op),
        _ if found.lower < peak => Bound::Gap { lower: found.lower },
        _ => Bound::Exhausted { states: found.states },
    }
}

impl Problem {
    /// Adds a buffer.
    ///
    /// # Panics
    /// If all sizes together no longer fit in `isize`.
    pub fn add_buffer(&mut self, bytes: usize, life: Life) -> BufferId {
        self.count(bytes);
        self.buffers.push(Buffer { bytes, life });
        BufferId(self.buffers.len() - 1)
    }

    /// Adds an op behind those it needs, so that no cycle can be built.
    ///
    /// # Panics
    /// If the op names ops or buffers of another problem, or all sizes together no longer fit in
    /// `isize`.
    pub fn add_op(&mut self, op: Op) -> OpId {
        let known =
            op.needs().all(|need| need.0 < self.ops.len()) && op.writes.0 < self.buffers.len();
        assert!(known, "op \"{}\" names ops or buffers that this problem does not have", op.name);
        self.count(op.scratch);
        self.ops.push(op);
        OpId(self.ops.len() - 1)
    }

    /// The ops, in the order they were added, which is one of the allowed orders.
    pub fn ops(&self) -> impl ExactSizeIterator<Item = (OpId, &Op)> {
        self.ops.iter().enumerate().map(|(index, op)| (OpId(index), op))
    }

    /// The op that `id`, one of this problem's, names.
    pub fn op(&self, id: OpId) -> &Op {
        &self.ops[id.0]
    }

    /// The buffers, in the order they were added.
    pub fn buffers(&self) -> impl ExactSizeIterator<Item = (BufferId, &Buffer)> {
        self.buffers.iter().enumerate().map(|(index, buffer)| (BufferId(index), buffer))
    }

    fn count(&mut self, bytes: usize) {
        let sum = self.bytes.checked_add(bytes).filter(|&sum| isize::try_from(sum).is_ok());
        self.bytes = sum.expect("all sizes together fit in isize");
    }
}

impl Op {
    /// All ops that must run before this one.
    pub fn needs(&self) -> impl Iterator<Item = OpId> {
        self.reads.iter().chain(&self.after).copied()
    }
}

impl OpId {
    /// Its place among the problem's ops.
    pub fn index(self) -> usize {
        self.0
    }
}

impl BufferId {
    /// Its place among the problem's buffers.
    pub fn index(self) -> usize {
        self.0
    }
}

impl Life {
    pub(crate) fn is_from_start(self) -> bool {
        matches!(self, Life::FromStart | Life::Always)
    }

    pub(crate) fn is_to_end(self) -> bool {
        matches!(self, Life::ToEnd | Life::Always)
    }
}
