//! Random small graphs, inputs and options for tests.
//!
//! Public, though hidden, because unit tests of passes and integration tests both draw from it, and the latter see only
//! what the crate exports. A seed gives the same graph on every machine, so a failure is reported as one number.

mod build;
mod functions;
mod quantised;
mod regions;
mod stages;

use crate::Options;
use crate::interp::Array;
use crate::ir::{Dtype, Graph, NodeId, Output, Values};
use crate::model_io::ModelIo;
use crate::objective::Memory;
use crate::random::Random;
use crate::target::{TARGETS, Target};
use build::Builder;

/// The first target of every instruction set, so that each kernel is met once.
pub fn targets() -> impl Iterator<Item = &'static Target> {
    let is_first =
        |(at, target): &(usize, &Target)| TARGETS[..*at].iter().all(|it| it.isa != target.isa);
    TARGETS.iter().enumerate().filter(is_first).map(|(_, target)| target)
}

/// A small graph of the kinds of parts that exporters write: convolutions of every form, batch norms, activations in
/// their disguises, inverted residuals, and the plumbing between them. Values stay within a few units.
pub fn random_graph(seed: u64) -> Graph {
    let mut b = Builder::new(Random::new(seed));
    let mut x = b.input();
    let mut passed = Vec::new();
    for _ in 0..2 + b.random.below(5) {
        x = b.random.pick(stages::STAGES)(&mut b, x);
        passed.push(x);
    }
    if !b.random.one_in(4) {
        x = stages::classifier(&mut b, x);
    }
    let early = b.random.one_in(6).then(|| b.random.pick(&passed));
    finish(b, [x].into_iter().chain(early.filter(|early| *early != x)))
}

/// A network through which rows can flow: convolutions, pooling, activations, sums and concatenations of branches.
pub fn random_region(seed: u64) -> Graph {
    let mut b = Builder::new(Random::new(seed));
    let x = regions::input(&mut b);
    let mut x = regions::parts(&mut b, x);
    if b.random.one_in(3) {
        x = stages::classifier(&mut b, x);
    }
    finish(b, [x].into_iter())
}

/// [`random_region`] on bytes, between pairs of quantising and dequantising.
pub fn random_region_of_bytes(seed: u64) -> Graph {
    quantised::quantised(random_region(seed))
}

/// A network of every kind of layer on floats, with a function of one number behind each.
pub fn random_bends(seed: u64) -> Graph {
    let mut b = Builder::new(Random::new(seed));
    let x = b.input();
    let x = functions::tour(&mut b, x);
    let x = stages::scores(&mut b, x);
    let x = functions::spelled(&mut b, x);
    finish(b, [x].into_iter())
}

/// Options of a compilation into `net.rs` and `net.bin`, without what only some networks ask for.
pub fn options(target: Target, memory: Memory) -> Options {
    Options {
        target,
        name: "net".to_owned(),
        sha256: String::new(),
        blob_name: "net.bin".to_owned(),
        memory,
        layers: false,
        ends: ModelIo::default(),
    }
}

/// Inputs that `graph` takes: floats between -1.5 and 1.5, and small integers.
pub fn random_inputs(graph: &Graph, seed: u64) -> Vec<Array> {
    let mut random = Random::new(seed);
    let input = |id: &NodeId| {
        let (shape, dtype) = (graph.outer_shape(*id), graph.node(*id).out.dtype);
        let values = random_values(&mut random, dtype, shape.iter().product());
        Array { shape, values }
    };
    graph.inputs.iter().map(input).collect()
}

fn random_values(random: &mut Random, dtype: Dtype, len: usize) -> Values {
    let mut small = || random.below(128) as u8;
    match dtype {
        Dtype::F32 | Dtype::F16 | Dtype::Bf16 => Values::F32(random.uniforms(len, -1.5, 1.5)),
        Dtype::I8 => Values::I8((0..len).map(|_| small() as i8).collect()),
        Dtype::U8 => Values::U8((0..len).map(|_| small()).collect()),
        Dtype::I32 => Values::I32((0..len).map(|_| small().into()).collect()),
        Dtype::I64 => Values::I64((0..len).map(|_| small().into()).collect()),
    }
}

fn finish(b: Builder, answers: impl Iterator<Item = NodeId>) -> Graph {
    let mut graph = b.graph;
    for node in answers {
        let name = graph.node(node).name.clone();
        graph.outputs.push(Output { name, node });
    }
    graph
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::interp;
    use crate::ir::verify::verify;

    const SEEDS: std::ops::Range<u64> = 0..400;

    #[test]
    fn every_graph_keeps_the_invariants() {
        for seed in SEEDS {
            assert_eq!(verify(&random_graph(seed)), [], "seed {seed}");
            assert_eq!(verify(&random_region(seed)), [], "region {seed}");
            assert_eq!(verify(&random_bends(seed)), [], "bends {seed}");
            assert_eq!(verify(&random_region_of_bytes(seed)), [], "bytes {seed}");
        }
    }

    #[test]
    fn every_graph_answers_with_moderate_numbers() {
        for seed in SEEDS {
            let graph = random_graph(seed);
            let answers =
                interp::run(&graph, &random_inputs(&graph, seed)).expect("the graph is sound");
            let greatest = answers
                .iter()
                .flat_map(|answer| answer.values.as_f32().expect("answers are floats"))
                .fold(
                    0.0,
                    |greatest: f32, y| {
                        if y.is_nan() { f32::NAN } else { greatest.max(y.abs()) }
                    },
                );
            assert!(greatest < 1e3, "seed {seed}: {greatest}\n{graph}");
        }
    }

    #[test]
    fn a_seed_gives_one_graph() {
        for seed in SEEDS.step_by(50) {
            assert_eq!(random_graph(seed).to_string(), random_graph(seed).to_string());
        }
        assert_ne!(random_graph(1).to_string(), random_graph(2).to_string());
    }

    #[test]
    fn the_seeds_together_show_every_operator_that_a_frontend_makes() {
        let graphs = SEEDS.map(random_graph);
        let names = |graph: Graph| {
            let ops: Vec<_> = graph.ids().into_iter().map(|id| graph.node(id).op.name()).collect();
            ops
        };
        let seen: BTreeSet<&str> = graphs.flat_map(names).collect();
        let wanted = [
            "add",
            "average_pool",
            "batch_norm",
            "clamp",
            "concat",
            "conv",
            "expand",
            "gemm",
            "hard_sigmoid",
            "identity",
            "matmul",
            "max",
            "max_pool",
            "min",
            "mul",
            "pad",
            "prelu",
            "reduce_mean",
            "reshape",
            "slice",
            "softmax",
            "sub",
            "transpose",
        ];
        let unseen: Vec<_> = wanted.iter().filter(|name| !seen.contains(*name)).collect();
        assert!(unseen.is_empty(), "never drawn: {unseen:?}");
    }
}
