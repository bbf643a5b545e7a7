//! Streaming of rows through operators, and values seen as images.
//!
//! An operator lets rows flow if each row of its result is made of a few rows of what it reads, all of them NHWC.
//! A channel shuffle is written as a transpose of pixels, so its result is no image by shape, but lies as one.

use crate::ir::op::traits::{Pooling, Streams, Window};
use crate::ir::view::base;
use crate::ir::{Dtype, Graph, Layout, NodeId, Op, Reducer, Tensor};

/// True if rows can flow through `id`: from its operand into its result.
pub fn flows(graph: &Graph, id: NodeId) -> bool {
    let out = &graph.node(id).out;
    let made = picture(out).is_some();
    match graph.node(id).op.traits().streams {
        Streams::No => false,
        Streams::Convolution => out.layout == Layout::Nhwc && out.shape.len() == 4,
        Streams::Rows => made && reads_rows(graph, id, 0),
        Streams::Windows(window) => {
            let windows = || reads_rows(graph, id, 0) && meets_the_picture(graph, id, window);
            pooling(graph, id).is_some() || (made && windows())
        }
        Streams::Pairs => {
            let second = reads_alike(graph, id, 1) || repeats(graph, id);
            made && reads_alike(graph, id, 0) && second
        }
        Streams::PairsAlike => made && reads_alike(graph, id, 0) && reads_alike(graph, id, 1),
        Streams::Channels => {
            let mut ports = graph.operands(id).into_iter();
            made && ports.all(|(port, _)| reads_rows(graph, id, port.0))
        }
        Streams::Shuffled => shuffle(graph, id).is_some(),
        // Planes become rows of pixels on the way.
        Streams::Converted => {
            let read = graph.operand(id, 0).map(|x| &graph.node(x).out.shape);
            made && read == Some(&out.shape)
        }
        Streams::Pooled => pooling(graph, id).is_some(),
    }
}

/// The reduction of an image by `id`, if it makes one number of each channel: the last two of four axes are the pixels,
/// and the channels of a pixel lie side by side. Axes of equal lengths elsewhere, of groups or of volumes, are no
/// pixels.
pub fn pooling(graph: &Graph, id: NodeId) -> Option<Reducer> {
    let Pooling { kind, size } = graph.node(id).op.traits().pools?;
    let x = &graph.node(graph.operand(id, 0)?).out;
    let whole = lies_in_pixels(x) && size.is_none_or(|size| x.shape[2..] == size);
    whole.then_some(kind)
}

/// True if a tensor is one image whose pixels lie one after the other; an image of one pixel does in any layout.
fn lies_in_pixels(tensor: &Tensor) -> bool {
    match tensor.shape.as_slice() {
        [1, _, 1, 1] => true,
        [1, _, _, _] => tensor.layout == Layout::Nhwc,
        _ => false,
    }
}

/// True if the operand of `id` at `port` lies as rows of the image that `id` sees.
pub fn reads_rows(graph: &Graph, id: NodeId, port: usize) -> bool {
    let Some(operand) = graph.operand(id, port) else { return false };
    let seen = picture(&graph.node(operand).out);
    seen.is_some() && lying(graph, operand) == seen
}

/// The channels of each pixel of an image, as `groups` rows of `each`, transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shuffle {
    /// Channels, height and width.
    pub picture: [usize; 3],
    /// Rows of channels.
    pub groups: usize,
    /// Channels of such a row.
    pub each: usize,
}

/// The channel shuffle that `id` does, if any.
pub fn shuffle(graph: &Graph, id: NodeId) -> Option<Shuffle> {
    let (Op::Transpose(perm), [pixels, each, groups]) =
        (&graph.node(id).op, graph.node(id).out.shape.as_slice())
    else {
        return None;
    };
    let maker = base(graph, graph.operand(id, 0)?);
    let picture = lying(graph, maker)?;
    let [c, h, w] = picture;
    let fits = *perm == [0, 2, 1] && *pixels == h * w && groups * each == c;
    fits.then_some(Shuffle { picture, groups: *groups, each: *each })
}

/// Channels, height and width of the image as which the memory of `id` is written; nothing if it is none.
pub fn lying(graph: &Graph, id: NodeId) -> Option<[usize; 3]> {
    let maker = base(graph, id);
    match graph.node(maker).op {
        Op::Transpose(_) => shuffle(graph, maker).map(|shuffle| shuffle.picture),
        // Everything else lies as its shape and layout say.
        _ => picture(&graph.node(maker).out),
    }
}

fn picture(tensor: &Tensor) -> Option<[usize; 3]> {
    match tensor.shape.as_slice() {
        [1, c, h, w] if tensor.layout == Layout::Nhwc && has_kernels(tensor) => Some([*c, *h, *w]),
        _ => None,
    }
}

fn has_kernels(tensor: &Tensor) -> bool {
    tensor.dtype.is_float() || tensor.dtype == Dtype::U8
}

/// True if `id` reads rows of an image like its own result at `port`.
fn reads_alike(graph: &Graph, id: NodeId, port: usize) -> bool {
    let seen = graph.operand(id, port).map(|x| &graph.node(x).out.shape);
    reads_rows(graph, id, port) && seen == Some(&graph.node(id).out.shape)
}

/// True if the second operand is one number, or a number a channel.
fn repeats(graph: &Graph, id: NodeId) -> bool {
    let Some(second) = graph.operand(id, 1).map(|x| &graph.node(x).out) else { return false };
    let axes = second.shape.iter().rev().enumerate();
    second.len() == 1 || axes.into_iter().all(|(from_last, dim)| *dim == 1 || from_last == 2)
}

/// True if each window holds a row of the image.
fn meets_the_picture(graph: &Graph, id: NodeId, window: Window) -> bool {
    let Window { kernel, stride, dilation, above } = window;
    let height = graph.operand(id, 0).map_or(0, |x| graph.node(x).out.shape[2]);
    let last = (graph.node(id).out.shape[2] - 1) * stride;
    (kernel - 1) * dilation >= above && last < above + height
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Reduce;

    fn mean_of(shape: &[usize], layout: Layout) -> Option<Reducer> {
        let mut graph = Graph::default();
        let x = graph.add_input("x", Tensor { layout, ..Tensor::f32(shape) });
        let mean = Op::Reduce(Reduce { kind: Reducer::Mean, axes: vec![2, 3] });
        let y = graph.add("y", mean, Tensor::f32(&shape[..2]), &[x]);
        pooling(&graph, y)
    }

    #[test]
    fn a_mean_over_pixels_pools_one_picture_alone() {
        assert_eq!(mean_of(&[1, 8, 4, 5], Layout::Nhwc), Some(Reducer::Mean));
        assert_eq!(mean_of(&[1, 8, 4, 5], Layout::RowMajor), None);
        assert_eq!(mean_of(&[4, 2, 4, 5], Layout::RowMajor), None);
        assert_eq!(mean_of(&[1, 8, 3, 4, 5], Layout::RowMajor), None);
    }
}
