//! Moves channels to pixels, or to parts of rows, in one transpose of an image in NHWC.
//!
//! ```text
//! reshape, transpose, reshape of an image
//!     ->  transpose to [n,h,w,c], reshape to parts, one transpose, reshape, transpose back where that is an image too
//! ```
//! Of images that lie in NHWC all of that but the middle transpose is a view; as it was written, the image would
//! need to lie in planes before and might have to lie in NHWC again after. Depth to space, the sub-pixels of transposed
//! convolutions, and heads of detectors are written so.

use crate::error::Result;
use crate::ir::view::refine;
use crate::ir::{Graph, NodeId, Op, Quant};
use crate::pass::edit::{put_steps, replace, sole_reader, x};
use crate::pass::{Attempt, Skips, fixpoint};

/// Legalizes moves; the number rewritten.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, legalize))
}

fn legalize(graph: &mut Graph, id: NodeId) -> Attempt {
    let Some(chain) = chain(graph, id)? else {
        return Ok(false);
    };
    let Some(moved) = Moved::of(graph, &chain, id) else {
        return Ok(false);
    };
    let legalized = put(graph, id, chain.picture, moved);
    replace(graph, id, legalized);
    Ok(true)
}

/// An image, the reshape that splits it, and the transpose of its parts.
struct Chain {
    picture: NodeId,
    split: NodeId,
    transpose: NodeId,
}

/// The chain that ends with `id`, if one does and its parts have no other reader.
fn chain(graph: &Graph, id: NodeId) -> Attempt<Option<Chain>> {
    let is_reshape = |id: NodeId| graph.node(id).op == Op::Reshape;
    let transpose = match graph.node(id).op {
        Op::Reshape => x(graph, id),
        Op::Transpose(_) if graph.only_reader(id).is_some_and(is_reshape) => return Ok(None),
        // A chain may end in any reader of its transpose.
        _ => id,
    };
    if !matches!(graph.node(transpose).op, Op::Transpose(_)) {
        return Ok(None);
    }
    let split = x(graph, transpose);
    if !is_reshape(split) {
        return Ok(None);
    }
    let picture = x(graph, split);
    if !is_picture(graph, picture) {
        return Ok(None);
    }
    sole_reader(graph, split)?;
    if transpose != id {
        sole_reader(graph, transpose)?;
    }
    Ok(Some(Chain { picture, split, transpose }))
}

/// The permutation of an image's parts.
struct Moved {
    /// Lengths of the parts as the image lies.
    parts: Vec<usize>,
    /// The order of the parts in the result.
    perm: Vec<usize>,
    /// True if the result lies like an image.
    as_picture: bool,
}

/// The dimensions of an image in the order in which it lies.
const LYING: [usize; 4] = [0, 2, 3, 1];

impl Moved {
    /// `None` if the result cuts through the parts.
    fn of(graph: &Graph, chain: &Chain, id: NodeId) -> Option<Self> {
        let Op::Transpose(perm) = &graph.node(chain.transpose).op else { return None };
        let shape = |id: NodeId| graph.node(id).out.shape.as_slice();
        let mut lens = refine(shape(chain.picture), shape(chain.split))?;
        lens.retain(|len| *len != 1);
        let dims = owners(&lens, shape(chain.picture));
        let split = owners(&lens, shape(chain.split));
        let parts_of = |owners: &[usize], dim: usize| -> Vec<usize> {
            (0..owners.len()).filter(|at| owners[*at] == dim).collect()
        };
        let turned: Vec<usize> = perm.iter().flat_map(|dim| parts_of(&split, *dim)).collect();
        let lens_turned: Vec<usize> = turned.iter().map(|at| lens[*at]).collect();
        let mut joined = refine(&lens_turned, shape(id))?;
        joined.retain(|len| *len != 1);
        if joined != lens_turned {
            return None;
        }
        let from: Vec<usize> = LYING.iter().flat_map(|dim| parts_of(&dims, *dim)).collect();
        let as_picture = is_seen_as_picture(graph, id);
        let into: Vec<usize> = if as_picture {
            let dims = owners(&lens_turned, shape(id));
            let lying = LYING.iter().flat_map(|dim| parts_of(&dims, *dim));
            lying.map(|at| turned[at]).collect()
        } else {
            turned
        };
        let place = |part: &usize| from.iter().position(|at| at == part);
        Some(Self {
            parts: from.iter().map(|at| lens[*at]).collect(),
            perm: into.iter().map(place).collect::<Option<_>>()?,
            as_picture,
        })
    }
}

/// The dimension of `shape` that each part belongs to.
fn owners(parts: &[usize], shape: &[usize]) -> Vec<usize> {
    let (mut dim, mut left) = (0, shape.first().copied().unwrap_or(1));
    let owner = |part: &usize| {
        while left == 1 {
            dim += 1;
            left = shape[dim];
        }
        left /= part;
        dim
    };
    parts.iter().map(owner).collect()
}

/// True if `id` is made as an image, by an operator that makes NHWC.
fn is_picture(graph: &Graph, mut id: NodeId) -> bool {
    loop {
        let node = graph.node(id);
        match &node.op {
            _ if node.out.shape.len() != 4 => return false,
            Op::Conv(_)
            | Op::Pool(_)
            | Op::Resize(_)
            | Op::Resample(_)
            | Op::Quant(Quant::Conv(_)) => return true,
            Op::Clamp(_) | Op::Unary(_) | Op::BatchNorm(_) | Op::Binary(_) => id = x(graph, id),
            // What may make images or not tells nothing.
            _ => return false,
        }
    }
}

/// True if any reader takes `id`, or elementwise results of it, as an image in NHWC.
fn is_seen_as_picture(graph: &Graph, id: NodeId) -> bool {
    let mut made = vec![id];
    while let Some(id) = made.pop() {
        if graph.node(id).out.shape.len() != 4 {
            continue;
        }
        for (reader, _) in graph.readers(id) {
            match &graph.node(reader).op {
                Op::Conv(_) | Op::Pool(_) | Op::Resize(_) | Op::Resample(_) | Op::Pad(_) => {
                    return true;
                }
                Op::Concat(1) | Op::Quant(Quant::Conv(_)) => return true,
                Op::Clamp(_) | Op::Unary(_) | Op::BatchNorm(_) => made.push(reader),
                // What may read images or not tells nothing.
                _ => {}
            }
        }
    }
    false
}

/// The move from how the image lies.
fn put(graph: &mut Graph, id: NodeId, picture: NodeId, moved: Moved) -> NodeId {
    let Moved { parts, perm, as_picture } = moved;
    let lying = |shape: &[usize]| LYING.iter().map(|dim| shape[*dim]).collect::<Vec<_>>();
    let (from, to) = (lying(&graph.node(picture).out.shape), graph.node(id).out.shape.clone());
    let turned = perm.iter().map(|at| parts[*at]).collect();
    let mut steps = vec![
        ("nhwc", Op::Transpose(LYING.to_vec()), from),
        ("parts", Op::Reshape, parts),
        ("moved", Op::Transpose(perm), turned),
    ];
    if as_picture {
        steps.push(("joined", Op::Reshape, lying(&to)));
        steps.push(("nchw", Op::Transpose(vec![0, 3, 1, 2]), to));
    } else {
        steps.push(("joined", Op::Reshape, to));
    }
    put_steps(graph, id, picture, steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::view::is_view;
    use crate::pass::fixture::{Net, golden, left, rewrite, same};
    use crate::pass::run_all;

    /// Eight channels of a convolution, split, turned and joined.
    fn turned(net: &mut Net, split: &[usize], perm: &[usize], joined: &[usize]) -> [NodeId; 2] {
        let x = net.input(&[1, 2, 3, 4]);
        let conv = net.conv(x, 8, same(3));
        let split = net.shaped(Op::Reshape, split, &[conv]);
        let turned = net.put(Op::Transpose(perm.to_vec()), &[split]);
        [turned, net.shaped(Op::Reshape, joined, &[turned])]
    }

    /// Moves that are left when all passes have run.
    fn moves(mut graph: Graph) -> usize {
        run_all(&mut graph, |_, _, _| ()).expect("the graph is sound");
        let moves = |id: &NodeId| {
            let moves = matches!(graph.node(*id).op, Op::Transpose(_) | Op::Reshape | Op::Relayout);
            moves && !is_view(&graph, *id)
        };
        graph.ids().iter().filter(|id| moves(id)).count()
    }

    #[test]
    fn depth_becomes_space_in_one_move() {
        for (split, perm) in
            [(&[1, 2, 2, 2, 3, 4], [0, 3, 4, 1, 5, 2]), (&[1, 2, 2, 2, 3, 4], [0, 1, 4, 2, 5, 3])]
        {
            let mut net = Net::default();
            let [_, space] = turned(&mut net, split, &perm, &[1, 2, 6, 8]);
            let y = net.conv(space, 3, same(3));
            let graph = net.answer(&[y]);
            assert_ne!(rewrite(run, graph.clone()).0.to_string(), graph.to_string());
            // One more lets the answer leave in planes.
            assert_eq!(moves(graph), 2);
        }
    }

    #[test]
    fn a_head_is_split_in_one_move() {
        let mut net = Net::default();
        let [turned, y] = turned(&mut net, &[1, 2, 4, 3, 4], &[0, 1, 3, 4, 2], &[1, 24, 4]);
        let graph = net.answer(&[y]);
        assert_eq!(moves(graph.clone()), 1);
        golden("legalize_space", run, graph);
        let mut net = Net::default();
        let [again, _] = self::turned(&mut net, &[1, 2, 4, 3, 4], &[0, 1, 3, 4, 2], &[1, 24, 4]);
        assert_eq!(again, turned);
        assert_eq!(moves(net.answer(&[again])), 1, "it need not be joined again");
    }

    #[test]
    fn what_cuts_through_parts_or_is_no_picture_stays() {
        let mut net = Net::default();
        let [_, y] = turned(&mut net, &[1, 8, 12], &[0, 2, 1], &[1, 16, 6]);
        assert_eq!(left(run, net.answer(&[y])), "input conv reshape transpose reshape");
        let mut net = Net::default();
        let x = net.input(&[1, 8, 3, 4]);
        let split = net.shaped(Op::Reshape, &[1, 2, 4, 12], &[x]);
        let y = net.put(Op::Transpose(vec![0, 2, 1, 3]), &[split]);
        assert_eq!(left(run, net.answer(&[y])), "input reshape transpose");
    }
}
