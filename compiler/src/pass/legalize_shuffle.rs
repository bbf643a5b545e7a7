//! Makes a channel shuffle a transpose within pixels, where channels lie side by side.
//!
//! ```text
//! reshape [n,a,b,h,w], transpose [0,2,1,3,4], reshape [n,c,h,w]
//!     ->  transpose to [n,h,w,c], reshape [n*h*w,a,b], transpose [0,2,1], reshape [n,h,w,c], transpose back
//! ```
//! Of images that lie in NHWC all of that but the middle transpose is a view; as it was written, the shuffle would
//! need the image in planes, and twice another move.

use crate::error::Result;
use crate::ir::{Graph, NodeId, Op};
use crate::pass::edit::{put_steps, replace, sole_reader, x};
use crate::pass::{Attempt, Skips, fixpoint};

/// Legalizes channel shuffles; the number rewritten.
pub fn run(graph: &mut Graph, skips: &mut Skips) -> Result<usize> {
    Ok(fixpoint(graph, skips, legalize))
}

/// An image whose channels, as `groups` rows of `each`, are transposed.
struct Shuffle {
    picture: NodeId,
    shape: [usize; 4],
    groups: usize,
    each: usize,
}

fn legalize(graph: &mut Graph, id: NodeId) -> Attempt {
    let Some(shuffle) = shuffle(graph, id)? else {
        return Ok(false);
    };
    let shuffled = put(graph, id, &shuffle);
    replace(graph, id, shuffled);
    Ok(true)
}

/// The shuffle that ends with `id`, if one does and its parts have no other reader.
fn shuffle(graph: &Graph, id: NodeId) -> Attempt<Option<Shuffle>> {
    let is = |id: NodeId, op: &Op| graph.node(id).op == *op;
    let Some(transpose) = graph.operand(id, 0).filter(|_| is(id, &Op::Reshape)) else {
        return Ok(None);
    };
    let Op::Transpose(perm) = &graph.node(transpose).op else {
        return Ok(None);
    };
    let split = x(graph, transpose);
    let [0, 2, 1, rest @ ..] = &perm[..] else {
        return Ok(None);
    };
    if !is(split, &Op::Reshape) || !rest.is_sorted() {
        return Ok(None);
    }
    let picture = x(graph, split);
    let (from, to) = (graph.node(picture).out.nchw(), graph.node(id).out.nchw());
    let (Some(shape), true) = (from, from == to) else {
        return Ok(None);
    };
    let [n, c, h, w] = shape;
    let &[batch, groups, each, ..] = &graph.node(split).out.shape[..] else {
        return Ok(None);
    };
    if batch != n || groups * each != c || h * w == 1 {
        return Ok(None);
    }
    sole_reader(graph, split)?;
    sole_reader(graph, transpose)?;
    Ok(Some(Shuffle { picture, shape, groups, each }))
}

/// The shuffle within pixels.
fn put(graph: &mut Graph, id: NodeId, shuffle: &Shuffle) -> NodeId {
    let &Shuffle { shape: [n, c, h, w], groups, each, .. } = shuffle;
    let pixels = n * h * w;
    let steps = [
        ("nhwc", Op::Transpose(vec![0, 2, 3, 1]), vec![n, h, w, c]),
        ("pixels", Op::Reshape, vec![pixels, groups, each]),
        ("shuffled", Op::Transpose(vec![0, 2, 1]), vec![pixels, each, groups]),
        ("joined", Op::Reshape, vec![n, h, w, c]),
        ("nchw", Op::Transpose(vec![0, 3, 1, 2]), vec![n, c, h, w]),
    ];
    put_steps(graph, id, shuffle.picture, steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::view::is_view;
    use crate::pass::fixture::{Net, golden, left, rewrite, same};
    use crate::pass::run_all;

    /// A shuffle of a convolution's six channels, its parts, and who reads it.
    fn shuffled(split: &[usize], perm: &[usize]) -> (Net, [NodeId; 3]) {
        let mut net = Net::default();
        let x = net.input(&[1, 6, 4, 4]);
        let conv = net.conv(x, 6, same(3));
        let split = net.shaped(Op::Reshape, split, &[conv]);
        let transpose = net.put(Op::Transpose(perm.to_vec()), &[split]);
        let joined = net.shaped(Op::Reshape, &[1, 6, 4, 4], &[transpose]);
        let conv = net.conv(joined, 6, same(3));
        (net, [split, transpose, conv])
    }

    #[test]
    fn a_shuffle_works_within_pixels() {
        let (net, [.., y]) = shuffled(&[1, 2, 3, 4, 4], &[0, 2, 1, 3, 4]);
        golden("legalize_shuffle", run, net.answer(&[y]));
    }

    #[test]
    fn a_legalized_shuffle_moves_once() {
        let (net, [.., y]) = shuffled(&[1, 2, 3, 4, 4], &[0, 2, 1, 3, 4]);
        let mut graph = net.answer(&[y]);
        run_all(&mut graph, |_, _, _| ()).expect("the graph is sound");
        let moves = |id: &NodeId| match graph.node(*id).op {
            Op::Transpose(_) | Op::Reshape | Op::Relayout => !is_view(&graph, *id),
            _ => false,
        };
        let order = graph.order().expect("the graph keeps its invariants");
        let moved: Vec<&str> =
            order.iter().filter(|id| moves(id)).map(|id| &graph.node(*id).name[..]).collect();
        assert_eq!(moved, ["reshape_1.shuffled", "conv_1.rows"], "{graph}");
    }

    #[test]
    fn a_picture_flattened_on_the_way_is_shuffled_too() {
        let (net, [.., y]) = shuffled(&[1, 3, 2, 16], &[0, 2, 1, 3]);
        let ops = "input conv transpose reshape transpose reshape transpose conv";
        assert_eq!(left(run, net.answer(&[y])), ops);
    }

    #[test]
    fn what_moves_more_than_channels_is_no_shuffle() {
        for (split, perm) in [
            (&[1, 2, 3, 4, 4], [0, 2, 1, 4, 3]),
            (&[1, 2, 3, 4, 4], [0, 1, 2, 4, 3]),
            (&[1, 3, 4, 2, 4], [0, 2, 1, 3, 4]),
        ] {
            let (net, [.., y]) = shuffled(split, &perm);
            assert_eq!(left(run, net.answer(&[y])), "input conv reshape transpose reshape conv");
        }
    }

    #[test]
    fn a_shuffle_whose_parts_are_read_stays() {
        let (net, [split, _, y]) = shuffled(&[1, 2, 3, 4, 4], &[0, 2, 1, 3, 4]);
        let (_, skips) = rewrite(run, net.answer(&[y, split]));
        assert_eq!(skips[0].reason, "reshape is an output of the model");
    }
}
