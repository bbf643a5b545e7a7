//! The order solver against brute force, on all small graphs and on thousands of random ones.

use mnv2c::order::check::{Violation, check, peak};
use mnv2c::order::{Bound, Budget, Buffer, BufferId, Certificate, Life, Op, OpId, Problem, solve};

const AMPLE: Budget = Budget { states: 1 << 20 };

#[test]
fn all_graphs_of_up_to_five_ops_agree_with_brute_force() {
    for count in 0..=4 {
        for edges in 0..1 << [0, 0, 1, 3, 6][count] {
            for sizes in 0..3_usize.pow(count as u32) {
                agrees(&plain(count, edges, |op| 1 + sizes / 3_usize.pow(op) % 3));
            }
        }
    }
    for edges in 0..1 << 10 {
        for sizes in (0..1_usize << 5).filter(|sizes| sizes.count_ones() <= 2) {
            agrees(&plain(5, edges, |op| 1 + (sizes >> op & 1) * 2));
        }
    }
}

#[test]
fn random_graphs_agree_with_brute_force() {
    for seed in 0..6_000 {
        agrees(&random(seed, 8));
    }
}

#[test]
fn states_of_more_than_one_word_agree_with_brute_force() {
    for seed in 0..150 {
        let mut wide = Problem::default();
        for _ in 0..70 {
            let nothing = wide.add_buffer(0, Life::Used);
            add(&mut wide, nothing, &[], &[], 0);
        }
        add_random(&mut wide, seed, 8);
        let certificate = solve(&wide, AMPLE);
        assert_eq!(certificate.peak, brute_force(&random(seed, 8)), "seed {seed}");
    }
}

#[test]
fn a_tiny_budget_gives_an_honest_gap() {
    let mut gaps = 0;
    for seed in 0..3_000 {
        let problem = random(seed, 8);
        let certificate = solve(&problem, Budget { states: 1 });
        assert_eq!(check(&problem, &certificate), [], "seed {seed}");
        let best = brute_force(&problem);
        if let Bound::Gap { lower } = certificate.bound {
            gaps += 1;
            assert!(lower <= best && best <= certificate.peak, "seed {seed}");
        } else {
            assert_eq!(certificate.peak, best, "seed {seed}");
        }
    }
    assert!(gaps > 10, "only {gaps} gaps: the test no longer tests what it says");
}

#[test]
fn the_order_never_needs_more_than_the_given_one() {
    for seed in 0..1_000 {
        let problem = random(seed, 24);
        let given: Vec<OpId> = problem.ops().map(|(id, _)| id).collect();
        let certificate = solve(&problem, Budget { states: 4 });
        assert!(certificate.peak <= peak(&problem, &given), "seed {seed}");
    }
}

#[test]
fn equal_problems_give_equal_certificates() {
    for seed in 0..200 {
        assert_eq!(solve(&random(seed, 30), AMPLE), solve(&random(seed, 30), AMPLE), "seed {seed}");
    }
}

#[test]
fn the_checker_rejects_corrupted_certificates() {
    for seed in 0..500 {
        let problem = random(seed, 8);
        let good = solve(&problem, AMPLE);
        let rejects = |spoil: &dyn Fn(&mut Certificate)| {
            let mut bad = good.clone();
            spoil(&mut bad);
            assert!(!check(&problem, &bad).is_empty(), "seed {seed}: {bad:?}");
        };
        rejects(&|it| it.peak += 1);
        rejects(&|it| it.peak -= 1);
        rejects(&|it| it.order.truncate(it.order.len() - 1));
        rejects(&|it| it.order.push(it.order[0]));
        rejects(&|it| it.bound = Bound::Gap { lower: it.peak });
        if let Some((_, op)) = problem.ops().find(|(_, op)| op.needs().next().is_some()) {
            let needed = op.needs().next();
            rejects(&|it| it.order.sort_by_key(|&id| Some(id) == needed));
        }
    }
}

#[test]
fn the_checker_rejects_a_witness_that_forces_less() {
    let problem = plain(3, 0b101, |op| 1 + op as usize);
    let mut certificate = solve(&problem, AMPLE);
    let first = problem.ops().next().expect("three ops").0;
    certificate.bound = Bound::Witness(first);
    assert_eq!(check(&problem, &certificate), [Violation::Witness { op: first, forced: 1 }]);
}

#[test]
fn a_slice_of_a_concat_costs_the_whole_concat_from_its_first_writer() {
    let mut problem = Problem::default();
    let image = problem.add_buffer(10, Life::FromStart);
    let joined = problem.add_buffer(8, Life::ToEnd);
    let input = add(&mut problem, image, &[], &[], 0);
    let left = add(&mut problem, joined, &[input], &[], 0);
    let right = add(&mut problem, joined, &[input], &[], 3);
    add(&mut problem, joined, &[left, right], &[], 0);
    assert_eq!(solve(&problem, AMPLE).peak, 21);
}

#[test]
fn an_add_in_place_waits_for_the_other_readers_and_costs_nothing() {
    let mut problem = Problem::default();
    let (x, y) = (problem.add_buffer(4, Life::Used), problem.add_buffer(4, Life::Used));
    let first = add(&mut problem, x, &[], &[], 0);
    let reader = add(&mut problem, y, &[first], &[], 0);
    add(&mut problem, x, &[first, reader], &[reader], 0);
    let certificate = solve(&problem, AMPLE);
    assert_eq!((certificate.peak, certificate.bound), (8, Bound::Witness(reader)));
}

#[test]
fn no_ops_need_no_memory() {
    let certificate = solve(&Problem::default(), AMPLE);
    assert_eq!((certificate.peak, certificate.order.len()), (0, 0));
}

fn agrees(problem: &Problem) {
    let certificate = solve(problem, AMPLE);
    assert_eq!(check(problem, &certificate), [], "{problem:?}");
    assert_eq!(certificate.peak, brute_force(problem), "{problem:?}");
    assert!(!matches!(certificate.bound, Bound::Gap { .. }), "{problem:?}");
}

/// The least peak over all orders, by dynamic programming over every set of done ops.
fn brute_force(problem: &Problem) -> usize {
    let ops: Vec<&Op> = problem.ops().map(|(_, op)| op).collect();
    let needs: Vec<usize> = ops.iter().map(|op| bits(op.needs().map(OpId::index))).collect();
    let spans: Vec<Span> = problem.buffers().map(|(id, it)| Span::of(&ops, id, it)).collect();
    let mut best = vec![usize::MAX; 1 << ops.len()];
    best[0] = 0;
    for done in 0..best.len() {
        for op in (0..ops.len()).filter(|&op| done >> op & 1 == 0 && needs[op] & !done == 0) {
            let then = done | 1 << op;
            let live = spans.iter().filter(|span| span.is_live(done, then));
            let bytes = live.map(|span| span.bytes).sum::<usize>() + ops[op].scratch;
            best[then] = best[then].min(best[done].max(bytes));
        }
    }
    best[best.len() - 1]
}

/// A buffer, and the sets of ops that write and that touch it.
struct Span {
    bytes: usize,
    from_start: bool,
    to_end: bool,
    writers: usize,
    users: usize,
}

impl Span {
    fn of(ops: &[&Op], id: BufferId, buffer: &Buffer) -> Span {
        let writes = |op: usize| ops[op].writes == id;
        let reads = |op: usize| ops[op].reads.iter().any(|read| writes(read.index()));
        let (from_start, to_end) = match buffer.life {
            Life::Used => (false, false),
            Life::FromStart => (true, false),
            Life::ToEnd => (false, true),
            Life::Always => (true, true),
        };
        let writers = bits((0..ops.len()).filter(|&op| writes(op)));
        let users = bits((0..ops.len()).filter(|&op| writes(op) || reads(op)));
        Span { bytes: buffer.bytes, from_start, to_end, writers, users }
    }

    /// True if it is live on the way from one set of done ops to the next.
    fn is_live(&self, done: usize, then: usize) -> bool {
        (self.from_start || self.writers & then != 0) && (self.to_end || self.users & !done != 0)
    }
}

fn bits(ops: impl Iterator<Item = usize>) -> usize {
    ops.fold(0, |bits, op| bits | 1 << op)
}

/// One buffer for each op; bit k of `edges` is the k-th pair (0, 1), (0, 2), (1, 2), (0, 3) and so
/// on.
fn plain(count: usize, edges: usize, bytes: impl Fn(u32) -> usize) -> Problem {
    let (mut problem, mut ops, mut pair) = (Problem::default(), Vec::new(), 0);
    for op in 0..count {
        let reads: Vec<OpId> =
            (0..op).filter(|&read| edges >> (pair + read) & 1 == 1).map(|read| ops[read]).collect();
        pair += op;
        let buffer = problem.add_buffer(bytes(op as u32), Life::Used);
        ops.push(add(&mut problem, buffer, &reads, &[], 0));
    }
    problem
}

fn random(seed: u64, most: usize) -> Problem {
    let mut problem = Problem::default();
    add_random(&mut problem, seed, most);
    problem
}

/// Adds up to `most` ops, with scratch, shared buffers, order constraints and all kinds of lives.
fn add_random(problem: &mut Problem, seed: u64, most: usize) {
    let mut dice = Dice(seed);
    let (mut ops, mut buffers) = (Vec::<OpId>::new(), Vec::new());
    let (largest, shares) = ([1, 2, 12][dice.below(3)], dice.below(3) == 0);
    let (scratches, lives) = (dice.below(2) == 0, dice.below(3) == 0);
    let reach = 2 + dice.below(6);
    for _ in 0..1 + dice.below(most) {
        let life = [Life::Used, Life::Used, Life::FromStart, Life::ToEnd, Life::Always]
            [dice.below(5) * usize::from(lives)];
        if buffers.is_empty() || !shares || dice.below(3) > 0 {
            buffers.push(problem.add_buffer(1 + dice.below(largest), life));
        }
        let writes = buffers[if shares { dice.below(buffers.len()) } else { buffers.len() - 1 }];
        let near = &ops[ops.len().saturating_sub(reach)..];
        let mut some = |chances: usize| -> Vec<OpId> {
            let picks = if near.is_empty() { 0 } else { dice.below(chances) };
            (0..picks).map(|_| near[dice.below(near.len())]).collect()
        };
        let (reads, after) = (some(4), some(if shares { 2 } else { 1 }));
        let scratch = if scratches { dice.below(largest + 1) } else { 0 };
        ops.push(add(problem, writes, &reads, &after, scratch));
    }
}

fn add(
    problem: &mut Problem,
    writes: BufferId,
    reads: &[OpId],
    after: &[OpId],
    scratch: usize,
) -> OpId {
    let name = format!("op{}", problem.ops().len());
    problem.add_op(Op { name, writes, scratch, reads: reads.to_vec(), after: after.to_vec() })
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ bits >> 31) % end as u64) as usize
    }
}
