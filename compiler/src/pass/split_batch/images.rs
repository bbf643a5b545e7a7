//! Kernels work on one image: what takes several becomes as many nodes, and so does what keeps apart what they make.
//!
//! ```text
//! relu(conv(x))  ->  concat(relu(conv(x[0])), relu(conv(x[1])))
//! ```

use std::collections::BTreeMap;

use crate::ir::op::site::Batch;
use crate::ir::{Graph, NodeId, Op, Slice, Tensor};
use crate::pass::edit::replace;
use crate::pass::split_batch::needs_one_image;

/// Most nodes that take images one by one in place of those that take several.
const MOST: usize = 512;

/// The images that nodes are to take one by one, or none if they are too many.
pub(super) fn count(graph: &Graph) -> Option<usize> {
    let nodes = graph.ids().into_iter().filter(|id| needs_one_image(graph, *id));
    let images = nodes.map(|id| graph.node(id).out.shape[0]).fold(0, usize::saturating_add);
    (images <= MOST).then_some(images)
}

/// Parts every node that takes several images; the number parted.
pub(super) fn part(graph: &mut Graph) -> usize {
    let mut parts = BTreeMap::new();
    let mut count = 0;
    for id in graph.order().expect("verified graphs are acyclic") {
        let takes = needs_one_image(graph, id);
        let images =
            if takes { Some(graph.node(id).out.shape[0]) } else { kept(graph, id, &parts) };
        let Some(images) = images else { continue };
        let made: Vec<NodeId> =
            (0..images).map(|at| one(graph, id, &parts, [at, images])).collect();
        let (name, out) = (graph.node(id).name.clone(), graph.node(id).out.clone());
        let joined = graph.add(name, Op::Concat(0), out, &made);
        replace(graph, id, joined);
        parts.insert(joined, made);
        count += usize::from(takes);
    }
    count
}

/// Values that are made of one part for each image.
type Parts = BTreeMap<NodeId, Vec<NodeId>>;

/// The images that node `id` reads in parts and leaves apart.
fn kept(graph: &Graph, id: NodeId, parts: &Parts) -> Option<usize> {
    let read = |port: usize| graph.operand(id, port).and_then(|x| parts.get(&x)).map(Vec::len);
    let images = graph.operands(id).iter().find_map(|(port, _)| read(port.0))?;
    let moving = |port: usize| read(port) == Some(images);
    let batch = Batch { site: graph.site(id), moving: &moving };
    let node = graph.node(id);
    let leading = node.out.shape.first().copied().unwrap_or(1);
    let apart = leading.is_multiple_of(images) && node.op.define(|op| op.keeps_apart(&batch));
    (apart && !graph.is_output(id)).then_some(images)
}

/// Node `id` on image `at` of `images`.
fn one(graph: &mut Graph, id: NodeId, parts: &Parts, [at, images]: [usize; 2]) -> NodeId {
    let takes = needs_one_image(graph, id);
    let operands = graph.operands(id);
    let node = graph.node(id);
    let (name, op) = (format!("{}.image_{at}", node.name), node.op.clone());
    let mut out = node.out.clone();
    out.shape[0] /= images;
    let made = graph.add(name, op, out, &[]);
    for (port, x) in operands {
        let read = match parts.get(&x) {
            Some(parts) if parts.len() == images && (!takes || port.0 == 0) => parts[at],
            _ if takes && port.0 == 0 => image(graph, x, at),
            // What is no image is read with every one.
            _ => x,
        };
        graph.connect(read, made, port);
    }
    made
}

/// Image `at` of those in `x`.
fn image(graph: &mut Graph, x: NodeId, at: usize) -> NodeId {
    let (name, out) = (format!("{}.{at}", graph.node(x).name), graph.node(x).out.clone());
    let mut slice = Slice::whole(out.shape.len());
    slice.starts[0] = at;
    let shape = [&[1], &out.shape[1..]].concat();
    graph.add(name, Op::Slice(slice), Tensor { shape, ..out }, &[x])
}
