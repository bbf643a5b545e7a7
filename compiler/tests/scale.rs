//! Long, wide and deep networks: what is found again and again is found in time in proportion.
//!
//! No time is taken. Sizes are such that sets of all ops would not fit in memory, nor would work that grows with the
//! square of them end before patience does.

#[path = "onnx/build.rs"]
#[expect(dead_code, reason = "the reader's tests use the rest")]
mod build;
#[path = "scale/net.rs"]
mod net;

use mnv2c::objective::Memory;
use mnv2c::order::{Bound, Budget, BufferId, Life, Op, OpId, Problem, solve};
use mnv2c::plan::{self, Buffer};
use mnv2c::report::report;
use mnv2c::target::Target;

use net::KINDS;

/// Ops of the problems that are long.
const LONG: usize = 50_000;

#[test]
fn networks_of_every_kind_take_the_steps_and_the_bytes_that_they_need() {
    let target: Target = "generic".parse().unwrap();
    let plans = KINDS.iter().map(|kind| {
        let graph = (kind.model)(50).read().unwrap();
        let report = report(graph, &target, Memory::default()).unwrap();
        (kind.name, report.steps.len(), report.arena_bytes)
    });
    let expected = [
        ("relus", 1, 0),
        ("bends", 50, 256),
        ("adds", 50, 256),
        ("outputs", 99, 256),
        ("concat", 54, 25_600),
        ("initialisers", 50, 768),
        ("inputs", 50, 256),
        ("fan_out", 101, 768),
        ("residuals", 102, 512),
        ("convolutions", 51, 512),
        ("transposes", 51, 256),
        ("reshapes", 50, 256),
        ("dense", 149, 6_848),
    ];
    assert_eq!(plans.collect::<Vec<_>>(), expected);
}

#[test]
fn clamps_without_end_become_one() {
    let graph = (KINDS[0].model)(10_000).read().unwrap();
    let target: Target = "generic".parse().unwrap();
    let report = report(graph, &target, Memory::default()).unwrap();
    assert_eq!((report.steps.len(), report.arena_bytes), (1, 0));
}

#[test]
fn the_order_of_a_long_chain_is_proven() {
    let mut problem = Problem::default();
    let input = result(&mut problem, &[]);
    let chain = |last: OpId, _| result(&mut problem, &[input, last]);
    (1..LONG).fold(input, chain);
    let found = solve(&problem, Budget::default());
    assert_eq!((found.order.len(), found.peak), (LONG, 3));
    assert!(matches!(found.bound, Bound::Witness(_)), "{:?}", found.bound);
}

#[test]
fn what_many_ops_read_keeps_their_order_without_a_proof() {
    let mut problem = Problem::default();
    let input = result(&mut problem, &[]);
    let read: Vec<OpId> = (1..LONG).map(|_| result(&mut problem, &[input])).collect();
    result(&mut problem, &read);
    let found = solve(&problem, Budget::default());
    assert_eq!((found.order.len(), found.peak), (LONG + 1, LONG));
    assert!(found.order.is_sorted());
}

#[test]
fn a_long_chain_of_buffers_is_planned_and_checked() {
    let buffer = |at: usize| Buffer { name: String::new(), len: 64, align: 64, live: at..at + 2 };
    let buffers: Vec<Buffer> = (0..LONG).map(buffer).collect();
    let plan = plan::solve(&buffers, &[], plan::Budget::default());
    assert_eq!((plan.arena_len, plan.optimal), (128, true));
    assert_eq!(plan::check(&buffers, &[], &plan), []);
}

/// Adds an op that makes a byte of `reads`.
fn result(problem: &mut Problem, reads: &[OpId]) -> OpId {
    let writes: BufferId = problem.add_buffer(1, Life::Used);
    let mut reads = reads.to_vec();
    reads.dedup();
    problem.add_op(Op { name: String::new(), writes, scratch: 0, reads, after: vec![] })
}
