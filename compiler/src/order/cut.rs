//! Cuts of a problem by its edges alone, before sets of ops are built, whose bits grow with the square.
//!
//! Ops are listed behind what they need. Between two of them is a cut if every op behind it needs, directly or not,
//! every op before it. Those that nobody before the cut needs are the *last* ones before it; those that need nobody
//! behind it are the *first* ones behind it. It is a cut just if each of the first needs each of the last directly: so
//! it is enough to count such pairs, and all counts are sums over ranges of cuts.

use std::ops::Range;

use super::{Op, Problem};

/// The ranges of ops between cuts, and what lives across them.
pub(super) struct Cuts {
    /// In order; together they are all ops.
    pub(super) ranges: Vec<Range<usize>>,
    /// Bytes that live when all ops before a place are done, of buffers that are used before it and behind it.
    pub(super) live: Vec<usize>,
    /// For each buffer, whether it lives at a place, as a range of places.
    pub(super) lives: Vec<Range<usize>>,
}

impl Cuts {
    pub(super) fn of(problem: &Problem) -> Self {
        let lives = lives(problem);
        let mut change = Count(vec![0; problem.ops.len() + 2]);
        for (buffer, life) in problem.buffers.iter().zip(&lives) {
            change.add(life.clone(), buffer.bytes as i64);
        }
        let live = change.sums().into_iter().map(|bytes| bytes as usize).collect();
        Self { ranges: ranges(problem), live, lives }
    }
}

/// The places at which each buffer lives: behind a writer of it and before a user.
fn lives(problem: &Problem) -> Vec<Range<usize>> {
    let nowhere = Range { start: usize::MAX, end: 0 };
    let mut lives = vec![nowhere; problem.buffers.len()];
    for (at, op) in problem.ops.iter().enumerate() {
        let first = &mut lives[op.writes.0].start;
        *first = (*first).min(at + 1);
        for buffer in used(problem, op) {
            lives[buffer].end = at + 1;
        }
    }
    for (life, buffer) in lives.iter_mut().zip(&problem.buffers) {
        if buffer.life.is_from_start() {
            life.start = 0;
        }
        if buffer.life.is_to_end() {
            life.end = problem.ops.len() + 1;
        }
    }
    lives
}

/// The buffers that an op writes or reads, ascending.
pub(super) fn used(problem: &Problem, op: &Op) -> Vec<usize> {
    let reads = op.reads.iter().map(|read| problem.ops[read.0].writes.0);
    sorted(reads.chain([op.writes.0]))
}

fn sorted(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut numbers: Vec<usize> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn ranges(problem: &Problem) -> Vec<Range<usize>> {
    let len = problem.ops.len();
    let needs = |op: &Op| sorted(op.needs().map(|need| need.0));
    let needs: Vec<Vec<usize>> = problem.ops.iter().map(needs).collect();
    let mut first_reader = vec![len; len];
    for (op, needs) in needs.iter().enumerate().rev() {
        needs.iter().for_each(|&need| first_reader[need] = op);
    }
    let [mut lasts, mut firsts, mut pairs] = [(); 3].map(|()| Count(vec![0; len + 2]));
    for (op, needs) in needs.iter().enumerate() {
        lasts.add(op + 1..first_reader[op] + 1, 1);
        let free = needs.last().map_or(0, |need| need + 1);
        firsts.add(free..op + 1, 1);
        needs.iter().for_each(|&need| pairs.add(free..first_reader[need] + 1, 1));
    }
    let [lasts, firsts, pairs] = [lasts, firsts, pairs].map(Count::sums);
    let is_cut = |at: &usize| *at == 0 || pairs[*at] == lasts[*at] * firsts[*at];
    let cuts: Vec<usize> = (0..len).filter(is_cut).chain([len]).collect();
    cuts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// A sum for each number, as changes from one number to the next.
struct Count(Vec<i64>);

impl Count {
    fn add(&mut self, range: Range<usize>, amount: i64) {
        if range.start < range.end {
            self.0[range.start] += amount;
            self.0[range.end] -= amount;
        }
    }

    fn sums(self) -> Vec<i64> {
        let mut sum = 0;
        let sums = self.0.into_iter().map(|change| {
            sum += change;
            sum
        });
        sums.collect()
    }
}
