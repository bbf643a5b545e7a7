//! Labels of nodes: their names in the model, without what an exporter repeats in each of them.
//!
//! `/features/features.0/features.0.1/Conv_output_0` is `features.0.1/Conv`, where not all nodes lie in `features`.
//! Reports and `LAYERS` keep the whole names; labels are for functions and the sentences above them.

use crate::emit::separable::Separable;
use crate::ir::{Graph, NodeId, Op};

/// The common part of names that every label of a graph leaves out, and the blocks that its operators are part of.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    /// Parts of a path that all names begin with.
    shared: usize,
    /// The separable blocks of the network.
    pub blocks: Separable,
}

impl Labels {
    /// The common part of those names of a graph's nodes that are paths.
    pub(super) fn of(graph: &Graph) -> Self {
        let blocks = Separable::of(graph);
        let ids = graph.ids().into_iter();
        let computed = ids.filter(|id| !matches!(graph.node(*id).op, Op::Input | Op::Const(_)));
        let paths = computed.map(|id| path(&graph.node(id).name));
        let paths: Vec<Vec<&str>> = paths.filter(|path| path.len() > 1).collect();
        let Some(first) = paths.first() else { return Self { shared: 0, blocks } };
        let alike = |path: &Vec<&str>| first.iter().zip(path).take_while(|(a, b)| a == b).count();
        let most = paths.iter().map(|path| path.len() - 1).min().unwrap_or(0);
        let shared = paths.iter().map(alike).min().unwrap_or(0).min(most);
        Self { shared, blocks }
    }

    /// The label of a node.
    pub(super) fn node(&self, graph: &Graph, id: NodeId) -> String {
        let path = path(&graph.node(id).name);
        path[self.shared.min(path.len() - 1)..].join("/")
    }
}

/// The parts of a name between slashes, at least one. Of several names that a converter joined, the first; without the
/// number of an output; and without a part that the next one begins with.
fn path(name: &str) -> Vec<&str> {
    let first = name.split(';').find(|name| !name.is_empty()).unwrap_or(name);
    let first = first.strip_suffix("_output_0").or(first.strip_suffix(":0")).unwrap_or(first);
    let parts: Vec<&str> = first.split('/').filter(|part| !part.is_empty()).collect();
    let repeated = |at: usize| {
        let next = parts.get(at + 1).and_then(|next| next.strip_prefix(parts[at]));
        next.is_some_and(|rest| rest.starts_with('.'))
    };
    let kept = (0..parts.len()).filter(|at| !repeated(*at)).map(|at| parts[at]);
    let kept: Vec<&str> = kept.collect();
    if kept.is_empty() { vec![first] } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Tensor, Unary};

    fn labels(names: &[&str]) -> Vec<String> {
        let mut graph = Graph::default();
        let mut last = graph.add_input("serving/x", Tensor::f32([1, 2]));
        let mut ids = Vec::new();
        for name in names {
            last = graph.add(*name, Op::Unary(Unary::Tanh), Tensor::f32([1, 2]), &[last]);
            ids.push(last);
        }
        let labels = Labels::of(&graph);
        ids.into_iter().map(|id| labels.node(&graph, id)).collect()
    }

    #[test]
    fn a_path_that_all_share_is_left_out() {
        let names =
            ["model/a/Relu;model/bn/FusedBatchNormV3", "model/a_1/Relu", "model/head/Mean:0"];
        assert_eq!(labels(&names), ["a/Relu", "a_1/Relu", "head/Mean"]);
        assert_eq!(labels(&["model/a", "b", "model/c"]), ["a", "b", "c"]);
        assert_eq!(labels(&["model/a", "head/b"]), ["model/a", "head/b"]);
        assert_eq!(labels(&["/", ";"]), ["/", ";"]);
    }

    #[test]
    fn a_part_that_the_next_one_repeats_is_left_out() {
        let names = ["/features/features.0/features.0.1/Conv_output_0", "/head/Gemm_output_0"];
        assert_eq!(labels(&names), ["features.0.1/Conv", "head/Gemm"]);
    }
}
