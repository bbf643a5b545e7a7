//! States that the user names: an input of the model and the output that it becomes for the next call.

use crate::alike::alike;
use crate::error::mention::option;
use crate::error::{Error, Result};
use crate::frontend::onnx;
use crate::ir::state::zeros;
use crate::ir::{Dtype, Graph, NodeId, Op, Tensor};

/// Most similar names that are listed for one that does not exist.
const LIKE: usize = 5;

/// The options by which the file is cut, where it is, at the next values of states too.
pub(super) fn uncut(sizes: &onnx::Options, pairs: &[(String, String)]) -> onnx::Options {
    let mut sizes = sizes.clone();
    if !sizes.outputs.is_empty() {
        for (_, output) in pairs {
            if !sizes.outputs.contains(output) {
                sizes.outputs.push(output.clone());
            }
        }
    }
    sizes
}

/// Makes each input of `pairs` a state that starts at zero and becomes the output beside it; neither is the caller's any
/// more.
pub(super) fn keep(graph: &mut Graph, pairs: &[(String, String)]) -> Result<()> {
    for (input, output) in pairs {
        let told =
            |what: String| Error::Spec(format!("{} {input}={output}: {what}", option("state")));
        let names = graph.inputs.iter().map(|id| graph.node(*id).name.clone());
        let from = place(input, "input", &names.collect::<Vec<_>>()).map_err(told)?;
        let names = graph.outputs.iter().map(|output| output.name.clone());
        let to = place(output, "output", &names.collect::<Vec<_>>()).map_err(told)?;
        if graph.outputs.len() == 1 {
            return Err(told("no output would be left; keep another value".into()));
        }
        let (from, next) = (graph.inputs[from], graph.outputs[to].node);
        let next = counted(graph, next);
        let (had, has) = (&graph.node(from).out, &graph.node(next).out);
        if !alike_as_states(had, has) {
            return Err(told(format!(
                "the input is {had} and the output {has}; they have to be alike"
            )));
        }
        let start = zeros(had);
        let kept = graph.outputs.take(to);
        graph.keep(from, kept.name, next, start);
    }
    Ok(())
}

/// The floats that integers of an output are made of: a state keeps those.
fn counted(graph: &Graph, output: NodeId) -> NodeId {
    match graph.node(output).op {
        Op::Integers(_) => graph.operand(output, 0).unwrap_or(output),
        // Any other output is kept as it is.
        _ => output,
    }
}

/// True if a value of the one kind can take the place of the other; floats of any width are kept as f32.
fn alike_as_states(had: &Tensor, has: &Tensor) -> bool {
    let same = had.dtype == has.dtype && !matches!(had.dtype, Dtype::I32 | Dtype::I64);
    had.shape == has.shape && (same || (had.dtype.is_float() && has.dtype.is_float()))
}

/// The position of a name, or a text about its absence.
fn place(name: &str, kind: &str, names: &[String]) -> std::result::Result<usize, String> {
    names.iter().position(|known| known == name).ok_or_else(|| {
        let like: Vec<String> = alike(name, names.iter().map(String::as_str), LIKE)
            .into_iter()
            .map(|name| format!("{name:?}"))
            .collect();
        format!("the model has no {kind} {name:?}; it has {}", like.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Output, Unary};
    use crate::options::Door;

    /// Inputs x and h, and outputs y, long and hn.
    fn graph() -> Graph {
        let mut graph = Graph::default();
        let [x, h] = ["x", "h"].map(|name| graph.add_input(name, Tensor::f32([2])));
        let next = graph.add("tanh", Op::Unary(Unary::Tanh), Tensor::f32([2]), &[h]);
        let long = graph.add("both", Op::Concat(0), Tensor::f32([4]), &[x, next]);
        for (name, node) in [("y", x), ("hn", next), ("long", long)] {
            graph.outputs.push(Output { name: name.into(), node });
        }
        graph
    }

    fn kept(pairs: &[(&str, &str)]) -> std::result::Result<Graph, String> {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(input, output)| ((*input).into(), (*output).into())).collect();
        let mut graph = graph();
        let done = keep(&mut graph, &pairs).map_err(|error| Door::CommandLine.told(&error));
        done.map(|()| graph)
    }

    #[test]
    fn what_is_kept_is_neither_passed_nor_given() {
        let graph = kept(&[("h", "hn")]).expect("they fit");
        assert_eq!([graph.inputs.len(), graph.outputs.len(), graph.states.len()], [1, 2, 1]);
        assert_eq!(graph.outputs.kept()[0].name, "hn");
        assert!(graph.to_string().contains("state %1 = %2"), "{graph}");
    }

    #[test]
    fn what_does_not_fit_is_told_with_the_option() {
        let said = |pairs: &[(&str, &str)]| kept(pairs).expect_err("they do not fit");
        assert!(
            said(&[("h", "hm")])
                .starts_with("--state h=hm: the model has no output \"hm\"; it has")
        );
        assert!(said(&[("g", "hn")]).contains("the model has no input \"g\""));
        assert!(said(&[("h", "hn"), ("h", "y")]).contains("no input \"h\""));
        let other = said(&[("h", "long")]);
        assert!(other.contains("the input is f32[2] and the output f32[4]"), "{other}");
    }
}
