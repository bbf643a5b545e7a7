//! Rewrites of the graph that keep its meaning, for whatever machine.
//!
//! A pass is one file: a function that counts its rewrites, and finds none when it runs again. [`PIPELINE`] is the
//! order and its reasons; passes know nothing of each other. What a pass refused is listed in [`Skips`].
//! After each pass the invariants of the IR are checked and a watcher called: snapshots, dumps and timings are watchers.

use std::fmt;

use crate::error::Result;
use crate::ir::{Graph, NodeId, verify};

pub(crate) mod affine;
pub(crate) mod bounds;
pub(crate) mod constant;
pub mod drop_dead;
pub mod drop_noop;
pub(crate) mod edit;
pub mod feed_bytes;
pub mod find_blocks;
#[cfg(test)]
pub(crate) mod fixture;
pub mod fold_bn;
pub mod fold_consts;
pub mod fold_input;
pub mod fold_pad;
pub mod fuse_activation;
pub mod fuse_add;
pub mod fuse_clamp;
pub(crate) mod layer;
pub mod legalize_dense;
pub mod legalize_layout;
pub mod legalize_quant;
pub mod legalize_shuffle;
pub mod legalize_space;
pub mod look_up_input;
pub mod lower_precision;
pub mod merge_reduce;
pub mod merge_same;
pub(crate) mod permute;
pub mod recognize_activation;
pub mod sink_transpose;
pub mod split_batch;
pub mod split_concat;

/// The passes in their order.
pub const PIPELINE: &[Pass] = &[
    // First of all, while weights are still the integers of the file.
    pass("legalize_quant", ["rewrite to u8", "rewrites to u8"], legalize_quant::run),
    // Early, so that later passes find numbers where exporters left arithmetic on constants.
    pass("fold_consts", ["constant folded", "constants folded"], fold_consts::run),
    // Copies and views between two operators would hide the one from the other.
    pass("drop_noop", ["copy dropped", "copies dropped"], drop_noop::run),
    // Equal branches become one reader before anybody asks for an only reader.
    pass("merge_same", ["duplicate merged", "duplicates merged"], merge_same::run),
    // Likewise: a reader that nobody needs is still a reader.
    pass("drop_dead", ["dead node dropped", "dead nodes dropped"], drop_dead::run),
    // When dead branches are gone, which might mix what the others keep apart; the rest then sees a single image.
    pass("split_batch", ["batch split", "batches split"], split_batch::run),
    // After split_batch, which concatenates images.
    pass("split_concat", ["concat split", "concats split"], split_concat::run),
    // Before sink_transpose, which may find a use for the transposes this puts at both ends.
    pass("legalize_shuffle", ["shuffle legalized", "shuffles legalized"], legalize_shuffle::run),
    // After legalize_shuffle, whose shuffles let rows flow; for the same reason.
    pass("legalize_space", ["move legalized", "moves legalized"], legalize_space::run),
    // What lies between transposes is then beside convolutions, for all that follow.
    pass("sink_transpose", ["transpose sunk", "transposes sunk"], sink_transpose::run),
    // Before fold_bn, which must know whether a convolution pads.
    pass("fold_pad", ["pad folded", "pads folded"], fold_pad::run),
    // Before fold_bn and fuse_clamp, which fold into dense layers too.
    pass(
        "legalize_dense",
        ["matrix product legalized", "matrix products legalized"],
        legalize_dense::run,
    ),
    // Independent of its neighbours; before layouts, which reductions over images decide.
    pass("merge_reduce", ["reduction merged", "reductions merged"], merge_reduce::run),
    // Before fold_bn, which leaves a shift alone where the convolution pads; and all at once, so rounded once.
    pass("fold_input", ["input scaling folded", "input scalings folded"], fold_input::run),
    // The same for bytes, when transposes are where they stay; before layouts, which the bytes then decide.
    pass(
        "look_up_input",
        ["input read through tables", "inputs read through tables"],
        look_up_input::run,
    ),
    // Before fold_bn, which would fold a factor of one away into its neighbours.
    pass(
        "recognize_activation",
        ["activation recognised", "activations recognised"],
        recognize_activation::run,
    ),
    // Before clamps and residuals, behind which a scale can no longer be folded.
    pass("fold_bn", ["batch norm folded", "batch norms folded"], fold_bn::run),
    // Before fuse_clamp, for a residual is added before the clamp.
    pass("fuse_add", ["residual add fused", "residual adds fused"], fuse_add::run),
    // Before fuse_activation, which leaves a layer that clamps alone.
    pass("fuse_clamp", ["clamp fused", "clamps fused"], fuse_clamp::run),
    // The last that changes what is computed.
    pass("fuse_activation", ["activation fused", "activations fused"], fuse_activation::run),
    // Layouts follow from the operators that are left.
    pass("legalize_layout", ["layout assigned", "layouts assigned"], legalize_layout::run),
    // Last: it describes convolutions with all that was fused into them.
    pass("find_blocks", ["block found", "blocks found"], find_blocks::run),
];

const fn pass(
    name: &'static str,
    counted: [&'static str; 2],
    run: fn(&mut Graph, &mut Skips) -> Result<usize>,
) -> Pass {
    Pass { name, counted, run }
}

/// A rewrite of the whole graph.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// The name that `--dump-ir` takes.
    pub name: &'static str,
    /// Its kind of rewrite in the singular and the plural.
    pub counted: [&'static str; 2],
    /// Rewrites until nothing is left to rewrite; the number of rewrites.
    pub run: fn(&mut Graph, &mut Skips) -> Result<usize>,
}

/// Rewrites that a pass refused in its last round, in order of execution.
pub type Skips = Vec<Skip>;

/// A rewrite that was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The node's name.
    pub node: String,
    /// The reason.
    pub reason: String,
}

/// Rewrites that the passes made and refused, in pipeline order.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// One entry a pass.
    pub entries: Vec<Entry>,
}

/// Rewrites that one pass made and refused.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The pass.
    pub pass: Pass,
    /// Rewrites it made.
    pub count: usize,
    /// Rewrites it refused.
    pub skips: Skips,
}

/// Runs every pass, checking the graph and calling `watcher` after each.
pub fn run_all(
    graph: &mut Graph,
    mut watcher: impl FnMut(&'static str, &Graph, usize),
) -> Result<Log> {
    let mut log = Log::default();
    for pass in PIPELINE {
        let mut skips = Skips::new();
        let count = (pass.run)(graph, &mut skips)?;
        let violations = verify::verify(graph);
        assert!(violations.is_empty(), "{} broke the graph: {violations:?}", pass.name);
        watcher(pass.name, graph, count);
        log.entries.push(Entry { pass: *pass, count, skips });
    }
    Ok(log)
}

/// The outcome of a rewrite: true if made, false if it does not apply, `Err` if refused.
pub(crate) type Attempt<T = bool> = std::result::Result<T, Skip>;

/// Tries `rewrite` on every node, in order of execution and in reverse, alternating, until a round rewrites nothing.
///
/// Both ways, because a rewrite may make room for one before it or behind it: a long chain of either takes few rounds.
pub(crate) fn fixpoint(
    graph: &mut Graph,
    skips: &mut Skips,
    rewrite: impl Fn(&mut Graph, NodeId) -> Attempt,
) -> usize {
    let (mut total, mut backwards) = (0, false);
    loop {
        let mut count = 0;
        skips.clear();
        let mut order = graph.order().expect("verified graphs are acyclic");
        if backwards {
            order.reverse();
        }
        for id in order {
            if graph.contains(id) {
                match rewrite(graph, id) {
                    Ok(rewritten) => count += usize::from(rewritten),
                    Err(skip) => skips.push(skip),
                }
            }
        }
        if backwards {
            skips.reverse();
        }
        if count == 0 {
            return total;
        }
        total += count;
        backwards = !backwards;
    }
}

impl Skip {
    /// `node` was left as it is, because of `reason`.
    pub fn new(graph: &Graph, node: NodeId, reason: impl Into<String>) -> Self {
        Self { node: graph.node(node).name.clone(), reason: reason.into() }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.node, self.reason)
    }
}

impl Entry {
    /// The number of rewrites and their kind: `52 batch norms folded`.
    pub fn summary(&self) -> String {
        let [one, many] = self.pass.counted;
        format!("{} {}", self.count, if self.count == 1 { one } else { many })
    }
}

/// One line: what was done, without the passes that found nothing to do.
impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.entries.iter().filter(|entry| entry.count > 0);
        let parts: Vec<String> = done.map(Entry::summary).collect();
        if parts.is_empty() {
            return f.write_str("nothing to rewrite");
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::ir::view::{base, is_view, moves_nothing};
    use crate::ir::{Clamp, Conv, Dense, Layout, NodeId, Op, Tensor};
    use crate::pass::fixture::{Net, answers, is_close, same};
    use crate::testing::{random_bends, random_graph};

    const SEEDS: std::ops::Range<u64> = 0..300;

    #[test]
    fn every_pass_keeps_the_answer_and_finds_nothing_twice() {
        for seed in SEEDS {
            let before = random_graph(seed);
            let expected = answers(&before, seed);
            for pass in PIPELINE {
                let mut after = before.clone();
                let run = |graph: &mut Graph| (pass.run)(graph, &mut Skips::new());
                let count = run(&mut after).expect("random graphs are sound");
                let place = format!("{}, seed {seed}\n{before}->\n{after}", pass.name);
                assert_eq!(verify::verify(&after), [], "{place}");
                assert!(count == 0 || is_close(&expected, &answers(&after, seed)), "{place}");
                assert_eq!(run(&mut after), Ok(0), "{place}");
            }
        }
    }

    #[test]
    fn the_pipeline_keeps_the_answer_and_finds_nothing_twice() {
        for seed in SEEDS {
            let before = random_graph(seed);
            let mut after = before.clone();
            run_all(&mut after, |_, _, _| ()).expect("random graphs are sound");
            let place = format!("seed {seed}\n{before}->\n{after}");
            assert!(is_close(&answers(&before, seed), &answers(&after, seed)), "{place}");
            let again = run_all(&mut after, |_, _, _| ()).expect("random graphs are sound");
            assert_eq!(again.to_string(), "nothing to rewrite", "{place}");
        }
    }

    #[test]
    fn the_pipeline_leaves_what_the_scheduler_expects() {
        for seed in SEEDS {
            let mut graph = random_graph(seed);
            run_all(&mut graph, |_, _, _| ()).expect("random graphs are sound");
            for id in graph.ids() {
                assert!(is_legalized(&graph, id), "seed {seed}, {}\n{graph}", graph.node(id).name);
            }
        }
    }

    #[test]
    fn functions_of_one_number_go_into_the_layers_before_them() {
        for seed in SEEDS {
            let before = random_bends(seed);
            let mut after = before.clone();
            run_all(&mut after, |_, _, _| ()).expect("random graphs are sound");
            let place = format!("seed {seed}\n{before}->\n{after}");
            assert!(is_close(&answers(&before, seed), &answers(&after, seed)), "{place}");
            let bends = |id: &NodeId| match &after.node(*id).op {
                Op::Conv(Conv { activation, .. }) | Op::Dense(Dense { activation, .. }) => {
                    Some(activation.is_some())
                }
                Op::Unary(_) | Op::Binary(_) | Op::Clamp(_) => Some(false),
                _ => None,
            };
            let bends: Vec<bool> = after.ids().iter().filter_map(bends).collect();
            assert_eq!(bends, [true; 5], "{place}");
        }
    }

    /// True if `id` is an operator that is left for good, on operands whose layouts it supports.
    fn is_legalized(graph: &Graph, id: NodeId) -> bool {
        let lies_nhwc = |x: &Tensor| {
            moves_nothing(&Op::Relayout, x, &Tensor { layout: Layout::Nhwc, ..x.clone() })
        };
        let x = || graph.operand(id, 0).expect("computed nodes have operands");
        let window = || lies_nhwc(&graph.node(x()).out);
        let legalized = match &graph.node(id).op {
            Op::BatchNorm(_) | Op::Gemm(_) => false,
            Op::Pool(_) | Op::Resize(_) | Op::Resample(_) => window(),
            Op::Conv(_) => window() || graph.node(base(graph, x())).op == Op::Input,
            Op::Reshape | Op::Identity => is_view(graph, id),
            _ => true,
        };
        legalized && (!graph.is_output(id) || graph.node(id).out.lies_in_rows())
    }

    #[test]
    fn a_long_chain_takes_few_rounds_from_its_end_too() {
        let mut net = Net::default();
        let mut x = net.input(&[2]);
        for _ in 0..500 {
            x = net.clamp(x, Clamp::RELU);
        }
        let rounds = Cell::new(0);
        let drop_last = |graph: &mut Graph, id| {
            let is_input = graph.node(id).op == Op::Input;
            rounds.set(rounds.get() + usize::from(is_input));
            let is_last = !is_input && graph.is_output(id);
            if is_last {
                let before = edit::x(graph, id);
                edit::replace(graph, id, before);
            }
            Ok(is_last)
        };
        let count = fixpoint(&mut net.answer(&[x]), &mut Skips::new(), drop_last);
        assert_eq!((count, rounds.get()), (500, 3));
    }

    #[test]
    fn the_log_sums_up_a_block() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let depthwise = net.conv(x, 2, Conv { group: 2, ..same(3) });
        let norm = net.batch_norm(depthwise);
        let bounded = net.clamp(norm, Clamp::RELU6);
        let project = net.conv(bounded, 2, same(1));
        let y = net.add(x, project);
        let mut seen = Vec::new();
        let mut graph = net.answer(&[y]);
        let log = run_all(&mut graph, |name, _, count| seen.push((name, count)));
        assert_eq!(
            log.expect("the graph is sound").to_string(),
            "1 batch norm folded, 1 residual add fused, 1 clamp fused, 4 layouts assigned, 1 block found"
        );
        assert_eq!(seen.len(), PIPELINE.len());
        assert!(seen.contains(&("fold_bn", 1)), "{seen:?}");
    }
}
