//! Prints how the order solver fares on networks whose order matters:
//! `cargo run --release -p mnv2c --example order_bench`.
//!
//! "listed" is the peak of the order in which the network is written down, "greedy" that of always
//! taking the op with the least peak, then the least live bytes. The cells have one unit for each
//! tensor's bytes, unless named otherwise.

use mnv2c::order::{Bound, Budget, Life, Op, OpId, Problem, check, solve};
use std::time::Instant;

fn main() {
    println!(
        "{:26} {:>4} {:>9} {:>9} {:>9} {:>8} {:>9}  proof",
        "network", "ops", "listed", "greedy", "optimum", "states", "ms"
    );
    row("MobileNetV2 1.0@224 int8", &mobilenet());
    row("DeepLab ASPP 32x32", &aspp());
    for cells in [1, 4, 12] {
        row(&format!("NASNet-A normal x{cells}"), &nasnet(cells));
    }
    for cells in [1, 4, 14] {
        row(&format!("DARTS-like x{cells}"), &darts(cells));
    }
    for seed in 1..=20 {
        row(&format!("RandWire WS(32,4,.75) #{seed}"), &randwire(seed, &[1]));
    }
    for seed in 1..=3 {
        row(
            &format!("RandWire 3 stages #{seed}"),
            &randwire(seed, &[28 * 28 * 78, 14 * 14 * 156, 7 * 7 * 312]),
        );
    }
}

fn row(name: &str, problem: &Problem) {
    let start = Instant::now();
    let certificate = solve(problem, Budget::default());
    let ms = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(check::check(problem, &certificate), []);
    let listed: Vec<OpId> = problem.ops().map(|(id, _)| id).collect();
    let (states, proof) = match certificate.bound {
        Bound::Witness(op) => (0, format!("{} forces it", problem.op(op).name)),
        Bound::Exhausted { states } => (states, "exhausted".to_owned()),
        Bound::Gap { lower } => (0, format!("at least {lower}")),
    };
    let (ops, listed, greedy) = (listed.len(), check::peak(problem, &listed), greedy(problem));
    println!(
        "{name:26} {ops:4} {listed:9} {greedy:9} {:9} {states:8} {ms:9.3}  {proof}",
        certificate.peak
    );
}

/// The peak of always taking the op with the least peak so far, then the least live bytes.
///
/// Every op must have a buffer of its own.
fn greedy(problem: &Problem) -> usize {
    let ops: Vec<&Op> = problem.ops().map(|(_, op)| op).collect();
    let bytes: Vec<usize> = problem.buffers().map(|(_, buffer)| buffer.bytes).collect();
    let mut unread = vec![0; ops.len()];
    ops.iter().flat_map(|op| &op.reads).for_each(|read| unread[read.index()] += 1);
    let (mut done, mut live, mut peak) = (vec![false; ops.len()], 0, 0);
    for _ in 0..ops.len() {
        let ready = (0..ops.len())
            .filter(|&op| !done[op] && ops[op].needs().all(|need| done[need.index()]));
        let steps = ready.map(|op| {
            let last = ops[op].reads.iter().filter(|read| unread[read.index()] == 1);
            let freed: usize = last.map(|read| bytes[read.index()]).sum();
            (peak.max(live + bytes[op]), live + bytes[op] - freed, op)
        });
        let op;
        (peak, live, op) = steps.min().expect("an op is always ready");
        done[op] = true;
        ops[op].reads.iter().for_each(|read| unread[read.index()] -= 1);
    }
    peak
}

/// A network in the making: every op has a buffer of its own.
#[derive(Default)]
struct Net(Problem);

impl Net {
    fn op(&mut self, name: &str, bytes: usize, reads: &[OpId]) -> OpId {
        let writes = self.0.add_buffer(bytes, Life::Used);
        let name = format!("{name}_{}", self.0.ops().len());
        self.0.add_op(Op { name, writes, scratch: 0, reads: reads.to_vec(), after: Vec::new() })
    }

    /// Two separable convolutions: four ops in a row.
    fn sep(&mut self, x: OpId) -> OpId {
        (0..4).fold(x, |x, _| self.op("sep", 1, &[x]))
    }
}

fn mobilenet() -> Problem {
    let mut net = Net::default();
    let image = net.op("image", 224 * 224 * 3, &[]);
    let mut x = net.op("stem", 112 * 112 * 32, &[image]);
    let (mut side, mut c_in) = (112, 32);
    for (t, c, n, s) in [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ] {
        for block in 0..n {
            let out = if block == 0 { side / s } else { side };
            let wide = if t == 1 { x } else { net.op("expand", side * side * c_in * t, &[x]) };
            let deep = net.op("depthwise", out * out * c_in * t, &[wide]);
            let thin = net.op("project", out * out * c, &[deep]);
            x = if block == 0 { thin } else { net.op("add", out * out * c, &[thin, x]) };
            (side, c_in) = (out, c);
        }
    }
    let head = net.op("head", 7 * 7 * 1280, &[x]);
    let pooled = net.op("pool", 1280, &[head]);
    net.op("logits", 1000, &[pooled]);
    net.0
}

fn aspp() -> Problem {
    const AREA: usize = 32 * 32;
    let mut net = Net::default();
    let x = net.op("x", AREA * 320, &[]);
    let mut branches = vec![net.op("pointwise", AREA * 256, &[x])];
    for _ in 0..3 {
        let atrous = net.op("atrous", AREA * 320, &[x]);
        branches.push(net.op("pointwise", AREA * 256, &[atrous]));
    }
    let pooled = net.op("pool", 320, &[x]);
    let thin = net.op("pointwise", 256, &[pooled]);
    branches.push(net.op("resize", AREA * 256, &[thin]));
    let joined = net.op("concat", AREA * 1280, &branches);
    net.op("project", AREA * 256, &[joined]);
    net.0
}

fn nasnet(cells: usize) -> Problem {
    let mut net = Net::default();
    let (mut p, mut q) = (net.op("p", 1, &[]), net.op("q", 1, &[]));
    for _ in 0..cells {
        let (h0, h1) = (net.op("fit", 1, &[p]), net.op("fit", 1, &[q]));
        let (a, b, c) = (net.sep(h1), net.sep(h0), net.sep(h1));
        let (d, e, f) =
            (net.op("pool", 1, &[h1]), net.op("pool", 1, &[h0]), net.op("pool", 1, &[h0]));
        let (g, h) = (net.sep(h0), net.sep(h0));
        let pairs = [[a, h1], [b, c], [d, h0], [e, f], [g, h]];
        let mut parts = vec![h0];
        parts.extend(pairs.map(|pair| net.op("add", 1, &pair)));
        (p, q) = (q, net.op("concat", 6, &parts));
    }
    net.op("end", 1, &[p, q]);
    net.0
}

fn darts(cells: usize) -> Problem {
    let mut net = Net::default();
    let (mut p, mut q) = (net.op("p", 1, &[]), net.op("q", 1, &[]));
    for _ in 0..cells {
        let (s0, s1) = (net.op("fit", 1, &[p]), net.op("fit", 1, &[q]));
        let [a, b] = [0, 1].map(|_| {
            let pair = [net.sep(s0), net.sep(s1)];
            net.op("add", 1, &pair)
        });
        let thick = net.sep(s1);
        let c = net.op("add", 1, &[thick, s0]);
        let wide = net.op("dilated", 1, &[a]);
        let wider = net.op("dilated", 1, &[wide]);
        let d = net.op("add", 1, &[s0, wider]);
        (p, q) = (q, net.op("concat", 4, &[a, b, c, d]));
    }
    net.op("end", 1, &[p, q]);
    net.0
}

/// Watts-Strogatz stages: 32 nodes on a ring, 4 neighbours each, rewired with probability 0.75.
///
/// Edges go from the
/// smaller to the larger number. A node is sum, depthwise, pointwise, each of the stage's `bytes`.
fn randwire(seed: u64, stages: &[usize]) -> Problem {
    let (mut net, mut dice) = (Net::default(), Dice(seed));
    let mut x = net.op("x", stages[0], &[]);
    for &bytes in stages {
        let edges = watts_strogatz(&mut dice, 32);
        let mut nodes: Vec<OpId> = Vec::new();
        for node in 0..32 {
            let mut reads: Vec<OpId> =
                edges.iter().filter(|edge| edge.1 == node).map(|edge| nodes[edge.0]).collect();
            if reads.is_empty() {
                reads.push(x);
            }
            let sum = net.op("sum", bytes, &reads);
            let deep = net.op("depthwise", bytes, &[sum]);
            nodes.push(net.op("pointwise", bytes, &[deep]));
        }
        let ends: Vec<OpId> = (0..32)
            .filter(|&node| edges.iter().all(|edge| edge.0 != node))
            .map(|node| nodes[node])
            .collect();
        x = net.op("mean", bytes, &ends);
    }
    net.0
}

fn watts_strogatz(dice: &mut Dice, count: usize) -> Vec<(usize, usize)> {
    let ring = (0..count).flat_map(|node| [(node, (node + 1) % count), (node, (node + 2) % count)]);
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (from, mut to) in ring {
        if dice.below(4) < 3 {
            let is_taken = |to: usize| {
                to == from || edges.contains(&(from, to)) || edges.contains(&(to, from))
            };
            to = std::iter::repeat_with(|| dice.below(count))
                .find(|&to| !is_taken(to))
                .expect("a free end is left");
        }
        edges.push((from, to));
    }
    let mut edges: Vec<(usize, usize)> = edges.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
    edges.sort_unstable();
    edges.dedup();
    edges
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
