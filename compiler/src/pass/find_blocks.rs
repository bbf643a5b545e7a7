//! Recognises the paper's inverted residual: expand, depthwise, project (section 3.3).
//!
//! ```text
//! conv 1x1 -> conv 3x3 per channel -> conv 1x1  ->  the same, and a `Block` that names them
//! ```
//! Nothing but the next convolution may read a wide tensor. A block of expansion 1 has no expanding convolution.
//! A depthwise convolution that does not clamp, and a projection that clamps and does not narrow, are halves of separable
//! convolutions: NASNet's and MobileNetV1's.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::ir::{Block, Clamp, Conv, Graph, NodeId, Op, Quant, To};
use crate::pass::edit::{sole_reader, x};
use crate::pass::layer;
use crate::pass::{Attempt, Skip, Skips};

/// Finds blocks; the number of those that were not known before.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut taken = BTreeSet::new();
    for id in graph.order().expect("verified graphs are acyclic") {
        if !is_depthwise(graph, id) {
            continue;
        }
        match block_around(graph, id, &taken) {
            Ok(block) => {
                taken.extend(block.expand);
                taken.extend([block.depthwise, block.project]);
                blocks.push(block);
            }
            Err(skip) => skips.push(skip),
        }
    }
    let new = blocks.iter().filter(|block| !graph.blocks.contains(block));
    let count = new.count();
    graph.blocks = blocks;
    Ok(count)
}

fn block_around(graph: &Graph, depthwise: NodeId, taken: &BTreeSet<NodeId>) -> Attempt<Block> {
    let refused = |reason: &str| Err(Skip::new(graph, depthwise, reason));
    let project = sole_reader(graph, depthwise)?;
    if bends(&graph.node(depthwise).op) == Some(false) {
        return refused("it is linear, the half of a separable convolution");
    }
    if !is_pointwise(graph, project) {
        return refused("no 1x1 conv follows");
    }
    let wide = channels(graph, depthwise);
    let linear = bends(&graph.node(project).op) != Some(true);
    if !linear && channels(graph, project) >= wide {
        return refused("the 1x1 conv after it neither narrows nor ends linearly");
    }
    if graph.operand(depthwise, 3).is_some() || graph.operand(project, 0) != Some(depthwise) {
        return refused("a residual is added to the wide tensor");
    }
    let before = x(graph, depthwise);
    let expand = Some(before).filter(|id| expands(graph, *id) && !taken.contains(id));
    Ok(Block { expand, depthwise, project })
}

/// True if `id` is a 1x1 convolution that widens, has one reader, and adds no residual.
fn expands(graph: &Graph, id: NodeId) -> bool {
    is_pointwise(graph, id)
        && graph.only_reader(id).is_some()
        && graph.operand(id, 3).is_none()
        && channels(graph, id) > channels(graph, x(graph, id))
}

/// True if a convolution is nonlinear; on bytes, if no byte of its result stands for a negative real.
fn bends(op: &Op) -> Option<bool> {
    match op {
        Op::Quant(Quant::Conv(conv)) => match conv.requant.to {
            To::Bytes { zero, bounds } => Some(bounds.lo >= zero),
            To::Floats => Some(false),
        },
        Op::Conv(Conv { activation: Some(_), .. }) => Some(true),
        op => layer::clamp(op).map(|clamp| clamp != Clamp::NONE),
    }
}

/// True if each channel is convolved alone into one.
fn is_depthwise(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op.conv().is_some_and(|conv| {
        conv.group > 1
            && conv.group == channels(graph, id)
            && conv.group == channels(graph, x(graph, id))
    })
}

/// True if `id` is a convolution whose window is one pixel over all channels.
fn is_pointwise(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op.conv().is_some_and(Conv::is_point)
}

fn channels(graph: &Graph, id: NodeId) -> usize {
    graph.node(id).out.shape[1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::fixture::{Net, golden, rewrite, same};

    const BOUNDED: Clamp = Clamp::RELU6;

    /// Expand to 8 channels, depthwise, project to `m`: the three convolutions.
    fn block(net: &mut Net, x: NodeId, m: usize, end: Clamp) -> [NodeId; 3] {
        let wide = net.conv(x, 8, Conv { clamp: BOUNDED, ..same(1) });
        let depthwise = net.conv(wide, 8, Conv { group: 8, clamp: BOUNDED, ..same(3) });
        let project = net.conv(depthwise, m, Conv { clamp: end, ..same(1) });
        [wide, depthwise, project]
    }

    fn found(net: Net, answers: &[NodeId]) -> (Vec<Block>, Vec<String>) {
        let (after, skips) = rewrite(run, net.answer(answers));
        (after.blocks, skips.into_iter().map(|skip| skip.reason).collect())
    }

    #[test]
    fn blocks_are_found_with_and_without_residual() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let [.., first] = block(&mut net, x, 2, Clamp::NONE);
        net.connect(x, first, 3);
        let [.., second] = block(&mut net, first, 4, Clamp::NONE);
        golden("find_blocks", run, net.answer(&[second]));
    }

    #[test]
    fn a_stem_that_widens_the_picture_is_no_expansion() {
        let mut net = Net::default();
        let x = net.input(&[1, 3, 4, 4]);
        let stem = net.conv(x, 8, same(3));
        let depthwise = net.conv(stem, 8, Conv { group: 8, clamp: BOUNDED, ..same(3) });
        let project = net.conv(depthwise, 8, same(1));
        assert_eq!(found(net, &[project]).0, [Block { expand: None, depthwise, project }]);
    }

    #[test]
    fn a_clamped_projection_has_to_narrow() {
        for (m, count) in [(4, 1), (8, 0)] {
            let mut net = Net::default();
            let x = net.input(&[1, 2, 4, 4]);
            let [.., end] = block(&mut net, x, m, BOUNDED);
            let (blocks, reasons) = found(net, &[end]);
            assert_eq!(blocks.len(), count);
            assert_eq!(reasons.len(), 1 - count);
        }
    }

    #[test]
    fn a_wide_tensor_that_others_read_is_no_part_of_a_block() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let [wide, depthwise, project] = block(&mut net, x, 2, Clamp::NONE);
        let (blocks, _) = found(net, &[project, wide]);
        assert_eq!(blocks, [Block { expand: None, depthwise, project }]);

        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let [_, depthwise, project] = block(&mut net, x, 2, Clamp::NONE);
        let (blocks, reasons) = found(net, &[project, depthwise]);
        assert_eq!(
            (blocks.len(), &reasons[..]),
            (0, &["conv is an output of the model".into()][..])
        );
    }

    #[test]
    fn a_depthwise_conv_without_its_own_projection_is_no_block() {
        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let depthwise = net.conv(x, 2, Conv { group: 2, clamp: BOUNDED, ..same(3) });
        let y = net.conv(depthwise, 4, same(3));
        assert_eq!(found(net, &[y]), (vec![], vec!["no 1x1 conv follows".into()]));

        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let depthwise = net.conv(x, 2, Conv { group: 2, ..same(3) });
        let y = net.conv(depthwise, 2, same(1));
        assert_eq!(found(net, &[y]).1, ["it is linear, the half of a separable convolution"]);

        let mut net = Net::default();
        let x = net.input(&[1, 2, 4, 4]);
        let [_, depthwise, y] = block(&mut net, x, 2, Clamp::NONE);
        let wide = net.input(&[1, 8, 4, 4]);
        net.connect(wide, depthwise, 3);
        assert_eq!(found(net, &[y]).1, ["a residual is added to the wide tensor"]);
    }
}
