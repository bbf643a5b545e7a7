//! Makes a graph that works on the images of a batch one by one describe a single one.
//!
//! ```text
//! input [3,3,96,96] .. output [3,10]  ->  input [1,3,96,96] .. output [1,10], three times
//! ```
//! The memory is then that of one image. A value follows the batch where the images lie one after another along its
//! leading dimension; every operator on the way has to leave them apart, and every output has to follow. Where one does
//! not, those that take images take them one by one.

mod images;

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::ir::op::site::Batch;
use crate::ir::{Graph, NodeId, Op};
use crate::pass::{Skip, Skips};

/// Splits the batch, and what takes several images for all that; the number split. More images in parts of the network
/// than may be taken one by one are an error.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    let mut count = 0;
    match images(graph).map(|images| (images, followers(graph, images))) {
        Some((images, Ok(followers))) => {
            for id in followers {
                graph.node_mut(id).out.shape[0] /= images;
            }
            graph.batch *= images;
            count += 1;
        }
        Some((images, Err(skip))) if images::count(graph).is_none() => {
            let remedy = format!("compile for a batch of 1 instead of {images}");
            return Err(Error::unsupported(vec![format!("{skip}; {remedy}")]));
        }
        Some((_, Err(skip))) => skips.push(skip),
        None => {}
    }
    if images::count(graph).is_some_and(|images| images > 0) {
        count += images::part(graph);
    }
    Ok(count)
}

/// The leading dimension of the inputs, if images are more than one.
fn images(graph: &Graph) -> Option<usize> {
    // A state is that of the whole call.
    if !graph.states.is_empty() {
        return None;
    }
    let pictures = graph.ids().into_iter().any(|id| is_batch_of_pictures(graph, id));
    let leading = graph.node(*graph.inputs.first()?).out.shape.first().copied();
    leading.filter(|images| pictures && *images > 1)
}

fn is_batch_of_pictures(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let shape = &node.out.shape;
    shape.len() == 4 && shape[0] > 1 && !matches!(node.op, Op::Const(_))
}

/// True if the kernels of a node work on a single image.
fn needs_one_image(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op.traits().takes_images() && is_batch_of_pictures(graph, id)
}

/// All values that follow the batch; `Err` names one that mixes images, or an output that is the same for all.
fn followers(graph: &Graph, images: usize) -> std::result::Result<Vec<NodeId>, Skip> {
    let mut followers = BTreeSet::new();
    for id in graph.order().expect("verified graphs are acyclic") {
        let operands = graph.operands(id);
        let follows = operands.iter().any(|(_, operand)| followers.contains(operand));
        if !follows && !matches!(graph.node(id).op, Op::Input) {
            continue;
        }
        let moving = |port: usize| graph.operand(id, port).is_some_and(|x| followers.contains(&x));
        let batch = Batch { site: graph.site(id), moving: &moving };
        let apart = graph.node(id).op.define(|op| op.keeps_apart(&batch));
        if !apart || !leading(graph, id).is_multiple_of(images) {
            let reason = format!("the {images} images of the batch are not worked on one by one");
            return Err(Skip::new(graph, id, reason));
        }
        followers.insert(id);
    }
    match graph.outputs.iter().find(|output| !followers.contains(&output.node)) {
        Some(output) => Err(Skip::new(graph, output.node, "an output is the same for all images")),
        None => Ok(followers.into_iter().collect()),
    }
}

/// The leading dimension of a node's result; 1 for a number alone.
fn leading(graph: &Graph, id: NodeId) -> usize {
    graph.node(id).out.shape.first().copied().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Binary, Clamp, Conv, Reduce, Reducer};
    use crate::pass::fixture::{Net, golden, left, refusals, rewrite, same};

    #[test]
    fn a_network_of_pictures_runs_once_for_each() {
        let mut net = Net::default();
        let x = net.input(&[3, 2, 4, 4]);
        let conv = net.conv(x, 4, same(3));
        let sum = net.add(conv, conv);
        let pairs = net.shaped(Op::Reshape, &[6, 2, 4, 4], &[sum]);
        let flat = net.shaped(Op::Reshape, &[3, 64], &[pairs]);
        let w = net.ramp(&[64, 5]);
        let y = net.put(Op::MatMul, &[flat, w]);
        golden("split_batch", run, net.answer(&[y]));
    }

    #[test]
    fn a_second_run_leaves_a_split_batch_alone() {
        let mut net = Net::default();
        let x = net.input(&[3, 2, 4, 4]);
        let y = net.conv(x, 4, same(3));
        let (graph, _) = rewrite(run, net.answer(&[y]));
        assert_eq!(graph.batch, 3);
        assert_eq!(left(run, graph), "input conv");
    }

    /// The mean over the batch of a convolution that is bounded.
    fn mixed(images: usize) -> Graph {
        let mut net = Net::default();
        let x = net.input(&[images, 2, 4, 4]);
        let conv = net.conv(x, 4, same(3));
        let conv = net.clamp(conv, Clamp::RELU);
        let conv = net.conv(conv, 4, same(3));
        let mean = Reduce { kind: Reducer::Mean, axes: vec![0] };
        let y = net.shaped(Op::Reduce(mean), &[1, 4, 4, 4], &[conv]);
        net.answer(&[y])
    }

    #[test]
    fn pictures_that_are_mixed_later_are_taken_one_by_one() {
        let ops = "input slice conv clamp slice conv conv clamp conv concat reduce_mean";
        assert_eq!(left(run, mixed(2)), ops);
    }

    #[test]
    fn weights_that_are_computed_of_the_batch_are_read_whole() {
        let mut net = Net::default();
        let x = net.input(&[2, 2, 4, 4]);
        let conv = net.conv(x, 4, same(3));
        let (kernel, stride, dilation) = ([4, 4], [1, 1], [1, 1]);
        let clamp = Clamp::NONE;
        let by_itself =
            Conv { kernel, stride, dilation, pads: [0; 4], group: 1, clamp, activation: None };
        let y = net.put(Op::Conv(by_itself), &[conv, conv]);
        let (after, _) = rewrite(run, net.answer(&[y]));
        assert_eq!(left(run, after), "input slice conv slice conv concat conv conv concat");
    }

    #[test]
    fn more_pictures_than_are_taken_one_by_one_are_refused_by_name() {
        let error = run(&mut mixed(300), &mut Skips::new()).unwrap_err();
        let expected = "this is unsupported:\n  \"reduce_mean\": the 300 images of the batch are not \
                        worked on one by one; compile for a batch of 1 instead of 300";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn pictures_made_of_one_are_taken_one_by_one() {
        let mut net = Net::default();
        let x = net.input(&[1, 4, 4, 4]);
        let pair = net.shaped(Op::Reshape, &[2, 2, 4, 4], &[x]);
        let conv = net.conv(pair, 3, same(3));
        let y = net.shaped(Op::Reshape, &[1, 96], &[conv]);
        assert_eq!(
            left(run, net.answer(&[y])),
            "input reshape slice conv slice conv concat reshape"
        );
    }

    #[test]
    fn a_constant_for_each_picture_is_not_split() {
        let mut net = Net::default();
        let x = net.input(&[3, 2, 4, 4]);
        let each = net.ramp(&[3, 1, 1, 1]);
        let y = net.put(Op::Binary(Binary::Mul), &[x, each]);
        let reason = "the 3 images of the batch are not worked on one by one";
        assert_eq!(refusals(run, net.answer(&[y])), [reason]);
    }
}
