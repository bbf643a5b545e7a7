//! Checks a certificate from the definitions alone, without the solver: slow and obvious.

use super::{Bound, Buffer, BufferId, Certificate, OpId, Problem};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// An error of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An op does not occur exactly once, but so often.
    Count {
        /// The op.
        op: OpId,
        /// Occurrences.
        times: usize,
    },
    /// An op runs before one that it needs.
    TooEarly {
        /// The op.
        op: OpId,
        /// The op that it needs.
        needs: OpId,
    },
    /// The order's peak is not the one claimed.
    Peak {
        /// Bytes claimed.
        claimed: usize,
        /// Bytes needed.
        actual: usize,
    },
    /// The witness does not force the peak: so many bytes are live at it in every order.
    Witness {
        /// The op.
        op: OpId,
        /// Bytes it forces.
        forced: usize,
    },
    /// The gap has its ends the wrong way round.
    Gap {
        /// Bytes claimed as lower bound.
        lower: usize,
    },
    /// An op forces more than the peak.
    Impossible {
        /// The op.
        op: OpId,
        /// Bytes it forces.
        forced: usize,
    },
}

/// Everything that is wrong with `certificate`; empty if it holds.
///
/// That a search was exhaustive cannot be checked without one; all the rest is.
pub fn check(problem: &Problem, certificate: &Certificate) -> Vec<Violation> {
    let mut violations = check_order(problem, &certificate.order);
    if violations.is_empty() {
        let actual = peak(problem, &certificate.order);
        if actual != certificate.peak {
            violations.push(Violation::Peak { claimed: certificate.peak, actual });
        }
    }
    violations.extend(check_bound(problem, certificate));
    violations
}

/// The most bytes live at once when the ops run in `order`, which must hold every op once.
pub fn peak(problem: &Problem, order: &[OpId]) -> usize {
    let mut changes = vec![0_isize; order.len() + 2];
    for ((_, buffer), life) in problem.buffers().zip(live_ranges(problem, order)) {
        if let Some((first, last)) = life.filter(|(first, last)| first <= last) {
            changes[first] += buffer.bytes as isize;
            changes[last + 1] -= buffer.bytes as isize;
        }
    }
    let mut live = 0_isize;
    let needs = order.iter().zip(changes).map(|(op, change)| {
        live += change;
        live as usize + problem.ops[op.index()].scratch
    });
    needs.max().unwrap_or(0)
}

/// The first and the last step at which each buffer is live, in the problem's order.
fn live_ranges(problem: &Problem, order: &[OpId]) -> Vec<Option<(usize, usize)>> {
    let (mut written, mut used) = (BTreeMap::new(), BTreeMap::new());
    for (step, &op) in order.iter().enumerate() {
        written.entry(problem.ops[op.index()].writes).or_insert(step);
        uses(problem, op).into_iter().for_each(|buffer| {
            used.insert(buffer, step);
        });
    }
    let life = |(id, buffer): (BufferId, &Buffer)| {
        let first = if buffer.life.is_from_start() { Some(0) } else { written.get(&id).copied() };
        let last = if buffer.life.is_to_end() { Some(order.len()) } else { used.get(&id).copied() };
        first.zip(last)
    };
    problem.buffers().map(life).collect()
}

fn check_order(problem: &Problem, order: &[OpId]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (op, _) in problem.ops() {
        let times = order.iter().filter(|&&other| other == op).count();
        if times != 1 {
            violations.push(Violation::Count { op, times });
        }
    }
    for &op in order.iter().filter(|op| op.index() >= problem.ops.len()) {
        violations.push(Violation::Count {
            op,
            times: order.iter().filter(|&&other| other == op).count(),
        });
    }
    let step = |op: OpId| order.iter().position(|&other| other == op);
    for (op, needs) in problem.ops().flat_map(|(id, op)| op.needs().map(move |needs| (id, needs))) {
        if step(op) <= step(needs) {
            violations.push(Violation::TooEarly { op, needs });
        }
    }
    violations
}

fn check_bound(problem: &Problem, certificate: &Certificate) -> Vec<Violation> {
    let readers = readers(problem);
    let forced = |op: OpId| forced(problem, &readers, op);
    let mut violations = Vec::new();
    for (op, _) in problem.ops().filter(|&(op, _)| forced(op) > certificate.peak) {
        violations.push(Violation::Impossible { op, forced: forced(op) });
    }
    match certificate.bound {
        Bound::Witness(op) if op.index() >= problem.ops.len() => {
            violations.push(Violation::Witness { op, forced: 0 })
        }
        Bound::Witness(op) if forced(op) != certificate.peak => {
            violations.push(Violation::Witness { op, forced: forced(op) });
        }
        Bound::Gap { lower } if lower >= certificate.peak => {
            violations.push(Violation::Gap { lower })
        }
        Bound::Witness(_) | Bound::Exhausted { .. } | Bound::Gap { .. } => {}
    }
    violations
}

/// The bytes that are live while `op` runs, whatever the order.
fn forced(problem: &Problem, readers: &[Vec<OpId>], op: OpId) -> usize {
    let before = reach(op, |from| problem.ops[from.index()].needs().collect());
    let behind = reach(op, |from| readers[from.index()].clone());
    let written: BTreeSet<BufferId> =
        before.iter().map(|op| problem.ops[op.index()].writes).collect();
    let used: BTreeSet<BufferId> = behind.iter().flat_map(|&op| uses(problem, op)).collect();
    let live = problem.buffers().filter(|(id, buffer)| {
        (buffer.life.is_from_start() || written.contains(id))
            && (buffer.life.is_to_end() || used.contains(id))
    });
    live.map(|(_, buffer)| buffer.bytes).sum::<usize>() + problem.ops[op.index()].scratch
}

/// For each op, those that need it.
fn readers(problem: &Problem) -> Vec<Vec<OpId>> {
    let mut readers = vec![Vec::new(); problem.ops.len()];
    for (id, op) in problem.ops() {
        op.needs().for_each(|need| readers[need.index()].push(id));
    }
    readers
}

/// The buffers `op` writes or reads.
fn uses(problem: &Problem, op: OpId) -> Vec<BufferId> {
    let op = &problem.ops[op.index()];
    let read = op.reads.iter().map(|read| problem.ops[read.index()].writes);
    read.chain([op.writes]).collect()
}

/// `op` and everything that can be reached from it.
fn reach(op: OpId, step: impl Fn(OpId) -> Vec<OpId>) -> BTreeSet<OpId> {
    let (mut reached, mut todo) = (BTreeSet::from([op]), vec![op]);
    while let Some(from) = todo.pop() {
        todo.extend(step(from).into_iter().filter(|&to| reached.insert(to)));
    }
    reached
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Count { op, times } => {
                write!(f, "op {} occurs {times} times in the order; need 1", op.index())
            }
            Violation::TooEarly { op, needs } => {
                write!(f, "op {} runs before op {}, which it needs", op.index(), needs.index())
            }
            Violation::Peak { claimed, actual } => {
                write!(f, "the order needs {actual} bytes, not {claimed}")
            }
            Violation::Witness { op, forced } => {
                write!(f, "op {} forces {forced} bytes, not the peak", op.index())
            }
            Violation::Gap { lower } => {
                write!(f, "the gap's lower end of {lower} bytes is not below the peak")
            }
            Violation::Impossible { op, forced } => {
                write!(f, "op {} forces {forced} bytes, more than the peak", op.index())
            }
        }
    }
}
