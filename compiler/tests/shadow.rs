//! Programs on the shadow of their memory: right ones are let through, and wrong ones are not.
//!
//! Right ones are those of random networks in every plan and feed, on one thread and two. Wrong ones are made of them: a
//! number in a loop, a call or a ring changed by one, a statement left out, two places in the arena swapped.
//! `MNV2C_MUTANTS=10000` tries so many instead of a few hundred.

#[path = "shadow/mutant.rs"]
mod mutant;
#[path = "shadow/trace.rs"]
mod trace;

use std::cell::LazyCell;
use std::collections::BTreeMap;

use mnv2c::error::{Error, Result};
use mnv2c::frontend::spec;
use mnv2c::ir::{Clamp, Conv, Graph, NodeId, Op, Output, Pool, PoolKind, Tensor, Values};
use mnv2c::objective::{Feed, Memory, Objective};
use mnv2c::target::Target;
use mnv2c::{Artifact, compile, shadow, testing};

/// Mutants that are made where nobody says how many.
const MUTANTS: usize = 400;

fn mobilenet(name: &str) -> Graph {
    let spec = spec::Spec::parse(&format!("mobilenet_v2:{name}")).unwrap();
    spec::graph(&spec, spec::Weights::Random { seed: 1 }).unwrap()
}

/// The network in a plan; nothing where it cannot be fed so.
fn compiled(graph: Graph, target: &Target, memory: Memory) -> Option<Artifact> {
    let options = mnv2c::testing::options(*target, memory);
    match compile(graph, &options, |_, _, _| ()) {
        Ok(net) => Some(net),
        Err(Error::Unsupported { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn check(net: &Artifact) -> Result<()> {
    shadow::check(&net.graph, &net.schedule, &net.plan, &net.program, &net.target)
}

/// Every objective and feed.
fn memories() -> Vec<Memory> {
    let feeds = [Feed::Caller, Feed::Arena, Feed::Rows];
    let objectives = [Objective::Ram, Objective::Speed];
    let pairs = objectives.iter().flat_map(|objective| feeds.map(|feed| (*objective, feed)));
    let recompute = "1.2".parse().unwrap();
    let recomputing =
        Memory { objective: Objective::Ram, feed: Feed::Rows, recompute, ..Memory::default() };
    pairs
        .map(|(objective, feed)| Memory { objective, feed, ..Memory::default() })
        .chain([recomputing])
        .collect()
}

fn targets() -> Vec<Target> {
    let one: Target = "x86-64-v3".parse().unwrap();
    let two = Target { threads: 2, ..one };
    vec![one, two, "generic".parse().unwrap()]
}

/// Small networks of every form that rows flow in, so many of each random kind.
fn networks(seeds: u64) -> Vec<Graph> {
    let random = (0..seeds).flat_map(|seed| {
        let floats = [testing::random_graph(seed), testing::random_region(seed)];
        let others = [testing::random_bends(seed), testing::random_region_of_bytes(seed)];
        [floats, others].concat()
    });
    [mobilenet("0.35@32")].into_iter().chain(random).collect()
}

#[test]
fn programs_of_random_networks_are_sound() {
    let mut sound = 0;
    for graph in networks(6) {
        for (target, memory) in
            targets().iter().flat_map(|target| memories().into_iter().map(move |m| (target, m)))
        {
            sound += usize::from(compiled(graph.clone(), target, memory).is_some());
        }
    }
    assert!(sound > 200, "only {sound} plans can be made");
}

/// Windows four rows apart over an image that ends within the last, and a pool of one row that reads but two of it.
fn sparse() -> Graph {
    let mut graph = Graph::default();
    let numbers = |len: usize| Values::F32((0..len).map(|at| (at % 7) as f32 - 3.0).collect());
    let put = |graph: &mut Graph, name: &str, op: Op, operands: &[NodeId]| {
        let shapes: Vec<Vec<usize>> =
            operands.iter().map(|x| graph.node(*x).out.shape.clone()).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let shape = op.shape(&shapes).unwrap().unwrap();
        graph.add(name, op, Tensor::f32(shape), operands)
    };
    let point = Conv {
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [0; 4],
        group: 1,
        clamp: Clamp::RELU6,
        activation: None,
    };
    let each = Conv { kernel: [3, 3], stride: [4, 2], pads: [1; 4], group: 48, ..point.clone() };
    let x = graph.add_input("x", Tensor::f32([1, 16, 17, 6]));
    let w = graph.add_const("expand", [48, 16, 1, 1], numbers(48 * 16));
    let wide = put(&mut graph, "wide", Op::Conv(point.clone()), &[x, w]);
    let w = graph.add_const("taps", [48, 1, 3, 3], numbers(48 * 9));
    let sparse = put(&mut graph, "sparse", Op::Conv(each), &[wide, w]);
    let w = graph.add_const("project", [6, 48, 1, 1], numbers(6 * 48));
    let thin = put(&mut graph, "thin", Op::Conv(point), &[sparse, w]);
    let pool = Pool {
        kind: PoolKind::Average,
        kernel: [2, 1],
        stride: [5, 2],
        dilation: [1, 1],
        pads: [0; 4],
    };
    let y = put(&mut graph, "pooled", Op::Pool(pool), &[thin]);
    for (name, node) in [("sparse", sparse), ("pooled", y)] {
        graph.outputs.push(Output { name: name.into(), node });
    }
    graph
}

#[test]
fn rows_between_windows_take_no_slot_of_those_that_are_read() {
    let targets = targets().into_iter().chain([Target::host()]);
    for (target, memory) in
        targets.flat_map(|target| memories().into_iter().map(move |m| (target, m)))
    {
        assert!(compiled(sparse(), &target, memory).is_some(), "{target} {memory:?}");
    }
}

/// Outcomes of mutants.
#[derive(Default)]
struct Score {
    caught: usize,
    alike: usize,
    survivors: BTreeMap<String, usize>,
}

#[test]
fn programs_with_one_fault_are_refused() {
    let wanted = std::env::var("MNV2C_MUTANTS").ok().map(|count| count.parse().unwrap());
    let wanted: usize = wanted.unwrap_or(MUTANTS);
    let mut score = Score::default();
    let seeds = if wanted > MUTANTS { 14 } else { 6 };
    let nets: Vec<Artifact> = networks(seeds)
        .into_iter()
        .enumerate()
        .flat_map(|(at, graph)| {
            let memories = memories();
            let targets = targets();
            let some = (0..3).map(move |turn| {
                let memory = memories[(at + turn * 3) % memories.len()];
                (targets[(at + turn) % targets.len()], memory)
            });
            some.filter_map(move |(target, memory)| compiled(graph.clone(), &target, memory))
        })
        .collect();
    let each = wanted.div_ceil(nets.len());
    for (number, net) in nets.iter().enumerate() {
        judge(net, number, each, &mut score);
    }
    let survivors: usize = score.survivors.values().sum();
    let changed = score.caught + survivors;
    let list: String =
        score.survivors.iter().map(|(what, count)| format!("\n{count:5} {what}")).collect();
    println!("{} caught, {} alike, {survivors} survive:{list}", score.caught, score.alike);
    assert!(score.caught * 100 >= changed * 99, "{survivors} of {changed} survive:{list}");
}

/// Makes mutants of a network and asks of each whether it is refused.
fn judge(net: &Artifact, number: usize, most: usize, score: &mut Score) {
    check(net).expect("what is emitted is sound");
    let right = trace::of(&net.program, &net.schedule);
    let inputs = testing::random_inputs(&net.graph, number as u64);
    let answers = LazyCell::new(|| shadow::execute(net, &inputs).expect("what is sound runs"));
    for (what, wrong) in mutant::some(net, number as u64, most) {
        if check(&wrong).is_err() {
            score.caught += 1;
        } else if trace::of(&wrong.program, &wrong.schedule) == right && wrong.plan == net.plan {
            score.alike += 1;
        } else if shadow::execute(&wrong, &inputs).is_ok_and(|given| given == *answers) {
            // What it leaves out or does twice is of no consequence, in memory that begins with no number at all.
            score.alike += 1;
        } else {
            *score.survivors.entry(what).or_default() += 1;
        }
    }
}
