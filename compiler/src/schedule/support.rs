//! Check that a network is supported, before anything is chosen or lowered, so that one run names all obstacles and
//! every verb, objective and machine has the same.

use std::ops::Range;

use crate::error::mention::given;
use crate::error::{Error, Result};
use crate::ir::view::base;
use crate::ir::{Dtype, Graph, Node, NodeId, Op, QConv, Quant, Requant, To};
use crate::objective::{Feed, Memory};
use crate::schedule::intake::is_fed_by_rows;

/// The obstacle to running a network: in itself, or else in the way that it is to be fed.
pub fn check(graph: &Graph, memory: Memory) -> Result<()> {
    operators(graph)?;
    let inputs = graph.inputs.iter();
    refused(inputs.filter_map(|id| unfed(graph, *id, memory.feed)).collect())
}

/// Every operator without a kernel and every value that is neither float nor byte, nor made an integer at the end, each with its node and remedy.
pub fn operators(graph: &Graph) -> Result<()> {
    let nodes = graph.ids().into_iter();
    let operators = nodes.filter_map(|id| Some((id, obstacle(graph, id)?)));
    let operators = operators.map(|(id, what)| {
        let node = graph.node(id);
        format!("{} {:?}: {what}", node.op.name(), node.name)
    });
    let outputs = graph.outputs.all().iter().filter_map(|output| {
        let Node { op, out, .. } = graph.node(base(graph, output.node));
        let given = out.dtype.is_float() || out.dtype == Dtype::U8 || matches!(op, Op::Integers(_));
        (!given).then(|| format!("output {:?}: {out}; cast it to float", output.name))
    });
    let inputs = graph.inputs.iter().filter_map(|id| {
        let node = graph.node(*id);
        let signed = node.out.dtype == Dtype::I8;
        signed.then(|| format!("input {:?}: {}; make it u8 or float", node.name, node.out))
    });
    refused(operators.chain(inputs).chain(outputs).chain(unranked(graph)).collect())
}

fn refused(obstacles: Vec<String>) -> Result<()> {
    if obstacles.is_empty() { Ok(()) } else { Err(Error::unsupported(obstacles)) }
}

/// The reason why an input cannot reach the network in the requested way.
fn unfed(graph: &Graph, id: NodeId, feed: Feed) -> Option<String> {
    let name = &graph.node(id).name;
    if feed == Feed::Caller {
        return None;
    }
    if graph.batch > 1 {
        let images = graph.batch;
        return Some(format!(
            "{}: {name:?} is a batch of {images}; compile for one at a time, or with {}",
            given("feed", feed),
            given("feed", Feed::Caller)
        ));
    }
    let by_rows = feed != Feed::Rows || is_fed_by_rows(graph, id);
    (!by_rows).then(|| {
        format!(
            "{}: {name:?} is more than the image of one convolution; compile with {}",
            given("feed", feed),
            given("feed", Feed::Arena)
        )
    })
}

/// The reason why the greatest entries of the output cannot be found: nothing computes it.
fn unranked(graph: &Graph) -> Option<String> {
    let output = graph.outputs.first().filter(|_| graph.top_k > 0)?;
    let made = base(graph, output.node);
    let computed = !matches!(graph.node(made).op, Op::Input | Op::Const(_));
    (!computed).then(|| {
        format!(
            "ranking {:?}, which nothing computes; give {}",
            output.name,
            given("output", "raw")
        )
    })
}

fn obstacle(graph: &Graph, id: NodeId) -> Option<String> {
    let node = graph.node(id);
    let traits = node.op.traits();
    let variable = traits.constants.as_ref().and_then(|constants| {
        let how = computed(graph, id, constants.ports.clone())?;
        Some(format!("its {} are {how}; make them constants", constants.what))
    });
    let images = traits.takes_images() && node.out.shape[0] > 1;
    let images =
        images.then(|| format!("{} holds several images; compile for a batch of 1", node.out));
    variable.or(images).or_else(|| unscheduled(graph, id))
}

/// The way in which an operand of `id` at `ports` is made, if it is not constant.
fn computed(graph: &Graph, id: NodeId, ports: Range<usize>) -> Option<&'static str> {
    let operands = ports.filter_map(|port| graph.operand(id, port));
    let left: Vec<NodeId> = operands.filter(|id| graph.constant(*id).is_none()).collect();
    let depend = left.iter().any(|id| graph.depends_on_inputs(*id));
    let how = if depend { "computed at run time" } else { UNFOLDED };
    (!left.is_empty()).then_some(how)
}

/// The reason why an operator that passes rewrite is still there.
fn unscheduled(graph: &Graph, id: NodeId) -> Option<String> {
    match &graph.node(id).op {
        Op::BatchNorm(_) => {
            let how = computed(graph, id, 1..5).unwrap_or("not one constant float a channel");
            Some(format!("its statistics are {how}; export the model for inference"))
        }
        Op::Gemm(_) => Some("its operands are no matrices of floats".into()),
        Op::Quant(Quant::Unpack(_)) => {
            Some(format!("its integers are {UNFOLDED}; make them constants"))
        }
        Op::Quant(Quant::Flip) => {
            Some("signed bytes at an end of the model; make it u8 or float".into())
        }
        Op::Quant(Quant::Conv(QConv { requant: Requant { to: To::Floats, .. }, .. })) => {
            Some("a quantised convolution whose result is floats; quantise its result".into())
        }
        // Every other operator has a kernel: `lone` and `stage` name it.
        _ => None,
    }
}

/// The way of a value that depends on no input, yet is no constant.
const UNFOLDED: &str = "made of constants by more work than is done while compiling";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{BatchNorm, Clamp, Conv, Output, Tensor, Values};

    #[test]
    fn all_that_no_kernel_does_is_named_at_once() {
        let mut graph = Graph::default();
        let x = graph.add_input("x", Tensor::f32([1, 1, 2, 2]));
        let w = graph.add_input("w", Tensor::f32([1, 1, 1, 1]));
        let whole = graph.add_const("shape", [1], Values::I64(vec![7]));
        let norm = Op::BatchNorm(BatchNorm { epsilon: 0.0 });
        let norm = graph.add("norm", norm, Tensor::f32([1, 1, 2, 2]), &[x, w, w, w, w]);
        let pads = [0; 4];
        let (kernel, stride, dilation) = ([1, 1], [1, 1], [1, 1]);
        let conv =
            Conv { kernel, stride, dilation, pads, group: 1, clamp: Clamp::NONE, activation: None };
        let conv = graph.add("conv", Op::Conv(conv), Tensor::f32([1, 1, 2, 2]), &[x, w]);
        for (name, node) in [("norm", norm), ("picture", conv), ("size", whole)] {
            graph.outputs.push(Output { name: name.into(), node });
        }
        assert_eq!(
            check(&graph, Memory::default()).unwrap_err().to_string(),
            "these are unsupported:\n  batch_norm \"norm\": its statistics are computed at \
             run time; export the model for inference\n  conv \"conv\": its \
             weights or bias are computed at run time; make them constants\n  output \"size\": \
             i64[1]; cast it to float"
        );
    }
}
