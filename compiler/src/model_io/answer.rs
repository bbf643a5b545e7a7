//! Model outputs: as they are, as probabilities, or only the classes that a program wants to know.

use std::fmt;
use std::str::FromStr;

use crate::error::mention::given;
use crate::error::{Error, Result};
use crate::interp::Array;
use crate::ir::{Dtype, Graph, NodeId, Op, Output, Softmax, Tensor, Values};

/// The postprocessing of a classifier's scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    #[default]
    Raw,
    /// Probabilities; a model that ends in them already is left alone.
    Softmax,
    /// The class of the greatest score.
    Argmax,
    /// The five likeliest classes with their probabilities, the likeliest first.
    Top5,
}

/// Classes of [`Answer::Top5`].
const TOP: usize = 5;

impl FromStr for Answer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "raw" => Ok(Self::Raw),
            "softmax" => Ok(Self::Softmax),
            "argmax" => Ok(Self::Argmax),
            "top5" => Ok(Self::Top5),
            _ => Err(Error::Spec(format!(
                "unknown output {text:?}; use raw, softmax, argmax or top5"
            ))),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Softmax => "softmax",
            Self::Argmax => "argmax",
            Self::Top5 => "top5",
        })
    }
}

impl Answer {
    /// Makes `graph` give this.
    pub(super) fn fit(self, graph: &mut Graph) -> Result<()> {
        if self == Self::Raw {
            return Ok(());
        }
        let axis = self.classes(graph)?;
        let node = self.scores(graph)?;
        let classes = graph.node(node).out.shape[axis];
        let last = maker(graph, node);
        let is_softmax = matches!(graph.node(last).op, Op::Softmax(Softmax { log: false, .. }));
        match self {
            Self::Raw => {}
            Self::Argmax => {
                graph.top_k = 1;
                // The greatest probability is that of the greatest score.
                if let (true, Some(scores)) = (is_softmax && last == node, graph.operand(last, 0)) {
                    graph.outputs.set(0, scores);
                }
            }
            Self::Softmax | Self::Top5 => {
                if self == Self::Top5 {
                    graph.top_k = TOP.min(classes);
                }
                if !is_softmax {
                    let (out, name) = (graph.node(node).out.clone(), &graph.node(node).name);
                    let (name, softmax) = (format!("{name}.softmax"), Softmax { axis, log: false });
                    let likely = graph.add(name, Op::Softmax(softmax), out, &[node]);
                    graph.outputs.set(0, likely);
                }
            }
        }
        Ok(())
    }

    /// The values whose entries are ranked, as floats: of quantised ones only the greatest is known.
    fn scores(self, graph: &mut Graph) -> Result<NodeId> {
        let Output { name, node } = graph.outputs[0].clone();
        let out = graph.node(node).out.clone();
        if out.dtype.is_float() {
            return Ok(node);
        }
        if self != Self::Argmax {
            return Err(Error::Wiring(format!(
                "{} needs scores in floats, but {name:?} is {out}; give {}, or ask for argmax",
                given("output", self),
                given("output", Self::Raw)
            )));
        }
        let floats = Tensor { dtype: Dtype::F32, ..out };
        let floats = graph.add(format!("{name}.scores"), Op::Identity, floats, &[node]);
        graph.outputs.set(0, floats);
        Ok(floats)
    }

    /// The program's result where the model, read as `graph`, gives `output`: a row of class and probability for each
    /// of the likeliest, or the class alone.
    pub fn told(self, graph: &Graph, output: &Array) -> Array {
        let scores = match &output.values {
            Values::U8(scores) => Some(scores.iter().copied().map(f32::from).collect()),
            Values::I8(scores) => Some(scores.iter().copied().map(f32::from).collect()),
            other => other.as_f32().map(<[f32]>::to_vec),
        };
        let scores: Option<Vec<f32>> = scores.filter(|_| self != Self::Raw);
        let (Ok(axis), Some(values)) = (self.classes(graph), scores) else {
            return output.clone();
        };
        let node = graph.outputs[0].node;
        let rows = values.chunks_exact(graph.node(node).out.shape[axis]);
        let probabilities: Vec<f32> = match graph.node(maker(graph, node)).op {
            Op::Softmax(Softmax { log: false, .. }) => values.clone(),
            // All but shares of one are scores.
            _ => rows.flat_map(softmax).collect(),
        };
        let likeliest = || {
            let mut ranked: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
            ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            ranked
        };
        match self {
            Self::Raw => output.clone(),
            Self::Softmax => Array::f32(output.shape.clone(), probabilities),
            Self::Argmax => Array::f32([1], vec![likeliest()[0].0 as f32]),
            Self::Top5 => {
                let best = likeliest();
                let pairs = best.iter().take(TOP).flat_map(|(class, it)| [*class as f32, *it]);
                let pairs: Vec<f32> = pairs.collect();
                Array::f32([pairs.len() / 2, 2], pairs)
            }
        }
    }

    /// The dimension of the only output that counts classes.
    fn classes(self, graph: &Graph) -> Result<usize> {
        let refused = |what: String| {
            let [asked, raw] = [self, Self::Raw].map(|answer| given("output", answer));
            Err(Error::Wiring(format!(
                "{asked} is for one picture's classes, but {what}; give {raw}"
            )))
        };
        let [output] = &*graph.outputs else {
            return refused(format!("the model has {} outputs", graph.outputs.len()));
        };
        let out = &graph.node(output.node).out;
        let mut axes = (0..out.shape.len()).filter(|axis| out.shape[*axis] > 1);
        match (axes.next(), axes.next()) {
            (Some(axis), None) if axis > 0 || out.shape.len() == 1 => Ok(axis),
            // A batch of pictures.
            (Some(0), Some(axis)) if self == Self::Softmax && axes.next().is_none() => Ok(axis),
            _ => refused(format!("{:?} is {out}", output.name)),
        }
    }
}

fn softmax(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// The node that computes what `id` shows, maybe in another shape.
fn maker(graph: &Graph, mut id: NodeId) -> NodeId {
    while let (Op::Reshape | Op::Identity | Op::Transpose(_), Some(x)) =
        (&graph.node(id).op, graph.operand(id, 0))
    {
        id = x;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Clamp;

    fn fitted(answer: Answer, shape: &[usize], ops: &[Op]) -> Result<Graph> {
        let mut graph = Graph::default();
        let mut x = graph.add_input("x", Tensor::f32(shape));
        for op in ops {
            x = graph.add("y", op.clone(), Tensor::f32(shape), &[x]);
        }
        graph.outputs.push(Output { name: "y".into(), node: x });
        answer.fit(&mut graph).map(|()| graph)
    }

    fn last(graph: &Graph) -> &'static str {
        graph.node(graph.outputs[0].node).op.name()
    }

    const SOFTMAX: Op = Op::Softmax(Softmax { axis: 1, log: false });

    #[test]
    fn a_model_gets_the_softmax_that_it_lacks() {
        for (answer, ranked) in [(Answer::Softmax, 0), (Answer::Top5, 5)] {
            for ops in [vec![Op::Clamp(Clamp::RELU)], vec![SOFTMAX, Op::Identity]] {
                let graph = fitted(answer, &[1, 7, 1, 1], &ops).expect("it has classes");
                let added = usize::from(ops.len() == 1);
                assert_eq!((graph.len(), graph.top_k), (1 + ops.len() + added, ranked));
            }
        }
        assert_eq!(fitted(Answer::Top5, &[3], &[]).expect("it has classes").top_k, 3);
    }

    #[test]
    fn the_greatest_score_needs_no_softmax() {
        let ops = [Op::Clamp(Clamp::RELU), SOFTMAX];
        let graph = fitted(Answer::Argmax, &[1, 7], &ops).expect("it has classes");
        assert_eq!((last(&graph), graph.top_k), ("clamp", 1));
    }

    #[test]
    fn of_bytes_only_the_greatest_is_told() {
        let bytes = |answer: Answer| {
            let mut graph = Graph::default();
            let out = Tensor { dtype: Dtype::U8, ..Tensor::f32([1, 7]) };
            let node = graph.add_input("x", out);
            graph.outputs.push(Output { name: "x".into(), node });
            answer.fit(&mut graph).map(|()| graph)
        };
        let graph = bytes(Answer::Argmax).expect("bytes can be compared");
        assert_eq!(graph.node(graph.outputs[0].node).out, Tensor::f32([1, 7]));
        for answer in [Answer::Softmax, Answer::Top5] {
            let error = bytes(answer).expect_err("bytes have no scale").to_string();
            assert!(error.ends_with("\"x\" is u8[1,7]; give output raw, or ask for argmax"));
        }
        let scores = Array { shape: vec![1, 3], values: Values::U8(vec![3, 200, 7]) };
        let mut graph = Graph::default();
        let node = graph.add_input("x", Tensor { dtype: Dtype::U8, ..Tensor::f32([1, 3]) });
        graph.outputs.push(Output { name: "x".into(), node });
        assert_eq!(Answer::Argmax.told(&graph, &scores), Array::f32([1], vec![1.0]));
    }

    #[test]
    fn what_is_no_classifier_is_refused() {
        for shape in [&[1, 7, 4, 4][..], &[2, 7], &[1, 1], &[]] {
            let error = fitted(Answer::Argmax, shape, &[]).expect_err("there are no classes");
            assert!(error.to_string().contains("give output raw"), "{error}");
        }
        assert!(fitted(Answer::Softmax, &[2, 7], &[]).is_ok());
    }
}
